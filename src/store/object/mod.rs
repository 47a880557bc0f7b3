//! Objects: immutable bytes under fresh names, in a folder, in S3 or in memory, and their
//! bounded local cache; and files and objects outside of the database ([`Outside`]).
//!
//! Promises: an object is never overwritten; once [`Objects::put`] or [`Upload::finish`] has
//! returned, the object is durable (on local files: the file and its folder are fsynced);
//! what a read returns has the length and the checksum that its [`ObjectRef`] or [`Part`]
//! says, or the read fails naming the object. Whether an object is part of the database is
//! not known here: metadata says so.
//!
//! The only folder that names `object_store`.

mod cache;
mod counters;
mod durable;
mod error;
mod location;
mod mapped;
mod names;
mod objects;
mod outside;
mod retry;
#[cfg(test)]
mod tests;
mod upload;

pub use cache::{Cache, CacheCounters, CacheFile};
pub use counters::{Counters, Counts};
pub use durable::{FileJournal, FileStep};
pub use error::{Error, Result};
pub use location::Location;
pub use names::{data_path, incarnation_of, index_path, process_folder, table_folder};
pub use objects::{Listed, ObjectRef, Objects, Part, Parts};
pub use outside::{Outside, OutsideError, OutsideSource, OutsideTarget};
pub use retry::Patience;
pub use upload::Upload;

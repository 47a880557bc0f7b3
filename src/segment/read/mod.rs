//! Reading segments: scans, look-ups by address and by key, vectors as flat arrays.
//!
//! All reads go through one primitive, [`chunks`]: the decoded columns of a row group, kept
//! in memory within a budget. Only searches of what is far away read less: [`remote`], [`pages`].

mod cached;
mod chunks;
mod codes;
mod find;
mod footer;
mod indexes;
mod pages;
mod reader;
mod remote;
mod scan;
mod take;
#[cfg(test)]
mod tests;
mod vectors;

pub use find::KeyMatch;
pub use footer::RowGroups;
pub(super) use footer::{FOOTER_KEY, FOOTER_TAIL_BYTES, FOOTER_VERSION, FooterEntry, GroupEntry};
pub use reader::{Reader, ReaderOptions};
pub use remote::RemotePart;
pub use scan::{Pruner, Scan};
pub use vectors::Vectors;
pub(super) use vectors::VectorsFile;

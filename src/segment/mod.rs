//! Rank 2: immutable data: format, write, read, deletes, statistics, merge.
//!
//! A [`TableVersion`] is a table at a snapshot: segments in order, each a Parquet object or
//! rows in memory, each with its deleted rows. [`Reader`] reads them, [`Writer`] makes new
//! ones, [`merge`] makes few of many. docs/format.md draws every byte.
//!
//! Uses `store/object` (bytes), `index` and `base`. Never looks into metadata, never decides which
//! segments a table has, never overwrites anything.

mod adapt;
mod bounds;
mod corrupt;
mod deletes;
mod fuse;
mod index_part;
mod inline;
mod inline_schema;
mod key_filter;
mod key_hash;
mod key_index;
#[cfg(test)]
mod measure;
mod memory;
mod meta;
mod pruning;
mod read;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod vector_pages;
mod version;
mod write;

pub use crate::store::object::{ObjectRef, Part};
pub use bounds::{Bound, ColumnStatistics};
pub use deletes::{decode_deletes, encode_deletes};
pub use index_part::{IndexModel, IndexPart};
pub use inline::{decode_inline, encode_inline};
pub use memory::MemoryRun;
pub use meta::{KeyFilterRef, SegmentMeta};
pub use pruning::{GroupStatistics, Statistics};
pub use read::{KeyMatch, Pruner, Reader, ReaderOptions, RemotePart, RowGroups, Scan, Vectors};
pub use rows::{InMemory, IndexParts, RowIdMap, Rows, Segment};
pub use schema::{ADDRESS, Column, ROW_ID, TableSchema};
pub use vector_pages::VectorPagesRef;
pub use version::{ObjectUnit, TableVersion, Unit, address, split_address};
pub use write::{Draft, Drafts, MergeMap, Merged, Moved, Writer, WriterOptions, merge};

//! Rank 7: background work, so that there is nothing to vacuum: small commits become objects,
//! small segments become larger ones, indexes are built over them, what nobody can reach goes.
//!
//! **Promise.** Nothing here changes what a statement sees, blocks a reader or fails a writer:
//! merges are published through `txn` as any commit is, deletes made meanwhile are carried
//! over, and an object is removed only when no snapshot on any node can reach it.
//!
//! May use `txn`, `catalog`, `segment`, `cluster`, `store`. A claim under the node's lease keeps
//! two nodes from doing the same work; it is a matter of cost, not of correctness.

mod check;
mod claim;
mod compaction;
mod garbage;
mod index_build;
mod index_points;
mod indexing;
mod living;
mod metadata;
mod pick;
mod reachable;
mod run;

#[cfg(test)]
mod tests;

pub use check::{Damage, TableSummary, check_objects, summarize};
pub use compaction::Compactor;
pub use garbage::Collector;
pub use indexing::Indexer;
pub use pick::Policy;
pub use run::{maintain, tell_oldest_revision};

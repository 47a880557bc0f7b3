//! Rank 6: snapshot, write set, flush, commit, publish. **A transaction is a flush.**
//!
//! A commit is a value with a life: an open [`WriteSet`] is consumed by the flush into a
//! [`Prepared`] commit (its objects are durable, and nobody can reach them), that by the
//! publisher into a revision. `publish.rs` holds the only compare-and-swap: users' commits,
//! DDL, compaction and garbage collection all go through it. Invariants:
//!
//! * What a commit changes becomes visible in one metadata transaction, or never.
//! * A commit is validated against the very snapshot whose version keys its transaction
//!   compares; a mismatch validates again.
//! * Whether a commit happened is never guessed: `resolve.rs` asks until the store answers.
//!
//! May use `catalog`, `segment`, `store`, `cluster`. Knows nothing of SQL.

mod change_set;
mod commit;
mod engine;
mod flush;
mod fold;
mod foreign_key;
mod index_builds;
mod index_parts;
mod key_code;
mod notices;
mod open_snapshots;
mod prepared;
mod publish;
mod rebase;
mod resolve;
mod rewrite;
mod row_ids;
mod row_locks;
mod sequence;
#[cfg(test)]
pub(crate) mod tests;
mod validate;
mod warm;
mod write_behind;
mod write_set;

pub use engine::{Consistency, Engine, EngineParts};
pub use foreign_key::still_referenced;
pub use index_builds::{BuildPhase, Building, IndexBuild, IndexBuilds};
pub use prepared::{MergeCommit, Prepared};
pub use rewrite::Rewrite;
pub use sequence::SequenceState;
pub use write_behind::WriteBehind;
pub use write_set::{Conflict, Savepoint, TableWrites, WriteSet};

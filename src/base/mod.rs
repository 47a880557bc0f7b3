//! Rank 0: what every layer may use and that uses no other layer: identifiers, limits, the
//! error that a client sees, and the world outside (time, randomness) behind traits.
//!
//! Does no I/O, but for making folders (`folder.rs`).

mod clock;
mod error;
mod fail_point;
mod folder;
mod ids;
pub mod limits;
#[cfg(test)]
pub(crate) mod mutation;
mod random;
pub mod scram;
mod sqlstate;
mod trace;

pub use clock::{Clock, ManualClock, SystemClock};
pub use error::{ErrorFields, Result, Severity, SqlError};
pub use fail_point::{FailPoint, FailPointPlace};
pub use folder::make_durable_folder;
pub use ids::{ColumnId, CommitId, Incarnation, Oid, Revision, RowIds, SegmentId};
pub use random::{OsRandom, Random, SeededRandom};
pub use sqlstate::SqlState;
pub use trace::{TRACE, commit_span, note_failure, note_rows, statement_span};

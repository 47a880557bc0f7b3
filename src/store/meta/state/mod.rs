//! The state machine behind [`Memory`](super::Memory) and [`Embedded`](super::Embedded): keys
//! with their history, leases, and whoever waits for the next revision.
//!
//! Transactions are decided on a [`Staging`] over a state that they only read, and become
//! visible when their [`Commit`]s are published. A store that must write them down first does
//! so between the two; one that need not publishes at once.
//!
//! * `history.rs`: [`State`], the keys' versions, the log of commits, compaction;
//! * `staging.rs`: [`Staging`], comparisons and operations over what is not published yet;
//! * `leases.rs`: who holds which lease, until when, and which keys go with it;
//! * `cursor.rs`: [`Published`], a state that others can wait for, and the watch over it.

mod cursor;
mod history;
mod leases;
mod staging;

pub(super) use cursor::Published;
pub(super) use history::{Commit, State};
pub(super) use staging::{Staged, Staging};

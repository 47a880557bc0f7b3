//! Rank 7: one connection: settings, prepared statements and their plans, transactions, dispatch.
//!
//! A [`Session`] takes statements one after the other, so that they take effect in the order in
//! which they were sent. It takes a snapshot from `txn`, has `plan` make or find a plan, and has
//! `exec` run it; what a transaction changes it keeps in a write set until COMMIT. Dropping a
//! session discards what was not flushed.
//!
//! Never speaks the protocol, never touches the database's stores: files of COPY are none of them.

mod activity;
mod advisory;
mod arguments;
mod await_index;
mod conflict;
mod connection;
mod constraint;
mod copy;
mod copy_file;
mod copy_progress;
mod cursor;
mod cursor_rows;
mod define;
mod dispatch;
mod elsewhere;
mod explain;
mod exported_snapshots;
mod host_rules;
mod identity;
mod inbox;
mod index_recall;
mod interrupt;
mod known_query;
mod listed;
mod listen;
mod merge;
mod modify;
mod outcome;
mod permit;
mod plan_cache;
mod plan_uses;
mod prepare;
mod procedure;
mod query;
mod references;
mod refresh;
mod row_locks;
mod server;
mod setting_list;
mod settings;
mod statement_statistics;
mod tables;
mod temporary;
mod together;
mod transaction;
mod truncate;
mod usual_settings;
mod utility;
mod values;
mod with_changes;

pub use activity::Counts;
pub use connection::{Session, Startup};
pub use copy::CopyIn;
pub use copy_progress::CopyProgress;
pub use elsewhere::{answer_others, drain_node};
pub use host_rules::HostRules;
pub use interrupt::Interrupt;
pub use listen::hear;
pub use outcome::{Mode, Outcome, Status};
pub use prepare::Prepared;
pub use server::{Authentication, Origin, Server, ServerParts};
pub use together::Together;

//! What functions ask the session that runs them: who, when, which settings, which sequences.
//!
//! Plans are shared by sessions, so none of it is ever part of a plan: an execution brings it
//! in its [`Run`](super::Run), and [`Slots`](super::Slots) hand it to the functions.

use std::fmt::Debug;

use futures::future::BoxFuture;

use crate::base::{Oid, Result};
use crate::cluster::LockTag;
use crate::types::TextContext;

/// An advisory lock as a call asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdvisoryLock {
    /// Which one.
    pub tag: LockTag,
    /// Exclusive rather than shared.
    pub exclusive: bool,
    /// Until the transaction's end rather than the session's.
    pub transaction: bool,
    /// Whether to wait for it.
    pub wait: bool,
}

/// A sequence as a call names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SequenceName {
    /// By name, looked up along the search path.
    Text(String),
    /// By oid: a `regclass`.
    Oid(Oid),
}

/// A session, as functions see it during one statement.
pub trait SessionValues: Send + Sync + Debug {
    /// When the transaction began, in microseconds since the Unix epoch: `now()`.
    fn transaction_start_us(&self) -> i64;
    /// When the statement began.
    fn statement_start_us(&self) -> i64;
    /// The time right now.
    fn clock_us(&self) -> i64;
    /// When the node began.
    fn node_start_us(&self) -> i64;
    /// How values are read and shown, the time zone among it.
    fn text_context(&self) -> TextContext;
    /// The role whose rights statements have.
    fn user(&self) -> &str;
    /// The role that the session is.
    fn session_user(&self) -> &str;
    /// The database.
    fn database(&self) -> &str;
    /// The connection's number.
    fn backend_pid(&self) -> i32;
    /// The schemas of the search path that exist, with those that nobody named or without.
    fn schemas(&self, implicit: bool) -> Vec<String>;
    /// A setting as SHOW prints it.
    ///
    /// # Errors
    /// 42704 when there is none of this name.
    fn setting(&self, name: &str) -> Result<String>;
    /// Changes a setting, until the transaction's end if `local`; returns what it is now.
    ///
    /// # Errors
    /// As SET.
    fn set_setting(&self, name: &str, value: &str, local: bool) -> Result<String>;
    /// `nextval`.
    ///
    /// # Errors
    /// 42P01, 42809, 2200H.
    fn next_value(&self, sequence: &SequenceName) -> Result<i64>;
    /// `currval`.
    ///
    /// # Errors
    /// 42P01, 55000 before the session's first `nextval`.
    fn current_value(&self, sequence: &SequenceName) -> Result<i64>;
    /// The next value of a sequence that no node has taken; none past its end.
    ///
    /// # Errors
    /// 42P01, 42809.
    fn untaken_value(&self, sequence: &SequenceName) -> Result<Option<i64>>;
    /// `lastval`.
    ///
    /// # Errors
    /// 55000 before the session's first `nextval`.
    fn last_value(&self) -> Result<i64>;
    /// `setval`.
    ///
    /// # Errors
    /// 42P01, 22003.
    fn set_value(&self, sequence: &SequenceName, value: i64, called: bool) -> Result<()>;
    /// The share of the true `k` nearest rows that searches through an index find, over so many rows
    /// of its table as queries; none for an empty table.
    ///
    /// # Errors
    /// 42704, 42809, 22023, and what reading says.
    fn index_recall(&self, index: &SequenceName, k: i64, samples: i64) -> Result<Option<f64>>;
    /// Brings the vectors and indexes of a table to this node's disk and memory; returns of how many
    /// segments.
    ///
    /// # Errors
    /// 42P01, and what reading says.
    fn prewarm(&self, table: &SequenceName) -> Result<i64>;
    /// Lets other transactions of this node take the statement's snapshot over while this transaction is
    /// open; its name.
    fn export_snapshot(&self) -> String;
    /// Stops what a connection, on whichever node, runs, or ends the connection; whether there is one.
    ///
    /// # Errors
    /// 42501.
    fn signal(&self, pid: i64, end: bool) -> Result<bool>;
    /// Takes an advisory lock; false: another session has it, and the call would not wait.
    ///
    /// # Errors
    /// 40P01, 55P03, 57P03.
    fn advisory_lock(&self, lock: AdvisoryLock) -> BoxFuture<'static, Result<bool>>;
    /// Gives a session's advisory lock back, once; whether it had it.
    fn advisory_unlock(&self, tag: LockTag, exclusive: bool) -> BoxFuture<'static, Result<bool>>;
    /// Gives all of the session's advisory locks back that don't belong to its transaction.
    fn advisory_unlock_all(&self) -> BoxFuture<'static, Result<()>>;
    /// Forgets how statements ran, of a role and of a query, zero: of all; returns when.
    ///
    /// # Errors
    /// 42501.
    fn reset_statistics(&self, user: Oid, query: i64) -> Result<i64>;
    /// Says something on a channel once the transaction is committed.
    ///
    /// # Errors
    /// 22023.
    fn notify(&self, channel: &str, payload: &str) -> Result<()>;
    /// The channels that the session listens to.
    fn channels(&self) -> Vec<String>;
    /// How much of the room for what was said and not heard yet is taken, from 0 to 1.
    fn queue_usage(&self) -> f64;
    /// A relation's name as `regclass` shows it: with its schema where the path needs it.
    fn relation_name(&self, relation: Oid) -> Option<String>;
}

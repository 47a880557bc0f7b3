//! What a connection does now: `pg_stat_activity`, and the counts that metrics show.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::base::Oid;
use crate::catalog::system::ActivityRow;
use crate::plan::Statement;

use super::copy_progress::CopyProgress;

/// How much of a statement is shown.
const QUERY_BYTES_MAX: usize = 1024;

/// A connection as others see it.
#[derive(Debug)]
pub(super) struct Activity {
    user: Oid,
    peer: Option<SocketAddr>,
    began_us: i64,
    now: Mutex<Now>,
}

/// What changes.
#[derive(Debug)]
struct Now {
    state: &'static str,
    query: Arc<str>,
    query_us: Option<i64>,
    transaction_us: Option<i64>,
    changed_us: i64,
    application: String,
    /// Ends with the COPY.
    copy: Weak<CopyProgress>,
}

impl Activity {
    /// Of a connection that has just been let in.
    pub(super) fn new(user: Oid, peer: Option<SocketAddr>, now_us: i64) -> Self {
        let now = Now {
            state: "idle",
            query: Arc::from(""),
            query_us: None,
            transaction_us: None,
            changed_us: now_us,
            application: String::new(),
            copy: Weak::new(),
        };
        Self { user, peer, began_us: now_us, now: Mutex::new(now) }
    }

    /// A statement begins.
    pub(super) fn begins(&self, query: &str, application: &str, now_us: i64) {
        let mut now = self.now.lock();
        let mut end = query.len().min(QUERY_BYTES_MAX);
        while !query.is_char_boundary(end) {
            end -= 1;
        }
        now.query = Arc::from(&query[..end]);
        now.state = "active";
        (now.query_us, now.changed_us) = (Some(now_us), now_us);
        now.transaction_us.get_or_insert(now_us);
        if now.application != application {
            application.clone_into(&mut now.application);
        }
    }

    /// It has ended; a transaction may be open, and may have failed.
    pub(super) fn ends(&self, transaction: Option<bool>, now_us: i64) {
        let mut now = self.now.lock();
        now.state = match transaction {
            None => "idle",
            Some(false) => "idle in transaction",
            Some(true) => "idle in transaction (aborted)",
        };
        if transaction.is_none() {
            now.transaction_us = None;
        }
        now.changed_us = now_us;
    }

    /// A COPY begins.
    pub(super) fn copies(&self, copy: &Arc<CopyProgress>) {
        self.now.lock().copy = Arc::downgrade(copy);
    }

    /// As a row.
    pub(super) fn row(&self, pid: i32) -> ActivityRow {
        let now = self.now.lock();
        ActivityRow {
            pid,
            user: self.user,
            application: now.application.clone(),
            peer: self.peer,
            began_us: self.began_us,
            transaction_us: now.transaction_us,
            query_us: now.query_us,
            changed_us: now.changed_us,
            state: now.state.to_owned(),
            query: now.query.to_string(),
            copy: now.copy.upgrade().map(|copy| copy.row()),
        }
    }
}

/// Running totals of all connections since the start.
#[derive(Debug, Default)]
pub(super) struct Totals {
    statements: AtomicU64,
    failed: AtomicU64,
    microseconds: AtomicU64,
    logins: AtomicU64,
    refused: AtomicU64,
}

/// The totals at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Statements that have ended.
    pub statements: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// How long they ran together.
    pub microseconds: u64,
    /// Connections that were let in.
    pub logins: u64,
    /// And those that were not, after they had proved who they are.
    pub refused: u64,
}

impl Totals {
    pub(super) fn statement(&self, failed: bool, microseconds: u64) {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.failed.fetch_add(u64::from(failed), Ordering::Relaxed);
        self.microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }

    pub(super) fn login(&self, refused: bool) {
        let counter = if refused { &self.refused } else { &self.logins };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn counts(&self) -> Counts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            statements: load(&self.statements),
            failed: load(&self.failed),
            microseconds: load(&self.microseconds),
            logins: load(&self.logins),
            refused: load(&self.refused),
        }
    }
}

/// A statement as others may see it and logs may have it: without passwords.
pub(super) fn shown<'a>(statement: &Statement, tag: &'a str, text: &'a str) -> &'a str {
    match statement {
        Statement::CreateRole(_) | Statement::AlterRole(_) => tag,
        _ => text,
    }
}

//! Snapshots that transactions of one node share: `pg_export_snapshot` and `SET TRANSACTION SNAPSHOT`.
//! One can be taken over for as long as the transaction that exported it is open.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::base::{Result, Revision, SqlError, SqlState};
use crate::catalog::Snapshot;
use crate::plan::statement::Isolation;
use crate::store::meta::Mirrored;

use super::connection::Session;
use super::outcome::Outcome;

/// All snapshots that a node's open transactions have exported, by name.
#[derive(Debug, Default)]
pub(super) struct ExportedSnapshots(Mutex<HashMap<String, Arc<Mirrored<Snapshot>>>>);

/// A snapshot that others may take over until this is dropped.
#[derive(Debug)]
pub(super) struct Exported {
    all: Arc<ExportedSnapshots>,
    snapshot: Arc<Mirrored<Snapshot>>,
    name: String,
}

impl Drop for Exported {
    fn drop(&mut self) {
        self.all.0.lock().remove(&self.name);
    }
}

/// Exports a snapshot of a connection's transaction, once; its name.
pub(super) fn export(
    all: &Arc<ExportedSnapshots>,
    own: &mut Vec<Exported>,
    snapshot: &Arc<Mirrored<Snapshot>>,
    pid: i32,
) -> String {
    if let Some(before) = own.iter().find(|of| Arc::ptr_eq(&of.snapshot, snapshot)) {
        return before.name.clone();
    }
    let Revision(revision) = snapshot.revision;
    let name = format!("{pid:08X}-{revision:08X}-{}", own.len() + 1);
    all.0.lock().insert(name.clone(), Arc::clone(snapshot));
    let (all, snapshot) = (Arc::clone(all), Arc::clone(snapshot));
    own.push(Exported { all, snapshot, name: name.clone() });
    name
}

impl Session {
    /// SET TRANSACTION SNAPSHOT.
    pub(super) fn import_snapshot(&mut self, name: &str) -> Result<Outcome> {
        let known = self.server.exported.0.lock().get(name).cloned();
        let Some(transaction) = self.transaction() else {
            let message = "SET TRANSACTION can only be used in transaction blocks";
            self.warn(SqlState::NO_ACTIVE_SQL_TRANSACTION, message);
            return Ok(Outcome::command("SET"));
        };
        if transaction.snapshot.is_some() || !transaction.writes.is_empty() {
            let message = "SET TRANSACTION SNAPSHOT must be called before any query";
            return Err(SqlError::new(SqlState::ACTIVE_SQL_TRANSACTION, message));
        }
        if transaction.isolation != Isolation::RepeatableRead {
            return Err(SqlError::unsupported(
                "a snapshot-importing transaction must have isolation level SERIALIZABLE or \
                 REPEATABLE READ",
            ));
        }
        let shaped = |c: char| c.is_ascii_digit() || ('A'..='F').contains(&c) || c == '-';
        if !name.chars().all(shaped) {
            let message = format!("invalid snapshot identifier: \"{name}\"");
            return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        let snapshot = known.ok_or_else(|| {
            let message = format!("snapshot \"{name}\" does not exist");
            SqlError::new(SqlState::UNDEFINED_OBJECT, message)
        })?;
        transaction.snapshot = Some(snapshot);
        Ok(Outcome::command("SET"))
    }
}

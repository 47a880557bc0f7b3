//! Rows that a transaction has read FOR UPDATE or FOR SHARE: its commit holds only if they are still
//! there.
//!
//! Rows FOR UPDATE that the transaction does not change itself it marks, by a key that its commit
//! puts: another transaction that has read one of them FOR UPDATE, before that commit, loses. So of two
//! transactions that lock the same row and write something, one comes after the other and has seen
//! what the other wrote. A mark is removed once nobody can have read before it.

use std::collections::BTreeMap;

use bytes::Bytes;
use roaring::{RoaringBitmap, RoaringTreemap};

use crate::base::limits::ROW_LOCKS_BYTES_MAX;
use crate::base::{Result, Revision, SegmentId, SqlError, SqlState};
use crate::catalog::Table;
use crate::store::meta::{Operation, Transaction};

use super::engine::Engine;
use super::prepared::PreparedTable;
use super::publish::serialization_failure;
use super::write_set::TableWrites;

/// Keys that one metadata transaction removes: within etcd's limits.
const KEYS_AT_ONCE: usize = 100;

/// Rows of a table that an open transaction relies on.
#[derive(Clone, Debug, Default)]
pub(super) struct LockedRows {
    /// All of them.
    pub(super) rows: BTreeMap<SegmentId, RoaringBitmap>,
    /// Those FOR UPDATE.
    pub(super) exclusive: BTreeMap<SegmentId, RoaringBitmap>,
    /// The oldest revision at which one was read.
    pub(super) since: Option<Revision>,
}

impl LockedRows {
    pub(super) fn add(&mut self, id: SegmentId, position: u32, exclusive: bool, at: Revision) {
        self.rows.entry(id).or_default().insert(position);
        if exclusive {
            self.exclusive.entry(id).or_default().insert(position);
        }
        self.since = Some(self.since.map_or(at, |since| since.min(at)));
    }
}

/// A mark's value.
pub(super) fn encode(rows: &RoaringTreemap) -> Result<Bytes> {
    let mut bytes = Vec::with_capacity(rows.serialized_size());
    rows.serialize_into(&mut bytes).map_err(|error| SqlError::internal(error.to_string()))?;
    if bytes.len() > ROW_LOCKS_BYTES_MAX {
        let message = "the transaction locks too many rows that it does not change";
        return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
    }
    Ok(bytes.into())
}

/// Whether nobody who has locked the same rows has committed since they were read.
pub(super) fn check_marks(table: &PreparedTable, now: &Table) -> Result<()> {
    if table.marks.is_empty() {
        return Ok(());
    }
    match now.is_locked_since(table.locked_since, &table.marks) {
        false => Ok(()),
        true => Err(serialization_failure(format!(
            "Another transaction has locked a row of table \"{}\" meanwhile.",
            table.name
        ))),
    }
}

impl Engine {
    /// What a flush relies on: rows that must be there, and those that it marks.
    pub(super) async fn flush_locks(
        &self,
        writes: &TableWrites,
        prepared: &mut PreparedTable,
    ) -> Result<()> {
        let locked = &writes.locked;
        if writes.truncated || locked.rows.is_empty() {
            return Ok(());
        }
        prepared.locked.clone_from(&locked.rows);
        prepared.locked_since = locked.since.unwrap_or_default();
        for (id, positions) in &locked.exclusive {
            let Some(source) = writes.sources.get(id).cloned() else { continue };
            let row_ids = self.row_ids_of(prepared.oid, source, positions).await?;
            prepared.marks.extend(row_ids);
        }
        Ok(())
    }

    /// Removes marks of rows that were locked where nobody can have read before them. Returns how many.
    ///
    /// # Errors
    /// When the metadata store is unavailable.
    pub async fn remove_row_locks(&self, horizon: Revision) -> Result<usize> {
        let now = self.current();
        let old = now.state.tables.values().flat_map(|table| {
            let commits = table.locked_until(horizon);
            commits.into_iter().map(|commit| self.keys().row_lock(table.oid(), commit))
        });
        let old: Vec<Bytes> = old.collect();
        for some in old.chunks(KEYS_AT_ONCE) {
            let operations = some.iter().cloned().map(Operation::delete).collect();
            self.meta().transact(Transaction { compares: Vec::new(), operations }).await?;
        }
        Ok(old.len())
    }
}

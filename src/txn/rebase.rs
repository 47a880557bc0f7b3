//! Looking at a commit again, with I/O, from a newer snapshot: rows that compaction moved are
//! found at their new place, keys and references are checked against what arrived.
//!
//! A row keeps its `_rowid` when segments merge, so its new place is found by that, on any node
//! and without remembering anything: the old segment's object is kept as long as a snapshot that
//! reads it is in use.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::base::{Oid, Result, SegmentId, SqlError};
use crate::catalog::{Snapshot, Table};
use crate::segment::{RowIdMap, Segment, TableVersion, split_address};
use crate::store::meta::Mirrored;

use super::engine::Engine;
use super::prepared::{Prepared, PreparedTable};
use super::publish::{altered, current, serialization_failure};
use super::write_set::{TableWrites, describe_key, duplicate_key};

impl Engine {
    /// Checks a commit against a snapshot, and moves it there.
    ///
    /// # Errors
    /// 40001, 23505, 23503, 42P01: it has lost.
    pub(super) async fn revalidate(
        &self,
        prepared: &mut Prepared,
        snapshot: Arc<Mirrored<Snapshot>>,
    ) -> Result<()> {
        if prepared.merge.is_some() {
            // The publisher finds out in memory.
            prepared.checked = snapshot;
            return Ok(());
        }
        for table in &mut prepared.tables {
            let now = current(&snapshot.state, table.oid, &table.name)?;
            if now.schema_version != table.schema_version {
                return Err(altered(&table.name));
            }
            self.rebase_deletes(table, &prepared.checked, now).await?;
            self.check_keys(table, now).await?;
        }
        self.check_references(prepared, &snapshot).await?;
        prepared.checked = snapshot;
        Ok(())
    }

    /// Finds rows to delete, or to rely on, whose segments were merged.
    async fn rebase_deletes(
        &self,
        table: &mut PreparedTable,
        checked: &Mirrored<Snapshot>,
        now: &Table,
    ) -> Result<()> {
        let PreparedTable { oid, name, deleted, locked, sources, .. } = table;
        for rows in [deleted, locked] {
            let moved = |id: &SegmentId| now.version.find(*id).is_none();
            let gone: Vec<SegmentId> = rows.keys().copied().filter(moved).collect();
            for id in gone {
                let positions = rows.remove(&id).unwrap_or_default();
                let then = sources.get(&id).cloned().or_else(|| {
                    let table = checked.state.tables.get(oid)?;
                    table.version.find(id).map(|(_, segment)| segment.clone())
                });
                let then = then.ok_or_else(|| concurrent(name))?;
                for (segment, positions) in self.relocate(now, then, &positions).await? {
                    *rows.entry(segment).or_default() |= positions;
                }
            }
        }
        for (id, positions) in table.deleted.iter().chain(&table.locked) {
            let segment = now.version.find(*id);
            if segment.is_none_or(|(_, segment)| !segment.deleted.is_disjoint(positions)) {
                return Err(concurrent(&table.name));
            }
        }
        Ok(())
    }

    /// Moves the positions that an open transaction has deleted or locked to where compaction has put the
    /// rows since, so that its next statement, on a newer snapshot, knows them as deleted.
    ///
    /// # Errors
    /// 40001 when one of the rows is gone: another transaction has deleted it.
    pub async fn follow_merges(&self, writes: &mut TableWrites, now: &Table) -> Result<()> {
        let TableWrites { deleted, locked, sources, .. } = writes;
        let mut found = Vec::new();
        for rows in [deleted, &mut locked.rows, &mut locked.exclusive] {
            let moved = |id: &SegmentId| now.version.find(*id).is_none();
            let gone: Vec<SegmentId> = rows.keys().copied().filter(moved).collect();
            for id in gone {
                let positions = rows.remove(&id).unwrap_or_default();
                let source = sources.get(&id).cloned().ok_or_else(|| concurrent(name(now)))?;
                for (id, positions) in self.relocate(now, source, &positions).await? {
                    found.push(id);
                    *rows.entry(id).or_default() |= positions;
                }
            }
        }
        sources.retain(|id, _| now.version.find(*id).is_some());
        for id in found {
            if let Some((_, segment)) = now.version.find(id) {
                sources.insert(id, segment.clone());
            }
        }
        Ok(())
    }

    /// Where rows of a segment that was merged away are now.
    ///
    /// # Errors
    /// 40001 when one of them is gone.
    async fn relocate(
        &self,
        now: &Table,
        source: Segment,
        positions: &RoaringBitmap,
    ) -> Result<BTreeMap<SegmentId, RoaringBitmap>> {
        let row_ids = self.row_ids_of(now.oid(), source, positions).await?;
        let found = self.find_row_ids(&now.version, &row_ids).await?;
        if found.values().map(RoaringBitmap::len).sum::<u64>() != positions.len() {
            return Err(concurrent(name(now)));
        }
        Ok(found)
    }

    /// The row ids of some rows of a segment.
    pub(super) async fn row_ids_of(
        &self,
        table: Oid,
        segment: Segment,
        positions: &RoaringBitmap,
    ) -> Result<HashSet<u64>> {
        let version = TableVersion::of(table, [segment]);
        let mut row_ids = HashSet::new();
        for unit in version.units() {
            let ids = self.reader().row_ids(&unit).await?;
            row_ids.extend(positions.iter().map(|position| ids.get(position)));
        }
        Ok(row_ids)
    }

    /// Where live rows with these ids are.
    async fn find_row_ids(
        &self,
        version: &TableVersion,
        wanted: &HashSet<u64>,
    ) -> Result<BTreeMap<SegmentId, RoaringBitmap>> {
        let mut found: BTreeMap<SegmentId, RoaringBitmap> = BTreeMap::new();
        for unit in version.units() {
            if let Some(RowIdMap::Contiguous(ids)) = unit.row_ids()
                && !wanted.iter().any(|id| (ids.first..ids.first + ids.count).contains(id))
            {
                continue;
            }
            let ids = self.reader().row_ids(&unit).await?;
            for position in 0..unit.total_rows() {
                if wanted.contains(&ids.get(position)) && !unit.deleted().contains(position) {
                    let (ordinal, position) = split_address(unit.address(position));
                    let segment = version.segment(ordinal);
                    let segment = segment.ok_or_else(|| SqlError::internal("no such segment"))?;
                    found.entry(segment.id).or_default().insert(position);
                }
            }
        }
        Ok(found)
    }

    /// The keys that come must be free once this commit's deletes are done.
    async fn check_keys(&self, table: &PreparedTable, now: &Arc<Table>) -> Result<()> {
        let unchanged = table.keys_checked_at == Some(now.appends);
        if !table.has_new_keys() || table.truncate || unchanged {
            return Ok(());
        }
        let remaining = remaining(&now.version, &table.deleted);
        if remaining.total_row_count() == 0 {
            return Ok(());
        }
        for keys in table.keys.iter().filter(|keys| !keys.codes.is_empty()) {
            for columns in &keys.columns {
                let codes = keys.coder.codes(columns)?;
                let key = keys.coder.columns();
                let found = self.reader().find_keys(&remaining, key, columns, &|_| false).await?;
                let taken = found
                    .into_iter()
                    .find(|found| codes[found.key].is_some_and(|code| keys.codes.contains(&code)));
                if let Some(taken) = taken {
                    let code = codes[taken.key].unwrap_or_default();
                    if let Some(lost) = keys.lost_race(code, &now.definition.name) {
                        return Err(lost);
                    }
                    let mut error =
                        duplicate_key(&keys.constraint).with_table("", &now.definition.name);
                    if let Some(values) = describe_key(now, keys.coder.ids(), columns, taken.key) {
                        error = error.with_detail(format!("Key {values} already exists."));
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// A version without the rows that a commit deletes.
pub(super) fn remaining(
    version: &TableVersion,
    deleted: &BTreeMap<SegmentId, RoaringBitmap>,
) -> TableVersion {
    let mut remaining = version.clone();
    for (segment, positions) in deleted {
        remaining.delete(*segment, positions);
    }
    remaining
}

fn name(table: &Table) -> &str {
    &table.definition.name
}

fn concurrent(table: &str) -> SqlError {
    serialization_failure(format!(
        "Another transaction has changed a row of table \"{table}\" meanwhile."
    ))
}

//! Whether a prepared commit still holds: in memory only, so that the publisher never waits.

use std::sync::Arc;

use crate::base::{Oid, Result, Revision, SqlError};
use crate::catalog::{Keys, Snapshot, Table, encode_notifications};
use crate::segment::{self, Rows, Segment, TableVersion};
use crate::store::meta::{Compare, Operation};

use super::key_code::KeyCode;
use super::notices::check_queue;
use super::prepared::{MergeCommit, NewKeys, Prepared, PreparedTable};
use super::publish::{Step, altered, current, serialization_failure};
use super::row_locks::{self, check_marks};
use super::write_set::duplicate_key;

/// What a look at the newest state says.
pub(super) enum Check {
    /// It holds.
    Valid,
    /// Only I/O can tell: look again outside of the publisher.
    Stale,
    /// It lost a race.
    Lost(SqlError),
}

/// Looks at a commit in the light of a state that may be newer than the one it was checked
/// against.
pub(super) fn validate(prepared: &Prepared, state: &Snapshot) -> Check {
    if let Some(merge) = &prepared.merge {
        return validate_merge(merge, state);
    }
    if let Err(error) = check_queue(&prepared.notifications, state) {
        return Check::Lost(error);
    }
    let mut stale = false;
    for table in &prepared.tables {
        match validate_table(prepared, table, state) {
            Ok(true) => {}
            Ok(false) => stale = true,
            Err(error) => return Check::Lost(error),
        }
    }
    if stale { Check::Stale } else { Check::Valid }
}

/// False where only I/O can tell.
fn validate_table(prepared: &Prepared, table: &PreparedTable, state: &Snapshot) -> Result<bool> {
    let now = current(state, table.oid, &table.name)?;
    if now.schema_version != table.schema_version {
        return Err(altered(&table.name));
    }
    let Some(then) = prepared.checked_table(table.oid) else { return Ok(false) };
    check_marks(table, now)?;
    if !check_deletes(table, now)? {
        // A row that was changed by another may have its key in a new row: that is a lost race,
        // not a duplicate. Once its rows are found again, the keys are checked.
        return Ok(false);
    }
    let mut certain = true;
    if !Arc::ptr_eq(now, then) && table.has_new_keys() {
        certain &= check_keys(table, now, then)?;
    }
    let same = |oid: &Oid, of: fn(&Table) -> Revision| {
        let then = prepared.checked_table(*oid).map(|table| of(table));
        then == state.tables.get(oid).map(|table| of(table))
    };
    certain &= table.relies_on_deletes.iter().all(|oid| same(oid, |table| table.deletes));
    certain &= table.relies_on_appends.iter().all(|oid| same(oid, |table| table.appends));
    Ok(certain)
}

/// The rows that go, and those that were locked, must still be there.
fn check_deletes(table: &PreparedTable, now: &Table) -> Result<bool> {
    let mut certain = true;
    for (id, positions) in table.deleted.iter().chain(&table.locked) {
        match now.version.find(*id) {
            Some((_, segment)) if segment.deleted.is_disjoint(positions) => {}
            Some(_) => {
                return Err(serialization_failure(format!(
                    "Another transaction has changed a row of table \"{}\" meanwhile.",
                    table.name
                )));
            }
            // Truncated, or merged with others: the rebase finds out.
            None => certain = false,
        }
    }
    Ok(certain)
}

/// The keys that come must not be those of rows that came meanwhile.
fn check_keys(table: &PreparedTable, now: &Table, then: &Table) -> Result<bool> {
    if now.appends == then.appends || table.truncate {
        return Ok(true);
    }
    for segment in now.version.added_since(&then.version) {
        let Rows::Memory(rows) = &segment.rows else { return Ok(false) };
        for keys in table.keys.iter().filter(|keys| !keys.codes.is_empty()) {
            if let Some(columns) = key_columns(rows, keys)
                && let Some(code) = first_of(keys, &columns, segment)?
            {
                let lost = keys.lost_race(code, &table.name);
                return Err(lost.unwrap_or_else(|| duplicate_key(&keys.constraint)));
            }
        }
    }
    Ok(true)
}

fn key_columns(rows: &segment::InMemory, keys: &NewKeys) -> Option<Vec<arrow::array::ArrayRef>> {
    keys.coder.ids().iter().map(|id| rows.column(*id).cloned()).collect()
}

/// The first of the keys that a live row of the segment has.
fn first_of(
    keys: &NewKeys,
    columns: &[arrow::array::ArrayRef],
    segment: &Segment,
) -> Result<Option<KeyCode>> {
    let codes = keys.coder.codes(columns)?;
    let live = |position| !segment.deleted.contains(position);
    let mut found = codes.into_iter().zip(0u32..).filter_map(|(code, position)| {
        code.filter(|code| keys.codes.contains(code) && live(position))
    });
    Ok(found.next())
}

fn validate_merge(merge: &MergeCommit, state: &Snapshot) -> Check {
    let lost = |what: &str| Check::Lost(serialization_failure(what));
    let Some(now) = state.tables.get(&merge.table) else {
        return lost("The table was dropped.");
    };
    if now.generation != merge.source.generation {
        return lost("The table was truncated.");
    }
    if now.schema_version != merge.source.schema_version {
        return lost("The table was altered.");
    }
    let there = |id| now.version.find(id).is_some();
    if merge.inputs.iter().all(|id| there(*id)) {
        Check::Valid
    } else {
        lost("A segment was merged by another.")
    }
}

impl Prepared {
    /// Whether no other commit may share its transaction: a truncation removes what is older than
    /// its revision, and a merge carries over deletes that the mirror has seen.
    pub(super) fn publishes_alone(&self) -> bool {
        self.merge.is_some() || self.tables.iter().any(|table| table.truncate)
    }

    /// Adds what this commit compares and puts. `base` is the state that the mirror has, whose
    /// version keys are compared.
    pub(super) fn write(&self, keys: &Keys, base: &Snapshot, step: &mut Step) -> Result<()> {
        if let Some(merge) = &self.merge {
            return merge.write(self, keys, base, step);
        }
        if !self.notifications.is_empty() {
            let said = encode_notifications(&self.notifications)?;
            step.operations.push(Operation::put(keys.notifications(self.id), said));
        }
        for table in &self.tables {
            self.write_table(table, keys, base, step)?;
        }
        Ok(())
    }

    fn write_table(
        &self,
        table: &PreparedTable,
        keys: &Keys,
        base: &Snapshot,
        step: &mut Step,
    ) -> Result<()> {
        let now = current(base, table.oid, &table.name)?;
        let oid = table.oid;
        step.unchanged(keys.schema_version(oid), now.schema_version);
        if table.appends() {
            step.touched.push(keys.appends(oid));
        }
        if table.has_new_keys() && !table.truncate {
            step.unchanged(keys.appends(oid), now.appends);
        }
        if table.deletes() {
            step.unchanged(keys.deletes(oid), now.deletes);
            step.touched.push(keys.deletes(oid));
        }
        if !table.locked.is_empty() {
            step.unchanged(keys.deletes(oid), now.deletes);
        }
        if !table.marks.is_empty() {
            // Others that have locked the same rows must look.
            if !table.deletes() {
                step.touched.push(keys.deletes(oid));
            }
            let marks = row_locks::encode(&table.marks)?;
            step.operations.push(Operation::put(keys.row_lock(oid, self.id), marks));
        }
        for other in &table.relies_on_deletes {
            let revision = base.tables.get(other).map_or(Revision(0), |table| table.deletes);
            step.unchanged(keys.deletes(*other), revision);
        }
        for other in &table.relies_on_appends {
            let revision = base.tables.get(other).map_or(Revision(0), |table| table.appends);
            step.unchanged(keys.appends(*other), revision);
        }
        if table.truncate {
            step.operations.push(Operation::put(keys.generation(oid), self.id.to_string()));
        }
        for segment in &table.segments {
            step.operations.push(Operation::put(keys.segment(oid, segment.id), segment.encode()?));
        }
        if let Some(inline) = &table.inline {
            let key = keys.inline(oid, inline.id);
            step.operations.push(Operation::put(key, inline.encoded.clone()));
        }
        for (segment, positions) in table.deleted.iter().chain(&table.own_deleted) {
            let key = keys.deleted(oid, *segment, self.id);
            step.operations.push(Operation::put(key, segment::encode_deletes(positions)));
        }
        Ok(())
    }
}

impl MergeCommit {
    fn write(
        &self,
        prepared: &Prepared,
        keys: &Keys,
        base: &Snapshot,
        step: &mut Step,
    ) -> Result<()> {
        let oid = self.table;
        let now = current(base, oid, "")?;
        step.unchanged(keys.schema_version(oid), now.schema_version);
        step.unchanged(keys.generation(oid), now.generation);
        // Deletes that come meanwhile name the inputs: they must see that those are gone.
        step.unchanged(keys.deletes(oid), now.deletes);
        step.touched.push(keys.deletes(oid));
        for id in &self.inputs {
            let segment = keys.segment(oid, *id);
            if now.listed.contains(id) {
                step.operations.push(Operation::put(segment, Vec::new()));
            } else if now.inline.contains(id) {
                step.operations.push(Operation::delete(keys.inline(oid, *id)));
            } else {
                step.operations.push(Operation::delete(segment));
            }
            if now.version.find(*id).is_some_and(|(_, segment)| !segment.deleted.is_empty()) {
                step.operations.push(Operation::Delete(keys.all_deleted(oid, *id)));
            }
            // One may be published at this moment, so all that could be are removed.
            let indexes = now.definition.vector_indexes().filter(|_| !now.inline.contains(id));
            for index in indexes {
                step.operations.push(Operation::delete(keys.index_part(oid, index.oid, *id)));
            }
        }
        for segment in &self.outputs {
            let key = keys.segment(oid, segment.id);
            step.operations.push(Operation::put(key, segment.encode()?));
        }
        let defined = |index: Oid| now.definition.vector_indexes().any(|now| now.oid == index);
        for part in self.indexes.iter().filter(|part| defined(part.index)) {
            step.compares.push(Compare::Present(keys.index_exists(oid, part.index)));
            let key = keys.index_part(oid, part.index, part.segment);
            step.operations.push(Operation::put(key, part.encode()?));
        }
        for (segment, positions) in self.carry_over(&now.version)? {
            let key = keys.deleted(oid, segment, prepared.id);
            step.operations.push(Operation::put(key, segment::encode_deletes(&positions)));
        }
        Ok(())
    }

    /// Deletes that were committed since the merge read its inputs, as positions of the outputs.
    fn carry_over(
        &self,
        now: &TableVersion,
    ) -> Result<std::collections::BTreeMap<crate::base::SegmentId, roaring::RoaringBitmap>> {
        let mut carried = std::collections::BTreeMap::new();
        for id in &self.inputs {
            let (Some((_, then)), Some((_, now))) = (self.source.version.find(*id), now.find(*id))
            else {
                return Err(SqlError::internal("a merge's input is gone"));
            };
            for position in (&*now.deleted - &*then.deleted).iter() {
                let moved = self.moved.find(*id, position).ok_or_else(|| {
                    SqlError::internal("a merge has lost a row that was live when it began")
                })?;
                let positions: &mut roaring::RoaringBitmap =
                    carried.entry(moved.segment).or_default();
                positions.insert(moved.position);
            }
        }
        Ok(carried)
    }
}

//! Foreign keys, checked at commit against the newest snapshot with the commit's own changes.
//!
//! A child's new values must be keys of the parent, and keys that leave a parent must not be a
//! child's values. The commit then relies on nobody deleting from the parent, or adding to the
//! child, before it is published: the version keys that its transaction compares.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::cast;

use crate::base::{ColumnId, Result, SqlError, SqlState};
use crate::catalog::{ForeignKeyDef, Snapshot, Table};
use crate::segment::{Column, TableVersion, address};
use crate::store::meta::Mirrored;

use super::engine::Engine;
use super::key_code::{KeyCode, KeyCoder};
use super::prepared::{Prepared, PreparedTable};
use super::publish::serialization_failure;
use super::rebase::remaining;
use super::write_set::describe_key;

impl Engine {
    /// Checks all foreign keys that a commit touches.
    ///
    /// # Errors
    /// 23503.
    pub(super) async fn check_references(
        &self,
        prepared: &mut Prepared,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<()> {
        let state = &snapshot.state;
        for place in 0..prepared.tables.len() {
            let oid = prepared.tables[place].oid;
            let Some(table) = state.tables.get(&oid) else { continue };
            if table.definition.unchecked {
                continue;
            }
            let mut parents = Vec::new();
            let own = &prepared.tables[place];
            let references = own.references.iter().zip(&own.taken_back);
            for (foreign, (batches, taken_back)) in
                table.definition.foreign_keys.iter().zip(references)
            {
                let Some(parent) = state.tables.get(&foreign.table) else { continue };
                let values = Values { batches, taken_back };
                for columns in batches {
                    self.check_child(prepared, (table, parent), foreign, &values, columns).await?;
                }
                if !batches.is_empty() {
                    parents.push(foreign.table);
                }
            }
            let mut children = Vec::new();
            if prepared.tables[place].deletes() {
                for child in state.tables.values() {
                    for foreign in child.definition.foreign_keys.iter().filter(|f| f.table == oid) {
                        self.check_parent(prepared, table, child, foreign).await?;
                        children.push(child.oid());
                    }
                }
            }
            let prepared = &mut prepared.tables[place];
            prepared.relies_on_deletes = parents;
            prepared.relies_on_appends = children;
        }
        Ok(())
    }

    /// New values of a child must be keys of its parent.
    async fn check_child(
        &self,
        prepared: &Prepared,
        (child, parent): (&Table, &Arc<Table>),
        foreign: &ForeignKeyDef,
        all: &Values<'_>,
        values: &[ArrayRef],
    ) -> Result<()> {
        let coder = KeyCoder::new(&parent.schema, &foreign.referenced, false)?;
        let keys = convert(values, coder.columns())?;
        let codes = coder.codes(&keys)?;
        let own = prepared.tables.iter().find(|table| table.oid == parent.oid());
        let left = own.map_or_else(|| (*parent.version).clone(), |own| left_of(parent, own));
        let mut known = own.map(|own| own_codes(own, &coder)).unwrap_or_default();
        let found = self.reader().find_keys(&left, coder.columns(), &keys, &|_| false).await?;
        known.extend(found.into_iter().filter_map(|found| codes[found.key]));
        let mut missing = codes
            .iter()
            .enumerate()
            .filter_map(|(row, code)| Some((row, (*code)?)))
            .filter(|(_, code)| !known.contains(code))
            .peekable();
        if missing.peek().is_none() {
            return Ok(());
        }
        let stay = all.that_stay(&coder)?;
        match missing.find(|(_, code)| stay.get(code).is_some_and(|rows| *rows > 0)) {
            None => Ok(()),
            Some((row, _)) => Err(not_present(child, parent, foreign, values, row)),
        }
    }

    /// Keys that leave a parent must not be values of its children.
    async fn check_parent(
        &self,
        prepared: &Prepared,
        parent: &Table,
        child: &Table,
        foreign: &ForeignKeyDef,
    ) -> Result<()> {
        let Some(own) = prepared.tables.iter().find(|table| table.oid == parent.oid()) else {
            return Ok(());
        };
        let coder = KeyCoder::new(&parent.schema, &foreign.referenced, false)?;
        let kept = own_codes(own, &coder);
        let mut addresses = Vec::new();
        for (id, positions) in &own.deleted {
            if let Some((ordinal, _)) = parent.version.find(*id) {
                addresses.extend(positions.iter().map(|position| address(ordinal, position)));
            }
        }
        if own.truncate {
            addresses = live_addresses(&parent.version);
        }
        if addresses.is_empty() {
            return Ok(());
        }
        let gone = self.reader().take(&parent.version, &addresses, coder.columns()).await?;
        let codes = coder.codes(gone.columns())?;
        let columns = child_columns(child, &foreign.columns)?;
        let values = convert(gone.columns(), &columns)?;
        let own_child = prepared.tables.iter().find(|table| table.oid == child.oid());
        let left = own_child.map_or_else(|| (*child.version).clone(), |own| left_of(child, own));
        let found = self.reader().find_keys(&left, &columns, &values, &|_| false).await?;
        let referenced = found
            .into_iter()
            .find(|found| codes[found.key].is_some_and(|code| !kept.contains(&code)));
        match referenced {
            None => Ok(()),
            // The statement has dealt with the rows that were there.
            Some(_) if foreign.on_delete.changes_rows() || foreign.on_update.changes_rows() => {
                Err(serialization_failure(format!(
                    "Another transaction has added a row to table \"{}\" that refers to one which \
                     goes.",
                    child.definition.name
                )))
            }
            Some(found) => {
                Err(still_referenced(parent, child, foreign, (gone.columns(), found.key), false))
            }
        }
    }
}

/// A child's new values of one foreign key.
struct Values<'a> {
    batches: &'a [Vec<ArrayRef>],
    /// Those among them whose rows the transaction took back.
    taken_back: &'a [Vec<ArrayRef>],
}

impl Values<'_> {
    /// How many new rows have which key.
    fn that_stay(&self, coder: &KeyCoder) -> Result<HashMap<KeyCode, i64>> {
        let mut rows = HashMap::new();
        for (batches, one) in [(self.batches, 1), (self.taken_back, -1)] {
            for values in batches {
                for code in coder.codes(&convert(values, coder.columns())?)?.into_iter().flatten() {
                    *rows.entry(code).or_default() += one;
                }
            }
        }
        Ok(rows)
    }
}

/// Committed rows that a commit leaves.
fn left_of(table: &Table, own: &PreparedTable) -> TableVersion {
    if own.truncate {
        return TableVersion::empty(table.oid());
    }
    remaining(&table.version, &own.deleted)
}

/// The keys that a commit itself adds, of the constraint that a foreign key refers to.
fn own_codes(own: &PreparedTable, coder: &KeyCoder) -> HashSet<KeyCode> {
    let same = |ids: &[ColumnId]| {
        let mut left = ids.to_vec();
        let mut right = coder.ids().to_vec();
        left.sort_unstable();
        right.sort_unstable();
        left == right
    };
    let Some(keys) = own.keys.iter().find(|keys| same(keys.coder.ids())) else {
        return HashSet::new();
    };
    // The same columns may stand in another order: code them as the foreign key does.
    let mut codes = HashSet::new();
    for columns in &keys.columns {
        let taken = keys.coder.codes(columns).unwrap_or_default();
        let ordered: Option<Vec<ArrayRef>> = coder
            .ids()
            .iter()
            .map(|id| {
                let place = keys.coder.ids().iter().position(|other| other == id)?;
                columns.get(place).cloned()
            })
            .collect();
        let ordered = ordered.and_then(|ordered| coder.codes(&ordered).ok()).unwrap_or_default();
        for (code, taken) in ordered.into_iter().zip(taken) {
            if taken.is_some_and(|taken| keys.codes.contains(&taken)) {
                codes.extend(code);
            }
        }
    }
    codes
}

fn child_columns(child: &Table, ids: &[ColumnId]) -> Result<Vec<Column>> {
    let coder = KeyCoder::new(&child.schema, ids, false)?;
    Ok(coder.columns().to_vec())
}

fn convert(values: &[ArrayRef], columns: &[Column]) -> Result<Vec<ArrayRef>> {
    values
        .iter()
        .zip(columns)
        .map(|(values, column)| {
            cast(values, column.data_type()).map_err(|error| SqlError::internal(error.to_string()))
        })
        .collect()
}

fn live_addresses(version: &TableVersion) -> Vec<u64> {
    let mut addresses = Vec::new();
    for unit in version.units() {
        let live = (0..unit.total_rows()).filter(|position| !unit.deleted().contains(*position));
        addresses.extend(live.map(|position| unit.address(position)));
    }
    addresses
}

fn not_present(
    child: &Table,
    parent: &Table,
    foreign: &ForeignKeyDef,
    values: &[ArrayRef],
    row: usize,
) -> SqlError {
    let name = &child.definition.name;
    let message = format!(
        "insert or update on table \"{name}\" violates foreign key constraint \"{}\"",
        foreign.name
    );
    let key = describe_key(child, &foreign.columns, values, row).unwrap_or_default();
    SqlError::new(SqlState::FOREIGN_KEY_VIOLATION, message)
        .with_detail(format!("Key {key} is not present in table \"{}\".", parent.definition.name))
        .with_table("", name)
        .with_constraint(&foreign.name)
}

/// 23503, or 23001 for RESTRICT: a key that goes is still a child's value.
pub fn still_referenced(
    parent: &Table,
    child: &Table,
    foreign: &ForeignKeyDef,
    (values, row): (&[ArrayRef], usize),
    restrict: bool,
) -> SqlError {
    let (parent_name, child_name) = (&parent.definition.name, &child.definition.name);
    let (state, setting, still) = match restrict {
        true => (SqlState::RESTRICT_VIOLATION, "RESTRICT setting of ", ""),
        false => (SqlState::FOREIGN_KEY_VIOLATION, "", "still "),
    };
    let message = format!(
        "update or delete on table \"{parent_name}\" violates {setting}foreign key constraint \
         \"{}\" on table \"{child_name}\"",
        foreign.name
    );
    let key = describe_key(parent, &foreign.referenced, values, row).unwrap_or_default();
    SqlError::new(state, message)
        .with_detail(format!("Key {key} is {still}referenced from table \"{child_name}\"."))
        .with_table("", child_name)
        .with_constraint(&foreign.name)
}

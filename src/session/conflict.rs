//! ON CONFLICT: rows whose key is taken are left out, or change the row that has it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, UInt64Array};
use arrow::compute::{
    concat_batches, filter_record_batch, interleave_record_batch, take_record_batch,
};
use arrow::datatypes::UInt64Type;
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt;

use crate::base::{Result, SqlError, SqlState};
use crate::catalog::{KeyDef, Table, TableDef};
use crate::exec::Run;
use crate::plan::statement::{ConflictAction, ConflictTarget, OnConflict};
use crate::plan::{ConflictUpdate, PlanContext, Planner, RowsQuery};
use crate::segment::{Column, TableVersion, address};
use crate::txn::Conflict;
use crate::types::PgType;

use super::connection::Session;
use super::constraint::{EXISTING_ROW, NEW_ROW};
use super::copy::with_schema;
use super::modify::{RowPolicies, arrow_error};
use super::references::Gone;

/// What happens to rows whose key is taken.
#[derive(Debug)]
pub(super) enum PlannedConflict {
    /// They are left out, by these keys: places in the definition's list.
    Nothing(Vec<usize>),
    /// They change the row that has the key.
    Update {
        /// The arbiter's place in the definition's list of keys.
        key: usize,
        /// What the row becomes.
        update: Box<ConflictUpdate>,
    },
}

impl PlannedConflict {
    /// DO UPDATE's plan.
    pub(super) fn update(&self) -> Option<&ConflictUpdate> {
        match self {
            Self::Nothing(_) => None,
            Self::Update { update, .. } => Some(update),
        }
    }
}

/// One execution of ON CONFLICT DO UPDATE.
#[derive(Debug)]
pub(super) struct Upsert<'a> {
    pub(super) update: &'a ConflictUpdate,
    pub(super) key: usize,
    pub(super) checks: Option<&'a RowsQuery>,
    pub(super) policies: &'a RowPolicies,
    pub(super) table: &'a Arc<Table>,
    /// The table as the statement sees it.
    pub(super) version: &'a TableVersion,
    pub(super) parameters: &'a [ScalarValue],
    pub(super) run: &'a Run,
}

/// Plans the ON CONFLICT clause of an INSERT into a table with an alias.
pub(super) fn plan_conflict(
    planner: &Arc<Planner>,
    context: &PlanContext,
    (table, alias): (&Table, Option<&str>),
    clause: &OnConflict,
    types: &[Option<PgType>],
) -> Result<PlannedConflict> {
    let keys = arbiters(&table.definition, clause)?;
    let ConflictAction::Update { assignments, filter } = &clause.action else {
        return Ok(PlannedConflict::Nothing(keys));
    };
    let [key] = keys.as_slice() else {
        return Err(SqlError::internal("DO UPDATE without an arbiter"));
    };
    let definition = &*table.definition;
    let update = planner.conflict_update(
        context,
        (definition, &table.schema),
        alias.unwrap_or(&definition.name),
        (assignments, filter.as_ref()),
        types,
    )?;
    Ok(PlannedConflict::Update { key: *key, update: Box::new(update) })
}

/// The keys that decide about a conflict: places in the definition's list.
fn arbiters(table: &TableDef, on_conflict: &OnConflict) -> Result<Vec<usize>> {
    let named = |key: &KeyDef, columns: &[String]| {
        let of_key: HashSet<&str> = key
            .columns
            .iter()
            .filter_map(|id| table.column_by_id(*id))
            .map(|column| column.name.as_str())
            .collect();
        of_key == columns.iter().map(String::as_str).collect()
    };
    let found = match &on_conflict.target {
        None => return Ok((0..table.keys.len()).collect()),
        Some(ConflictTarget::Columns { columns, .. }) => {
            table.keys.iter().position(|key| named(key, columns)).ok_or_else(|| {
                SqlError::new(
                    SqlState::INVALID_COLUMN_REFERENCE,
                    "there is no unique or exclusion constraint matching the ON CONFLICT \
                     specification",
                )
            })?
        }
        Some(ConflictTarget::Constraint(name)) => {
            table.keys.iter().position(|key| key.name == *name).ok_or_else(|| {
                let message =
                    format!("constraint \"{name}\" for table \"{}\" does not exist", table.name);
                SqlError::new(SqlState::UNDEFINED_OBJECT, message)
            })?
        }
    };
    Ok(vec![found])
}

impl Session {
    /// The rows of a batch that ON CONFLICT DO NOTHING inserts.
    pub(super) async fn without_conflicts(
        &mut self,
        table: &Arc<Table>,
        keys: &[usize],
        batch: RecordBatch,
    ) -> Result<RecordBatch> {
        let engine = Arc::clone(self.server.engine());
        let writes = self.writes(table)?;
        let mut skipped = HashSet::new();
        for key in keys {
            let conflicts = writes.conflicts(&engine, table, *key, &batch).await?;
            skipped.extend(conflicts.into_iter().map(|(row, _)| row));
        }
        let keep: BooleanArray =
            (0..batch.num_rows()).map(|row| Some(!skipped.contains(&row))).collect();
        filter_record_batch(&batch, &keep).map_err(arrow_error)
    }

    /// Inserts a batch's rows, or updates those that have their keys. Returns the new rows, in
    /// the order of the batch.
    pub(super) async fn upsert(
        &mut self,
        upsert: &Upsert<'_>,
        touched: &mut HashSet<u64>,
        batch: RecordBatch,
    ) -> Result<RecordBatch> {
        let Upsert { update, checks, policies, table, version, parameters, run, .. } = *upsert;
        let existing = self.existing_rows(upsert, &batch).await?;
        if existing.values().any(|address| !touched.insert(*address)) {
            return Err(second_time());
        }
        let engine = Arc::clone(self.server.engine());
        let rows: Vec<usize> = existing.keys().copied().collect();
        let addresses: Vec<u64> = existing.values().copied().collect();
        let (numbers, updated) = if rows.is_empty() {
            (Vec::new(), RecordBatch::new_empty(batch.schema()))
        } else {
            let old = engine.reader().take(version, &addresses, &table.schema.columns).await?;
            let old = with_schema(&old, &table.schema.arrow())?;
            let policy = policies.conflicting.as_ref();
            self.check_policy(table, policy, EXISTING_ROW, &old, run).await?;
            let indices: UInt64Array = rows.iter().map(|row| *row as u64).collect();
            let proposed = take_record_batch(&batch, &indices).map_err(arrow_error)?;
            let stream = update.execute(&old, &proposed, parameters, run)?;
            let schema = stream.schema();
            let new: Vec<RecordBatch> =
                stream.try_collect().await.map_err(crate::plan::sql_error)?;
            let new = concat_batches(&schema, &new).map_err(arrow_error)?;
            let numbers = new.columns().first().and_then(|c| c.as_primitive_opt::<UInt64Type>());
            let numbers = numbers.ok_or_else(|| SqlError::internal("pairs without numbers"))?;
            let numbers = numbers.values().iter().filter_map(|n| usize::try_from(*n).ok());
            let columns: Vec<usize> = (1..new.num_columns()).collect();
            let new_rows = new.project(&columns).map_err(arrow_error)?;
            (numbers.collect(), with_schema(&new_rows, &batch.schema())?)
        };
        self.check_policy(table, policies.updated.as_ref(), NEW_ROW, &updated, run).await?;
        self.check_rows_of(table, checks, &updated, run).await?;
        // The new rows, those that replace others among them, in the order of the batch.
        let fresh = (0..batch.num_rows()).filter(|row| !existing.contains_key(row));
        let mut order: Vec<(usize, (usize, usize))> = fresh.map(|row| (row, (0, row))).collect();
        let replaced = numbers.iter().enumerate();
        order.extend(replaced.map(|(place, number)| (rows[*number], (1, place))));
        order.sort_unstable();
        let places: Vec<(usize, usize)> = order.into_iter().map(|(_, place)| place).collect();
        let changed = interleave_record_batch(&[&batch, &updated], &places).map_err(arrow_error)?;
        let gone: Vec<u64> = numbers.iter().map(|number| addresses[*number]).collect();
        let writes = self.writes(table)?;
        writes.delete(&engine, version, gone.iter().copied(), true).await?;
        writes.insert(&engine, table, changed.clone()).await?;
        writes.arbitrate(upsert.key, &changed)?;
        engine.relieve(writes).await?;
        self.follow_references(Gone::new(table, version, gone, Some(updated)), run).await?;
        Ok(changed)
    }

    /// The addresses of the rows that have the keys of rows of a batch.
    async fn existing_rows(
        &mut self,
        upsert: &Upsert<'_>,
        batch: &RecordBatch,
    ) -> Result<BTreeMap<usize, u64>> {
        let Upsert { key, table, version, .. } = *upsert;
        let engine = Arc::clone(self.server.engine());
        let sees_own = self.settings.usual().sees_own_writes;
        let conflicts = self.writes(table)?.conflicts(&engine, table, key, batch).await?;
        let address_of = |segment, position| {
            let (ordinal, _) = version
                .find(segment)
                .ok_or_else(|| SqlError::internal("a key's segment is not in the snapshot"))?;
            Ok::<u64, SqlError>(address(ordinal, position))
        };
        let mut existing = BTreeMap::new();
        let mut own = Vec::new();
        for (row, conflict) in conflicts {
            match conflict {
                Conflict::Batch(_) => return Err(second_time()),
                Conflict::Own => own.push(row),
                Conflict::Committed { segment, position } => {
                    existing.insert(row, address_of(segment, position)?);
                }
            }
        }
        if own.is_empty() {
            return Ok(existing);
        }
        if !sees_own {
            return Err(second_time().with_detail(
                "A transaction's own changes are invisible to it until they are flushed.",
            ));
        }
        let ids = table.definition.keys.get(key).map(|key| key.columns.clone()).unwrap_or_default();
        let places: Vec<usize> =
            ids.iter().filter_map(|id| table.definition.column_index(*id)).collect();
        let columns: Vec<Column> =
            places.iter().map(|place| table.schema.columns[*place].clone()).collect();
        let indices: UInt64Array = own.iter().map(|row| *row as u64).collect();
        let rows = take_record_batch(batch, &indices).map_err(arrow_error)?;
        let keys: Vec<ArrayRef> =
            places.iter().map(|place| Arc::clone(rows.column(*place))).collect();
        for found in engine.reader().find_keys(version, &columns, &keys, &|_| false).await? {
            existing.insert(own[found.key], address_of(found.segment, found.position)?);
        }
        // What this very statement has added is not in its snapshot.
        if own.iter().any(|row| !existing.contains_key(row)) {
            return Err(second_time());
        }
        Ok(existing)
    }
}

/// 21000.
fn second_time() -> SqlError {
    SqlError::new(
        SqlState::CARDINALITY_VIOLATION,
        "ON CONFLICT DO UPDATE command cannot affect row a second time",
    )
    .with_hint(
        "Ensure that no rows proposed for insertion within the same command have duplicate \
         constrained values.",
    )
}

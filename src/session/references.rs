//! ON DELETE and ON UPDATE of foreign keys: what happens with the rows that refer to rows which a
//! statement takes away or gives other keys.
//!
//! They are found among the committed rows of the newest state and the transaction's own, and
//! change within the same transaction. A row that another transaction adds between the statement and
//! the commit is found by the commit's own check, and is a lost race (40001).

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, UInt64Array, new_null_array};
use arrow::compute::{cast, filter, take};
use arrow::row::{RowConverter, SortField};

use crate::base::{ColumnId, Oid, Result, SqlError};
use crate::catalog::{ForeignKeyDef, ReferentialActionDef, Snapshot, Table};
use crate::exec::Run;
use crate::segment::{Column, TableVersion};
use crate::store::meta::Mirrored;
use crate::txn::still_referenced;

use super::connection::Session;
use super::copy::with_schema;
use super::modify::arrow_error;

/// Rows of a table that go, or change.
pub(super) struct Gone {
    table: Arc<Table>,
    /// The table as it was when the rows were found.
    version: TableVersion,
    addresses: Vec<u64>,
    /// What they become, row by row; none where they go.
    new: Option<RecordBatch>,
}

/// The keys that go, and what becomes of them.
struct Keys {
    old: Vec<ArrayRef>,
    new: Option<Vec<ArrayRef>>,
}

impl Gone {
    pub(super) fn new(
        table: &Arc<Table>,
        version: &TableVersion,
        addresses: Vec<u64>,
        new: Option<RecordBatch>,
    ) -> Self {
        Self { table: Arc::clone(table), version: version.clone(), addresses, new }
    }

    /// What a foreign key to the table demands.
    fn action<'f>(&self, foreign: &'f ForeignKeyDef) -> &'f ReferentialActionDef {
        if self.new.is_some() { &foreign.on_update } else { &foreign.on_delete }
    }
}

impl Session {
    /// Does what foreign keys demand of the rows that refer to some which go or change.
    ///
    /// # Errors
    /// 23001, 23503, and what the new rows break.
    pub(super) async fn follow_references(&mut self, gone: Gone, run: &Run) -> Result<()> {
        if gone.addresses.is_empty() {
            return Ok(());
        }
        let mut queue = VecDeque::from([gone]);
        let mut snapshot = None;
        while let Some(gone) = queue.pop_front() {
            let current = self.server.engine().current();
            let acting = acting(&current.state, gone.table.oid());
            if acting.is_empty() {
                continue;
            }
            // One state for all: rows that were found by it are known by their addresses.
            let snapshot = Arc::clone(snapshot.get_or_insert(current));
            for (child, foreign) in acting {
                queue.extend(self.follow(&gone, &child, &foreign, &snapshot, run).await?);
            }
        }
        Ok(())
    }

    /// Follows one foreign key. Returns the rows of the child that go or change by it.
    async fn follow(
        &mut self,
        gone: &Gone,
        child: &Arc<Table>,
        foreign: &ForeignKeyDef,
        snapshot: &Arc<Mirrored<Snapshot>>,
        run: &Run,
    ) -> Result<Option<Gone>> {
        let action = gone.action(foreign);
        let Some(keys) = self.keys_of(gone, foreign).await? else { return Ok(None) };
        let engine = Arc::clone(self.server.engine());
        engine.follow_merges(self.writes(child)?, child).await?;
        let version = self.own_version(child)?;
        let columns = columns_of(child, &foreign.columns)?;
        let values = convert(&keys.old, &columns)?;
        let found = engine.reader().find_keys(&version, &columns, &values, &|_| false).await?;
        let Some(first) = found.first() else { return Ok(None) };
        if !action.changes_rows() {
            let restrict = *action == ReferentialActionDef::Restrict;
            let key = (&*keys.old, first.key);
            return Err(still_referenced(&gone.table, child, foreign, key, restrict));
        }
        let addresses: Vec<u64> = found.iter().map(|found| found.address).collect();
        let places: UInt64Array = found.iter().map(|found| found.key as u64).collect();
        let new = match (action, &keys.new) {
            (ReferentialActionDef::Cascade, None) => None,
            (action, new) => {
                let old = engine.reader().take(&version, &addresses, &child.schema.columns).await?;
                let set = Set { action, foreign, new: new.as_deref(), places: &places };
                Some(self.set_columns(child, old, &set, snapshot, run).await?)
            }
        };
        let writes = self.writes(child)?;
        writes.delete(&engine, &version, addresses.iter().copied(), false).await?;
        if let Some(new) = &new {
            let context = self.plan_context(snapshot);
            let definition = (&*child.definition, &*child.schema);
            let checks = self.server.parts.planner.checks(&context, definition)?;
            self.check_rows_of(child, checks.as_ref(), new, run).await?;
            let writes = self.writes(child)?;
            writes.insert(&engine, child, new.clone()).await?;
            engine.relieve(writes).await?;
        }
        Ok(Some(Gone::new(child, &version, addresses, new)))
    }

    /// A table with what the open transaction has done to it.
    fn own_version(&mut self, table: &Arc<Table>) -> Result<Arc<TableVersion>> {
        let transaction =
            self.transaction().ok_or_else(|| SqlError::internal("no transaction is open"))?;
        Ok(transaction.writes.own_view(table))
    }

    /// The keys that go, of the columns that a foreign key refers to; none where all stay.
    async fn keys_of(&self, gone: &Gone, foreign: &ForeignKeyDef) -> Result<Option<Keys>> {
        let columns = columns_of(&gone.table, &foreign.referenced)?;
        let reader = self.server.engine().reader();
        let old = reader.take(&gone.version, &gone.addresses, &columns).await?.columns().to_vec();
        let Some(rows) = &gone.new else { return Ok(Some(Keys { old, new: None })) };
        let mut new = Vec::with_capacity(columns.len());
        for column in &columns {
            let place = gone.table.schema.position(column.id);
            let array = place.and_then(|place| rows.columns().get(place));
            new.push(array.cloned().ok_or_else(|| SqlError::internal("a key's column is gone"))?);
        }
        let changed = differences(&old, &new)?;
        if changed.true_count() == 0 {
            return Ok(None);
        }
        let only = |arrays: Vec<ArrayRef>| {
            let arrays = arrays.iter().map(|array| filter(array, &changed).map_err(arrow_error));
            arrays.collect::<Result<Vec<_>>>()
        };
        Ok(Some(Keys { old: only(old)?, new: Some(only(new)?) }))
    }

    /// Rows of a child with other values in the columns of its key.
    async fn set_columns(
        &self,
        child: &Arc<Table>,
        rows: RecordBatch,
        set: &Set<'_>,
        snapshot: &Arc<Mirrored<Snapshot>>,
        run: &Run,
    ) -> Result<RecordBatch> {
        let schema = child.schema.arrow();
        let rows = with_schema(&rows, &schema)?;
        let chosen = set.action.columns();
        if matches!(set.action, ReferentialActionDef::SetDefault(_)) {
            let kept = |at: &usize| !chosen.contains(&child.schema.columns[*at].id);
            let kept: Vec<usize> = (0..rows.num_columns()).filter(kept).collect();
            return self.completed(child, &rows, kept, snapshot, run).await;
        }
        let mut arrays = rows.columns().to_vec();
        for (at, array) in arrays.iter_mut().enumerate() {
            let column = &child.schema.columns[at];
            if chosen.contains(&column.id) {
                *array = new_null_array(column.data_type(), array.len());
            }
            let place = set.foreign.columns.iter().position(|id| *id == column.id);
            let new = set.new.filter(|_| *set.action == ReferentialActionDef::Cascade);
            if let Some(new) = place.zip(new).and_then(|(place, new)| new.get(place)) {
                let new = take(new, set.places, None).map_err(arrow_error)?;
                *array = cast(&new, column.data_type()).map_err(arrow_error)?;
            }
        }
        let nullable = schema.fields().iter().map(|f| f.as_ref().clone().with_nullable(true));
        let nullable = arrow::datatypes::Schema::new(nullable.collect::<Vec<_>>());
        let rows = RecordBatch::try_new(Arc::new(nullable), arrays).map_err(arrow_error)?;
        match child.definition.generated().next() {
            None => Ok(rows),
            Some(_) => {
                let all = (0..rows.num_columns()).collect();
                self.completed(child, &rows, all, snapshot, run).await
            }
        }
    }

    /// Whole rows from some of their columns: the others get their defaults, or are computed.
    async fn completed(
        &self,
        table: &Arc<Table>,
        rows: &RecordBatch,
        mut kept: Vec<usize>,
        snapshot: &Arc<Mirrored<Snapshot>>,
        run: &Run,
    ) -> Result<RecordBatch> {
        let schema = table.schema.arrow();
        kept.retain(|at| !table.definition.columns[*at].generated);
        let names: Vec<String> = kept.iter().map(|at| schema.field(*at).name().clone()).collect();
        let context = self.plan_context(snapshot);
        let definition = (&*table.definition, &*table.schema);
        let completed = self.server.parts.planner.completed(&context, definition, &names)?;
        let rows = rows.project(&kept).map_err(arrow_error)?;
        with_schema(&completed.execute(rows, &[], run).await?, &schema)
    }
}

/// What columns of a foreign key become.
struct Set<'a> {
    action: &'a ReferentialActionDef,
    foreign: &'a ForeignKeyDef,
    /// The parent's new keys, and which of them each row gets.
    new: Option<&'a [ArrayRef]>,
    places: &'a UInt64Array,
}

/// The foreign keys to a table for which there is something to do before the commit, with the
/// tables that have them.
fn acting(state: &Snapshot, parent: Oid) -> Vec<(Arc<Table>, ForeignKeyDef)> {
    let mut acting = Vec::new();
    if state.tables.get(&parent).is_some_and(|parent| parent.definition.unchecked) {
        return acting;
    }
    for child in state.tables.values() {
        for foreign in child.definition.foreign_keys.iter().filter(|f| f.table == parent) {
            let actions = [&foreign.on_delete, &foreign.on_update];
            // Where one of them is NO ACTION and the other changes rows, the commit takes what it
            // finds for a lost race, so that the first is checked by the statement.
            if actions.iter().any(|action| **action != ReferentialActionDef::NoAction) {
                acting.push((Arc::clone(child), foreign.clone()));
            }
        }
    }
    acting
}

fn columns_of(table: &Table, ids: &[ColumnId]) -> Result<Vec<Column>> {
    let column = |id: &ColumnId| {
        let place = table.schema.position(*id)?;
        table.schema.columns.get(place).cloned()
    };
    let columns: Option<Vec<Column>> = ids.iter().map(column).collect();
    columns.ok_or_else(|| SqlError::internal("a foreign key's column is gone"))
}

fn convert(values: &[ArrayRef], columns: &[Column]) -> Result<Vec<ArrayRef>> {
    let pairs = values.iter().zip(columns);
    pairs.map(|(values, column)| cast(values, column.data_type()).map_err(arrow_error)).collect()
}

/// Which rows differ.
fn differences(old: &[ArrayRef], new: &[ArrayRef]) -> Result<BooleanArray> {
    let fields = old.iter().map(|array| SortField::new(array.data_type().clone())).collect();
    let converter = RowConverter::new(fields).map_err(arrow_error)?;
    let old = converter.convert_columns(old).map_err(arrow_error)?;
    let new = converter.convert_columns(new).map_err(arrow_error)?;
    Ok(old.iter().zip(new.iter()).map(|(old, new)| Some(old != new)).collect())
}

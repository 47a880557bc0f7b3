//! INSERT, UPDATE, DELETE: a plan gives the rows, constraints are checked, the write set takes
//! them.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{Schema, UInt64Type};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::logical_expr::ScalarUDF;
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt;

use crate::base::{Oid, Result, SqlError};
use crate::catalog::{Snapshot, Table};
use crate::exec::Run;
use crate::plan::statement::Query;
use crate::plan::{
    DmlPlan, OutputColumn, PlanContext, Relation, Relations, Statement, quote_identifier,
};
use crate::segment::TableVersion;
use crate::store::meta::Mirrored;
use crate::txn::TableWrites;
use crate::types::PgType;

use super::conflict::{PlannedConflict, Upsert, plan_conflict};
use super::connection::Session;
use super::copy::with_schema;
use super::explain::Watch;
use super::outcome::Outcome;
use super::utility::once;

/// A planned change of a table's rows.
#[derive(Debug)]
pub(super) struct Modification {
    kind: Kind,
    pub(super) plan: DmlPlan,
    /// RETURNING over the changed rows.
    pub(super) returning: Option<Returning>,
    conflict: Option<PlannedConflict>,
}

/// How RETURNING's rows are made.
#[derive(Debug)]
pub(super) enum Returning {
    /// By a query over the changed rows.
    Query(Query, Arc<[OutputColumn]>),
    /// The plan gives them after the table's columns.
    Source(Arc<[OutputColumn]>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Insert,
    Update,
    Delete,
}

impl Modification {
    pub(super) fn parameters(&self) -> &[PgType] {
        let update = self.conflict.as_ref().and_then(PlannedConflict::update);
        update.map_or(self.plan.source.parameters(), |update| update.source.parameters())
    }

    /// What EXPLAIN calls it.
    pub(super) fn operation(&self) -> &'static str {
        match self.kind {
            Kind::Insert => "Insert",
            Kind::Update => "Update",
            Kind::Delete => "Delete",
        }
    }

    /// What happens to rows whose key is taken, in EXPLAIN's words.
    pub(super) fn conflict_resolution(&self) -> Option<&'static str> {
        self.conflict.as_ref().map(|conflict| match conflict {
            PlannedConflict::Nothing(_) => "NOTHING",
            PlannedConflict::Update { .. } => "UPDATE",
        })
    }

    pub(super) fn columns(&self) -> Option<&Arc<[OutputColumn]>> {
        self.returning.as_ref().map(|returning| match returning {
            Returning::Query(_, columns) | Returning::Source(columns) => columns,
        })
    }
}

/// The catalog with one table's rows replaced by a batch.
#[derive(Debug)]
struct WithBatch {
    others: Arc<dyn Relations>,
    table: Oid,
    rows: Arc<MemTable>,
}

impl Relations for WithBatch {
    fn relation(&self, schema: Option<&str>, name: &str, path: &[String]) -> Option<Relation> {
        match self.others.relation(schema, name, path)? {
            Relation::Table { oid, .. } if oid == self.table => {
                let provider = Arc::clone(&self.rows) as Arc<dyn TableProvider>;
                Some(Relation::Provider { oid: self.table, provider })
            }
            other => Some(other),
        }
    }

    fn has_schema(&self, name: &str) -> bool {
        self.others.has_schema(name)
    }

    fn oid_of(&self, text: &str, path: &[String]) -> Option<Oid> {
        self.others.oid_of(text, path)
    }

    fn schema_of(&self, table: Oid) -> Option<String> {
        self.others.schema_of(table)
    }

    fn function(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.others.function(name)
    }

    fn name_function(&self, ty: &PgType) -> Option<Arc<ScalarUDF>> {
        self.others.name_function(ty)
    }

    fn named_oid(&self, text: &str, ty: &PgType) -> Option<Oid> {
        self.others.named_oid(text, ty)
    }
}

impl Session {
    /// Plans INSERT, UPDATE or DELETE.
    pub(super) fn plan_modification(
        &self,
        statement: &Statement,
        snapshot: &Arc<Mirrored<Snapshot>>,
        given: &[Option<PgType>],
    ) -> Result<Modification> {
        let context = self.plan_context(snapshot);
        let planner = &self.server.parts.planner;
        let path = self.search_path();
        let find = |name: &crate::plan::Name| {
            let schema = name.schema.as_deref();
            let relation = crate::catalog::RelationName { schema, name: &name.name };
            snapshot.state.require_table(relation, &path).cloned()
        };
        let mut conflict = None;
        let (table, kind, plan, alias, returning) = match statement {
            Statement::Insert(insert) => {
                let table = find(&insert.table)?;
                let plan = planner.insert(&context, &table.definition, insert, given)?;
                if let Some(clause) = &insert.on_conflict {
                    let alias = insert.alias.as_deref();
                    let types = known_types(given, plan.source.parameters());
                    let on = (&*table, alias);
                    conflict = Some(plan_conflict(planner, &context, on, clause, &types)?);
                }
                (table, Kind::Insert, plan, &insert.alias, &insert.returning)
            }
            Statement::Update(update) => {
                let table = find(&update.target.table)?;
                let plan = planner.update(&context, &table.definition, update, given)?;
                (table, Kind::Update, plan, &update.target.alias, &update.returning)
            }
            Statement::Delete(delete) => {
                let table = find(&delete.target.table)?;
                let plan = planner.delete(&context, &table.definition, delete, given)?;
                (table, Kind::Delete, plan, &delete.target.alias, &delete.returning)
            }
            _ => return Err(SqlError::internal("not a modification")),
        };
        let items: Vec<String> = returning.iter().map(ToString::to_string).collect();
        let returning = if items.is_empty() {
            None
        } else if let Some(columns) = &plan.returning {
            Some(Returning::Source(Arc::clone(columns)))
        } else {
            let alias = alias.as_ref().unwrap_or(&table.definition.name);
            let sql = format!(
                "SELECT {} FROM {}.{} AS {}",
                items.join(", "),
                quote_identifier(snapshot.state.schema_name(table.definition.schema)),
                quote_identifier(&table.definition.name),
                quote_identifier(alias),
            );
            let query = crate::plan::parse_query(&sql)?;
            let columns = Arc::clone(planner.query(&context, &query, given)?.columns());
            Some(Returning::Query(query, columns))
        };
        Ok(Modification { kind, plan, returning, conflict })
    }

    /// Runs INSERT, UPDATE or DELETE in the open transaction.
    pub(super) async fn modify(
        &mut self,
        change: &Modification,
        parameters: &[ScalarValue],
        snapshot: &Arc<Mirrored<Snapshot>>,
        watch: Option<&Watch>,
    ) -> Result<Outcome> {
        let table = Arc::clone(snapshot.state.require_table_by_oid(change.plan.table)?);
        let engine = Arc::clone(self.server.engine());
        engine.follow_merges(self.writes(&table)?, &table).await?;
        let run = self.run_watched(snapshot, watch);
        let version = run
            .tables
            .version(table.oid())
            .ok_or_else(|| SqlError::internal("a table without a version"))?;
        let changed = match change.kind {
            Kind::Insert => self.insert(change, parameters, &table, &version, &run).await?,
            Kind::Update => self.update(change, parameters, &table, &version, &run).await?,
            Kind::Delete => self.delete(change, parameters, &table, &version, &run).await?,
        };
        let rows: usize = changed.iter().map(RecordBatch::num_rows).sum();
        let tag = match change.kind {
            Kind::Insert => "INSERT 0",
            Kind::Update => "UPDATE",
            Kind::Delete => "DELETE",
        };
        let (query, columns) = match &change.returning {
            None => return Ok(Outcome::command(format!("{tag} {rows}"))),
            Some(Returning::Query(query, columns)) => (query, columns),
            Some(Returning::Source(columns)) => {
                let columns = Arc::clone(columns);
                let Some(first) = changed.first() else {
                    let fields: Vec<_> =
                        columns.iter().map(|c| c.ty.field(c.name.clone(), true)).collect();
                    let none = RecordBatch::new_empty(Arc::new(Schema::new(fields)));
                    return Ok(Outcome::Rows { columns, stream: once(none), tag });
                };
                let batch = concat_batches(&first.schema(), &changed).map_err(arrow_error)?;
                return Ok(Outcome::Rows { columns, stream: once(batch), tag });
            }
        };
        let context = self.plan_context(snapshot);
        let context = with_batch(context, &table, changed)?;
        let given: Vec<Option<PgType>> = change.parameters().iter().cloned().map(Some).collect();
        let plan = self.server.parts.planner.query(&context, query, &given)?;
        let stream = plan.execute(parameters, &run)?;
        // The rows are held back until the commit: they are made now.
        let schema = stream.schema();
        let batches: Vec<RecordBatch> =
            stream.try_collect().await.map_err(crate::plan::sql_error)?;
        let batch = concat_batches(&schema, &batches).map_err(arrow_error)?;
        Ok(Outcome::Rows { columns: Arc::clone(columns), stream: once(batch), tag })
    }

    async fn insert(
        &mut self,
        change: &Modification,
        parameters: &[ScalarValue],
        table: &Arc<Table>,
        version: &TableVersion,
        run: &Run,
    ) -> Result<Vec<RecordBatch>> {
        let schema = table.schema.arrow();
        let mut inserted = Vec::new();
        let mut touched = HashSet::new();
        let mut stream = change.plan.source.execute(parameters, run)?;
        while let Some(batch) = stream.try_next().await.map_err(crate::plan::sql_error)? {
            let batch = with_schema(&batch, &schema)?;
            self.check_rows_of(table, &batch, run).await?;
            let batch = match &change.conflict {
                None => batch,
                Some(PlannedConflict::Nothing(keys)) => {
                    self.without_conflicts(table, keys, batch).await?
                }
                Some(PlannedConflict::Update { key, update }) => {
                    let upsert = Upsert { update, key: *key, table, version, parameters, run };
                    let changed = self.upsert(&upsert, &mut touched, batch).await?;
                    inserted.push(changed);
                    continue;
                }
            };
            let engine = Arc::clone(self.server.engine());
            let writes = self.writes(table)?;
            writes.insert(&engine, table, batch.clone()).await?;
            if let Some(PlannedConflict::Nothing(keys)) = &change.conflict {
                keys.iter().try_for_each(|key| writes.arbitrate(*key, &batch))?;
            }
            engine.relieve(writes).await?;
            inserted.push(batch);
            if change.returning.is_none() {
                keep_count_only(&mut inserted);
            }
        }
        Ok(inserted)
    }

    async fn update(
        &mut self,
        change: &Modification,
        parameters: &[ScalarValue],
        table: &Arc<Table>,
        version: &TableVersion,
        run: &Run,
    ) -> Result<Vec<RecordBatch>> {
        let schema = table.schema.arrow();
        let mut seen = HashSet::new();
        let mut addresses = Vec::new();
        let mut updated = Vec::new();
        let mut returned = Vec::new();
        let mut stream = change.plan.source.execute(parameters, run)?;
        while let Some(batch) = stream.try_next().await.map_err(crate::plan::sql_error)? {
            // A row that joins with several is updated once, with the first, as in PostgreSQL.
            let fresh = first_of_each(&batch, &mut seen)?;
            addresses.extend_from_slice(addresses_of(&fresh)?.values());
            let (rows, rest) = split_columns(&fresh, schema.fields().len())?;
            let rows = with_schema(&rows, &schema)?;
            self.check_rows_of(table, &rows, run).await?;
            updated.push(rows);
            returned.push(rest);
        }
        let engine = Arc::clone(self.server.engine());
        let writes = self.writes(table)?;
        writes.delete(&engine, version, addresses, true).await?;
        let all = concat_batches(&schema, &updated).map_err(arrow_error)?;
        writes.insert(&engine, table, all).await?;
        engine.relieve(writes).await?;
        Ok(if change.plan.returning.is_some() { returned } else { updated })
    }

    async fn delete(
        &mut self,
        change: &Modification,
        parameters: &[ScalarValue],
        table: &Arc<Table>,
        version: &TableVersion,
        run: &Run,
    ) -> Result<Vec<RecordBatch>> {
        let schema = table.schema.arrow();
        let mut seen = HashSet::new();
        let mut addresses = Vec::new();
        let mut deleted = Vec::new();
        let mut stream = change.plan.source.execute(parameters, run)?;
        while let Some(batch) = stream.try_next().await.map_err(crate::plan::sql_error)? {
            let fresh = first_of_each(&batch, &mut seen)?;
            addresses.extend_from_slice(addresses_of(&fresh)?.values());
            let (rows, rest) = split_columns(&fresh, schema.fields().len())?;
            deleted.push(match change.plan.returning.is_some() {
                true => rest,
                false => with_schema(&rows, &schema)?,
            });
            if change.returning.is_none() {
                keep_count_only(&mut deleted);
            }
        }
        let engine = Arc::clone(self.server.engine());
        self.writes(table)?.delete(&engine, version, addresses, false).await?;
        Ok(deleted)
    }

    /// The open transaction's writes to a table.
    pub(super) fn writes(&mut self, table: &Arc<Table>) -> Result<&mut TableWrites> {
        let transaction =
            self.transaction().ok_or_else(|| SqlError::internal("no transaction is open"))?;
        transaction.writes.open(table)
    }
}

/// A context in which a table's name stands for some rows.
pub(super) fn with_batch(
    context: PlanContext,
    table: &Table,
    batches: Vec<RecordBatch>,
) -> Result<PlanContext> {
    let rows = MemTable::try_new(table.schema.arrow(), vec![batches])
        .map_err(|error| SqlError::internal(error.to_string()))?;
    let others = Arc::clone(&context.relations);
    let relations = WithBatch { others, table: table.oid(), rows: Arc::new(rows) };
    Ok(PlanContext { relations: Arc::new(relations), ..context })
}

/// The types that the statement's first part has told, and after them those that the client gave.
fn known_types(given: &[Option<PgType>], found: &[PgType]) -> Vec<Option<PgType>> {
    let rest = given.iter().skip(found.len()).cloned();
    found.iter().cloned().map(Some).chain(rest).collect()
}

fn addresses_of(batch: &RecordBatch) -> Result<&UInt64Array> {
    let first = batch.columns().first().and_then(|column| column.as_primitive_opt::<UInt64Type>());
    first.ok_or_else(|| SqlError::internal("a plan without addresses"))
}

/// The table's columns, after the address, and what the plan gives after them.
fn split_columns(batch: &RecordBatch, width: usize) -> Result<(RecordBatch, RecordBatch)> {
    let part = |places: std::ops::Range<usize>| {
        batch.project(&places.collect::<Vec<_>>()).map_err(arrow_error)
    };
    Ok((part(1..width + 1)?, part(width + 1..batch.num_columns())?))
}

/// The rows whose address was not seen before.
fn first_of_each(batch: &RecordBatch, seen: &mut HashSet<u64>) -> Result<RecordBatch> {
    let addresses = addresses_of(batch)?;
    let keep: BooleanArray = addresses.values().iter().map(|a| Some(seen.insert(*a))).collect();
    filter_record_batch(batch, &keep).map_err(arrow_error)
}

/// Keeps the number of rows and drops their values.
fn keep_count_only(batches: &mut [RecordBatch]) {
    use arrow::array::RecordBatchOptions;
    use arrow::datatypes::Schema;
    if let Some(last) = batches.last_mut() {
        let options = RecordBatchOptions::new().with_row_count(Some(last.num_rows()));
        let empty = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options);
        if let Ok(empty) = empty {
            *last = empty;
        }
    }
}

pub(super) fn arrow_error(error: arrow::error::ArrowError) -> SqlError {
    SqlError::internal(format!("modify: {error}"))
}

//! INSERT, UPDATE, DELETE: a plan gives the rows, constraints are checked, the write set takes
//! them.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{Schema, UInt64Type};
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt;

use crate::base::{ColumnId, Result, SqlError};
use crate::catalog::access::{Demand, PolicyCommand, Privileges, RowRule};
use crate::catalog::{Snapshot, Table, TableDef};
use crate::exec::Run;
use crate::plan::statement::{ConflictAction, ConflictTarget, OnConflict, Returning as Returned};
use crate::plan::{
    Change, DmlPlan, Name, OutputColumn, PlanContext, Planner, RowsQuery, Statement,
    without_versions,
};
use crate::segment::{TableSchema, TableVersion};
use crate::store::meta::Mirrored;
use crate::txn::TableWrites;
use crate::types::PgType;

use super::conflict::{PlannedConflict, Upsert, plan_conflict};
use super::connection::Session;
use super::constraint::NEW_ROW;
use super::copy::with_schema;
use super::explain::Watch;
use super::outcome::Outcome;
use super::plan_uses::Recorder;
use super::references::Gone;
use super::utility::once;

/// A planned change of a table's rows, with all that goes with it: nothing is planned when it runs.
#[derive(Debug)]
pub(super) struct Modification {
    kind: Kind,
    pub(super) plan: DmlPlan,
    parameters: Vec<PgType>,
    /// RETURNING over the changed rows.
    returning: Option<Returning>,
    conflict: Option<PlannedConflict>,
    /// SELECT on the key that ON CONFLICT names.
    arbiter: Option<Demand>,
    /// CHECK over new rows.
    checks: Option<RowsQuery>,
    policies: RowPolicies,
}

/// What row-level security says of the rows of a change, planned.
#[derive(Debug, Default)]
pub(super) struct RowPolicies {
    /// Of new rows.
    written: Option<RowsQuery>,
    /// Of rows that ON CONFLICT DO UPDATE finds.
    pub(super) conflicting: Option<RowsQuery>,
    /// Of what it makes of them.
    pub(super) updated: Option<RowsQuery>,
}

impl RowPolicies {
    fn queries(&self) -> impl Iterator<Item = &RowsQuery> {
        [&self.written, &self.conflicting, &self.updated].into_iter().flatten()
    }
}

/// How RETURNING's rows are made.
#[derive(Debug)]
enum Returning {
    /// By a query over the changed rows.
    Rows(RowsQuery),
    /// The plan gives them after the table's columns.
    Source(Arc<[OutputColumn]>),
}

/// The rows that an UPDATE or DELETE changes.
struct Changed {
    addresses: Vec<u64>,
    /// As they will be, or as they were; only how many, where nobody asks for more.
    rows: Vec<RecordBatch>,
    /// RETURNING's rows, where the plan gives them.
    returned: Option<Vec<RecordBatch>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Insert,
    Update,
    Delete,
    Merge,
}

impl Modification {
    pub(super) fn checks(&self) -> Option<&RowsQuery> {
        self.checks.as_ref()
    }

    /// The types in which the client's parameters are read when many executions go together; none
    /// where each must run by itself.
    pub(super) fn column_types(&self, client: usize) -> Option<Vec<PgType>> {
        let plain = self.kind == Kind::Insert
            && self.returning.is_none()
            && self.conflict.is_none()
            && self.policies.written.is_none();
        if plain { self.plan.source.column_types(client) } else { None }
    }

    pub(super) fn parameters(&self) -> &[PgType] {
        &self.parameters
    }

    /// What who runs it must be allowed to do.
    pub(super) fn demands(&self) -> Vec<Demand> {
        let mut demands = self.plan.demands.clone();
        demands.extend_from_slice(self.plan.source.demands());
        if let Some(Returning::Rows(rows)) = &self.returning {
            demands.extend(rows.demands());
        }
        if let Some(update) = self.conflict.as_ref().and_then(PlannedConflict::update) {
            demands.extend_from_slice(update.source.demands());
        }
        demands.extend(self.arbiter.clone());
        demands.extend(self.checks.iter().flat_map(RowsQuery::demands));
        demands.extend(self.policies.queries().flat_map(RowsQuery::demands));
        demands
    }

    /// What EXPLAIN calls it.
    pub(super) fn operation(&self) -> &'static str {
        match self.kind {
            Kind::Insert => "Insert",
            Kind::Update => "Update",
            Kind::Delete => "Delete",
            Kind::Merge => "Merge",
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
            Returning::Rows(query) => query.columns(),
            Returning::Source(columns) => columns,
        })
    }
}

/// Plans INSERT, UPDATE or DELETE.
pub(super) fn plan_modification(
    planner: &Arc<Planner>,
    (context, catalog): (&PlanContext, &Recorder),
    statement: &Statement,
    given: &[Option<PgType>],
) -> Result<Modification> {
    let find = |name: &Name, change| catalog.table(name, &context.search_path, change);
    let (table, kind, plan, alias, returning, on_conflict) = match statement {
        Statement::Insert(insert) => {
            let table = find(&insert.table, "insert into")?;
            let plan = planner.insert(context, &table.definition, insert, given)?;
            let on_conflict = insert.on_conflict.as_ref();
            (table, Kind::Insert, plan, &insert.alias, &insert.returning, on_conflict)
        }
        Statement::Update(update) => {
            let table = find(&update.target.table, "update")?;
            let plan = planner.update(context, &table.definition, update, given)?;
            (table, Kind::Update, plan, &update.target.alias, &update.returning, None)
        }
        Statement::Delete(delete) => {
            let table = find(&delete.target.table, "delete from")?;
            let plan = planner.delete(context, &table.definition, delete, given)?;
            (table, Kind::Delete, plan, &delete.target.alias, &delete.returning, None)
        }
        Statement::Merge(merge) => {
            let table = find(&merge.target.table, "merge into")?;
            let plan = planner.merge(context, &table.definition, merge, given)?;
            (table, Kind::Merge, plan, &merge.target.alias, &merge.returning, None)
        }
        _ => return Err(SqlError::internal("not a modification")),
    };
    let definition = (&*table.definition, &*table.schema);
    let known_as = alias.as_ref().unwrap_or(&table.definition.name);
    let returning = match kind {
        Kind::Insert => inserted(returning, definition.0, known_as, on_conflict)?,
        Kind::Delete => without_versions(returning, definition.0, known_as, Change::Delete)?,
        Kind::Update | Kind::Merge => returning.clone(),
    };
    // Each part may tell the types of more parameters.
    let mut types = known_types(given, plan.source.parameters());
    let mut conflict = None;
    if let Some(clause) = on_conflict {
        let on = (&*table, alias.as_deref());
        let planned = plan_conflict(planner, context, on, clause, &types)?;
        if let Some(update) = planned.update() {
            types = known_types(&types, update.source.parameters());
        }
        conflict = Some(planned);
    }
    let mut returned = None;
    if let Some(columns) = &plan.returning {
        returned = Some(Returning::Source(Arc::clone(columns)));
    } else if !returning.is_empty() {
        let planned = planner.returning_rows(context, definition, known_as, &returning, &types)?;
        types = known_types(&types, planned.parameters());
        returned = Some(Returning::Rows(planned));
    }
    let checks = match kind {
        Kind::Insert | Kind::Update | Kind::Merge => planner.checks(context, definition)?,
        Kind::Delete => None,
    };
    let parameters = types.into_iter().map(|ty| ty.unwrap_or(PgType::Text)).collect();
    let arbiter = on_conflict.and_then(|clause| arbiter(&table.definition, clause));
    let reads = returned.is_some() || kind == Kind::Update || conflict.is_some();
    let upsert = conflict.as_ref().is_some_and(|conflict| conflict.update().is_some());
    let policies = plan_policies(planner, (context, definition), kind, (reads, upsert))?;
    let returning = returned;
    Ok(Modification { kind, plan, parameters, returning, conflict, arbiter, checks, policies })
}

fn plan_policies(
    planner: &Arc<Planner>,
    (context, table): (&PlanContext, (&TableDef, &TableSchema)),
    kind: Kind,
    (reads, upsert): (bool, bool),
) -> Result<RowPolicies> {
    let plan = |rule| planner.let_through(context, table, rule);
    let command = match kind {
        Kind::Merge => return without_policies(&plan),
        Kind::Insert => PolicyCommand::Insert,
        Kind::Update => PolicyCommand::Update,
        Kind::Delete => return Ok(RowPolicies::default()),
    };
    let (command_update, reads_old) = (PolicyCommand::Update, true);
    let found = RowRule::Found { command: command_update, reads: reads_old };
    let updated = RowRule::Written { command: command_update, reads: reads_old };
    Ok(RowPolicies {
        written: plan(RowRule::Written { command, reads })?,
        conflicting: if upsert { plan(found)? } else { None },
        updated: if upsert { plan(updated)? } else { None },
    })
}

/// MERGE changes rows in several ways, to each of which other policies apply: it's refused where
/// there are any.
fn without_policies(plan: &dyn Fn(RowRule) -> Result<Option<RowsQuery>>) -> Result<RowPolicies> {
    let (reads, update, delete) = (true, PolicyCommand::Update, PolicyCommand::Delete);
    let rules = [
        RowRule::Found { command: update, reads },
        RowRule::Found { command: delete, reads },
        RowRule::Written { command: PolicyCommand::Insert, reads },
        RowRule::Written { command: update, reads },
    ];
    for rule in rules {
        if plan(rule)?.is_some() {
            let message = "MERGE into a table with row-level security is not supported";
            return Err(SqlError::unsupported(message));
        }
    }
    Ok(RowPolicies::default())
}

/// SELECT on the columns of a key that ON CONFLICT names: whether a value is there shows.
fn arbiter(table: &TableDef, clause: &OnConflict) -> Option<Demand> {
    let ids: BTreeSet<ColumnId> = match clause.target.as_ref()? {
        ConflictTarget::Columns { columns, .. } => {
            let found = columns.iter().filter_map(|name| table.column(name));
            found.map(|column| column.id).collect()
        }
        ConflictTarget::Constraint(name) => {
            let key = table.keys.iter().find(|key| key.name == *name)?;
            key.columns.iter().copied().collect()
        }
    };
    Some(Demand::columns(table.oid, Privileges::SELECT, ids))
}

/// RETURNING of an INSERT. Rows that DO UPDATE changes have an old version, which is not kept.
fn inserted(
    returning: &Returned,
    table: &TableDef,
    name: &str,
    on_conflict: Option<&OnConflict>,
) -> Result<Returned> {
    let plain = without_versions(returning, table, name, Change::Insert)?;
    let updates = on_conflict.is_some_and(|clause| clause.action != ConflictAction::Nothing);
    if updates && plain != *returning {
        let message = "old and new in RETURNING of ON CONFLICT DO UPDATE are not supported";
        return Err(SqlError::unsupported(message));
    }
    Ok(plain)
}

impl Session {
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
        self.modify_on(change, parameters, &table, &run).await
    }

    /// The same on a run that is there already.
    pub(super) async fn modify_on(
        &mut self,
        change: &Modification,
        parameters: &[ScalarValue],
        table: &Arc<Table>,
        run: &Run,
    ) -> Result<Outcome> {
        let version = run
            .tables
            .version(table.oid())
            .ok_or_else(|| SqlError::internal("a table without a version"))?;
        let changed = match change.kind {
            Kind::Insert => self.insert(change, parameters, table, &version, run).await?,
            Kind::Update => self.update(change, parameters, table, &version, run).await?,
            Kind::Delete => self.delete(change, parameters, table, &version, run).await?,
            Kind::Merge => self.merge(change, parameters, table, &version, run).await?,
        };
        let rows: usize = changed.iter().map(RecordBatch::num_rows).sum();
        let tag = match change.kind {
            Kind::Insert => "INSERT 0",
            Kind::Update => "UPDATE",
            Kind::Delete => "DELETE",
            Kind::Merge => "MERGE",
        };
        let returning = match &change.returning {
            None => return Ok(Outcome::command(format!("{tag} {rows}"))),
            Some(Returning::Rows(returning)) => returning,
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
        // The rows are held back until the commit: they are made now.
        let changed = concat_batches(&table.schema.arrow(), &changed).map_err(arrow_error)?;
        let batch = returning.execute(changed, parameters, run).await?;
        let columns = Arc::clone(returning.columns());
        Ok(Outcome::Rows { columns, stream: once(batch), tag })
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
            let policy = change.policies.written.as_ref();
            self.check_policy(table, policy, NEW_ROW, &batch, run).await?;
            self.check_rows_of(table, change.checks(), &batch, run).await?;
            let batch = match &change.conflict {
                None => batch,
                Some(PlannedConflict::Nothing(keys)) => {
                    self.without_conflicts(table, keys, batch).await?
                }
                Some(PlannedConflict::Update { key, update }) => {
                    let (key, checks) = (*key, change.checks());
                    let policies = &change.policies;
                    let upsert =
                        Upsert { update, key, checks, policies, table, version, parameters, run };
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
        let changed = self.changed_rows(change, parameters, table, run).await?;
        let engine = Arc::clone(self.server.engine());
        let writes = self.writes(table)?;
        let addresses = changed.addresses.iter().copied();
        writes.delete(&engine, version, addresses, true).await?;
        let all = concat_batches(&table.schema.arrow(), &changed.rows).map_err(arrow_error)?;
        writes.insert(&engine, table, all.clone()).await?;
        engine.relieve(writes).await?;
        let gone = Gone::new(table, version, changed.addresses, Some(all));
        self.follow_references(gone, run).await?;
        Ok(changed.returned.unwrap_or(changed.rows))
    }

    async fn delete(
        &mut self,
        change: &Modification,
        parameters: &[ScalarValue],
        table: &Arc<Table>,
        version: &TableVersion,
        run: &Run,
    ) -> Result<Vec<RecordBatch>> {
        let changed = self.changed_rows(change, parameters, table, run).await?;
        let engine = Arc::clone(self.server.engine());
        let addresses = changed.addresses.iter().copied();
        self.writes(table)?.delete(&engine, version, addresses, false).await?;
        self.follow_references(Gone::new(table, version, changed.addresses, None), run).await?;
        Ok(changed.returned.unwrap_or(changed.rows))
    }

    /// Finds the rows that UPDATE or DELETE changes.
    async fn changed_rows(
        &self,
        change: &Modification,
        parameters: &[ScalarValue],
        table: &Arc<Table>,
        run: &Run,
    ) -> Result<Changed> {
        let schema = table.schema.arrow();
        let mut seen = HashSet::new();
        let returned = change.plan.returning.as_ref().map(|_| Vec::new());
        let mut changed = Changed { addresses: Vec::new(), rows: Vec::new(), returned };
        let mut stream = change.plan.source.execute(parameters, run)?;
        while let Some(batch) = stream.try_next().await.map_err(crate::plan::sql_error)? {
            // A row that joins with several is changed once, with the first, as in PostgreSQL.
            let fresh = first_of_each(&batch, &mut seen)?;
            changed.addresses.extend_from_slice(addresses_of(&fresh)?.values());
            let (rows, rest) = split_columns(&fresh, schema.fields().len())?;
            let rows = with_schema(&rows, &schema)?;
            let updating = change.kind == Kind::Update;
            if updating {
                let policy = change.policies.written.as_ref();
                self.check_policy(table, policy, NEW_ROW, &rows, run).await?;
                self.check_rows_of(table, change.checks(), &rows, run).await?;
            }
            changed.rows.push(rows);
            let wanted = matches!(change.returning, Some(Returning::Rows(_)));
            if !updating && !wanted {
                keep_count_only(&mut changed.rows);
            }
            if let Some(returned) = &mut changed.returned {
                returned.push(rest);
            }
        }
        Ok(changed)
    }

    /// The open transaction's writes to a table.
    pub(super) fn writes(&mut self, table: &Arc<Table>) -> Result<&mut TableWrites> {
        let transaction =
            self.transaction().ok_or_else(|| SqlError::internal("no transaction is open"))?;
        transaction.writes.open(table)
    }
}

/// The types that a part of the statement has told, and after them those that were given.
pub(super) fn known_types(given: &[Option<PgType>], found: &[PgType]) -> Vec<Option<PgType>> {
    let rest = given.iter().skip(found.len()).cloned();
    let known = |(at, ty): (usize, &PgType)| match ty {
        PgType::Unknown => given.get(at).cloned().flatten(),
        ty => Some(ty.clone()),
    };
    found.iter().enumerate().map(known).chain(rest).collect()
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

//! Statements whose WITH changes rows. All parts read the snapshot as it is before any of them; what
//! one returns the later ones read as a table of its name.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::Schema;
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt;

use crate::base::{ColumnId, Oid, Result, SqlError};
use crate::catalog::Snapshot;
use crate::catalog::access::{Demand, Object};
use crate::exec::Run;
use crate::plan::statement::WithChanges;
use crate::plan::{
    OutputColumn, PlanContext, Planner, QueryPlan, Statement, with_named_rows, with_named_table,
};
use crate::segment::{Column, TableSchema};
use crate::store::meta::Mirrored;
use crate::types::PgType;

use super::connection::Session;
use super::copy::with_schema;
use super::modify::{Modification, arrow_error, known_types, plan_modification};
use super::outcome::Outcome;
use super::plan_uses::Recorder;
use super::utility::once;

/// A planned statement of this kind.
#[derive(Debug)]
pub(super) struct PlannedChanges {
    changes: Vec<NamedModification>,
    main: Main,
    parameters: Vec<PgType>,
}

/// A change with the table that its rows are to the parts behind it.
#[derive(Debug)]
struct NamedModification {
    change: Modification,
    oid: Oid,
    /// The columns that it returns; none where there is no RETURNING.
    rows: Option<Arc<TableSchema>>,
}

#[derive(Debug)]
enum Main {
    Query(Box<QueryPlan>),
    Modify(Box<Modification>),
}

impl PlannedChanges {
    /// The types of the parameters.
    pub(super) fn parameters(&self) -> &[PgType] {
        &self.parameters
    }

    /// What its parts ask for, but for one another's rows.
    pub(super) fn demands(&self) -> Vec<Demand> {
        let mut demands: Vec<Demand> =
            self.changes.iter().flat_map(|named| named.change.demands()).collect();
        match &self.main {
            Main::Query(plan) => demands.extend_from_slice(plan.demands()),
            Main::Modify(change) => demands.extend(change.demands()),
        }
        let own = |oid: Oid| self.changes.iter().any(|named| named.oid == oid);
        demands.retain(|demand| !matches!(demand.object, Object::Relation(oid) if own(oid)));
        demands
    }

    /// The columns of the rows; none where there are no rows.
    pub(super) fn columns(&self) -> Option<&Arc<[OutputColumn]>> {
        match &self.main {
            Main::Query(plan) => Some(plan.columns()),
            Main::Modify(change) => change.columns(),
        }
    }
}

/// The table of a change's rows: no table has such an oid, nor have the rows that other parts of
/// plans bring along.
fn oid_of(place: usize) -> Oid {
    Oid(u32::MAX - 1 - u32::try_from(place).unwrap_or(u32::MAX / 2))
}

/// Plans a statement whose WITH changes rows.
pub(super) fn plan_changes(
    planner: &Arc<Planner>,
    (context, catalog): (&PlanContext, &Recorder),
    with: &WithChanges,
    given: &[Option<PgType>],
) -> Result<PlannedChanges> {
    let mut context = context.clone();
    let mut types = given.to_vec();
    let mut changes = Vec::with_capacity(with.changes.len());
    for (place, named) in with.changes.iter().enumerate() {
        let change = plan_modification(planner, (&context, catalog), &named.statement, &types)?;
        types = known_types(&types, change.parameters());
        let oid = oid_of(place);
        let rows = change.columns().map(|columns| Arc::new(table_of(columns, &named.columns)));
        if let Some(rows) = &rows {
            context = with_named_table((oid, &named.name), rows, &context);
        }
        changes.push(NamedModification { change, oid, rows });
    }
    let main = match &with.main {
        Statement::Query(query) => Main::Query(Box::new(planner.query(&context, query, &types)?)),
        other => {
            let change = plan_modification(planner, (&context, catalog), other, &types)?;
            Main::Modify(Box::new(change))
        }
    };
    let found = match &main {
        Main::Query(plan) => plan.parameters(),
        Main::Modify(change) => change.parameters(),
    };
    let types = known_types(&types, found);
    let parameters = types.into_iter().map(|ty| ty.unwrap_or(PgType::Text)).collect();
    Ok(PlannedChanges { changes, main, parameters })
}

/// The table that returned rows are.
fn table_of(columns: &[OutputColumn], names: &[String]) -> TableSchema {
    let columns = (1..).zip(columns).enumerate().map(|(place, (id, column))| {
        let name = names.get(place).unwrap_or(&column.name);
        Column::new(ColumnId(id), Arc::new(column.ty.field(name, true)))
    });
    TableSchema { columns: columns.collect(), sort: Vec::new(), keys: Vec::new() }
}

impl Session {
    /// Runs a statement whose WITH changes rows, in the open transaction.
    pub(super) async fn run_changes(
        &mut self,
        plan: &PlannedChanges,
        parameters: &[ScalarValue],
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Outcome> {
        let mut run = self.run_on(snapshot);
        for named in &plan.changes {
            let outcome = self.change_on(&named.change, parameters, snapshot, &run).await?;
            if let (Some(rows), Outcome::Rows { stream, .. }) = (&named.rows, outcome) {
                let batches: Vec<RecordBatch> =
                    stream.try_collect().await.map_err(crate::plan::sql_error)?;
                let schema = rows.arrow();
                let batches = batches.iter().map(|batch| with_schema(batch, &schema));
                let batches = batches.collect::<Result<Vec<_>>>()?;
                let batch = concat_batches(&schema, &batches).map_err(arrow_error)?;
                run = with_named_rows(named.oid, rows, batch, &run)?;
            }
        }
        let plan = match &plan.main {
            Main::Modify(change) => {
                return self.change_on(change, parameters, snapshot, &run).await;
            }
            Main::Query(plan) => plan,
        };
        // The rows are held back until the commit: they are made now.
        let columns = Arc::clone(plan.columns());
        let stream = self.run_query(plan, parameters, &run, snapshot)?;
        let schema = stream.schema();
        let batches: Vec<RecordBatch> =
            stream.try_collect().await.map_err(crate::plan::sql_error)?;
        let schema = Arc::new(Schema::new(schema.fields().clone()));
        let batch = concat_batches(&schema, &batches).map_err(arrow_error)?;
        Ok(Outcome::Rows { columns, stream: once(batch), tag: "SELECT" })
    }

    async fn change_on(
        &mut self,
        change: &Modification,
        parameters: &[ScalarValue],
        snapshot: &Arc<Mirrored<Snapshot>>,
        run: &Run,
    ) -> Result<Outcome> {
        let table = snapshot.state.require_table_by_oid(change.plan.table);
        let table = Arc::clone(table.map_err(|_| SqlError::internal("a table that is gone"))?);
        let engine = Arc::clone(self.server.engine());
        engine.follow_merges(self.writes(&table)?, &table).await?;
        self.modify_on(change, parameters, &table, run).await
    }
}

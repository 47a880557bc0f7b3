//! EXPLAIN: plans the statement and shows how it would run; with ANALYZE it runs, in the
//! transaction that is open, and what it did is shown instead of what it gave.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::Schema;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt;

use crate::base::{Result, SqlError};
use crate::catalog::Snapshot;
use crate::exec::Observer;
use crate::plan::explain::{Node, ObjectReads, Report};
use crate::plan::statement::{Explain, ExplainFormat};
use crate::plan::{OutputColumn, Parsed, QueryPlan, Statement};
use crate::segment::Reader;
use crate::store::meta::Mirrored;
use crate::types::PgType;

use super::connection::Session;
use super::modify::Modification;
use super::outcome::Outcome;
use super::plan_cache::Plan;
use super::prepare::Prepared;
use super::utility::once;

/// What watches the execution of a statement.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) observer: Arc<Observer>,
    /// The node's reader, with counters of its own.
    pub(super) reader: Arc<Reader>,
}

/// What EXPLAIN explains, as a statement of its own.
pub(super) fn explained(parsed: &Parsed, explain: &Explain) -> Parsed {
    let tag = change(&explain.statement).unwrap_or("SELECT");
    Parsed { statement: explain.statement.clone(), tag, ..parsed.clone() }
}

/// The name of a statement that changes rows.
pub(super) fn change(statement: &Statement) -> Option<&'static str> {
    Some(match statement {
        Statement::Insert(_) => "INSERT",
        Statement::Update(_) => "UPDATE",
        Statement::Delete(_) => "DELETE",
        Statement::Merge(_) => "MERGE",
        Statement::WithChanges(with) => return change(&with.changes.first()?.statement),
        Statement::Truncate(_) => "TRUNCATE TABLE",
        Statement::CreateTableAs(_) => "CREATE TABLE AS",
        _ => return None,
    })
}

/// The one column of the answer.
pub(super) fn columns(explain: &Explain) -> Arc<[OutputColumn]> {
    let ty = match explain.format {
        ExplainFormat::Json => PgType::Json,
        _ => PgType::Text,
    };
    Arc::from([OutputColumn { name: "QUERY PLAN".to_owned(), ty, table: None }])
}

/// A plan that is explained, and whether it ran.
struct Explained {
    root: Node,
    planning: Duration,
    execution: Option<(Duration, ObjectReads)>,
}

impl Session {
    /// Runs EXPLAIN.
    pub(super) async fn explain(
        &mut self,
        prepared: &Arc<Prepared>,
        explain: &Explain,
        parameters: &[ScalarValue],
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Outcome> {
        if matches!(explain.format, ExplainFormat::Xml | ExplainFormat::Yaml) {
            return Err(SqlError::unsupported("EXPLAIN in this format is not supported")
                .with_hint("Use FORMAT TEXT or FORMAT JSON."));
        }
        let began = self.now();
        let explained = match &explain.statement {
            Statement::Execute { name, arguments } => {
                let inner = self.required_statement(name)?;
                let values = self.arguments(&inner, name, arguments, parameters).await?;
                self.explain_statement(&inner, explain, &values, snapshot, began).await?
            }
            _ => {
                let inner = self.prepare_explained(prepared, explain, snapshot)?;
                self.explain_statement(&inner, explain, parameters, snapshot, began).await?
            }
        };
        let Explained { root, planning, execution } = explained;
        let report = Report { root, options: explain, planning, execution };
        let lines = match explain.format {
            ExplainFormat::Json => vec![report.json()],
            _ => report.text(),
        };
        let columns = columns(explain);
        let fields: Vec<_> =
            columns.iter().map(|column| column.ty.field(&column.name, true)).collect();
        let lines: ArrayRef = Arc::new(StringArray::from(lines));
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![lines])
            .map_err(|error| SqlError::internal(error.to_string()))?;
        Ok(Outcome::Rows { columns, stream: once(batch), tag: "EXPLAIN" })
    }

    async fn explain_statement(
        &mut self,
        inner: &Arc<Prepared>,
        explain: &Explain,
        parameters: &[ScalarValue],
        snapshot: &Arc<Mirrored<Snapshot>>,
        began: Duration,
    ) -> Result<Explained> {
        let bound = self.current_plan(inner, snapshot)?;
        let parameters = &inner.values(parameters, &bound);
        let plan = match &bound.planned.plan {
            Plan::Modify(change) => {
                return self.explain_change(change, explain, parameters, snapshot, began).await;
            }
            Plan::Query(plan) => Arc::clone(plan),
            Plan::WithChanges(_) => {
                let message = "EXPLAIN of a statement whose WITH changes rows is not supported";
                return Err(SqlError::unsupported(message));
            }
            Plan::Utility => {
                let query = match inner.statement() {
                    Statement::CreateTableAs(create) => &create.query,
                    Statement::Declare(declare) => &declare.query,
                    _ => return Err(SqlError::unsupported("EXPLAIN of this statement")),
                };
                let context = self.plan_context(snapshot);
                let plan = self.server.parts.planner.query(&context, query, &[])?;
                self.permit(plan.demands(), snapshot)?;
                Arc::new(plan)
            }
        };
        let physical = plan.physical(parameters)?;
        let planning = self.now().saturating_sub(began);
        if !explain.analyze {
            let root = Node::of_plan(&physical, &snapshot.state);
            return Ok(Explained { root, planning, execution: None });
        }
        let watch = self.watch();
        let started = self.now();
        if let Statement::CreateTableAs(_) = inner.statement() {
            Box::pin(self.define(inner, snapshot, Some(&watch))).await?;
        } else {
            self.drain(&plan, parameters, snapshot, &watch).await?;
        }
        let execution = self.now().saturating_sub(started);
        let ran = watch.observer.plans().into_iter().next().unwrap_or(physical);
        let root = Node::of_plan(&ran, &snapshot.state);
        Ok(Explained { root, planning, execution: Some((execution, watch.reads())) })
    }

    async fn explain_change(
        &mut self,
        change: &Modification,
        explain: &Explain,
        parameters: &[ScalarValue],
        snapshot: &Arc<Mirrored<Snapshot>>,
        began: Duration,
    ) -> Result<Explained> {
        let source = &change.plan.source;
        let physical = source.physical(parameters)?;
        let planning = self.now().saturating_sub(began);
        let mut execution = None;
        let mut ran: Option<Arc<dyn ExecutionPlan>> = None;
        if explain.analyze {
            let watch = self.watch();
            let started = self.now();
            self.modify(change, parameters, snapshot, Some(&watch)).await?;
            execution = Some((self.now().saturating_sub(started), watch.reads()));
            // The first plan makes the rows; the others check them.
            ran = watch.observer.plans().into_iter().next();
        }
        let child = match &physical {
            None => Node::of_constants(source.constant_rows(), explain.analyze),
            Some(plan) => Node::of_plan(ran.as_ref().unwrap_or(plan), &snapshot.state),
        };
        let took = execution.map(|(took, _)| took);
        let (operation, conflict) = (change.operation(), change.conflict_resolution());
        let table = change.plan.table;
        let root = Node::of_change((operation, conflict), table, child, took, &snapshot.state);
        Ok(Explained { root, planning, execution })
    }

    /// Runs a query for its rows' sake only.
    async fn drain(
        &self,
        plan: &QueryPlan,
        parameters: &[ScalarValue],
        snapshot: &Arc<Mirrored<Snapshot>>,
        watch: &Watch,
    ) -> Result<()> {
        let run = self.run_watched(snapshot, Some(watch));
        let mut stream = self.run_query(plan, parameters, &run, snapshot)?;
        while stream.try_next().await.map_err(crate::plan::sql_error)?.is_some() {}
        Ok(())
    }

    fn watch(&self) -> Watch {
        let engine = self.server.engine();
        let observer = Observer::new(Arc::clone(engine.clock()));
        Watch { observer, reader: Arc::new(engine.reader().counted()) }
    }

    fn now(&self) -> Duration {
        self.server.engine().clock().monotonic()
    }
}

impl Watch {
    fn reads(&self) -> ObjectReads {
        let counts = self.reader.objects().counters().counts();
        ObjectReads { reads: counts.reads, bytes: counts.read_bytes, rounds: counts.rounds }
    }
}

//! A plan that runs, many times and at the same time.
//!
//! The logical plan is optimised once; it differs only by the numbers after LIMIT and OFFSET.
//! Of the physical plan there is one instance for each execution that runs at the same time;
//! when an execution ends, its instance waits for the next.

use std::collections::{BTreeSet, HashMap};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use futures::Stream;
use parking_lot::Mutex;

use super::bind::{bind_limits, bind_slots, limit_parameters};
use super::errors::{external, sql_error};
use super::locking::LockedTable;
use super::one_row::OneRow;
use super::planner::Planner;
use crate::base::{ColumnId, Oid, Result, SqlError, SqlState};
use crate::catalog::access::Demand;
use crate::exec::{
    ApplyPlanner, BarrierPlanner, CancelOnDrop, InOrderExec, Run, Slots, VectorSearchPlanner,
};
use crate::types::PgType;

/// Instances of one plan that wait: more ran at the same time once, but keep memory no longer.
const IDLE_INSTANCES_MAX: usize = 64;
/// Plans of one statement that differ by LIMIT and OFFSET.
const LIMIT_VARIANTS_MAX: usize = 16;

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputColumn {
    /// Its name, which another column may have too.
    pub name: String,
    /// Its type.
    pub ty: PgType,
    /// The table's column that it shows unchanged.
    pub table: Option<(Oid, ColumnId)>,
}

/// A planned query.
#[derive(Debug)]
pub struct QueryPlan {
    planner: Arc<Planner>,
    logical: LogicalPlan,
    limits: Vec<usize>,
    columns: Arc<[OutputColumn]>,
    parameters: Vec<PgType>,
    depends_on: Vec<Oid>,
    demands: Vec<Demand>,
    notifies: bool,
    /// The tables whose rows it locks: their addresses follow the columns.
    locked: Vec<LockedTable>,
    variants: Mutex<HashMap<Vec<ScalarValue>, Arc<Variant>>>,
}

/// The plan for certain numbers after LIMIT and OFFSET.
#[derive(Debug)]
struct Variant {
    optimized: LogicalPlan,
    idle: Mutex<Vec<Instance>>,
}

/// A physical plan that runs once at a time.
#[derive(Debug)]
struct Instance {
    plan: Arc<dyn ExecutionPlan>,
    slots: Arc<Slots>,
    /// Whether it may run again after it ran.
    reusable: bool,
    /// Where it is no more than one row of expressions, those.
    one_row: Option<OneRow>,
}

impl QueryPlan {
    pub(crate) fn new(
        planner: Arc<Planner>,
        logical: LogicalPlan,
        columns: Arc<[OutputColumn]>,
        parameters: Vec<PgType>,
        (used, demands): (BTreeSet<Oid>, Vec<Demand>),
    ) -> Self {
        let limits = limit_parameters(&logical).unwrap_or_default();
        let depends_on = used.into_iter().collect();
        let variants = Mutex::default();
        let notifies = calls(&logical, "pg_notify").unwrap_or(true);
        Self {
            planner,
            logical,
            limits,
            columns,
            parameters,
            depends_on,
            demands,
            notifies,
            locked: Vec::new(),
            variants,
        }
    }

    /// The columns of the result.
    pub fn columns(&self) -> &Arc<[OutputColumn]> {
        &self.columns
    }

    /// The types of the parameters.
    pub fn parameters(&self) -> &[PgType] {
        &self.parameters
    }

    /// Whether running it has something to say at COMMIT (`pg_notify`).
    pub fn notifies(&self) -> bool {
        self.notifies
    }

    /// The tables whose rows it locks: a column of addresses for each follows the plan's columns.
    pub fn locked(&self) -> &[LockedTable] {
        &self.locked
    }

    /// The same plan, whose last columns are addresses of rows to lock.
    pub(super) fn locking(mut self, locked: Vec<LockedTable>) -> Self {
        let own = self.columns.len().saturating_sub(locked.len());
        self.columns = self.columns[..own].into();
        Self { locked, ..self }
    }

    /// The relations that the plan was made for: another version of one makes it invalid.
    pub fn depends_on(&self) -> &[Oid] {
        &self.depends_on
    }

    /// What who runs the plan must be allowed to do: to be checked before each execution.
    pub fn demands(&self) -> &[Demand] {
        &self.demands
    }

    /// The same plan with other demands, where its rows are not what it seems to read.
    pub(crate) fn with_demands(self, demands: Vec<Demand>) -> Self {
        Self { demands, ..self }
    }

    /// Runs the plan. The parameters have the types of [`Self::parameters`].
    ///
    /// # Errors
    /// What planning found out late, and what operators find out before the first row.
    pub fn execute(
        &self,
        parameters: &[ScalarValue],
        run: &Run,
    ) -> Result<SendableRecordBatchStream> {
        if parameters.len() < self.parameters.len() {
            let message = format!(
                "bind message supplies {} parameters, but the statement requires {}",
                parameters.len(),
                self.parameters.len()
            );
            return Err(SqlError::new(SqlState::PROTOCOL_VIOLATION, message));
        }
        let variant = self.variant(parameters)?;
        let idle = match run.observer {
            Some(_) => None,
            None => variant.idle.lock().pop(),
        };
        let mut instance = match idle {
            Some(instance) => instance,
            None => self.instance(&variant.optimized)?,
        };
        if let Some(observer) = &run.observer {
            instance.plan = observer.watch(instance.plan).map_err(sql_error)?;
            instance.reusable = false;
        }
        instance.slots.fill(parameters.into());
        instance.slots.attach(run.session.clone());
        let (inner, cancel) = match &instance.one_row {
            // Only a plan's nodes can be observed.
            Some(row) if run.observer.is_none() => (row.run(), None),
            _ => {
                let (context, cancel) = run.task(self.planner.state().config());
                (instance.plan.execute(0, context).map_err(sql_error)?, Some(cancel))
            }
        };
        let schema = Arc::new(Schema::new(inner.schema().fields().clone()));
        Ok(Box::pin(Running {
            inner: Some(inner),
            schema,
            instance: Some(instance),
            variant,
            _cancel: cancel,
        }))
    }

    /// The physical plan of these parameters, to look at.
    ///
    /// # Errors
    /// What planning found out late.
    pub fn physical(&self, parameters: &[ScalarValue]) -> Result<Arc<dyn ExecutionPlan>> {
        let variant = self.variant(parameters)?;
        let instance = self.instance(&variant.optimized)?;
        instance.slots.fill(parameters.into());
        Ok(instance.plan)
    }

    fn variant(&self, parameters: &[ScalarValue]) -> Result<Arc<Variant>> {
        let key: Vec<ScalarValue> =
            self.limits.iter().filter_map(|&at| parameters.get(at).cloned()).collect();
        if let Some(variant) = self.variants.lock().get(&key) {
            return Ok(Arc::clone(variant));
        }
        let bound = bind_limits(self.logical.clone(), parameters).map_err(sql_error)?;
        let optimized = self.planner.optimize(bound)?;
        let variant = Arc::new(Variant { optimized, idle: Mutex::default() });
        let mut variants = self.variants.lock();
        if variants.len() >= LIMIT_VARIANTS_MAX {
            variants.clear();
        }
        variants.insert(key, Arc::clone(&variant));
        Ok(variant)
    }

    fn instance(&self, optimized: &LogicalPlan) -> Result<Instance> {
        self.planner.count_step();
        let slots = Arc::new(Slots::default());
        let bound = bind_slots(optimized.clone(), &slots, &self.parameters).map_err(sql_error)?;
        let physical = DefaultPhysicalPlanner::with_extension_planners(vec![
            Arc::new(VectorSearchPlanner),
            Arc::new(BarrierPlanner),
            Arc::new(ApplyPlanner),
        ]);
        let state = self.planner.state();
        // Nothing in it waits for anything: our sources only make nodes. Without `unconstrained`
        // Tokio would have a plan of more than 128 leaves yield, and nobody would wake it.
        let planning = tokio::task::unconstrained(physical.create_physical_plan(&bound, state));
        let plan =
            futures::executor::block_on(planning).and_then(with_breaks).map_err(sql_error)?;
        let plan: Arc<dyn ExecutionPlan> = match plan.output_partitioning().partition_count() {
            1 => plan,
            _ if without_tables(&plan) => Arc::new(InOrderExec::new(plan)),
            _ => Arc::new(CoalescePartitionsExec::new(plan)),
        };
        let reusable = reusable(&plan);
        let one_row = OneRow::of(plan.as_ref());
        Ok(Instance { plan, slots, reusable, one_row })
    }
}

/// Whether a plan calls a function.
fn calls(plan: &LogicalPlan, name: &str) -> Result<bool, DataFusionError> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            found |= expr.exists(|expr| {
                Ok(matches!(expr, Expr::ScalarFunction(call) if call.func.name() == name))
            })?;
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(found)
}

/// DataFusion lets other tasks run where a query reads its sources. A join can go on for hours after
/// the last of them, deaf to a cancel, so it pauses as well.
fn with_breaks(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    let paused = plan.transform_up(|node| {
        Ok(if node.name().ends_with("JoinExec") {
            Transformed::yes(Arc::new(CooperativeExec::new(node)) as Arc<dyn ExecutionPlan>)
        } else {
            Transformed::no(node)
        })
    })?;
    Ok(paused.data)
}

/// Whether all rows are made of nothing: then there is nothing to do at the same time.
fn without_tables(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let children = plan.children();
    match children.is_empty() {
        true => matches!(plan.name(), "PlaceholderRowExec" | "EmptyExec"),
        false => children.into_iter().all(without_tables),
    }
}

/// A recursive query keeps its working table, so it is planned for each execution.
fn reusable(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.name() != "RecursiveQueryExec" && plan.children().into_iter().all(reusable)
}

/// The result of an execution; gives the instance back at the end.
struct Running {
    inner: Option<SendableRecordBatchStream>,
    schema: SchemaRef,
    instance: Option<Instance>,
    variant: Arc<Variant>,
    _cancel: Option<CancelOnDrop>,
}

impl Stream for Running {
    type Item = Result<RecordBatch, DataFusionError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        // Who reads the stream knows our own errors only.
        let ours = |error| external(sql_error(error));
        inner.as_mut().poll_next(context).map(|item| item.map(|batch| batch.map_err(ours)))
    }
}

impl RecordBatchStream for Running {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.inner.take());
        let Some(instance) = self.instance.take().filter(|instance| instance.reusable) else {
            return;
        };
        let plan = Arc::clone(&instance.plan);
        let plan = match &instance.one_row {
            Some(_) => Ok(plan),
            None => reset_plan_states(plan),
        };
        let Ok(plan) = plan else { return };
        // Values of parameters may be large.
        instance.slots.fill(Arc::from([]));
        instance.slots.attach(None);
        let mut idle = self.variant.idle.lock();
        if idle.len() < IDLE_INSTANCES_MAX {
            idle.push(Instance { plan, ..instance });
        }
    }
}

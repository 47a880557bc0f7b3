//! What EXPLAIN ANALYZE sees: every operator of a plan inside another that counts its rows and
//! measures how long its caller waited for them, as PostgreSQL's instrumentation does. Operators
//! need no counters of their own for it, and a plan that nobody watches pays nothing.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::Stream;
use parking_lot::Mutex;

use crate::base::Clock;

/// Watches the plans of one execution.
#[derive(Debug)]
pub struct Observer {
    clock: Arc<dyn Clock>,
    plans: Mutex<Vec<Arc<dyn ExecutionPlan>>>,
}

/// What an operator did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// Times that it was started; its partitions together count as one.
    pub loops: u64,
    /// The rows that it gave.
    pub rows: u64,
    /// How long its caller waited for the first of them.
    pub first: Duration,
    /// How long its caller waited in all.
    pub total: Duration,
}

impl Observer {
    /// One that has seen nothing.
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, plans: Mutex::default() })
    }

    /// The plans that ran, the first one first.
    pub fn plans(&self) -> Vec<Arc<dyn ExecutionPlan>> {
        self.plans.lock().clone()
    }

    /// The plan with all its operators watched.
    ///
    /// # Errors
    /// What an operator has against its new inputs.
    pub(crate) fn watch(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let watched = plan.transform_up(|input| {
            let node = ObservedExec { input, clock: Arc::clone(&self.clock), seen: Arc::default() };
            Ok(Transformed::yes(Arc::new(node) as Arc<dyn ExecutionPlan>))
        });
        let watched = watched.data()?;
        self.plans.lock().push(Arc::clone(&watched));
        Ok(watched)
    }
}

/// An operator that is watched.
#[derive(Debug)]
pub struct ObservedExec {
    input: Arc<dyn ExecutionPlan>,
    clock: Arc<dyn Clock>,
    /// What each partition did, by its number.
    seen: Arc<Mutex<Vec<Observation>>>,
}

impl ObservedExec {
    /// The operator.
    pub fn input(&self) -> &Arc<dyn ExecutionPlan> {
        &self.input
    }

    /// What it did. Partitions work at the same time: their rows add up, their times do not.
    pub fn observation(&self) -> Observation {
        self.seen.lock().iter().fold(Observation::default(), |all, part| Observation {
            loops: all.loops.max(part.loops),
            rows: all.rows + part.rows,
            first: all.first.max(part.first),
            total: all.total.max(part.total),
        })
    }
}

impl DisplayAs for ObservedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ObservedExec")
    }
}

impl ExecutionPlan for ObservedExec {
    fn name(&self) -> &'static str {
        "ObservedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.pop() else {
            return Err(DataFusionError::Internal("ObservedExec needs an input".into()));
        };
        let (clock, seen) = (Arc::clone(&self.clock), Arc::clone(&self.seen));
        Ok(Arc::new(Self { input, clock, seen }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        {
            let mut seen = self.seen.lock();
            if seen.len() <= partition {
                seen.resize(partition + 1, Observation::default());
            }
            seen[partition].loops += 1;
        }
        // Some operators do their work when they are asked for their stream.
        let began = self.clock.monotonic();
        let inner = self.input.execute(partition, context)?;
        Ok(Box::pin(Watched {
            inner,
            partition,
            clock: Arc::clone(&self.clock),
            seen: Arc::clone(&self.seen),
            asked: Some(began),
            waited: Duration::ZERO,
            answered: false,
        }))
    }
}

/// A partition's rows on their way.
struct Watched {
    inner: SendableRecordBatchStream,
    partition: usize,
    clock: Arc<dyn Clock>,
    seen: Arc<Mutex<Vec<Observation>>>,
    /// Since when the caller waits.
    asked: Option<Duration>,
    waited: Duration,
    answered: bool,
}

impl Stream for Watched {
    type Item = Result<RecordBatch, DataFusionError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let asked = *this.asked.get_or_insert_with(|| this.clock.monotonic());
        let answer = this.inner.as_mut().poll_next(context);
        let Poll::Ready(batch) = &answer else { return answer };
        this.asked = None;
        let waited = this.clock.monotonic().saturating_sub(asked);
        this.waited += waited;
        let mut seen = this.seen.lock();
        let Some(part) = seen.get_mut(this.partition) else { return answer };
        part.total += waited;
        if let Some(Ok(batch)) = batch {
            part.rows += batch.num_rows() as u64;
        }
        if !this.answered {
            this.answered = true;
            part.first = part.first.max(this.waited);
        }
        drop(seen);
        answer
    }
}

impl RecordBatchStream for Watched {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }
}

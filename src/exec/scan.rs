//! A table's rows, filtered: the segments are bound when the scan runs, pruned by their
//! statistics, and shared out among the partitions piece by piece, so that none waits for
//! another.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, StatisticsArgs,
};
use futures::{StreamExt, TryStreamExt};
use parking_lot::Mutex;

use super::external;
use super::leaf::{Access, Leaf};
use super::lookup::{Layout, finish, properties};
use super::pruning;
use super::read::Morsel;
use super::run::Bound;
use super::source::{Filter, Reads, TableSource};
use crate::base::Oid;
use crate::segment::Column;

/// Reads a table.
#[derive(Debug)]
pub struct SegmentScanExec {
    oid: Oid,
    reads: Reads,
    /// Over what is read.
    filter: Option<Arc<dyn PhysicalExpr>>,
    /// The columns that the filter knows by name, for pruning.
    columns: Vec<Column>,
    output: usize,
    reorder: Option<Vec<usize>>,
    limit: Option<usize>,
    schema: SchemaRef,
    partitions: usize,
    properties: Arc<PlanProperties>,
    /// The pieces of the running execution that no partition has taken yet.
    queue: Arc<Mutex<Option<VecDeque<Morsel>>>>,
    metrics: ExecutionPlanMetricsSet,
}

impl SegmentScanExec {
    pub(crate) fn new(
        source: &TableSource,
        filter: Option<Filter>,
        places: &[usize],
        limit: Option<usize>,
        partitions: usize,
    ) -> Result<Self> {
        let layout = Layout::new(source, filter, places)?;
        Ok(Self {
            oid: source.oid(),
            columns: layout.reads.columns.clone(),
            properties: properties(&layout.schema, partitions),
            reads: layout.reads,
            filter: layout.filter,
            output: places.len(),
            reorder: layout.reorder,
            limit,
            schema: layout.schema,
            partitions,
            queue: Arc::default(),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }

    pub(super) fn leaf(&self) -> Leaf {
        let filter = self.filter.clone();
        Leaf { table: self.oid, access: Access::Scan, filter, limit: self.limit }
    }

    fn again(&self) -> Self {
        Self {
            oid: self.oid,
            reads: self.reads.clone(),
            filter: self.filter.clone(),
            columns: self.columns.clone(),
            output: self.output,
            reorder: self.reorder.clone(),
            limit: self.limit,
            schema: Arc::clone(&self.schema),
            partitions: self.partitions,
            properties: Arc::clone(&self.properties),
            queue: Arc::default(),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl DisplayAs for SegmentScanExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> =
            self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, "SegmentScanExec: table={}, columns=[{}]", self.oid, names.join(", "))?;
        if let Some(filter) = &self.filter {
            write!(f, ", filter={filter}")?;
        }
        match self.limit {
            Some(limit) => write!(f, ", limit={limit}"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for SegmentScanExec {
    fn name(&self) -> &'static str {
        "SegmentScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        super::visit(self.filter.iter(), f)
    }

    fn with_new_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(self.again()))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let bound = Bound::of(&context)?;
        {
            let mut queue = self.queue.lock();
            if queue.is_none() {
                let version = bound.version(self.oid)?;
                let predicate = self.filter.as_ref();
                let units = pruning::units(&version, predicate, &self.reads)?;
                *queue = Some(super::read::morsels(units));
            }
        }
        let node = Arc::new(self.again());
        let queue = Arc::clone(&self.queue);
        let batch_rows = context.session_config().batch_size();
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let reads = self.reads.clone();
        let pruner = self.filter.as_ref().and_then(|filter| pruning::pruner(filter, &self.reads));
        let pieces = futures::stream::unfold((), move |()| {
            let next = queue.lock().as_mut().and_then(VecDeque::pop_front);
            futures::future::ready(next.map(|morsel| (morsel, ())))
        });
        let schema = Arc::clone(&self.schema);
        let batches = pieces
            .map(move |morsel| {
                let reader = Arc::clone(bound.reader());
                super::read::scan(&reader, morsel, &reads, pruner.clone(), batch_rows)
                    .map_err(external)
            })
            .flatten();
        let rows = batches.and_then(move |batch: RecordBatch| {
            let finished = finish(
                batch,
                node.filter.as_ref(),
                node.reorder.as_deref(),
                node.output,
                &node.schema,
            );
            if let Ok(batch) = &finished {
                metrics.record_output(batch.num_rows());
            }
            futures::future::ready(finished)
        });
        let rows = rows.try_filter(|batch| futures::future::ready(batch.num_rows() > 0));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, limited(rows.boxed(), self.limit))))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        _args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(Arc::new(Statistics::new_unknown(&self.schema)))
    }
}

type Batches = futures::stream::BoxStream<'static, Result<RecordBatch>>;

/// Stops after enough rows.
fn limited(batches: Batches, limit: Option<usize>) -> Batches {
    let Some(limit) = limit else { return batches };
    futures::stream::unfold((batches, limit), |(mut batches, left)| async move {
        if left == 0 {
            return None;
        }
        match batches.next().await? {
            Ok(batch) => {
                let rows = batch.num_rows().min(left);
                Some((Ok(batch.slice(0, rows)), (batches, left - rows)))
            }
            Err(error) => Some((Err(error), (batches, 0))),
        }
    })
    .boxed()
}

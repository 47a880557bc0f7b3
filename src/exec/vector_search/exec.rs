//! The physical operator. One partition: all rows compete with each other; the work inside is
//! spread over threads.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, ScalarValue};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::stream;

use super::VectorSearch;
use super::search::{Search, Work, query_vector};
use crate::base::Oid;
use crate::exec::leaf::{Access, Leaf};
use crate::exec::lookup::single_partition;
use crate::exec::run::Bound;
use crate::exec::source::{Filter, Reads};
use crate::exec::{external, read, visit};
use crate::index::Metric;
use crate::segment::Column;

/// Finds the nearest rows of a table, then reads their columns.
#[derive(Debug)]
pub struct VectorSearchExec {
    oid: Oid,
    name: String,
    column: Column,
    metric: Metric,
    query: Arc<dyn PhysicalExpr>,
    k: usize,
    filter: Option<Arc<Filter>>,
    /// The columns that the filter reads.
    filter_reads: Option<Reads>,
    /// The columns of the winners.
    reads: Reads,
    reorder: Vec<usize>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
    /// What the searches of this operator did, for EXPLAIN ANALYZE.
    work: Arc<Work>,
}

impl VectorSearchExec {
    pub(super) fn new(
        node: &VectorSearch,
        query: Arc<dyn PhysicalExpr>,
        filter: Option<Filter>,
        schema: SchemaRef,
    ) -> Self {
        let source = &node.source;
        let hidden_from = source.table().columns.len();
        let (mut places, hidden): (Vec<usize>, Vec<usize>) =
            node.projection.iter().partition(|place| **place < hidden_from);
        let mut hidden = hidden;
        hidden.sort_unstable();
        places.extend(hidden);
        let reorder = node
            .projection
            .iter()
            .map(|place| places.iter().position(|at| at == place).unwrap_or_default())
            .collect();
        let filter_reads = filter.as_ref().map(|filter| {
            let mut reads = source.reads(&filter.places);
            reads.address = true;
            reads
        });
        Self {
            oid: source.oid(),
            name: node.name.to_string(),
            column: node.column.clone(),
            metric: node.metric,
            query,
            k: node.k,
            filter: filter.map(Arc::new),
            filter_reads,
            reads: source.reads(&places),
            reorder,
            properties: single_partition(&schema),
            schema,
            work: Arc::default(),
        }
    }

    pub(in crate::exec) fn leaf(&self) -> Leaf {
        let access = Access::VectorSearch {
            column: self.column.field.name().clone(),
            metric: self.metric,
            query: Arc::clone(&self.query),
            work: self.work.so_far(),
        };
        let filter = self.filter.as_ref().map(|filter| Arc::clone(&filter.predicate));
        Leaf { table: self.oid, access, filter, limit: Some(self.k) }
    }

    fn query_value(&self) -> Result<ScalarValue> {
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        let row =
            RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?;
        match self.query.evaluate(&row)? {
            ColumnarValue::Scalar(scalar) => Ok(scalar),
            ColumnarValue::Array(array) => ScalarValue::try_from_array(&array, 0),
        }
    }
}

impl DisplayAs for VectorSearchExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "VectorSearchExec: table={}, column={}, metric={}, k={}, query={}, exact",
            self.name,
            self.column.field.name(),
            self.metric,
            self.k,
            self.query
        )?;
        match &self.filter {
            Some(filter) => write!(f, ", filter={}", filter.predicate),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for VectorSearchExec {
    fn name(&self) -> &'static str {
        "VectorSearchExec"
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
        let filter = self.filter.as_ref().map(|filter| &filter.predicate);
        visit(std::iter::once(&self.query).chain(filter), f)
    }

    fn with_new_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        // There is no state: it belongs to the execution.
        Ok(self)
    }

    fn execute(
        &self,
        _partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let bound = Bound::of(&context)?;
        let version = bound.version(self.oid)?;
        let query = query_vector(&self.query_value()?).map_err(external)?;
        let search = Search {
            reader: Arc::clone(bound.reader()),
            version: Arc::clone(&version),
            column: self.column.clone(),
            metric: self.metric,
            query: query.map(Arc::from),
            k: self.k,
            filter: self.filter.clone().zip(self.filter_reads.clone()),
            cancelled: bound.cancelled(),
            work: Arc::clone(&self.work),
            threads: context.session_config().target_partitions(),
            batch_rows: context.session_config().batch_size(),
        };
        let reads = self.reads.clone();
        let reorder = self.reorder.clone();
        let schema = Arc::clone(&self.schema);
        let rows = stream::once(async move {
            let reader = Arc::clone(bound.reader());
            let addresses = search.run().await?;
            let batch =
                read::take(&reader, &version, &addresses, &reads).await.map_err(external)?;
            let columns = reorder.iter().map(|&at| Arc::clone(batch.column(at))).collect();
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows)))
    }
}

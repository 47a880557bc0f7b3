//! The physical operator. One partition: all rows compete with each other; the work inside is
//! spread over threads.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{TryStreamExt, stream};

use super::row::value_query;
use super::target::Target;
use crate::base::limits::BATCH_ROWS;
use crate::exec::leaf::Leaf;
use crate::exec::lookup::single_partition;
use crate::exec::run::Bound;
use crate::exec::{external, visit};

/// Finds the nearest rows of a table, then reads their columns.
#[derive(Debug)]
pub struct VectorSearchExec {
    target: Target,
    query: Arc<dyn PhysicalExpr>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl VectorSearchExec {
    pub(super) fn new(target: Target, query: Arc<dyn PhysicalExpr>, schema: SchemaRef) -> Self {
        Self { target, query, properties: single_partition(&schema), schema }
    }

    pub(in crate::exec) fn leaf(&self) -> Leaf {
        self.target.leaf(&self.query)
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
        write!(f, "VectorSearchExec: {}, query={}", self.target, self.query)
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
        visit(std::iter::once(&self.query).chain(self.target.expressions()), f)
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
        let version = bound.version(self.target.oid)?;
        let query = value_query(&self.query_value()?).map_err(external)?;
        let search = self.target.search(&bound, &version, &context, query)?;
        let target = self.target.clone();
        let schema = Arc::clone(&self.schema);
        // The winners are found first, their columns are read batch by batch.
        let rows = stream::once(async move {
            let addresses = search.run().await?;
            let rows = addresses.len().max(1);
            let batches = (0..rows).step_by(BATCH_ROWS).map(move |from| {
                let to = addresses.len().min(from + BATCH_ROWS);
                addresses[from..to].to_vec()
            });
            Ok::<_, DataFusionError>(stream::iter(batches.map(Ok)))
        });
        let rows = rows.try_flatten().and_then(move |addresses: Vec<u64>| {
            let (target, schema) = (target.clone(), Arc::clone(&schema));
            let (bound, version) = (Arc::clone(&bound), Arc::clone(&version));
            async move {
                let columns = target.take(bound.reader(), &version, &addresses).await?;
                let options = RecordBatchOptions::new().with_row_count(Some(addresses.len()));
                Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows)))
    }
}

//! Queries of one row of expressions, such as `SELECT 1` or `SELECT $1::vector`: they are
//! evaluated as they are, without the streams and metrics that DataFusion sets up to run a plan.

use std::any::Any;
use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

/// The expressions of the one row.
#[derive(Clone, Debug)]
pub(super) struct OneRow {
    expressions: Arc<[Arc<dyn PhysicalExpr>]>,
    schema: SchemaRef,
}

impl OneRow {
    /// The expressions of a plan that is nothing else.
    pub(super) fn of(plan: &dyn ExecutionPlan) -> Option<Self> {
        let projection = (plan as &dyn Any).downcast_ref::<ProjectionExec>()?;
        let input = projection.input();
        let row = (input.as_ref() as &dyn Any).downcast_ref::<PlaceholderRowExec>()?;
        if !row.schema().fields().is_empty() {
            return None;
        }
        let expressions = projection.expr().iter().map(|item| Arc::clone(&item.expr)).collect();
        Some(Self { expressions, schema: plan.schema() })
    }

    /// The row. Nothing is evaluated before the stream is asked for it.
    pub(super) fn run(&self) -> SendableRecordBatchStream {
        let (row, schema) = (self.clone(), Arc::clone(&self.schema));
        let rows = futures::stream::once(async move { row.evaluate() });
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }

    fn evaluate(&self) -> Result<RecordBatch> {
        let one = RecordBatchOptions::new().with_row_count(Some(1));
        let nothing = Arc::new(Schema::empty());
        let nothing = RecordBatch::try_new_with_options(nothing, Vec::new(), &one)?;
        let values = self
            .expressions
            .iter()
            .map(|expression| expression.evaluate(&nothing).and_then(|value| value.into_array(1)));
        let values = values.collect::<Result<_>>()?;
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), values, &one)?)
    }
}

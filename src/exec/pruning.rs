//! Which segments can have rows that a predicate wants, told from their statistics.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::array::RecordBatchOptions;
use datafusion::arrow::datatypes::Schema;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::ScalarFunctionExpr;
use datafusion::physical_expr::expressions::Literal;
use datafusion::physical_optimizer::pruning::{PruningPredicate, PruningPredicateBuilder};

use super::source::Reads;
use crate::segment::{Statistics, TableVersion, Unit};

/// The table's pieces without those segments in which no row fulfils the predicate.
pub(crate) fn units(
    version: &TableVersion,
    predicate: Option<&Arc<dyn PhysicalExpr>>,
    reads: &Reads,
) -> Result<Vec<Unit>> {
    let mut units = version.units();
    let Some(pruning) = predicate.and_then(|predicate| pruner(predicate, reads)) else {
        return Ok(units);
    };
    let metas: Vec<_> = units
        .iter()
        .filter_map(|unit| match unit {
            Unit::Object(object) => Some(Arc::clone(&object.meta)),
            Unit::Memory(_) => None,
        })
        .collect();
    if metas.is_empty() {
        return Ok(units);
    }
    let statistics = Statistics::of_segments(&reads.columns, metas.iter().map(AsRef::as_ref));
    let mut wanted = pruning.prune(&statistics)?.into_iter();
    units.retain(|unit| match unit {
        Unit::Object(_) => wanted.next().unwrap_or(true),
        Unit::Memory(_) => true,
    });
    Ok(units)
}

/// The predicate in the form that statistics can answer; none when they can't.
pub(crate) fn pruner(
    predicate: &Arc<dyn PhysicalExpr>,
    reads: &Reads,
) -> Option<Arc<PruningPredicate>> {
    let bound = with_values(Arc::clone(predicate)).ok()?;
    let fields: Vec<_> = reads.schema.fields().iter().cloned().collect();
    let builder = PruningPredicateBuilder::new().with_file_schema(Arc::new(Schema::new(fields)));
    let pruning = builder.try_build(bound).ok()?;
    (!pruning.always_true()).then(|| Arc::new(pruning))
}

/// The predicate with the values of its parameters: functions without arguments are computed.
fn with_values(predicate: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?;
    predicate
        .transform_up(|expr| {
            let is_parameter = expr.downcast_ref::<ScalarFunctionExpr>().is_some_and(|function| {
                function.args().is_empty() && function.name().starts_with('$')
            });
            if !is_parameter {
                return Ok(Transformed::no(expr));
            }
            match expr.evaluate(&row)? {
                ColumnarValue::Scalar(value) => {
                    let literal: Arc<dyn PhysicalExpr> = Arc::new(Literal::new(value));
                    Ok(Transformed::yes(literal))
                }
                ColumnarValue::Array(_) => Ok(Transformed::no(expr)),
            }
        })
        .data()
}

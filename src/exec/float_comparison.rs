//! Comparisons of a column of floats with one value, as filters make of many rows at once.
//!
//! DataFusion copies the column to make its zeros alike and then orders by bits, which costs several
//! times the comparison. Here it is a loop that becomes SIMD, in PostgreSQL's order: zeros are equal, and
//! NaN is equal to itself and above everything (chapter 8.1.3).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use datafusion::arrow::buffer::{BooleanBuffer, Buffer};
use datafusion::arrow::datatypes::{DataType, FieldRef, Float64Type, Schema};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, Operator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::BinaryExpr;

/// A comparison of floats.
#[derive(Debug)]
struct FloatComparison {
    /// The comparison that it stands for: what is no column beside a value is left to it.
    whole: Arc<dyn PhysicalExpr>,
    left: Arc<dyn PhysicalExpr>,
    right: Arc<dyn PhysicalExpr>,
    operator: Operator,
}

/// A predicate over rows of a schema whose comparisons of floats are these.
pub(crate) fn with_float_comparisons(
    predicate: Arc<dyn PhysicalExpr>,
    schema: &Schema,
) -> Result<Arc<dyn PhysicalExpr>> {
    let replaced = predicate.transform_up(|expr| {
        let Some(binary) = expr.downcast_ref::<BinaryExpr>() else {
            return Ok(Transformed::no(expr));
        };
        let (left, right, operator) = (binary.left(), binary.right(), *binary.op());
        let compares = matches!(
            operator,
            Operator::Eq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq
        );
        let is_float =
            |side: &Arc<dyn PhysicalExpr>| matches!(side.data_type(schema), Ok(DataType::Float64));
        if !compares || !is_float(left) || !is_float(right) {
            return Ok(Transformed::no(expr));
        }
        let (left, right) = (Arc::clone(left), Arc::clone(right));
        let comparison: Arc<dyn PhysicalExpr> =
            Arc::new(FloatComparison { whole: expr, left, right, operator });
        Ok(Transformed::yes(comparison))
    });
    replaced.data()
}

/// Which numbers compare so with a value, one bit each.
fn mask(values: &[f64], operator: Operator, value: f64) -> BooleanBuffer {
    match (operator, value.is_nan()) {
        (Operator::Lt, false) => bits(values, |number| number < value),
        (Operator::Lt, true) => bits(values, |number| !number.is_nan()),
        (Operator::LtEq, false) => bits(values, |number| number <= value),
        (Operator::LtEq, true) => bits(values, |_| true),
        (Operator::Gt, false) => bits(values, |number| number > value || number.is_nan()),
        (Operator::Gt, true) => bits(values, |_| false),
        (Operator::GtEq, false) => bits(values, |number| number >= value || number.is_nan()),
        (_, true) => bits(values, f64::is_nan),
        (_, false) => bits(values, |number| number == value),
    }
}

#[inline]
fn bits(values: &[f64], is_set: impl Fn(f64) -> bool) -> BooleanBuffer {
    let word = |values: &[f64]| {
        (0..).zip(values).fold(0, |word: u64, (bit, value)| word | u64::from(is_set(*value)) << bit)
    };
    let words: Vec<u64> = values.chunks(u64::BITS as usize).map(word).collect();
    BooleanBuffer::new(Buffer::from_vec(words), 0, values.len())
}

impl PhysicalExpr for FloatComparison {
    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let (left, right) = (self.left.evaluate(batch)?, self.right.evaluate(batch)?);
        if let (ColumnarValue::Array(array), ColumnarValue::Scalar(scalar)) = (&left, &right)
            && let Some(column) = array.as_primitive_opt::<Float64Type>()
            && let ScalarValue::Float64(Some(value)) = scalar
        {
            let mask = mask(column.values(), self.operator, *value);
            let mask = BooleanArray::new(mask, column.nulls().cloned());
            return Ok(ColumnarValue::Array(Arc::new(mask)));
        }
        self.whole.evaluate(batch)
    }

    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        self.whole.return_field(schema)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.left, &self.right]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let whole = Arc::clone(&self.whole).with_new_children(children.clone())?;
        let [left, right] = <[_; 2]>::try_from(children).map_err(|_| {
            datafusion::common::internal_datafusion_err!("a comparison has two sides")
        })?;
        Ok(Arc::new(Self { whole, left, right, operator: self.operator }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.whole.fmt_sql(f)
    }
}

impl fmt::Display for FloatComparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.whole.fmt(f)
    }
}

impl PartialEq for FloatComparison {
    fn eq(&self, other: &Self) -> bool {
        self.whole.eq(&other.whole)
    }
}

impl Eq for FloatComparison {}

impl Hash for FloatComparison {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.whole.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    type Holds = fn(Ordering) -> bool;

    /// PostgreSQL's order of floats.
    fn order(a: f64, b: f64) -> Ordering {
        a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
    }

    #[test]
    fn it_is_postgres_order() {
        let some = [0.0, -0.0, 1.5, -2.0, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        // More than a word of bits, and not whole words.
        let values: Vec<f64> = some.iter().copied().cycle().take(70).collect();
        let operators: [(Operator, Holds); 5] = [
            (Operator::Eq, Ordering::is_eq),
            (Operator::Lt, Ordering::is_lt),
            (Operator::LtEq, Ordering::is_le),
            (Operator::Gt, Ordering::is_gt),
            (Operator::GtEq, Ordering::is_ge),
        ];
        for value in some {
            for (operator, holds) in operators {
                let expected: Vec<bool> =
                    values.iter().map(|number| holds(order(*number, value))).collect();
                let found: Vec<bool> = mask(&values, operator, value).iter().collect();
                assert_eq!(found, expected, "{operator} {value}");
            }
        }
    }
}

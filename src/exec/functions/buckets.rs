//! `width_bucket`: which of equally wide buckets a number falls into.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Int32Builder, Scalar};
use arrow::compute::kernels::cmp::lt_eq;
use arrow::datatypes::{DataType, Float64Type, Int32Type};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::function::{arrays, external, internal, result, undefined};
use crate::base::{Result, SqlError, SqlState};

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    vec![Arc::new(ScalarUDF::new_from_impl(WidthBucket {
        signature: Signature::user_defined(Volatility::Immutable),
    }))]
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct WidthBucket {
    signature: Signature,
}

impl ScalarUDFImpl for WidthBucket {
    fn name(&self) -> &str {
        "width_bucket"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>, DataFusionError> {
        let number = |ty: &DataType| ty.is_numeric() || ty.is_null();
        match types {
            [operand, low, high, count] if [operand, low, high, count].into_iter().all(number) => {
                let float = DataType::Float64;
                Ok(vec![float.clone(), float.clone(), float, DataType::Int32])
            }
            [operand, DataType::List(item)] => {
                let of = comparison_coercion(operand, item.data_type());
                let of = of.ok_or_else(|| external(undefined("width_bucket", types)))?;
                let list =
                    DataType::List(Arc::new(item.as_ref().clone().with_data_type(of.clone())));
                Ok(vec![of, list])
            }
            _ => Err(external(undefined("width_bucket", types))),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Int32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let found = match args.args.len() {
            2 => below(&args.args),
            _ => width_bucket(&args.args),
        };
        found.map_err(external)
    }
}

/// How many of sorted lower bounds are not above a value.
fn below(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let bounds = columns[1].as_list::<i32>();
    let mut found = Int32Builder::new();
    for row in 0..bounds.len() {
        if columns[0].is_null(row) || bounds.is_null(row) {
            found.append_null();
            continue;
        }
        let bounds = bounds.value(row);
        if bounds.null_count() > 0 {
            let message = "thresholds array must not contain NULLs";
            return Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
        }
        let value = Scalar::new(columns[0].slice(row, 1));
        let below = lt_eq(&bounds, &value).map_err(internal)?;
        found.append_value(i32::try_from(below.true_count()).unwrap_or(i32::MAX));
    }
    result(Arc::new(found.finish()), scalar)
}

fn wrong(message: &str) -> SqlError {
    SqlError::new(SqlState::INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, message)
}

fn width_bucket(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let number = |at: usize, row: usize| columns[at].as_primitive::<Float64Type>().value(row);
    let mut found = Int32Builder::new();
    for row in 0..columns[0].len() {
        if columns.iter().any(|column| column.is_null(row)) {
            found.append_null();
            continue;
        }
        let (operand, low, high) = (number(0, row), number(1, row), number(2, row));
        let count = columns[3].as_primitive::<Int32Type>().value(row);
        found.append_value(bucket(operand, low, high, count)?);
    }
    result(Arc::new(found.finish()), scalar)
}

#[expect(clippy::cast_possible_truncation, reason = "less than the count, which is an i32")]
fn bucket(operand: f64, low: f64, high: f64, count: i32) -> Result<i32> {
    if count <= 0 {
        return Err(wrong("count must be greater than zero"));
    }
    if operand.is_nan() || low.is_nan() || high.is_nan() {
        return Err(wrong("operand, lower bound, and upper bound cannot be NaN"));
    }
    if low.is_infinite() || high.is_infinite() {
        return Err(wrong("lower and upper bounds must be finite"));
    }
    if low == high {
        return Err(wrong("lower bound cannot equal upper bound"));
    }
    // Buckets are counted downwards where the bounds are the other way round.
    let (outside, inside) = match low < high {
        true => ((operand < low, operand >= high), (operand - low) / (high - low)),
        false => ((operand > low, operand <= high), (low - operand) / (low - high)),
    };
    match outside {
        (true, _) => Ok(0),
        (_, true) => count.checked_add(1).ok_or_else(|| {
            SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range")
        }),
        _ => Ok((f64::from(count) * inside).floor() as i32 + 1),
    }
}

//! `width_bucket`: which of equally wide buckets a number falls into.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Int32Builder};
use arrow::datatypes::{Float64Type, Int32Type};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Function, Kind, arrays, result};
use crate::base::{Result, SqlError, SqlState};
use crate::types::PgType;

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let four = Arguments::Exactly(&[Kind::Float8, Kind::Float8, Kind::Float8, Kind::Int4]);
    vec![Function::new("width_bucket", four, |_| PgType::Int4, |a, _| width_bucket(a)).build()]
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

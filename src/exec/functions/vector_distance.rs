//! pgvector's functions that make a number of vectors: distances, norms, dimensions.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int32Array};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Body, Call, Function, Kind, result};
use super::sparse;
use super::vector_operand::{Family, Operand, same_dimensions};
use crate::base::{Result, SqlError, SqlState};
use crate::index::{Metric, cosine, distance, inner_product, l1, l2, l2_squared, norm};
use crate::types::PgType;

const DENSE: Arguments = Arguments::Exactly(&[Kind::Vector]);
const DENSE_TWO: Arguments = Arguments::Exactly(&[Kind::Vector, Kind::Vector]);
const ONE: Arguments = Arguments::Exactly(&[Kind::MaybeSparse]);
const TWO: Arguments = Arguments::Exactly(&[Kind::MaybeSparse, Kind::MaybeSparse]);

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let float = |_: &[PgType]| PgType::Float8;
    vec![
        Function::new("l2_distance", TWO, float, |a, c| {
            pairs(a, c, l2, |a, b| sparse::of_metric(Metric::L2, a, b))
        })
        .build(),
        Function::new("vector_l2_squared_distance", TWO, float, |a, c| {
            pairs(a, c, |a, b| f64::from(l2_squared(a, b)), sparse::l2_squared)
        })
        .alias("halfvec_l2_squared_distance")
        .build(),
        Function::new("inner_product", TWO, float, |a, c| {
            pairs(a, c, inner_product, sparse::inner_product)
        })
        .build(),
        Function::new("vector_negative_inner_product", TWO, float, |a, c| {
            let of_sparse = |a: &[u32], b: &[u32]| sparse::of_metric(Metric::InnerProduct, a, b);
            pairs(a, c, |a, b| distance(Metric::InnerProduct, a, b), of_sparse)
        })
        .alias("halfvec_negative_inner_product")
        .build(),
        Function::new("cosine_distance", TWO, float, |a, c| {
            pairs(a, c, cosine, |a, b| sparse::of_metric(Metric::Cosine, a, b))
        })
        .build(),
        Function::new("l1_distance", TWO, float, |a, c| {
            pairs(a, c, l1, |a, b| sparse::of_metric(Metric::L1, a, b))
        })
        .build(),
        Function::new("vector_spherical_distance", DENSE_TWO, float, |a, c| {
            pairs(a, c, angle, sparse::inner_product)
        })
        .alias("halfvec_spherical_distance")
        .build(),
        Function::new("vector_norm", ONE, float, norms).alias("l2_norm").build(),
        Function::new("vector_dims", DENSE, |_| PgType::Int4, dimensions).build(),
        Function::new("vector_cmp", TWO, |_| PgType::Int4, sign).alias("halfvec_cmp").build(),
        comparison("vector_eq", "halfvec_eq", |a, c| compare(a, c, Ordering::is_eq)),
        comparison("vector_ne", "halfvec_ne", |a, c| compare(a, c, Ordering::is_ne)),
        comparison("vector_lt", "halfvec_lt", |a, c| compare(a, c, Ordering::is_lt)),
        comparison("vector_le", "halfvec_le", |a, c| compare(a, c, Ordering::is_le)),
        comparison("vector_gt", "halfvec_gt", |a, c| compare(a, c, Ordering::is_gt)),
        comparison("vector_ge", "halfvec_ge", |a, c| compare(a, c, Ordering::is_ge)),
    ]
}

fn comparison(name: &'static str, of_halves: &str, body: Body) -> Arc<ScalarUDF> {
    Function::new(name, TWO, |_| PgType::Bool, body).alias(of_halves).build()
}

/// The angle between vectors of length one, as a share of half a turn.
fn angle(a: &[f32], b: &[f32]) -> f64 {
    inner_product(a, b).clamp(-1.0, 1.0).acos() / std::f64::consts::PI
}

/// Element by element, then the shorter first: pgvector's order.
fn order(a: &[f32], b: &[f32]) -> Ordering {
    a.partial_cmp(b).unwrap_or(Ordering::Equal)
}

fn sign(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    if Family::of(&call.types) == Family::Sparsevec {
        return sparse::sign(arguments, call);
    }
    let compare = |a: &[f32], b: &[f32]| Ok(Some(order(a, b) as i32));
    each_pair(arguments, call, compare, |found| Arc::new(Int32Array::from(found)))
}

fn compare(
    arguments: &[ColumnarValue],
    call: &Call,
    test: fn(Ordering) -> bool,
) -> Result<ColumnarValue> {
    if Family::of(&call.types) == Family::Sparsevec {
        return sparse::compare(arguments, call, test);
    }
    let compare = |a: &[f32], b: &[f32]| Ok(Some(test(order(a, b))));
    each_pair(arguments, call, compare, |found| Arc::new(BooleanArray::from(found)))
}

fn pairs(
    arguments: &[ColumnarValue],
    call: &Call,
    measure: impl Fn(&[f32], &[f32]) -> f64,
    of_sparse: sparse::Measure,
) -> Result<ColumnarValue> {
    let family = Family::of(&call.types);
    if family == Family::Sparsevec {
        return sparse::distances(arguments, call, of_sparse);
    }
    let measure = |a: &[f32], b: &[f32]| {
        same_dimensions(a, b, family)?;
        Ok(Some(measure(a, b)))
    };
    each_pair(arguments, call, measure, |found| Arc::new(Float64Array::from(found)))
}

/// Applies a function to each pair that has no NULL.
fn each_pair<T>(
    arguments: &[ColumnarValue],
    call: &Call,
    apply: impl Fn(&[f32], &[f32]) -> Result<Option<T>>,
    column: impl Fn(Vec<Option<T>>) -> ArrayRef,
) -> Result<ColumnarValue> {
    let [a, b] = arguments else { return Err(wrong_count()) };
    let family = Family::of(&call.types);
    let (a, b) = (Operand::new(a, family)?, Operand::new(b, family)?);
    let scalar = a.is_constant() && b.is_constant();
    let rows = if scalar { 1 } else { call.rows };
    let mut found = Vec::with_capacity(rows);
    for row in 0..rows {
        found.push(match (a.get(row), b.get(row)) {
            (Some(a), Some(b)) => apply(a, b)?,
            _ => None,
        });
    }
    result(column(found), scalar)
}

fn norms(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    if Family::of(&call.types) == Family::Sparsevec {
        return sparse::norms(arguments, call);
    }
    each(arguments, call, |vector| Some(norm(vector)), |found| Arc::new(Float64Array::from(found)))
}

fn dimensions(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    let length = |vector: &[f32]| i32::try_from(vector.len()).ok();
    each(arguments, call, length, |found| Arc::new(Int32Array::from(found)))
}

fn each<T>(
    arguments: &[ColumnarValue],
    call: &Call,
    apply: impl Fn(&[f32]) -> Option<T>,
    column: impl Fn(Vec<Option<T>>) -> ArrayRef,
) -> Result<ColumnarValue> {
    let [argument] = arguments else { return Err(wrong_count()) };
    let operand = Operand::new(argument, Family::of(&call.types))?;
    if let Operand::Constant(None) = operand {
        let null =
            ScalarValue::try_from(&call.result.arrow()).map_err(super::function::internal)?;
        return Ok(ColumnarValue::Scalar(null));
    }
    let scalar = operand.is_constant();
    let rows = if scalar { 1 } else { call.rows };
    result(column((0..rows).map(|row| operand.get(row).and_then(&apply)).collect()), scalar)
}

/// A call with another number of arguments than was planned.
pub(super) fn wrong_count() -> SqlError {
    SqlError::new(SqlState::INTERNAL_ERROR, "wrong number of arguments")
}

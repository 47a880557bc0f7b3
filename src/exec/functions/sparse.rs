//! pgvector's functions on sparse vectors: each compares two by the elements that are not zero.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int32Array, ListArray, UInt32Array,
};
use arrow::datatypes::{DataType, UInt32Type};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::cast_text::parse_column;
use super::function::{Arguments, Body, Call, Function, Kind, internal, result};
use super::vector_distance::wrong_count;
use crate::base::{Result, SqlError, SqlState};
use crate::exec::cast_vectors::cast_vectors;
use crate::index::{Metric, sparse_distance, sparse_inner_product, sparse_l2_squared};
use crate::types::{ColumnBuilder, PgType, SparseVector, sparse_elements};

const TWO: Arguments = Arguments::Exactly(&[Kind::MaybeSparse, Kind::MaybeSparse]);

/// The functions that are of sparse vectors by their name. Those of several types
/// ([`super::vector_distance`]) hand theirs to what is below.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let float = |_: &[PgType]| PgType::Float8;
    let comparison =
        |name, body: Body| Function::new(name, TWO, |_: &[PgType]| PgType::Bool, body).build();
    vec![
        Function::new("sparsevec_l2_squared_distance", TWO, float, |a, c| {
            distances(a, c, l2_squared)
        })
        .build(),
        Function::new("sparsevec_negative_inner_product", TWO, float, |a, c| {
            distances(a, c, |a, b| of_metric(Metric::InnerProduct, a, b))
        })
        .build(),
        Function::new("sparsevec_cmp", TWO, |_| PgType::Int4, sign).build(),
        comparison("sparsevec_eq", |a, c| compare(a, c, Ordering::is_eq)),
        comparison("sparsevec_ne", |a, c| compare(a, c, Ordering::is_ne)),
        comparison("sparsevec_lt", |a, c| compare(a, c, Ordering::is_lt)),
        comparison("sparsevec_le", |a, c| compare(a, c, Ordering::is_le)),
        comparison("sparsevec_gt", |a, c| compare(a, c, Ordering::is_gt)),
        comparison("sparsevec_ge", |a, c| compare(a, c, Ordering::is_ge)),
    ]
}

/// The sparse vectors of an argument, as they are stored.
struct Operand {
    list: ListArray,
    words: UInt32Array,
    constant: bool,
}

impl Operand {
    fn new(argument: &ColumnarValue) -> Result<Self> {
        let constant = matches!(argument, ColumnarValue::Scalar(_));
        let array = argument.to_array(1).map_err(internal)?;
        let ty = PgType::Sparsevec(None);
        let array: ArrayRef = match array.data_type() {
            DataType::Null => arrow::array::new_null_array(&ty.arrow(), array.len()),
            DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => parse_column(&array, &ty)?,
            other if PgType::of(other) == ty => array,
            other => cast_vectors(&array, &PgType::of(other), &ty)?,
        };
        let list = array.as_list::<i32>().clone();
        let words = list.values().as_primitive::<UInt32Type>().clone();
        Ok(Self { list, words, constant })
    }

    fn get(&self, row: usize) -> Option<&[u32]> {
        let row = if self.constant { 0 } else { row };
        if self.list.is_null(row) {
            return None;
        }
        let end = |at: usize| usize::try_from(self.list.value_offsets()[at]).unwrap_or(0);
        Some(&self.words.values()[end(row)..end(row + 1)])
    }
}

/// Applies a function to each pair that has no NULL.
fn each_pair<T>(
    arguments: &[ColumnarValue],
    call: &Call,
    apply: impl Fn(&[u32], &[u32]) -> Result<T>,
    column: impl Fn(Vec<Option<T>>) -> ArrayRef,
) -> Result<ColumnarValue> {
    let [a, b] = arguments else { return Err(wrong_count()) };
    let (a, b) = (Operand::new(a)?, Operand::new(b)?);
    let scalar = a.constant && b.constant;
    let rows = if scalar { 1 } else { call.rows };
    let mut found = Vec::with_capacity(rows);
    for row in 0..rows {
        found.push(match a.get(row).zip(b.get(row)) {
            Some((a, b)) => Some(apply(a, b)?),
            None => None,
        });
    }
    result(column(found), scalar)
}

/// A distance of two sparse vectors of equal dimensions.
pub(super) type Measure = fn(&[u32], &[u32]) -> f64;

/// The distances of each pair.
pub(super) fn distances(
    arguments: &[ColumnarValue],
    call: &Call,
    measure: Measure,
) -> Result<ColumnarValue> {
    let measure = |a: &[u32], b: &[u32]| {
        same_dimensions(a, b)?;
        Ok(measure(a, b))
    };
    each_pair(arguments, call, measure, |found| Arc::new(Float64Array::from(found)))
}

/// How the two compare: what is stored orders as the vectors do.
pub(super) fn compare(
    arguments: &[ColumnarValue],
    call: &Call,
    test: fn(Ordering) -> bool,
) -> Result<ColumnarValue> {
    let compare = |a: &[u32], b: &[u32]| Ok(test(a.cmp(b)));
    each_pair(arguments, call, compare, |found| Arc::new(BooleanArray::from(found)))
}

/// How the two compare, as a number.
pub(super) fn sign(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    let compare = |a: &[u32], b: &[u32]| Ok(a.cmp(b) as i32);
    each_pair(arguments, call, compare, |found| Arc::new(Int32Array::from(found)))
}

/// pgvector's error for two of other dimensions.
fn same_dimensions(a: &[u32], b: &[u32]) -> Result<()> {
    let (a, b) = (a.last().copied().unwrap_or(0), b.last().copied().unwrap_or(0));
    if a == b {
        return Ok(());
    }
    let message = format!("different sparsevec dimensions {a} and {b}");
    Err(SqlError::new(SqlState::DATA_EXCEPTION, message))
}

/// The square of the Euclidean distance of two.
pub(super) fn l2_squared(a: &[u32], b: &[u32]) -> f64 {
    sparse_l2_squared(sparse_elements(a), sparse_elements(b))
}

/// The inner product of two.
pub(super) fn inner_product(a: &[u32], b: &[u32]) -> f64 {
    sparse_inner_product(sparse_elements(a), sparse_elements(b))
}

/// The distance of two that a metric gives.
pub(super) fn of_metric(metric: Metric, a: &[u32], b: &[u32]) -> f64 {
    sparse_distance(metric, sparse_elements(a), sparse_elements(b))
}

fn norm(numbers: impl Iterator<Item = f32>) -> f64 {
    numbers.map(f64::from).fold(0.0, |sum, number| sum + number * number).sqrt()
}

/// The length of each.
pub(super) fn norms(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    let [argument] = arguments else { return Err(wrong_count()) };
    let operand = Operand::new(argument)?;
    let rows = if operand.constant { 1 } else { call.rows };
    let length = |words| norm(sparse_elements(words).map(|(_, number)| number));
    let found: Float64Array = (0..rows).map(|row| operand.get(row).map(length)).collect();
    result(Arc::new(found), operand.constant)
}

/// Each brought to length one; one of zeros stays.
pub(super) fn normalize(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    let [argument] = arguments else { return Err(wrong_count()) };
    let operand = Operand::new(argument)?;
    let rows = if operand.constant { 1 } else { call.rows };
    let mut column = ColumnBuilder::new(&call.result, rows);
    for row in 0..rows {
        let Some(words) = operand.get(row) else {
            column.append_null();
            continue;
        };
        let vector = SparseVector::of(words);
        let norm = norm(vector.numbers().iter().copied());
        #[expect(clippy::cast_possible_truncation, reason = "an element fits what it was")]
        let scaled = vector.with_numbers(|number| (f64::from(number) / norm) as f32);
        column.append_sparse(&scaled)?;
    }
    result(column.finish(), operand.constant)
}

//! pgvector's functions that make vectors: arithmetic, parts, casts from arrays and to them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, LargeBinaryArray, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Int32Type};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::cast_text::parse_column;
use super::function::{Arguments, Call, Function, Kind, arrays, internal, result};
use super::vector_distance::wrong_count;
use super::vector_operand::{Family, Operand, Output, same_dimensions};
use crate::base::limits::VECTOR_DIMENSIONS_MAX;
use crate::base::{Result, SqlError, SqlState};
use crate::exec::cast_vectors::cast_vectors;
use crate::index::norm;
use crate::types::{BitString, PgType, no_dimensions, too_many_dimensions};

const ONE: Arguments = Arguments::Exactly(&[Kind::Vector]);
const TWO: Arguments = Arguments::Exactly(&[Kind::Vector, Kind::Vector]);

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let bare = |types: &[PgType]| Family::of(types).ty();
    let sized = |types: &[PgType]| Family::of(types).sized(types);
    let from = Arguments::AndMore(&[Kind::MaybeSparse], Kind::Any);
    let part = Arguments::Exactly(&[Kind::Vector, Kind::Int4, Kind::Int4]);
    let vector = |_: &[PgType]| PgType::Vector(None);
    let halfvec = |_: &[PgType]| PgType::Halfvec(None);
    let sparsevec = |_: &[PgType]| PgType::Sparsevec(None);
    let floats = |_: &[PgType]| PgType::Float4.array();
    vec![
        Function::new("vector_add", TWO, sized, |a, c| arithmetic(a, c, |a, b| a + b))
            .alias("halfvec_add")
            .build(),
        Function::new("vector_sub", TWO, sized, |a, c| arithmetic(a, c, |a, b| a - b))
            .alias("halfvec_sub")
            .build(),
        Function::new("vector_mul", TWO, sized, |a, c| arithmetic(a, c, |a, b| a * b))
            .alias("halfvec_mul")
            .build(),
        Function::new("vector_concat", TWO, bare, concat).alias("halfvec_concat").build(),
        Function::new("l2_normalize", Arguments::Exactly(&[Kind::MaybeSparse]), sized, normalize)
            .build(),
        Function::new("subvector", part, bare, subvector).build(),
        Function::new("binary_quantize", ONE, |_| PgType::Bit(None), binary_quantize).build(),
        Function::new("array_to_vector", from, vector, to_vector)
            .alias("halfvec_to_vector")
            .alias("sparsevec_to_vector")
            .build(),
        Function::new("array_to_halfvec", from, halfvec, to_vector)
            .alias("vector_to_halfvec")
            .alias("sparsevec_to_halfvec")
            .build(),
        Function::new("array_to_sparsevec", from, sparsevec, to_vector)
            .alias("vector_to_sparsevec")
            .alias("halfvec_to_sparsevec")
            .build(),
        Function::new("vector_to_float4", from, floats, to_array)
            .alias("halfvec_to_float4")
            .build(),
    ]
}

fn two(arguments: &[ColumnarValue], family: Family) -> Result<(Operand, Operand)> {
    let [a, b] = arguments else { return Err(wrong_count()) };
    Ok((Operand::new(a, family)?, Operand::new(b, family)?))
}

fn arithmetic(
    arguments: &[ColumnarValue],
    call: &Call,
    apply: fn(f32, f32) -> f32,
) -> Result<ColumnarValue> {
    let family = Family::of(&call.types);
    let apply = |a, b| family.nearest(apply(a, b));
    each_pair(arguments, call, |a, b, output| {
        same_dimensions(a, b, family)?;
        let computed = || a.iter().zip(b).map(|(a, b)| apply(*a, *b));
        if computed().any(f32::is_infinite) {
            return Err(out_of_range("overflow"));
        }
        // A product of numbers that are not zero must not become zero.
        let lost = apply(2.0, 0.0) == 0.0
            && a.iter().zip(b).any(|(a, b)| apply(*a, *b) == 0.0 && *a != 0.0 && *b != 0.0);
        if lost {
            return Err(out_of_range("underflow"));
        }
        output.push(computed())
    })
}

fn out_of_range(what: &str) -> SqlError {
    SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("value out of range: {what}"))
}

fn concat(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    each_pair(arguments, call, |a, b, output| {
        if a.len() + b.len() > VECTOR_DIMENSIONS_MAX {
            return Err(too_many_dimensions(&call.result));
        }
        output.push(a.iter().chain(b).copied())
    })
}

fn each_pair(
    arguments: &[ColumnarValue],
    call: &Call,
    apply: impl Fn(&[f32], &[f32], &mut Output) -> Result<()>,
) -> Result<ColumnarValue> {
    let (a, b) = two(arguments, Family::of(&call.types))?;
    let scalar = a.is_constant() && b.is_constant();
    let rows = if scalar { 1 } else { call.rows };
    let mut output = Output::new(&call.result, rows);
    for row in 0..rows {
        match (a.get(row), b.get(row)) {
            (Some(a), Some(b)) => apply(a, b, &mut output)?,
            _ => output.null(),
        }
    }
    result(output.finish(), scalar)
}

fn each(
    arguments: &[ColumnarValue],
    call: &Call,
    apply: impl Fn(usize, &[f32], &mut Output) -> Result<()>,
) -> Result<ColumnarValue> {
    let Some(first) = arguments.first() else { return Err(wrong_count()) };
    let operand = Operand::new(first, Family::of(&call.types))?;
    let scalar = arguments.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
    let rows = if scalar { 1 } else { call.rows };
    let mut output = Output::new(&call.result, rows);
    for row in 0..rows {
        match operand.get(row) {
            Some(vector) => apply(row, vector, &mut output)?,
            None => output.null(),
        }
    }
    result(output.finish(), scalar)
}

fn normalize(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    if Family::of(&call.types) == Family::Sparsevec {
        return super::sparse::normalize(arguments, call);
    }
    each(arguments, call, |_, vector, output| {
        let norm = norm(vector);
        // The zero vector stays what it is.
        #[expect(clippy::cast_possible_truncation, reason = "an element fits what it was")]
        let scaled = |element: &f32| {
            if norm > 0.0 { (f64::from(*element) / norm) as f32 } else { *element }
        };
        output.push(vector.iter().map(scaled))
    })
}

fn subvector(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    let [_, start, count] = arguments else { return Err(wrong_count()) };
    let (numbers, _) = arrays(&[start.clone(), count.clone()])?;
    let number = |argument: usize, row: usize| {
        let column = numbers[argument].as_primitive::<Int32Type>();
        let row = if column.len() == 1 { 0 } else { row };
        (!column.is_null(row)).then(|| i64::from(column.value(row)))
    };
    each(arguments, call, |row, vector, output| {
        let (Some(start), Some(count)) = (number(0, row), number(1, row)) else {
            output.null();
            return Ok(());
        };
        if count < 1 {
            return Err(no_dimensions(&call.result));
        }
        let length = i64::try_from(vector.len()).unwrap_or(i64::MAX);
        // What lies outside of the vector is left out.
        let from = start.max(1);
        let to = (start + count).min(length + 1);
        if from >= to {
            return Err(no_dimensions(&call.result));
        }
        let position = |at: i64| usize::try_from(at - 1).unwrap_or(0);
        output.push(vector[position(from)..position(to)].iter().copied())
    })
}

/// One bit for each element: whether it is above zero.
fn binary_quantize(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    let [argument] = arguments else { return Err(wrong_count()) };
    let operand = Operand::new(argument, Family::of(&call.types))?;
    let scalar = operand.is_constant();
    let rows = if scalar { 1 } else { call.rows };
    let bits = |vector: &[f32]| {
        vector.iter().map(|element| *element > 0.0).collect::<BitString>().stored()
    };
    let found: LargeBinaryArray = (0..rows).map(|row| operand.get(row).map(bits)).collect();
    result(Arc::new(found), scalar)
}

/// `array_to_vector(array [, typmod, explicit])` and the like, as pgvector's casts call them.
fn to_vector(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    let Some(first) = arguments.first() else { return Err(wrong_count()) };
    let typmod = match arguments.get(1) {
        Some(ColumnarValue::Scalar(typmod)) => typmod.to_string().parse().unwrap_or(-1),
        _ => -1,
    };
    let scalar = matches!(first, ColumnarValue::Scalar(_));
    let array = first.to_array(call.rows).map_err(internal)?;
    let target = call.result.with_typmod(typmod);
    let source = call.types.first().cloned().unwrap_or(PgType::Unknown);
    let cast = match source.is_string() || source == PgType::Unknown {
        true => parse_column(&array, &target)?,
        false => cast_vectors(&array, &source, &target)?,
    };
    // The result's type has no dimensions.
    result(cast_vectors(&cast, &target, &call.result)?, scalar)
}

fn to_array(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    let Some(first) = arguments.first() else { return Err(wrong_count()) };
    let operand = Operand::new(first, Family::of(&call.types))?;
    let scalar = operand.is_constant();
    let rows = if scalar { 1 } else { call.rows };
    let mut elements = Vec::new();
    let mut lengths = Vec::with_capacity(rows);
    let mut valid = Vec::with_capacity(rows);
    for row in 0..rows {
        let vector = operand.get(row);
        valid.push(vector.is_some());
        lengths.push(vector.map_or(0, <[f32]>::len));
        elements.extend_from_slice(vector.unwrap_or_default());
    }
    let item = Arc::new(Field::new("item", DataType::Float32, true));
    let list = ListArray::try_new(
        item,
        OffsetBuffer::from_lengths(lengths),
        Arc::new(Float32Array::from(elements)),
        Some(valid.into()),
    );
    let list: ArrayRef = Arc::new(list.map_err(internal)?);
    result(list, scalar)
}

//! What a value is: its type, how many are NULL, how long an array is.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, ListArray, StringArray, new_empty_array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use bytes::BytesMut;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Call, Function, Kind, arrays, internal, result};
use super::vector_distance::wrong_count;
use crate::base::Result;
use crate::types::{ColumnEncoder, PgType};

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let int4 = |_: &[PgType]| PgType::Int4;
    let one = Arguments::Exactly(&[Kind::Array]);
    let two = Arguments::Exactly(&[Kind::Array, Kind::Int4]);
    let counted = Arguments::AndMore(&[Kind::Array, Kind::Int4], Kind::Bool);
    let many = Arguments::AndMore(&[Kind::Any], Kind::Any);
    vec![
        Function::new("pg_typeof", Arguments::Exactly(&[Kind::Any]), |_| PgType::Regtype, type_of)
            .build(),
        Function::new("pg_column_size", Arguments::Exactly(&[Kind::Any]), int4, size).build(),
        Function::new(
            "pg_column_compression",
            Arguments::Exactly(&[Kind::Any]),
            |_| PgType::Text,
            |_, _| Ok(ColumnarValue::Scalar(ScalarValue::Utf8(None))),
        )
        .build(),
        Function::new("array_length", two, int4, |a, _| length(a, None)).build(),
        Function::new("array_upper", two, int4, |a, c| bound(length(a, None)?, c)).build(),
        Function::new("array_lower", two, int4, |a, c| bound(length(a, Some(1))?, c)).build(),
        Function::new("array_ndims", one, int4, |a, _| length(a, Some(1))).build(),
        Function::new("cardinality", one, int4, |a, _| count(a)).build(),
        Function::new("redkite_ordinals", one, |_| PgType::Int8.array(), |a, _| ordinals(a))
            .build(),
        Function::new("generate_subscripts", counted, |_| PgType::Int4.array(), subscripts).build(),
        Function::new("redkite_or_empty", one, |types| types[0].clone(), |a, _| or_empty(a))
            .build(),
        Function::new("array_dims", one, |_| PgType::Text, |a, _| dimensions(a)).build(),
        Function::new("num_nulls", many, int4, |a, c| nulls(a, c, true)).build(),
        Function::new("num_nonnulls", many, int4, |a, c| nulls(a, c, false)).build(),
    ]
}

fn type_of(_: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    let ty = call.types.first().ok_or_else(wrong_count)?;
    Ok(ColumnarValue::Scalar(ScalarValue::UInt32(Some(ty.oid().0))))
}

/// The bytes that PostgreSQL would take for a value: those of its type, or of its text and its length.
fn size(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    let ty = call.types.first().ok_or_else(wrong_count)?;
    let (columns, scalar) = arrays(arguments)?;
    let encoder = ColumnEncoder::new(&columns[0], ty)?;
    let mut bytes = BytesMut::new();
    let sizes = (0..columns[0].len()).map(|row| {
        if encoder.is_null(row) {
            return None;
        }
        if ty.typlen() > 0 {
            return Some(i32::from(ty.typlen()));
        }
        bytes.clear();
        encoder.write_binary(row, &mut bytes);
        i32::try_from(bytes.len() + 4).ok()
    });
    result(Arc::new(sizes.collect::<Int32Array>()), scalar)
}

/// The rows' numbers of elements; `None` for NULL.
fn lengths(column: &ArrayRef) -> Result<Vec<Option<i32>>> {
    if column.data_type() == &DataType::Null {
        return Ok(vec![None; column.len()]);
    }
    let lists = match column.data_type() {
        DataType::List(_) => Arc::clone(column),
        DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            cast(column, &DataType::List(Arc::clone(item))).map_err(internal)?
        }
        other => return Err(internal(format!("not an array: {other}"))),
    };
    let lists = lists.as_list::<i32>();
    let length = |row| (!lists.is_null(row)).then(|| lists.value_length(row));
    Ok((0..lists.len()).map(length).collect())
}

/// The length of dimension one, or what an array that is not empty has instead.
fn length(arguments: &[ColumnarValue], instead: Option<i32>) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let lengths = lengths(&columns[0])?;
    let dimension = |row: usize| match columns.get(1) {
        Some(column) => {
            let column = column.as_primitive::<Int32Type>();
            (!column.is_null(row)).then(|| column.value(row))
        }
        None => Some(1),
    };
    let found = lengths.into_iter().enumerate().map(|(row, length)| {
        let length = length.filter(|length| *length > 0)?;
        (dimension(row)? == 1).then_some(instead.unwrap_or(length))
    });
    result(Arc::new(found.collect::<Int32Array>()), scalar)
}

fn count(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    result(Arc::new(Int32Array::from(lengths(&columns[0])?)), scalar)
}

/// An array, and an empty one for NULL.
fn or_empty(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let Some(lists) = columns[0].as_list_opt::<i32>() else {
        return result(Arc::clone(&columns[0]), scalar);
    };
    let DataType::List(item) = lists.data_type() else { return Err(internal("no list")) };
    let lengths = (0..lists.len()).map(|row| match lists.is_null(row) {
        true => 0,
        false => usize::try_from(lists.value_length(row)).unwrap_or(0),
    });
    let offsets = OffsetBuffer::from_lengths(lengths);
    let rows: Vec<ArrayRef> = lists.iter().flatten().collect();
    let rows: Vec<&dyn Array> = rows.iter().map(AsRef::as_ref).collect();
    let elements = match rows.is_empty() {
        true => new_empty_array(item.data_type()),
        false => concat(&rows).map_err(internal)?,
    };
    let filled = ListArray::try_new(Arc::clone(item), offsets, elements, None);
    result(Arc::new(filled.map_err(internal)?), scalar)
}

/// 1, 2, 3 .. for the elements of each array.
fn ordinals(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let lists = lengths(&columns[0])?.into_iter();
    let lists = lists.map(|length| Some((1..=i64::from(length?)).map(Some).collect::<Vec<_>>()));
    result(Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists)), scalar)
}

/// The number of the first element: `int2vector` and `oidvector` count from 0.
fn first_number(call: &Call) -> i32 {
    i32::from(!matches!(call.types.first(), Some(PgType::Int2vector | PgType::Oidvector)))
}

/// A bound of an array whose elements count from 1, as they count.
fn bound(found: ColumnarValue, call: &Call) -> Result<ColumnarValue> {
    if first_number(call) == 1 {
        return Ok(found);
    }
    let (columns, scalar) = arrays(&[found])?;
    let bounds = columns[0].as_primitive::<Int32Type>().iter();
    result(Arc::new(bounds.map(|bound| Some(bound? - 1)).collect::<Int32Array>()), scalar)
}

fn subscripts(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    let first = first_number(call);
    let (columns, scalar) = arrays(arguments)?;
    let dimensions = columns[1].as_primitive::<Int32Type>();
    let reverse = columns.get(2).is_some_and(|reverse| reverse.as_boolean().true_count() > 0);
    let lists = lengths(&columns[0])?.into_iter().zip(dimensions).map(|(length, dimension)| {
        let length = if dimension? == 1 { length? } else { 0 };
        let numbers = (first..first + length).map(Some);
        Some(if reverse { numbers.rev().collect() } else { numbers.collect::<Vec<_>>() })
    });
    result(Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists)), scalar)
}

fn dimensions(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let lengths = lengths(&columns[0])?.into_iter();
    let found = lengths.map(|length| length.filter(|n| *n > 0).map(|n| format!("[1:{n}]")));
    result(Arc::new(found.collect::<StringArray>()), scalar)
}

fn nulls(arguments: &[ColumnarValue], _: &Call, wanted: bool) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let rows = columns.first().map_or(0, |column| column.len());
    let nulls: Vec<_> = columns.iter().map(|column| column.logical_nulls()).collect();
    let is_null =
        |column: usize, row: usize| nulls[column].as_ref().is_some_and(|n| n.is_null(row));
    let count = |row| (0..columns.len()).filter(|column| is_null(*column, row) == wanted).count();
    let found = (0..rows).map(|row| i32::try_from(count(row)).ok());
    result(Arc::new(found.collect::<Int32Array>()), scalar)
}

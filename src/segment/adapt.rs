//! Arrays as they are stored, and as a table's column wants them now.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryArray, GenericListArray, IntervalMonthDayNanoArray,
    ListArray, make_array,
};
use arrow::buffer::{Buffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Field, FieldRef, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit,
};

use super::Column;
use super::corrupt::broken;
use crate::base::Result;
use crate::types::is_enum;

/// An interval is stored as 16 bytes: months, days (32 bits each) and nanoseconds (64 bits),
/// little-endian. Parquet's own interval has milliseconds only.
const INTERVAL_BYTES: i32 = 16;

/// The field as Parquet gets it: its type is one that Parquet has.
pub(super) fn stored_field(field: &FieldRef) -> FieldRef {
    let stored = stored_type(field.data_type());
    if &stored == field.data_type() {
        return Arc::clone(field);
    }
    Arc::new(field.as_ref().clone().with_data_type(stored))
}

fn stored_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Interval(IntervalUnit::MonthDayNano) => DataType::FixedSizeBinary(INTERVAL_BYTES),
        DataType::List(item) => DataType::List(stored_field(item)),
        // Segments don't depend on what an enum's labels are called.
        data_type if is_enum(data_type) => DataType::Int64,
        other => other.clone(),
    }
}

/// The array as Parquet gets it.
pub(super) fn to_stored(array: &ArrayRef) -> Result<ArrayRef> {
    let failed = |error| broken("storing intervals", error);
    match array.data_type() {
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let intervals = array.as_primitive::<IntervalMonthDayNanoType>();
            let mut bytes = Vec::with_capacity(intervals.len() * 16);
            for value in intervals.values() {
                bytes.extend_from_slice(&value.months.to_le_bytes());
                bytes.extend_from_slice(&value.days.to_le_bytes());
                bytes.extend_from_slice(&value.nanoseconds.to_le_bytes());
            }
            let nulls = intervals.nulls().cloned();
            let bytes = Buffer::from_vec(bytes);
            let stored =
                FixedSizeBinaryArray::try_new(INTERVAL_BYTES, bytes, nulls).map_err(failed)?;
            Ok(Arc::new(stored))
        }
        data_type if is_enum(data_type) => Ok(places(array, &DataType::Int64)),
        DataType::List(item) if &stored_type(item.data_type()) != item.data_type() => {
            let (item, offsets, values, nulls) = array.as_list::<i32>().clone().into_parts();
            let values = to_stored(&values)?;
            let list = GenericListArray::try_new(stored_field(&item), offsets, values, nulls);
            Ok(Arc::new(list.map_err(failed)?))
        }
        _ => Ok(Arc::clone(array)),
    }
}

/// The array as the column wants it: of exactly its type.
pub(super) fn to_column(array: ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
    if array.data_type() == wanted {
        return Ok(array);
    }
    match (array.data_type(), wanted) {
        (
            DataType::FixedSizeBinary(INTERVAL_BYTES),
            DataType::Interval(IntervalUnit::MonthDayNano),
        ) => Ok(intervals(array.as_fixed_size_binary())),
        // Of another description, when the rows are older than a label.
        (stored, wanted) if is_enum(wanted) && (*stored == DataType::Int64 || is_enum(stored)) => {
            Ok(places(&array, wanted))
        }
        (DataType::List(_), DataType::List(item)) => {
            let (_, offsets, values, nulls) = array.as_list::<i32>().clone().into_parts();
            let values = to_column(values, item.data_type())?;
            let list = ListArray::try_new(Arc::clone(item), offsets, values, nulls);
            Ok(Arc::new(list.map_err(|error| broken("reading a list", error))?))
        }
        _ => cast(&array, wanted).map_err(|error| broken("reading a column", error)),
    }
}

/// The places of an enum's labels, as numbers or as the enum's values.
fn places(array: &ArrayRef, data_type: &DataType) -> ArrayRef {
    let data = array.to_data().into_builder().data_type(data_type.clone());
    // Both are 64-bit integers with the same nulls.
    data.build().map_or_else(|_| Arc::clone(array), make_array)
}

fn intervals(stored: &FixedSizeBinaryArray) -> ArrayRef {
    let value = |bytes: &[u8]| {
        let mut fields = [0; 16];
        fields[..bytes.len().min(16)].copy_from_slice(&bytes[..bytes.len().min(16)]);
        let bits = u128::from_le_bytes(fields);
        #[expect(clippy::cast_possible_truncation, reason = "the three parts of 128 bits")]
        IntervalMonthDayNano::new(bits as i32, (bits >> 32) as i32, (bits >> 64) as i64)
    };
    let values: ScalarBuffer<IntervalMonthDayNano> =
        (0..stored.len()).map(|row| value(stored.value(row))).collect();
    Arc::new(IntervalMonthDayNanoArray::new(values, stored.nulls().cloned()))
}

/// The column's value in rows that were written before it was added.
pub(super) fn missing(column: &Column, rows: usize) -> Result<ArrayRef> {
    let array = column
        .missing
        .to_array_of_size(rows)
        .map_err(|error| broken("the value of a missing column", error))?;
    to_column(array, column.data_type())
}

/// The fields of columns, with the field ids that Parquet readers know them by.
pub(super) fn parquet_field(column: &Column) -> Field {
    let stored = stored_field(&column.field);
    let mut metadata = stored.metadata().clone();
    metadata.insert("PARQUET:field_id".to_owned(), column.id.0.to_string());
    stored.as_ref().clone().with_metadata(metadata)
}

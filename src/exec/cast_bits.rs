//! Casts to bit strings and from them.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, LargeBinaryArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type};

use crate::base::{Result, SqlError, SqlState};
use crate::types::{BitString, ColumnBuilder, PgType, TextContext};

/// The column after a cast of this kind; none for casts of others.
pub(super) fn cast_bits(
    array: &ArrayRef,
    source: &PgType,
    target: &PgType,
    explicit: bool,
) -> Option<Result<ArrayRef>> {
    match (source, target) {
        (PgType::Int4 | PgType::Int8, PgType::Bit(length)) => {
            Some(from_integers(array, length.unwrap_or(1)))
        }
        (PgType::Bit(_), PgType::Int4 | PgType::Int8) => Some(to_integers(array, target)),
        (source, target) if source.is_bits() && target.is_bits() => {
            Some(resized(array, target, explicit))
        }
        (source, target) if source.is_string() && target.is_bits() => {
            Some(texts(array, target, explicit))
        }
        _ => None,
    }
}

fn internal(error: impl std::fmt::Display) -> SqlError {
    SqlError::internal(error.to_string())
}

fn from_integers(array: &ArrayRef, length: u32) -> Result<ArrayRef> {
    let numbers = cast(array, &DataType::Int64).map_err(internal)?;
    let length = usize::try_from(length).map_err(internal)?;
    let numbers = numbers.as_primitive::<Int64Type>().iter();
    let bits = numbers.map(|number| Some(BitString::of_integer(number?, length).stored()));
    Ok(Arc::new(bits.collect::<LargeBinaryArray>()))
}

fn to_integers(array: &ArrayRef, target: &PgType) -> Result<ArrayRef> {
    let mut builder = ColumnBuilder::new(target, array.len());
    let out_of_range = || {
        let message = format!("{} out of range", target.sql_name());
        SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
    };
    for stored in array.as_binary::<i64>() {
        let Some(bits) = stored.map(BitString::of) else {
            builder.append_null();
            continue;
        };
        let value = bits.to_integer().ok_or_else(out_of_range)?;
        // The bits are the number's own, its sign among them.
        let number = match target {
            PgType::Int4 => {
                let value = u32::try_from(value).map_err(|_| out_of_range())?;
                if bits.len() > 32 {
                    return Err(out_of_range());
                }
                value.cast_signed().into()
            }
            _ => value.cast_signed(),
        };
        builder.append_text(&number.to_string(), &TextContext::default())?;
    }
    Ok(builder.finish())
}

/// `bit(n)` and `bit varying(n)` of others: cut off or filled up if asked for, else refused.
fn resized(array: &ArrayRef, target: &PgType, explicit: bool) -> Result<ArrayRef> {
    if *target == target.bare() {
        return Ok(Arc::clone(array));
    }
    let bits = array.as_binary::<i64>().iter().map(|stored| {
        let Some(bits) = stored.map(BitString::of) else { return Ok(None) };
        let bits = if explicit { bits.cast(target) } else { bits.assigned(target)? };
        Ok(Some(bits.stored()))
    });
    Ok(Arc::new(bits.collect::<Result<LargeBinaryArray>>()?))
}

fn texts(array: &ArrayRef, target: &PgType, explicit: bool) -> Result<ArrayRef> {
    let texts = cast(array, &DataType::Utf8).map_err(internal)?;
    let mut builder = ColumnBuilder::new(&target.bare(), array.len());
    for text in texts.as_string::<i32>() {
        match text {
            Some(text) => builder.append_text(text, &TextContext::default())?,
            None => builder.append_null(),
        }
    }
    resized(&builder.finish(), target, explicit)
}

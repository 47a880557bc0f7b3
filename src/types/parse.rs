//! One value at a time: literals, defaults, casts.

use bytes::BytesMut;
use datafusion::common::ScalarValue;

use super::{ColumnBuilder, ColumnEncoder, PgType, TextContext, errors};
use crate::base::{Result, SqlError};

/// Reads a literal as the type's input function does, modifier included.
pub fn parse_text(ty: &PgType, text: &str, context: &TextContext) -> Result<ScalarValue> {
    let mut column = ColumnBuilder::new(ty, 1);
    column.append_text(text, context)?;
    only(&mut column)
}

/// Reads a value in its binary form.
pub fn parse_binary(ty: &PgType, bytes: &[u8]) -> Result<ScalarValue> {
    if let Some(value) = plain(ty, bytes) {
        return Ok(value);
    }
    let mut column = ColumnBuilder::new(ty, 1);
    column.append_binary(bytes)?;
    only(&mut column)
}

/// A value of the types that parameters mostly have; what is wrong or special, the builder knows.
fn plain(ty: &PgType, bytes: &[u8]) -> Option<ScalarValue> {
    Some(match ty {
        PgType::Int2 => ScalarValue::from(i16::from_be_bytes(bytes.try_into().ok()?)),
        PgType::Int4 => ScalarValue::from(i32::from_be_bytes(bytes.try_into().ok()?)),
        PgType::Int8 => ScalarValue::from(i64::from_be_bytes(bytes.try_into().ok()?)),
        PgType::Float4 => ScalarValue::from(f32::from_be_bytes(bytes.try_into().ok()?)),
        PgType::Float8 => ScalarValue::from(f64::from_be_bytes(bytes.try_into().ok()?)),
        PgType::Text if !bytes.contains(&0) => ScalarValue::from(str::from_utf8(bytes).ok()?),
        _ => return None,
    })
}

/// The value's text as the type's output function shows it; `None` for NULL.
pub fn to_text(ty: &PgType, value: &ScalarValue, context: &TextContext) -> Result<Option<String>> {
    if value.is_null() {
        return Ok(None);
    }
    let array = value.to_array().map_err(|error| SqlError::internal(error.to_string()))?;
    let mut out = BytesMut::new();
    ColumnEncoder::new(&array, ty)?.write_text(0, &mut out, context);
    errors::utf8(&out).map(|text| Some(text.to_owned()))
}

fn only(column: &mut ColumnBuilder) -> Result<ScalarValue> {
    ScalarValue::try_from_array(&column.finish(), 0)
        .map_err(|error| SqlError::internal(error.to_string()))
}

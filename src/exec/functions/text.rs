//! Functions on text and bytes that take any value by its text, as PostgreSQL writes it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, ListArray, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};
use bytes::BytesMut;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Call, Function, Kind, arrays, internal, result, undefined};
use crate::base::limits::MESSAGE_BYTES_MAX;
use crate::base::{Result, SqlError, SqlState};
use crate::types::{ColumnEncoder, PgType, TextContext, json, stored_length};

/// The functions of this family. `redkite_json_agg` and `redkite_json_object_agg` make a document
/// of arrays of JSON.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let text = |_: &[PgType]| PgType::Text;
    let int4 = |_: &[PgType]| PgType::Int4;
    let one = Arguments::Exactly(&[Kind::Any]);
    let objects = Arguments::Exactly(&[Kind::Array, Kind::Array]);
    let json = |_: &[PgType]| PgType::Json;
    let jsonb = |_: &[PgType]| PgType::Jsonb;
    let array = Arguments::Exactly(&[Kind::Array]);
    vec![
        Function::new("concat", Arguments::AndMore(&[], Kind::Any), text, concat).build(),
        Function::new("concat_ws", Arguments::AndMore(&[Kind::Text], Kind::Any), text, concat_ws)
            .build(),
        Function::new("octet_length", one, int4, octets).build(),
        Function::new("get_byte", Arguments::Exactly(&[Kind::Bytea, Kind::Int4]), int4, |a, _| {
            byte(a)
        })
        .build(),
        Function::new("repeat", Arguments::Exactly(&[Kind::Text, Kind::Int4]), text, |a, _| {
            repeat(a)
        })
        .build(),
        Function::new("chr", Arguments::Exactly(&[Kind::Int4]), text, |a, _| character(a)).build(),
        Function::new("redkite_json_agg", array, json, |a, _| document(a, false)).build(),
        Function::new("redkite_jsonb_agg", array, jsonb, |a, _| document(a, true)).build(),
        Function::new("redkite_json_object_agg", objects, json, |a, _| object(a, false)).build(),
        Function::new("redkite_jsonb_object_agg", objects, jsonb, |a, _| object(a, true)).build(),
    ]
}

/// The texts of a column's values.
struct Texts(ColumnEncoder);

impl Texts {
    fn new(column: &ArrayRef, ty: &PgType) -> Result<Self> {
        Ok(Self(ColumnEncoder::new(column, ty)?))
    }

    fn get(&self, row: usize) -> Result<Option<String>> {
        if self.0.is_null(row) {
            return Ok(None);
        }
        let mut out = BytesMut::new();
        self.0.write_text(row, &mut out, &TextContext::default());
        String::from_utf8(out.to_vec()).map(Some).map_err(internal)
    }
}

fn texts(columns: &[ArrayRef], types: &[PgType]) -> Result<Vec<Option<Texts>>> {
    columns
        .iter()
        .zip(types)
        .map(|(column, ty)| match column.data_type() {
            DataType::Null => Ok(None),
            _ => Texts::new(column, ty).map(Some),
        })
        .collect()
}

fn concat(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let texts = texts(&columns, &call.types)?;
    let rows = columns.first().map_or(call.rows, |column| column.len());
    let mut found = StringBuilder::new();
    for row in 0..rows {
        let mut out = String::new();
        for text in texts.iter().flatten() {
            out.push_str(&text.get(row)?.unwrap_or_default());
        }
        found.append_value(out);
    }
    result(Arc::new(found.finish()), scalar)
}

fn concat_ws(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let texts = texts(&columns, &call.types)?;
    let separators = columns[0].as_string::<i32>();
    let mut found = StringBuilder::new();
    for row in 0..columns[0].len() {
        if separators.is_null(row) {
            found.append_null();
            continue;
        }
        let mut parts = Vec::new();
        for text in texts[1..].iter().flatten() {
            parts.extend(text.get(row)?);
        }
        found.append_value(parts.join(separators.value(row)));
    }
    result(Arc::new(found.finish()), scalar)
}

/// Bytes of a text, blanks of `char(n)` included, or of a `bytea`.
fn octets(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let ty = call.types.first().cloned().unwrap_or(PgType::Unknown);
    let length = |bytes: usize| i32::try_from(bytes).unwrap_or(i32::MAX);
    let found: Int32Array = match (&ty, columns[0].data_type()) {
        (PgType::Bytea, _) => {
            let bytes = cast(&columns[0], &DataType::Binary).map_err(internal)?;
            bytes.as_binary::<i32>().iter().map(|bytes| bytes.map(|b| length(b.len()))).collect()
        }
        (ty, _) if ty.is_string() || *ty == PgType::Unknown => {
            let texts = cast(&columns[0], &DataType::Utf8).map_err(internal)?;
            texts.as_string::<i32>().iter().map(|text| text.map(|t| length(t.len()))).collect()
        }
        (ty, _) if ty.is_bits() => {
            let octets = |bits| length(stored_length(bits).div_ceil(8));
            columns[0].as_binary::<i64>().iter().map(|bits| bits.map(octets)).collect()
        }
        (ty, _) => return Err(undefined("octet_length", &[ty.arrow()])),
    };
    result(Arc::new(found), scalar)
}

fn byte(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let (bytes, places) = (columns[0].as_binary::<i32>(), columns[1].as_primitive::<Int32Type>());
    let found = bytes.iter().zip(places).map(|(bytes, place)| {
        let Some((bytes, place)) = bytes.zip(place) else { return Ok(None) };
        let at = usize::try_from(place).ok().and_then(|at| bytes.get(at));
        at.map(|byte| Some(i32::from(*byte))).ok_or_else(|| {
            let message =
                format!("index {place} out of valid range, 0..{}", bytes.len().saturating_sub(1));
            SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message)
        })
    });
    result(Arc::new(found.collect::<Result<Int32Array>>()?), scalar)
}

/// A text many times over; more than a message may hold is refused.
fn repeat(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let (texts, counts) = (columns[0].as_string::<i32>(), columns[1].as_primitive::<Int32Type>());
    let mut repeated = StringBuilder::new();
    let mut bytes = 0_usize;
    for (text, count) in texts.iter().zip(counts) {
        let (Some(text), Some(count)) = (text, count) else {
            repeated.append_null();
            continue;
        };
        let count = usize::try_from(count).unwrap_or(0);
        bytes = bytes.saturating_add(text.len().saturating_mul(count));
        if bytes >= MESSAGE_BYTES_MAX {
            let message = "requested length too large";
            return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
        }
        repeated.append_value(text.repeat(count));
    }
    result(Arc::new(repeated.finish()), scalar)
}

fn character(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let found = columns[0].as_primitive::<Int32Type>().iter().map(|code| match code {
        None => Ok(None),
        Some(0) => {
            let message = "null character not permitted";
            Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message))
        }
        Some(..0) => {
            let message = "character number must be positive";
            Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
        Some(code) => {
            let character = u32::try_from(code).ok().and_then(char::from_u32);
            character.map(|c| Some(c.to_string())).ok_or_else(|| {
                let message = format!("requested character too large for encoding: {code}");
                SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
            })
        }
    });
    result(Arc::new(found.collect::<Result<StringArray>>()?), scalar)
}

fn lists(column: &ArrayRef) -> Result<ListArray> {
    let wanted = PgType::Text.array().arrow();
    Ok(cast(column, &wanted).map_err(internal)?.as_list::<i32>().clone())
}

/// `[a, b]` of an array of documents.
fn document(arguments: &[ColumnarValue], normal: bool) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let lists = lists(&columns[0])?;
    let mut found = StringBuilder::new();
    for row in 0..lists.len() {
        if lists.is_null(row) {
            found.append_null();
            continue;
        }
        let elements = lists.value(row);
        let parts: Vec<&str> =
            elements.as_string::<i32>().iter().map(|part| part.unwrap_or("null")).collect();
        append(&mut found, &format!("[{}]", parts.join(", ")), normal)?;
    }
    result(Arc::new(found.finish()), scalar)
}

/// `{ "k" : v, .. }` of an array of keys and one of documents.
fn object(arguments: &[ColumnarValue], normal: bool) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let (keys, values) = (lists(&columns[0])?, lists(&columns[1])?);
    let mut found = StringBuilder::new();
    for row in 0..keys.len() {
        if keys.is_null(row) || values.is_null(row) {
            found.append_null();
            continue;
        }
        let (keys, values) = (keys.value(row), values.value(row));
        let mut members = Vec::with_capacity(keys.len());
        for (key, value) in keys.as_string::<i32>().iter().zip(values.as_string::<i32>()) {
            let key = key.ok_or_else(|| {
                let message = "field name must not be null";
                SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, message)
            })?;
            let mut member = String::new();
            json::quote(key, &mut member);
            member.push_str(" : ");
            member.push_str(value.unwrap_or("null"));
            members.push(member);
        }
        append(&mut found, &format!("{{ {} }}", members.join(", ")), normal)?;
    }
    result(Arc::new(found.finish()), scalar)
}

fn append(found: &mut StringBuilder, document: &str, normal: bool) -> Result<()> {
    if !normal {
        found.append_value(document);
        return Ok(());
    }
    let mut out = String::new();
    json::normalise(document, &mut out)?;
    found.append_value(out);
    Ok(())
}

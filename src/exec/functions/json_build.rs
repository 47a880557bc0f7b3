//! Makes JSON documents of other values: `to_jsonb`, `jsonb_build_object`, `json_build_array`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use bytes::BytesMut;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{
    Arguments, Call, Function, Kind, arrays, each, internal, result, text, undefined,
};
use crate::base::{Result, SqlError, SqlState};
use crate::types::{ColumnEncoder, PgType, TextContext, json};

const ONE: Arguments = Arguments::Exactly(&[Kind::Any]);
const TEXTS: Arguments = Arguments::Exactly(&[Kind::Any, Kind::Text]);
const ARRAYS: Arguments = Arguments::AndMore(&[Kind::Array], Kind::Array);
const MANY: Arguments = Arguments::AndMore(&[], Kind::Any);

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let json = |_: &[PgType]| PgType::Json;
    let jsonb = |_: &[PgType]| PgType::Jsonb;
    vec![
        Function::new("to_json", ONE, json, value).alias("array_to_json").build(),
        Function::new("to_jsonb", ONE, jsonb, value).build(),
        Function::new("json_build_object", MANY, json, |a, c| object(a, c, (", ", " : "))).build(),
        Function::new("jsonb_build_object", MANY, jsonb, |a, c| object(a, c, (", ", " : ")))
            .build(),
        Function::new("redkite_row_json", MANY, json, |a, c| object(a, c, (",", ":"))).build(),
        Function::new("redkite_json_object_absent", MANY, json, |a, c| {
            members(a, c, (", ", " : "), true)
        })
        .build(),
        Function::new("redkite_json_array_absent", MANY, json, |a, c| items(a, c, true)).build(),
        Function::new("redkite_is_json", TEXTS, |_| PgType::Bool, |a, c| each(a, c, is_json))
            .build(),
        Function::new("redkite_json_object", ARRAYS, json, object_of_arrays).build(),
        Function::new("redkite_jsonb_object", ARRAYS, jsonb, object_of_arrays).build(),
        Function::new("json_build_array", MANY, json, array).build(),
        Function::new("jsonb_build_array", MANY, jsonb, array).build(),
    ]
}

/// Writes the values of a column as JSON.
struct Source {
    ty: PgType,
    encoder: ColumnEncoder,
    element: Option<(ArrayRef, Box<Source>)>,
}

impl Source {
    fn new(column: &ArrayRef, ty: &PgType) -> Result<Self> {
        let element = match (ty, column.as_list_opt::<i32>()) {
            (PgType::Array(element), Some(list)) => {
                Some((Arc::clone(column), Box::new(Self::new(list.values(), element)?)))
            }
            _ => None,
        };
        Ok(Self { ty: ty.clone(), encoder: ColumnEncoder::new(column, ty)?, element })
    }

    /// The value's text, without JSON's quotes.
    fn text(&self, row: usize) -> Result<String> {
        let mut out = BytesMut::new();
        self.encoder.write_text(row, &mut out, &TextContext::default());
        String::from_utf8(out.to_vec()).map_err(internal)
    }

    fn write(&self, row: usize, out: &mut String) -> Result<()> {
        if self.encoder.is_null(row) {
            out.push_str("null");
            return Ok(());
        }
        if let Some((column, element)) = &self.element {
            let offsets = column.as_list::<i32>().value_offsets();
            out.push('[');
            for position in offsets[row]..offsets[row + 1] {
                if position > offsets[row] {
                    out.push(',');
                }
                element.write(usize::try_from(position).map_err(internal)?, out)?;
            }
            out.push(']');
            return Ok(());
        }
        let text = self.text(row)?;
        match self.ty {
            PgType::Bool => out.push_str(if text == "t" { "true" } else { "false" }),
            PgType::Json | PgType::Jsonb => out.push_str(&text),
            PgType::Timestamp | PgType::Timestamptz => {
                let iso = text.replacen(' ', "T", 1);
                // JSON's offsets have minutes.
                let short = self.ty == PgType::Timestamptz
                    && iso.len() > 3
                    && matches!(iso.as_bytes()[iso.len() - 3], b'+' | b'-');
                json::quote(&if short { iso + ":00" } else { iso }, out);
            }
            _ if self.ty.is_number() && text.ends_with(|c: char| c.is_ascii_digit()) => {
                out.push_str(&text);
            }
            _ => json::quote(&text, out),
        }
        Ok(())
    }
}

fn sources(arguments: &[ColumnarValue], call: &Call) -> Result<(Vec<Source>, usize, bool)> {
    let (columns, scalar) = arrays(arguments)?;
    let rows = columns.first().map_or(1, |column| column.len());
    let sources = columns.iter().zip(&call.types).map(|(column, ty)| Source::new(column, ty));
    Ok((sources.collect::<Result<_>>()?, rows, scalar))
}

/// Collects each row's document, normalised if the result is `jsonb`.
fn collect(
    rows: usize,
    call: &Call,
    write: impl Fn(usize, &mut String) -> Result<bool>,
) -> Result<ArrayRef> {
    let mut found = StringBuilder::new();
    let (mut text, mut normal) = (String::new(), String::new());
    for row in 0..rows {
        text.clear();
        if !write(row, &mut text)? {
            found.append_null();
        } else if call.result == PgType::Jsonb {
            normal.clear();
            json::normalise(&text, &mut normal)?;
            found.append_value(&normal);
        } else {
            found.append_value(&text);
        }
    }
    Ok(Arc::new(found.finish()))
}

fn value(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    let (sources, rows, scalar) = sources(arguments, call)?;
    let column = collect(rows, call, |row, out| {
        let source = &sources[0];
        source.write(row, out)?;
        Ok(!source.encoder.is_null(row))
    })?;
    result(column, scalar)
}

fn array(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    items(arguments, call, false)
}

/// An array of the values; those that are NULL may be left out.
fn items(arguments: &[ColumnarValue], call: &Call, absent: bool) -> Result<ColumnarValue> {
    let (sources, rows, scalar) = sources(arguments, call)?;
    let column = collect(rows, call, |row, out| {
        out.push('[');
        for source in &sources {
            if absent && source.encoder.is_null(row) {
                continue;
            }
            if out.len() > 1 {
                out.push_str(", ");
            }
            source.write(row, out)?;
        }
        out.push(']');
        Ok(true)
    })?;
    result(column, scalar || sources.is_empty())
}

fn object(
    arguments: &[ColumnarValue],
    call: &Call,
    separators: (&str, &str),
) -> Result<ColumnarValue> {
    members(arguments, call, separators, false)
}

/// An object of keys and values; members that are NULL may be left out.
fn members(
    arguments: &[ColumnarValue],
    call: &Call,
    (comma, colon): (&str, &str),
    absent: bool,
) -> Result<ColumnarValue> {
    let (sources, rows, scalar) = sources(arguments, call)?;
    if sources.len() % 2 == 1 {
        return Err(SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "argument list must have even number of elements",
        )
        .with_hint(
            "The arguments of jsonb_build_object() must consist of alternating keys and values.",
        ));
    }
    let column = collect(rows, call, |row, out| {
        out.push('{');
        for (at, pair) in sources.chunks_exact(2).enumerate() {
            if absent && pair[1].encoder.is_null(row) {
                continue;
            }
            if out.len() > 1 {
                out.push_str(comma);
            }
            if pair[0].encoder.is_null(row) {
                return Err(SqlError::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("argument {}: key must not be null", at * 2 + 1),
                ));
            }
            json::quote(&pair[0].text(row)?, out);
            out.push_str(colon);
            pair[1].write(row, out)?;
        }
        out.push('}');
        Ok(true)
    })?;
    result(column, scalar || sources.is_empty())
}

/// Whether a text is JSON, of a kind.
fn is_json(given: &[ScalarValue]) -> Result<ScalarValue> {
    let document = match &given[0] {
        ScalarValue::Utf8(Some(document)) => document.as_str(),
        ScalarValue::Binary(Some(bytes)) => std::str::from_utf8(bytes).unwrap_or_default(),
        other => return Err(undefined("IS JSON", &[other.data_type()])),
    };
    let first = document.trim_start().as_bytes().first().copied().unwrap_or_default();
    let kind = match text(&given[1]) {
        "object" => first == b'{',
        "array" => first == b'[',
        "scalar" => !matches!(first, b'{' | b'['),
        _ => true,
    };
    Ok(ScalarValue::from(kind && json::check(document).is_ok()))
}

/// An object of an array of keys and values in turn, or of one of keys and one of values.
fn object_of_arrays(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    each(arguments, call, |given| {
        let elements = given.iter().map(|array| match array {
            ScalarValue::List(list) => {
                let texts = cast(&list.value(0), &DataType::Utf8).map_err(internal)?;
                Ok(texts.as_string::<i32>().iter().map(|t| t.map(str::to_owned)).collect())
            }
            other => Err(internal(format!("not an array: {other}"))),
        });
        let elements: Vec<Vec<Option<String>>> = elements.collect::<Result<_>>()?;
        let wrong = |message: &str| SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message);
        let pairs: Vec<(&Option<String>, &Option<String>)> = match elements.as_slice() {
            [both] if both.len() % 2 == 1 => {
                return Err(wrong("array must have even number of elements"));
            }
            [both] => both.chunks_exact(2).map(|pair| (&pair[0], &pair[1])).collect(),
            [keys, values] if keys.len() == values.len() => keys.iter().zip(values).collect(),
            _ => return Err(wrong("mismatched array dimensions")),
        };
        let mut out = String::from("{");
        for (key, value) in pairs {
            let key = key.as_deref().ok_or_else(|| {
                let message = "null value not allowed for object key";
                SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, message)
            })?;
            if out.len() > 1 {
                out.push_str(", ");
            }
            json::quote(key, &mut out);
            out.push_str(" : ");
            match value {
                Some(value) => json::quote(value, &mut out),
                None => out.push_str("null"),
            }
        }
        out.push('}');
        Ok(ScalarValue::from(out))
    })
}

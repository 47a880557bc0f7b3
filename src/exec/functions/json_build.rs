//! Makes JSON documents of other values: `to_jsonb`, `jsonb_build_object`, `json_build_array`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use bytes::BytesMut;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Call, Function, Kind, arrays, internal, result};
use crate::base::{Result, SqlError, SqlState};
use crate::types::{ColumnEncoder, PgType, TextContext, json};

const ONE: Arguments = Arguments::Exactly(&[Kind::Any]);
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
    let (sources, rows, scalar) = sources(arguments, call)?;
    let column = collect(rows, call, |row, out| {
        out.push('[');
        for (at, source) in sources.iter().enumerate() {
            if at > 0 {
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
    (comma, colon): (&str, &str),
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
            if at > 0 {
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

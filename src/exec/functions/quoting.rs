//! SQL text in SQL: `quote_ident`, `quote_literal`, `quote_nullable`, `format`.

use std::sync::Arc;

use arrow::array::{Array, AsArray, StringBuilder};
use bytes::BytesMut;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Call, Function, Kind, arrays, internal, result};
use crate::base::{Result, SqlError, SqlState};
use crate::types::{ColumnEncoder, PgType, TextContext};

const ONE: Arguments = Arguments::Exactly(&[Kind::Any]);
const FORMAT: Arguments = Arguments::AndMore(&[Kind::Text], Kind::Any);

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let text = |_: &[PgType]| PgType::Text;
    vec![
        Function::new("quote_ident", ONE, text, |a, c| each(a, c, None, identifier)).build(),
        Function::new("quote_literal", ONE, text, |a, c| each(a, c, None, literal)).build(),
        Function::new("quote_nullable", ONE, text, |a, c| each(a, c, Some("NULL"), literal))
            .build(),
        Function::new("format", FORMAT, text, format).build(),
    ]
}

/// Words that can't name a column or table without quotes.
const RESERVED: &str = "\
    all analyse analyze and any array as asc asymmetric between bigint both case cast check \
    collate column constraint create cross current_date current_role current_time \
    current_timestamp current_user default deferrable desc distinct do else end except exists \
    false fetch for foreign from full grant group having ilike in initially inner integer \
    intersect interval into is join lateral leading left like limit localtime localtimestamp \
    natural not null offset on only or order outer overlaps placing primary references returning \
    right row select session_user set similar some symmetric table then time timestamp to \
    trailing true union unique user using values varchar verbose when where window with";

/// An identifier, in quotes unless it is plain: lower case, and no reserved word.
fn identifier(name: &str) -> String {
    let start = |c: char| c.is_ascii_lowercase() || c == '_';
    let plain = name.starts_with(start)
        && name.chars().all(|c| start(c) || c.is_ascii_digit())
        && !RESERVED.split(' ').any(|word| word == name);
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// A string literal; one with backslashes in the E form.
fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

/// The row's value as text.
fn text(encoder: &ColumnEncoder, row: usize) -> Result<Option<String>> {
    if encoder.is_null(row) {
        return Ok(None);
    }
    let mut out = BytesMut::new();
    encoder.write_text(row, &mut out, &TextContext::default());
    String::from_utf8(out.to_vec()).map(Some).map_err(internal)
}

fn each(
    arguments: &[ColumnarValue],
    call: &Call,
    null: Option<&str>,
    quote: fn(&str) -> String,
) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let encoder = ColumnEncoder::new(&columns[0], &call.types[0])?;
    let mut found = StringBuilder::new();
    for row in 0..columns[0].len() {
        let quoted = text(&encoder, row)?.map(|text| quote(&text));
        found.append_option(quoted.as_deref().or(null));
    }
    result(Arc::new(found.finish()), scalar)
}

fn format(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let encoders: Vec<ColumnEncoder> = columns
        .iter()
        .zip(&call.types)
        .skip(1)
        .map(|(column, ty)| ColumnEncoder::new(column, ty))
        .collect::<Result<_>>()?;
    let mut found = StringBuilder::new();
    for (row, pattern) in columns[0].as_string::<i32>().iter().enumerate() {
        match pattern {
            Some(pattern) => found.append_value(fill(pattern, &encoders, row)?),
            None => found.append_null(),
        }
    }
    result(Arc::new(found.finish()), scalar)
}

fn refuse(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// Replaces `%[n$][-][width]` and `s`, `I` or `L` by the arguments.
fn fill(pattern: &str, arguments: &[ColumnEncoder], row: usize) -> Result<String> {
    let unterminated = || refuse("unterminated format() type specifier");
    let mut out = String::new();
    let mut rest = pattern;
    let mut next = 0;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let length = digits(rest);
        if length > 0 && rest[length..].starts_with('$') {
            let position: usize = rest[..length].parse().map_err(internal)?;
            next = position.checked_sub(1).ok_or_else(|| {
                refuse("format specifies argument 0, but arguments are numbered from 1")
            })?;
            rest = &rest[length + 1..];
        }
        let left = rest.starts_with('-');
        rest = rest.strip_prefix('-').unwrap_or(rest);
        let length = digits(rest);
        let width: usize = rest[..length].parse().unwrap_or(0);
        rest = &rest[length..];
        let kind = rest.chars().next().ok_or_else(unterminated)?;
        rest = &rest[kind.len_utf8()..];
        if !matches!(kind, 's' | 'I' | 'L') {
            return Err(refuse(format!("unrecognized format() type specifier \"{kind}\""))
                .with_hint("For a single \"%\" use \"%%\"."));
        }
        let argument =
            arguments.get(next).ok_or_else(|| refuse("too few arguments for format()"))?;
        next += 1;
        let value = match (kind, text(argument, row)?) {
            ('s', value) => value.unwrap_or_default(),
            ('I', Some(value)) => identifier(&value),
            ('I', None) => {
                return Err(SqlError::new(
                    SqlState::NULL_VALUE_NOT_ALLOWED,
                    "null values cannot be formatted as an SQL identifier",
                ));
            }
            (_, Some(value)) => literal(&value),
            (_, None) => "NULL".to_owned(),
        };
        if width > (1 << 20) {
            return Err(refuse("number is out of range"));
        }
        let padding = " ".repeat(width.saturating_sub(value.chars().count()));
        let (before, after) = if left { ("", padding.as_str()) } else { (padding.as_str(), "") };
        out.extend([before, &value, after]);
    }
    out.push_str(rest);
    Ok(out)
}

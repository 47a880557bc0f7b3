//! Functions of text that change its form: padding, escapes, identifiers.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::ScalarUDF;

use super::function::{Arguments, Function, Kind, each, text, whole};
use super::like_pattern::with_backslash;
use crate::base::limits::MESSAGE_BYTES_MAX;
use crate::base::{Result, SqlError, SqlState};
use crate::types::{PgType, UnicodeEscapes};

const ONE: Arguments = Arguments::Exactly(&[Kind::Text]);
const TWO: Arguments = Arguments::Exactly(&[Kind::Text, Kind::Text]);
const PADDED: Arguments = Arguments::AndMore(&[Kind::Text, Kind::Int4], Kind::Text);

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let of_text = |_: &[PgType]| PgType::Text;
    let identifier = Arguments::AndMore(&[Kind::Text], Kind::Bool);
    vec![
        Function::new("lpad", PADDED, of_text, |a, c| each(a, c, |given| padded(given, true)))
            .build(),
        Function::new("rpad", PADDED, of_text, |a, c| each(a, c, |given| padded(given, false)))
            .build(),
        Function::new("like_escape", TWO, of_text, |a, c| each(a, c, like_escape)).build(),
        Function::new("unistr", ONE, of_text, |a, c| {
            each(a, c, |given| {
                UnicodeEscapes::Unistr.replace(text(&given[0])).map(ScalarValue::from)
            })
        })
        .build(),
        Function::new("casefold", ONE, of_text, |a, c| {
            each(a, c, |given| Ok(ScalarValue::from(text(&given[0]).to_lowercase())))
        })
        .build(),
        Function::new(
            "parse_ident",
            identifier,
            |_| PgType::Text.array(),
            |a, c| each(a, c, parsed_identifier),
        )
        .build(),
        Function::new(
            "pg_client_encoding",
            Arguments::Exactly(&[]),
            |_| PgType::Name,
            |a, c| each(a, c, |_| Ok(ScalarValue::from("UTF8"))),
        )
        .build(),
        Function::new("to_ascii", ONE, of_text, |a, c| {
            each(a, c, |_| {
                let message = "encoding conversion from UTF8 to ASCII not supported";
                Err(SqlError::unsupported(message))
            })
        })
        .build(),
    ]
}

/// A text cut or filled to a number of characters.
fn padded(given: &[ScalarValue], left: bool) -> Result<ScalarValue> {
    let (value, fill) = (text(&given[0]), given.get(2).map_or(" ", text));
    let wanted = usize::try_from(whole(&given[1])).unwrap_or(0);
    let (length, widest) = (value.chars().count(), fill.chars().map(char::len_utf8).max());
    if length >= wanted || fill.is_empty() {
        return Ok(ScalarValue::from(value.chars().take(wanted).collect::<String>()));
    }
    let missing = wanted - length;
    if missing.saturating_mul(widest.unwrap_or(1)) >= MESSAGE_BYTES_MAX {
        let message = "requested length too large";
        return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
    }
    let padding: String = fill.chars().cycle().take(missing).collect();
    Ok(ScalarValue::from(if left { padding + value } else { format!("{value}{padding}") }))
}

fn like_escape(given: &[ScalarValue]) -> Result<ScalarValue> {
    let mut escape = text(&given[1]).chars();
    let character = escape.next();
    if escape.next().is_some() {
        let message = "invalid escape string";
        return Err(SqlError::new(SqlState::INVALID_ESCAPE_SEQUENCE, message)
            .with_hint("Escape string must be empty or one character."));
    }
    Ok(ScalarValue::from(with_backslash(text(&given[0]), character)))
}

/// `"Schema".name` as its parts.
fn parsed_identifier(given: &[ScalarValue]) -> Result<ScalarValue> {
    let whole_text = text(&given[0]);
    let strict = !matches!(given.get(1), Some(ScalarValue::Boolean(Some(false))));
    let invalid = |detail: &str| {
        let message = format!("string is not a valid identifier: \"{whole_text}\"");
        let error = SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message);
        if detail.is_empty() { error } else { error.with_detail(detail) }
    };
    let mut parts = Vec::new();
    let mut rest = whole_text.trim_start();
    loop {
        let after = match rest.strip_prefix('"') {
            Some(quoted) => {
                let end = closing_quote(quoted);
                let end = end.ok_or_else(|| invalid("String has unclosed double quotes."))?;
                if end == 0 {
                    return Err(invalid("Quoted identifier must not be empty."));
                }
                parts.push(ScalarValue::from(quoted[..end].replace("\"\"", "\"")));
                &quoted[end + 1..]
            }
            None => {
                let first = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
                let more = |c: char| first(c) || c.is_ascii_digit() || c == '$';
                let end = rest.find(|c| !more(c)).unwrap_or(rest.len());
                match rest.starts_with(first) {
                    true => parts.push(ScalarValue::from(rest[..end].to_lowercase())),
                    false if rest.starts_with('.') => {
                        return Err(invalid("No valid identifier before \".\"."));
                    }
                    false if !parts.is_empty() => {
                        return Err(invalid("No valid identifier after \".\"."));
                    }
                    false => return Err(invalid("")),
                }
                &rest[end..]
            }
        };
        let after = after.trim_start();
        match after.strip_prefix('.') {
            Some(next) => rest = next.trim_start(),
            None if after.is_empty() || !strict => break,
            None => return Err(invalid("")),
        }
    }
    let list = ScalarValue::new_list_nullable(&parts, &arrow::datatypes::DataType::Utf8);
    Ok(ScalarValue::List(list))
}

/// Where a quoted identifier ends; two quotes are one of its characters.
fn closing_quote(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find('"')?;
        match text[at + 1..].starts_with('"') {
            true => from = at + 2,
            false => return Some(at),
        }
    }
}

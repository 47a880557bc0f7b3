//! Text to bytes and back: `convert_to`, `convert_from`, in UTF-8, Latin 1 and ASCII; `encode`, `decode`,
//! in hexadecimal digits, base 64 and escapes.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Call, Function, Kind, bytes, each, text};
use crate::base::{Result, SqlError, SqlState};
use crate::types::PgType;

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let to = Arguments::Exactly(&[Kind::Text, Kind::Text]);
    let from = Arguments::Exactly(&[Kind::Bytea, Kind::Text]);
    vec![
        Function::new("encode", from, |_| PgType::Text, encode).build(),
        Function::new("decode", to, |_| PgType::Bytea, decode).build(),
        Function::new("convert_to", to, |_| PgType::Bytea, convert_to).build(),
        Function::new("convert_from", from, |_| PgType::Text, convert_from).build(),
    ]
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Latin1,
    Ascii,
}

impl Encoding {
    /// Reads a name as PostgreSQL does: letters and digits alone count.
    fn named(name: &str) -> Option<Self> {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        match plain.to_ascii_lowercase().as_str() {
            "utf8" | "unicode" => Some(Self::Utf8),
            "latin1" | "iso88591" => Some(Self::Latin1),
            "sqlascii" => Some(Self::Ascii),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF8",
            Self::Latin1 => "LATIN1",
            Self::Ascii => "SQL_ASCII",
        }
    }
}

fn invalid_name(what: &str, name: &str) -> SqlError {
    let message = format!("invalid {what} encoding name \"{name}\"");
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn convert_to(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    each(arguments, call, |given| {
        let name = text(&given[1]);
        let target = Encoding::named(name).ok_or_else(|| invalid_name("destination", name))?;
        encoded(text(&given[0]), target).map(|bytes| ScalarValue::Binary(Some(bytes)))
    })
}

fn convert_from(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    each(arguments, call, |given| {
        let name = text(&given[1]);
        let source = Encoding::named(name).ok_or_else(|| invalid_name("source", name))?;
        decoded(bytes(&given[0]), source).map(ScalarValue::from)
    })
}

/// A text's bytes.
fn encoded(text: &str, target: Encoding) -> Result<Vec<u8>> {
    if target != Encoding::Latin1 {
        return Ok(text.as_bytes().to_vec());
    }
    let byte = |c: char| {
        u8::try_from(u32::from(c)).map_err(|_| {
            let message = format!(
                "character with byte sequence {} in encoding \"UTF8\" has no equivalent in encoding \
                 \"{}\"",
                shown(c.to_string().as_bytes()),
                target.name()
            );
            SqlError::new(SqlState::UNTRANSLATABLE_CHARACTER, message)
        })
    };
    text.chars().map(byte).collect()
}

/// The text of bytes.
fn decoded(bytes: &[u8], source: Encoding) -> Result<String> {
    if source == Encoding::Latin1 {
        return Ok(bytes.iter().map(|byte| char::from(*byte)).collect());
    }
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
        let wrong = &bytes[error.valid_up_to()..];
        let length = error.error_len().unwrap_or(wrong.len());
        let message = format!(
            "invalid byte sequence for encoding \"UTF8\": {}",
            shown(&wrong[..length.min(wrong.len())])
        );
        SqlError::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message)
    })
}

/// `0xc3 0xa9`.
fn shown(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("0x{byte:02x}")).collect();
    bytes.join(" ")
}

/// Bytes of one encoding in another.
pub(super) fn convert(bytes: &[u8], from: &str, to: &str) -> Result<ScalarValue> {
    let source = Encoding::named(from).ok_or_else(|| invalid_name("source", from))?;
    let target = Encoding::named(to).ok_or_else(|| invalid_name("destination", to))?;
    let text = decoded(bytes, source)?;
    encoded(&text, target).map(|bytes| ScalarValue::Binary(Some(bytes)))
}

fn encode(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    each(arguments, call, |given| {
        let (bytes, format) = (bytes(&given[0]), text(&given[1]));
        Ok(ScalarValue::from(match format.to_ascii_lowercase().as_str() {
            "hex" => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            "base64" => lines(&STANDARD.encode(bytes)),
            "escape" => escaped(bytes),
            _ => return Err(unrecognized(format)),
        }))
    })
}

fn decode(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    each(arguments, call, |given| {
        let (text, format) = (text(&given[0]), text(&given[1]));
        Ok(ScalarValue::Binary(Some(match format.to_ascii_lowercase().as_str() {
            "hex" => from_hex(text)?,
            "base64" => from_base64(text)?,
            "escape" => from_escaped(text)?,
            _ => return Err(unrecognized(format)),
        })))
    })
}

fn invalid(message: String) -> SqlError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn unrecognized(format: &str) -> SqlError {
    invalid(format!("unrecognized encoding: \"{format}\""))
}

/// Lines of 76 characters.
fn lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 76);
    for (at, c) in text.chars().enumerate() {
        if at > 0 && at % 76 == 0 {
            out.push('\n');
        }
        out.push(c);
    }
    out
}

/// Bytes that are no characters as `\012`.
fn escaped(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            0 | 0x80.. => out.push_str(&format!("\\{byte:03o}")),
            _ => out.push(char::from(*byte)),
        }
    }
    out
}

fn from_hex(text: &str) -> Result<Vec<u8>> {
    let mut digits = Vec::with_capacity(text.len());
    for c in text.chars().filter(|c| !matches!(c, ' ' | '\n' | '\t' | '\r')) {
        let digit = c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        digits.push(digit.ok_or_else(|| invalid(format!("invalid hexadecimal digit: \"{c}\"")))?);
    }
    if digits.len() % 2 == 1 {
        return Err(invalid("invalid hexadecimal data: odd number of digits".to_owned()));
    }
    Ok(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn from_base64(text: &str) -> Result<Vec<u8>> {
    let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '\n' | '\t' | '\r')).collect();
    let known = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    if let Some(wrong) = plain.chars().find(|c| !known(c)) {
        let message = format!("invalid symbol \"{wrong}\" found while decoding base64 sequence");
        return Err(invalid(message));
    }
    STANDARD.decode(plain).map_err(|_| invalid("invalid base64 end sequence".to_owned()))
}

fn from_escaped(text: &str) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = match (first, after) {
            (b'\\', [b'\\', after @ ..]) => {
                out.push(b'\\');
                after
            }
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                after
            }
            (b'\\', _) => {
                let message = "invalid input syntax for type bytea";
                return Err(SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, message));
            }
            (byte, after) => {
                out.push(*byte);
                after
            }
        };
    }
    Ok(out)
}

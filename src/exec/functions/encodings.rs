//! Text to bytes and back: `convert_to`, `convert_from`, in UTF-8, Latin 1 and ASCII.

use std::sync::Arc;

use arrow::array::{AsArray, BinaryBuilder, StringBuilder};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Function, Kind, arrays, result};
use crate::base::{Result, SqlError, SqlState};
use crate::types::PgType;

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let to = Arguments::Exactly(&[Kind::Text, Kind::Text]);
    let from = Arguments::Exactly(&[Kind::Bytea, Kind::Text]);
    vec![
        Function::new("convert_to", to, |_| PgType::Bytea, |a, _| convert_to(a)).build(),
        Function::new("convert_from", from, |_| PgType::Text, |a, _| convert_from(a)).build(),
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

fn convert_to(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let mut out = BinaryBuilder::new();
    for (text, name) in columns[0].as_string::<i32>().iter().zip(columns[1].as_string::<i32>()) {
        let (Some(text), Some(name)) = (text, name) else {
            out.append_null();
            continue;
        };
        let encoding = Encoding::named(name).ok_or_else(|| invalid_name("destination", name))?;
        if encoding != Encoding::Latin1 {
            out.append_value(text);
            continue;
        }
        let byte = |c: char| {
            u8::try_from(u32::from(c)).map_err(|_| {
                let bytes: Vec<String> =
                    c.to_string().bytes().map(|byte| format!("0x{byte:02x}")).collect();
                SqlError::new(
                    SqlState::UNTRANSLATABLE_CHARACTER,
                    format!(
                        "character with byte sequence {} in encoding \"UTF8\" has no equivalent in \
                         encoding \"{}\"",
                        bytes.join(" "),
                        encoding.name()
                    ),
                )
            })
        };
        out.append_value(text.chars().map(byte).collect::<Result<Vec<u8>>>()?);
    }
    result(Arc::new(out.finish()), scalar)
}

fn convert_from(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let mut out = StringBuilder::new();
    for (bytes, name) in columns[0].as_binary::<i32>().iter().zip(columns[1].as_string::<i32>()) {
        let (Some(bytes), Some(name)) = (bytes, name) else {
            out.append_null();
            continue;
        };
        let encoding = Encoding::named(name).ok_or_else(|| invalid_name("source", name))?;
        if encoding == Encoding::Latin1 {
            out.append_value(bytes.iter().map(|byte| char::from(*byte)).collect::<String>());
            continue;
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let wrong = &bytes[error.valid_up_to()..];
            let length = error.error_len().unwrap_or(wrong.len());
            let shown: Vec<String> =
                wrong.iter().take(length).map(|byte| format!("0x{byte:02x}")).collect();
            let message =
                format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" "));
            SqlError::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message)
        })?;
        out.append_value(text);
    }
    result(Arc::new(out.finish()), scalar)
}

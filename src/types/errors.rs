//! PostgreSQL's words for values that can't be read.

use super::PgType;
use crate::base::{SqlError, SqlState};

/// `invalid input syntax for type integer: "x"`.
pub(super) fn invalid_syntax(ty: &PgType, text: &str) -> SqlError {
    let code = match ty {
        PgType::Date
        | PgType::Time
        | PgType::Timestamp
        | PgType::Timestamptz
        | PgType::Interval => SqlState::INVALID_DATETIME_FORMAT,
        _ => SqlState::INVALID_TEXT_REPRESENTATION,
    };
    // Here PostgreSQL uses the short names.
    let name = match ty {
        PgType::Time | PgType::Timestamp => ty.name(),
        _ => ty.error_name(),
    };
    SqlError::new(code, format!("invalid input syntax for type {name}: \"{text}\""))
}

/// `value "99999" is out of range for type smallint`.
pub(super) fn integer_out_of_range(ty: &PgType, text: &str) -> SqlError {
    SqlError::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        format!("value \"{text}\" is out of range for type {}", ty.error_name()),
    )
}

/// `"1e400" is out of range for type double precision`.
pub(super) fn float_out_of_range(ty: &PgType, text: &str) -> SqlError {
    SqlError::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        format!("\"{text}\" is out of range for type {}", ty.error_name()),
    )
}

/// A binary value of the wrong length or shape.
pub(super) fn invalid_binary(ty: &PgType) -> SqlError {
    SqlError::new(SqlState::INVALID_BINARY_REPRESENTATION, "incorrect binary data format")
        .with_detail(format!("The value is not in the binary format of type {ty}."))
}

/// The bytes as text, as PostgreSQL allows it: UTF-8 without zero bytes.
///
/// # Errors
/// 22021, which shows the first offending bytes.
pub fn utf8(bytes: &[u8]) -> Result<&str, SqlError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => no_zero(text),
        Err(error) => {
            let valid = error.valid_up_to();
            let from = memchr::memchr(0, &bytes[..valid]).unwrap_or(valid);
            // PostgreSQL shows as many bytes as the first one promises, or fewer at the end.
            let promised = match bytes[from] {
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf7 => 4,
                _ => 1,
            };
            let shown = bytes[from..].iter().take(promised).map(|byte| format!("0x{byte:02x}"));
            Err(invalid_utf8(&shown.collect::<Vec<_>>().join(" ")))
        }
    }
}

/// The same text unless it has a zero byte.
pub(super) fn no_zero(text: &str) -> Result<&str, SqlError> {
    if memchr::memchr(0, text.as_bytes()).is_some() {
        return Err(invalid_utf8("0x00"));
    }
    Ok(text)
}

fn invalid_utf8(shown: &str) -> SqlError {
    SqlError::new(
        SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        format!("invalid byte sequence for encoding \"UTF8\": {shown}"),
    )
}

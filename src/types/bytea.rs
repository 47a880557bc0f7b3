//! `bytea`: the hex format (`\x0aff`) and the older escape format (`a\012\\`).

use bytes::{BufMut, BytesMut};

use super::context::ByteaOutput;
use super::{PgType, errors};
use crate::base::{Result, SqlError, SqlState};

/// Reads either format, appending the bytes.
pub(super) fn parse(text: &str, into: &mut Vec<u8>) -> Result<()> {
    match text.strip_prefix("\\x") {
        Some(digits) => parse_hex(digits, into),
        None => parse_escape(text, into),
    }
}

fn parse_hex(digits: &str, into: &mut Vec<u8>) -> Result<()> {
    let invalid = |message| SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message);
    into.reserve(digits.len() / 2);
    let mut high = None;
    for character in digits.chars() {
        if high.is_none() && matches!(character, ' ' | '\n' | '\t' | '\r') {
            continue;
        }
        let digit = character
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
            .ok_or_else(|| invalid(format!("invalid hexadecimal digit: \"{character}\"")))?;
        match high.take() {
            None => high = Some(digit),
            Some(high) => into.push(high << 4 | digit),
        }
    }
    if high.is_some() {
        return Err(invalid("invalid hexadecimal data: odd number of digits".to_owned()));
    }
    Ok(())
}

fn parse_escape(text: &str, into: &mut Vec<u8>) -> Result<()> {
    let mut rest = text.as_bytes();
    while let Some(at) = memchr::memchr(b'\\', rest) {
        into.extend_from_slice(&rest[..at]);
        rest = match &rest[at + 1..] {
            [b'\\', after @ ..] => {
                into.push(b'\\');
                after
            }
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] => {
                into.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                after
            }
            _ => {
                let name = PgType::Bytea.error_name();
                return Err(SqlError::new(
                    SqlState::INVALID_TEXT_REPRESENTATION,
                    format!("invalid input syntax for type {name}"),
                ));
            }
        };
    }
    into.extend_from_slice(rest);
    Ok(())
}

/// Writes the bytes in the session's format.
pub(super) fn write(bytes: &[u8], out: &mut BytesMut, format: ByteaOutput) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    match format {
        ByteaOutput::Hex => {
            out.reserve(2 + bytes.len() * 2);
            out.put_slice(b"\\x");
            for byte in bytes {
                out.put_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
            }
        }
        ByteaOutput::Escape => {
            for byte in bytes {
                match byte {
                    b'\\' => out.put_slice(b"\\\\"),
                    0x20..=0x7e => out.put_u8(*byte),
                    _ => {
                        let octal = [byte >> 6, byte >> 3 & 7, byte & 7].map(|digit| digit + b'0');
                        out.put_u8(b'\\');
                        out.put_slice(&octal);
                    }
                }
            }
        }
    }
}

/// Reads a uuid: 32 hexadecimal digits, hyphens after any group of four, braces around it.
pub(super) fn parse_uuid(text: &str) -> Result<[u8; 16]> {
    let invalid = || errors::invalid_syntax(&PgType::Uuid, text);
    let inner = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}').ok_or_else(invalid)?,
        None => text,
    };
    let mut bytes = [0; 16];
    let mut rest = inner.as_bytes();
    for (at, byte) in bytes.iter_mut().enumerate() {
        let [high, low, after @ ..] = rest else { return Err(invalid()) };
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
        *byte = digit(*high).ok_or_else(invalid)? << 4 | digit(*low).ok_or_else(invalid)?;
        rest = match after {
            [b'-', after @ ..] if at % 2 == 1 && at < 15 => after,
            after => after,
        };
    }
    if rest.is_empty() { Ok(bytes) } else { Err(invalid()) }
}

/// Writes a uuid in lower case with hyphens.
pub(super) fn write_uuid(bytes: [u8; 16], out: &mut BytesMut) {
    let mut buffer = uuid::Uuid::encode_buffer();
    let text = uuid::Uuid::from_bytes(bytes).hyphenated().encode_lower(&mut buffer);
    out.put_slice(text.as_bytes());
}

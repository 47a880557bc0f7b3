//! What a token means: strings without quotes and escapes, folded identifiers, plain decimal
//! numbers (chapter 4.1.2, "Constants").

use std::borrow::Cow;

use super::token::{Kind, continuation};
use crate::base::{Result, SqlError, SqlState};
use crate::plan::name::{cut_identifier, fold_identifier};
use crate::types::{HighSurrogate, UnicodeEscapes};

/// The value of a string token; its source text comes with quotes.
pub(super) fn string(kind: Kind, raw: &str) -> Result<Cow<'_, str>> {
    match kind {
        Kind::EscapeString => escape_string(&raw[1..]).map(Cow::Owned),
        Kind::UnicodeString => {
            UnicodeEscapes::Constant.replace(&unquote(&raw[2..], b'\'')).map(Cow::Owned)
        }
        Kind::DollarString => {
            let delimiter = raw[1..].find('$').map_or(1, |end| end + 2);
            Ok(Cow::Borrowed(&raw[delimiter..raw.len() - delimiter]))
        }
        Kind::BitString | Kind::HexString => Ok(unquote(&raw[1..], b'\'')),
        _ if raw.starts_with('\'') => Ok(unquote(raw, b'\'')),
        _ => Ok(unquote(&raw[1..], b'\'')),
    }
}

/// The name that an identifier token stands for.
pub(super) fn identifier(kind: Kind, raw: &str) -> Result<String> {
    match kind {
        Kind::QuotedWord => Ok(cut_identifier(&unquote(raw, b'"')).to_owned()),
        Kind::UnicodeWord => {
            let name = UnicodeEscapes::Constant.replace(&unquote(&raw[2..], b'"'))?;
            Ok(cut_identifier(&name).to_owned())
        }
        _ => Ok(fold_identifier(raw)),
    }
}

/// A number token in plain decimal form.
pub(super) fn number(raw: &str) -> Cow<'_, str> {
    let bytes = raw.as_bytes();
    let base = match bytes {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ if raw.contains('_') => return Cow::Owned(raw.replace('_', "")),
        _ => return Cow::Borrowed(raw),
    };
    let digits = raw[2..].replace('_', "");
    match u128::from_str_radix(&digits, base) {
        Ok(value) => Cow::Owned(value.to_string()),
        // No type holds it, so leave it to the type's input function to say so.
        Err(_) => Cow::Borrowed(raw),
    }
}

/// Takes off the quotes, undoubles those inside, and joins the parts of a string that goes on
/// after a line break.
fn unquote(raw: &str, quote: u8) -> Cow<'_, str> {
    let inner = &raw[1..raw.len() - 1];
    if !inner.as_bytes().contains(&quote) {
        return Cow::Borrowed(inner);
    }
    let mut value = String::with_capacity(inner.len());
    parts(raw, quote, |part| value.push_str(part));
    Cow::Owned(value)
}

/// Calls back with each piece between quotes; a doubled quote comes as a piece of its own.
fn parts(raw: &str, quote: u8, mut piece: impl FnMut(&str)) {
    let bytes = raw.as_bytes();
    let (mut from, mut at) = (1, 1);
    while at < bytes.len() {
        if bytes[at] != quote {
            at += 1;
            continue;
        }
        piece(&raw[from..at]);
        if bytes.get(at + 1) == Some(&quote) {
            piece(&raw[at..=at]);
            at += 2;
        } else {
            match continuation(bytes, at + 1) {
                Some(next) => at = next + 1,
                None => return,
            }
        }
        from = at;
    }
}

/// The value of `'..'` with backslash escapes.
fn escape_string(raw: &str) -> Result<String> {
    let bytes = raw.as_bytes();
    let mut value: Vec<u8> = Vec::with_capacity(raw.len());
    let mut at = 1;
    let mut high = HighSurrogate::default();
    while at < bytes.len() {
        match bytes[at] {
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => {
                value.push(b'\'');
                at += 2;
            }
            b'\'' => match continuation(bytes, at + 1) {
                Some(next) => at = next + 1,
                None => break,
            },
            b'\\' => at = escape(raw, at + 1, &mut value, &mut high)?,
            byte => {
                value.push(byte);
                at += 1;
            }
        }
        if !matches!(bytes.get(at..), Some([b'\\', b'u' | b'U', ..])) {
            high.end()?;
        }
    }
    String::from_utf8(value).map_err(|_| {
        SqlError::new(
            SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            "invalid byte sequence for encoding \"UTF8\"",
        )
    })
}

/// One escape whose backslash stands before `at`; gives where it ends.
fn escape(raw: &str, at: usize, value: &mut Vec<u8>, high: &mut HighSurrogate) -> Result<usize> {
    let bytes = raw.as_bytes();
    let Some(&first) = bytes.get(at) else { return Ok(at) };
    let simple = match first {
        b'b' => 0x08,
        b'f' => 0x0C,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0B,
        b'0'..=b'7' => {
            let digits = digits(&raw[at..], 8, 3);
            push_byte(value, u32::from_str_radix(digits, 8).unwrap_or(0))?;
            return Ok(at + digits.len());
        }
        b'x' => {
            let digits = digits(&raw[at + 1..], 16, 2);
            if !digits.is_empty() {
                push_byte(value, u32::from_str_radix(digits, 16).unwrap_or(0))?;
                return Ok(at + 1 + digits.len());
            }
            b'x'
        }
        b'u' | b'U' => {
            let length = if first == b'u' { 4 } else { 8 };
            let digits = digits(&raw[at + 1..], 16, length);
            if digits.len() < length {
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, "invalid Unicode escape")
                    .with_hint("Unicode escapes must be \\uXXXX or \\UXXXXXXXX."));
            }
            let code = u32::from_str_radix(digits, 16).unwrap_or(u32::MAX);
            if let Some(character) = high.then(code)? {
                value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            return Ok(at + 1 + length);
        }
        _ => {
            let length = raw[at..].chars().next().map_or(1, char::len_utf8);
            value.extend_from_slice(&bytes[at..at + length]);
            return Ok(at + length);
        }
    };
    value.push(simple);
    Ok(at + 1)
}

fn push_byte(value: &mut Vec<u8>, byte: u32) -> Result<()> {
    if byte == 0 {
        return Err(SqlError::new(
            SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            "invalid byte sequence for encoding \"UTF8\": 0x00",
        ));
    }
    value.push((byte & 0xFF) as u8);
    Ok(())
}

fn digits(text: &str, base: u32, most: usize) -> &str {
    let length = text.chars().take(most).take_while(|c| c.is_digit(base)).count();
    &text[..length]
}

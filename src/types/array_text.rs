//! The text form of arrays, `{1,NULL,"a b"}`, and of rows, `(1,,"a b")`.

use bytes::{BufMut, BytesMut};

use crate::base::{Result, SqlError, SqlState};

/// Reads an array literal of one dimension, giving each element's text, unquoted, to `element`
/// (`None` for NULL).
pub(super) fn parse(
    text: &str,
    mut element: impl FnMut(Option<&str>) -> Result<()>,
) -> Result<usize> {
    let malformed = |detail: &str| {
        SqlError::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!("malformed array literal: \"{text}\""),
        )
        .with_detail(detail)
    };
    let body = skip_bounds(text.trim_ascii_start())
        .ok_or_else(|| malformed("Array value must start with \"{\" or dimension information."))?;
    let mut cursor = Cursor { bytes: body.as_bytes(), text: body, at: 1 };
    let mut unescaped = String::new();
    let mut count = 0;
    cursor.skip_blanks();
    if cursor.peek() == Some(b'}') {
        cursor.at += 1;
    } else {
        loop {
            cursor.skip_blanks();
            unescaped.clear();
            let quoted = cursor.peek() == Some(b'"');
            match cursor.peek() {
                None => return Err(malformed("Unexpected end of input.")),
                Some(b'{') => {
                    return Err(SqlError::unsupported(
                        "arrays of more than one dimension are not supported",
                    ));
                }
                Some(b'"') => {
                    cursor
                        .quoted(&mut unescaped)
                        .ok_or_else(|| malformed("Unexpected end of input."))?;
                    element(Some(&unescaped))?;
                }
                Some(byte @ (b',' | b'}')) => {
                    let character = char::from(byte);
                    return Err(malformed(&format!("Unexpected \"{character}\" character.")));
                }
                Some(_) => {
                    let escaped = cursor
                        .plain(&mut unescaped)
                        .ok_or_else(|| malformed("Unexpected end of input."))?;
                    let null = !escaped && unescaped.eq_ignore_ascii_case("null");
                    element((!null).then_some(unescaped.as_str()))?;
                }
            }
            count += 1;
            cursor.skip_blanks();
            match cursor.peek() {
                Some(b',') => cursor.at += 1,
                Some(b'}') => {
                    cursor.at += 1;
                    break;
                }
                Some(byte) if quoted || byte == b'"' => {
                    return Err(malformed("Incorrectly quoted array element."));
                }
                Some(_) => return Err(malformed("Unexpected array element.")),
                None => return Err(malformed("Unexpected end of input.")),
            }
        }
    }
    if body[cursor.at..].trim_ascii().is_empty() {
        Ok(count)
    } else {
        Err(malformed("Junk after closing right brace."))
    }
}

/// The literal from its brace on, without bounds such as `[1:3]=`.
fn skip_bounds(text: &str) -> Option<&str> {
    let body = if text.starts_with('[') {
        let (bounds, body) = text.split_once('=')?;
        let legal = |b: u8| b.is_ascii_digit() || b"[]:+- ".contains(&b);
        if !bounds.bytes().all(legal) {
            return None;
        }
        body.trim_ascii_start()
    } else {
        text
    };
    body.starts_with('{').then_some(body)
}

struct Cursor<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Reads up to the closing quote.
    fn quoted(&mut self, into: &mut String) -> Option<()> {
        self.at += 1;
        loop {
            let run = self.bytes[self.at..].iter().position(|b| matches!(b, b'"' | b'\\'))?;
            into.push_str(&self.text[self.at..self.at + run]);
            self.at += run + 1;
            if self.bytes[self.at - 1] == b'"' {
                return Some(());
            }
            self.escaped(into)?;
        }
    }

    /// Reads up to a comma or brace, without blanks at the end; tells whether there were escapes.
    fn plain(&mut self, into: &mut String) -> Option<bool> {
        let mut escapes = false;
        let mut kept = 0;
        loop {
            let stop =
                |b: &u8| matches!(b, b',' | b'}' | b'{' | b'"' | b'\\') || b.is_ascii_whitespace();
            let run = self.bytes[self.at..].iter().position(stop)?;
            into.push_str(&self.text[self.at..self.at + run]);
            self.at += run;
            if run > 0 {
                kept = into.len();
            }
            match self.bytes[self.at] {
                b'\\' => {
                    self.at += 1;
                    self.escaped(into)?;
                    escapes = true;
                    kept = into.len();
                }
                blank if blank.is_ascii_whitespace() => {
                    into.push(char::from(blank));
                    self.at += 1;
                }
                _ => {
                    into.truncate(kept);
                    return Some(escapes);
                }
            }
        }
    }

    fn escaped(&mut self, into: &mut String) -> Option<()> {
        let character = self.text[self.at..].chars().next()?;
        into.push(character);
        self.at += character.len_utf8();
        Some(())
    }
}

/// Puts quotes around the element that was written from `start` on, if its text needs them.
pub(super) fn quote_element(out: &mut BytesMut, start: usize) {
    let text = &out[start..];
    let special = |b: &u8| matches!(b, b'{' | b'}' | b',' | b'"' | b'\\') || is_space(*b);
    if text.is_empty() || text.eq_ignore_ascii_case(b"null") || text.iter().any(special) {
        quote(out, start, |_| b'\\');
    }
}

/// Puts quotes around the row's field that was written from `start` on, if its text needs them.
pub(super) fn quote_field(out: &mut BytesMut, start: usize) {
    let text = &out[start..];
    let special = |b: &u8| matches!(b, b'(' | b')' | b',' | b'"' | b'\\') || is_space(*b);
    if text.is_empty() || text.iter().any(special) {
        quote(out, start, |byte| byte);
    }
}

/// Quotes in place, from the end on; `escape` tells what goes before a quote or backslash.
fn quote(out: &mut BytesMut, start: usize, escape: impl Fn(u8) -> u8) {
    let length = out.len() - start;
    let escapes = out[start..].iter().filter(|byte| matches!(byte, b'"' | b'\\')).count();
    out.put_bytes(b'"', escapes + 2);
    let bytes = &mut out[start..];
    let mut write = bytes.len() - 1;
    for read in (0..length).rev() {
        let byte = bytes[read];
        write -= 1;
        bytes[write] = byte;
        if matches!(byte, b'"' | b'\\') {
            write -= 1;
            bytes[write] = escape(byte);
        }
    }
    bytes[0] = b'"';
    let end = bytes.len() - 1;
    bytes[end] = b'"';
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

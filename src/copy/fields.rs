//! Splits a line of text or csv into its fields.

use super::lines::bad;
use crate::base::Result;
use crate::types::utf8;

/// Where a field's text is.
#[derive(Clone, Copy, Debug)]
enum Span {
    Null,
    /// In the line itself: nothing to undo.
    Line {
        start: usize,
        end: usize,
    },
    /// In the scratch buffer: escapes or quotes undone.
    Scratch {
        start: usize,
        end: usize,
    },
}

/// How fields are told apart.
#[derive(Clone, Debug)]
pub(super) enum Syntax {
    /// Backslash escapes.
    Text { delimiter: u8, null: String },
    /// Quotes.
    Csv { delimiter: u8, null: String, quote: u8, escape: u8 },
}

/// A line's fields. Reused from line to line, so that a line allocates nothing.
#[derive(Debug, Default)]
pub(super) struct Fields {
    spans: Vec<Span>,
    bytes: Vec<u8>,
    scratch: String,
}

impl Fields {
    /// Splits this line.
    pub(super) fn split(&mut self, line: &str, syntax: &Syntax) -> Result<()> {
        self.spans.clear();
        self.bytes.clear();
        match syntax {
            Syntax::Text { delimiter, null } => self.split_text(line, *delimiter, null),
            Syntax::Csv { delimiter, null, quote, escape } => {
                self.split_csv(line, *delimiter, null, (*quote, *escape))?;
            }
        }
        self.scratch.clear();
        if !self.bytes.is_empty() {
            // Escapes can spell any byte.
            self.scratch.push_str(utf8(&self.bytes)?);
        }
        Ok(())
    }

    /// How many fields there are.
    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }

    /// A field's text, `None` for NULL. `line` is the one that was split.
    pub(super) fn get<'a>(&'a self, line: &'a str, index: usize) -> Option<&'a str> {
        match self.spans.get(index)? {
            Span::Null => None,
            Span::Line { start, end } => line.get(*start..*end),
            Span::Scratch { start, end } => self.scratch.get(*start..*end),
        }
    }

    fn split_text(&mut self, line: &str, delimiter: u8, null: &str) {
        let bytes = line.as_bytes();
        let mut start = 0;
        loop {
            let mut at = start;
            let mut escapes = false;
            let end = loop {
                match memchr::memchr2(delimiter, b'\\', &bytes[at..]) {
                    None => break bytes.len(),
                    Some(offset) if bytes[at + offset] == delimiter => break at + offset,
                    Some(offset) => {
                        escapes = true;
                        at = bytes.len().min(at + offset + 2);
                    }
                }
            };
            // NULL is compared before escapes are undone: `\N` is made of one.
            let span = if &bytes[start..end] == null.as_bytes() {
                Span::Null
            } else if escapes {
                let from = self.bytes.len();
                unescape(&bytes[start..end], &mut self.bytes);
                Span::Scratch { start: from, end: self.bytes.len() }
            } else {
                Span::Line { start, end }
            };
            self.spans.push(span);
            if end == bytes.len() {
                return;
            }
            start = end + 1;
        }
    }

    fn split_csv(
        &mut self,
        line: &str,
        delimiter: u8,
        null: &str,
        (quote, escape): (u8, u8),
    ) -> Result<()> {
        let bytes = line.as_bytes();
        let mut at = 0;
        loop {
            let start = at;
            let end =
                memchr::memchr2(delimiter, quote, &bytes[at..]).map_or(bytes.len(), |o| at + o);
            if bytes.get(end) == Some(&quote) {
                let from = self.bytes.len();
                self.bytes.extend_from_slice(&bytes[start..end]);
                at = self.quoted_field(bytes, end, delimiter, (quote, escape))?;
                self.spans.push(Span::Scratch { start: from, end: self.bytes.len() });
            } else {
                // Only what is not quoted can be NULL.
                let is_null = &bytes[start..end] == null.as_bytes();
                self.spans.push(if is_null { Span::Null } else { Span::Line { start, end } });
                at = end;
            }
            if at == bytes.len() {
                return Ok(());
            }
            at += 1;
        }
    }

    /// Copies a field that has quotes from the first of them on; returns where it ends.
    fn quoted_field(
        &mut self,
        bytes: &[u8],
        mut at: usize,
        delimiter: u8,
        (quote, escape): (u8, u8),
    ) -> Result<usize> {
        let mut in_quotes = false;
        while let Some(&byte) = bytes.get(at) {
            let next = bytes.get(at + 1).copied();
            if in_quotes && byte == escape && (next == Some(quote) || next == Some(escape)) {
                self.bytes.extend(next);
                at += 2;
                continue;
            }
            if byte == quote {
                in_quotes = !in_quotes;
            } else if byte == delimiter && !in_quotes {
                return Ok(at);
            } else {
                self.bytes.push(byte);
            }
            at += 1;
        }
        if in_quotes {
            return Err(bad("unterminated CSV quoted field"));
        }
        Ok(at)
    }
}

/// Undoes backslash escapes: `\b \f \n \r \t \v`, `\123` (octal), `\x41`; any other character
/// stands for itself.
fn unescape(field: &[u8], out: &mut Vec<u8>) {
    let mut bytes = field.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some(escaped) = bytes.next() else {
            // A backslash at the very end stands for itself.
            out.push(b'\\');
            return;
        };
        let byte = match escaped {
            b'0'..=b'7' => number(&mut bytes, u32::from(escaped - b'0'), 8, 2),
            b'x' if bytes.peek().is_some_and(u8::is_ascii_hexdigit) => number(&mut bytes, 0, 16, 2),
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            other => other,
        };
        out.push(byte);
    }
}

/// Goes on with a number that has started as `value`, for `most` more digits; one byte of it.
fn number(
    bytes: &mut std::iter::Peekable<impl Iterator<Item = u8>>,
    mut value: u32,
    radix: u32,
    most: usize,
) -> u8 {
    for _ in 0..most {
        let digit = bytes.peek().and_then(|byte| char::from(*byte).to_digit(radix));
        let Some(digit) = digit else { break };
        value = value * radix + digit;
        bytes.next();
    }
    value.to_le_bytes()[0]
}

#[cfg(test)]
mod tests;

//! Names within the text of an expression: which columns a CHECK mentions, by its tokens.

use std::ops::Range;

/// An identifier in an expression's text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mention {
    /// Folded, without quotes.
    pub(super) name: String,
    /// Where it stands.
    pub(super) place: Range<usize>,
}

/// Identifiers that may be columns: no strings, comments, functions' names or names of types
/// after `::`.
pub(super) fn mentions(text: &str) -> Vec<Mention> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    let mut type_follows = false;
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            b'\'' => {
                let escapes = start > 0 && matches!(bytes[start - 1], b'e' | b'E');
                at = end_of_string(bytes, at, escapes);
            }
            b'"' => {
                at = end_of_quoted(bytes, at);
                let inner = text.get(start + 1..at.saturating_sub(1)).unwrap_or_default();
                push(&mut found, bytes, inner.replace("\"\"", "\""), start..at, type_follows);
                type_follows = false;
            }
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                while at < bytes.len() && bytes[at] != b'\n' {
                    at += 1;
                }
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at = text[at..].find("*/").map_or(bytes.len(), |end| at + end + 2);
            }
            b':' if bytes.get(at + 1) == Some(&b':') => {
                type_follows = true;
                at += 2;
            }
            b'0'..=b'9' => {
                while bytes.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
                    at += 1;
                }
            }
            b if is_word(b) => {
                while bytes.get(at).is_some_and(|b| is_word(*b)) {
                    at += 1;
                }
                if bytes.get(at) != Some(&b'\'') {
                    let name = text[start..at].to_ascii_lowercase();
                    push(&mut found, bytes, name, start..at, type_follows);
                }
                type_follows = false;
            }
            _ => at += 1,
        }
    }
    found
}

fn push(found: &mut Vec<Mention>, bytes: &[u8], name: String, place: Range<usize>, ty: bool) {
    let next = bytes[place.end..].iter().find(|b| !b.is_ascii_whitespace());
    let plain_call = next == Some(&b'(') && !is_operator_word(&name);
    // `t.a`: the part before the point is no column.
    if !ty && !plain_call && next != Some(&b'.') {
        found.push(Mention { name, place });
    }
}

/// Words before a parenthesis that are no functions (`a IN (..)`, `x AND (..)`): they can't be
/// columns either, unless quoted.
fn is_operator_word(name: &str) -> bool {
    matches!(name, "in" | "and" | "or" | "not")
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

fn end_of_string(bytes: &[u8], start: usize, escapes: bool) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if escapes => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn end_of_quoted(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' if bytes.get(at + 1) == Some(&b'"') => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The text with strings of one value replaced by another; none where there is none.
pub(super) fn replace_strings(text: &str, from: &str, to: &str) -> Option<String> {
    let literal = |value: &str| format!("'{}'", value.replace('\'', "''"));
    let (from, to) = (literal(from), literal(to));
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let (mut at, mut kept) = (0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'\'' => {
                let end = end_of_string(bytes, at, false);
                if text[at..end] == from {
                    out.push_str(&text[kept..at]);
                    out.push_str(&to);
                    kept = end;
                }
                at = end;
            }
            b'"' => at = end_of_quoted(bytes, at),
            _ => at += 1,
        }
    }
    (kept > 0).then(|| out + &text[kept..])
}

/// Whether a text mentions a column.
pub(super) fn mentions_column(text: &str, column: &str) -> bool {
    mentions(text).iter().any(|mention| mention.name == column)
}

/// The text with every mention of a column replaced.
pub(in crate::plan) fn replace_column(text: &str, column: &str, by: &str) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut from = 0;
    for mention in mentions(text) {
        if mention.name == column {
            replaced.push_str(&text[from..mention.place.start]);
            replaced.push_str(by);
            from = mention.place.end;
        }
    }
    replaced.push_str(&text[from..]);
    replaced
}

//! `json`, which keeps the text that came, and `jsonb`, which PostgreSQL normalises: one space
//! after `:` and `,`, keys by length and then by bytes, the last of equal keys, numbers as
//! `numeric` shows them, strings without needless escapes.

use crate::base::{Result, SqlError, SqlState};

/// How deep values may nest: recursion must fit a thread's stack.
const DEPTH_MAX: usize = 1000;

/// Checks that the text is JSON.
pub(crate) fn check(text: &str) -> Result<()> {
    Parser::new(text).document(&mut None)
}

/// Appends the text's normal form.
pub(crate) fn normalise(text: &str, into: &mut String) -> Result<()> {
    let mut output = Some(String::with_capacity(text.len() + text.len() / 8));
    Parser::new(text).document(&mut output)?;
    into.push_str(&output.unwrap_or_default());
    Ok(())
}

/// Writes a string with JSON's quotes and escapes, as PostgreSQL's `escape_json` does.
pub(crate) fn quote(text: &str, into: &mut String) {
    into.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
        into.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => into.push_str("\\\""),
            b'\\' => into.push_str("\\\\"),
            8 => into.push_str("\\b"),
            12 => into.push_str("\\f"),
            b'\n' => into.push_str("\\n"),
            b'\r' => into.push_str("\\r"),
            b'\t' => into.push_str("\\t"),
            control => into.push_str(&format!("\\u{control:04x}")),
        }
        rest = &rest[at + 1..];
    }
    into.push_str(rest);
    into.push('"');
}

/// The content of a JSON string that is known to be right, quotes included.
pub(crate) fn unquote(text: &str) -> Result<String> {
    Parser::new(text).string()
}

/// The content of a JSON value that is a string.
pub(crate) fn unquote_if_string(text: &str) -> Option<String> {
    text.starts_with('"').then(|| unquote(text).ok()).flatten()
}

/// Walks over a text; with an output, writes the normal form there.
struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    fn document(&mut self, out: &mut Option<String>) -> Result<()> {
        self.value(out)?;
        self.blanks();
        if self.at == self.text.len() { Ok(()) } else { Err(self.unexpected("end of input")) }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, out: &mut Option<String>) -> Result<()> {
        self.blanks();
        match self.peek() {
            Some(b'{') => self.nested(out, Self::object),
            Some(b'[') => self.nested(out, Self::array),
            Some(b'"') => match out {
                Some(out) => {
                    let content = self.string()?;
                    quote(&content, out);
                    Ok(())
                }
                None => self.skip_string(),
            },
            Some(b'-' | b'0'..=b'9') => {
                let number = self.number()?;
                if let Some(out) = out {
                    normalise_number(number, out)?;
                }
                Ok(())
            }
            _ => {
                for word in ["true", "false", "null"] {
                    if self.token() == word {
                        self.at += word.len();
                        if let Some(out) = out {
                            out.push_str(word);
                        }
                        return Ok(());
                    }
                }
                Err(self.unexpected("JSON value"))
            }
        }
    }

    fn nested(
        &mut self,
        out: &mut Option<String>,
        read: impl Fn(&mut Self, &mut Option<String>) -> Result<()>,
    ) -> Result<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(SqlError::new(
                SqlState::STATEMENT_TOO_COMPLEX,
                "stack depth limit exceeded",
            )
            .with_detail(format!("JSON may nest {DEPTH_MAX} levels deep.")));
        }
        self.at += 1;
        read(self, out)?;
        self.depth -= 1;
        Ok(())
    }

    fn array(&mut self, out: &mut Option<String>) -> Result<()> {
        put(out, "[");
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            put(out, "]");
            return Ok(());
        }
        loop {
            self.value(out)?;
            self.blanks();
            match self.peek() {
                Some(b',') => put(out, ", "),
                Some(b']') => {
                    self.at += 1;
                    put(out, "]");
                    return Ok(());
                }
                _ => return Err(self.unexpected("\",\" or \"]\"")),
            }
            self.at += 1;
        }
    }

    fn object(&mut self, out: &mut Option<String>) -> Result<()> {
        let keep = out.is_some();
        let mut members: Vec<(String, String)> = Vec::new();
        let mut expected = "string or \"}\"";
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            put(out, "{}");
            return Ok(());
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err(self.unexpected(expected));
            }
            expected = "string";
            let key = self.string()?;
            self.blanks();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("\":\""));
            }
            self.at += 1;
            let mut value = keep.then(String::new);
            self.value(&mut value)?;
            if let Some(value) = value {
                members.push((key, value));
            }
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.unexpected("\",\" or \"}\"")),
            }
        }
        self.at += 1;
        if let Some(out) = out {
            write_object(members, out);
        }
        Ok(())
    }

    fn skip_string(&mut self) -> Result<()> {
        let start = self.at;
        let plain = &self.text.as_bytes()[start + 1..];
        let length = plain.iter().position(|b| matches!(b, b'"' | b'\\') || *b < b' ');
        if length.is_some_and(|length| plain[length] == b'"') {
            self.at = start + 1 + length.unwrap_or(0) + 1;
            return Ok(());
        }
        // `json` takes `\u0000`, which `jsonb` can't represent.
        self.content(&mut String::new(), false)
    }

    /// Reads a string and gives its content.
    fn string(&mut self) -> Result<String> {
        let mut content = String::new();
        self.content(&mut content, true)?;
        Ok(content)
    }

    fn content(&mut self, content: &mut String, represent: bool) -> Result<()> {
        let start = self.at;
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let stop = rest.bytes().position(|b| matches!(b, b'"' | b'\\') || b < b' ');
            let Some(run) = stop else {
                self.at = self.text.len();
                return Err(self.invalid_token(start));
            };
            content.push_str(&rest[..run]);
            self.at += run + 1;
            match rest.as_bytes()[run] {
                b'"' => return Ok(()),
                b'\\' => self.escape(content, represent)?,
                control => {
                    return Err(self.invalid(format!(
                        "Character with value 0x{control:02x} must be escaped."
                    )));
                }
            }
        }
    }

    fn escape(&mut self, content: &mut String, represent: bool) -> Result<()> {
        let Some(escaped) = self.text[self.at..].chars().next() else {
            return Err(self.invalid("The input string ended unexpectedly.".to_owned()));
        };
        self.at += escaped.len_utf8();
        content.push(match escaped {
            '"' | '\\' | '/' => escaped,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode(content, represent),
            other => {
                return Err(self.invalid(format!("Escape sequence \"\\{other}\" is invalid.")));
            }
        });
        Ok(())
    }

    fn unicode(&mut self, content: &mut String, represent: bool) -> Result<()> {
        let unit = self.hex()?;
        if !represent {
            return Ok(());
        }
        let code = match unit {
            0xd800..0xdc00 => {
                if !self.text[self.at..].starts_with("\\u") {
                    return Err(
                        self.surrogate("Unicode low surrogate must follow a high surrogate.")
                    );
                }
                self.at += 2;
                let low = self.hex()?;
                if !(0xdc00..0xe000).contains(&low) {
                    return Err(
                        self.surrogate("Unicode low surrogate must follow a high surrogate.")
                    );
                }
                0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
            }
            0xdc00..0xe000 => {
                return Err(self.surrogate("Unicode low surrogate must follow a high surrogate."));
            }
            0 => {
                return Err(SqlError::new(
                    SqlState::UNTRANSLATABLE_CHARACTER,
                    "unsupported Unicode escape sequence",
                )
                .with_detail("\\u0000 cannot be converted to text."));
            }
            unit => unit,
        };
        content.extend(char::from_u32(code));
        Ok(())
    }

    fn hex(&mut self) -> Result<u32> {
        let digits = self.text.get(self.at..self.at + 4);
        let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let value = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let value = value.ok_or_else(|| {
            self.invalid("\"\\u\" must be followed by four hexadecimal digits.".to_owned())
        })?;
        self.at += 4;
        Ok(value)
    }

    fn number(&mut self) -> Result<&'a str> {
        let start = self.at;
        let digits = |parser: &mut Self| {
            let from = parser.at;
            while matches!(parser.peek(), Some(b'0'..=b'9')) {
                parser.at += 1;
            }
            parser.at - from
        };
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let zero = self.peek() == Some(b'0');
        let whole = digits(self);
        let mut right = whole == 1 || (whole > 1 && !zero);
        if self.peek() == Some(b'.') {
            self.at += 1;
            right &= digits(self) > 0;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            right &= digits(self) > 0;
        }
        let runs_on = self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !right || runs_on {
            self.at = start;
            return Err(self.invalid_token(start));
        }
        Ok(&self.text[start..self.at])
    }

    /// The word or character here, as error messages show it.
    fn token(&self) -> &'a str {
        let rest = &self.text[self.at..];
        let number = rest.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        let word = |c: char| {
            c.is_ascii_alphanumeric()
                || c == '_'
                || !c.is_ascii()
                || (number && matches!(c, '-' | '.' | '+'))
        };
        let length = rest.find(|c: char| !word(c)).unwrap_or(rest.len());
        let length =
            if length == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { length };
        &rest[..length]
    }

    fn unexpected(&self, expected: &str) -> SqlError {
        let token = self.token();
        if token.is_empty() {
            return self.invalid("The input string ended unexpectedly.".to_owned());
        }
        let known = matches!(token, "true" | "false" | "null" | "{" | "}" | "[" | "]" | ":" | ",");
        let number = token.bytes().all(|b| b.is_ascii_digit());
        if !known && !number && !token.starts_with('"') {
            return self.invalid_token(self.at);
        }
        let found = if token.starts_with('"') { "\"" } else { token };
        self.invalid(format!("Expected {expected}, but found \"{found}\"."))
    }

    fn invalid_token(&self, at: usize) -> SqlError {
        let here = Self { text: self.text, at, depth: 0 };
        let token = if self.peek().is_none() && at < self.text.len() {
            &self.text[at..]
        } else {
            here.token()
        };
        self.invalid(format!("Token \"{token}\" is invalid."))
    }

    fn surrogate(&self, detail: &str) -> SqlError {
        self.invalid(detail.to_owned())
    }

    fn invalid(&self, detail: String) -> SqlError {
        let at = self.text.floor_char_boundary(self.at);
        let line = self.text[..at].matches('\n').count() + 1;
        let from = self.text[..at].rfind('\n').map_or(0, |at| at + 1);
        let end = at + self.token_length(at);
        let shown = &self.text[from..end];
        let more = if end < self.text.len() { "..." } else { "" };
        SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json")
            .with_detail(detail)
            .with_context(format!("JSON data, line {line}: {shown}{more}"))
    }

    fn token_length(&self, at: usize) -> usize {
        Self { text: self.text, at, depth: 0 }.token().len()
    }
}

fn put(out: &mut Option<String>, text: &str) {
    if let Some(out) = out {
        out.push_str(text);
    }
}

/// Writes members in `jsonb`'s order; of equal keys the last one counts.
pub(crate) fn write_object(mut members: Vec<(String, String)>, out: &mut String) {
    members.sort_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    out.push('{');
    let mut any = false;
    for (at, (key, value)) in members.iter().enumerate() {
        if members.get(at + 1).is_some_and(|(next, _)| next == key) {
            continue;
        }
        if any {
            out.push_str(", ");
        }
        any = true;
        quote(key, out);
        out.push_str(": ");
        out.push_str(value);
    }
    out.push('}');
}

/// Writes a number as `numeric` shows it: without an exponent, the scale as written.
fn normalise_number(text: &str, out: &mut String) -> Result<()> {
    /// `numeric` has up to this many digits before the point and after it.
    const DIGITS_MAX: i64 = 16_383;
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text),
    };
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let overflow =
        || SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format");
    let exponent: i64 = exponent.parse().map_err(|_| overflow())?;
    if !(-DIGITS_MAX..=DIGITS_MAX * 8).contains(&exponent) {
        return Err(overflow());
    }
    if text.bytes().all(|b| !(b'1'..=b'9').contains(&b))
        || !mantissa.contains(['1', '2', '3', '4', '5', '6', '7', '8', '9'])
    {
        // Zero has no sign.
        let scale = (i64::try_from(fraction.len()).unwrap_or(0) - exponent).max(0);
        out.push('0');
        if scale > 0 {
            out.push('.');
            out.extend((0..scale).map(|_| '0'));
        }
        return Ok(());
    }
    if negative {
        out.push('-');
    }
    let digits: String = [whole, fraction].concat();
    let point = i64::try_from(whole.len()).unwrap_or(0) + exponent;
    let length = i64::try_from(digits.len()).unwrap_or(0);
    if point <= 0 {
        out.push_str("0.");
        out.extend((point..0).map(|_| '0'));
        out.push_str(&digits);
    } else if point >= length {
        let trimmed = digits.trim_start_matches('0');
        out.push_str(trimmed);
        out.extend((length..point).map(|_| '0'));
    } else {
        let (before, after) = digits.split_at(usize::try_from(point).unwrap_or(0));
        let before = before.trim_start_matches('0');
        out.push_str(if before.is_empty() { "0" } else { before });
        out.push('.');
        out.push_str(after);
    }
    Ok(())
}

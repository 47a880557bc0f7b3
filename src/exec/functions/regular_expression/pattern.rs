//! PostgreSQL's regular expressions ("advanced" ones) in the words of the `regex` crate.
//!
//! What that crate has not, back references and looking around, is refused. It prefers the first of two
//! alternatives where PostgreSQL prefers the longest.

use crate::base::{Result, SqlError, SqlState};

/// The options of a regular expression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// `i`: letters of both cases are the same
    pub(super) any_case: bool,
    /// `n`, `p`: a point and a class that excludes don't match a line's end
    pub(super) by_lines: bool,
    /// `n`, `w`: `^` and `$` match at lines' ends
    pub(super) anchors_lines: bool,
    /// `x`: blanks and comments mean nothing
    pub(super) expanded: bool,
    /// `q`: the pattern is a plain string
    pub(super) literal: bool,
    /// `g`: all that match
    pub(super) global: bool,
}

impl Options {
    /// Reads the letters of an argument.
    ///
    /// # Errors
    /// 22023 for an unknown letter.
    pub(super) fn parse(flags: &str) -> Result<Self> {
        let mut options = Self::default();
        for flag in flags.chars() {
            if flag == 'g' {
                options.global = true;
            } else if !options.set(flag) {
                let message = format!("invalid regular expression option: \"{flag}\"");
                return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
            }
        }
        Ok(options)
    }

    fn set(&mut self, flag: char) -> bool {
        match flag {
            'i' => self.any_case = true,
            'c' => self.any_case = false,
            'n' | 'm' => (self.by_lines, self.anchors_lines) = (true, true),
            'p' => (self.by_lines, self.anchors_lines) = (true, false),
            's' => (self.by_lines, self.anchors_lines) = (false, false),
            'w' => (self.by_lines, self.anchors_lines) = (false, true),
            'x' => self.expanded = true,
            't' => self.expanded = false,
            'q' => self.literal = true,
            'b' | 'e' => {}
            _ => return false,
        }
        true
    }
}

fn invalid(what: &str) -> SqlError {
    let message = format!("invalid regular expression: {what}");
    SqlError::new(SqlState::INVALID_REGULAR_EXPRESSION, message)
}

/// The pattern as the `regex` crate reads it, options included.
///
/// # Errors
/// 2201B for what is no regular expression, 0A000 for what that crate has not.
pub(super) fn translated(pattern: &str, mut options: Options) -> Result<String> {
    let mut rest = pattern;
    if let Some(literal) = rest.strip_prefix("***=") {
        (options.literal, rest) = (true, literal);
    } else if let Some(advanced) = rest.strip_prefix("***:") {
        rest = advanced;
    }
    if !options.literal
        && let Some(embedded) = rest.strip_prefix("(?")
        && embedded.starts_with(|c: char| c.is_ascii_alphabetic())
    {
        let (flags, after) =
            embedded.split_once(')').ok_or_else(|| invalid("parentheses () not balanced"))?;
        if !flags.chars().all(|flag| options.set(flag)) {
            return Err(invalid("invalid embedded option"));
        }
        rest = after;
    }
    let mut flags = String::new();
    flags.extend(options.any_case.then_some('i'));
    flags.extend(options.anchors_lines.then_some('m'));
    flags.extend(options.expanded.then_some('x'));
    let mut scanner = Scanner { rest, out: String::new(), open: 0, by_lines: options.by_lines };
    if options.literal {
        scanner.out = escaped(rest);
    } else {
        scanner.all()?;
        // A point matches everything: only then does it need to be told.
        flags.extend((scanner.out.contains('.') && !options.by_lines).then_some('s'));
    }
    Ok(match flags.is_empty() {
        true => scanner.out,
        false => format!("(?{flags}){}", scanner.out),
    })
}

/// A plain string as a pattern.
fn escaped(text: &str) -> String {
    let escape = |c: char| [(c.is_ascii_punctuation() && c != '_').then_some('\\'), Some(c)];
    text.chars().flat_map(escape).flatten().collect()
}

struct Scanner<'p> {
    rest: &'p str,
    out: String,
    /// Parentheses that are open.
    open: usize,
    by_lines: bool,
}

impl Scanner<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn accept(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn all(&mut self) -> Result<()> {
        // Whether a quantifier may follow.
        let mut quantifiable = false;
        while let Some(c) = self.next() {
            quantifiable = match c {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' => {
                    self.group()?;
                    false
                }
                ')' => {
                    self.open = self
                        .open
                        .checked_sub(1)
                        .ok_or_else(|| invalid("parentheses () not balanced"))?;
                    self.out.push(')');
                    true
                }
                '*' | '+' | '?' => {
                    self.quantified(quantifiable)?;
                    self.out.push(c);
                    self.lazy();
                    false
                }
                '{' if self.rest.starts_with(|c: char| c.is_ascii_digit()) => {
                    self.quantified(quantifiable)?;
                    self.bounds()?;
                    self.lazy();
                    false
                }
                '{' | '}' => {
                    self.out.extend(['\\', c]);
                    true
                }
                '|' | '^' => {
                    self.out.push(c);
                    false
                }
                c => {
                    self.out.push(c);
                    c != '$'
                }
            };
        }
        if self.open > 0 {
            return Err(invalid("parentheses () not balanced"));
        }
        Ok(())
    }

    fn quantified(&self, quantifiable: bool) -> Result<()> {
        if quantifiable { Ok(()) } else { Err(invalid("quantifier operand invalid")) }
    }

    fn lazy(&mut self) {
        if self.accept("?") {
            self.out.push('?');
        }
    }

    fn group(&mut self) -> Result<()> {
        self.open += 1;
        if self.accept("?:") {
            self.out.push_str("(?:");
            return Ok(());
        }
        if ["?=", "?!", "?<=", "?<!"].iter().any(|look| self.rest.starts_with(look)) {
            let message = "regular expressions that look ahead or behind are not supported";
            return Err(SqlError::unsupported(message));
        }
        if self.rest.starts_with('?') {
            return Err(invalid("quantifier operand invalid"));
        }
        self.out.push('(');
        Ok(())
    }

    /// `m}`, `m,}` or `m,n}`.
    fn bounds(&mut self) -> Result<()> {
        let (bounds, rest) =
            self.rest.split_once('}').ok_or_else(|| invalid("braces {} not balanced"))?;
        let wrong = || invalid("invalid repetition count(s)");
        let number = |text: &str| text.parse::<u16>().ok().filter(|n| *n <= 255).ok_or_else(wrong);
        match bounds.split_once(',') {
            None => {
                number(bounds)?;
            }
            Some((from, "")) => {
                number(from)?;
            }
            Some((from, to)) if number(from)? > number(to)? => return Err(wrong()),
            Some(_) => {}
        }
        self.out.push('{');
        self.out.push_str(bounds);
        self.out.push('}');
        self.rest = rest;
        Ok(())
    }

    /// What follows a backslash; whether it is something that a quantifier can follow.
    fn escape(&mut self) -> Result<bool> {
        let c = self.next().ok_or_else(|| invalid("invalid escape \\ sequence"))?;
        let (written, atom) = match c {
            'm' => ("\\b{start}", false),
            'M' => ("\\b{end}", false),
            'y' => ("\\b", false),
            'Y' => ("\\B", false),
            'A' => ("\\A", false),
            'Z' => ("\\z", false),
            'B' => ("\\\\", true),
            'e' => ("\\x1b", true),
            'd' => ("\\d", true),
            'D' => ("\\D", true),
            's' => ("\\s", true),
            'S' => ("\\S", true),
            'w' => ("\\w", true),
            'W' => ("\\W", true),
            'a' => ("\\x07", true),
            'b' => ("\\x08", true),
            'f' => ("\\x0c", true),
            'n' => ("\\n", true),
            'r' => ("\\r", true),
            't' => ("\\t", true),
            'v' => ("\\x0b", true),
            'u' | 'U' | 'x' => {
                let digits = match c {
                    'u' => 4,
                    'U' => 8,
                    _ => self.rest.bytes().take_while(u8::is_ascii_hexdigit).count(),
                };
                let hexadecimal = self.rest.get(..digits).unwrap_or_default();
                let code = u32::from_str_radix(hexadecimal, 16).ok().and_then(char::from_u32);
                let code = code.ok_or_else(|| invalid("invalid escape \\ sequence"))?;
                self.rest = &self.rest[digits..];
                self.out.push_str(&escaped(code.encode_utf8(&mut [0; 4])));
                return Ok(true);
            }
            '1'..='9' => {
                let groups = self.out.matches('(').count();
                if usize::try_from(u32::from(c) - u32::from('0')).unwrap_or(0) > groups {
                    return Err(invalid("invalid backreference number"));
                }
                let message = "back references in regular expressions are not supported";
                return Err(SqlError::unsupported(message));
            }
            '0' => ("\\x00", true),
            c if c.is_alphanumeric() => return Err(invalid("invalid escape \\ sequence")),
            c => {
                self.out.push_str(&escaped(c.encode_utf8(&mut [0; 4])));
                return Ok(true);
            }
        };
        self.out.push_str(written);
        Ok(atom)
    }

    /// What follows an opening bracket.
    fn class(&mut self) -> Result<bool> {
        for (words, boundary) in [("[:<:]]", "\\b{start}"), ("[:>:]]", "\\b{end}")] {
            if self.accept(words) {
                self.out.push_str(boundary);
                return Ok(false);
            }
        }
        let open = || invalid("brackets [] not balanced");
        self.out.push('[');
        let negated = self.accept("^");
        if negated {
            self.out.push('^');
            self.out.push_str(if self.by_lines { "\\n" } else { "" });
        }
        if self.accept("]") {
            self.out.push_str("\\]");
        }
        loop {
            match self.next().ok_or_else(open)? {
                ']' => break,
                '\\' => {
                    self.escape()?;
                }
                '[' if self.rest.starts_with(':') => {
                    let (name, rest) = self.rest[1..].split_once(":]").ok_or_else(open)?;
                    if !NAMED_CLASSES.contains(&name) {
                        return Err(invalid("invalid character class"));
                    }
                    self.out.push_str(&format!("[:{name}:]"));
                    self.rest = rest;
                }
                c @ ('[' | '&' | '~' | '^') => self.out.extend(['\\', c]),
                c => self.out.push(c),
            }
        }
        self.out.push(']');
        Ok(true)
    }
}

const NAMED_CLASSES: &[&str] = &[
    "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

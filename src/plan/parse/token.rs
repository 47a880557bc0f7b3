//! SQL text to tokens: PostgreSQL's lexical rules (chapter 4.1; `scan.l`), so that strings,
//! comments, operators and numbers end where they end there. A token is its place in the
//! text; its value is decoded by who needs it.

use crate::base::{Result, SqlError, SqlState};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An unquoted identifier or keyword.
    Word,
    /// `"identifier"`.
    QuotedWord,
    /// `U&"identifier"`.
    UnicodeWord,
    /// `'string'`, `N'string'`.
    String,
    /// `E'string'`.
    EscapeString,
    /// `U&'string'`.
    UnicodeString,
    /// `$tag$string$tag$`.
    DollarString,
    /// `B'1010'`.
    BitString,
    /// `X'1F'`.
    HexString,
    /// A number without a sign.
    Number,
    /// `$1`.
    Parameter,
    /// An operator of the characters that PostgreSQL allows in one.
    Operator,
    /// One of `( ) [ ] , ; .`, `:`, `::`, `:=`, `=>`, `..`.
    Symbol(Symbol),
    /// The end of the text, or of its readable part.
    End,
}

/// Punctuation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    LeftParen,
    RightParen,
    LeftBracket,
    RightBracket,
    Comma,
    Semicolon,
    Dot,
    Colon,
    Cast,
    Assign,
    Arrow,
    DotDot,
}

/// A token: its kind and its bytes in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// A text's tokens. The last one is [`Kind::End`].
pub(super) struct Tokens {
    pub(super) tokens: Vec<Token>,
    /// Why the text ends early: raised when the parser gets there, since what stands before
    /// may be wrong too, and PostgreSQL reads lazily.
    pub(super) error: Option<SqlError>,
}

/// Cuts a text into tokens. The text is shorter than 4 GiB (the caller's limit).
pub(super) fn tokenize(sql: &str) -> Tokens {
    let mut lexer = Lexer { sql, bytes: sql.as_bytes(), at: 0 };
    let mut tokens = Vec::with_capacity(sql.len() / 5 + 4);
    let mut error = None;
    loop {
        match lexer.next() {
            Ok(token) => {
                tokens.push(token);
                if token.kind == Kind::End {
                    break;
                }
            }
            Err(lexical) => {
                error = Some(lexical);
                tokens.push(lexer.token(Kind::End, lexer.at));
                break;
            }
        }
    }
    Tokens { tokens, error }
}

/// Characters from one up to a byte of the text.
pub(super) fn position(sql: &str, byte: usize) -> usize {
    sql.as_bytes()[..byte].iter().filter(|b| (**b & 0xC0) != 0x80).count() + 1
}

struct Lexer<'a> {
    sql: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the text is shorter than 4 GiB")]
    fn token(&self, kind: Kind, start: usize) -> Token {
        Token { kind, start: start as u32, end: self.at as u32 }
    }

    /// PostgreSQL's lexical error: it shows the text from where the token starts.
    fn error(&self, message: &str, start: usize, end: usize) -> SqlError {
        let text = &self.sql[start..end];
        SqlError::new(SqlState::SYNTAX_ERROR, format!("{message} at or near \"{text}\""))
            .with_position(position(self.sql, start))
    }

    fn next(&mut self) -> Result<Token> {
        self.skip_space()?;
        let start = self.at;
        let Some(&first) = self.bytes.get(start) else {
            return Ok(self.token(Kind::End, start));
        };
        let kind = match first {
            b'\'' => self.quoted_string(0, false, start)?,
            b'"' => self.quoted_word(0, start)?,
            b'0'..=b'9' => self.number(start)?,
            b'.' if self.peek(1).is_ascii_digit() => self.number(start)?,
            b'$' => self.dollar(start)?,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => self.word_or_prefixed(first, start)?,
            b'(' | b')' | b'[' | b']' | b',' | b';' | b'.' | b':' => self.symbol(first),
            _ if is_operator(first) => self.operator(),
            _ => {
                let character = self.sql[start..].chars().next().map_or(1, char::len_utf8);
                return Err(self.error("syntax error", start, start + character));
            }
        };
        Ok(self.token(kind, start))
    }

    /// Skips white space and comments.
    fn skip_space(&mut self) -> Result<()> {
        loop {
            match self.peek(0) {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C => self.at += 1,
                b'-' if self.peek(1) == b'-' => self.skip_line(),
                b'/' if self.peek(1) == b'*' => self.skip_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn skip_line(&mut self) {
        while !matches!(self.peek(0), b'\n' | b'\r') && self.at < self.bytes.len() {
            self.at += 1;
        }
    }

    /// Skips a `/* .. */`, which nests.
    fn skip_comment(&mut self) -> Result<()> {
        let start = self.at;
        let mut depth = 0;
        loop {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => (depth, self.at) = (depth + 1, self.at + 2),
                (b'*', b'/') => (depth, self.at) = (depth - 1, self.at + 2),
                _ if self.at >= self.bytes.len() => {
                    return Err(self.error("unterminated /* comment", start, self.bytes.len()));
                }
                _ => self.at += 1,
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// A string that starts `prefix` bytes on; adjacent strings on separate lines are one.
    fn quoted_string(&mut self, prefix: usize, escapes: bool, start: usize) -> Result<Kind> {
        self.at += prefix + 1;
        loop {
            match self.bytes.get(self.at) {
                None => {
                    return Err(self.error("unterminated quoted string", start, self.bytes.len()));
                }
                Some(b'\\') if escapes => {
                    self.at += 2;
                    self.at = self.at.min(self.bytes.len());
                }
                Some(b'\'') if self.peek(1) == b'\'' => self.at += 2,
                Some(b'\'') => {
                    self.at += 1;
                    match continuation(self.bytes, self.at) {
                        Some(next) => self.at = next + 1,
                        None => return Ok(if escapes { Kind::EscapeString } else { Kind::String }),
                    }
                }
                Some(_) => self.at += 1,
            }
        }
    }

    /// A `"word"` that starts `prefix` bytes on.
    fn quoted_word(&mut self, prefix: usize, start: usize) -> Result<Kind> {
        self.at += prefix + 1;
        let inner = self.at;
        loop {
            match self.bytes.get(self.at) {
                None => {
                    let message = "unterminated quoted identifier";
                    return Err(self.error(message, start, self.bytes.len()));
                }
                Some(b'"') if self.peek(1) == b'"' => self.at += 2,
                Some(b'"') => break,
                Some(_) => self.at += 1,
            }
        }
        let empty = self.at == inner;
        self.at += 1;
        if empty {
            return Err(self.error("zero-length delimited identifier", start, self.at));
        }
        Ok(if prefix > 0 { Kind::UnicodeWord } else { Kind::QuotedWord })
    }

    /// A word, or a string with a letter before it.
    fn word_or_prefixed(&mut self, first: u8, start: usize) -> Result<Kind> {
        match (first, self.peek(1), self.peek(2)) {
            (b'e' | b'E', b'\'', _) => return self.quoted_string(1, true, start),
            (b'n' | b'N', b'\'', _) => return self.quoted_string(1, false, start),
            (b'b' | b'B', b'\'', _) => {
                self.quoted_string(1, false, start)?;
                return Ok(Kind::BitString);
            }
            (b'x' | b'X', b'\'', _) => {
                self.quoted_string(1, false, start)?;
                return Ok(Kind::HexString);
            }
            (b'u' | b'U', b'&', b'\'') => {
                self.quoted_string(2, false, start)?;
                return Ok(Kind::UnicodeString);
            }
            (b'u' | b'U', b'&', b'"') => return self.quoted_word(2, start),
            _ => {}
        }
        self.skip_word();
        Ok(Kind::Word)
    }

    fn skip_word(&mut self) {
        while is_word(self.peek(0)) {
            self.at += 1;
        }
    }

    /// `$1`, or `$tag$ .. $tag$`.
    fn dollar(&mut self, start: usize) -> Result<Kind> {
        if self.peek(1).is_ascii_digit() {
            self.at += 1;
            while self.peek(0).is_ascii_digit() {
                self.at += 1;
            }
            if is_word(self.peek(0)) && self.peek(0) != b'$' {
                self.skip_word();
                return Err(self.error("trailing junk after parameter", start, self.at));
            }
            return Ok(Kind::Parameter);
        }
        let mut end = start + 1;
        while self.bytes.get(end).is_some_and(|b| *b != b'$' && is_word(*b)) {
            end += 1;
        }
        if self.bytes.get(end) != Some(&b'$') {
            self.at += 1;
            return Err(self.error("syntax error", start, self.at));
        }
        let delimiter = &self.sql[start..=end];
        let Some(length) = self.sql[end + 1..].find(delimiter) else {
            let message = "unterminated dollar-quoted string";
            return Err(self.error(message, start, self.bytes.len()));
        };
        self.at = end + 1 + length + delimiter.len();
        Ok(Kind::DollarString)
    }

    /// `1`, `1_000`, `1.5`, `.5`, `1e3`, `0xFF`, `0o7`, `0b1`.
    fn number(&mut self, start: usize) -> Result<Kind> {
        let based = match (self.peek(0), self.peek(1)) {
            (b'0', b'x' | b'X') => Some(("hexadecimal", 16)),
            (b'0', b'o' | b'O') => Some(("octal", 8)),
            (b'0', b'b' | b'B') => Some(("binary", 2)),
            _ => None,
        };
        if let Some((name, base)) = based {
            self.at += 2;
            let digits = self.digits(base);
            if digits == 0 {
                self.skip_word();
                return Err(self.error(&format!("invalid {name} integer"), start, self.at));
            }
        } else {
            self.digits(10);
            if self.peek(0) == b'.' && self.peek(1) != b'.' {
                self.at += 1;
                self.digits(10);
            }
            let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
            if matches!(self.peek(0), b'e' | b'E') && self.peek(1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                self.digits(10);
            }
        }
        if is_word(self.peek(0)) {
            self.skip_word();
            return Err(self.error("trailing junk after numeric literal", start, self.at));
        }
        Ok(Kind::Number)
    }

    /// Skips digits with single underscores between them; gives how many digits.
    fn digits(&mut self, base: u32) -> usize {
        let mut count = 0;
        loop {
            let next = char::from(self.peek(0));
            if next.is_digit(base) {
                (count, self.at) = (count + 1, self.at + 1);
            } else if next == '_' && char::from(self.peek(1)).is_digit(base) {
                self.at += 1;
            } else {
                return count;
            }
        }
    }

    fn symbol(&mut self, first: u8) -> Kind {
        let (symbol, length) = match (first, self.peek(1)) {
            (b'(', _) => (Symbol::LeftParen, 1),
            (b')', _) => (Symbol::RightParen, 1),
            (b'[', _) => (Symbol::LeftBracket, 1),
            (b']', _) => (Symbol::RightBracket, 1),
            (b',', _) => (Symbol::Comma, 1),
            (b';', _) => (Symbol::Semicolon, 1),
            (b'.', b'.') => (Symbol::DotDot, 2),
            (b'.', _) => (Symbol::Dot, 1),
            (_, b':') => (Symbol::Cast, 2),
            (_, b'=') => (Symbol::Assign, 2),
            (..) => (Symbol::Colon, 1),
        };
        self.at += length;
        Kind::Symbol(symbol)
    }

    /// The longest run of operator characters that holds no comment; `+` and `-` at its end
    /// belong to it only if another character of it is not one of the usual operators'.
    fn operator(&mut self) -> Kind {
        let start = self.at;
        let mut end = start;
        while let Some(&byte) = self.bytes.get(end) {
            let comment = matches!(&self.bytes[end..], [b'-', b'-', ..] | [b'/', b'*', ..]);
            if !is_operator(byte) || comment {
                break;
            }
            end += 1;
        }
        let special = self.bytes[start..end].iter().any(|b| {
            matches!(b, b'~' | b'!' | b'@' | b'#' | b'^' | b'&' | b'|' | b'`' | b'?' | b'%')
        });
        while !special && end - start > 1 && matches!(self.bytes[end - 1], b'+' | b'-') {
            end -= 1;
        }
        self.at = end;
        if &self.bytes[start..end] == b"=>" {
            return Kind::Symbol(Symbol::Arrow);
        }
        Kind::Operator
    }
}

/// Where the next part of a string starts: after white space (comments included) with a line
/// break in it.
pub(super) fn continuation(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut line_break = false;
    loop {
        match bytes.get(at)? {
            b'\n' | b'\r' => (line_break, at) = (true, at + 1),
            b' ' | b'\t' | 0x0B | 0x0C => at += 1,
            b'-' if bytes.get(at + 1) == Some(&b'-') && line_break => {
                while !matches!(bytes.get(at)?, b'\n' | b'\r') {
                    at += 1;
                }
            }
            b'\'' if line_break => return Some(at),
            _ => return None,
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

fn is_operator(byte: u8) -> bool {
    matches!(
        byte,
        b'~' | b'!'
            | b'@'
            | b'#'
            | b'^'
            | b'&'
            | b'|'
            | b'`'
            | b'?'
            | b'+'
            | b'-'
            | b'*'
            | b'/'
            | b'%'
            | b'<'
            | b'>'
            | b'='
    )
}

//! Characters written as escapes of hexadecimal digits: `U&'..'` and `U&".."` (chapter 4.1.2.3 of
//! PostgreSQL's manual), `\u` in `E'..'`, and `unistr` (chapter 9.4).

use crate::base::{Result, SqlError, SqlState};

/// Which escapes there are besides `\\`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnicodeEscapes {
    /// `\XXXX` and `\+XXXXXX`
    Constant,
    /// Also `\uXXXX` and `\UXXXXXXXX`
    Unistr,
}

impl UnicodeEscapes {
    /// How many bytes follow the backslash before the digits, and how many digits there are.
    fn shape(self, rest: &str) -> (usize, usize) {
        match (self, rest.as_bytes().first()) {
            (_, Some(b'+')) => (1, 6),
            (Self::Unistr, Some(b'u')) => (1, 4),
            (Self::Unistr, Some(b'U')) => (1, 8),
            _ => (0, 4),
        }
    }

    fn invalid(self) -> SqlError {
        let hint = match self {
            Self::Constant => "Unicode escapes must be \\XXXX or \\+XXXXXX.",
            Self::Unistr => "Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.",
        };
        SqlError::new(SqlState::SYNTAX_ERROR, "invalid Unicode escape").with_hint(hint)
    }

    /// A text with its escapes replaced by their characters.
    ///
    /// # Errors
    /// 42601 for an escape that is none.
    pub fn replace(self, text: &str) -> Result<String> {
        let mut value = String::with_capacity(text.len());
        let mut high = HighSurrogate::default();
        let mut rest = text;
        while let Some(at) = rest.find('\\') {
            if at > 0 {
                high.end()?;
            }
            value.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('\\') {
                high.end()?;
                value.push('\\');
                rest = after;
                continue;
            }
            let (skipped, length) = self.shape(rest);
            let digits = rest.get(skipped..skipped + length);
            let digits = digits.filter(|digits| digits.bytes().all(|c| c.is_ascii_hexdigit()));
            let digits = digits.ok_or_else(|| self.invalid())?;
            let code = u32::from_str_radix(digits, 16).unwrap_or(u32::MAX);
            value.extend(high.then(code)?);
            rest = &rest[skipped + length..];
        }
        high.end()?;
        value.push_str(rest);
        Ok(value)
    }
}

/// The first half of a surrogate pair, kept until the second comes.
#[derive(Debug, Default)]
pub struct HighSurrogate(Option<u32>);

impl HighSurrogate {
    /// The character of a code point; none for the first half of a pair.
    ///
    /// # Errors
    /// 42601 for half a pair, and what is no character.
    pub fn then(&mut self, code: u32) -> Result<Option<char>> {
        let code = match (self.0.take(), code) {
            (None, 0xD800..=0xDBFF) => {
                self.0 = Some(code);
                return Ok(None);
            }
            (Some(first), 0xDC00..=0xDFFF) => 0x10000 + ((first - 0xD800) << 10) + (code - 0xDC00),
            (Some(_), _) | (None, 0xDC00..=0xDFFF) => return Err(Self::alone()),
            (None, code) => code,
        };
        match char::from_u32(code) {
            Some(character) if code != 0 => Ok(Some(character)),
            _ => Err(SqlError::new(SqlState::SYNTAX_ERROR, "invalid Unicode escape value")),
        }
    }

    /// No second half comes.
    ///
    /// # Errors
    /// 42601 where one is missing.
    pub fn end(&self) -> Result<()> {
        if self.0.is_some() { Err(Self::alone()) } else { Ok(()) }
    }

    fn alone() -> SqlError {
        SqlError::new(SqlState::SYNTAX_ERROR, "invalid Unicode surrogate pair")
    }
}

#[cfg(test)]
mod tests {
    use super::UnicodeEscapes::{Constant, Unistr};

    #[test]
    fn replaces() {
        assert_eq!(Constant.replace("d\\0061t\\+000061\\\\").unwrap(), "data\\");
        assert_eq!(Unistr.replace("\\u0061\\U00000062").unwrap(), "ab");
        for escapes in [Constant, Unistr] {
            assert_eq!(escapes.replace("\\D83D\\DE00!").unwrap(), "😀!");
        }
    }

    #[test]
    fn refuses() {
        for text in ["\\", "\\00g1", "\\+01", "\\é123", "\\0000", "\\+110000"] {
            assert!(Unistr.replace(text).is_err(), "{text}");
        }
        for text in ["\\D83D", "\\D83Dx\\DE00", "\\D83D\\\\", "\\DE00", "\\D83D\\0061"] {
            let error = Constant.replace(text).unwrap_err();
            assert_eq!(error.to_string(), "invalid Unicode surrogate pair", "{text}");
        }
        assert!(Constant.replace("\\u0061").is_err());
    }
}

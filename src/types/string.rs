//! The character types: lengths count characters, not bytes.
//!
//! `character(n)` is kept without its padding and padded when it is shown: PostgreSQL ignores
//! trailing blanks of the type in comparisons, `length` and casts to text, so the short form is
//! the one that compares rightly.

use super::PgType;
use crate::base::limits::IDENTIFIER_BYTES_MAX;
use crate::base::{Result, SqlError, SqlState};

/// What a character type does to a value that is stored.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// Keep it as it is.
    Any,
    /// Refuse more characters than this; blanks beyond are cut.
    AtMost(usize),
    /// The same, and drop trailing blanks.
    Blank(Option<usize>),
    /// Cut to an identifier's length.
    Name,
    /// Keep the first byte.
    Byte,
}

impl Rule {
    pub(super) fn of(ty: &PgType) -> Self {
        let length = |n: &u32| usize::try_from(*n).unwrap_or(usize::MAX);
        match ty {
            PgType::Varchar(Some(n)) => Self::AtMost(length(n)),
            PgType::Bpchar(n) => Self::Blank(n.as_ref().map(length)),
            PgType::Name => Self::Name,
            PgType::Char => Self::Byte,
            _ => Self::Any,
        }
    }

    /// The part of a value that the type keeps.
    pub(super) fn apply(self, text: &str) -> Result<&str> {
        match self {
            Self::Any => Ok(text),
            Self::AtMost(length) => cut(text, length, "character varying"),
            Self::Blank(length) => {
                let kept = match length {
                    Some(length) => cut(text, length, "character")?,
                    None => text,
                };
                Ok(kept.trim_end_matches(' '))
            }
            Self::Name => Ok(&text[..text.floor_char_boundary(IDENTIFIER_BYTES_MAX)]),
            Self::Byte => Ok(&text[..text.ceil_char_boundary(1.min(text.len()))]),
        }
    }
}

/// The first `length` characters, when what follows is blanks only.
fn cut<'a>(text: &'a str, length: usize, name: &str) -> Result<&'a str> {
    if text.len() <= length {
        return Ok(text);
    }
    let Some((end, _)) = text.char_indices().nth(length) else { return Ok(text) };
    if text[end..].bytes().all(|byte| byte == b' ') {
        return Ok(&text[..end]);
    }
    Err(SqlError::new(
        SqlState::STRING_DATA_RIGHT_TRUNCATION,
        format!("value too long for type {name}({length})"),
    ))
}

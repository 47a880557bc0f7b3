//! Names of objects, and PostgreSQL's rules for them: unquoted identifiers fold to lower case
//! (ASCII letters only, as in every multi-byte encoding), identifiers are cut at 63 bytes,
//! and what is not a plain lower-case word must be quoted to be read back.

use std::fmt;

use crate::base::limits::IDENTIFIER_BYTES_MAX;
use crate::plan::parse::is_reserved;

/// The name of a table, view, sequence, index or type: as written, not yet looked up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// The schema, where one was written; otherwise `search_path` decides.
    pub schema: Option<String>,
    /// The object's own name.
    pub name: String,
}

impl Name {
    /// A name without a schema.
    pub fn bare(name: impl Into<String>) -> Self {
        Self { schema: None, name: name.into() }
    }

    /// A name within a schema.
    pub fn qualified(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: Some(schema.into()), name: name.into() }
    }
}

/// Shows the name as messages of PostgreSQL do: `schema.name`, without quotes.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(&self.name)
    }
}

/// Folds an unquoted identifier to lower case and cuts it.
pub fn fold_identifier(raw: &str) -> String {
    let mut folded = cut_identifier(raw).to_owned();
    folded.make_ascii_lowercase();
    folded
}

/// Cuts an identifier at 63 bytes, never inside a character.
pub fn cut_identifier(identifier: &str) -> &str {
    if identifier.len() <= IDENTIFIER_BYTES_MAX {
        return identifier;
    }
    let mut end = IDENTIFIER_BYTES_MAX;
    while !identifier.is_char_boundary(end) {
        end -= 1;
    }
    &identifier[..end]
}

/// Quotes an identifier where reading it back would otherwise give something else:
/// PostgreSQL's `quote_ident`.
pub fn quote_identifier(identifier: &str) -> String {
    let plain = identifier
        .bytes()
        .enumerate()
        .all(|(i, b)| b.is_ascii_lowercase() || b == b'_' || (i > 0 && b.is_ascii_digit()));
    if plain && !identifier.is_empty() && !is_reserved(identifier) {
        identifier.to_owned()
    } else {
        format!("\"{}\"", identifier.replace('"', "\"\""))
    }
}

#[cfg(test)]
mod tests;

//! Patterns of `LIKE .. ESCAPE`, with the backslash for whatever escapes there.

use std::sync::Arc;

use arrow::array::{Array, AsArray, StringArray};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Function, Kind, arrays, result};
use crate::base::Result;
use crate::types::PgType;

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let two = Arguments::Exactly(&[Kind::Text, Kind::Text]);
    vec![Function::new("redkite_like_pattern", two, |_| PgType::Text, |a, _| patterns(a)).build()]
}

/// A pattern of LIKE in which the backslash escapes.
pub fn with_backslash(pattern: &str, escape: Option<char>) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if Some(character) == escape {
            out.push('\\');
            out.extend(characters.next());
        } else {
            out.extend((character == '\\').then_some('\\'));
            out.push(character);
        }
    }
    out
}

fn patterns(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let (patterns, escapes) = (columns[0].as_string::<i32>(), columns[1].as_string::<i32>());
    let pattern = |row: usize| {
        let known = !patterns.is_null(row) && !escapes.is_null(row);
        known.then(|| with_backslash(patterns.value(row), escapes.value(row).chars().next()))
    };
    let found: StringArray = (0..patterns.len()).map(pattern).collect();
    result(Arc::new(found), scalar)
}

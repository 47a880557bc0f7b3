//! SQL/JSON paths over `jsonb`: `jsonb_path_query` and its kin; `@?` and `@@` are theirs without errors.
//!
//! A path is read once a batch where it is a constant, and walks over the document's text.

mod evaluate;
mod number;
mod parse;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanBuilder, ListBuilder, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Call, Function, Kind, arrays, internal, result};
use crate::base::{Result, SqlError, SqlState};
use crate::types::{PgType, json};
pub(super) use number::Number;
use parse::Path;

const OPERATOR: Arguments = Arguments::Exactly(&[Kind::Json, Kind::Text]);

/// The functions of this family. `jsonb_path_exists_opr` is `@?`, `jsonb_path_match_opr` `@@`.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let boolean = |_: &[PgType]| PgType::Bool;
    let jsonb = |_: &[PgType]| PgType::Jsonb;
    let texts = |_: &[PgType]| PgType::Text.array();
    const FULL: Arguments = Arguments::AndMore(&[Kind::Json, Kind::Text], Kind::Any);
    vec![
        Function::new("jsonb_path_exists", FULL, boolean, |a, _| test(a, false, exists)).build(),
        Function::new("jsonb_path_exists_opr", OPERATOR, boolean, |a, _| test(a, true, exists))
            .build(),
        Function::new("jsonb_path_match", FULL, boolean, |a, _| test(a, false, holds)).build(),
        Function::new("jsonb_path_match_opr", OPERATOR, boolean, |a, _| test(a, true, holds))
            .build(),
        Function::new("jsonb_path_query_first", FULL, jsonb, |a, _| {
            documents(a, |items| items.into_iter().next().map(Cow::into_owned))
        })
        .build(),
        Function::new("jsonb_path_query_array", FULL, jsonb, |a, _| {
            documents(a, |items| Some(format!("[{}]", items.join(", "))))
        })
        .build(),
        Function::new("jsonb_path_query", FULL, texts, each).build(),
        Function::new(
            "redkite_json_value",
            FULL,
            |_| PgType::Text,
            |a, _| {
                documents(a, |items| match items.as_slice() {
                    [only] if only.starts_with(['{', '[']) || only == "null" => None,
                    [only] => {
                        Some(json::unquote_if_string(only).unwrap_or_else(|| only.to_string()))
                    }
                    _ => None,
                })
            },
        )
        .build(),
    ]
}

/// What one row's path finds: `None` for NULL.
type Found<'a> = Option<Vec<Cow<'a, str>>>;

/// Evaluates each row's path, and has `take` look at what is found.
fn rows(
    arguments: &[ColumnarValue],
    silent_always: bool,
    mut take: impl FnMut(Found<'_>, bool) -> Result<()>,
) -> Result<bool> {
    let (columns, scalar) = arrays(arguments)?;
    if columns.len() > 4 {
        return Err(SqlError::new(
            SqlState::UNDEFINED_FUNCTION,
            "a jsonpath function takes four arguments",
        ));
    }
    let (targets, paths) = (columns[0].as_string::<i32>(), columns[1].as_string::<i32>());
    let variables =
        columns.get(2).map(|column| cast(column, &DataType::Utf8)).transpose().map_err(internal)?;
    let silents = columns.get(3).and_then(|column| column.as_boolean_opt());
    let mut last: Option<(&str, Path)> = None;
    for row in 0..targets.len() {
        let variables = variables.as_ref().map(|column| column.as_string::<i32>());
        let missing = targets.is_null(row)
            || paths.is_null(row)
            || variables.is_some_and(|column| column.is_null(row))
            || silents.is_some_and(|column| column.is_null(row));
        if missing {
            take(None, false)?;
            continue;
        }
        let text = paths.value(row);
        if last.as_ref().is_none_or(|(known, _)| *known != text) {
            last = Some((text, parse::parse(text)?));
        }
        let Some((_, path)) = &last else { continue };
        let given = variables.map_or("{}", |column| column.value(row));
        let silent = silent_always || silents.is_some_and(|column| column.value(row));
        match evaluate::query(path, targets.value(row), given) {
            Ok(items) => take(Some(items), silent)?,
            Err(error) if silent && is_of_data(&error) => take(None, silent)?,
            Err(error) => return Err(error),
        }
    }
    Ok(scalar)
}

/// Whether the silent forms keep an error to themselves.
fn is_of_data(error: &SqlError) -> bool {
    error.code().as_str().starts_with("22")
}

/// What is true of the items found; whether errors are kept silent.
type Test = fn(&[Cow<'_, str>], bool) -> Result<Option<bool>>;

fn test(arguments: &[ColumnarValue], silent: bool, of: Test) -> Result<ColumnarValue> {
    let mut column = BooleanBuilder::new();
    let scalar = rows(arguments, silent, |found, silent| {
        column.append_option(found.map(|items| of(&items, silent)).transpose()?.flatten());
        Ok(())
    })?;
    result(Arc::new(column.finish()), scalar)
}

fn exists(items: &[Cow<'_, str>], _: bool) -> Result<Option<bool>> {
    Ok(Some(!items.is_empty()))
}

fn holds(items: &[Cow<'_, str>], silent: bool) -> Result<Option<bool>> {
    match items {
        [only] if only == "true" => Ok(Some(true)),
        [only] if only == "false" => Ok(Some(false)),
        [only] if only == "null" => Ok(None),
        _ if silent => Ok(None),
        _ => Err(SqlError::new(
            SqlState::SINGLETON_SQL_JSON_ITEM_REQUIRED,
            "single boolean result is expected",
        )),
    }
}

fn documents(
    arguments: &[ColumnarValue],
    of: fn(Vec<Cow<'_, str>>) -> Option<String>,
) -> Result<ColumnarValue> {
    let mut column = StringBuilder::new();
    let scalar = rows(arguments, false, |found, silent| {
        // An error kept silent finds nothing.
        let found = if silent { Some(found.unwrap_or_default()) } else { found };
        column.append_option(found.and_then(of));
        Ok(())
    })?;
    result(Arc::new(column.finish()), scalar)
}

/// The items as an array, which the planner spreads.
fn each(arguments: &[ColumnarValue], _: &Call) -> Result<ColumnarValue> {
    let mut column = ListBuilder::new(StringBuilder::new());
    let scalar = rows(arguments, false, |found, _| {
        for item in found.unwrap_or_default() {
            column.values().append_value(item);
        }
        column.append(true);
        Ok(())
    })?;
    result(Arc::new(column.finish()), scalar)
}

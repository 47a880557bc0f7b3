//! `jsonb_to_record(document) AS t (a int, b text)` and its kin in FROM: a column for each member that the list
//! of columns names, of the type that it says.

use sqlparser::ast::{ArrayElemTypeDef, CastKind, DataType, Expr, TableAlias, Value};

use super::names::fold;
use super::rewrite::call;
use crate::base::{Result, SqlError, SqlState};

/// Whether the function makes rows of JSON, and many of them.
pub(super) fn makes_records(name: &str) -> Option<bool> {
    match name {
        "json_to_record" | "jsonb_to_record" => Some(false),
        "json_to_recordset" | "jsonb_to_recordset" => Some(true),
        _ => None,
    }
}

/// The columns of such a function; afterwards the list has names only.
///
/// # Errors
/// 42601 without a list of columns and their types.
pub(super) fn columns(
    many: bool,
    arguments: &[Expr],
    alias: Option<&mut TableAlias>,
) -> Result<Vec<(String, Expr)>> {
    let missing = || {
        let message = "a column definition list is required for functions returning \"record\"";
        SqlError::new(SqlState::SYNTAX_ERROR, message)
    };
    let alias = alias.ok_or_else(missing)?;
    if alias.columns.is_empty() {
        return Err(missing());
    }
    let document = match (arguments, many) {
        ([document], true) => call("jsonb_array_elements", vec![document.clone()]),
        ([document], false) => document.clone(),
        _ => return Err(missing()),
    };
    let mut columns = Vec::with_capacity(alias.columns.len());
    for column in &mut alias.columns {
        let data_type = column.data_type.take().ok_or_else(missing)?;
        let name = fold(&column.name);
        let member = |function| {
            let key = Expr::Value(Value::SingleQuotedString(name.clone()).into());
            call(function, vec![document.clone(), key])
        };
        let value = match &data_type {
            DataType::JSON | DataType::JSONB => member("json_get"),
            DataType::Array(ArrayElemTypeDef::SquareBracket(..)) => {
                call("redkite_json_array", vec![member("json_get")])
            }
            _ => member("json_get_text"),
        };
        columns.push((
            name,
            Expr::Cast {
                kind: CastKind::DoubleColon,
                expr: Box::new(value),
                data_type,
                array: false,
                format: None,
            },
        ));
    }
    Ok(columns)
}

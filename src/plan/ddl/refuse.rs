//! Errors that several definitions raise, in PostgreSQL's words.

use crate::base::{SqlError, SqlState};
use crate::plan::Name;

/// 42P01.
pub(super) fn no_relation(name: &Name) -> SqlError {
    SqlError::new(SqlState::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist"))
}

/// 42809: something else has that name.
pub(super) fn wrong_kind(name: &str, kind: &str) -> SqlError {
    let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    SqlError::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is not {article} {kind}"))
}

/// 42703.
pub(super) fn no_column(column: &str, table: &str) -> SqlError {
    SqlError::new(
        SqlState::UNDEFINED_COLUMN,
        format!("column \"{column}\" of relation \"{table}\" does not exist"),
    )
}

/// 42701.
pub(super) fn duplicate_column(column: &str, table: &str) -> SqlError {
    SqlError::new(
        SqlState::DUPLICATE_COLUMN,
        format!("column \"{column}\" of relation \"{table}\" already exists"),
    )
}

/// 42710.
pub(super) fn duplicate_constraint(constraint: &str, table: &str) -> SqlError {
    SqlError::new(
        SqlState::DUPLICATE_OBJECT,
        format!("constraint \"{constraint}\" for relation \"{table}\" already exists"),
    )
}

/// 42704.
pub(super) fn no_constraint(constraint: &str, table: &str) -> SqlError {
    SqlError::new(
        SqlState::UNDEFINED_OBJECT,
        format!("constraint \"{constraint}\" of relation \"{table}\" does not exist"),
    )
}

/// 22023.
pub(super) fn invalid(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

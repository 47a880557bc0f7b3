//! Columns that take no values from statements: identities that are GENERATED ALWAYS, and columns
//! that are computed from others.

use crate::base::{Result, SqlError, SqlState};
use crate::catalog::{ColumnDef, TableDef};
use crate::plan::statement::{Cell, Insert, InsertSource};

/// GENERATED ALWAYS columns take nothing but DEFAULT, unless the statement overrides that.
pub(super) fn check_identity(table: &TableDef, targets: &[usize], insert: &Insert) -> Result<()> {
    let refuse = |at: usize, cell: &Cell| {
        let target = &table.columns[at];
        refuse_computed(target, cell, REFUSED_VALUE, "")?;
        if insert.overriding.is_some() {
            return Ok(());
        }
        refuse_generated(target, cell, REFUSED_VALUE, "")
            .map_err(|error| error.with_hint("Use OVERRIDING SYSTEM VALUE to override."))
    };
    match &insert.source {
        InsertSource::DefaultValues => Ok(()),
        InsertSource::Values(rows) => rows
            .iter()
            .flat_map(|row| targets.iter().zip(row))
            .try_for_each(|(at, cell)| refuse(*at, cell)),
        // Without a list the query may have fewer columns; those that it has come first.
        InsertSource::Query(_) => targets
            .iter()
            .take(usize::from(insert.columns.is_some()) * targets.len())
            .try_for_each(|at| refuse(*at, &Cell::Null)),
    }
}

/// 428C9 for a value that is written into a GENERATED ALWAYS column.
pub(super) fn refuse_generated(
    target: &ColumnDef,
    cell: &Cell,
    kind: &str,
    only: &str,
) -> Result<()> {
    let always = target.identity.as_ref().is_some_and(|identity| identity.always);
    if !always || matches!(cell, Cell::Default) {
        return Ok(());
    }
    let name = &target.name;
    let detail = format!("Column \"{name}\" is an identity column defined as GENERATED ALWAYS.");
    Err(only_default(name, kind, only).with_detail(detail))
}

/// How a value for a column that is not written is refused.
pub(super) const REFUSED_VALUE: &str = "cannot insert a non-DEFAULT value into column";

/// 428C9 for a value that is written into a column which is computed from others.
pub(super) fn refuse_computed(
    target: &ColumnDef,
    cell: &Cell,
    kind: &str,
    only: &str,
) -> Result<()> {
    if !target.generated || matches!(cell, Cell::Default) {
        return Ok(());
    }
    let detail = format!("Column \"{}\" is a generated column.", target.name);
    Err(only_default(&target.name, kind, only).with_detail(detail))
}

fn only_default(name: &str, kind: &str, only: &str) -> SqlError {
    let message = match only {
        "" => format!("{kind} \"{name}\""),
        only => format!("{kind} \"{name}\" {only} DEFAULT"),
    };
    SqlError::new(SqlState::GENERATED_ALWAYS, message)
}

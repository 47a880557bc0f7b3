//! `old` and `new` in RETURNING: a changed row as it was, and as it is.
//!
//! They are resolved by name before anything is planned. One of the two is the row that RETURNING
//! is about anyway; the other one does not exist, or the query that finds the rows of an UPDATE
//! gives it beside them, in columns of names that nobody writes.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, SelectItem, SelectItemQualifiedWildcardKind, VisitMut, VisitorMut,
};

use super::dml::column;
use super::names::{fold, output_name};
use crate::base::{Result, SqlError, SqlState};
use crate::catalog::TableDef;
use crate::plan::parse_expression;

const OLD: &str = "old";
const NEW: &str = "new";
/// Stands in names of columns that nobody writes.
const HIDDEN: char = '\u{1}';
/// Starts the name of a column with the old value, where both are there.
const MARK: &str = "old\u{1}";
/// The column of what a MERGE does with a row, as a number and as a word.
pub(super) const MERGE_KIND: &str = "merge\u{1}kind";
pub(super) const MERGE_ACTION: &str = "merge\u{1}action";

/// How a statement changes rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// There is no old row.
    Insert,
    /// There are both.
    Update,
    /// There is no new row.
    Delete,
    /// Any of these, row by row.
    Merge,
}

/// The name of the column that has another's old value.
pub(super) fn old_name(name: &str) -> String {
    format!("{MARK}{name}")
}

/// Whether a column is none of a table: `*` doesn't show it.
pub(super) fn is_hidden(name: &str) -> bool {
    name.contains(HIDDEN)
}

/// Whether an expression is `merge_action()`.
fn is_action(expr: &Expr) -> bool {
    let Expr::Function(function) = expr else { return false };
    let name = function.name.0.last().and_then(|part| part.as_ident());
    name.is_some_and(|name| fold(name) == "merge_action")
}

/// Whether RETURNING names the old or the new row of a table that is known by `name`.
pub(super) fn names_versions(items: &[SelectItem], name: &str) -> bool {
    if matches!(name, OLD | NEW) {
        return false;
    }
    items.iter().any(|item| {
        wildcard_of(item).is_some() || {
            let mut names = Names { found: false };
            let _ = item.clone().visit(&mut names);
            names.found
        }
    })
}

/// RETURNING without `old` and `new`.
///
/// # Errors
/// 42703 for columns that the table doesn't have.
pub fn without_versions(
    items: &[SelectItem],
    table: &TableDef,
    name: &str,
    change: Change,
) -> Result<Vec<SelectItem>> {
    if !names_versions(items, name) && change != Change::Merge {
        return Ok(items.to_vec());
    }
    let mut versions = Versions { table, name, change };
    let mut plain = Vec::with_capacity(items.len());
    for item in items {
        if let Some(version) = wildcard_of(item) {
            for of_table in &table.columns {
                let expr = versions.column(version, &of_table.name)?;
                plain.push(named(expr, &of_table.name));
            }
            continue;
        }
        let name = match item {
            SelectItem::UnnamedExpr(expr) => Some(output_name(expr)),
            _ => None,
        };
        let mut item = item.clone();
        if let ControlFlow::Break(error) = item.visit(&mut versions) {
            return Err(error);
        }
        plain.push(match (item, name) {
            (SelectItem::UnnamedExpr(expr), Some(name)) => named(expr, &name),
            (item, _) => item,
        });
    }
    Ok(plain)
}

fn named(expr: Expr, name: &str) -> SelectItem {
    SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', name) }
}

/// The version that `old.*` or `new.*` is of.
fn wildcard_of(item: &SelectItem) -> Option<&'static str> {
    let SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) = item
    else {
        return None;
    };
    let [part] = name.0.as_slice() else { return None };
    version_of(part.as_ident()?)
}

fn version_of(name: &Ident) -> Option<&'static str> {
    let name = fold(name);
    [OLD, NEW].into_iter().find(|version| **version == name)
}

struct Names {
    found: bool,
}

impl VisitorMut for Names {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(parts) = expr
            && let [version, _] = parts.as_slice()
        {
            self.found |= version_of(version).is_some();
        }
        ControlFlow::Continue(())
    }
}

struct Versions<'a> {
    table: &'a TableDef,
    /// What the statement calls the table.
    name: &'a str,
    change: Change,
}

impl Versions<'_> {
    /// A column of a version of the row.
    fn column(&self, version: &str, name: &str) -> Result<Expr> {
        let Some(definition) = self.table.column(name) else {
            let message = format!("column {version}.{name} does not exist");
            return Err(SqlError::new(SqlState::UNDEFINED_COLUMN, message));
        };
        match (self.change, version) {
            (Change::Insert, NEW) | (Change::Update, NEW) | (Change::Delete, OLD) => {
                Ok(column(self.name, name))
            }
            (Change::Update | Change::Merge, OLD) => {
                Ok(Expr::Identifier(Ident::with_quote('"', old_name(name))))
            }
            // The row that goes stands in the place of a new one.
            (Change::Merge, _) => {
                let kind = Ident::with_quote('"', MERGE_KIND);
                let new = column(self.name, name);
                Ok(*parse_expression(&format!("CASE WHEN {kind} <> 3 THEN {new} END"))?.ast)
            }
            _ => {
                let ty = definition.ty.pg_type().to_sql();
                Ok(*parse_expression(&format!("CAST(NULL AS {ty})"))?.ast)
            }
        }
    }
}

impl VisitorMut for Versions<'_> {
    type Break = SqlError;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        if self.change == Change::Merge && is_action(expr) {
            *expr = Expr::Identifier(Ident::with_quote('"', MERGE_ACTION));
        }
        if let Expr::CompoundIdentifier(parts) = expr
            && let [version, name] = parts.as_slice()
            && let Some(version) = version_of(version)
        {
            match self.column(version, &fold(name)) {
                Ok(column) => *expr = column,
                Err(error) => return ControlFlow::Break(error),
            }
        }
        ControlFlow::Continue(())
    }
}

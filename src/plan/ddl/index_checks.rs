//! What PostgreSQL refuses of CREATE INDEX, though here nothing is stored for most of them: operator classes
//! that do not fit, expressions that change by themselves, parameters that nobody knows.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Visit, Visitor};

use super::draft::Draft;
use crate::base::{Result, SqlError, SqlState};
use crate::catalog::TableDef;
use crate::catalog::system::{ClassFound, Kind, operator_class, signatures};
use crate::plan::quote_identifier;
use crate::plan::statement::{CreateIndex, Expression, StorageOption};

/// Looks at an index that is none over vectors.
///
/// # Errors
/// 42704, 42804, 0A000, 42P17, 42803, 22023, and what planning its expressions says.
pub(super) fn check(draft: &Draft<'_>, table: &TableDef, statement: &CreateIndex) -> Result<()> {
    let method = statement.method.as_str();
    if statement.columns.len() > 1 && matches!(method, "hash" | "spgist") {
        let message = format!("access method \"{method}\" does not support multicolumn indexes");
        return Err(SqlError::unsupported(message));
    }
    statement.options.iter().try_for_each(|option| check_option(method, option))?;
    for part in &statement.columns {
        let column = part.column.as_ref().and_then(|name| table.column(name));
        let class = part.operator_class.as_ref().map(|class| class.name.as_str());
        match column {
            Some(column) => check_class(method, class, &column.ty.pg_type())?,
            None => {
                check_expression("index expression", &part.expression)?;
                plan(draft, table, &format!("SELECT ({})", part.expression.text), "")?;
            }
        }
    }
    if let Some(filter) = &statement.filter {
        check_expression("index predicate", filter)?;
        plan(draft, table, "SELECT 1", &format!(" WHERE ({})", filter.text))?;
    }
    Ok(())
}

fn check_option(method: &str, option: &StorageOption) -> Result<()> {
    let known: &[&str] = match method {
        "btree" => &["fillfactor", "deduplicate_items"],
        "gist" => &["fillfactor", "buffering"],
        "gin" => &["fastupdate", "gin_pending_list_limit"],
        "brin" => &["pages_per_range", "autosummarize"],
        _ => &["fillfactor"],
    };
    let refused = |message: String| Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
    if !known.contains(&option.name.as_str()) {
        return refused(format!("unrecognized parameter \"{}\"", option.name));
    }
    if let (Some(value), "fillfactor") = (&option.value, option.name.as_str())
        && !value.parse().is_ok_and(|percent: i64| (10..=100).contains(&percent))
    {
        return refused(format!("value {value} out of bounds for option \"fillfactor\""));
    }
    Ok(())
}

fn check_class(method: &str, class: Option<&str>, ty: &crate::types::PgType) -> Result<()> {
    let shown = ty.sql_name();
    let (state, message) = match (operator_class(method, class, ty), class) {
        (ClassFound::Fits, _) => return Ok(()),
        (_, None) => (
            SqlState::UNDEFINED_OBJECT,
            format!(
                "data type {shown} has no default operator class for access method \"{method}\""
            ),
        ),
        (ClassFound::Missing, Some(class)) => (
            SqlState::UNDEFINED_OBJECT,
            format!("operator class \"{class}\" does not exist for access method \"{method}\""),
        ),
        (ClassFound::OfAnotherType, Some(class)) => (
            SqlState::DATATYPE_MISMATCH,
            format!("operator class \"{class}\" does not accept data type {shown}"),
        ),
    };
    Err(SqlError::new(state, message))
}

fn check_expression(what: &str, expression: &Expression) -> Result<()> {
    let mut calls = Calls { what };
    match expression.ast.visit(&mut calls) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Looks at the functions that are called.
struct Calls<'a> {
    what: &'a str,
}

impl Visitor for Calls<'_> {
    type Break = SqlError;

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<SqlError> {
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        let name = function.name.0.last().and_then(|part| part.as_ident());
        let known = name.map_or(&[][..], |name| signatures(&name.value.to_lowercase()));
        if known.is_empty() {
            return ControlFlow::Continue(());
        }
        if known.iter().all(|signature| signature.kind == Kind::Aggregate) {
            let message = format!("aggregate functions are not allowed in {}s", self.what);
            return ControlFlow::Break(SqlError::new(SqlState::GROUPING_ERROR, message));
        }
        if known.iter().all(|signature| !signature.immutable) {
            let message = format!("functions in {} must be marked IMMUTABLE", self.what);
            let error = SqlError::new(SqlState::INVALID_OBJECT_DEFINITION, message);
            return ControlFlow::Break(error);
        }
        ControlFlow::Continue(())
    }
}

/// Plans an expression over a row of the table's columns: that tells what else is wrong with it.
fn plan(draft: &Draft<'_>, table: &TableDef, select: &str, condition: &str) -> Result<()> {
    let Some(query_facts) = draft.context.query_facts else { return Ok(()) };
    let column = |column: &crate::catalog::ColumnDef| {
        let ty = column.ty.pg_type().to_sql();
        format!("CAST(NULL AS {ty}) AS {}", quote_identifier(&column.name))
    };
    let columns: Vec<String> = table.columns.iter().map(column).collect();
    let name = quote_identifier(&table.name);
    let sql = format!("{select} FROM (SELECT {}) AS {name}{condition}", columns.join(", "));
    query_facts(&crate::plan::parse_query(&sql)?).map(|_| ())
}

//! `EXCEPT ALL` and `INTERSECT ALL`: DataFusion does not count how often a row is there.
//!
//! Each side numbers its equal rows; then rows with their numbers are distinct, and the plain
//! operations do what is asked for.

use sqlparser::ast::{
    Expr, Ident, Query, SelectItem, SetExpr, SetOperator, SetQuantifier, TableFactor,
};

use super::names::{fold, output_name, unique};
use crate::base::{Result, SqlError};

/// Rewrites a query's body if it is one of the two operations.
pub(super) fn count_rows(query: &mut Query) -> Result<()> {
    let SetExpr::SetOperation { op, set_quantifier, left, right } = query.body.as_mut() else {
        return Ok(());
    };
    if counts(left) || counts(right) {
        let message = "EXCEPT ALL and INTERSECT ALL inside of another set operation need brackets";
        return Err(SqlError::unsupported(message));
    }
    let counted = matches!(op, SetOperator::Except | SetOperator::Intersect);
    if !counted || *set_quantifier != SetQuantifier::All {
        return Ok(());
    }
    let refused = || {
        let message = format!("{op} ALL with * or without a plain select list is not supported");
        SqlError::unsupported(message)
    };
    let names = names(left).ok_or_else(refused)?;
    let plain = SetExpr::SetOperation {
        op: *op,
        set_quantifier: SetQuantifier::None,
        left: Box::new(numbered(left, names.len())?),
        right: Box::new(numbered(right, names.len())?),
    };
    let columns = columns(names.len());
    let mut outer = skeleton(&format!("SELECT {columns} FROM (SELECT 1) AS \"all\""), plain)?;
    if let SetExpr::Select(select) = &mut outer {
        for (at, (item, name)) in select.projection.iter_mut().zip(&names).enumerate() {
            let expr = Expr::Identifier(Ident::with_quote('"', format!("c{at}")));
            let repeated = names[..at].contains(name);
            let name = if repeated { unique(name, at) } else { name.clone() };
            *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', name) };
        }
    }
    *query.body = outer;
    Ok(())
}

/// Whether one of the two operations is part of this.
fn counts(side: &SetExpr) -> bool {
    match side {
        SetExpr::SetOperation { op, set_quantifier, left, right } => {
            let counted = matches!(op, SetOperator::Except | SetOperator::Intersect);
            counted && *set_quantifier == SetQuantifier::All || counts(left) || counts(right)
        }
        _ => false,
    }
}

/// The names of the columns of the first SELECT; none if they are not all told.
fn names(side: &SetExpr) -> Option<Vec<String>> {
    match side {
        SetExpr::Select(select) => select
            .projection
            .iter()
            .map(|item| match item {
                SelectItem::UnnamedExpr(expr) => Some(output_name(expr)),
                SelectItem::ExprWithAlias { alias, .. } => Some(fold(alias)),
                _ => None,
            })
            .collect(),
        SetExpr::Query(query) => names(&query.body),
        SetExpr::SetOperation { left, .. } => names(left),
        SetExpr::Values(values) => {
            let width = values.rows.first()?.content.len();
            Some((1..=width).map(|at| format!("column{at}")).collect())
        }
        _ => None,
    }
}

fn columns(count: usize) -> String {
    (0..count).map(|at| format!("\"c{at}\"")).collect::<Vec<_>>().join(", ")
}

/// The rows of a side with the number of each among its equals.
fn numbered(side: &SetExpr, width: usize) -> Result<SetExpr> {
    let columns = columns(width);
    let sql = format!(
        "SELECT {columns}, row_number() OVER (PARTITION BY {columns}) AS \"number\" \
         FROM (SELECT 1) AS side({columns})"
    );
    skeleton(&sql, side.clone())
}

/// A SELECT whose subquery is replaced by another body.
fn skeleton(sql: &str, body: SetExpr) -> Result<SetExpr> {
    let mut query = crate::plan::parse_query(sql)?.ast;
    if let SetExpr::Select(select) = query.body.as_mut()
        && let Some(from) = select.from.first_mut()
        && let TableFactor::Derived { subquery, .. } = &mut from.relation
    {
        *subquery.body = body;
    }
    Ok(*query.body)
}

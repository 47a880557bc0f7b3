//! The rows of INSERT as a query, and constants that take their column's type.

use std::ops::ControlFlow;

use sqlparser::ast;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::dml::{check_width, parse_query};
use crate::base::{Result, SqlError, SqlState};
use crate::catalog::{ColumnDef, TableDef};
use crate::plan::parse_expression;
use crate::plan::statement::{Cell, LiteralKind, Query};
use crate::types::PgType;

/// `SELECT row UNION ALL SELECT row ...`.
pub(super) fn values(
    table: &TableDef,
    targets: &[usize],
    rows: &[Vec<Cell>],
) -> Result<ast::Query> {
    let mut branches = Vec::with_capacity(rows.len());
    let mut shape = parse_query("SELECT 1")?;
    let ast::SetExpr::Select(empty) = shape.body.as_ref() else {
        return Err(SqlError::internal("a SELECT that is none"));
    };
    let mut empty = empty.clone();
    empty.projection.clear();
    for row in rows {
        let mut select = empty.clone();
        for (at, cell) in row.iter().enumerate() {
            let Some(target) = targets.get(at).map(|&target| &table.columns[target]) else {
                check_width(row.len(), targets.len(), true)?;
                continue;
            };
            select.projection.push(ast::SelectItem::ExprWithAlias {
                expr: expression(target, cell)?,
                alias: ast::Ident::with_quote('"', format!("value {at}")),
            });
        }
        branches.push(ast::SetExpr::Select(select));
    }
    if let Some(body) = union_all(branches) {
        *shape.body = body;
    }
    Ok(shape)
}

/// Literals and parameters without a type in the select list take the columns' types.
pub(super) fn type_constants(
    table: &TableDef,
    targets: &[usize],
    tree: &mut ast::Query,
) -> Result<()> {
    let ast::SetExpr::Select(select) = tree.body.as_mut() else { return Ok(()) };
    if select.distinct.is_some() {
        return Ok(());
    }
    for (item, &target) in select.projection.iter_mut().zip(targets) {
        let (ast::SelectItem::UnnamedExpr(expr) | ast::SelectItem::ExprWithAlias { expr, .. }) =
            item
        else {
            // How many columns a wildcard has is not known yet.
            return Ok(());
        };
        let untyped = matches!(expr, ast::Expr::Value(value) if matches!(
            value.value,
            ast::Value::SingleQuotedString(_) | ast::Value::Null | ast::Value::Placeholder(_)
        ));
        if untyped {
            let value = std::mem::replace(expr, ast::Expr::Value(ast::Value::Null.into()));
            *expr = cast(value, &table.columns[target].ty.pg_type())?;
        }
    }
    Ok(())
}

/// A union as a tree that is as flat as can be: what walks it recurses.
fn union_all(mut branches: Vec<ast::SetExpr>) -> Option<ast::SetExpr> {
    while branches.len() > 1 {
        let mut pairs = Vec::with_capacity(branches.len().div_ceil(2));
        let mut rest = branches.into_iter();
        while let Some(left) = rest.next() {
            pairs.push(match rest.next() {
                None => left,
                Some(right) => ast::SetExpr::SetOperation {
                    op: ast::SetOperator::Union,
                    set_quantifier: ast::SetQuantifier::All,
                    left: Box::new(left),
                    right: Box::new(right),
                },
            });
        }
        branches = pairs;
    }
    branches.pop()
}

/// A cell as an expression: constants without a type take the column's.
pub(super) fn expression(target: &ColumnDef, cell: &Cell) -> Result<ast::Expr> {
    let typed = |value: ast::Value| cast(ast::Expr::Value(value.into()), &target.ty.pg_type());
    match cell {
        Cell::Default => match target.default_text() {
            // What is generated is computed once the row is there.
            Some(text) if !target.generated => match *parse_expression(text)?.ast {
                ast::Expr::Value(ast::ValueWithSpan {
                    value: value @ ast::Value::SingleQuotedString(_),
                    ..
                }) => typed(value),
                other => Ok(other),
            },
            _ => typed(ast::Value::Null),
        },
        cell => of_type(cell, &target.ty.pg_type()),
    }
}

/// The arguments of EXECUTE as a query of one row, each of its parameter's type.
///
/// # Errors
/// 42601 for DEFAULT, 0A000 for subqueries.
pub fn arguments_query(cells: &[Cell], types: &[PgType]) -> Result<Query> {
    let mut tree = parse_query("SELECT 1")?;
    let ast::SetExpr::Select(select) = tree.body.as_mut() else {
        return Err(SqlError::internal("a SELECT that is none"));
    };
    select.projection.clear();
    for (at, (cell, ty)) in cells.iter().zip(types).enumerate() {
        let expr = of_type(cell, ty)?;
        let subquery = ast::visit_expressions(&expr, |expr| match expr {
            ast::Expr::Subquery(_) | ast::Expr::Exists { .. } | ast::Expr::InSubquery { .. } => {
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        });
        if subquery.is_break() {
            return Err(SqlError::unsupported("cannot use subquery in EXECUTE parameter"));
        }
        select.projection.push(ast::SelectItem::ExprWithAlias {
            expr: cast(expr, ty)?,
            alias: ast::Ident::with_quote('"', format!("value {at}")),
        });
    }
    Ok(Query { text: tree.to_string(), ast: Box::new(tree), locking: Vec::new() })
}

/// A cell as an expression: constants without a type take this one.
fn of_type(cell: &Cell, ty: &PgType) -> Result<ast::Expr> {
    let typed = |value: ast::Value| cast(ast::Expr::Value(value.into()), ty);
    match cell {
        Cell::Default => {
            let message = "DEFAULT is not allowed in this context";
            Err(SqlError::new(SqlState::SYNTAX_ERROR, message))
        }
        Cell::Null => typed(ast::Value::Null),
        Cell::Parameter(n) => typed(ast::Value::Placeholder(format!("${n}"))),
        Cell::Literal { text, kind } => match kind {
            LiteralKind::String => typed(ast::Value::SingleQuotedString(text.clone())),
            LiteralKind::Null => typed(ast::Value::Null),
            LiteralKind::Number => {
                Ok(ast::Expr::Value(ast::Value::Number(text.clone(), false).into()))
            }
            LiteralKind::Boolean => {
                Ok(ast::Expr::Value(ast::Value::Boolean(text == "true").into()))
            }
        },
        Cell::Cast { text, kind, ty } => {
            let value = match (text, kind) {
                (None, _) => ast::Value::Null,
                (Some(text), LiteralKind::Number) => ast::Value::Number(text.clone(), false),
                (Some(text), _) => ast::Value::SingleQuotedString(text.clone()),
            };
            cast(ast::Expr::Value(value.into()), ty)
        }
        Cell::Expression(expression) => Ok(expression.ast.as_ref().clone()),
    }
}

fn cast(expr: ast::Expr, ty: &PgType) -> Result<ast::Expr> {
    // `character` without a length would be of one.
    let name = ty.to_sql();
    let data_type = Parser::new(&PostgreSqlDialect {})
        .try_with_sql(&name)
        .and_then(|mut parser| parser.parse_data_type())
        .map_err(|error| SqlError::internal(format!("type {name}: {error}")))?;
    Ok(ast::Expr::Cast {
        kind: ast::CastKind::DoubleColon,
        expr: Box::new(expr),
        data_type,
        array: false,
        format: None,
    })
}

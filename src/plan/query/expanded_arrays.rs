//! `information_schema._pg_expandarray(array)`: rows of an element `x` and its number `n`.
//!
//! Rows are no values here. Where one is a column `k` of a query, that query has two columns, `k.x`
//! and `k.n`, and `(q.k).x` is the one of them.

use std::ops::ControlFlow;

use sqlparser::ast::{
    AccessExpr, CastKind, DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    Select, SelectItem, visit_expressions_mut,
};

use super::names::fold;
use super::rewrite::call;

/// The function's name.
pub(super) const NAME: &str = "_pg_expandarray";
const PARTS: [&str; 2] = ["x", "n"];

/// Rewrites the calls of a SELECT, before its columns are named.
pub(super) fn rewrite_select(select: &mut Select) {
    let mut items = Vec::with_capacity(select.projection.len());
    for item in std::mem::take(&mut select.projection) {
        let (expr, name) = match &item {
            SelectItem::UnnamedExpr(expr) => (expr, NAME.to_owned()),
            SelectItem::ExprWithAlias { expr, alias } => (expr, fold(alias)),
            _ => {
                items.push(item);
                continue;
            }
        };
        match array(expr) {
            Some(array) => items.extend(PARTS.map(|part| SelectItem::ExprWithAlias {
                expr: values(part, array),
                alias: Ident::with_quote('"', format!("{name}.{part}")),
            })),
            None => items.push(item),
        }
    }
    select.projection = items;
    let _ = visit_expressions_mut(select, |expr| {
        if let Some(field) = field(expr) {
            *expr = field;
        }
        ControlFlow::<()>::Continue(())
    });
}

/// The columns of the function in FROM.
pub(super) fn columns(array: &Expr) -> Vec<(String, Expr)> {
    PARTS.map(|part| (part.to_owned(), values(part, array))).to_vec()
}

/// All elements of an array, or their numbers.
fn values(part: &str, array: &Expr) -> Expr {
    match part {
        "x" => call("unnest", vec![array.clone()]),
        _ => Expr::Cast {
            kind: CastKind::DoubleColon,
            expr: Box::new(call("redkite_ordinals", vec![array.clone()])),
            data_type: DataType::Int4(None),
            array: false,
            format: None,
        },
    }
}

/// The array that a call expands.
fn array(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Nested(inner) => array(inner),
        Expr::Function(function) if fold(function.name.0.last()?.as_ident()?) == NAME => {
            let FunctionArguments::List(list) = &function.args else { return None };
            let [FunctionArg::Unnamed(FunctionArgExpr::Expr(array))] = list.args.as_slice() else {
                return None;
            };
            Some(array)
        }
        _ => None,
    }
}

/// `(_pg_expandarray(a)).n` and `(q.k).x`.
fn field(expr: &Expr) -> Option<Expr> {
    let Expr::CompoundFieldAccess { root, access_chain } = expr else { return None };
    let (Expr::Nested(row), [AccessExpr::Dot(Expr::Identifier(part))]) =
        (root.as_ref(), access_chain.as_slice())
    else {
        return None;
    };
    let part = PARTS.into_iter().find(|name| fold(part) == *name)?;
    match row.as_ref() {
        Expr::CompoundIdentifier(names) => {
            let mut names = names.clone();
            let last = names.pop()?;
            names.push(Ident::with_quote('"', format!("{}.{part}", fold(&last))));
            Some(Expr::CompoundIdentifier(names))
        }
        row => Some(values(part, array(row)?)),
    }
}

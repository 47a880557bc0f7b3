//! `VALUES` with parameters. DataFusion evaluates the rows of VALUES when it plans, before the
//! parameters have values: such rows become arrays, a column each, that are taken apart.
//!
//! `VALUES ($1, 1), ($2, 2)` is `SELECT unnest(ARRAY[$1, $2]) AS column1, unnest(ARRAY[1, 2]) AS
//! column2`.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Array, Expr, Ident, Query, SelectItem, SetExpr, Value, Values, visit_expressions,
};

use super::rewrite::call;
use crate::base::Result;

/// Rewrites a query that is VALUES with parameters.
pub(super) fn rewrite(query: &mut Query) -> Result<()> {
    let SetExpr::Values(values) = query.body.as_ref() else { return Ok(()) };
    let width = values.rows.first().map_or(0, |row| row.content.len());
    let even = values.rows.iter().all(|row| row.content.len() == width);
    if width == 0 || !even || !has_parameters(values) {
        return Ok(());
    }
    let mut shape = crate::plan::parse_query("SELECT 1")?.ast;
    if let SetExpr::Select(select) = shape.body.as_mut() {
        let item = |at: usize| {
            let elem = values.rows.iter().map(|row| row.content[at].clone()).collect();
            let array = Expr::Array(Array { elem, named: true });
            let alias = Ident::with_quote('"', format!("column{}", at + 1));
            SelectItem::ExprWithAlias { expr: call("unnest", vec![array]), alias }
        };
        select.projection = (0..width).map(item).collect();
    }
    query.body = shape.body;
    Ok(())
}

fn has_parameters(values: &Values) -> bool {
    let found = visit_expressions(values, |expr| match expr {
        Expr::Value(value) if matches!(value.value, Value::Placeholder(_)) => {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

//! ORDER BY an expression: names in it are those of input columns, also where an output column has the
//! same name. DataFusion takes the output's, and has no place for both. Such a query becomes one
//! within another: the inner one computes what it is ordered by beside its columns.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, OrderByExpr, OrderByKind, Query, Select, SelectItem, SetExpr, TableAlias,
    TableFactor, TableWithJoins, Value, ValueWithSpan,
};

use super::from_columns::{FromColumn, FromColumns};
use super::names::{fold, output_name, unique};
use super::own_expressions::{Moment, visit_own};
use crate::base::Result;

/// What the inner query is called.
const INNER: &str = "ordered";

/// Rewrites a query whose ORDER BY means input columns that have the names of others.
pub(super) fn order_by_inputs(query: &mut Query, columns: &FromColumns<'_>) -> Result<()> {
    let Some(order_by) = query.order_by.as_mut() else { return Ok(()) };
    let OrderByKind::Expressions(orders) = &mut order_by.kind else { return Ok(()) };
    let SetExpr::Select(select) = query.body.as_mut() else { return Ok(()) };
    if select.distinct.is_some() || !orders.iter_mut().any(|order| is_mistaken(order, select)) {
        return Ok(());
    }
    let (Some(names), Some(inputs)) = (output_names(select), inputs(select, columns)?) else {
        return Ok(());
    };
    let mut outer = crate::plan::parse_query("SELECT 1")?.ast;
    let SetExpr::Select(around) = outer.body.as_mut() else { return Ok(()) };
    around.projection = take_items(select, &names);
    for (place, order) in orders.iter_mut().enumerate() {
        if is_output(&order.expr, &names) {
            continue;
        }
        replace(&mut order.expr, select, &inputs);
        let alias = quoted(&unique("order", names.len() + place));
        let key = Expr::CompoundIdentifier(vec![quoted(INNER), alias.clone()]);
        let expr = std::mem::replace(&mut order.expr, key);
        select.projection.push(SelectItem::ExprWithAlias { expr, alias });
    }
    let inner = std::mem::replace(&mut query.body, outer.body);
    outer.body = inner;
    let alias = TableAlias { explicit: true, name: quoted(INNER), columns: Vec::new(), at: None };
    let relation =
        TableFactor::Derived { lateral: false, subquery: outer, alias: Some(alias), sample: None };
    if let SetExpr::Select(around) = query.body.as_mut() {
        around.from = vec![TableWithJoins { relation, joins: Vec::new() }];
    }
    Ok(())
}

fn quoted(name: &str) -> Ident {
    Ident::with_quote('"', name)
}

/// Whether an expression of ORDER BY names a column that has the name of a computed output column.
fn is_mistaken(order: &mut OrderByExpr, select: &Select) -> bool {
    if matches!(order.expr, Expr::Identifier(_)) {
        return false;
    }
    let found = visit_own(&mut order.expr, |expr, _| {
        let name = match expr {
            Expr::Identifier(name) => Some(&*name),
            Expr::CompoundIdentifier(parts) => parts.last(),
            _ => None,
        };
        match name.map(fold).is_some_and(|name| is_computed(select, &name)) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    found.is_break()
}

/// Whether an output column has this name, and is not simply a column that has it.
fn is_computed(select: &Select, name: &str) -> bool {
    let own = |expr: &Expr| match expr {
        Expr::Identifier(column) => fold(column) == name,
        Expr::CompoundIdentifier(parts) => parts.last().is_some_and(|last| fold(last) == name),
        _ => false,
    };
    select.projection.iter().any(|item| match item {
        SelectItem::UnnamedExpr(expr) => !own(expr) && output_name(expr) == name,
        SelectItem::ExprWithAlias { expr, alias } => !own(expr) && fold(alias) == name,
        _ => false,
    })
}

/// The names of the output columns; none where `*` hides them.
fn output_names(select: &Select) -> Option<Vec<String>> {
    let name = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expr) => Some(output_name(expr)),
        SelectItem::ExprWithAlias { alias, .. } => Some(fold(alias)),
        _ => None,
    };
    select.projection.iter().map(name).collect()
}

/// The columns that FROM gives; none where they are not all known.
fn inputs(select: &Select, columns: &FromColumns<'_>) -> Result<Option<Vec<FromColumn>>> {
    let mut all = Vec::new();
    for from in &select.from {
        let Some(found) = columns.of_joins(from)? else { return Ok(None) };
        all.extend(found);
    }
    Ok(Some(all))
}

/// Gives the output columns names of which there is one each; the items that show them.
fn take_items(select: &mut Select, names: &[String]) -> Vec<SelectItem> {
    let mut shown = Vec::with_capacity(names.len());
    for (place, item) in select.projection.iter_mut().enumerate() {
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else {
            continue;
        };
        let name = &names[place];
        let alias = match names[..place].contains(name) {
            true => quoted(&unique(name, place)),
            false => quoted(name),
        };
        let column = Expr::CompoundIdentifier(vec![quoted(INNER), alias.clone()]);
        shown.push(SelectItem::ExprWithAlias { expr: column, alias: quoted(name) });
        let expr = std::mem::replace(expr, Expr::Value(Value::Null.into()));
        *item = SelectItem::ExprWithAlias { expr, alias };
    }
    shown
}

/// Whether an expression of ORDER BY stands for an output column.
fn is_output(expr: &Expr, names: &[String]) -> bool {
    match expr {
        Expr::Value(ValueWithSpan { value: Value::Number(..), .. }) => true,
        Expr::Identifier(name) => names.contains(&fold(name)),
        _ => false,
    }
}

/// Puts input columns in the place of names that output columns have too.
fn replace(expr: &mut Expr, select: &Select, inputs: &[FromColumn]) {
    let _ = visit_own(expr, |expr, moment| {
        if let Expr::Identifier(name) = expr
            && moment == Moment::Before
        {
            let name = fold(name);
            if is_computed(select, &name)
                && let Some(column) = inputs.iter().find(|column| column.name == name)
            {
                *expr = column.expr.clone();
            }
        }
        ControlFlow::<()>::Continue(())
    });
}

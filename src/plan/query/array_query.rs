//! `ARRAY(query)`: a query's column, gathered in the query's order.

use sqlparser::ast::{
    Expr, Function, FunctionArgumentClause, FunctionArguments, Ident, OrderByExpr, OrderByKind,
    Query, SelectItem, SetExpr, TableAlias, TableAliasColumnDef, TableFactor, TableWithJoins,
    Value, ValueWithSpan,
};

use super::names::{fold, output_name};
use super::rewrite::call;

/// `(SELECT array_agg(element ORDER BY ..) FROM (query))`, and an empty array for no rows.
pub(super) fn array_of(query: &Query) -> Option<Expr> {
    let element = Ident::with_quote('"', "element");
    let mut inner = query.clone();
    let (order, keys) = ordered(&mut inner, &element);
    let mut gathered = call("array_agg", vec![Expr::Identifier(element.clone())]);
    if let Expr::Function(Function { args: FunctionArguments::List(list), .. }) = &mut gathered
        && !order.is_empty()
    {
        list.clauses.push(FunctionArgumentClause::OrderBy(order));
    }
    let mut outer = crate::plan::parse_query("SELECT 1").ok()?.ast;
    let SetExpr::Select(select) = outer.body.as_mut() else { return None };
    let whole = call("redkite_or_empty", vec![gathered]);
    let alias = Ident::with_quote('"', "array");
    select.projection = vec![SelectItem::ExprWithAlias { expr: whole, alias }];
    let named = |name: Ident| TableAliasColumnDef { name, data_type: None };
    let relation = TableFactor::Derived {
        lateral: false,
        subquery: Box::new(inner),
        alias: Some(TableAlias {
            name: Ident::with_quote('"', "elements"),
            columns: std::iter::once(element).chain(keys).map(named).collect(),
            explicit: true,
            at: None,
        }),
        sample: None,
    };
    select.from = vec![TableWithJoins { relation, joins: Vec::new() }];
    Some(Expr::Subquery(outer))
}

/// The query's order, in terms of its columns: what it goes by beside the element itself becomes
/// columns more, whose names are returned too.
fn ordered(query: &mut Query, element: &Ident) -> (Vec<OrderByExpr>, Vec<Ident>) {
    let (mut order, mut keys) = (Vec::new(), Vec::new());
    let Some(OrderByKind::Expressions(exprs)) = query.order_by.as_ref().map(|by| &by.kind) else {
        return (order, keys);
    };
    let exprs = exprs.clone();
    let mut select = match query.body.as_mut() {
        SetExpr::Select(select) if select.distinct.is_none() => Some(select),
        _ => None,
    };
    let name = select.as_ref().and_then(|select| match select.projection.as_slice() {
        [SelectItem::ExprWithAlias { alias, .. }] => Some(fold(alias)),
        [SelectItem::UnnamedExpr(expr)] => Some(output_name(expr)),
        _ => None,
    });
    for (position, by) in exprs.into_iter().enumerate() {
        let itself = match &by.expr {
            Expr::Value(ValueWithSpan { value: Value::Number(number, _), .. }) => number == "1",
            Expr::Identifier(word) => name.as_ref().is_none_or(|name| *name == fold(word)),
            _ => false,
        };
        let key = match (&mut select, itself) {
            (_, true) => element.clone(),
            (Some(select), false) => {
                let key = Ident::with_quote('"', format!("order {position}"));
                let (expr, alias) = (by.expr.clone(), key.clone());
                select.projection.push(SelectItem::ExprWithAlias { expr, alias });
                keys.push(key.clone());
                key
            }
            (None, false) => continue,
        };
        order.push(OrderByExpr { expr: Expr::Identifier(key), ..by });
    }
    if query.limit_clause.is_none() && query.fetch.is_none() {
        query.order_by = None;
    }
    (order, keys)
}

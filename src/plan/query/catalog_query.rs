//! What clients ask of the catalog in forms that DataFusion doesn't plan, in forms that it does.
//!
//! - A scalar subquery over the catalog that looks one row up by its key (psql's `\d`) becomes an
//!   aggregate: DataFusion asks for one where a subquery refers to the outer query.
//! - `ARRAY(SELECT ..)` over the catalog becomes `array_agg`.
//! - Subqueries that certainly give nothing (privileges of columns, policies, event triggers)
//!   become NULL, an empty array or false, and so do those that a query would run for each row of a relation that
//!   never has any.
//!
//! Only queries that read nothing but the catalog are changed: there the key is known to give
//! one row, elsewhere more than one would have to be an error.

use std::ops::ControlFlow;

use sqlparser::ast::{
    ArrayElemTypeDef, BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArgumentList, FunctionArguments, GroupByExpr, Ident, ObjectName,
    Query, Select, SelectItem, SetExpr, TableFactor, TableFunctionArgs, Value, visit_expressions,
    visit_expressions_mut,
};

use super::names::fold;
use crate::catalog::system::is_always_empty;

/// Rewrites an expression, before its parts are visited; see the module.
pub(crate) fn rewrite(expr: &mut Expr) {
    match expr {
        // A column's collation is always its type's: psql asks for those where it isn't.
        Expr::Subquery(query) if other_collation(query) || gives_nothing(query) => *expr = null(),
        Expr::Exists { subquery, negated } if gives_nothing(subquery) => {
            *expr = Expr::Value(Value::Boolean(*negated).into());
        }
        Expr::Function(Function { args: FunctionArguments::Subquery(query), .. })
            if gives_nothing(query) =>
        {
            *expr = no_texts();
        }
        Expr::Subquery(query) => {
            aggregate(query, "any_value");
        }
        Expr::Function(function) => {
            if let Some(subquery) = array_subquery(function) {
                *expr = subquery;
            }
        }
        // What is compared with any of the rows is not a scalar.
        Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => {
            if let Expr::Subquery(subquery) = right.as_ref() {
                let (subquery, left) = (subquery.clone(), left.clone());
                *expr = Expr::InSubquery { expr: left, subquery, negated: false };
            }
        }
        _ => {}
    }
}

/// Takes the subqueries out of the select list of a query over a relation that never has rows.
pub(crate) fn rewrite_select(select: &mut Select) {
    let first = select.from.first().and_then(|from| relation_name(&from.relation));
    if !first.is_some_and(is_always_empty) {
        return;
    }
    for item in &mut select.projection {
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else {
            continue;
        };
        let _ = visit_expressions_mut(expr, |expr| {
            match expr {
                Expr::Subquery(_) => *expr = null(),
                Expr::Function(Function { args: FunctionArguments::Subquery(_), .. }) => {
                    *expr = no_texts();
                }
                _ => {}
            }
            ControlFlow::<()>::Continue(())
        });
    }
}

fn null() -> Expr {
    Expr::Value(Value::Null.into())
}

/// `'{}'::text[]`.
fn no_texts() -> Expr {
    let empty = Expr::Value(Value::SingleQuotedString("{}".to_owned()).into());
    let texts = DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(DataType::Text), None));
    Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(empty),
        data_type: texts,
        array: false,
        format: None,
    }
}

/// The last part of a relation's or a table function's name.
fn relation_name(factor: &TableFactor) -> Option<&str> {
    let (TableFactor::Table { name, .. } | TableFactor::Function { name, .. }) = factor else {
        return None;
    };
    name.0.last()?.as_ident().map(|name| name.value.as_str())
}

/// Whether a subquery has no rows whatever the outer row: it reads a relation that never has
/// any, unnests a list that is always NULL, or asks for what no row has.
fn gives_nothing(query: &Query) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    let grouped = select.having.is_some() || select.projection.iter().any(has_aggregate);
    let Some(first) = select.from.first().filter(|_| !grouped) else { return false };
    let unnested = || {
        let (TableFactor::Table { args: Some(TableFunctionArgs { args, .. }), .. }
        | TableFactor::Function { args, .. }) = &first.relation
        else {
            return false;
        };
        let [FunctionArg::Unnamed(FunctionArgExpr::Expr(list))] = args.as_slice() else {
            return false;
        };
        matches!(last_name(list), Some("reloptions" | "evttags"))
    };
    match relation_name(&first.relation) {
        Some("unnest") => unnested(),
        // Nothing foreign has options.
        Some("pg_options_to_table") => true,
        Some("pg_attribute") => has_condition(select, &|part| match part {
            Expr::IsNotNull(column) => last_name(column) == Some("attacl"),
            _ => false,
        }),
        Some("pg_constraint") => has_condition(select, &|part| {
            matches!(last_name(part), Some("condeferrable" | "condeferred"))
        }),
        Some(name) => is_always_empty(name),
        None => match &first.relation {
            TableFactor::UNNEST { array_exprs, .. } => {
                let lists: Option<Vec<&str>> = array_exprs.iter().map(last_name).collect();
                lists.is_some_and(|lists| matches!(*lists, ["reloptions" | "evttags"]))
            }
            _ => false,
        },
    }
}

fn has_aggregate(item: &SelectItem) -> bool {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
            is_aggregate(expr)
        }
        _ => false,
    }
}

/// The last part of a column's name.
fn last_name(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Identifier(name) => Some(&name.value),
        Expr::CompoundIdentifier(parts) => parts.last().map(|name| name.value.as_str()),
        _ => None,
    }
}

/// Whether one of the conditions of WHERE that must all hold is such.
fn has_condition(select: &Select, is: &dyn Fn(&Expr) -> bool) -> bool {
    fn any(expr: &Expr, is: &dyn Fn(&Expr) -> bool) -> bool {
        match expr {
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                any(left, is) || any(right, is)
            }
            other => is(other),
        }
    }
    select.selection.as_ref().is_some_and(|condition| any(condition, is))
}

/// `(SELECT c.collname FROM pg_collation c, pg_type t WHERE ..)`.
fn other_collation(query: &Query) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    let [first, second] = select.from.as_slice() else { return false };
    let is = |factor: &TableFactor, wanted: &str| relation_name(factor) == Some(wanted);
    is(&first.relation, "pg_collation") && is(&second.relation, "pg_type")
}

/// `ARRAY(SELECT x FROM pg_..)` as a scalar subquery; `None` for anything else.
fn array_subquery(function: &Function) -> Option<Expr> {
    let name = fold(function.name.0.last()?.as_ident()?);
    let FunctionArguments::Subquery(query) = &function.args else { return None };
    if name != "array" {
        return None;
    }
    if query.order_by.is_some() {
        return None;
    }
    let mut query = query.clone();
    aggregate(&mut query, "array_agg").then_some(Expr::Subquery(query))
}

/// Puts an aggregate around the one column of a query over the catalog.
fn aggregate(query: &mut Query, function: &str) -> bool {
    if query.with.is_some() || query.limit_clause.is_some() {
        return false;
    }
    let SetExpr::Select(select) = query.body.as_mut() else { return false };
    let plain = matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty())
        && select.having.is_none()
        && select.distinct.is_none();
    if !plain || !reads_catalog_only(select) {
        return false;
    }
    let [SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }] =
        select.projection.as_mut_slice()
    else {
        return false;
    };
    // An aggregate would make text of a document.
    if holds_aggregate(expr) || function == "any_value" && makes_json(expr) {
        return false;
    }
    drop_has_default(&mut select.selection);
    let inner = std::mem::replace(expr, null());
    *expr = call(function, inner);
    true
}

/// `.. AND a.atthasdef` says of a look-up in `pg_attrdef` what its result says too; DataFusion
/// can't plan a condition on the outer row alone.
fn drop_has_default(condition: &mut Option<Expr>) {
    if let Some(Expr::BinaryOp { left, op: BinaryOperator::And, right }) = condition
        && let Expr::CompoundIdentifier(parts) = right.as_ref()
        && parts.last().is_some_and(|name| name.value == "atthasdef")
    {
        *condition = Some(left.as_ref().clone());
    }
}

fn reads_catalog_only(select: &Select) -> bool {
    let of_catalog = |factor: &TableFactor| match factor {
        TableFactor::Table { name, args: None, .. } => {
            let last = name.0.last().and_then(|part| part.as_ident());
            last.is_some_and(|name| name.value.starts_with("pg_"))
        }
        _ => false,
    };
    !select.from.is_empty()
        && select.from.iter().all(|from| {
            of_catalog(&from.relation) && from.joins.iter().all(|join| of_catalog(&join.relation))
        })
}

fn holds_aggregate(expr: &Expr) -> bool {
    let found = visit_expressions(expr, |expr| match is_aggregate(expr) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    });
    found.is_break()
}

fn makes_json(expr: &Expr) -> bool {
    let Expr::Function(function) = expr else { return false };
    let name = function.name.0.last().and_then(|part| part.as_ident()).map(fold);
    name.is_some_and(|name| name.contains("json"))
}

fn is_aggregate(expr: &Expr) -> bool {
    let Expr::Function(function) = expr else { return false };
    let name = function.name.0.last().and_then(|part| part.as_ident()).map(fold);
    name.is_some_and(|name| {
        matches!(
            &*name,
            "any_value" | "array_agg" | "string_agg" | "count" | "max" | "min" | "sum" | "bool_or"
        )
    })
}

fn call(name: &str, argument: Expr) -> Expr {
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))],
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

//! What clients ask of the catalog in forms that DataFusion doesn't plan, in forms that it does.
//!
//! - A scalar subquery over the catalog that looks one row up by its key (psql's `\d`) becomes an
//!   aggregate: DataFusion asks for one where a subquery refers to the outer query.
//! - `ARRAY(SELECT ..)` over the catalog becomes `array_agg`.
//!
//! Only queries that read nothing but the catalog are changed: there the key is known to give
//! one row, elsewhere more than one would have to be an error.

use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, GroupByExpr, Ident, ObjectName, Query, Select, SelectItem, SetExpr,
    TableFactor,
};

use super::names::fold;

/// Rewrites an expression, before its parts are visited; see the module.
pub(crate) fn rewrite(expr: &mut Expr) {
    match expr {
        // A column's collation is always its type's: psql asks for those where it isn't.
        Expr::Subquery(query) if other_collation(query) => {
            *expr = Expr::Value(sqlparser::ast::Value::Null.into());
        }
        Expr::Subquery(query) => {
            aggregate(query, "max");
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

/// `(SELECT c.collname FROM pg_collation c, pg_type t WHERE ..)`.
fn other_collation(query: &Query) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    let [first, second] = select.from.as_slice() else { return false };
    let is = |factor: &TableFactor, wanted: &str| match factor {
        TableFactor::Table { name, .. } => {
            name.0.last().and_then(|part| part.as_ident()).is_some_and(|name| name.value == wanted)
        }
        _ => false,
    };
    is(&first.relation, "pg_collation") && is(&second.relation, "pg_type")
}

/// `ARRAY(SELECT x FROM pg_..)` as a scalar subquery; `None` for anything else.
fn array_subquery(function: &Function) -> Option<Expr> {
    let name = fold(function.name.0.last()?.as_ident()?);
    let FunctionArguments::Subquery(query) = &function.args else { return None };
    if name != "array" {
        return None;
    }
    let mut query = query.clone();
    query.order_by = None;
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
    if is_aggregate(expr) {
        return false;
    }
    drop_has_default(&mut select.selection);
    let inner = std::mem::replace(expr, Expr::Value(sqlparser::ast::Value::Null.into()));
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

fn is_aggregate(expr: &Expr) -> bool {
    let Expr::Function(function) = expr else { return false };
    let name = function.name.0.last().and_then(|part| part.as_ident()).map(fold);
    name.is_some_and(|name| {
        matches!(&*name, "array_agg" | "string_agg" | "count" | "max" | "min" | "sum" | "bool_or")
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

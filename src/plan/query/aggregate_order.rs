//! Aggregates whose result depends on the order of their rows, over a subquery with ORDER BY: PostgreSQL hands them
//! the rows in that order. `SELECT array_agg(a) FROM (SELECT a FROM t ORDER BY b) AS s` becomes
//! `array_agg(a ORDER BY b)`; the subquery hands `b` on, too.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::expr::Sort as SortExpr;
use datafusion::logical_expr::{
    Aggregate, Expr, Filter, Limit, LogicalPlan, Projection, SubqueryAlias,
};

use super::names::unique;

/// The aggregates, as they are planned: those of JSON are made of arrays.
const ORDERED: &[&str] = &["array_agg", "string_agg"];

/// Moves the order of subqueries into the aggregates over them.
pub(super) fn apply(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|node| {
        let LogicalPlan::Aggregate(aggregate) = &node else { return Ok(Transformed::no(node)) };
        match ordered(aggregate)? {
            Some(ordered) => Ok(Transformed::yes(LogicalPlan::Aggregate(ordered))),
            None => Ok(Transformed::no(node)),
        }
    })
    .data()
}

/// Rows in an order that is told in their own columns.
struct Rows {
    plan: LogicalPlan,
    keys: Vec<SortExpr>,
}

fn ordered(aggregate: &Aggregate) -> Result<Option<Aggregate>> {
    if !aggregate.aggr_expr.iter().any(takes_order) {
        return Ok(None);
    }
    let Some(rows) = rows(&aggregate.input)? else { return Ok(None) };
    let with_order = |expr: &Expr| {
        if !takes_order(expr) {
            return expr.clone();
        }
        let name = expr.schema_name().to_string();
        match expr.clone().unalias() {
            Expr::AggregateFunction(mut call) => {
                call.params.order_by.clone_from(&rows.keys);
                Expr::AggregateFunction(call).alias(name)
            }
            other => other,
        }
    };
    let exprs = aggregate.aggr_expr.iter().map(with_order).collect();
    Aggregate::try_new(Arc::new(rows.plan), aggregate.group_expr.clone(), exprs).map(Some)
}

fn takes_order(expr: &Expr) -> bool {
    match expr {
        Expr::Alias(alias) => takes_order(&alias.expr),
        Expr::AggregateFunction(call) => {
            let params = &call.params;
            ORDERED.contains(&call.func.name()) && params.order_by.is_empty() && !params.distinct
        }
        _ => false,
    }
}

/// A plan that sorts at its top or below what keeps the order, with the order's keys among its columns.
fn rows(plan: &LogicalPlan) -> Result<Option<Rows>> {
    Ok(match plan {
        LogicalPlan::Sort(sort) => {
            let keys = sort.expr.clone();
            let plain =
                keys.iter().all(|key| !key.expr.contains_outer() && !key.expr.is_volatile());
            plain.then(|| Rows { plan: plan.clone(), keys })
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let Some(Rows { plan, keys }) = rows(&alias.input)? else { return Ok(None) };
            let outside =
                |column: &Column| Column::new(Some(alias.alias.clone()), column.name.clone());
            let keys = renamed(keys, &outside)?;
            let plan = SubqueryAlias::try_new(Arc::new(plan), alias.alias.clone())?;
            Some(Rows { plan: LogicalPlan::SubqueryAlias(plan), keys })
        }
        LogicalPlan::Projection(projection) => {
            let Some(Rows { plan, keys }) = rows(&projection.input)? else { return Ok(None) };
            Some(projected(projection, plan, keys)?)
        }
        LogicalPlan::Limit(limit) => {
            let Some(Rows { plan, keys }) = rows(&limit.input)? else { return Ok(None) };
            let plan = LogicalPlan::Limit(Limit { input: Arc::new(plan), ..limit.clone() });
            Some(Rows { plan, keys })
        }
        LogicalPlan::Filter(filter) => {
            let Some(Rows { plan, keys }) = rows(&filter.input)? else { return Ok(None) };
            let filter = Filter::try_new(filter.predicate.clone(), Arc::new(plan))?;
            Some(Rows { plan: LogicalPlan::Filter(filter), keys })
        }
        _ => None,
    })
}

/// A projection that hands on the columns of the keys, too.
fn projected(projection: &Projection, input: LogicalPlan, keys: Vec<SortExpr>) -> Result<Rows> {
    let mut exprs = projection.expr.clone();
    let mut needed: Vec<Column> = Vec::new();
    for key in &keys {
        for column in key.expr.column_refs() {
            if !needed.contains(column) {
                needed.push(column.clone());
            }
        }
    }
    let mut names = Vec::with_capacity(needed.len());
    for column in &needed {
        let shown = projection.expr.iter().position(
            |expr| matches!(expr.clone().unalias(), Expr::Column(shown) if shown == *column),
        );
        names.push(match shown {
            Some(at) => Column::from(projection.schema.qualified_field(at)),
            None => {
                let name = unique("order", exprs.len());
                exprs.push(Expr::Column(column.clone()).alias(&name));
                Column::new_unqualified(name)
            }
        });
    }
    let outside = |column: &Column| {
        let at = needed.iter().position(|known| known == column);
        at.and_then(|at| names.get(at)).unwrap_or(column).clone()
    };
    let keys = renamed(keys, &outside)?;
    let plan = LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(input))?);
    Ok(Rows { plan, keys })
}

/// Keys over columns that have other names now.
fn renamed(keys: Vec<SortExpr>, name: &dyn Fn(&Column) -> Column) -> Result<Vec<SortExpr>> {
    let rename = |key: SortExpr| {
        let expr = key.expr.transform(|expr| match expr {
            Expr::Column(column) => Ok(Transformed::yes(Expr::Column(name(&column)))),
            other => Ok(Transformed::no(other)),
        });
        Ok(SortExpr { expr: expr.data()?, ..key })
    };
    keys.into_iter().map(rename).collect()
}

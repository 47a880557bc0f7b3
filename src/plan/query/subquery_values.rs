//! Subqueries as values, in forms that DataFusion can take apart.
//!
//! DataFusion plans EXISTS and IN in WHERE only, and correlated scalar subqueries only if they
//! are aggregated. Elsewhere they become aggregates here: EXISTS a count, IN three of them for
//! SQL's three answers, and a plain subquery the only value of its rows, or an error.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, Result, ScalarValue, Spans};
use datafusion::functions_aggregate::count::count_all;
use datafusion::logical_expr::expr::{AggregateFunction, Exists, InSubquery};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    AggregateUDF, Expr, Limit, LogicalPlan, LogicalPlanBuilder, Projection, Sort, SortExpr,
    Subquery, lit, when,
};

/// The aggregates that stand for plain subqueries.
pub(super) struct Aggregates {
    /// The only value; more are an error.
    pub(super) only: Arc<AggregateUDF>,
    /// The first value in an order.
    pub(super) first: Arc<AggregateUDF>,
}

/// Rewrites the subqueries of a plan, innermost first.
pub(super) fn as_aggregates(plan: LogicalPlan, aggregates: &Aggregates) -> Result<LogicalPlan> {
    Ok(plan
        .transform_up_with_subqueries(|node| {
            // Joins take these two as they are.
            let joins = matches!(node, LogicalPlan::Filter(_) | LogicalPlan::Join(_));
            let names = NamePreserver::new(&node);
            let changed = node.map_expressions(|expr| {
                let saved = names.save(&expr);
                let changed = expr.transform_up(|expr| one(expr, joins, aggregates))?;
                Ok(match changed.transformed {
                    true => changed.update_data(|expr| saved.restore(expr)),
                    false => changed,
                })
            })?;
            match changed.transformed {
                true => changed.map_data(LogicalPlan::recompute_schema),
                false => Ok(changed),
            }
        })?
        .data)
}

fn one(expr: Expr, joins: bool, aggregates: &Aggregates) -> Result<Transformed<Expr>> {
    match expr {
        Expr::ScalarSubquery(subquery) if !subquery.outer_ref_columns.is_empty() => {
            match aggregated(&subquery.subquery, aggregates)? {
                Some(plan) => {
                    let subquery = Subquery { subquery: Arc::new(plan), ..subquery };
                    Ok(Transformed::yes(Expr::ScalarSubquery(subquery)))
                }
                None => Ok(Transformed::no(Expr::ScalarSubquery(subquery))),
            }
        }
        Expr::Exists(Exists { subquery, negated }) if !joins => {
            let plan = any_row(LogicalPlanBuilder::from(without_order(&subquery.subquery)))?;
            let found = Expr::ScalarSubquery(Subquery { subquery: Arc::new(plan), ..subquery });
            Ok(Transformed::yes(if negated { Expr::Not(Box::new(found)) } else { found }))
        }
        Expr::InSubquery(InSubquery { expr, subquery, negated }) if !joins => {
            match member(&expr, &subquery)? {
                Some(found) => {
                    let found = if negated { Expr::Not(Box::new(found)) } else { found };
                    Ok(Transformed::yes(found))
                }
                None => {
                    let same = InSubquery { expr, subquery, negated };
                    Ok(Transformed::no(Expr::InSubquery(same)))
                }
            }
        }
        other => Ok(Transformed::no(other)),
    }
}

/// A subquery's rows without an order and a number that don't change whether there are any.
fn without_order(plan: &LogicalPlan) -> LogicalPlan {
    match plan {
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => without_order(&sort.input),
        LogicalPlan::Limit(limit) => match (&limit.skip, limit.fetch.as_deref()) {
            (None, Some(Expr::Literal(ScalarValue::Int64(Some(1..)), _))) => {
                without_order(&limit.input)
            }
            _ => plan.clone(),
        },
        other => other.clone(),
    }
}

/// `SELECT count(*) > 0 FROM rows`.
fn any_row(rows: LogicalPlanBuilder) -> Result<LogicalPlan> {
    let counted = rows.aggregate(Vec::<Expr>::new(), vec![count_all()])?.build()?;
    let count = Expr::Column(Column::from(counted.schema().qualified_field(0)));
    let found = count.gt(lit(0_i64)).alias("exists");
    Projection::try_new(vec![found], Arc::new(counted)).map(LogicalPlan::Projection)
}

/// `x IN (subquery)`: true if one of its values is x, NULL if that is unknown, else false.
fn member(value: &Expr, subquery: &Subquery) -> Result<Option<Expr>> {
    let rows = without_order(&subquery.subquery);
    let column = Expr::Column(Column::from(rows.schema().qualified_field(0)));
    let constant = !value.any_column_refs() && !refers_outside(value);
    if !constant && !matches!(value, Expr::Column(_)) {
        return Ok(None);
    }
    let inside = match value {
        Expr::Column(outer) => {
            // Its type is not known here; comparing coerces.
            Expr::OuterReferenceColumn(Arc::clone(rows.schema().field(0)), outer.clone())
        }
        other => other.clone(),
    };
    let scalar = |plan: LogicalPlan, outer: Vec<Expr>| {
        let outer_ref_columns = [subquery.outer_ref_columns.clone(), outer].concat();
        Expr::ScalarSubquery(Subquery {
            subquery: Arc::new(plan),
            outer_ref_columns,
            spans: Spans::new(),
        })
    };
    let rows = || LogicalPlanBuilder::from(rows.clone());
    let refers = if constant { Vec::new() } else { vec![inside.clone()] };
    let equal = scalar(any_row(rows().filter(column.clone().eq(inside))?)?, refers);
    let unknown = scalar(any_row(rows().filter(column.is_null())?)?, Vec::new());
    let some = scalar(any_row(rows())?, Vec::new());
    let unknown = unknown.or(value.clone().is_null().and(some));
    let null = lit(ScalarValue::Boolean(None));
    when(equal, lit(true)).when(unknown, null).otherwise(lit(false)).map(Some)
}

/// Whether an expression refers to columns of the query around it.
fn refers_outside(expr: &Expr) -> bool {
    expr.exists(|expr| Ok(matches!(expr, Expr::OuterReferenceColumn(..)))).unwrap_or(true)
}

/// A correlated subquery that is not aggregated, as one that is; `None` if it is one already or
/// has another form.
fn aggregated(plan: &LogicalPlan, aggregates: &Aggregates) -> Result<Option<LogicalPlan>> {
    let (first, order, projection) = match plan {
        LogicalPlan::Projection(projection) => (false, Vec::new(), projection),
        LogicalPlan::Limit(Limit { skip: None, fetch: Some(fetch), input }) => {
            let one = matches!(fetch.as_ref(), Expr::Literal(ScalarValue::Int64(Some(1)), _));
            match input.as_ref() {
                LogicalPlan::Projection(projection) if one => (true, Vec::new(), projection),
                LogicalPlan::Sort(Sort { expr, input, .. }) if one => match input.as_ref() {
                    LogicalPlan::Projection(projection) => (true, expr.clone(), projection),
                    _ => return Ok(None),
                },
                _ => return Ok(None),
            }
        }
        _ => return Ok(None),
    };
    let [value] = projection.expr.as_slice() else { return Ok(None) };
    if single(&projection.input) || refers_outside(value) {
        return Ok(None);
    }
    let name = plan.schema().field(0).name().clone();
    let value = value.clone().unalias();
    // The order may name the column of the select list.
    let place = |sort: SortExpr| {
        let expr = sort.expr.transform_up(|expr| match &expr {
            Expr::Column(column) if column.name == name && column.relation.is_none() => {
                Ok(Transformed::yes(value.clone()))
            }
            _ => Ok(Transformed::no(expr)),
        })?;
        Ok(SortExpr { expr: expr.data, ..sort })
    };
    let order = order.into_iter().map(place).collect::<Result<Vec<_>>>()?;
    let function = if first { &aggregates.first } else { &aggregates.only };
    let aggregate = Expr::AggregateFunction(AggregateFunction::new_udf(
        Arc::clone(function),
        vec![value],
        false,
        None,
        order,
        None,
    ));
    let input = LogicalPlanBuilder::from(projection.input.as_ref().clone());
    let grouped = input.aggregate(Vec::<Expr>::new(), vec![aggregate])?.build()?;
    let column = Expr::Column(Column::from(grouped.schema().qualified_field(0)));
    let projection = Projection::try_new(vec![column.alias(name)], Arc::new(grouped))?;
    Ok(Some(LogicalPlan::Projection(projection)))
}

/// Whether the rows under a projection are one already.
fn single(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::Projection(projection) => single(&projection.input),
        LogicalPlan::Filter(filter) => single(&filter.input),
        LogicalPlan::SubqueryAlias(alias) => single(&alias.input),
        LogicalPlan::EmptyRelation(_) => true,
        _ => false,
    }
}

//! LATERAL over something that has no tables of its own: `FROM t, unnest(t.a)`,
//! `FROM t, generate_series(1, t.n)`, `FROM t, LATERAL (SELECT t.a * 2)`.
//!
//! What such a part computes it computes for each row of the left side, so it moves on top of
//! it, and no join is left. DataFusion undoes other correlations, and not this one.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, JoinType, NullHandling, Result, ScalarValue};
use datafusion::logical_expr::{
    Expr, Filter, LogicalPlan, LogicalPlanBuilder, Projection, SubqueryAlias,
};

/// Moves the lateral parts of a plan that have no tables.
pub(super) fn without_lateral(plan: LogicalPlan) -> Result<LogicalPlan> {
    Ok(plan
        .transform_up_with_subqueries(|node| {
            let LogicalPlan::Join(join) = &node else { return Ok(Transformed::no(node)) };
            let Some(right) = lateral_part(&join.right)? else { return Ok(Transformed::no(node)) };
            let outer = join.join_type == JoinType::Left;
            let joined = outer || join.join_type == JoinType::Inner;
            let always = join.filter.as_ref().is_none_or(is_true) && join.on.is_empty();
            if !joined || !always || !movable(&right, outer)? {
                return Ok(Transformed::no(node));
            }
            moved(&right, &join.left, outer).map(Transformed::yes)
        })?
        .data)
}

/// The lateral side of a join, under its alias; none if it refers to nothing outside.
fn lateral_part(right: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    Ok(match right {
        LogicalPlan::Subquery(subquery) => Some(subquery.subquery.as_ref().clone()),
        LogicalPlan::SubqueryAlias(SubqueryAlias { input, alias, .. }) => {
            match lateral_part(input)? {
                Some(part) => {
                    let aliased = SubqueryAlias::try_new(Arc::new(part), alias.clone())?;
                    Some(LogicalPlan::SubqueryAlias(aliased))
                }
                None => None,
            }
        }
        _ => None,
    })
}

fn is_true(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(ScalarValue::Boolean(Some(true)), _))
}

/// Whether a part is made of nothing but what can be put on top of other rows.
fn movable(plan: &LogicalPlan, outer: bool) -> Result<bool> {
    let mut alone = true;
    plan.apply_expressions(|expr| {
        expr.apply(|expr| {
            alone &= !matches!(
                expr,
                Expr::ScalarSubquery(_)
                    | Expr::Exists(_)
                    | Expr::InSubquery(_)
                    | Expr::SetComparison(_)
            );
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(alone
        && match plan {
            LogicalPlan::EmptyRelation(empty) => empty.produce_one_row,
            LogicalPlan::Projection(projection) => movable(&projection.input, outer)?,
            LogicalPlan::SubqueryAlias(alias) => movable(&alias.input, outer)?,
            LogicalPlan::Unnest(unnest) => movable(&unnest.input, outer)?,
            LogicalPlan::Filter(filter) => !outer && movable(&filter.input, outer)?,
            _ => false,
        })
}

/// The left side's columns, as they are.
fn columns_of(left: &LogicalPlan) -> Vec<Expr> {
    let schema = left.schema();
    (0..schema.fields().len())
        .map(|at| Expr::Column(Column::from(schema.qualified_field(at))))
        .collect()
}

/// The part on top of the left side, whose columns stay first.
fn moved(plan: &LogicalPlan, left: &Arc<LogicalPlan>, outer: bool) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Projection(projection) => {
            let input = moved(&projection.input, left, outer)?;
            let mut exprs = columns_of(left);
            for expr in &projection.expr {
                exprs.push(bound(expr.clone())?);
            }
            Projection::try_new(exprs, Arc::new(input)).map(LogicalPlan::Projection)
        }
        LogicalPlan::SubqueryAlias(SubqueryAlias { input, alias, .. }) => {
            let below = moved(input, left, outer)?;
            let mut exprs = columns_of(left);
            let width = exprs.len();
            let schema = Arc::clone(below.schema());
            for at in width..schema.fields().len() {
                let column = Expr::Column(Column::from(schema.qualified_field(at)));
                let name = schema.field(at).name().clone();
                exprs.push(column.alias_qualified(Some(alias.clone()), name));
            }
            Projection::try_new(exprs, Arc::new(below)).map(LogicalPlan::Projection)
        }
        LogicalPlan::Unnest(unnest) => {
            let input = moved(&unnest.input, left, outer)?;
            let options = unnest.options.clone().with_null_handling(match outer {
                true => NullHandling::PreserveAndExpandEmpty,
                false => NullHandling::Drop,
            });
            LogicalPlanBuilder::from(input)
                .unnest_columns_with_options(unnest.exec_columns.clone(), options)?
                .build()
        }
        LogicalPlan::Filter(filter) => {
            let input = moved(&filter.input, left, outer)?;
            let predicate = bound(filter.predicate.clone())?;
            Filter::try_new(predicate, Arc::new(input)).map(LogicalPlan::Filter)
        }
        _ => Ok(left.as_ref().clone()),
    }
}

/// An expression whose references to the left side are columns now.
fn bound(expr: Expr) -> Result<Expr> {
    Ok(expr
        .transform_up(|expr| match expr {
            Expr::OuterReferenceColumn(_, column) => Ok(Transformed::yes(Expr::Column(column))),
            other => Ok(Transformed::no(other)),
        })?
        .data)
}

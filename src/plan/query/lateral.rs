//! LATERAL over something that has no tables of its own: `FROM t, unnest(t.a)`,
//! `FROM t, generate_series(1, t.n)`, `FROM t, LATERAL (SELECT t.a * 2)`.
//!
//! What such a part computes it computes for each row of the left side, so it moves on top of
//! it, and no join is left. DataFusion undoes other correlations, and not this one.
//!
//! A vector search for each row, `FROM q, LATERAL (SELECT .. ORDER BY t.v <-> q.v LIMIT k)`, moves
//! there as well: one operator searches for many vectors at once.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{
    Column, DFSchema, JoinType, NullHandling, Result, ScalarValue, internal_err,
};
use datafusion::logical_expr::{
    Expr, Extension, Filter, Limit, LogicalPlan, LogicalPlanBuilder, Projection, Sort,
    SubqueryAlias, Unnest,
};

use super::vector_rule;
use crate::exec::BatchVectorSearch;

/// Moves the lateral parts of a plan that have no tables.
pub(super) fn without_lateral(plan: LogicalPlan) -> Result<LogicalPlan> {
    Ok(plan
        .transform_up_with_subqueries(|node| {
            let LogicalPlan::Join(join) = &node else { return Ok(Transformed::no(node)) };
            let Some(right) = lateral_part(&join.right)? else { return Ok(Transformed::no(node)) };
            let outer = join.join_type == JoinType::Left;
            let joined = outer || join.join_type == JoinType::Inner;
            let always = join.filter.as_ref().is_none_or(is_true) && join.on.is_empty();
            if !joined || !always || !movable(&right, outer, None)? {
                return Ok(Transformed::no(node));
            }
            let place = Place { left: &join.left, outer, limit: None };
            moved(&right, &place).map(Transformed::yes)
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

/// Where a part moves to.
#[derive(Clone, Copy)]
struct Place<'a> {
    left: &'a Arc<LogicalPlan>,
    /// Rows of the left side stay where the part gives none.
    outer: bool,
    /// How many rows are wanted of what is below: a number or a parameter.
    limit: Option<&'a Expr>,
}

/// How many rows a LIMIT lets through that skips none.
fn limit_of(limit: &Limit) -> Option<&Expr> {
    let no_skip = match &limit.skip {
        None => true,
        Some(skip) => matches!(skip.as_ref(), Expr::Literal(ScalarValue::Int64(Some(0)), _)),
    };
    let plain = |fetch: &&Expr| matches!(fetch, Expr::Literal(..) | Expr::Placeholder(_));
    limit.fetch.as_deref().filter(plain).filter(|_| no_skip)
}

/// Whether a part is made of nothing but what can be put on top of other rows.
fn movable(plan: &LogicalPlan, outer: bool, limit: Option<&Expr>) -> Result<bool> {
    match plan {
        LogicalPlan::Limit(node) => {
            let limit = limit_of(node);
            return Ok(limit.is_some() && movable(&node.input, outer, limit)?);
        }
        LogicalPlan::Sort(sort) => {
            return Ok(
                limit.is_some() && vector_rule::find(sort, 0, vector_rule::from_outside)?.is_some()
            );
        }
        _ => {}
    }
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
            LogicalPlan::EmptyRelation(empty) => limit.is_none() && empty.produce_one_row,
            LogicalPlan::Projection(projection) => movable(&projection.input, outer, limit)?,
            LogicalPlan::SubqueryAlias(alias) => movable(&alias.input, outer, limit)?,
            LogicalPlan::Unnest(unnest) => limit.is_none() && movable(&unnest.input, outer, None)?,
            LogicalPlan::Filter(filter) => {
                !outer && limit.is_none() && movable(&filter.input, outer, None)?
            }
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
fn moved(plan: &LogicalPlan, place: &Place<'_>) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Limit(limit) => {
            moved(&limit.input, &Place { limit: limit_of(limit), ..*place })
        }
        LogicalPlan::Sort(sort) => searched(sort, place),
        LogicalPlan::SubqueryAlias(aliased)
            if let LogicalPlan::Projection(projection) = &*aliased.input =>
        {
            named(aliased, projection, place)
        }
        LogicalPlan::Projection(Projection { input, .. })
        | LogicalPlan::SubqueryAlias(SubqueryAlias { input, .. })
        | LogicalPlan::Unnest(Unnest { input, .. })
        | LogicalPlan::Filter(Filter { input, .. }) => on_top(plan, moved(input, place)?, place),
        _ => Ok(place.left.as_ref().clone()),
    }
}

/// What a part computes, under its alias at once: without it, it may have a name of the left side.
fn named(
    aliased: &SubqueryAlias,
    projection: &Projection,
    place: &Place<'_>,
) -> Result<LogicalPlan> {
    let below = moved(&projection.input, place)?;
    let mut exprs = columns_of(place.left);
    for (expr, field) in projection.expr.iter().zip(aliased.schema.fields()) {
        let expr = bound(expr.clone())?;
        exprs.push(expr.alias_qualified(Some(aliased.alias.clone()), field.name()));
    }
    Projection::try_new(exprs, Arc::new(below)).map(LogicalPlan::Projection)
}

/// A vector search for each row of the left side.
fn searched(sort: &Sort, place: &Place<'_>) -> Result<LogicalPlan> {
    let found = vector_rule::find(sort, 0, vector_rule::from_outside)?;
    let (Some(found), Some(limit)) = (found, place.limit) else {
        return internal_err!("a lateral part that can't be moved");
    };
    let limit = Some(limit.clone());
    let mut search = found.search;
    search.query = bound(search.query)?;
    let right = match place.outer {
        false => search.schema.as_ref().clone(),
        true => nullable(&search.schema)?,
    };
    let schema = Arc::new(place.left.schema().join(&right)?);
    let (input, outer) = (Arc::clone(place.left), place.outer);
    let node = BatchVectorSearch { input, search, limit, outer, schema };
    let leaf = LogicalPlan::Extension(Extension { node: Arc::new(node) });
    found.path.iter().rev().try_fold(leaf, |below, node| on_top(node, below, place))
}

/// The same columns where rows may be missing.
fn nullable(schema: &DFSchema) -> Result<DFSchema> {
    let fields = schema
        .iter()
        .map(|(qualifier, field)| {
            let field = field.as_ref().clone().with_nullable(true);
            (qualifier.cloned(), Arc::new(field))
        })
        .collect();
    DFSchema::new_with_metadata(fields, schema.metadata().clone())
}

/// A node of the part on top of what its input has become.
fn on_top(node: &LogicalPlan, below: LogicalPlan, place: &Place<'_>) -> Result<LogicalPlan> {
    match node {
        LogicalPlan::Projection(projection) => {
            let mut exprs = columns_of(place.left);
            for expr in &projection.expr {
                exprs.push(bound(expr.clone())?);
            }
            Projection::try_new(exprs, Arc::new(below)).map(LogicalPlan::Projection)
        }
        LogicalPlan::SubqueryAlias(SubqueryAlias { alias, .. }) => {
            let mut exprs = columns_of(place.left);
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
            let options = unnest.options.clone().with_null_handling(match place.outer {
                true => NullHandling::PreserveAndExpandEmpty,
                false => NullHandling::Drop,
            });
            LogicalPlanBuilder::from(below)
                .unnest_columns_with_options(unnest.exec_columns.clone(), options)?
                .build()
        }
        LogicalPlan::Filter(filter) => {
            let predicate = bound(filter.predicate.clone())?;
            Filter::try_new(predicate, Arc::new(below)).map(LogicalPlan::Filter)
        }
        _ => Ok(below),
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

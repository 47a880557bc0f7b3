//! Recognises a vector search: a sort by the distance between a column and something that does
//! not depend on the row, of which the first `k` rows are wanted. Projections, aliases, casts,
//! subqueries, views and filters may lie between the sort and the table.
//!
//! The sort goes, since a search returns its rows in order, and nothing above changes the order
//! of a single partition.

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, Sort, TableScan};
use std::sync::Arc;

use crate::exec::{TableSource, VectorSearch};
use crate::index::Metric;
use crate::segment::Column as SegmentColumn;
use crate::types::PgType;

/// Replaces every recognised search.
pub(crate) fn apply(plan: LogicalPlan) -> Result<LogicalPlan> {
    let rewritten = plan.transform_down_with_subqueries(|node| {
        let LogicalPlan::Sort(sort) = &node else { return Ok(Transformed::no(node)) };
        match search(sort)? {
            Some(found) => Ok(Transformed::new(found, true, TreeNodeRecursion::Jump)),
            None => Ok(Transformed::no(node)),
        }
    })?;
    Ok(rewritten.data)
}

fn search(sort: &Sort) -> Result<Option<LogicalPlan>> {
    let (Some(k), [key]) = (sort.fetch, sort.expr.as_slice()) else { return Ok(None) };
    if !key.asc || key.nulls_first {
        return Ok(None);
    }
    let mut path: Vec<&LogicalPlan> = Vec::new();
    let mut node = sort.input.as_ref();
    // The sort key first, then the filters, all in terms of the node's columns.
    let mut exprs = vec![key.expr.clone()];
    loop {
        match node {
            LogicalPlan::Projection(projection) => {
                let Some(below) = substitute_all(exprs, projection.schema.as_ref(), |at| {
                    projection.expr.get(at).map(|expr| expr.clone().unalias())
                })?
                else {
                    return Ok(None);
                };
                exprs = below;
                path.push(node);
                node = projection.input.as_ref();
            }
            LogicalPlan::SubqueryAlias(alias) => {
                let input = alias.input.schema();
                let Some(below) = substitute_all(exprs, alias.schema.as_ref(), |at| {
                    Some(Expr::Column(Column::from(input.qualified_field(at))))
                })?
                else {
                    return Ok(None);
                };
                exprs = below;
                path.push(node);
                node = alias.input.as_ref();
            }
            LogicalPlan::Filter(filter) => {
                exprs.push(filter.predicate.clone());
                node = filter.input.as_ref();
            }
            LogicalPlan::TableScan(scan) if scan.fetch.is_none() => {
                let leaf = leaf(scan, exprs, k)?;
                return leaf.map(|leaf| rebuild(leaf, &path)).transpose();
            }
            _ => return Ok(None),
        }
    }
}

fn rebuild(leaf: LogicalPlan, path: &[&LogicalPlan]) -> Result<LogicalPlan> {
    path.iter()
        .rev()
        .try_fold(leaf, |input, node| node.with_new_exprs(node.expressions(), vec![input]))
}

/// Puts what a node's output columns are made of in their place.
fn substitute_all(
    exprs: Vec<Expr>,
    schema: &DFSchema,
    source: impl Fn(usize) -> Option<Expr>,
) -> Result<Option<Vec<Expr>>> {
    let mut below = Vec::with_capacity(exprs.len());
    for expr in exprs {
        let mut missing = false;
        let replaced = expr.transform_up(|expr| {
            let Expr::Column(column) = &expr else { return Ok(Transformed::no(expr)) };
            match schema.maybe_index_of_column(column).and_then(&source) {
                Some(replacement) => Ok(Transformed::yes(replacement)),
                None => {
                    missing = true;
                    Ok(Transformed::no(expr))
                }
            }
        })?;
        if missing {
            return Ok(None);
        }
        below.push(replaced.data);
    }
    Ok(Some(below))
}

fn leaf(scan: &TableScan, exprs: Vec<Expr>, k: usize) -> Result<Option<LogicalPlan>> {
    let Some(source) = super::source::of_scan(scan) else { return Ok(None) };
    let mut exprs = exprs.into_iter();
    let Some((metric, column, query)) = exprs.next().and_then(|key| distance(key, &source)) else {
        return Ok(None);
    };
    let mut filters = scan.filters.clone();
    filters.extend(exprs);
    if filters.iter().any(|filter| !stands_alone(filter)) {
        return Ok(None);
    }
    let all = || (0..source.width()).collect();
    let node = VectorSearch {
        source: Arc::clone(&source),
        name: scan.table_name.clone(),
        column,
        metric,
        query,
        k,
        filters,
        projection: scan.projection.clone().unwrap_or_else(all),
        schema: Arc::clone(&scan.projected_schema),
    };
    Ok(Some(LogicalPlan::Extension(Extension { node: Arc::new(node) })))
}

/// The metric, the table's column and the other side of a distance.
fn distance(key: Expr, source: &TableSource) -> Option<(Metric, SegmentColumn, Expr)> {
    let mut key = key.unalias();
    while let Expr::Cast(cast) = key {
        // A distance is a float8 already; a cast to a type with fewer values could make ties.
        if !matches!(PgType::of_field(&cast.field), PgType::Float8) {
            return None;
        }
        key = cast.expr.unalias();
    }
    let Expr::ScalarFunction(function) = key else { return None };
    let metric = match function.func.name() {
        "l2_distance" => Metric::L2,
        "vector_negative_inner_product" => Metric::InnerProduct,
        "cosine_distance" => Metric::Cosine,
        "l1_distance" => Metric::L1,
        _ => return None,
    };
    let [left, right] = <[Expr; 2]>::try_from(function.args).ok()?;
    let vector = |expr: &Expr| match expr {
        Expr::Column(column) => source.vector_column(&column.name).cloned(),
        _ => None,
    };
    match (vector(&left), vector(&right)) {
        (Some(column), None) if row_independent(&right) => Some((metric, column, right)),
        (None, Some(column)) if row_independent(&left) => Some((metric, column, left)),
        _ => None,
    }
}

/// Whether an expression has the same value for all rows.
fn row_independent(expr: &Expr) -> bool {
    stands_alone(expr) && expr.column_refs().is_empty() && !expr.is_volatile()
}

/// Whether an expression can be evaluated by a leaf of the plan: it has nothing of an outer
/// query, and subqueries that the executor computes beforehand at most.
fn stands_alone(expr: &Expr) -> bool {
    let mut alone = true;
    let walked = expr.apply(|expr| {
        match expr {
            Expr::OuterReferenceColumn(..)
            | Expr::Exists(_)
            | Expr::InSubquery(_)
            | Expr::SetComparison(_) => alone = false,
            Expr::ScalarSubquery(subquery) => alone &= subquery.outer_ref_columns.is_empty(),
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    });
    walked.is_ok() && alone
}

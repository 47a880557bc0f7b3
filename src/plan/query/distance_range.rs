//! Conditions on distances: `WHERE embedding <-> $1 < 0.5`, `1 - (embedding <=> $1) >= 0.8`.
//!
//! Beside `ORDER BY` the same distance and `LIMIT` they cut off what a search finds, and are no filter
//! of rows. Alone they are a search of their own, for all rows within the distance, which compares vectors
//! where they lie instead of reading them as values.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{BinaryExpr, Expr, Extension, LogicalPlan, Operator, TableScan};

use super::vector_rule::{Distance, distance, number, row_independent};
use crate::exec::{TableSource, VectorSearch, distance_column};
use crate::types::PgType;

/// Takes the conditions that a search's distance fulfils when it is small enough from its filters.
pub(super) fn apart(search: VectorSearch) -> Result<VectorSearch> {
    let by = Distance {
        metric: search.metric,
        column: (search.column.clone(), search.cast.clone()),
        query: search.query.clone(),
    };
    let (mut within, mut rest) = (Vec::new(), Vec::new());
    for filter in search.filters.iter().cloned().flat_map(split_conjunction_owned) {
        match near(&filter, &search.source, &by)? {
            Some(condition) => within.push(condition),
            None => rest.push(filter),
        }
    }
    Ok(VectorSearch { within: conjunction(within), filters: rest, ..search })
}

/// The search for all rows within a distance that a scan stands for.
pub(super) fn range(scan: &TableScan) -> Result<Option<LogicalPlan>> {
    let Some(source) = super::source::of_scan(scan) else { return Ok(None) };
    if scan.fetch.is_some() || source.fixes_key(&scan.filters) {
        return Ok(None);
    }
    let Some(by) = first_near(&scan.filters, &source)? else { return Ok(None) };
    let all = || (0..source.width()).collect();
    let search = VectorSearch {
        name: scan.table_name.clone(),
        column: by.column.0,
        cast: by.column.1,
        metric: by.metric,
        query: by.query,
        k: usize::MAX,
        within: None,
        unset_first: false,
        filters: scan.filters.clone(),
        projection: scan.projection.clone().unwrap_or_else(all),
        schema: Arc::clone(&scan.projected_schema),
        source,
    };
    Ok(Some(LogicalPlan::Extension(Extension { node: Arc::new(apart(search)?) })))
}

/// The first distance that is to be small enough.
fn first_near(filters: &[Expr], source: &TableSource) -> Result<Option<Distance>> {
    for filter in filters.iter().cloned().flat_map(split_conjunction_owned) {
        for by in distances(&filter, source)? {
            if near(&filter, source, &by)?.is_some() {
                return Ok(Some(by));
            }
        }
    }
    Ok(None)
}

/// The distances that an expression computes.
fn distances(expr: &Expr, source: &TableSource) -> Result<Vec<Distance>> {
    let mut found = Vec::new();
    expr.apply(|expr| {
        if matches!(expr, Expr::ScalarFunction(_)) {
            found.extend(distance(expr.clone(), false, source, row_independent));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// A comparison of the distance with something that is the same for all rows, in terms of the distance:
/// none where it is not true of all distances below one.
fn near(filter: &Expr, source: &TableSource, by: &Distance) -> Result<Option<Expr>> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else { return Ok(None) };
    let less = match op {
        Operator::Lt | Operator::LtEq => true,
        Operator::Gt | Operator::GtEq => false,
        _ => return Ok(None),
    };
    let in_terms = |expr: &Expr| {
        expr.clone()
            .transform_down(|expr| {
                let is_call = matches!(expr, Expr::ScalarFunction(_));
                let found = is_call.then(|| distance(expr.clone(), false, source, row_independent));
                Ok(match found.flatten().is_some_and(|found| found == *by) {
                    true => Transformed::new(distance_column(), true, TreeNodeRecursion::Jump),
                    false => Transformed::no(expr),
                })
            })
            .map(|changed| Box::new(changed.data))
    };
    let (left, right, is_near) = match (row_independent(left), row_independent(right)) {
        (false, true) => {
            let varying = in_terms(left)?;
            let is_near = rises(&varying) == Some(less);
            (varying, right.clone(), is_near)
        }
        (true, false) => {
            let varying = in_terms(right)?;
            let is_near = rises(&varying) == Some(!less);
            (left.clone(), varying, is_near)
        }
        _ => return Ok(None),
    };
    Ok(is_near.then_some(Expr::BinaryExpr(BinaryExpr { left, op: *op, right })))
}

/// Whether an expression rises with the distance, or falls; none if it does neither, or tells nothing
/// of the distance alone.
fn rises(expr: &Expr) -> Option<bool> {
    match expr {
        Expr::Column(_) => (*expr == distance_column()).then_some(true),
        Expr::Alias(alias) => rises(&alias.expr),
        Expr::Cast(cast) if PgType::of_field(&cast.field) == PgType::Float8 => rises(&cast.expr),
        Expr::Negative(inner) => rises(inner).map(|rises| !rises),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            match (op, row_independent(left), row_independent(right)) {
                (Operator::Plus, true, false) => rises(right),
                (Operator::Plus | Operator::Minus, false, true) => rises(left),
                (Operator::Minus, true, false) => rises(right).map(|rises| !rises),
                (Operator::Multiply, true, false) => scaled(right, left),
                (Operator::Multiply | Operator::Divide, false, true) => scaled(left, right),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The same of an expression times a number.
fn scaled(expr: &Expr, factor: &Expr) -> Option<bool> {
    let factor = number(factor).filter(|factor| factor.is_finite() && *factor != 0.0)?;
    rises(expr).map(|rises| rises == (factor > 0.0))
}

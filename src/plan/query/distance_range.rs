//! Conditions on distances: `WHERE embedding <-> $1 < 0.5`, `1 - (embedding <=> $1) >= 0.8`.
//!
//! Beside `ORDER BY` the same distance and `LIMIT` they cut off what a search finds, and are no filter
//! of rows. Alone they are a search of their own, for all rows within the distance, which compares vectors
//! where they lie instead of reading them as values.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{BinaryExpr, Expr, Extension, LogicalPlan, Operator, TableScan};

use super::vector_rule::{Distance, distance, row_independent};
use crate::exec::{TableSource, VectorSearch, distance_column};
use crate::types::PgType;

/// Takes the conditions on the distance that a search compares by from its filters.
pub(super) fn apart(search: VectorSearch) -> Result<VectorSearch> {
    let by = Distance {
        metric: search.metric,
        column: (search.column.clone(), search.cast.clone()),
        query: search.query.clone(),
    };
    let (mut near, mut rest) = (Vec::new(), Vec::new());
    for filter in search.filters.iter().cloned().flat_map(split_conjunction_owned) {
        match condition(&filter, &search.source, &by)? {
            Some((condition, Side::Near)) => near.push(condition),
            Some((_, Side::Far)) | None => rest.push(filter),
        }
    }
    Ok(match conjunction(near) {
        Some(within) => VectorSearch { within: Some(within), filters: rest, ..search },
        None => search,
    })
}

/// The search for all rows within a distance that a scan stands for.
pub(super) fn range(scan: &TableScan) -> Result<Option<LogicalPlan>> {
    let Some(source) = super::source::of_scan(scan) else { return Ok(None) };
    if scan.fetch.is_some() || source.fixes_key(&scan.filters) {
        return Ok(None);
    }
    let filters = || scan.filters.iter().cloned().flat_map(split_conjunction_owned);
    let mut found = None;
    for filter in filters() {
        for by in distances(&filter, &source)? {
            if let Some((_, Side::Near)) = condition(&filter, &source, &by)? {
                found = found.or(Some(by));
            }
        }
    }
    let Some(by) = found else { return Ok(None) };
    let (mut within, mut rest) = (Vec::new(), Vec::new());
    for filter in filters() {
        match condition(&filter, &source, &by)? {
            Some((condition, _)) => within.push(condition),
            None => rest.push(filter),
        }
    }
    let all = || (0..source.width()).collect();
    let projection = scan.projection.clone().unwrap_or_else(all);
    let node = VectorSearch {
        name: scan.table_name.clone(),
        column: by.column.0,
        cast: by.column.1,
        metric: by.metric,
        query: by.query,
        k: usize::MAX,
        within: conjunction(within),
        unset_first: false,
        filters: rest,
        projection,
        schema: Arc::clone(&scan.projected_schema),
        source,
    };
    Ok(Some(LogicalPlan::Extension(Extension { node: Arc::new(node) })))
}

/// Of which distances a condition is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// Those below one.
    Near,
    /// Those above one.
    Far,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Near => Self::Far,
            Self::Far => Self::Near,
        }
    }
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

/// A comparison of the distance with something that is the same for all rows: in terms of the
/// distance, and the side that it takes.
fn condition(filter: &Expr, source: &TableSource, by: &Distance) -> Result<Option<(Expr, Side)>> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else { return Ok(None) };
    let side = match op {
        Operator::Lt | Operator::LtEq => Side::Near,
        Operator::Gt | Operator::GtEq => Side::Far,
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
            .map(|changed| changed.data)
    };
    let (varying, side, mirrored) = match (row_independent(left), row_independent(right)) {
        (false, true) => (in_terms(left)?, side, false),
        (true, false) => (in_terms(right)?, side.other(), true),
        _ => return Ok(None),
    };
    let Some(rises) = rises(&varying) else { return Ok(None) };
    let side = if rises { side } else { side.other() };
    let (left, right) = match mirrored {
        false => (Box::new(varying), right.clone()),
        true => (left.clone(), Box::new(varying)),
    };
    Ok(Some((Expr::BinaryExpr(BinaryExpr { left, op: *op, right }), side)))
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
    let factor = match factor {
        Expr::Literal(value, _) => value.cast_to(&arrow::datatypes::DataType::Float64).ok()?,
        _ => return None,
    };
    let ScalarValue::Float64(Some(factor)) = factor else { return None };
    match factor.is_finite() && factor != 0.0 {
        true => rises(expr).map(|rises| rises == (factor > 0.0)),
        false => None,
    }
}

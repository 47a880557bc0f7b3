//! Recognises a vector search: a sort by the distance between a column and something that does
//! not depend on the row, of which the first `k` rows are wanted. Projections, aliases, casts,
//! subqueries, views and filters may lie between the sort and the table.
//!
//! The sort goes, since a search returns its rows in order, and nothing above changes the order
//! of a single partition. [`distance_range`] takes conditions on distances apart.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, Result, ScalarValue};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    BinaryExpr, Case, Expr, ExprSchemable, Extension, LogicalPlan, Operator, Sort, TableScan,
};
use std::sync::Arc;

use super::distance_range;
use crate::exec::{Barrier, TableSource, VectorSearch, cast_target};
use crate::index::Metric;
use crate::segment::Column as SegmentColumn;
use crate::types::PgType;

/// Replaces every recognised search.
pub(crate) fn apply(plan: LogicalPlan) -> Result<LogicalPlan> {
    let rewritten = plan.transform_down_with_subqueries(|node| {
        let found = match &node {
            LogicalPlan::Sort(sort) => search(sort)?,
            LogicalPlan::TableScan(scan) => distance_range::range(scan)?,
            _ => None,
        };
        match found {
            Some(found) => Ok(Transformed::new(found, true, TreeNodeRecursion::Jump)),
            None => Ok(Transformed::no(node)),
        }
    })?;
    Ok(rewritten.data)
}

fn search(sort: &Sort) -> Result<Option<LogicalPlan>> {
    let Some(k) = sort.fetch else { return Ok(None) };
    let Some(found) = find(sort, k, row_independent)? else { return Ok(None) };
    let search = distance_range::apart(found.search)?;
    let leaf = LogicalPlan::Extension(Extension { node: Arc::new(search) });
    let rebuild = |input, node: &&LogicalPlan| node.with_new_exprs(node.expressions(), vec![input]);
    found.path.iter().rev().try_fold(leaf, rebuild).map(Some)
}

/// A search, and the nodes between it and its sort, the upper ones first.
pub(super) struct Found<'a> {
    pub(super) search: VectorSearch,
    pub(super) path: Vec<&'a LogicalPlan>,
}

/// The search that a sort of which the first `k` rows are wanted stands for. `may_be_query` tells
/// what rows may be compared with.
pub(super) fn find<'a>(
    sort: &'a Sort,
    k: usize,
    may_be_query: fn(&Expr) -> bool,
) -> Result<Option<Found<'a>>> {
    let [key] = sort.expr.as_slice() else { return Ok(None) };
    // PostgreSQL's two defaults: ASC has NULLs last, DESC has them first.
    let descending = !key.asc;
    if key.nulls_first != descending {
        return Ok(None);
    }
    let mut path: Vec<&LogicalPlan> = Vec::new();
    let mut node = sort.input.as_ref();
    // The sort key first, then the filters, all in terms of the node's columns.
    let mut exprs = vec![key.expr.clone()];
    // How many of them come from above a barrier.
    let mut above = 1;
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
            LogicalPlan::Extension(_) => {
                let Some(barrier) = Barrier::of(node) else { return Ok(None) };
                above = exprs.len();
                node = &barrier.input;
            }
            LogicalPlan::TableScan(scan) if scan.fetch.is_none() => {
                let exprs = guarded(scan, exprs, above);
                let search = leaf(scan, exprs, (k, descending), may_be_query);
                return Ok(search.map(|search| Found { search, path }));
            }
            _ => return Ok(None),
        }
    }
}

/// Filters from above a barrier are evaluated for those rows only that come through it: they might
/// tell about the others.
fn guarded(scan: &TableScan, mut exprs: Vec<Expr>, above: usize) -> Vec<Expr> {
    let below = exprs.split_off(above);
    let first = exprs.split_off(1);
    let Some(first) = conjunction(first) else {
        exprs.extend(below);
        return exprs;
    };
    let through = conjunction(scan.filters.iter().cloned().chain(below.iter().cloned()));
    exprs.extend(below);
    exprs.push(match through {
        None => first,
        Some(through) => Expr::Case(Case {
            expr: None,
            when_then_expr: vec![(Box::new(through), Box::new(first))],
            else_expr: Some(Box::new(Expr::Literal(ScalarValue::Boolean(Some(false)), None))),
        }),
    });
    exprs
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

fn leaf(
    scan: &TableScan,
    exprs: Vec<Expr>,
    (k, descending): (usize, bool),
    may_be_query: fn(&Expr) -> bool,
) -> Option<VectorSearch> {
    let source = super::source::of_scan(scan)?;
    let mut exprs = exprs.into_iter();
    let key = exprs.next()?;
    let product = descending && is_inner_product(&key);
    let key = if descending && !product { reversed(key)? } else { key };
    let Distance { metric, column: (column, cast), query } =
        distance(key, product, &source, may_be_query)?;
    let mut filters = scan.filters.clone();
    filters.extend(exprs);
    if filters.iter().any(|filter| !stands_alone(filter)) {
        return None;
    }
    let all = || (0..source.width()).collect();
    Some(VectorSearch {
        source: Arc::clone(&source),
        name: scan.table_name.clone(),
        column,
        cast,
        metric,
        query,
        k,
        within: None,
        unset_first: descending,
        filters,
        projection: scan.projection.clone().unwrap_or_else(all),
        schema: Arc::clone(&scan.projected_schema),
    })
}

/// A literal's value.
pub(super) fn number(expr: &Expr) -> Option<f64> {
    let Expr::Literal(value, _) = expr else { return None };
    match value.cast_to(&DataType::Float64).ok()? {
        ScalarValue::Float64(number) => number,
        _ => None,
    }
}

/// What grows as the key falls: `d` of `1 - d`, `-d` and `d * -1`.
fn reversed(key: Expr) -> Option<Expr> {
    match key.unalias() {
        Expr::Negative(inner) => Some(*inner),
        Expr::Cast(cast) if PgType::of_field(&cast.field) == PgType::Float8 => reversed(*cast.expr),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Minus, right }) => {
            number(&left).map(|_| *right)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Multiply, right }) => {
            match (number(&left), number(&right)) {
                (Some(factor), None) if factor < 0.0 => Some(*right),
                (None, Some(factor)) if factor < 0.0 => Some(*left),
                _ => None,
            }
        }
        _ => None,
    }
}

fn is_inner_product(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(function) if function.func.name() == "inner_product")
}

/// A distance of a table's vectors from something else.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Distance {
    pub(super) metric: Metric,
    pub(super) column: Compared,
    pub(super) query: Expr,
}

/// The distance that an expression is, where the other side is what it may be.
pub(super) fn distance(
    key: Expr,
    product: bool,
    source: &TableSource,
    may_be_query: fn(&Expr) -> bool,
) -> Option<Distance> {
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
        // Falling: its negative is the distance.
        "inner_product" if product => Metric::InnerProduct,
        "vector_negative_inner_product" => Metric::InnerProduct,
        "cosine_distance" => Metric::Cosine,
        "l1_distance" => Metric::L1,
        "sparsevec_negative_inner_product" => Metric::InnerProduct,
        "hamming_distance" => Metric::Hamming,
        "jaccard_distance" => Metric::Jaccard,
        _ => return None,
    };
    let [left, right] = <[Expr; 2]>::try_from(function.args).ok()?;
    // A call by name may have left a string for the function to read.
    let outside = DFSchema::empty();
    let ty = |expr: &Expr| expr.get_type(&outside).map(|ty| PgType::of(&ty).bare()).ok();
    let is_text = |expr: &Expr| ty(expr).is_some_and(|ty| ty.is_string());
    if is_text(&left) || is_text(&right) {
        return None;
    }
    let (left, right) = (&left, &right);
    match (compared(left, source), compared(right, source)) {
        (Some(column), None)
            if may_be_query(right) && alike(&column, metric, ty(right).as_ref()) =>
        {
            Some(Distance { metric, column, query: right.clone() })
        }
        (None, Some(column)) if may_be_query(left) && alike(&column, metric, ty(left).as_ref()) => {
            Some(Distance { metric, column, query: left.clone() })
        }
        _ => None,
    }
}

/// A column of vectors, and what it is cast to before it is compared.
pub(super) type Compared = (SegmentColumn, Option<PgType>);

/// The column that an expression is, or is a cast of, or whose signs it is.
fn compared(expr: &Expr, source: &TableSource) -> Option<Compared> {
    let column = |expr: &Expr| match expr {
        Expr::Column(column) => source.vector_column(&column.name).cloned(),
        _ => None,
    };
    let Expr::ScalarFunction(function) = expr else {
        return column(expr).map(|column| (column, None));
    };
    if let Some(operand) = quantized(expr) {
        let column = column(operand)?;
        let bits = PgType::Bit(Some(column_dimensions(&column)?));
        return Some((column, Some(bits)));
    }
    let [operand] = function.args.as_slice() else { return None };
    let ty = cast_target(&function.func)?;
    match ty {
        PgType::Vector(_) | PgType::Halfvec(_) => {
            let column = column(operand)?;
            are_numbers(&column).then_some((column, Some(ty.clone())))
        }
        PgType::Bit(Some(bits)) => {
            let column = column(quantized(operand)?)?;
            // Of another length, the cast would cut bits off, or fill up.
            let fits = column_dimensions(&column).is_none_or(|dimensions| dimensions == *bits);
            (fits && are_numbers(&column)).then(|| (column, Some(ty.clone())))
        }
        _ => None,
    }
}

/// What a call of `binary_quantize` is of.
fn quantized(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::ScalarFunction(function) if function.func.name() == "binary_quantize" => {
            function.args.first()
        }
        _ => None,
    }
}

/// Whether a column is of vectors or halves.
fn are_numbers(column: &SegmentColumn) -> bool {
    matches!(PgType::of_field(&column.field), PgType::Vector(_) | PgType::Halfvec(_))
}

/// How many numbers the vectors of a column have, where it says so.
fn column_dimensions(column: &SegmentColumn) -> Option<u32> {
    match PgType::of_field(&column.field) {
        PgType::Vector(dimensions) | PgType::Halfvec(dimensions) => dimensions.map(u32::from),
        _ => None,
    }
}

/// Whether vectors are compared with a vector, halves with halves, and so on, by a metric that they have: a
/// call by name may have left it to the function to make them alike.
fn alike((column, cast): &Compared, metric: Metric, query: Option<&PgType>) -> bool {
    let ty = cast.clone().unwrap_or_else(|| PgType::of_field(&column.field));
    let bits = query.is_some_and(PgType::is_bits);
    match ty {
        PgType::Halfvec(_) => query == Some(&PgType::Halfvec(None)) && !metric.is_of_bits(),
        PgType::Sparsevec(_) => query == Some(&PgType::Sparsevec(None)) && !metric.is_of_bits(),
        PgType::Bit(_) => bits && metric.is_of_bits(),
        _ => {
            !bits
                && !metric.is_of_bits()
                && !matches!(query, Some(PgType::Halfvec(_) | PgType::Sparsevec(_)))
        }
    }
}

/// Whether an expression has the same value for all rows.
pub(super) fn row_independent(expr: &Expr) -> bool {
    stands_alone(expr) && expr.column_refs().is_empty() && !expr.is_volatile()
}

/// Whether an expression has the same value for all rows but those outside.
pub(super) fn from_outside(expr: &Expr) -> bool {
    let mut alone = true;
    let walked = expr.apply(|expr| {
        alone &= !matches!(
            expr,
            Expr::Column(_)
                | Expr::ScalarSubquery(_)
                | Expr::Exists(_)
                | Expr::InSubquery(_)
                | Expr::SetComparison(_)
        );
        Ok(TreeNodeRecursion::Continue)
    });
    walked.is_ok() && alone && !expr.is_volatile()
}

/// Whether an expression can be evaluated by a leaf of the plan: it has nothing of an outer
/// query, and subqueries that the executor computes beforehand at most.
pub(super) fn stands_alone(expr: &Expr) -> bool {
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

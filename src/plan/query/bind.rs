//! Puts values, or the slots that will hold them, in the place of parameters.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan};

use super::errors::external;
use super::literal::parameter_index;
use crate::base::{SqlError, SqlState};
use crate::exec::{Apply, ApplySlots, BatchVectorSearch, Slots};
use crate::types::PgType;

/// The parameters that stand in LIMIT and OFFSET: DataFusion plans differently for different
/// numbers, so their values belong to the plan.
pub(crate) fn limit_parameters(plan: &LogicalPlan) -> Result<Vec<usize>> {
    let mut found = Vec::new();
    plan.apply_with_subqueries(|node| {
        let limits = match node {
            LogicalPlan::Limit(limit) => [limit.skip.as_deref(), limit.fetch.as_deref()],
            other => [batch_search(other).and_then(|batch| batch.limit.as_ref()), None],
        };
        if limits.iter().any(Option::is_some) {
            for expr in limits.into_iter().flatten() {
                expr.apply(|expr| {
                    if let Expr::Placeholder(placeholder) = expr {
                        found.extend(parameter_index(placeholder));
                    }
                    Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
                })?;
            }
        }
        Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
    })?;
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Puts the values of LIMIT's and OFFSET's parameters in their place.
pub(crate) fn bind_limits(plan: LogicalPlan, values: &[ScalarValue]) -> Result<LogicalPlan> {
    let bound = plan.transform_up_with_subqueries(|node| {
        if let Some(batch) = batch_search(&node)
            && let Some(limit) = &batch.limit
        {
            let k = count(limit.clone(), values, "LIMIT")?;
            let Some(k) = rows_of(k) else { return Ok(Transformed::no(node)) };
            let node = Arc::new(batch.limited(k));
            return Ok(Transformed::yes(LogicalPlan::Extension(Extension { node })));
        }
        let LogicalPlan::Limit(mut limit) = node else { return Ok(Transformed::no(node)) };
        let offset = limit.skip.take().map(|skip| count(*skip, values, "OFFSET")).transpose()?;
        let fetch = limit.fetch.take().map(|fetch| count(*fetch, values, "LIMIT")).transpose()?;
        limit.skip = offset.flatten().map(Box::new);
        limit.fetch = fetch.flatten().map(Box::new);
        Ok(Transformed::yes(LogicalPlan::Limit(limit)))
    })?;
    Ok(bound.data)
}

fn batch_search(node: &LogicalPlan) -> Option<&BatchVectorSearch> {
    let LogicalPlan::Extension(extension) = node else { return None };
    extension.node.as_any().downcast_ref()
}

/// A count of rows as a number: all of them where there is no limit.
fn rows_of(count: Option<Expr>) -> Option<usize> {
    match count {
        None => Some(usize::MAX),
        Some(Expr::Literal(ScalarValue::Int64(Some(rows)), _)) => usize::try_from(rows).ok(),
        Some(_) => None,
    }
}

/// A count of rows as a literal; none for NULL, which is no limit.
fn count(expr: Expr, values: &[ScalarValue], clause: &str) -> Result<Option<Expr>> {
    let bound = expr.transform_up(|expr| match expr {
        Expr::Placeholder(placeholder) => {
            let value = parameter_index(&placeholder).and_then(|at| values.get(at).cloned());
            let value = value.unwrap_or(ScalarValue::Int64(None));
            Ok(Transformed::yes(Expr::Literal(value, None)))
        }
        other => Ok(Transformed::no(other)),
    })?;
    let Expr::Literal(value, _) = &bound.data else { return Ok(Some(bound.data)) };
    let value = value.cast_to(&arrow::datatypes::DataType::Int64)?;
    match value {
        ScalarValue::Int64(Some(rows)) if rows < 0 => {
            let state = match clause {
                "LIMIT" => SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE,
                _ => SqlState::INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE,
            };
            Err(external(SqlError::new(state, format!("{clause} must not be negative"))))
        }
        ScalarValue::Int64(None) => Ok(None),
        rows => Ok(Some(Expr::Literal(rows, None))),
    }
}

/// Puts slots in the place of all parameters, and binds what asks the session.
pub(crate) fn bind_slots(
    plan: LogicalPlan,
    slots: &Arc<Slots>,
    types: &[PgType],
) -> Result<LogicalPlan> {
    let mut applied = ApplySlots::default();
    let mut slot = |expr: Expr| match &expr {
        Expr::Placeholder(placeholder) => match applied.parameter(placeholder) {
            Some(outer) => Transformed::yes(outer),
            None => slot(expr, slots, types),
        },
        _ => slot(expr, slots, types),
    };
    let bound = plan.transform_up_with_subqueries(|node| {
        let node = match batch_search(&node) {
            Some(batch) => {
                let bind = |expr: Expr| Ok(expr.transform_up(|e| Ok(slot(e)))?.data);
                let node = Arc::new(batch.map_filters(bind)?);
                LogicalPlan::Extension(Extension { node })
            }
            None => node,
        };
        let names = NamePreserver::new(&node);
        node.map_expressions(|expr| {
            let saved = names.save(&expr);
            let bound = expr.transform_up(|expr| Ok(slot(expr)))?;
            Ok(match bound.transformed {
                true => bound.update_data(|expr| saved.restore(expr)),
                false => bound,
            })
        })
    })?;
    let bound = bound.data.transform_up_with_subqueries(|node| {
        let LogicalPlan::Extension(extension) = &node else { return Ok(Transformed::no(node)) };
        let Some(apply) = extension.node.as_any().downcast_ref::<Apply>() else {
            return Ok(Transformed::no(node));
        };
        let node = Arc::new(apply.with_slots(applied.of(apply.number)));
        Ok(Transformed::yes(LogicalPlan::Extension(Extension { node })))
    })?;
    Ok(bound.data)
}

/// Puts slots in the place of an expression's parameters.
pub(crate) fn slot(expr: Expr, slots: &Arc<Slots>, types: &[PgType]) -> Transformed<Expr> {
    if let Some(bound) = crate::exec::functions::bind(&expr, slots) {
        return Transformed::yes(bound);
    }
    match expr {
        Expr::Placeholder(placeholder) => {
            let Some(index) = parameter_index(&placeholder) else {
                return Transformed::no(Expr::Placeholder(placeholder));
            };
            let field = placeholder.field.clone().unwrap_or_else(|| {
                let ty = types.get(index).unwrap_or(&PgType::Text);
                Arc::new(ty.field(placeholder.id.clone(), true))
            });
            Transformed::yes(slots.parameter(index, field))
        }
        other => Transformed::no(other),
    }
}

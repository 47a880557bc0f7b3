//! Conditions that can tell nothing about a row but whether they hold move below a barrier, where
//! keys and statistics find rows by them.
//!
//! Those are comparisons of a column with a constant or parameter, which raise no error whatever the
//! value. All others stay above: `1 / (secret - 5) > 0` would tell of a hidden row that its
//! secret is 5.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{BinaryExpr, Expr, Filter, LogicalPlan, Operator};

use crate::exec::Barrier;

/// The plan with such conditions moved; none where there is none to move.
pub(super) fn moved(plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    let guarded = plan.exists(|node| Ok(Barrier::of(node).is_some()))?;
    if !guarded {
        return Ok(None);
    }
    let moved = plan.clone().transform_down_with_subqueries(|node| {
        let LogicalPlan::Filter(filter) = &node else { return Ok(Transformed::no(node)) };
        let Some(barrier) = Barrier::of(&filter.input) else { return Ok(Transformed::no(node)) };
        let conditions = split_conjunction_owned(filter.predicate.clone());
        let (below, above): (Vec<Expr>, Vec<Expr>) = conditions.into_iter().partition(is_leakproof);
        let Some(below) = conjunction(below) else { return Ok(Transformed::no(node)) };
        let below = Filter::try_new(below, Arc::new(barrier.input.clone()))?;
        let through = Barrier::over(LogicalPlan::Filter(below));
        let plan = match conjunction(above) {
            None => through,
            Some(above) => LogicalPlan::Filter(Filter::try_new(above, Arc::new(through))?),
        };
        Ok(Transformed::yes(plan))
    })?;
    Ok(moved.transformed.then_some(moved.data))
}

fn is_constant(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(..) | Expr::Placeholder(_))
}

fn is_leakproof(expr: &Expr) -> bool {
    let column = |expr: &Expr| matches!(expr, Expr::Column(_));
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq => {
                (column(left) && is_constant(right)) || (is_constant(left) && column(right))
            }
            Operator::Or => is_leakproof(left) && is_leakproof(right),
            _ => false,
        },
        Expr::InList(list) => column(&list.expr) && list.list.iter().all(is_constant),
        Expr::IsNull(inner) | Expr::IsNotNull(inner) => column(inner),
        _ => false,
    }
}

//! Windows whose frames leave rows out: what the parser has noted among their partitions becomes
//! the function that computes it.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::expr::{WindowFunction, WindowFunctionDefinition};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{AggregateUDF, Expr, LogicalPlan};

use super::functions::Functions;
use crate::exec::functions::{Exclusion, excluding};
use crate::plan::parse::EXCLUDE;

/// Puts the functions into a plan.
pub(super) fn apply(plan: LogicalPlan, functions: &Functions) -> Result<LogicalPlan> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Window(window) = node {
            for expr in &window.window_expr {
                found |= expr.exists(|expr| Ok(is_excluding(expr)))?;
            }
        }
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    if !found {
        return Ok(plan);
    }
    let changed = plan.transform_up_with_subqueries(|node| {
        if !matches!(node, LogicalPlan::Window(_)) {
            return Ok(Transformed::no(node));
        }
        let names = NamePreserver::new(&node);
        let changed = node.map_expressions(|expr| {
            let saved = names.save(&expr);
            let changed = expr.transform_up(|expr| match expr {
                Expr::WindowFunction(window) => {
                    let window = computed(*window, functions);
                    Ok(Transformed::yes(Expr::WindowFunction(Box::new(window))))
                }
                other => Ok(Transformed::no(other)),
            })?;
            Ok(changed.update_data(|expr| saved.restore(expr)))
        })?;
        changed.map_data(LogicalPlan::recompute_schema)
    })?;
    Ok(changed.data)
}

fn is_excluding(expr: &Expr) -> bool {
    let Expr::WindowFunction(window) = expr else { return false };
    window.params.partition_by.iter().any(|key| excludes(key).is_some())
}

/// What a constant says that a frame leaves out.
fn excludes(key: &Expr) -> Option<Exclusion> {
    let Expr::Literal(ScalarValue::Utf8(Some(text)), _) = key else { return None };
    match text.strip_prefix(EXCLUDE)? {
        "current row" => Some(Exclusion::CurrentRow),
        "group" => Some(Exclusion::Group),
        "ties" => Some(Exclusion::Ties),
        _ => None,
    }
}

fn computed(mut window: WindowFunction, functions: &Functions) -> WindowFunction {
    let Some(exclusion) = window.params.partition_by.iter().find_map(excludes) else {
        return window;
    };
    window.params.partition_by.retain(|key| excludes(key).is_none());
    // What goes by ranks has no frame.
    let Some(aggregate) = aggregate(&window.fun, functions) else { return window };
    let filter = window.params.filter.take();
    let filtered = filter.is_some();
    window.params.args.extend(filter.map(|filter| *filter));
    let function = excluding(&aggregate, exclusion, filtered);
    window.fun = WindowFunctionDefinition::WindowUDF(function);
    window
}

fn aggregate(
    function: &WindowFunctionDefinition,
    functions: &Functions,
) -> Option<Arc<AggregateUDF>> {
    match function {
        WindowFunctionDefinition::AggregateUDF(aggregate) => Some(Arc::clone(aggregate)),
        WindowFunctionDefinition::WindowUDF(window) => match window.name() {
            name @ ("first_value" | "last_value" | "nth_value") => functions.aggregate(name),
            _ => None,
        },
    }
}

//! `OVER (w ORDER BY x)` and `WINDOW v AS (w ..)`: a window that begins with another's name has its partitions,
//! and its order where it has none of its own. DataFusion forgets them.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, NamedWindowExpr, Select, WindowSpec, WindowType};

use super::names::fold;
use super::own_expressions::{Moment, visit_own};
use super::rewrite::string;
use crate::plan::parse::EXCLUDE;

/// Writes out what the windows of a SELECT take from others.
pub(super) fn write_out(select: &mut Select) {
    let mut known: Vec<(String, WindowSpec)> = Vec::new();
    for window in &mut select.named_window {
        if let NamedWindowExpr::WindowSpec(spec) = &mut window.1 {
            inherit(spec, &known);
            known.push((fold(&window.0), spec.clone()));
        }
    }
    if known.is_empty() {
        return;
    }
    for item in &mut select.projection {
        let _ = visit_own(item, |expr, moment| {
            if let Expr::Function(function) = expr
                && let Some(WindowType::WindowSpec(spec)) = &mut function.over
                && moment == Moment::Before
            {
                inherit(spec, &known);
            }
            ControlFlow::<()>::Continue(())
        });
    }
}

fn inherit(spec: &mut WindowSpec, known: &[(String, WindowSpec)]) {
    let Some(name) = &spec.window_name else { return };
    let name = fold(name);
    let Some((_, base)) = known.iter().find(|(known, _)| *known == name) else { return };
    spec.window_name = None;
    // What a frame leaves out is not a partition.
    if spec.partition_by.iter().all(is_exclusion) {
        let base = base.partition_by.iter().filter(|key| !is_exclusion(key));
        spec.partition_by.extend(base.cloned());
    }
    if spec.order_by.is_empty() {
        spec.order_by.clone_from(&base.order_by);
    }
}

fn is_exclusion(key: &Expr) -> bool {
    let Expr::Nested(constant) = key else { return false };
    string(constant).is_some_and(|text| text.starts_with(EXCLUDE))
}

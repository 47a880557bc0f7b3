//! `OVER (w ORDER BY x)` and `WINDOW v AS (w ..)`: a window that begins with another's name has its partitions,
//! and its order where it has none of its own. DataFusion forgets them.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, NamedWindowExpr, Query, Select, SelectItem, VisitMut, VisitorMut, WindowSpec, WindowType,
};

use super::names::fold;

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
    let mut pass = Windows { known, queries: 0 };
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            let _ = expr.visit(&mut pass);
        }
    }
}

fn inherit(spec: &mut WindowSpec, known: &[(String, WindowSpec)]) {
    let Some(name) = &spec.window_name else { return };
    let name = fold(name);
    let Some((_, base)) = known.iter().find(|(known, _)| *known == name) else { return };
    spec.window_name = None;
    if spec.partition_by.is_empty() {
        spec.partition_by.clone_from(&base.partition_by);
    }
    if spec.order_by.is_empty() {
        spec.order_by.clone_from(&base.order_by);
    }
}

struct Windows {
    known: Vec<(String, WindowSpec)>,
    /// How many subqueries are open: they have windows of their own.
    queries: usize,
}

impl VisitorMut for Windows {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr
            && let Some(WindowType::WindowSpec(spec)) = &mut function.over
            && self.queries == 0
        {
            inherit(spec, &self.known);
        }
        ControlFlow::Continue(())
    }
}

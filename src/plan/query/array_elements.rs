//! `ARRAY[t.a, t.b]`: DataFusion plans the elements as if there were no query around the one they are
//! in, so that they can't name its columns. As arguments of a function they can.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Query, visit_expressions, visit_expressions_mut};

use super::rewrite::call;

/// Makes calls of the arrays of a query whose elements name something.
pub(super) fn as_arguments(query: &mut Query) {
    let _ = visit_expressions_mut(query, |expr| {
        if let Expr::Array(array) = expr
            && array.elem.iter().any(names)
        {
            *expr = call("make_array", std::mem::take(&mut array.elem));
        }
        ControlFlow::<()>::Continue(())
    });
}

fn names(expr: &Expr) -> bool {
    let found = visit_expressions(expr, |expr| match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Subquery(_) => {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

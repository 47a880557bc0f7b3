//! A query's own expressions, without those of the queries within it: subqueries have select lists,
//! windows and names of their own.

use std::marker::PhantomData;
use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Query, VisitMut, VisitorMut};

/// When an expression is shown to who visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before the expressions in it.
    Before,
    /// After them.
    After,
}

/// Visits the expressions of a part of a query, twice each, but not those in subqueries.
pub(super) fn visit_own<B>(
    node: &mut impl VisitMut,
    visit: impl FnMut(&mut Expr, Moment) -> ControlFlow<B>,
) -> ControlFlow<B> {
    node.visit(&mut Own { visit, queries: 0, result: PhantomData })
}

struct Own<V, B> {
    visit: V,
    /// How many subqueries are open.
    queries: usize,
    result: PhantomData<B>,
}

impl<B, V: FnMut(&mut Expr, Moment) -> ControlFlow<B>> Own<V, B> {
    fn show(&mut self, expr: &mut Expr, moment: Moment) -> ControlFlow<B> {
        if self.queries > 0 { ControlFlow::Continue(()) } else { (self.visit)(expr, moment) }
    }
}

impl<B, V: FnMut(&mut Expr, Moment) -> ControlFlow<B>> VisitorMut for Own<V, B> {
    type Break = B;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<B> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<B> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<B> {
        self.show(expr, Moment::Before)
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<B> {
        self.show(expr, Moment::After)
    }
}

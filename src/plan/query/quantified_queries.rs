//! `x > ANY (subquery)` and `x > ALL (subquery)`, counted: DataFusion makes joins of them that lose rows. And
//! `EXISTS` of a query that has a row whatever there is.

use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, GroupByExpr, Ident, Query, SetExpr, Visit, Visitor};

use super::names::fold;
use super::row_values::filled;
use crate::base::Result;
use crate::catalog::system::{Kind, signatures};

/// Names of the subquery, its column, and of what compares, that nobody writes.
const VALUES: &str = "values\u{1}";
const VALUE: &str = "value\u{1}";
const HOLDS: &str = "holds\u{1}";

/// `left op ANY (subquery)`: true if it holds of any row, unknown if it may.
pub(super) fn any_of_query(left: &Expr, op: &BinaryOperator, query: &Expr) -> Result<Option<Expr>> {
    let mut inner = query;
    while let Expr::Nested(nested) = inner {
        inner = nested;
    }
    let Expr::Subquery(subquery) = inner else { return Ok(None) };
    let text = format!(
        "(SELECT CASE WHEN count(CASE WHEN \"{HOLDS}\" THEN 1 END) > 0 THEN true \
         WHEN count(CASE WHEN \"{HOLDS}\" IS NULL THEN 1 END) > 0 THEN NULL ELSE false END \
         FROM (SELECT 1) AS \"{VALUES}\" (\"{VALUE}\"))"
    );
    let quoted = |name: &str| Ident::with_quote('"', name);
    let value = Expr::CompoundIdentifier(vec![quoted(VALUES), quoted(VALUE)]);
    let holds = Expr::Nested(Box::new(Expr::BinaryOp {
        left: Box::new(left.clone()),
        op: op.clone(),
        right: Box::new(value),
    }));
    filled(&text, HOLDS, &holds, subquery).map(Some)
}

/// The operator that holds where another does not.
pub(super) fn opposite(op: &BinaryOperator) -> Option<BinaryOperator> {
    use BinaryOperator as Op;
    Some(match op {
        Op::Eq => Op::NotEq,
        Op::NotEq => Op::Eq,
        Op::Lt => Op::GtEq,
        Op::LtEq => Op::Gt,
        Op::Gt => Op::LtEq,
        Op::GtEq => Op::Lt,
        _ => return None,
    })
}

/// Whether a query has exactly one row: aggregates of all rows, and nothing that takes it away.
pub(super) fn always_a_row(query: &Query) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    let whole = matches!(&select.group_by, GroupByExpr::Expressions(exprs, _) if exprs.is_empty());
    if !whole || select.having.is_some() || query.limit_clause.is_some() || query.fetch.is_some() {
        return false;
    }
    let mut found = Aggregates { queries: 0 };
    select.projection.iter().any(|item| item.visit(&mut found).is_break())
}

/// Looks for an aggregate outside of subqueries.
struct Aggregates {
    queries: usize,
}

impl Visitor for Aggregates {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        let name = function.name.0.last().and_then(|part| part.as_ident()).map(fold);
        let aggregates = name.is_some_and(|name| {
            let known = signatures(&name);
            !known.is_empty() && known.iter().all(|signature| signature.kind == Kind::Aggregate)
        });
        match aggregates && function.over.is_none() && self.queries == 0 {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

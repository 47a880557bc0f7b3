//! What PostgreSQL refuses in WITH RECURSIVE and DataFusion would compute: something, or without end.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Cte, Expr, Query, Select, SetExpr, SetOperator, TableFactor, VisitMut, Visitor,
};

use super::functions::Functions;
use super::names::fold;
use super::own_expressions::visit_own;
use crate::base::{Result, SqlError, SqlState};

/// Checks the recursive queries of a tree.
///
/// # Errors
/// 42P19.
pub(super) fn check(tree: &Query, functions: &Functions) -> Result<()> {
    use sqlparser::ast::Visit;
    match tree.visit(&mut Pass { functions }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Pass<'a> {
    functions: &'a Functions,
}

impl Visitor for Pass<'_> {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<SqlError> {
        let with = query.with.as_ref().filter(|with| with.recursive);
        for cte in with.into_iter().flat_map(|with| &with.cte_tables) {
            self.cte(cte)?;
        }
        ControlFlow::Continue(())
    }
}

impl Pass<'_> {
    fn cte(&self, cte: &Cte) -> ControlFlow<SqlError> {
        let name = fold(&cte.alias.name);
        match cte.query.body.as_ref() {
            SetExpr::SetOperation { op: SetOperator::Union, right, .. } => self.term(right, &name),
            SetExpr::Select(select) if reads(select, &name) => {
                let message = format!(
                    "recursive query \"{name}\" does not have the form non-recursive-term UNION \
                     [ALL] recursive-term"
                );
                refuse(message, cte.alias.name.span.start.column)
            }
            _ => ControlFlow::Continue(()),
        }
    }

    /// The term that reads what the one before it gave.
    fn term(&self, term: &SetExpr, name: &str) -> ControlFlow<SqlError> {
        match term {
            SetExpr::Select(select) if reads(select, name) => {
                let mut select = select.clone();
                self.aggregates(&mut select.projection)?;
                self.aggregates(&mut select.having)
            }
            SetExpr::Query(query) => self.term(&query.body, name),
            _ => ControlFlow::Continue(()),
        }
    }

    fn aggregates(&self, node: &mut impl VisitMut) -> ControlFlow<SqlError> {
        visit_own(node, |expr, _| {
            let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
            let word = function.name.0.last().and_then(|part| part.as_ident());
            let Some(word) = word.filter(|_| function.over.is_none()) else {
                return ControlFlow::Continue(());
            };
            if self.functions.aggregate(&fold(word)).is_none() {
                return ControlFlow::Continue(());
            }
            let message =
                "aggregate functions are not allowed in a recursive query's recursive term";
            refuse(message.to_owned(), word.span.start.column)
        })
    }
}

/// 42P19 at a character of the query string.
fn refuse(message: String, column: u64) -> ControlFlow<SqlError> {
    let error = SqlError::new(SqlState::INVALID_RECURSION, message);
    ControlFlow::Break(error.with_position(usize::try_from(column).unwrap_or(0)))
}

/// Whether a SELECT's own FROM has the relation of this name.
fn reads(select: &Select, name: &str) -> bool {
    let is = |factor: &TableFactor| match factor {
        TableFactor::Table { name: relation, .. } => match relation.0.as_slice() {
            [one] => one.as_ident().is_some_and(|one| fold(one) == name),
            _ => false,
        },
        _ => false,
    };
    let joined = |from: &sqlparser::ast::TableWithJoins| {
        is(&from.relation) || from.joins.iter().any(|join| is(&join.relation))
    };
    select.from.iter().any(joined)
}

//! Names of tables that a column's qualifier means, and that it can't mean: PostgreSQL tells apart what is not
//! in FROM from what is there under another name, or out of reach.

use std::ops::ControlFlow;

use sqlparser::ast::{Query, TableFactor, Visit, Visitor};

use super::names::fold;
use crate::base::{SqlError, SqlState};

/// The error of a query, in better words where it is about such a name.
pub(super) fn in_better_words(error: SqlError, tree: &Query) -> SqlError {
    if error.code() != SqlState::UNDEFINED_TABLE {
        return error;
    }
    let message = error.to_string();
    let name = message
        .strip_prefix("missing FROM-clause entry for table \"")
        .and_then(|rest| rest.strip_suffix('"'));
    let Some(name) = name else { return error };
    match tree.visit(&mut Named(name)) {
        ControlFlow::Break(()) => {
            let message = format!("invalid reference to FROM-clause entry for table \"{name}\"");
            SqlError::new(SqlState::UNDEFINED_TABLE, message)
        }
        ControlFlow::Continue(()) => error,
    }
}

/// Looks for a part of FROM of this name, with or without an alias.
struct Named<'a>(&'a str);

impl Visitor for Named<'_> {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        let (name, alias) = match factor {
            TableFactor::Table { name, alias, .. } => {
                (name.0.last().and_then(|part| part.as_ident()).map(fold), alias)
            }
            TableFactor::Derived { alias, .. } => (None, alias),
            _ => return ControlFlow::Continue(()),
        };
        let alias = alias.as_ref().map(|alias| fold(&alias.name));
        match [name, alias].into_iter().flatten().any(|known| known == self.0) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

//! Names with a database in front. Only the one that the client is connected to is at hand, so its
//! name says nothing and is taken away; that of another one is refused.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, ObjectName, Select, SelectItem, SelectItemQualifiedWildcardKind, VisitMut,
    VisitorMut,
};

use crate::base::{Result, SqlError, SqlState};

/// 0A000 for a name in another database.
pub(super) fn elsewhere(name: &str) -> SqlError {
    let message = format!("cross-database references are not implemented: {name}");
    SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message)
}

/// Takes the database from the names of a tree. Where none is given, any is right: the tree was
/// checked when it was read first.
///
/// # Errors
/// 0A000 for another database.
pub(super) fn without_database(tree: &mut impl VisitMut, database: Option<&str>) -> Result<()> {
    match tree.visit(&mut Names { database }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Names<'a> {
    database: Option<&'a str>,
}

impl Names<'_> {
    /// Whether a name in this database may lose the first of its parts.
    fn is_own(&self, first: &Ident, name: impl FnOnce() -> String) -> ControlFlow<SqlError> {
        if self.database.is_none_or(|database| first.value == database) {
            return ControlFlow::Continue(());
        }
        let place = usize::try_from(first.span.start.column).unwrap_or(0);
        ControlFlow::Break(elsewhere(&name()).with_position(place))
    }

    /// Takes the database from a relation's name.
    fn relation(&self, name: &mut ObjectName) -> ControlFlow<SqlError> {
        let parts: Option<Vec<&Ident>> = name.0.iter().map(|part| part.as_ident()).collect();
        if let Some([first, schema, table]) = parts.as_deref() {
            let (database, schema, table) = (&first.value, &schema.value, &table.value);
            self.is_own(first, || format!("\"{database}.{schema}.{table}\""))?;
            name.0.remove(0);
        }
        ControlFlow::Continue(())
    }
}

impl VisitorMut for Names<'_> {
    type Break = SqlError;

    fn pre_visit_relation(&mut self, name: &mut ObjectName) -> ControlFlow<SqlError> {
        self.relation(name)
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        for item in &mut select.projection {
            if let SelectItem::QualifiedWildcard(kind, _) = item
                && let SelectItemQualifiedWildcardKind::ObjectName(name) = kind
            {
                self.relation(name)?;
            }
        }
        match &mut select.into {
            Some(into) => self.relation(&mut into.name),
            None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        if let Expr::CompoundIdentifier(parts) = expr
            && let [first, _, _, _] = parts.as_slice()
        {
            let whole = || {
                let parts: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
                parts.join(".")
            };
            self.is_own(first, whole)?;
            parts.remove(0);
        }
        ControlFlow::Continue(())
    }
}

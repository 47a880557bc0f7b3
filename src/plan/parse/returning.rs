//! `RETURNING`.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, SelectItem, SelectItemQualifiedWildcardKind, VisitMut, VisitorMut,
};

use super::cursor::Cursor;
use super::token::{Kind, Symbol};
use crate::base::{Result, SqlState};
use crate::plan::statement::Returning;

impl Cursor<'_> {
    /// `RETURNING ..`, if it comes next.
    pub(super) fn returning(&mut self) -> Result<Returning> {
        if !self.accept("returning") {
            return Ok(Vec::new());
        }
        let mut given: Vec<(&'static str, String)> = Vec::new();
        if self.is("with") && self.peek_ahead(1).kind == Kind::Symbol(Symbol::LeftParen) {
            self.advance();
            given = self.parenthesized(Self::version)?;
        }
        let mut items = self.comma_separated(Self::select_item)?;
        if !given.is_empty() {
            rename_versions(&mut items, &given);
        }
        Ok(items)
    }

    /// `OLD AS name`, `NEW AS name`.
    fn version(&mut self) -> Result<(&'static str, String)> {
        let start = self.at;
        let version = match self.accept_any(&["old", "new"]) {
            Some("old") => "old",
            Some(_) => "new",
            None => return Err(self.unexpected()),
        };
        self.expect("as")?;
        let name = self.identifier()?;
        if matches!(name.as_str(), "old" | "new") && name != version {
            let message = format!("table name \"{name}\" specified more than once");
            return Err(self.error_at(start, SqlState::DUPLICATE_ALIAS, message));
        }
        Ok((version, name))
    }
}

/// Gives the versions their usual names, where `WITH (OLD AS o, NEW AS n)` gave them others.
fn rename_versions(items: &mut [SelectItem], given: &[(&'static str, String)]) {
    let mut pass = Given { given };
    for item in items {
        if let SelectItem::QualifiedWildcard(kind, _) = item
            && let SelectItemQualifiedWildcardKind::ObjectName(name) = kind
            && let [part] = name.0.as_slice()
            && let Some(usual) = part.as_ident().and_then(|part| pass.usual(part))
        {
            *name = vec![usual].into();
        }
        let _ = item.visit(&mut pass);
    }
}

struct Given<'a> {
    given: &'a [(&'static str, String)],
}

impl Given<'_> {
    fn usual(&self, name: &Ident) -> Option<Ident> {
        let (usual, _) = self.given.iter().find(|(_, given)| *given == name.value)?;
        Some(Ident::with_quote('"', *usual))
    }
}

impl VisitorMut for Given<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(parts) = expr
            && let [version, _] = parts.as_mut_slice()
            && let Some(usual) = self.usual(version)
        {
            *version = usual;
        }
        ControlFlow::Continue(())
    }
}

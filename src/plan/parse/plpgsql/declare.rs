//! `DECLARE`: the variables of a block.

use crate::base::{Result, SqlState};
use crate::plan::TypeName;
use crate::plan::parse::cursor::Cursor;
use crate::plan::parse::token::{Kind, Symbol};
use crate::plan::statement::plpgsql::{Declaration, VariableType};
use crate::types::PgType;

impl Cursor<'_> {
    /// What follows `DECLARE`, up to `BEGIN`.
    pub(super) fn declarations(&mut self) -> Result<Vec<Declaration>> {
        let mut declarations: Vec<Declaration> = Vec::new();
        while !self.is("begin") {
            // The word may be said again.
            if self.accept("declare") {
                continue;
            }
            let start = self.at;
            let declaration = self.declaration()?;
            if declarations.iter().any(|known| known.name == declaration.name) {
                let message = format!("duplicate declaration at or near \"{}\"", declaration.name);
                return Err(self.error_at(start, SqlState::SYNTAX_ERROR, message));
            }
            declarations.push(declaration);
        }
        Ok(declarations)
    }

    fn declaration(&mut self) -> Result<Declaration> {
        let line = self.line();
        let name = self.identifier()?;
        for (word, what) in [("alias", "ALIAS"), ("cursor", "cursors"), ("refcursor", "cursors")] {
            if self.is(word) {
                let message = format!("{what} in PL/pgSQL are not supported");
                return Err(self
                    .error_at(self.at, SqlState::FEATURE_NOT_SUPPORTED, message)
                    .with_hint("FOR row IN query LOOP reads rows one by one."));
            }
        }
        let constant = self.accept("constant");
        let ty = self.variable_type()?;
        if self.accept("collate") {
            self.qualified_collation()?;
        }
        let not_null = self.accept_then("not", "null")?;
        let given = self.accept("default")
            || self.accept_symbol(Symbol::Assign)
            || self.accept_operator("=");
        let default = if given { Some(self.text_until(&[], false)?) } else { None };
        if not_null && default.is_none() {
            let message = format!(
                "variable \"{name}\" must have a default value, since it's declared NOT NULL"
            );
            return Err(self.error_at(self.at, SqlState::NULL_VALUE_NOT_ALLOWED, message));
        }
        self.expect_symbol(Symbol::Semicolon)?;
        Ok(Declaration { name, ty, constant, not_null, default, line })
    }

    fn variable_type(&mut self) -> Result<VariableType> {
        if self.accept("record") {
            return Ok(VariableType::Record);
        }
        let start = *self;
        let mut parts = Vec::new();
        while matches!(self.peek().kind, Kind::Word | Kind::QuotedWord | Kind::UnicodeWord) {
            parts.push(self.label()?);
            if !self.accept_symbol(Symbol::Dot) {
                break;
            }
        }
        if self.is_operator("%") {
            self.advance();
            if self.accept("type") {
                return Ok(VariableType::Like(parts));
            }
            self.expect("rowtype")?;
            return self.name_of(parts, start.at).map(VariableType::RowOf);
        }
        *self = start;
        match self.type_name()? {
            TypeName::Known(PgType::Record) => Ok(VariableType::Record),
            ty => Ok(VariableType::Of(ty)),
        }
    }
}

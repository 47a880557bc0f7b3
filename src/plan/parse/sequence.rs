//! `CREATE SEQUENCE`, `ALTER SEQUENCE`, and their options, which identity columns share.

use super::cursor::Cursor;
use super::dispatch::Tagged;
use super::token::{Kind, Symbol};
use crate::base::{Result, SqlState};
use crate::plan::Name;
use crate::plan::statement::{
    AlterSequence, CreateSequence, Persistence, SequenceOptions, Statement,
};
use crate::types::PgType;

impl Cursor<'_> {
    /// What follows `CREATE [TEMPORARY]`.
    pub(super) fn create_sequence(&mut self, persistence: Persistence) -> Result<Tagged> {
        self.expect("sequence")?;
        let if_not_exists = self.if_not_exists();
        let name = self.qualified_name()?;
        let mut options = SequenceOptions::default();
        while self.sequence_option(&mut options)? {}
        let create = CreateSequence { name, if_not_exists, persistence, options };
        Ok((Statement::CreateSequence(Box::new(create)), "CREATE SEQUENCE"))
    }

    /// `ALTER SEQUENCE name` and options.
    pub(super) fn alter_sequence(&mut self, name: Name, if_exists: bool) -> Result<Tagged> {
        let mut options = SequenceOptions::default();
        if !self.sequence_option(&mut options)? {
            return Err(self.unexpected());
        }
        while self.sequence_option(&mut options)? {}
        let alter = AlterSequence { name, if_exists, options };
        Ok((Statement::AlterSequence(Box::new(alter)), "ALTER SEQUENCE"))
    }

    /// One option, if one comes next.
    pub(super) fn sequence_option(&mut self, options: &mut SequenceOptions) -> Result<bool> {
        let start = self.at;
        let redundant = if self.accept("as") {
            let ty = self.data_type()?;
            if !matches!(ty, PgType::Int2 | PgType::Int4 | PgType::Int8) {
                let message = "sequence type must be smallint, integer, or bigint";
                return Err(self.error_at(start, SqlState::INVALID_PARAMETER_VALUE, message));
            }
            options.ty.replace(ty).is_some()
        } else if self.accept("increment") {
            self.accept("by");
            let increment = self.integer()?;
            if increment == 0 {
                let message = "INCREMENT must not be zero";
                return Err(self.error_at(start, SqlState::INVALID_PARAMETER_VALUE, message));
            }
            options.increment.replace(increment).is_some()
        } else if self.accept("minvalue") {
            options.min.replace(Some(self.integer()?)).is_some()
        } else if self.accept_all("no minvalue") {
            options.min.replace(None).is_some()
        } else if self.accept("maxvalue") {
            options.max.replace(Some(self.integer()?)).is_some()
        } else if self.accept_all("no maxvalue") {
            options.max.replace(None).is_some()
        } else if self.accept("start") {
            self.accept("with");
            options.start.replace(self.integer()?).is_some()
        } else if self.accept("restart") {
            let with = self.accept("with");
            let value = if with || matches!(self.peek().kind, Kind::Number | Kind::Operator) {
                Some(self.integer()?)
            } else {
                None
            };
            options.restart.replace(value).is_some()
        } else if self.accept("cache") {
            let cache = self.integer()?;
            if cache < 1 {
                let message = format!("CACHE ({cache}) must be greater than zero");
                return Err(self.error_at(start, SqlState::INVALID_PARAMETER_VALUE, message));
            }
            options.cache.replace(cache).is_some()
        } else if self.accept("cycle") {
            options.cycle.replace(true).is_some()
        } else if self.accept_all("no cycle") {
            options.cycle.replace(false).is_some()
        } else if self.accept_all("owned by") {
            options.owned_by.replace(self.owner_column()?).is_some()
        } else if self.accept_all("sequence name") {
            options.name.replace(self.qualified_name()?).is_some()
        } else {
            return Ok(false);
        };
        if redundant {
            let message = "conflicting or redundant options";
            return Err(self.error_at(start, SqlState::SYNTAX_ERROR, message));
        }
        Ok(true)
    }

    /// `table.column`, `NONE`.
    fn owner_column(&mut self) -> Result<Option<(Name, String)>> {
        if self.is("none") && self.peek_ahead(1).kind != Kind::Symbol(Symbol::Dot) {
            self.advance();
            return Ok(None);
        }
        let (table, column) = self.qualified_column()?;
        Ok(Some((table, column)))
    }

    /// `[schema.]table.column`.
    pub(super) fn qualified_column(&mut self) -> Result<(Name, String)> {
        let start = self.at;
        let mut parts = vec![self.identifier()?];
        while self.accept_symbol(Symbol::Dot) {
            parts.push(self.label()?);
        }
        if parts.len() < 2 {
            let message = "column name must be qualified";
            return Err(self.error_at(start, SqlState::SYNTAX_ERROR, message));
        }
        let column = parts.pop().unwrap_or_default();
        Ok((self.name_of(parts, start)?, column))
    }
}

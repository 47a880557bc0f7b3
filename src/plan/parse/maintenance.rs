//! `VACUUM`, `ANALYZE`, `CLUSTER`, `REINDEX`, `LOCK`, and notifications: mostly nothing to do, so
//! little is kept of them.

use super::cursor::Cursor;
use super::dispatch::Tagged;
use super::token::{Kind, Symbol};
use crate::base::Result;
use crate::plan::Name;
use crate::plan::statement::{Reindex, ReindexTarget, Statement};

impl Cursor<'_> {
    /// `VACUUM ..`.
    pub(super) fn vacuum(&mut self) -> Result<Tagged> {
        self.expect("vacuum")?;
        if self.is_symbol(Symbol::LeftParen) {
            self.utility_options()?;
        } else {
            for word in ["full", "freeze", "verbose"] {
                self.accept(word);
            }
            self.accept_any(&["analyze", "analyse"]);
        }
        Ok((Statement::Vacuum(self.maintained_tables()?), "VACUUM"))
    }

    /// `ANALYZE ..`.
    pub(super) fn analyze(&mut self) -> Result<Tagged> {
        self.advance();
        if self.is_symbol(Symbol::LeftParen) {
            self.utility_options()?;
        } else {
            self.accept("verbose");
        }
        Ok((Statement::Analyze(self.maintained_tables()?), "ANALYZE"))
    }

    /// `(name [value], ...)`, which say nothing here.
    fn utility_options(&mut self) -> Result<()> {
        self.parenthesized(|cursor| {
            cursor.label()?;
            if !cursor.is_symbol(Symbol::Comma) && !cursor.is_symbol(Symbol::RightParen) {
                cursor.option_value()?;
            }
            Ok(())
        })?;
        Ok(())
    }

    /// `table [(columns)], ...`, or nothing.
    fn maintained_tables(&mut self) -> Result<Vec<Name>> {
        if self.at_end() {
            return Ok(Vec::new());
        }
        self.comma_separated(|cursor| {
            cursor.accept("only");
            let name = cursor.qualified_name()?;
            cursor.optional_columns()?;
            Ok(name)
        })
    }

    /// `CLUSTER ..`.
    pub(super) fn cluster(&mut self) -> Result<Tagged> {
        self.expect("cluster")?;
        if self.is_symbol(Symbol::LeftParen) {
            self.utility_options()?;
        }
        self.accept("verbose");
        if !self.at_end() {
            self.qualified_name()?;
            if self.accept("using") {
                self.identifier()?;
            }
        }
        Ok((Statement::Cluster, "CLUSTER"))
    }

    /// `REINDEX ..`.
    pub(super) fn reindex(&mut self) -> Result<Tagged> {
        self.expect("reindex")?;
        if self.is_symbol(Symbol::LeftParen) {
            self.utility_options()?;
        }
        let kind = self.accept_any(&["index", "table", "schema", "database", "system"]);
        let Some(kind) = kind else { return Err(self.unexpected()) };
        let concurrently = self.accept("concurrently");
        let target = match kind {
            "index" => ReindexTarget::Index(self.qualified_name()?),
            "table" => ReindexTarget::Table(self.qualified_name()?),
            "schema" => ReindexTarget::Schema(self.identifier()?),
            _ => {
                if !self.at_end() {
                    self.identifier()?;
                }
                ReindexTarget::Database
            }
        };
        Ok((Statement::Reindex(Reindex { target, concurrently }), "REINDEX"))
    }

    /// `LOCK ..`.
    pub(super) fn lock(&mut self) -> Result<Tagged> {
        self.expect("lock")?;
        self.accept("table");
        let tables = self.comma_separated(|cursor| {
            cursor.accept("only");
            let name = cursor.qualified_name()?;
            cursor.accept_operator("*");
            Ok(name)
        })?;
        if self.accept("in") {
            let modes = [
                "access share",
                "row share",
                "row exclusive",
                "share update exclusive",
                "share row exclusive",
                "share",
                "exclusive",
                "access exclusive",
            ];
            if !modes.iter().any(|mode| self.accept_all(mode)) {
                return Err(self.unexpected());
            }
            self.expect("mode")?;
        }
        self.accept("nowait");
        Ok((Statement::Lock(tables), "LOCK TABLE"))
    }

    /// `LISTEN`, `UNLISTEN`, `NOTIFY`.
    pub(super) fn notification(&mut self) -> Result<Tagged> {
        if self.accept("listen") {
            return Ok((Statement::Listen(self.identifier()?), "LISTEN"));
        }
        if self.accept("unlisten") {
            let channel = if self.accept_operator("*") { None } else { Some(self.identifier()?) };
            return Ok((Statement::Unlisten(channel), "UNLISTEN"));
        }
        self.expect("notify")?;
        let channel = self.identifier()?;
        let payload =
            if self.accept_symbol(Symbol::Comma) { self.string()? } else { String::new() };
        if self.peek().kind == Kind::Word {
            return Err(self.unexpected());
        }
        Ok((Statement::Notify { channel, payload }, "NOTIFY"))
    }
}

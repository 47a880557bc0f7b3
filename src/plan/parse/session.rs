//! Prepared statements, cursors, `EXPLAIN`.

use super::cursor::Cursor;
use super::dispatch::Tagged;
use super::token::{Kind, Symbol};
use crate::base::{Result, SqlError, SqlState};
use crate::plan::TypeName;
use crate::plan::statement::{
    Declare, Explain, ExplainFormat, Fetch, FetchDirection, Prepare, Statement,
};

impl Cursor<'_> {
    /// `PREPARE ..`.
    pub(super) fn prepare(&mut self) -> Result<Tagged> {
        self.expect("prepare")?;
        if self.is("transaction") {
            return Err(self.unsupported_statement());
        }
        let name = self.identifier()?;
        let types = if self.is_symbol(Symbol::LeftParen) {
            self.parenthesized(Self::parameter_type)?
        } else {
            Vec::new()
        };
        self.expect("as")?;
        let start = self.at;
        let statement = self.parsed()?;
        if !is_optimizable(&statement.statement) {
            return Err(self.unexpected_at(start));
        }
        Ok((Statement::Prepare(Box::new(Prepare { name, types, statement })), "PREPARE"))
    }

    fn parameter_type(&mut self) -> Result<Option<TypeName>> {
        if self.accept("unknown") {
            return Ok(None);
        }
        self.type_name().map(Some)
    }

    /// `EXECUTE ..`.
    pub(super) fn execute(&mut self) -> Result<Tagged> {
        self.expect("execute")?;
        let name = self.identifier()?;
        let arguments = if self.is_symbol(Symbol::LeftParen) { self.row()? } else { Vec::new() };
        Ok((Statement::Execute { name, arguments }, "EXECUTE"))
    }

    /// `DEALLOCATE ..`.
    pub(super) fn deallocate(&mut self) -> Result<Tagged> {
        self.expect("deallocate")?;
        if self.is("prepare") && !matches!(self.peek_ahead(1).kind, Kind::End | Kind::Symbol(_)) {
            self.advance();
        }
        if self.accept("all") {
            return Ok((Statement::Deallocate(None), "DEALLOCATE ALL"));
        }
        Ok((Statement::Deallocate(Some(self.identifier()?)), "DEALLOCATE"))
    }

    /// `DECLARE ..`.
    pub(super) fn declare(&mut self) -> Result<Tagged> {
        self.expect("declare")?;
        let name = self.identifier()?;
        let (mut binary, mut scroll) = (false, None);
        loop {
            if self.accept("binary") {
                binary = true;
            } else if self.accept("scroll") {
                scroll = Some(true);
            } else if self.accept_all("no scroll") {
                scroll = Some(false);
            } else if self.accept_any(&["insensitive", "asensitive"]).is_none() {
                break;
            }
        }
        self.expect("cursor")?;
        let hold = if self.accept("with") {
            self.expect("hold")?;
            true
        } else {
            if self.accept("without") {
                self.expect("hold")?;
            }
            false
        };
        self.expect("for")?;
        let query = self.query()?;
        let declare = Declare { name, binary, scroll, hold, query };
        Ok((Statement::Declare(Box::new(declare)), "DECLARE CURSOR"))
    }

    /// `FETCH ..`, `MOVE ..`.
    pub(super) fn fetch(&mut self) -> Result<Tagged> {
        let skip = self.accept("move");
        if !skip {
            self.expect("fetch")?;
        }
        let direction = self.fetch_direction()?;
        self.accept_any(&["from", "in"]);
        let cursor = self.identifier()?;
        let tag = if skip { "MOVE" } else { "FETCH" };
        Ok((Statement::Fetch(Fetch { cursor, direction, skip }), tag))
    }

    fn fetch_direction(&mut self) -> Result<FetchDirection> {
        // A cursor may be called `next`; then nothing or FROM follows in its place.
        let names_cursor = matches!(self.peek_ahead(1).kind, Kind::End | Kind::Symbol(_));
        if names_cursor && self.peek().kind != Kind::Number {
            return Ok(FetchDirection::Forward(1));
        }
        if matches!(self.peek().kind, Kind::Number | Kind::Operator) {
            return Ok(FetchDirection::Forward(self.integer()?));
        }
        let words = &[
            "next", "prior", "first", "last", "all", "absolute", "relative", "forward", "backward",
        ];
        Ok(match self.accept_any(words) {
            Some("prior") => FetchDirection::Backward(1),
            Some("first") => FetchDirection::Absolute(1),
            Some("last") => FetchDirection::Absolute(-1),
            Some("all") => FetchDirection::Forward(i64::MAX),
            Some("absolute") => FetchDirection::Absolute(self.integer()?),
            Some("relative") => FetchDirection::Relative(self.integer()?),
            Some("forward") => FetchDirection::Forward(self.fetch_count()?),
            Some("backward") => FetchDirection::Backward(self.fetch_count()?),
            _ => FetchDirection::Forward(1),
        })
    }

    fn fetch_count(&mut self) -> Result<i64> {
        if self.accept("all") {
            return Ok(i64::MAX);
        }
        if matches!(self.peek().kind, Kind::Number | Kind::Operator) {
            return self.integer();
        }
        Ok(1)
    }

    /// `CLOSE ..`.
    pub(super) fn close(&mut self) -> Result<Tagged> {
        self.expect("close")?;
        if self.accept("all") {
            return Ok((Statement::Close(None), "CLOSE CURSOR ALL"));
        }
        Ok((Statement::Close(Some(self.identifier()?)), "CLOSE CURSOR"))
    }

    /// `EXPLAIN ..`.
    pub(super) fn explain(&mut self) -> Result<Tagged> {
        self.expect("explain")?;
        let mut explain = Options::default();
        if self.is_symbol(Symbol::LeftParen) && !self.is_subquery() {
            self.parenthesized(|cursor| cursor.explain_option(&mut explain))?;
        } else {
            explain.analyze = self.accept_any(&["analyze", "analyse"]).is_some();
            explain.verbose = self.accept("verbose");
        }
        let start = self.at;
        let (statement, _) = self.statement()?;
        let explained = is_optimizable(&statement)
            || matches!(
                statement,
                Statement::CreateTableAs(_) | Statement::Declare(_) | Statement::Execute { .. }
            );
        if !explained {
            return Err(self.unexpected_at(start));
        }
        let explain = explain.checked(statement)?;
        Ok((Statement::Explain(Box::new(explain)), "EXPLAIN"))
    }

    fn explain_option(&mut self, explain: &mut Options) -> Result<()> {
        let at = self.at;
        let name = self.label()?;
        match name.as_str() {
            "analyze" | "analyse" => explain.analyze = self.option_boolean("analyze", at)?,
            "verbose" => explain.verbose = self.option_boolean(&name, at)?,
            "costs" => explain.costs = Some(self.option_boolean(&name, at)?),
            "buffers" => explain.buffers = self.option_boolean(&name, at)?,
            "timing" => explain.timing = Some(self.option_boolean(&name, at)?),
            "summary" => explain.summary = Some(self.option_boolean(&name, at)?),
            "settings" => explain.settings = self.option_boolean(&name, at)?,
            "wal" => explain.wal = self.option_boolean(&name, at)?,
            "generic_plan" | "memory" => {
                self.option_boolean(&name, at)?;
            }
            "serialize" => {
                if !matches!(self.peek().kind, Kind::Symbol(_)) {
                    self.option_value()?;
                }
            }
            "format" => explain.format = self.explain_format(at)?,
            _ => {
                let message = format!("unrecognized EXPLAIN option \"{name}\"");
                return Err(self.error_at(at, SqlState::SYNTAX_ERROR, message));
            }
        }
        Ok(())
    }

    fn explain_format(&mut self, at: usize) -> Result<ExplainFormat> {
        let value = self.option_value()?;
        match value.as_str() {
            "text" => Ok(ExplainFormat::Text),
            "json" => Ok(ExplainFormat::Json),
            "yaml" => Ok(ExplainFormat::Yaml),
            "xml" => Ok(ExplainFormat::Xml),
            _ => {
                let message =
                    format!("unrecognized value for EXPLAIN option \"format\": \"{value}\"");
                Err(self.error_at(at, SqlState::INVALID_PARAMETER_VALUE, message))
            }
        }
    }
}

/// EXPLAIN's options as written.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are PostgreSQL's flags")]
struct Options {
    analyze: bool,
    verbose: bool,
    costs: Option<bool>,
    buffers: bool,
    timing: Option<bool>,
    summary: Option<bool>,
    settings: bool,
    wal: bool,
    format: ExplainFormat,
}

impl Options {
    fn checked(self, statement: Statement) -> Result<Explain> {
        for (name, set) in [("WAL", self.wal), ("TIMING", self.timing == Some(true))] {
            if set && !self.analyze {
                let message = format!("EXPLAIN option {name} requires ANALYZE");
                return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
            }
        }
        Ok(Explain {
            analyze: self.analyze,
            verbose: self.verbose,
            costs: self.costs.unwrap_or(true),
            buffers: self.buffers,
            timing: self.timing.unwrap_or(true),
            summary: self.summary,
            settings: self.settings,
            format: self.format,
            statement,
        })
    }
}

/// What PREPARE and EXPLAIN take.
fn is_optimizable(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::Query(_)
            | Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_)
            | Statement::Merge(_)
            | Statement::WithChanges(_)
    )
}

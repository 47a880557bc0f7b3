//! Which statement it is.

use super::cursor::Cursor;
use super::token::{Kind, Symbol, position};
use crate::base::{Result, SqlError, SqlState};
use crate::plan::statement::{Parsed, Persistence, Statement};

/// How deep EXPLAIN, PREPARE and COPY may hold each other.
const STATEMENT_DEPTH_MAX: u8 = 8;

/// A statement with its command tag.
pub(super) type Tagged = (Statement, &'static str);

impl Cursor<'_> {
    /// A statement with its text.
    pub(super) fn parsed(&mut self) -> Result<Parsed> {
        let start = self.at;
        let (statement, tag) = self.statement()?;
        let first = self.source.tokens.tokens[start].start as usize;
        let offset = if self.source.ascii { first } else { position(self.source.sql, first) - 1 };
        // What a function's body calls parameters are its arguments.
        let parameters = match &statement {
            Statement::CreateFunction(_) => 0,
            _ => self.parameters_since(start)?,
        };
        Ok(Parsed { text: self.text_since(start).to_owned(), offset, parameters, statement, tag })
    }

    /// The highest parameter's number since a token.
    fn parameters_since(&self, start: usize) -> Result<u16> {
        let mut highest = 0;
        for at in start..self.at {
            let token = self.source.tokens.tokens[at];
            if token.kind == Kind::Parameter {
                highest = highest.max(self.parameter_number(at)?);
            }
        }
        Ok(highest)
    }

    /// The number of the parameter at a token.
    pub(super) fn parameter_number(&self, at: usize) -> Result<u16> {
        let text = self.text(self.source.tokens.tokens[at]);
        match text[1..].parse() {
            Ok(0) | Err(_) => {
                let message = format!("there is no parameter {text}");
                Err(self.error_at(at, SqlState::UNDEFINED_PARAMETER, message))
            }
            Ok(number) => Ok(number),
        }
    }

    /// Any statement.
    pub(super) fn statement(&mut self) -> Result<Tagged> {
        if self.depth > STATEMENT_DEPTH_MAX {
            return Err(self.error_at(
                self.at,
                SqlState::STATEMENT_TOO_COMPLEX,
                "stack depth limit exceeded",
            ));
        }
        self.depth += 1;
        let statement = self.statement_by_word();
        self.depth -= 1;
        statement
    }

    fn statement_by_word(&mut self) -> Result<Tagged> {
        let token = self.peek();
        if token.kind == Kind::Symbol(Symbol::LeftParen) {
            return self.query_statement();
        }
        if token.kind != Kind::Word {
            return Err(self.unexpected());
        }
        let mut word = [0; 12];
        let text = self.text(token).as_bytes();
        let Some(word) = word.get_mut(..text.len()) else { return Err(self.unexpected()) };
        word.copy_from_slice(text);
        word.make_ascii_lowercase();
        match &*word {
            b"select" | b"values" | b"table" => self.query_statement(),
            b"with" => self.with_statement(),
            b"insert" => self.insert(None),
            b"update" => self.update(None),
            b"delete" => self.delete(None),
            b"merge" => self.merge(None),
            b"truncate" => self.truncate(),
            b"copy" => self.copy(),
            b"create" => self.create(),
            b"alter" => self.alter(),
            b"drop" => self.drop_statement(),
            b"comment" => self.comment(),
            b"grant" => self.grant(),
            b"revoke" => self.revoke(),
            b"explain" => self.explain(),
            b"vacuum" => self.vacuum(),
            b"analyze" | b"analyse" => self.analyze(),
            b"reindex" => self.reindex(),
            b"cluster" => self.cluster(),
            b"checkpoint" => self.word_alone(Statement::Checkpoint, "CHECKPOINT"),
            b"flush" => self.word_alone(Statement::Flush, "FLUSH"),
            b"lock" => self.lock(),
            b"listen" | b"unlisten" | b"notify" => self.notification(),
            b"set" => self.set(),
            b"reset" => self.reset(),
            b"show" => self.show(),
            b"discard" => self.discard(),
            b"prepare" => self.prepare(),
            b"execute" => self.execute(),
            b"deallocate" => self.deallocate(),
            b"declare" => self.declare(),
            b"fetch" | b"move" => self.fetch(),
            b"close" => self.close(),
            b"begin" | b"start" | b"commit" | b"end" | b"rollback" | b"abort" | b"savepoint"
            | b"release" => self.transaction(),
            b"reassign" => self.reassign_owned(),
            b"refresh" => self.refresh(),
            b"do" => self.do_block(),
            b"call" | b"import" | b"load" | b"security" => Err(self.unsupported_statement()),
            _ => Err(self.unexpected()),
        }
    }

    fn word_alone(&mut self, statement: Statement, tag: &'static str) -> Result<Tagged> {
        self.advance();
        Ok((statement, tag))
    }

    /// 0A000 for a statement that PostgreSQL has: names it by its words in capitals.
    pub(super) fn unsupported_statement(&self) -> SqlError {
        let start = (0..=self.at).rev().find(|at| {
            *at == 0 || self.source.tokens.tokens[at - 1].kind == Kind::Symbol(Symbol::Semicolon)
        });
        let from = start.unwrap_or(self.at);
        let words: Vec<String> = (from..=self.at)
            .map(|at| self.source.tokens.tokens[at])
            .filter(|token| token.kind == Kind::Word)
            .map(|token| self.text(token).to_ascii_uppercase())
            .collect();
        SqlError::unsupported(format!("{} is not supported", words.join(" ")))
            .with_position(self.position(self.at))
    }

    /// A query, or `SELECT .. INTO`.
    fn query_statement(&mut self) -> Result<Tagged> {
        let query = self.query()?;
        match super::table::select_into(query)? {
            Ok(create) => Ok((Statement::CreateTableAs(Box::new(create)), "SELECT")),
            Err(query) => Ok((Statement::Query(query), "SELECT")),
        }
    }

    /// What follows `WITH`: outside of parentheses its list has names and commas only, so the
    /// first word that starts a statement is the statement's.
    fn with_statement(&mut self) -> Result<Tagged> {
        let mut ahead = *self;
        let mut depth = 0_usize;
        loop {
            let token = ahead.peek();
            match token.kind {
                Kind::End | Kind::Symbol(Symbol::Semicolon) => return self.query_statement(),
                Kind::Symbol(Symbol::LeftParen) => depth += 1,
                Kind::Symbol(Symbol::RightParen) => depth = depth.saturating_sub(1),
                Kind::Word if depth == 0 && ahead.at > self.at + 1 => {
                    let starts =
                        ["select", "values", "table", "insert", "update", "delete", "merge"];
                    // `WITH insert AS (..)` names a query.
                    let before = ahead.source.tokens.tokens[ahead.at - 1];
                    let named = before.kind != Kind::Symbol(Symbol::RightParen);
                    if !named && starts.iter().any(|word| ahead.is(word)) {
                        break;
                    }
                }
                _ => {}
            }
            ahead.at += 1;
        }
        if self.changes_rows(ahead.at) {
            return self.with_changes(ahead.at);
        }
        let start = *self;
        match ahead.text(ahead.peek()).to_ascii_lowercase().as_str() {
            "insert" => {
                let with = self.with_clause(ahead.at)?;
                self.insert(Some(with))
            }
            "update" => {
                let with = self.with_clause(ahead.at)?;
                self.update(Some(with))
            }
            "delete" => {
                let with = self.with_clause(ahead.at)?;
                self.delete(Some(with))
            }
            "merge" => {
                let with = self.with_clause(ahead.at)?;
                self.merge(Some(with))
            }
            _ => {
                *self = start;
                self.query_statement()
            }
        }
    }

    /// What follows `CREATE`.
    fn create(&mut self) -> Result<Tagged> {
        self.expect("create")?;
        let or_replace = self.accept_all("or replace");
        let persistence = self.persistence();
        let plain = !or_replace && persistence == Persistence::Permanent;
        if self.is("table") && !or_replace {
            return self.create_table(persistence);
        }
        if self.is("view") && persistence != Persistence::Unlogged {
            return self.create_view(or_replace, persistence == Persistence::Temporary);
        }
        if self.is("function") && persistence == Persistence::Permanent {
            return self.create_function(or_replace);
        }
        if self.is("sequence") && !or_replace {
            return self.create_sequence(persistence);
        }
        if plain {
            if self.is("index") || self.is("unique") {
                return self.create_index();
            }
            if self.is("schema") {
                return self.create_schema();
            }
            if self.is("extension") {
                return self.create_extension();
            }
            if self.is("role")
                || self.is("group")
                || (self.is("user") && !self.is_ahead(1, "mapping"))
            {
                return self.create_role();
            }
            if self.is("database") {
                return self.create_database();
            }
            if self.is("policy") {
                return self.create_policy();
            }
            if self.is("type") {
                return self.create_type();
            }
            if self.is("domain") {
                return self.create_domain();
            }
            if self.is("materialized") {
                return self.create_materialized_view();
            }
        }
        const OTHERS: &[&str] = &[
            "access",
            "aggregate",
            "cast",
            "collation",
            "constraint",
            "conversion",
            "event",
            "foreign",
            "language",
            "operator",
            "procedure",
            "publication",
            "recursive",
            "rule",
            "server",
            "statistics",
            "subscription",
            "tablespace",
            "text",
            "transform",
            "trigger",
            "trusted",
            "user",
        ];
        if OTHERS.iter().any(|word| self.is(word)) {
            return Err(self.unsupported_statement());
        }
        Err(self.unexpected())
    }

    /// `TEMPORARY`, `UNLOGGED`, if one comes next.
    pub(super) fn persistence(&mut self) -> Persistence {
        let mut ahead = *self;
        ahead.accept_any(&["global", "local"]);
        if ahead.accept_any(&["temporary", "temp"]).is_some() {
            *self = ahead;
            return Persistence::Temporary;
        }
        if self.accept("unlogged") { Persistence::Unlogged } else { Persistence::Permanent }
    }
}

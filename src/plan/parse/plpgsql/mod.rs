//! PL/pgSQL to [`Block`]s: what DO runs.
//!
//! The tokens are SQL's. A statement is told by its first word; what is no word of PL/pgSQL is a
//! statement of SQL, kept as text up to its semicolon ([`sql`]). Expressions are kept as text too,
//! up to the word that ends them, and are read as SQL when they are computed.

mod conditions;
mod declare;
mod sql;
mod statement;

use super::cursor::Cursor;
use super::token::{Kind, Symbol};
use super::{Source, token};
use crate::base::limits::QUERY_STRING_BYTES_MAX;
use crate::base::{Result, SqlError, SqlState};
use crate::plan::statement::plpgsql::{Block, Condition, Handler, Step};

/// Blocks may stand in each other so deep.
const DEPTH_MAX: u8 = 100;

/// The SQLSTATE of an error condition's name.
pub fn condition_state(name: &str) -> Option<&'static str> {
    conditions::state_of(name)
}

/// Reads the code of a DO statement.
///
/// # Errors
/// 42601, and 0A000 for what is not done.
pub fn parse_block(code: &str) -> Result<Block> {
    if code.len() > QUERY_STRING_BYTES_MAX {
        let message = format!("query string is larger than {QUERY_STRING_BYTES_MAX} bytes");
        return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
    }
    let tokens = token::tokenize(code);
    let source = Source { sql: code, tokens, ascii: code.is_ascii(), database: None };
    let mut cursor = Cursor { source: &source, at: 0, depth: 0 };
    let read = |cursor: &mut Cursor<'_>| {
        cursor.pragmas()?;
        let label = cursor.label_before()?;
        let block = cursor.block(label)?;
        cursor.accept_symbol(Symbol::Semicolon);
        if cursor.peek().kind == Kind::End && source.tokens.error.is_none() {
            Ok(block)
        } else {
            Err(cursor.unexpected())
        }
    };
    // A place within the code is none within the statement.
    read(&mut cursor).map_err(|error| {
        let line = cursor.line();
        let context = format!("PL/pgSQL function inline_code_block near line {line}");
        error.without_position().with_context(context)
    })
}

impl Cursor<'_> {
    /// The line of the next token.
    fn line(&self) -> usize {
        let start = self.peek().start as usize;
        self.source.sql[..start].bytes().filter(|byte| *byte == b'\n').count() + 1
    }

    /// `#variable_conflict ..` and its kin.
    fn pragmas(&mut self) -> Result<()> {
        while self.is_operator("#") {
            self.advance();
            self.expect("variable_conflict")?;
            self.identifier()?;
        }
        Ok(())
    }

    /// `<<label>>`, if it comes next.
    fn label_before(&mut self) -> Result<Option<String>> {
        if !self.accept_operator("<<") {
            return Ok(None);
        }
        let label = self.label()?;
        if !self.accept_operator(">>") {
            return Err(self.unexpected());
        }
        Ok(Some(label))
    }

    /// The label behind `END`, which must be the one before.
    fn label_after(&mut self, label: Option<&str>) -> Result<()> {
        let start = self.at;
        if self.is_symbol(Symbol::Semicolon) || self.peek().kind == Kind::End {
            return Ok(());
        }
        let after = self.label()?;
        match label {
            Some(label) if label == after => Ok(()),
            Some(label) => {
                let message =
                    format!("end label \"{after}\" differs from block's label \"{label}\"");
                Err(self.error_at(start, SqlState::SYNTAX_ERROR, message))
            }
            None => {
                let message = format!("end label \"{after}\" specified for unlabeled block");
                Err(self.error_at(start, SqlState::SYNTAX_ERROR, message))
            }
        }
    }

    /// A block, whose label has been read, up to the word END with its label.
    fn block(&mut self, label: Option<String>) -> Result<Block> {
        self.deeper()?;
        let declarations = if self.accept("declare") { self.declarations()? } else { Vec::new() };
        self.expect("begin")?;
        let body = self.steps(&["exception", "end"])?;
        let mut handlers = Vec::new();
        if self.accept("exception") {
            while self.accept("when") {
                handlers.push(self.handler()?);
            }
            if handlers.is_empty() {
                return Err(self.unexpected());
            }
        }
        self.expect("end")?;
        self.label_after(label.as_deref())?;
        self.depth -= 1;
        Ok(Block { label, declarations, body, handlers })
    }

    fn deeper(&mut self) -> Result<()> {
        if self.depth >= DEPTH_MAX {
            let message = "stack depth limit exceeded";
            return Err(self.error_at(self.at, SqlState::STATEMENT_TOO_COMPLEX, message));
        }
        self.depth += 1;
        Ok(())
    }

    /// What follows `WHEN` of an exception handler.
    fn handler(&mut self) -> Result<Handler> {
        let mut conditions = Vec::new();
        loop {
            conditions.push(self.condition()?);
            if !self.accept("or") {
                break;
            }
        }
        self.expect("then")?;
        let body = self.steps(&["when", "end"])?;
        Ok(Handler { conditions, body })
    }

    fn condition(&mut self) -> Result<Condition> {
        let start = self.at;
        if self.accept("sqlstate") {
            return self.state_text().map(Condition::State);
        }
        let name = self.label()?;
        if name == "others" {
            return Ok(Condition::Others);
        }
        match conditions::state_of(&name) {
            Some(state) => Ok(Condition::State(state.to_owned())),
            None => {
                let message = format!("unrecognized exception condition \"{name}\"");
                Err(self.error_at(start, SqlState::UNDEFINED_OBJECT, message))
            }
        }
    }

    /// `'23505'`.
    fn state_text(&mut self) -> Result<String> {
        let start = self.at;
        let text = self.string()?;
        let valid = text.len() == 5
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if valid {
            return Ok(text);
        }
        Err(self.error_at(start, SqlState::SYNTAX_ERROR, "invalid SQLSTATE code"))
    }

    /// Statements up to one of these words, which is not passed.
    fn steps(&mut self, ends: &[&str]) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        loop {
            if ends.iter().any(|word| self.is(word)) {
                return Ok(steps);
            }
            steps.push(self.step()?);
        }
    }
}

#[cfg(test)]
mod tests;

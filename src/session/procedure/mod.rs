//! DO: a block of PL/pgSQL, run statement by statement in the session's transaction.
//!
//! Control flow, variables and handlers are here; whatever is SQL in the block, expressions too, is
//! prepared and run like a client's statement, with the variables as its parameters. The block is
//! one transaction: rows that it changes are visible to nobody before it ends, itself included
//! unless `redkite.read_your_writes` is on, and definitions take effect at once. A block with
//! handlers is a savepoint for rows.

mod control;
mod loops;
mod raise;
mod sql;
mod variables;

use std::sync::Arc;

use crate::base::{Result, SqlError, SqlState};
use crate::plan::parse_block;
use crate::plan::statement::Do;
use crate::types::TextContext;

use super::connection::Session;
use super::interrupt::Interrupt;
use super::outcome::{Mode, Outcome};
use super::transaction::State;
use variables::Scope;

/// A block that runs.
struct Procedure<'s> {
    session: &'s mut Session,
    interrupt: Interrupt,
    scopes: Vec<Scope>,
    /// The errors that are being handled, the innermost last.
    handled: Vec<SqlError>,
    /// How many rows the last statement gave or changed.
    row_count: i64,
    /// How many savepoints there were.
    savepoints: usize,
}

/// Where a statement leads.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Flow {
    /// To the next one.
    Next,
    /// Out of a loop or a block, or to its next round.
    Leave { label: Option<String>, goes_on: bool },
    /// To the end.
    Return,
}

impl Session {
    /// DO.
    pub(super) async fn do_block(
        &mut self,
        statement: &Do,
        mode: Mode,
        interrupt: &Interrupt,
    ) -> Result<Outcome> {
        match statement.language.as_deref() {
            None | Some("plpgsql") => {}
            Some("sql") => {
                let message = "language \"sql\" does not support inline code execution";
                return Err(SqlError::unsupported(message));
            }
            Some(language) => {
                let message = format!("language \"{language}\" does not exist");
                return Err(SqlError::new(SqlState::UNDEFINED_OBJECT, message));
            }
        }
        let block = parse_block(&statement.code)?;
        let own = matches!(self.state, State::Idle);
        if own {
            self.state = State::Implicit(self.new_transaction());
        }
        let interrupt = interrupt.clone();
        let stopped = interrupt.clone();
        let mut procedure = Procedure::new(self, interrupt);
        tokio::select! {
            biased;
            done = procedure.run(&block) => done?,
            error = stopped.raised() => return Err(error),
        }
        self.take_over_settings()?;
        self.take_over_effects()?;
        if own && mode == Mode::Autocommit {
            self.commit(false).await?;
        }
        Ok(Outcome::command("DO"))
    }
}

impl<'s> Procedure<'s> {
    fn new(session: &'s mut Session, interrupt: Interrupt) -> Self {
        let scopes = vec![Scope::outermost()];
        Self { session, interrupt, scopes, handled: Vec::new(), row_count: 0, savepoints: 0 }
    }

    async fn run(&mut self, block: &crate::plan::statement::plpgsql::Block) -> Result<()> {
        match self.block(block).await? {
            Flow::Next | Flow::Return => Ok(()),
            Flow::Leave { label, goes_on } => Err(nowhere(label.as_deref(), goes_on)),
        }
    }

    fn text_context(&self) -> Arc<TextContext> {
        Arc::new(self.session.text_context())
    }
}

/// 42601: EXIT or CONTINUE leads nowhere.
fn nowhere(label: Option<&str>, goes_on: bool) -> SqlError {
    let message = match (label, goes_on) {
        (Some(label), _) => {
            format!(
                "there is no label \"{label}\" attached to any block or loop enclosing this statement"
            )
        }
        (None, true) => "CONTINUE cannot be used outside a loop".to_owned(),
        (None, false) => "EXIT cannot be used outside a loop, unless it has a label".to_owned(),
    };
    SqlError::new(SqlState::SYNTAX_ERROR, message)
}

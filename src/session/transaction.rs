//! The state of a connection's transaction (PostgreSQL, chapter 54.2.2.3 and `BEGIN`).

use std::sync::Arc;

use tracing::Instrument;

use crate::base::{Result, SqlError, SqlState, commit_span, note_failure};
use crate::catalog::Snapshot;
use crate::plan::statement::{Isolation, TransactionModes};
use crate::store::meta::Mirrored;
use crate::txn::WriteSet;

use super::connection::Session;
use super::listen::Listening;
use super::outcome::{Outcome, Status};
use super::temporary::without_passing_rows;

/// A connection's transaction.
#[derive(Debug, Default)]
pub(super) enum State {
    /// None.
    #[default]
    Idle,
    /// One that the next sync commits.
    Implicit(Transaction),
    /// One that COMMIT commits.
    Block(Transaction),
    /// One that can only be rolled back; its savepoints are still there.
    Failed(Transaction),
}

/// An open transaction.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    pub(super) writes: WriteSet,
    /// The one snapshot of REPEATABLE READ.
    pub(super) snapshot: Option<Arc<Mirrored<Snapshot>>>,
    pub(super) isolation: Isolation,
    pub(super) read_only: bool,
    /// What it changes about what the session listens to.
    pub(super) listening: Vec<Listening>,
    /// The microsecond that `now()` shows.
    pub(super) started_us: i64,
}

impl Session {
    /// What ReadyForQuery tells.
    pub fn status(&self) -> Status {
        match self.state {
            State::Idle | State::Implicit(_) => Status::Idle,
            State::Block(_) => Status::Block,
            State::Failed(_) => Status::Failed,
        }
    }

    /// A new transaction by the session's defaults.
    pub(super) fn new_transaction(&self) -> Transaction {
        let settings = self.settings.usual();
        Transaction {
            isolation: settings.isolation,
            read_only: settings.read_only,
            started_us: self.server.engine().clock().wall_us(),
            ..Transaction::default()
        }
    }

    /// The open transaction.
    pub(super) fn transaction(&mut self) -> Option<&mut Transaction> {
        match &mut self.state {
            State::Idle => None,
            State::Implicit(open) | State::Block(open) | State::Failed(open) => Some(open),
        }
    }

    /// BEGIN.
    pub(super) fn begin(&mut self, modes: &TransactionModes) -> Result<Outcome> {
        match std::mem::take(&mut self.state) {
            State::Idle => {
                let mut transaction = self.new_transaction();
                apply_modes(&mut transaction, modes)?;
                self.state = State::Block(transaction);
            }
            // What ran before in the same batch becomes a part of the block, as in PostgreSQL.
            State::Implicit(mut transaction) => {
                apply_modes(&mut transaction, modes)?;
                self.state = State::Block(transaction);
            }
            open => {
                self.state = open;
                let message = "there is already a transaction in progress";
                self.warn(SqlState::ACTIVE_SQL_TRANSACTION, message);
            }
        }
        Ok(Outcome::command("BEGIN"))
    }

    /// COMMIT. A failed block is rolled back instead, and says so by its tag.
    pub(super) async fn commit(&mut self, chain: bool) -> Result<Outcome> {
        if let Err(error) = self.take_over_effects() {
            self.rollback(false);
            return Err(error);
        }
        let (transaction, tag) = match std::mem::take(&mut self.state) {
            State::Idle => {
                self.warn(
                    SqlState::NO_ACTIVE_SQL_TRANSACTION,
                    "there is no transaction in progress",
                );
                return Ok(Outcome::command("COMMIT"));
            }
            State::Failed(transaction) => {
                self.end_transaction(false);
                (transaction, "ROLLBACK")
            }
            State::Implicit(mut transaction) | State::Block(mut transaction) => {
                let writes = std::mem::take(&mut transaction.writes);
                self.flush(writes).await?;
                self.apply_listening(std::mem::take(&mut transaction.listening));
                (transaction, "COMMIT")
            }
        };
        if chain {
            self.state = State::Block(chained(self.new_transaction(), &transaction));
        }
        Ok(Outcome::command(tag))
    }

    /// ROLLBACK.
    pub(super) fn rollback(&mut self, chain: bool) -> Outcome {
        match std::mem::take(&mut self.state) {
            State::Idle => {
                self.warn(
                    SqlState::NO_ACTIVE_SQL_TRANSACTION,
                    "there is no transaction in progress",
                );
            }
            State::Implicit(transaction)
            | State::Block(transaction)
            | State::Failed(transaction) => {
                self.end_transaction(false);
                if chain {
                    self.state = State::Block(chained(self.new_transaction(), &transaction));
                }
            }
        }
        Outcome::command("ROLLBACK")
    }

    /// Makes a write set visible to all.
    pub(super) async fn flush(&mut self, writes: WriteSet) -> Result<()> {
        let span = commit_span();
        let committed = self.server.engine().commit(without_passing_rows(writes));
        let committed = committed.instrument(span.clone()).await;
        let committed = committed.map_err(|error| self.conceal(error));
        if let Err(error) = &committed {
            note_failure(&span, error);
        }
        self.end_transaction(committed.is_ok());
        if let Some(revision) = committed? {
            self.seen = self.seen.max(revision);
        }
        Ok(())
    }

    /// FLUSH: commits the open transaction and starts the next with the same modes.
    pub(super) async fn flush_and_go_on(&mut self) -> Result<Outcome> {
        if matches!(self.state, State::Block(_)) {
            self.commit(true).await?;
        } else {
            self.sync().await?;
        }
        Ok(Outcome::command("FLUSH"))
    }

    /// Commits what has run in [`super::Mode::Implicit`].
    ///
    /// # Errors
    /// As COMMIT.
    pub async fn sync(&mut self) -> Result<()> {
        if let State::Implicit(_) = self.state {
            self.commit(false).await?;
            self.drop_passing().await;
        }
        Ok(())
    }

    /// A stream or the protocol has failed: what is open is aborted.
    pub fn statement_failed(&mut self) {
        self.shared.forget();
        match std::mem::take(&mut self.state) {
            State::Idle => {}
            State::Implicit(_) => self.end_transaction(false),
            State::Block(open) | State::Failed(open) => {
                // Nothing of it can be saved: others need not wait for its ROLLBACK.
                if !open.writes.has_savepoints() {
                    self.shared.locks.lock().end_transaction();
                }
                self.state = State::Failed(open);
            }
        }
        self.end_statement();
    }

    fn end_transaction(&mut self, committed: bool) {
        self.settings.end_transaction(committed);
        self.shared.locks.lock().end_transaction();
        self.shared.exported.lock().clear();
        self.cursors.retain(|_, cursor| cursor.outlives(committed));
    }

    /// SET TRANSACTION.
    pub(super) fn set_transaction(&mut self, modes: &TransactionModes) -> Result<Outcome> {
        match self.transaction() {
            Some(transaction) => apply_modes(transaction, modes)?,
            None => self.warn(
                SqlState::NO_ACTIVE_SQL_TRANSACTION,
                "SET TRANSACTION can only be used in transaction blocks",
            ),
        }
        Ok(Outcome::command("SET"))
    }

    /// SAVEPOINT, RELEASE and ROLLBACK TO need a block.
    pub(super) fn savepoint(&mut self, command: &str, name: &str) -> Result<Outcome> {
        let rolling_back = command == "ROLLBACK";
        match &mut self.state {
            State::Block(transaction) => match command {
                "SAVEPOINT" => transaction.writes.savepoint(name.to_owned()),
                "RELEASE" => transaction.writes.release(name)?,
                _ => transaction.writes.rollback_to(name)?,
            },
            State::Failed(transaction) if rolling_back => {
                transaction.writes.rollback_to(name)?;
                if let State::Failed(transaction) = std::mem::take(&mut self.state) {
                    self.state = State::Block(transaction);
                }
            }
            State::Idle | State::Implicit(_) | State::Failed(_) => {
                let command = if rolling_back { "ROLLBACK TO SAVEPOINT" } else { command };
                let message = format!("{command} can only be used in transaction blocks");
                return Err(SqlError::new(SqlState::NO_ACTIVE_SQL_TRANSACTION, message));
            }
        }
        Ok(Outcome::command(command))
    }
}

fn apply_modes(transaction: &mut Transaction, modes: &TransactionModes) -> Result<()> {
    match modes.isolation {
        None => {}
        Some(Isolation::Serializable) => {
            return Err(SqlError::unsupported("SERIALIZABLE is not supported")
                .with_hint("REPEATABLE READ reads one snapshot and refuses lost updates."));
        }
        Some(isolation) => transaction.isolation = isolation,
    }
    if let Some(read_only) = modes.read_only {
        transaction.read_only = read_only;
    }
    Ok(())
}

fn chained(mut next: Transaction, last: &Transaction) -> Transaction {
    next.isolation = last.isolation;
    next.read_only = last.read_only;
    next
}

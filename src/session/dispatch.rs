//! Runs a statement: in the transaction that is open, or in one of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::scalar::ScalarValue;
use tokio_util::sync::CancellationToken;

use crate::base::limits::AUTOCOMMIT_ATTEMPTS_MAX;
use crate::base::{Result, SqlError, SqlState};
use crate::plan::Statement;
use crate::plan::statement::{CopyDirection, TransactionModes};

use super::connection::Session;
use super::outcome::{Mode, Outcome};
use super::prepare::{Plan, Prepared};
use super::query::canceled;
use super::transaction::State;

impl Session {
    /// Runs a statement.
    ///
    /// # Errors
    /// Whatever is wrong with it; the transaction block it was in has failed then.
    pub async fn execute(
        &mut self,
        prepared: &Arc<Prepared>,
        parameters: Vec<ScalarValue>,
        mode: Mode,
    ) -> Result<Outcome> {
        self.check_not_failed(prepared.statement())?;
        self.take_over_settings()?;
        let cancel = self.renew_cancel();
        let timer = self.start_statement_timer(&cancel);
        let outcome = Box::pin(self.run_statement(prepared, &parameters, mode, &cancel)).await;
        let outcome = match outcome {
            Err(error) if timer.is_some_and(|timer| timer.is_over()) => Err(timed_out(error)),
            outcome => outcome,
        };
        match (&outcome, &self.state) {
            (Err(_), _) => self.statement_failed(),
            // A SET outside of a transaction holds whatever fails later.
            (Ok(_), State::Idle) => self.settings.end_transaction(true),
            (Ok(_), _) => {}
        }
        outcome
    }

    /// Cancels the statement when `statement_timeout` is over, unless it has ended before.
    fn start_statement_timer(&self, cancel: &CancellationToken) -> Option<StatementTimer> {
        let timeout = self.settings.timeout("statement_timeout")?;
        let cancel = cancel.clone();
        let over = Arc::new(AtomicBool::new(false));
        let rung = Arc::clone(&over);
        let task = tokio::spawn(async move {
            tokio::time::sleep(timeout).await;
            rung.store(true, Ordering::Relaxed);
            cancel.cancel();
        });
        Some(StatementTimer { task: task.abort_handle(), over })
    }

    /// 25P02 in a failed block, except for what ends it.
    pub(super) fn check_not_failed(&self, statement: &Statement) -> Result<()> {
        let ends = matches!(
            statement,
            Statement::Commit { .. } | Statement::Rollback { .. } | Statement::RollbackTo(_)
        );
        if matches!(self.state, State::Failed(_)) && !ends {
            return Err(SqlError::new(
                SqlState::IN_FAILED_SQL_TRANSACTION,
                "current transaction is aborted, commands ignored until end of transaction block",
            ));
        }
        Ok(())
    }

    pub(super) async fn run_statement(
        &mut self,
        prepared: &Arc<Prepared>,
        parameters: &[ScalarValue],
        mode: Mode,
        cancel: &CancellationToken,
    ) -> Result<Outcome> {
        match prepared.statement() {
            Statement::Begin(modes) => return self.begin(modes),
            Statement::Commit { chain } => return self.commit(*chain).await,
            Statement::Rollback { chain } => return Ok(self.rollback(*chain)),
            Statement::Savepoint(name) => return self.savepoint("SAVEPOINT", name),
            Statement::Release(name) => return self.savepoint("RELEASE", name),
            Statement::RollbackTo(name) => return self.savepoint("ROLLBACK", name),
            Statement::Flush => return self.flush_and_go_on().await,
            Statement::SetTransaction { session, modes } => {
                return if *session {
                    self.set_session_characteristics(modes)
                } else {
                    self.set_transaction(modes)
                };
            }
            _ => {}
        }
        let writes = matches!(
            prepared.statement(),
            Statement::Insert(_)
                | Statement::Update(_)
                | Statement::Delete(_)
                | Statement::Truncate(_)
                | Statement::CreateTableAs(_)
        );
        if writes {
            self.check_may_write(prepared.parsed.tag)?;
        }
        let alone = matches!(self.state, State::Idle) && mode == Mode::Autocommit;
        if writes && alone {
            return self.run_autocommit(prepared, parameters, cancel).await;
        }
        if let State::Idle = self.state
            && (writes || mode == Mode::Implicit || is_copy_in(prepared.statement()))
        {
            self.state = State::Implicit(self.new_transaction());
        }
        self.run_once(prepared, parameters, cancel).await
    }

    fn check_may_write(&mut self, tag: &str) -> Result<()> {
        let default = self.settings.is_on("default_transaction_read_only");
        if self.transaction().map_or(default, |transaction| transaction.read_only) {
            let message = format!("cannot execute {tag} in a read-only transaction");
            return Err(SqlError::new(SqlState::READ_ONLY_SQL_TRANSACTION, message));
        }
        Ok(())
    }

    /// A statement that is its own transaction: after a lost race it runs again on a fresh
    /// snapshot. Its output is held back until then.
    async fn run_autocommit(
        &mut self,
        prepared: &Arc<Prepared>,
        parameters: &[ScalarValue],
        cancel: &CancellationToken,
    ) -> Result<Outcome> {
        let mut attempt = 1;
        loop {
            self.state = State::Implicit(self.new_transaction());
            let outcome = self.run_once(prepared, parameters, cancel).await?;
            match self.commit(false).await {
                Ok(_) => return Ok(outcome),
                Err(error) if lost_race(&error) && attempt < AUTOCOMMIT_ATTEMPTS_MAX => {
                    attempt += 1
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Runs a statement, without committing it. Only this can be cancelled: a commit that has
    /// begun goes on, so that nobody is told of a failure that was none.
    async fn run_once(
        &mut self,
        prepared: &Arc<Prepared>,
        parameters: &[ScalarValue],
        cancel: &CancellationToken,
    ) -> Result<Outcome> {
        tokio::select! {
            biased;
            outcome = Box::pin(self.run(prepared, parameters, cancel)) => outcome,
            () = cancel.cancelled() => Err(canceled()),
        }
    }

    async fn run(
        &mut self,
        prepared: &Arc<Prepared>,
        parameters: &[ScalarValue],
        cancel: &CancellationToken,
    ) -> Result<Outcome> {
        let snapshot = self.statement_snapshot().await?;
        match self.current_plan(prepared, &snapshot)? {
            Plan::Query(plan) => {
                let run = self.run_on(&snapshot);
                let columns = Arc::clone(plan.columns());
                let stream = self.run_query(&plan, parameters, &run, cancel)?;
                let tag = prepared.parsed.tag;
                Ok(Outcome::Rows { columns, stream, tag })
            }
            Plan::Modify(plan) => self.modify(&plan, parameters, &snapshot).await,
            Plan::Utility => Box::pin(self.utility(prepared, parameters, &snapshot, cancel)).await,
        }
    }

    /// SET SESSION CHARACTERISTICS.
    fn set_session_characteristics(&mut self, modes: &TransactionModes) -> Result<Outcome> {
        use super::settings::Scope;
        use crate::plan::statement::Isolation;
        if let Some(isolation) = modes.isolation {
            let value = match isolation {
                Isolation::Serializable => {
                    return Err(SqlError::unsupported("SERIALIZABLE is not supported"));
                }
                Isolation::RepeatableRead => "repeatable read",
                Isolation::ReadCommitted | Isolation::ReadUncommitted => "read committed",
            };
            self.settings.set("default_transaction_isolation", value, Scope::Session)?;
        }
        if let Some(read_only) = modes.read_only {
            let value = if read_only { "on" } else { "off" };
            self.settings.set("default_transaction_read_only", value, Scope::Session)?;
        }
        Ok(Outcome::command("SET"))
    }
}

/// Stops the timer when the statement has ended.
struct StatementTimer {
    task: tokio::task::AbortHandle,
    over: Arc<AtomicBool>,
}

impl StatementTimer {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

impl Drop for StatementTimer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// 57014 in the words for `statement_timeout`, where that is what has stopped the statement.
fn timed_out(error: SqlError) -> SqlError {
    match error.code() {
        SqlState::QUERY_CANCELED => {
            SqlError::new(SqlState::QUERY_CANCELED, "canceling statement due to statement timeout")
        }
        _ => error,
    }
}

fn is_copy_in(statement: &Statement) -> bool {
    matches!(statement, Statement::Copy(copy) if copy.direction == CopyDirection::From)
}

/// A commit that another one came before: running the statement again tells what holds now.
fn lost_race(error: &SqlError) -> bool {
    matches!(error.code(), SqlState::SERIALIZATION_FAILURE | SqlState::UNIQUE_VIOLATION)
}

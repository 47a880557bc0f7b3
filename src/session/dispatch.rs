//! Runs a statement: in the transaction that is open, or in one of its own.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::displayable;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt;
use tracing::{Instrument, Span};

use crate::base::limits::AUTOCOMMIT_ATTEMPTS_MAX;
use crate::base::{Result, SqlError, SqlState, note_failure, statement_span};
use crate::plan::Statement;
use crate::plan::statement::{CopyDirection, CopyEndpoint, TransactionModes};

use super::activity::shown;
use super::connection::{AUDIT, Session};
use super::explain;
use super::interrupt::Interrupt;
use super::outcome::{Mode, Outcome};
use super::plan_cache::Plan;
use super::prepare::Prepared;
use super::statement_statistics::Meter;
use super::transaction::State;
use super::utility::is_definition;

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
        match prepared.statement() {
            // What queries have done goes with it.
            Statement::Rollback { .. } => self.shared.forget(),
            _ => self.take_over_effects()?,
        }
        let interrupt = self.begin_statement();
        let clock = Arc::clone(self.server.engine().clock());
        let began = clock.monotonic();
        let shown = shown(prepared.statement(), prepared.tag(), prepared.text());
        let application = &self.settings.usual().application_name;
        self.activity.begins(shown, application, clock.wall_us());
        let text = || prepared.normalized();
        let span = statement_span(prepared.tag(), text, &self.server.parts.database);
        let run = Box::pin(self.run_statement(prepared, &parameters, mode, &interrupt));
        let outcome = run.instrument(span.clone()).await;
        let outcome = outcome.map_err(|error| self.conceal(error));
        if let Err(error) = &outcome {
            note_failure(&span, error);
        }
        let meter = Meter { span, ..self.meter(prepared, began) };
        let outcome = outcome.map(|outcome| meter.measure(outcome));
        match (&outcome, &self.state) {
            (Err(_), _) => self.statement_failed(),
            // A SET outside of a transaction holds whatever fails later.
            (Ok(_), State::Idle) => self.settings.end_transaction(true),
            (Ok(_), _) => {}
        }
        self.drop_passing().await;
        let took = clock.monotonic().saturating_sub(began);
        self.has_run(prepared, &parameters, (shown, took, outcome.is_err()));
        outcome
    }

    /// Counts a statement, and tells the logs of it where they want to know.
    fn has_run(
        &self,
        prepared: &Prepared,
        parameters: &[ScalarValue],
        (shown, took, failed): (&str, Duration, bool),
    ) {
        self.server.totals.statement(failed, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        let settings = self.settings.usual();
        let user = &settings.current_user;
        if is_definition(prepared.statement()) {
            tracing::info!(target: AUDIT, %user, statement = shown, failed, "definition");
        }
        if settings.log_min_duration_statement.is_some_and(|slow| took >= slow) {
            let plan = match prepared.plan() {
                Plan::Query(plan) => plan.physical(parameters).ok(),
                Plan::Modify(_) | Plan::WithChanges(_) | Plan::Utility => None,
            };
            let plan = plan.map(|plan| displayable(plan.as_ref()).indent(false).to_string());
            let (milliseconds, plan) = (took.as_millis(), plan.unwrap_or_default());
            tracing::warn!(target: "redkite::slow", milliseconds, %user, statement = shown, plan);
        }
    }

    /// Counts how a statement that began then runs.
    pub(super) fn meter(&self, prepared: &Prepared, began: Duration) -> Meter {
        Meter {
            statistics: Arc::clone(&self.server.statistics),
            clock: Arc::clone(self.server.engine().clock()),
            user: self.role(),
            text: prepared.normalized(),
            began,
            span: Span::none(),
        }
    }

    /// A statement begins: what stops it, `statement_timeout` included.
    pub(super) fn begin_statement(&self) -> Interrupt {
        self.interrupts.begin(self.settings.usual().statement_timeout)
    }

    /// The rows of an earlier statement are read on, as a statement of its own.
    pub fn resume_statement(&self) {
        self.begin_statement();
    }

    /// The statement's outcome has been sent, or waits for its client: `statement_timeout` does
    /// not run any longer.
    pub fn end_statement(&self) {
        self.interrupts.end();
        let transaction = match self.state {
            State::Idle | State::Implicit(_) => None,
            State::Block(_) => Some(false),
            State::Failed(_) => Some(true),
        };
        self.activity.ends(transaction, self.server.engine().clock().wall_us());
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
        interrupt: &Interrupt,
    ) -> Result<Outcome> {
        match prepared.statement() {
            Statement::Begin(modes) => return self.begin(modes),
            Statement::Commit { chain } => return self.commit(*chain).await,
            Statement::Rollback { chain } => return Ok(self.rollback(*chain)),
            Statement::Savepoint(name) => return self.savepoint("SAVEPOINT", name),
            Statement::Release(name) => return self.savepoint("RELEASE", name),
            Statement::RollbackTo(name) => return self.savepoint("ROLLBACK", name),
            Statement::Flush => return self.flush_and_go_on().await,
            // What it runs is committed, and cancelled, as if it stood here itself.
            Statement::Execute { name, arguments } => {
                let inner = self.required_statement(name)?;
                let values = self.arguments(&inner, name, arguments, parameters).await?;
                return Box::pin(self.run_statement(&inner, &values, mode, interrupt)).await;
            }
            Statement::Do(block) => return Box::pin(self.do_block(block, mode, interrupt)).await,
            Statement::SetTransactionSnapshot(name) => return self.import_snapshot(name),
            Statement::SetTransaction { session, modes } => {
                return if *session {
                    self.set_session_characteristics(modes)
                } else {
                    self.set_transaction(modes)
                };
            }
            _ => {}
        }
        let change = self.change(prepared.statement());
        let reindex = matches!(prepared.statement(), Statement::Reindex(_));
        let defines = is_definition(prepared.statement()) && !reindex;
        let defines = defines.then_some(prepared.tag());
        if let Some(tag) = change.or(defines) {
            self.check_may_write(tag)?;
        }
        // What is to be said is said by a commit, as rows are shown by one.
        let writes = change.is_some() || notifies(prepared);
        let alone = matches!(self.state, State::Idle) && mode == Mode::Autocommit;
        if writes && alone {
            return self.run_autocommit(prepared, parameters, interrupt).await;
        }
        if let State::Idle = self.state
            && (writes || mode == Mode::Implicit || is_copy_in(prepared.statement(), true))
        {
            self.state = State::Implicit(self.new_transaction());
        }
        self.run_once(prepared, parameters, interrupt).await
    }

    /// The name of the change of rows that a statement makes.
    fn change(&self, statement: &Statement) -> Option<&'static str> {
        if is_copy_in(statement, false) {
            return Some("COPY FROM");
        }
        let Statement::Explain(explain) = statement else { return explain::change(statement) };
        if !explain.analyze {
            return None;
        }
        match &explain.statement {
            Statement::Execute { name, .. } => explain::change(self.statement(name)?.statement()),
            statement => explain::change(statement),
        }
    }

    pub(super) fn check_may_write(&mut self, tag: &str) -> Result<()> {
        let default = self.settings.usual().read_only;
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
        interrupt: &Interrupt,
    ) -> Result<Outcome> {
        let mut attempt = 1;
        loop {
            self.state = State::Implicit(self.new_transaction());
            let outcome = self.run_once(prepared, parameters, interrupt).await?;
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
        interrupt: &Interrupt,
    ) -> Result<Outcome> {
        tokio::select! {
            biased;
            outcome = Box::pin(self.run(prepared, parameters, interrupt)) => outcome,
            error = interrupt.raised() => Err(error),
        }
    }

    async fn run(
        &mut self,
        prepared: &Arc<Prepared>,
        parameters: &[ScalarValue],
        interrupt: &Interrupt,
    ) -> Result<Outcome> {
        let snapshot = self.snapshot_for(prepared.statement()).await?;
        if prepared.planned().lists() {
            self.listed = self.listed_now().into();
        }
        if prepared.planned().asks() {
            self.elsewhere = self.server.activities_elsewhere().await.into();
        }
        let bound = self.current_plan(prepared, &snapshot)?;
        match &bound.planned.plan {
            Plan::Query(plan) => {
                let run = self.run_on(&snapshot);
                let columns = Arc::clone(plan.columns());
                let parameters = prepared.values(parameters, &bound);
                let stream = self.run_query(plan, &parameters, &run, &snapshot)?;
                let stream = if plan.notifies() { collected(stream).await? } else { stream };
                Ok(Outcome::Rows { columns, stream, tag: prepared.tag() })
            }
            Plan::Modify(plan) => {
                let parameters = prepared.values(parameters, &bound);
                self.modify(plan, &parameters, &snapshot, None).await
            }
            Plan::WithChanges(plan) => {
                let parameters = prepared.values(parameters, &bound);
                self.run_changes(plan, &parameters, &snapshot).await
            }
            Plan::Utility => {
                Box::pin(self.utility(prepared, parameters, &snapshot, interrupt)).await
            }
        }
    }

    /// SET SESSION CHARACTERISTICS.
    fn set_session_characteristics(&mut self, modes: &TransactionModes) -> Result<Outcome> {
        use super::settings::Scope;
        use crate::plan::statement::Isolation;
        if let Some(isolation) = modes.isolation {
            if isolation == Isolation::Serializable {
                return Err(SqlError::unsupported("SERIALIZABLE is not supported"));
            }
            let value = isolation.as_str();
            self.settings.set("default_transaction_isolation", value, Scope::Session)?;
        }
        if let Some(read_only) = modes.read_only {
            let value = if read_only { "on" } else { "off" };
            self.settings.set("default_transaction_read_only", value, Scope::Session)?;
        }
        Ok(Outcome::command("SET"))
    }
}

/// Whether a statement has something to say at COMMIT.
fn notifies(prepared: &Prepared) -> bool {
    match prepared.plan() {
        Plan::Query(plan) => plan.notifies(),
        _ => matches!(prepared.statement(), Statement::Notify { .. }),
    }
}

/// A query that has been run to its end before its first row is sent: what it does is in its
/// transaction then.
async fn collected(rows: SendableRecordBatchStream) -> Result<SendableRecordBatchStream> {
    let schema = rows.schema();
    let batches: Vec<RecordBatch> = rows.try_collect().await.map_err(crate::plan::sql_error)?;
    let batches = futures::stream::iter(batches.into_iter().map(Ok));
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
}

/// Whether it is a COPY FROM the client, or not the client: that one ends with its statement.
fn is_copy_in(statement: &Statement, client: bool) -> bool {
    matches!(statement, Statement::Copy(copy) if copy.direction == CopyDirection::From
        && (copy.endpoint == CopyEndpoint::Client) == client)
}

/// A commit that another one came before: running the statement again tells what holds now.
fn lost_race(error: &SqlError) -> bool {
    matches!(error.code(), SqlState::SERIALIZATION_FAILURE | SqlState::UNIQUE_VIOLATION)
}

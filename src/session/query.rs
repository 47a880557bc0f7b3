//! Statements that only read.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::execution::SendableRecordBatchStream;
use datafusion::scalar::ScalarValue;

use crate::base::Result;
use crate::catalog::Snapshot;
use crate::exec::Run;
use crate::plan::statement::Isolation;
use crate::plan::{QueryPlan, Statement};
use crate::store::meta::Mirrored;

use super::connection::Session;
use super::explain::Watch;
use super::tables::StatementTables;
use super::transaction::State;

impl Session {
    /// The snapshot of the statement that begins: the transaction's own under REPEATABLE READ,
    /// otherwise a new one.
    pub(super) async fn statement_snapshot(&mut self) -> Result<Arc<Mirrored<Snapshot>>> {
        let fixed = match &self.state {
            State::Idle => None,
            State::Implicit(open) | State::Block(open) | State::Failed(open) => {
                open.snapshot.clone()
            }
        };
        if let Some(snapshot) = fixed {
            self.server.engine().must_be_alive().await?;
            return Ok(snapshot);
        }
        let consistency = self.settings.usual().consistency;
        let snapshot = self.server.engine().snapshot(consistency, self.seen).await?;
        self.seen = self.seen.max(snapshot.revision);
        if let Some(transaction) = self.transaction()
            && transaction.isolation == Isolation::RepeatableRead
        {
            transaction.snapshot = Some(Arc::clone(&snapshot));
        }
        Ok(snapshot)
    }

    /// The snapshot for a statement: for one that looks at no table whatever this node has, so that
    /// settings can be changed, and transactions ended, when nobody can be asked what is fresh.
    pub(super) async fn snapshot_for(
        &mut self,
        statement: &Statement,
    ) -> Result<Arc<Mirrored<Snapshot>>> {
        match statement {
            statement if statement.controls_transaction() => Ok(self.server.engine().current()),
            Statement::SetTransaction { .. }
            | Statement::Set(_)
            | Statement::Reset(_)
            | Statement::Show(_)
            | Statement::Discard(_)
            | Statement::Deallocate(_)
            | Statement::Execute { .. }
            | Statement::Do(_)
            | Statement::Fetch(_)
            | Statement::Close(_) => Ok(self.server.engine().current()),
            _ => self.statement_snapshot().await,
        }
    }

    /// What a plan runs on: the snapshot, with own writes where the session sees them.
    pub(super) fn run_on(&self, snapshot: &Arc<Mirrored<Snapshot>>) -> Run {
        self.run_watched(snapshot, None)
    }

    /// The same, with somebody who watches.
    pub(super) fn run_watched(
        &self,
        snapshot: &Arc<Mirrored<Snapshot>>,
        watch: Option<&Watch>,
    ) -> Run {
        let mut own = HashMap::new();
        if self.settings.usual().sees_own_writes
            && let State::Implicit(open) | State::Block(open) = &self.state
        {
            for table in snapshot.state.tables.values() {
                if open.writes.table(table.oid()).is_some() {
                    own.insert(table.oid(), open.writes.own_view(table));
                }
            }
        }
        let own_reader = self.server.engine().reader();
        let reader = Arc::clone(watch.map_or(own_reader, |watch| &watch.reader));
        let tables = StatementTables { snapshot: Arc::clone(snapshot), own, reader };
        let runtime = Arc::clone(&self.server.parts.runtime);
        Run::new(Arc::new(tables), runtime)
            .with_session(self.values(snapshot))
            .searching(self.settings.usual().search)
            .watched(watch.map(|watch| &watch.observer))
    }

    /// Runs a query; its stream ends with an error when the statement is interrupted.
    pub(super) fn run_query(
        &self,
        plan: &QueryPlan,
        parameters: &[ScalarValue],
        run: &Run,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<SendableRecordBatchStream> {
        let rows = plan.execute(parameters, run)?;
        Ok(self.interrupts.watch(self.remember_locked(plan, rows, run, snapshot)))
    }
}

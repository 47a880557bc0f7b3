//! Statements that only read.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::scalar::ScalarValue;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use crate::base::{Result, SqlError, SqlState};
use crate::catalog::Snapshot;
use crate::exec::Run;
use crate::plan::QueryPlan;
use crate::store::meta::Mirrored;

use super::connection::Session;
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
            return Ok(snapshot);
        }
        let consistency = self.settings.consistency();
        let snapshot = self.server.engine().snapshot(consistency, self.seen).await?;
        self.seen = self.seen.max(snapshot.revision);
        if let Some(transaction) = self.transaction()
            && transaction.repeatable_read
        {
            transaction.snapshot = Some(Arc::clone(&snapshot));
        }
        Ok(snapshot)
    }

    /// What a plan runs on: the snapshot, with own writes where the session sees them.
    pub(super) fn run_on(&self, snapshot: &Arc<Mirrored<Snapshot>>) -> Run {
        let mut own = HashMap::new();
        if self.settings.is_on("redkite.read_your_writes")
            && let State::Implicit(open) | State::Block(open) = &self.state
        {
            for table in snapshot.state.tables.values() {
                if open.writes.table(table.oid()).is_some() {
                    own.insert(table.oid(), open.writes.own_view(table));
                }
            }
        }
        let reader = Arc::clone(self.server.engine().reader());
        let tables = StatementTables { snapshot: Arc::clone(snapshot), own, reader };
        let runtime = Arc::clone(&self.server.parts.runtime);
        Run::new(Arc::new(tables), runtime).with_session(self.values(snapshot))
    }

    /// Runs a query; its stream ends with an error when the statement is cancelled.
    pub(super) fn run_query(
        &self,
        plan: &QueryPlan,
        parameters: &[ScalarValue],
        run: &Run,
        cancel: &CancellationToken,
    ) -> Result<SendableRecordBatchStream> {
        let stream = plan.execute(parameters, run)?;
        Ok(cancellable(stream, cancel.clone()))
    }
}

/// Ends a stream with 57014 once the token is cancelled.
fn cancellable(
    stream: SendableRecordBatchStream,
    cancel: CancellationToken,
) -> SendableRecordBatchStream {
    let schema = stream.schema();
    let cancelled = cancel.clone().cancelled_owned();
    let until = stream.take_until(cancelled);
    let last = futures::stream::once(async move {
        cancel.is_cancelled().then(|| Err(DataFusionError::External(Box::new(canceled()))))
    })
    .filter_map(futures::future::ready);
    Box::pin(RecordBatchStreamAdapter::new(schema, until.chain(last)))
}

/// 57014.
pub(super) fn canceled() -> SqlError {
    SqlError::new(SqlState::QUERY_CANCELED, "canceling statement due to user request")
}

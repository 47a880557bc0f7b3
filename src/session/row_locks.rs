//! `SELECT ... FOR UPDATE`: the rows that a transaction has read and relies on.
//!
//! Nothing waits for anything here. The addresses of rows that have been returned join the
//! transaction's write set, and its commit holds only if nobody has changed those rows meanwhile. A
//! query of no transaction relies on nothing.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Schema, UInt64Type};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;
use parking_lot::Mutex;

use crate::base::{Oid, Result};
use crate::catalog::Snapshot;
use crate::exec::Run;
use crate::plan::{LockedTable, QueryPlan};
use crate::segment::TableVersion;
use crate::store::meta::Mirrored;

use super::connection::Session;
use super::transaction::State;

/// Rows that a query has returned and that its transaction relies on.
#[derive(Debug)]
pub(super) struct LockedRows {
    table: Oid,
    /// What they were read at: it is kept until the write set keeps what it needs.
    snapshot: Arc<Mirrored<Snapshot>>,
    /// What the addresses are in.
    version: Arc<TableVersion>,
    addresses: Vec<u64>,
    exclusive: bool,
}

impl Session {
    /// The rows of a query without the addresses that follow its columns, which are remembered.
    pub(super) fn remember_locked(
        &self,
        plan: &QueryPlan,
        rows: SendableRecordBatchStream,
        run: &Run,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> SendableRecordBatchStream {
        let locked = plan.locked().to_vec();
        if locked.is_empty() {
            return rows;
        }
        let own = rows.schema().fields().len().saturating_sub(locked.len());
        let fields: Vec<_> = rows.schema().fields().iter().take(own).cloned().collect();
        let schema = Arc::new(Schema::new(fields));
        let versions = locked.iter().map(|table| run.tables.version(table.oid)).collect();
        let in_transaction = !matches!(self.state, State::Idle);
        let noting = Noting {
            locked,
            versions,
            snapshot: Arc::clone(snapshot),
            notes: in_transaction.then(|| Arc::clone(&self.shared.locked_rows)),
            own: (0..own).collect(),
        };
        let rows = rows.map(move |batch| noting.note(&batch?));
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }

    /// What queries have locked becomes the transaction's.
    ///
    /// # Errors
    /// 40001 when a table's definition has changed.
    pub(super) fn take_over_locked(&mut self) -> Result<()> {
        let locked = std::mem::take(&mut *self.shared.locked_rows.lock());
        if locked.is_empty() {
            return Ok(());
        }
        let engine = Arc::clone(self.server.engine());
        let now = engine.current();
        let Some(open) = self.transaction() else { return Ok(()) };
        for rows in locked {
            let table = now.state.require_table_by_oid(rows.table)?;
            let writes = open.writes.open(table)?;
            let at = rows.snapshot.revision;
            writes.lock(&engine, &rows.version, &rows.addresses, rows.exclusive, at)?;
        }
        Ok(())
    }
}

/// What is noted of the rows that go by.
struct Noting {
    locked: Vec<LockedTable>,
    versions: Vec<Option<Arc<TableVersion>>>,
    snapshot: Arc<Mirrored<Snapshot>>,
    /// None: no transaction relies on them.
    notes: Option<Arc<Mutex<Vec<LockedRows>>>>,
    /// The query's own columns.
    own: Vec<usize>,
}

impl Noting {
    fn note(&self, batch: &RecordBatch) -> datafusion::common::Result<RecordBatch> {
        if let Some(notes) = &self.notes {
            for (at, table) in self.locked.iter().enumerate() {
                let column = batch.column(self.own.len() + at).as_primitive_opt::<UInt64Type>();
                let (Some(column), Some(version)) = (column, &self.versions[at]) else { continue };
                notes.lock().push(LockedRows {
                    table: table.oid,
                    snapshot: Arc::clone(&self.snapshot),
                    version: Arc::clone(version),
                    addresses: column.iter().flatten().collect(),
                    exclusive: table.exclusive,
                });
            }
        }
        Ok(batch.project(&self.own)?)
    }
}

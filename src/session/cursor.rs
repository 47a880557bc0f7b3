//! Cursors: DECLARE, FETCH, MOVE, CLOSE. Those WITH HOLD have read all their rows when they are declared,
//! and stay when their transaction commits.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt;

use crate::base::{Result, SqlError, SqlState};
use crate::catalog::Snapshot;
use crate::catalog::system::CursorRow;
use crate::plan::OutputColumn;
use crate::plan::statement::{Declare, Fetch};
use crate::store::meta::Mirrored;

use super::connection::Session;
use super::cursor_rows::CursorRows;
use super::interrupt::Interrupt;
use super::outcome::Outcome;
use super::prepare::Prepared;
use super::transaction::State;
use super::utility::once;

/// A cursor: a query that waits to be fetched from.
pub(super) struct Cursor {
    pub(super) columns: Arc<[OutputColumn]>,
    rows: CursorRows,
    /// The statement that declared it.
    statement: String,
    binary: bool,
    /// `WITH HOLD`.
    hold: bool,
    /// When it was declared.
    created_us: i64,
    /// The transaction that declared it has committed.
    kept: bool,
}

impl std::fmt::Debug for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cursor").field("columns", &self.columns.len()).finish_non_exhaustive()
    }
}

impl Cursor {
    /// The end of a transaction: whether the cursor goes on.
    pub(super) fn outlives(&mut self, committed: bool) -> bool {
        self.kept |= committed && self.hold;
        self.kept
    }

    /// What `pg_cursors` shows of it.
    pub(super) fn shown(&self, name: &str) -> CursorRow {
        CursorRow {
            name: name.to_owned(),
            statement: self.statement.clone(),
            hold: self.hold,
            binary: self.binary,
            scrolls: self.rows.scrolls(),
            created_us: self.created_us,
        }
    }
}

impl Session {
    /// DECLARE.
    pub(super) async fn declare(
        &mut self,
        declare: &Declare,
        prepared: &Prepared,
        parameters: &[ScalarValue],
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Outcome> {
        let alone = matches!(self.state, State::Idle);
        if alone && !declare.hold {
            let message = "DECLARE CURSOR can only be used in transaction blocks";
            return Err(SqlError::new(SqlState::NO_ACTIVE_SQL_TRANSACTION, message));
        }
        if self.cursors.contains_key(&declare.name) {
            let message = format!("cursor \"{}\" already exists", declare.name);
            return Err(SqlError::new(SqlState::DUPLICATE_CURSOR, message));
        }
        let context = self.plan_context(snapshot);
        let types: Vec<_> = prepared.parameters().iter().cloned().map(Some).collect();
        let plan = self.server.parts.planner.query(&context, &declare.query, &types)?;
        self.permit(plan.demands(), snapshot)?;
        let run = self.run_on(snapshot);
        let rows = plan.execute(parameters, &run)?;
        let mut stream = self.remember_locked(&plan, rows, &run, snapshot);
        if declare.hold {
            let schema = stream.schema();
            let rows: Vec<RecordBatch> =
                stream.try_collect().await.map_err(crate::plan::sql_error)?;
            let rows = futures::stream::iter(rows.into_iter().map(Ok));
            stream = Box::pin(RecordBatchStreamAdapter::new(schema, rows));
        }
        let cursor = Cursor {
            columns: Arc::clone(plan.columns()),
            rows: CursorRows::new(stream, declare.scroll == Some(true)),
            statement: prepared.text().to_owned(),
            binary: declare.binary,
            hold: declare.hold,
            created_us: self.server.engine().clock().wall_us(),
            kept: alone,
        };
        self.cursors.insert(declare.name.clone(), cursor);
        Ok(Outcome::command("DECLARE CURSOR"))
    }

    /// FETCH and MOVE.
    pub(super) async fn fetch(&mut self, fetch: &Fetch, interrupt: &Interrupt) -> Result<Outcome> {
        let cursor = self.cursors.get_mut(&fetch.cursor);
        let cursor = cursor.ok_or_else(|| undefined(&fetch.cursor))?;
        let rows = cursor.rows.fetch(fetch.direction, interrupt).await?;
        if fetch.skip {
            return Ok(Outcome::command(format!("MOVE {}", rows.num_rows())));
        }
        let columns = Arc::clone(&cursor.columns);
        Ok(Outcome::Rows { columns, stream: once(rows), tag: "FETCH" })
    }

    /// The columns of a cursor.
    pub fn cursor_columns(&self, name: &str) -> Option<Arc<[OutputColumn]>> {
        self.cursors.get(name).map(|cursor| Arc::clone(&cursor.columns))
    }

    /// Closes a cursor, if there is one of this name.
    pub fn close_cursor(&mut self, name: &str) {
        self.cursors.remove(name);
    }

    /// CLOSE.
    pub(super) fn close(&mut self, name: Option<&str>) -> Result<Outcome> {
        match name {
            None => {
                self.cursors.clear();
                Ok(Outcome::command("CLOSE CURSOR ALL"))
            }
            Some(name) => {
                self.cursors.remove(name).ok_or_else(|| undefined(name))?;
                Ok(Outcome::command("CLOSE CURSOR"))
            }
        }
    }
}

fn undefined(name: &str) -> SqlError {
    let message = format!("cursor \"{name}\" does not exist");
    SqlError::new(SqlState::INVALID_CURSOR_NAME, message)
}

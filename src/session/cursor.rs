//! Cursors: DECLARE, FETCH, MOVE, CLOSE. They move forward only; those WITH HOLD have read all
//! their rows when they are declared, and stay when their transaction commits.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::scalar::ScalarValue;
use futures::{StreamExt, TryStreamExt};
use parking_lot::Mutex;

use crate::base::{Result, SqlError, SqlState};
use crate::catalog::Snapshot;
use crate::plan::OutputColumn;
use crate::plan::statement::{Declare, Fetch, FetchDirection};
use crate::store::meta::Mirrored;
use crate::types::PgType;

use super::connection::Session;
use super::interrupt::Interrupt;
use super::modify::arrow_error;
use super::outcome::Outcome;
use super::transaction::State;
use super::utility::once;

/// A cursor: a query that waits to be fetched from.
pub(super) struct Cursor {
    pub(super) columns: Arc<[OutputColumn]>,
    /// In a mutex only so that a session can be shared between threads: streams can't.
    stream: Mutex<SendableRecordBatchStream>,
    /// Rows that were read and not yet fetched.
    rest: Option<RecordBatch>,
    /// The row that it stands on.
    current: Option<RecordBatch>,
    /// How many rows it has gone past, the current one included.
    position: i64,
    /// `WITH HOLD`.
    hold: bool,
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

    /// The next rows, at most so many.
    async fn advance(&mut self, count: i64, interrupt: &Interrupt) -> Result<RecordBatch> {
        let schema = self.stream.get_mut().schema();
        let mut left = usize::try_from(count).unwrap_or(usize::MAX);
        let mut fetched = Vec::new();
        while left > 0 {
            let batch = match self.rest.take() {
                Some(rest) => rest,
                None => {
                    let next = tokio::select! {
                        biased;
                        error = interrupt.raised() => return Err(error),
                        next = self.stream.get_mut().next() => next,
                    };
                    match next {
                        None => break,
                        Some(batch) => batch.map_err(crate::plan::sql_error)?,
                    }
                }
            };
            let taken = batch.num_rows().min(left);
            if taken < batch.num_rows() {
                self.rest = Some(batch.slice(taken, batch.num_rows() - taken));
            }
            left -= taken;
            fetched.push(batch.slice(0, taken));
        }
        let rows = concat_batches(&schema, &fetched).map_err(arrow_error)?;
        let complete = left == 0;
        self.position = self.position.saturating_add(i64::try_from(rows.num_rows()).unwrap_or(0));
        let last = rows.num_rows().checked_sub(1).map(|last| rows.slice(last, 1));
        // Past the end there is no current row.
        self.current = if complete { last } else { None };
        Ok(rows)
    }

    /// The rows of one FETCH.
    async fn fetch(
        &mut self,
        direction: FetchDirection,
        interrupt: &Interrupt,
    ) -> Result<RecordBatch> {
        let (skip, count) = match direction {
            FetchDirection::Forward(count) if count > 0 => (0, count),
            FetchDirection::Forward(0)
            | FetchDirection::Backward(0)
            | FetchDirection::Relative(0) => {
                let empty = RecordBatch::new_empty(self.stream.get_mut().schema());
                return Ok(self.current.clone().unwrap_or(empty));
            }
            FetchDirection::Relative(by) if by > 0 => (by - 1, 1),
            FetchDirection::Absolute(at) if at > self.position => (at - self.position - 1, 1),
            FetchDirection::Absolute(at) if at > 0 && at == self.position => {
                let empty = RecordBatch::new_empty(self.stream.get_mut().schema());
                return Ok(self.current.clone().unwrap_or(empty));
            }
            FetchDirection::Backward(count) if count < 0 => (0, count.saturating_neg()),
            _ => return Err(forward_only()),
        };
        if skip > 0 {
            self.advance(skip, interrupt).await?;
        }
        self.advance(count, interrupt).await
    }
}

impl Session {
    /// DECLARE.
    pub(super) async fn declare(
        &mut self,
        declare: &Declare,
        types: &[PgType],
        parameters: &[ScalarValue],
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Outcome> {
        let alone = matches!(self.state, State::Idle);
        if alone && !declare.hold {
            let message = "DECLARE CURSOR can only be used in transaction blocks";
            return Err(SqlError::new(SqlState::NO_ACTIVE_SQL_TRANSACTION, message));
        }
        if declare.scroll == Some(true) {
            return Err(SqlError::unsupported("SCROLL cursors are not supported"));
        }
        if self.cursors.contains_key(&declare.name) {
            let message = format!("cursor \"{}\" already exists", declare.name);
            return Err(SqlError::new(SqlState::DUPLICATE_CURSOR, message));
        }
        let context = self.plan_context(snapshot);
        let types: Vec<_> = types.iter().cloned().map(Some).collect();
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
            stream: Mutex::new(stream),
            rest: None,
            current: None,
            position: 0,
            hold: declare.hold,
            kept: alone,
        };
        self.cursors.insert(declare.name.clone(), cursor);
        Ok(Outcome::command("DECLARE CURSOR"))
    }

    /// FETCH and MOVE.
    pub(super) async fn fetch(&mut self, fetch: &Fetch, interrupt: &Interrupt) -> Result<Outcome> {
        let cursor = self.cursors.get_mut(&fetch.cursor);
        let cursor = cursor.ok_or_else(|| undefined(&fetch.cursor))?;
        let rows = cursor.fetch(fetch.direction, interrupt).await?;
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

fn forward_only() -> SqlError {
    SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward")
        .with_hint("Cursors move forward only: close it and declare it again.")
}

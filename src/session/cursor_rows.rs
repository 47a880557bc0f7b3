//! The rows of a cursor: read as they are asked for. A cursor that goes forward only holds no more than
//! the row that it stands on and those that were read with it; one that scrolls keeps all that it has read.

use std::collections::VecDeque;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use parking_lot::Mutex;

use crate::base::limits::CURSOR_BYTES_MAX;
use crate::base::{Result, SqlError, SqlState};
use crate::plan::statement::FetchDirection;

use super::interrupt::Interrupt;
use super::modify::arrow_error;

/// Rows are counted from one; a cursor stands on a row, before the first (0), or behind the last.
pub(super) struct CursorRows {
    /// In a mutex only so that a session can be shared between threads: streams can't.
    stream: Mutex<SendableRecordBatchStream>,
    /// Batches read and still held.
    held: VecDeque<RecordBatch>,
    held_bytes: usize,
    /// How many rows there were before those held.
    dropped: i64,
    /// How many rows have been read.
    read: i64,
    /// Whether these are all.
    complete: bool,
    position: i64,
    scrolls: bool,
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

fn index(row: i64) -> usize {
    usize::try_from(row).unwrap_or_default()
}

impl CursorRows {
    pub(super) fn new(stream: SendableRecordBatchStream, scrolls: bool) -> Self {
        Self {
            stream: Mutex::new(stream),
            held: VecDeque::new(),
            held_bytes: 0,
            dropped: 0,
            read: 0,
            complete: false,
            position: 0,
            scrolls,
        }
    }

    /// Whether it goes back.
    pub(super) fn scrolls(&self) -> bool {
        self.scrolls
    }

    /// Reads until there are so many rows, or no more.
    async fn read_to(&mut self, row: i64, interrupt: &Interrupt) -> Result<()> {
        while self.read < row && !self.complete {
            let next = tokio::select! {
                biased;
                error = interrupt.raised() => return Err(error),
                next = self.stream.get_mut().next() => next,
            };
            let Some(batch) = next else {
                self.complete = true;
                break;
            };
            let batch = batch.map_err(crate::plan::sql_error)?;
            self.read = self.read.saturating_add(count(batch.num_rows()));
            self.held_bytes += batch.get_array_memory_size();
            self.held.push_back(batch);
            if self.scrolls && self.held_bytes > CURSOR_BYTES_MAX {
                let message = "a SCROLL cursor has read too many rows to go back to";
                return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
                    .with_detail(format!("A cursor may keep {CURSOR_BYTES_MAX} bytes."))
                    .with_hint("Declare it with NO SCROLL, or its query with a LIMIT."));
            }
            self.drop_before(self.position);
        }
        Ok(())
    }

    /// Forgets batches that lie before a row altogether, where nobody goes back to them.
    fn drop_before(&mut self, row: i64) {
        while !self.scrolls
            && let Some(first) = self.held.front()
            && self.dropped.saturating_add(count(first.num_rows())) < row
        {
            self.dropped += count(first.num_rows());
            self.held_bytes = self.held_bytes.saturating_sub(first.get_array_memory_size());
            self.held.pop_front();
        }
    }

    /// The rows from one to another, both included, as far as they have been read.
    fn between(&self, from: i64, to: i64) -> Result<Vec<RecordBatch>> {
        let (from, to) = (from.max(1), to.min(self.read));
        if from <= self.dropped && from <= to {
            return Err(forward_only());
        }
        let mut found = Vec::new();
        let mut before = self.dropped;
        for batch in &self.held {
            let end = before + count(batch.num_rows());
            let (start, stop) = (from.max(before + 1), to.min(end));
            if start <= stop {
                found.push(batch.slice(index(start - before - 1), index(stop - start + 1)));
            }
            before = end;
        }
        Ok(found)
    }

    fn joined(&mut self, batches: &[RecordBatch]) -> Result<RecordBatch> {
        let schema = self.stream.get_mut().schema();
        concat_batches(&schema, batches).map_err(arrow_error)
    }

    async fn forward(&mut self, by: i64, interrupt: &Interrupt) -> Result<RecordBatch> {
        let from = self.position;
        let to = from.saturating_add(by);
        self.read_to(to, interrupt).await?;
        let found = self.between(from + 1, to)?;
        self.position = to.min(self.read + 1);
        let rows = self.joined(&found)?;
        self.drop_before(self.position);
        Ok(rows)
    }

    fn backward(&mut self, by: i64) -> Result<RecordBatch> {
        if !self.scrolls {
            return Err(forward_only());
        }
        let from = self.position;
        let to = from.saturating_sub(by).max(0);
        let mut found = Vec::new();
        for batch in self.between(to.max(1), from - 1)?.iter().rev() {
            found.extend((0..batch.num_rows()).rev().map(|row| batch.slice(row, 1)));
        }
        // Before the first row only when there were not as many as were asked for.
        self.position = if count(found.len()) < by { 0 } else { to };
        self.joined(&found)
    }

    /// The row at a position, where it then stands.
    async fn at(&mut self, row: i64, interrupt: &Interrupt) -> Result<RecordBatch> {
        if row < self.position && !self.scrolls {
            return Err(forward_only());
        }
        self.read_to(row, interrupt).await?;
        self.position = row.clamp(0, self.read + 1);
        let found = if row < 1 { Vec::new() } else { self.between(row, row)? };
        self.joined(&found)
    }

    /// The rows of one FETCH.
    pub(super) async fn fetch(
        &mut self,
        direction: FetchDirection,
        interrupt: &Interrupt,
    ) -> Result<RecordBatch> {
        match direction {
            FetchDirection::Forward(0)
            | FetchDirection::Backward(0)
            | FetchDirection::Relative(0) => self.at(self.position, interrupt).await,
            FetchDirection::Forward(by) if by > 0 => self.forward(by, interrupt).await,
            FetchDirection::Forward(by) => self.backward(by.saturating_neg()),
            FetchDirection::Backward(by) if by > 0 => self.backward(by),
            FetchDirection::Backward(by) => self.forward(by.saturating_neg(), interrupt).await,
            FetchDirection::Relative(by) => {
                self.at(self.position.saturating_add(by).max(0), interrupt).await
            }
            FetchDirection::Absolute(row) if row >= 0 => self.at(row, interrupt).await,
            FetchDirection::Absolute(from_end) => {
                self.read_to(i64::MAX, interrupt).await?;
                let row = self.read.saturating_add(1).saturating_add(from_end);
                self.at(row.max(0), interrupt).await
            }
        }
    }
}

fn forward_only() -> SqlError {
    SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward")
        .with_hint("Declare it with SCROLL option to enable backward scan.")
}

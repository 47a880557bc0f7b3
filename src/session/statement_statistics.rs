//! What `pg_stat_statements` shows: how often statements ran on this node, for how long, and how many
//! rows they gave.
//!
//! Statements that differ by constants are one. A statement that fails counts for nothing, one whose
//! rows are sent counts when they are.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::DataFusionError;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream};
use futures::Stream;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tracing::Span;

use crate::base::limits::STATEMENT_STATISTICS_MAX;
use crate::base::{Clock, Oid, note_failure, note_rows};
use crate::catalog::system::StatementRow;
use crate::plan::sql_error;

use super::outcome::Outcome;

/// The statements that have run, by who ran them.
#[derive(Debug, Default)]
pub(super) struct Statistics {
    entries: Mutex<Entries>,
}

type Entries = HashMap<(Oid, Arc<str>), Entry, foldhash::fast::RandomState>;

/// How a statement ran.
#[derive(Clone, Debug)]
struct Entry {
    calls: u32,
    rows: u64,
    total_ms: f64,
    min_ms: f64,
    max_ms: f64,
    /// Welford's sum of squares of differences from the mean.
    squares: f64,
    since_us: i64,
}

impl Entry {
    fn new(since_us: i64) -> Self {
        let (calls, rows, total_ms, max_ms, squares) = (0, 0, 0.0, 0.0, 0.0);
        Self { calls, rows, total_ms, min_ms: f64::INFINITY, max_ms, squares, since_us }
    }

    fn add(&mut self, ms: f64, rows: u64) {
        let before = if self.calls == 0 { 0.0 } else { self.total_ms / f64::from(self.calls) };
        self.calls = self.calls.saturating_add(1);
        self.rows += rows;
        self.total_ms += ms;
        self.min_ms = self.min_ms.min(ms);
        self.max_ms = self.max_ms.max(ms);
        self.squares += (ms - before) * (ms - self.total_ms / f64::from(self.calls));
    }
}

impl Statistics {
    /// Adds so many runs that took a time together and gave so many rows each.
    fn add(
        &self,
        user: Oid,
        text: &Arc<str>,
        (took, rows, runs): (Duration, u64, u32),
        now_us: i64,
    ) {
        let mut entries = self.entries.lock();
        let key = (user, Arc::clone(text));
        if entries.len() >= STATEMENT_STATISTICS_MAX && !entries.contains_key(&key) {
            forget_rare(&mut entries);
        }
        let entry = entries.entry(key).or_insert_with(|| Entry::new(now_us));
        let each_ms = took.as_secs_f64() * 1e3 / f64::from(runs.max(1));
        (0..runs).for_each(|_| entry.add(each_ms, rows));
    }

    /// As rows.
    pub(super) fn rows(&self) -> Vec<StatementRow> {
        let entries = self.entries.lock().clone();
        let row = |((user, text), entry): ((Oid, Arc<str>), Entry)| {
            let calls = f64::from(entry.calls);
            StatementRow {
                user,
                id: query_id(&text),
                query: text.to_string(),
                calls: entry.calls,
                rows: entry.rows,
                total_ms: entry.total_ms,
                min_ms: entry.min_ms,
                max_ms: entry.max_ms,
                mean_ms: entry.total_ms / calls,
                deviation_ms: (entry.squares / calls).max(0.0).sqrt(),
                since_us: entry.since_us,
            }
        };
        entries.into_iter().map(row).collect()
    }

    /// Forgets those of a role and of a query; zero: of all.
    pub(super) fn reset(&self, user: Oid, query: i64) {
        let meant = |(of, text): &(Oid, Arc<str>)| {
            (user == Oid(0) || *of == user) && (query == 0 || query_id(text) == query)
        };
        self.entries.lock().retain(|key, _| !meant(key));
    }
}

/// Forgets a twentieth of the statements: those that ran least.
fn forget_rare(entries: &mut Entries) {
    let mut calls: Vec<u32> = entries.values().map(|entry| entry.calls).collect();
    let rare = calls.len() / 20;
    let (_, most, _) = calls.select_nth_unstable(rare);
    let (most, mut left) = (*most, rare + 1);
    entries.retain(|_, entry| {
        let goes = entry.calls <= most && left > 0;
        left -= usize::from(goes);
        !goes
    });
}

/// The same for the same text, on every node.
fn query_id(text: &str) -> i64 {
    let digest = Sha256::digest(text);
    let (first, _) = digest.split_at(8);
    first.iter().fold(0, |id: i64, byte| (id << 8) | i64::from(*byte))
}

/// A statement that runs and is to be counted.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) statistics: Arc<Statistics>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) user: Oid,
    pub(super) text: Arc<str>,
    pub(super) began: Duration,
    /// What traces know of it.
    pub(super) span: Span,
}

impl Meter {
    fn count(&self, rows: u64) {
        note_rows(&self.span, rows);
        self.count_runs(rows, 1);
    }

    /// Counts so many runs that gave so many rows each.
    pub(super) fn count_runs(&self, rows: u64, runs: u32) {
        let took = self.clock.monotonic().saturating_sub(self.began);
        self.statistics.add(self.user, &self.text, (took, rows, runs), self.clock.wall_us());
    }

    /// Counts a statement that has run, or, where it gives rows, once they have been read.
    pub(super) fn measure(self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Rows { columns, stream, tag } => {
                Outcome::Rows { columns, stream: self.watch(stream), tag }
            }
            Outcome::CopyOut { columns, options, stream, progress } => {
                let stream = self.watch(stream);
                Outcome::CopyOut { columns, options, stream, progress }
            }
            Outcome::Command { tag } => {
                let rows = tag.rsplit(' ').next().and_then(|rows| rows.parse().ok());
                self.count(rows.unwrap_or_default());
                Outcome::Command { tag }
            }
            // The rows are still to come.
            other @ (Outcome::Empty | Outcome::CopyIn(_)) => other,
        }
    }

    fn watch(self, rows: SendableRecordBatchStream) -> SendableRecordBatchStream {
        Box::pin(Measured { rows, seen: 0, failed: false, meter: self })
    }
}

/// Rows that are counted when they have been read, or nobody reads on.
struct Measured {
    rows: SendableRecordBatchStream,
    seen: u64,
    failed: bool,
    meter: Meter,
}

impl Stream for Measured {
    type Item = Result<RecordBatch, DataFusionError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let next = this.meter.span.in_scope(|| this.rows.as_mut().poll_next(context));
        match next {
            Poll::Ready(Some(Ok(batch))) => {
                self.seen += batch.num_rows() as u64;
                Poll::Ready(Some(Ok(batch)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.failed = true;
                let error = sql_error(error);
                note_failure(&self.meter.span, &error);
                Poll::Ready(Some(Err(DataFusionError::External(Box::new(error)))))
            }
            other @ (Poll::Ready(None) | Poll::Pending) => other,
        }
    }
}

impl RecordBatchStream for Measured {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        if !self.failed {
            self.meter.count(self.seen);
        }
    }
}

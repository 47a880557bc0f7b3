//! How far a COPY is: `pg_stat_progress_copy`. It is there as long as the COPY is.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::Oid;
use crate::catalog::system::CopyRow;

/// How far a COPY is.
#[derive(Debug)]
pub struct CopyProgress {
    table: Oid,
    from: bool,
    kind: &'static str,
    bytes: AtomicU64,
    bytes_total: AtomicU64,
    rows: AtomicU64,
    excluded: AtomicU64,
    skipped: AtomicU64,
}

impl CopyProgress {
    /// Of a COPY that begins, of a table or, zero, a query.
    pub fn new(table: Oid, from: bool, kind: &'static str) -> Self {
        Self {
            table,
            from,
            kind,
            bytes: AtomicU64::new(0),
            bytes_total: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            excluded: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
        }
    }

    /// So many bytes there are.
    pub(super) fn expect_bytes(&self, bytes: u64) {
        self.bytes_total.store(bytes, Ordering::Relaxed);
    }

    /// So many bytes more are done.
    pub fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many rows more are done.
    pub fn add_rows(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// So many rows more did not fulfil WHERE.
    pub(super) fn add_excluded(&self, rows: u64) {
        self.excluded.fetch_add(rows, Ordering::Relaxed);
    }

    /// So many rows in all did not fit their types.
    pub(super) fn skipped(&self, rows: u64) {
        self.skipped.store(rows, Ordering::Relaxed);
    }

    /// How many rows are done.
    pub(super) fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// As a row.
    pub(super) fn row(&self) -> CopyRow {
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        CopyRow {
            table: self.table,
            from: self.from,
            kind: self.kind.to_owned(),
            bytes: (load(&self.bytes), load(&self.bytes_total)),
            rows: load(&self.rows),
            excluded: load(&self.excluded),
            skipped: load(&self.skipped),
        }
    }
}

//! How much was asked of the object store: what benchmarks, metrics and tests read.

use std::sync::atomic::{AtomicU64, Ordering};

/// Running totals since the start.
#[derive(Debug, Default)]
pub struct Counters {
    reads: AtomicU64,
    read_bytes: AtomicU64,
    writes: AtomicU64,
    written_bytes: AtomicU64,
    deletes: AtomicU64,
    lists: AtomicU64,
    retries: AtomicU64,
}

/// The totals at one moment.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// GET requests (a range counts as one).
    pub reads: u64,
    /// Bytes that they returned.
    pub read_bytes: u64,
    /// PUT requests (a part counts as one).
    pub writes: u64,
    /// Bytes that they sent.
    pub written_bytes: u64,
    /// Objects that were deleted.
    pub deletes: u64,
    /// LIST calls.
    pub lists: u64,
    /// Operations that were tried again after a failure.
    pub retries: u64,
}

impl Counters {
    /// The totals now.
    pub fn counts(&self) -> Counts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            reads: load(&self.reads),
            read_bytes: load(&self.read_bytes),
            writes: load(&self.writes),
            written_bytes: load(&self.written_bytes),
            deletes: load(&self.deletes),
            lists: load(&self.lists),
            retries: load(&self.retries),
        }
    }

    pub(super) fn read(&self, bytes: u64) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.read_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn written(&self, bytes: u64) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.written_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn deleted(&self) {
        self.deletes.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn listed(&self) {
        self.lists.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }
}

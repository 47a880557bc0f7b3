//! How much was asked of the object store: what benchmarks, metrics and tests read.

use std::sync::Arc;
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
    /// The longest chain of reads of which each began when the one before had ended.
    rounds: AtomicU64,
    /// Totals that these are a part of.
    whole: Option<Arc<Counters>>,
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
    /// The longest chain of reads of which each began when the one before had ended: how many times
    /// whoever waited for all of them has waited for the store, at most.
    pub rounds: u64,
}

/// How many reads, one after the other, a read may have waited for, itself included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round(u64);

impl Counters {
    /// Totals of a part: what is counted here counts in the whole too.
    pub(super) fn within(whole: &Arc<Self>) -> Self {
        Self { whole: Some(Arc::clone(whole)), ..Self::default() }
    }

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
            rounds: load(&self.rounds),
        }
    }

    /// A read begins: the round that it belongs to.
    pub(super) fn begin_read(&self) -> Round {
        Round(self.rounds.load(Ordering::Relaxed) + 1)
    }

    /// It has ended.
    pub(super) fn read(&self, round: Round, bytes: u64) {
        self.rounds.fetch_max(round.0, Ordering::Relaxed);
        self.count(|totals| (&totals.reads, &totals.read_bytes), bytes);
    }

    pub(super) fn written(&self, bytes: u64) {
        self.count(|totals| (&totals.writes, &totals.written_bytes), bytes);
    }

    pub(super) fn deleted(&self) {
        self.count_one(|totals| &totals.deletes);
    }

    pub(super) fn listed(&self) {
        self.count_one(|totals| &totals.lists);
    }

    pub(super) fn retried(&self) {
        self.count_one(|totals| &totals.retries);
    }

    fn count(&self, which: impl Fn(&Self) -> (&AtomicU64, &AtomicU64), bytes: u64) {
        for totals in std::iter::once(self).chain(self.whole.as_deref()) {
            let (operations, all_bytes) = which(totals);
            operations.fetch_add(1, Ordering::Relaxed);
            all_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    fn count_one(&self, which: impl Fn(&Self) -> &AtomicU64) {
        for totals in std::iter::once(self).chain(self.whole.as_deref()) {
            which(totals).fetch_add(1, Ordering::Relaxed);
        }
    }
}

//! What the searches of an operator did, counted for EXPLAIN ANALYZE.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::exec::leaf::SearchWork;

/// Counters that the pieces of a search add to.
#[derive(Debug, Default)]
pub(super) struct Work {
    exact: AtomicUsize,
    indexed: AtomicUsize,
    rows: AtomicU64,
    filtered: AtomicU64,
    /// The least recall that an index promises, in thousandths, plus one; 0: none has.
    recall: AtomicUsize,
}

impl Work {
    /// A piece was searched by comparing so many of its rows.
    pub(super) fn exact(&self, rows: usize) {
        self.exact.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// A piece was searched through an index, which computed so many distances.
    pub(super) fn indexed(&self, distances: u64, recall: Option<f32>) {
        self.indexed.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(distances, Ordering::Relaxed);
        if let Some(recall) = recall {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0 to 1000"
            )]
            let promised = (recall.clamp(0.0, 1.0) * 1000.0).round() as usize + 1;
            let least = |now: usize| (now == 0 || promised < now).then_some(promised);
            let _unchanged = self.recall.fetch_update(Ordering::Relaxed, Ordering::Relaxed, least);
        }
    }

    /// The filter looked at so many rows.
    pub(super) fn filtered(&self, rows: usize) {
        self.filtered.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// All of it.
    pub(super) fn so_far(&self) -> SearchWork {
        let promised = self.recall.load(Ordering::Relaxed);
        SearchWork {
            segments: self.exact.load(Ordering::Relaxed),
            indexed: self.indexed.load(Ordering::Relaxed),
            rows: usize::try_from(self.rows.load(Ordering::Relaxed)).unwrap_or(usize::MAX),
            filtered: self.filtered.load(Ordering::Relaxed),
            recall_thousandths: promised.checked_sub(1),
        }
    }
}

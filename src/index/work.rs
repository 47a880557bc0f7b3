//! How long work is watched and stopped.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::error::IndexError;

/// Long work's ties to who asked for it.
#[derive(Debug, Clone, Copy)]
pub struct Work<'a> {
    /// How many threads it runs on, the caller's one included.
    pub threads: usize,
    /// Bytes of memory that it may take beside the vectors: what would need more is done with less.
    pub memory: u64,
    /// Set by anyone to stop it: looked at every few milliseconds.
    pub cancelled: &'a AtomicBool,
    /// Rows that are done, for progress: only ever added to.
    pub done: &'a AtomicU64,
}

impl Work<'_> {
    /// Goes on unless the work was cancelled.
    pub(super) fn check(&self) -> Result<(), IndexError> {
        check(self.cancelled)
    }

    /// Does `count` pieces of work on all its threads, each a range of them; what each gives, in the
    /// order of the ranges.
    pub(super) fn spread<T: Send>(
        &self,
        count: usize,
        piece: impl Fn(Range<usize>) -> Result<T, IndexError> + Sync,
    ) -> Result<Vec<T>, IndexError> {
        let share = count.div_ceil(self.threads.max(1)).max(1);
        let range = |from: usize| from..count.min(from + share);
        std::thread::scope(|scope| {
            let piece = &piece;
            // The first one is the calling thread's.
            let others: Vec<_> = (share..count)
                .step_by(share)
                .map(|from| scope.spawn(move || piece(range(from))))
                .collect();
            let mut done = vec![piece(range(0))?];
            for other in others {
                let Ok(outcome) = other.join() else {
                    return Err(IndexError::Corrupt("a thread that measures has died"));
                };
                done.push(outcome?);
            }
            Ok(done)
        })
    }
}

/// Goes on unless the flag is set.
pub(super) fn check(cancelled: &AtomicBool) -> Result<(), IndexError> {
    if cancelled.load(Ordering::Relaxed) { Err(IndexError::Cancelled) } else { Ok(()) }
}

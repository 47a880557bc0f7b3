//! How long work is watched and stopped.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::error::IndexError;

/// Long work's ties to who asked for it.
#[derive(Debug, Clone, Copy)]
pub struct Work<'a> {
    /// How many threads it runs on, the caller's one included.
    pub threads: usize,
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
}

/// Goes on unless the flag is set.
pub(super) fn check(cancelled: &AtomicBool) -> Result<(), IndexError> {
    if cancelled.load(Ordering::Relaxed) { Err(IndexError::Cancelled) } else { Ok(()) }
}

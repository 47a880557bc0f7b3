//! Which snapshots of this node are still read: garbage collection asks for the oldest.
//!
//! A snapshot that is handed out is remembered weakly, so that whoever reads it keeps it open by
//! holding it, and needs no guard. What is older than an answer of [`OpenSnapshots::oldest`]
//! is never handed out any more.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::base::Revision;
use crate::catalog::Snapshot;
use crate::store::meta::{Mirror, Mirrored};

/// The snapshots that this node has handed out.
#[derive(Debug, Default)]
pub(super) struct OpenSnapshots {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: VecDeque<(Revision, Weak<Mirrored<Snapshot>>)>,
    /// Revisions that open transactions need whatever snapshot they read now, with how many do.
    pinned: BTreeMap<Revision, usize>,
    /// What was last told to be the oldest.
    floor: Revision,
}

/// Keeps what a revision can reach, until it is dropped.
#[derive(Debug)]
pub(super) struct Pin {
    open: Arc<OpenSnapshots>,
    revision: Revision,
}

impl OpenSnapshots {
    /// Hands a snapshot out: this one, or the mirror's current one where this one is older than
    /// what others were told.
    pub(super) fn hand_out(
        &self,
        mirror: &Mirror<Snapshot>,
        snapshot: Arc<Mirrored<Snapshot>>,
    ) -> Arc<Mirrored<Snapshot>> {
        let mut state = self.state.lock();
        let snapshot = if snapshot.revision < state.floor { mirror.current() } else { snapshot };
        let weak = Arc::downgrade(&snapshot);
        let known = state.open.back().is_some_and(|(_, last)| Weak::ptr_eq(last, &weak));
        if !known {
            while state.open.front().is_some_and(|(_, open)| open.strong_count() == 0) {
                state.open.pop_front();
            }
            state.open.push_back((snapshot.revision, weak));
        }
        snapshot
    }

    /// The oldest revision that anyone on this node reads, or will read.
    pub(super) fn oldest(&self, mirror: &Mirror<Snapshot>) -> Revision {
        let mut state = self.state.lock();
        state.open.retain(|(_, open)| open.strong_count() > 0);
        let open = state.open.iter().map(|(revision, _)| *revision).min();
        let pinned = state.pinned.keys().next().copied();
        let current = mirror.current().revision;
        let oldest = [open, pinned].into_iter().flatten().fold(current, Revision::min);
        state.floor = state.floor.max(oldest);
        oldest
    }

    /// Keeps all that this node can reach now.
    pub(super) fn pin(self: &Arc<Self>, mirror: &Mirror<Snapshot>) -> Arc<Pin> {
        let revision = self.oldest(mirror);
        *self.state.lock().pinned.entry(revision).or_default() += 1;
        Arc::new(Pin { open: Arc::clone(self), revision })
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut state = self.open.state.lock();
        if let Some(count) = state.pinned.get_mut(&self.revision) {
            *count -= 1;
            if *count == 0 {
                state.pinned.remove(&self.revision);
            }
        }
    }
}

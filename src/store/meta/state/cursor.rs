//! A published state: read it, wait for its next revision, follow it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::base::{Clock, Revision};

use super::super::{Error, KeyRange, LeaseId, Result, WatchEvent};
use super::{Commit, Staged, Staging, State};

/// Commits that a watch takes at once, so that it does not hold the lock for long.
const WATCH_COMMITS_MAX: usize = 256;
/// How often a watch looks at the clock while there are leases, whatever clock that is.
const LEASE_TICK: Duration = Duration::from_millis(50);

/// The state that readers see, behind a lock that is never held across I/O.
#[derive(Debug)]
pub(in super::super) struct Published {
    state: RwLock<State>,
    revision: watch::Sender<Revision>,
    clock: Arc<dyn Clock>,
}

impl Published {
    /// Publishes a state.
    pub(in super::super) fn new(state: State, clock: Arc<dyn Clock>) -> Self {
        let revision = watch::Sender::new(state.revision());
        Self { state: RwLock::new(state), revision, clock }
    }

    /// Reads.
    pub(in super::super) fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.state.read())
    }

    /// Decides and publishes in one step: for a store that has nothing to write down.
    pub(in super::super) fn decide<T>(
        &self,
        decide: impl FnOnce(&mut Staging<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut state = self.state.write();
        let mut staging = Staging::new(&state);
        let decided = decide(&mut staging)?;
        let staged = staging.finish();
        self.publish_locked(&mut state, staged);
        Ok(decided)
    }

    /// Decides without publishing: only for a store whose every write goes through one thread.
    pub(in super::super) fn stage(
        &self,
        decide: impl FnOnce(&mut Staging<'_>) -> Result<()>,
    ) -> Result<Staged> {
        let state = self.state.read();
        let mut staging = Staging::new(&state);
        decide(&mut staging)?;
        Ok(staging.finish())
    }

    /// Makes what was staged visible and wakes the watchers.
    pub(in super::super) fn publish(&self, staged: Staged) {
        self.publish_locked(&mut self.state.write(), staged);
    }

    fn publish_locked(&self, state: &mut State, staged: Staged) {
        let wake = !staged.commits.is_empty();
        state.publish(staged);
        if wake {
            self.revision.send_replace(state.revision());
        }
    }

    /// Forgets history.
    pub(in super::super) fn compact(&self, at: Revision) -> Result<()> {
        self.state.write().compact(at)
    }

    /// A new lease.
    pub(in super::super) fn grant_lease(&self, ttl: Duration) -> LeaseId {
        self.state.write().leases.grant(ttl, self.clock.monotonic())
    }

    /// Keeps a lease alive.
    pub(in super::super) fn keep_alive(&self, lease: LeaseId) -> Result<Duration> {
        self.state.write().leases.keep_alive(lease, self.clock.monotonic())
    }

    /// The leases whose time is over.
    pub(in super::super) fn expired_leases(&self) -> Vec<LeaseId> {
        self.state.read().leases.expired(self.clock.monotonic())
    }

    /// Whether somebody holds a lease.
    pub(in super::super) fn has_leases(&self) -> bool {
        !self.state.read().leases.is_empty()
    }

    /// Follows a range. `tick` is called now and then, to publish what the passing of time
    /// brings about.
    pub(in super::super) fn watch(
        self: &Arc<Self>,
        range: KeyRange,
        from: Revision,
        tick: fn(&Self),
    ) -> BoxStream<'static, Result<WatchEvent>> {
        let cursor = Cursor {
            seen: self.revision.subscribe(),
            published: Arc::clone(self),
            range,
            next: from.max(Revision(1)),
            told: VecDeque::new(),
            tick,
        };
        stream::unfold(Some(cursor), |cursor| async move {
            let mut cursor = cursor?;
            match cursor.next().await {
                Ok(event) => Some((Ok(event), Some(cursor))),
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }
}

/// Where one watch stands.
struct Cursor {
    published: Arc<Published>,
    seen: watch::Receiver<Revision>,
    range: KeyRange,
    next: Revision,
    told: VecDeque<WatchEvent>,
    tick: fn(&Published),
}

impl Cursor {
    async fn next(&mut self) -> Result<WatchEvent> {
        loop {
            if let Some(event) = self.told.pop_front() {
                return Ok(event);
            }
            self.seen.mark_unchanged();
            let commits =
                self.published.read(|state| state.commits_from(self.next, WATCH_COMMITS_MAX))?;
            if commits.is_empty() {
                self.wait().await?;
            }
            self.take(&commits);
        }
    }

    fn take(&mut self, commits: &[Arc<Commit>]) {
        let Some(last) = commits.last() else { return };
        for commit in commits {
            let changes = commit.changes.iter().filter(|change| self.range.contains(change.key()));
            let changes: Vec<_> = changes.cloned().collect();
            if !changes.is_empty() {
                self.told.push_back(WatchEvent::Changes { revision: commit.revision, changes });
            }
        }
        if self.told.back().is_none_or(|event| event.revision() < last.revision) {
            self.told.push_back(WatchEvent::Progress(last.revision));
        }
        self.next = Revision(last.revision.0 + 1);
    }

    async fn wait(&mut self) -> Result<()> {
        loop {
            (self.tick)(&self.published);
            let changed = self.seen.changed();
            if let Ok(changed) = tokio::time::timeout(LEASE_TICK, changed).await {
                return changed.map_err(|_| Error::unavailable("the store was closed"));
            }
        }
    }
}

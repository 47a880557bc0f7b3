//! A typed, immutable copy of a key range, kept up to date by a watch.
//!
//! **Promise.** [`Mirror::current`] is a store's state at one revision, never part of a revision,
//! and never goes back. [`Mirror::wait_for`] and [`Mirror::fresh`] wait until it has reached a
//! revision; the second asks the store which one, and callers that arrive while it asks share
//! the next question, never one that was put before they arrived.
//!
//! A task of its own follows the store. When the watch breaks it starts another from where it
//! was; when history was compacted under it, or the revision that somebody waits for does not
//! come, it reads all again; when what it reads makes no
//! sense to the [`Keyspace`], it stays where it is, says so to everyone who waits, and tries again.

mod follow;
mod freshness;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use crate::base::Revision;

use super::{Change, Error, KeyRange, MetaStore, Result};
use freshness::Freshness;

/// A state that metadata changes make: cheap to clone (structurally shared).
pub trait Keyspace: Clone + Send + Sync + 'static {
    /// The state of a store without keys.
    fn empty() -> Self;

    /// Applies the changes of one revision, or, on an empty state, all keys as of it.
    ///
    /// After an error the state is thrown away, and the mirror reads all again.
    fn apply(&mut self, revision: Revision, changes: &[Change]) -> Result<()>;
}

/// A state and the revision that made it.
#[derive(Debug)]
pub struct Mirrored<S> {
    /// All changes up to this revision are in the state.
    pub revision: Revision,
    /// The state.
    pub state: S,
}

/// What a mirror follows, and how.
#[derive(Clone, Debug)]
pub struct MirrorConfig {
    /// The keys that make up the state.
    pub range: KeyRange,
    /// The key that every change in the range bumps: whose revision tells what is fresh.
    pub head: Bytes,
    /// How long [`Mirror::fresh`] waits before it gives up.
    pub fresh_timeout: Duration,
    /// How long a waiter waits before the mirror reads all again: the watch of a store that others
    /// use as well need not tell of a revision that changed nothing in the range.
    pub stall: Duration,
    /// The first pause after a failure; it doubles up to sixty-four times as long.
    pub retry_pause: Duration,
}

impl MirrorConfig {
    /// The usual waiting times.
    pub fn new(range: KeyRange, head: impl Into<Bytes>) -> Self {
        Self {
            range,
            head: head.into(),
            fresh_timeout: Duration::from_secs(30),
            stall: Duration::from_secs(2),
            retry_pause: Duration::from_millis(20),
        }
    }
}

/// How far the mirror is, and what keeps it from going on.
#[derive(Clone, Debug, Default)]
struct Position {
    revision: Revision,
    trouble: Option<Error>,
}

/// What the task writes and everyone reads.
#[derive(Debug)]
struct Shared<S> {
    current: ArcSwap<Mirrored<S>>,
    position: watch::Sender<Position>,
    /// Somebody waits for a revision of which the watch does not tell.
    stalled: Notify,
}

/// A copy of a key range in memory. Its task ends when it is dropped.
#[derive(Debug)]
pub struct Mirror<S: Keyspace> {
    shared: Arc<Shared<S>>,
    freshness: Freshness,
    config: MirrorConfig,
    follower: AbortHandle,
}

impl<S: Keyspace> Mirror<S> {
    /// Reads the range and follows it from there. Fails when the first read does.
    pub async fn start(store: Arc<dyn MetaStore>, config: MirrorConfig) -> Result<Self> {
        let first = follow::read_all::<S>(store.as_ref(), &config.range).await?;
        let position = Position { revision: first.revision, trouble: None };
        let shared = Arc::new(Shared {
            current: ArcSwap::from_pointee(first),
            position: watch::Sender::new(position),
            stalled: Notify::new(),
        });
        let freshness = Freshness::start(Arc::clone(&store), config.head.clone());
        let follower = tokio::spawn(follow::follow(store, config.clone(), Arc::clone(&shared)));
        Ok(Self { shared, freshness, config, follower: follower.abort_handle() })
    }

    /// The newest state that has arrived here.
    pub fn current(&self) -> Arc<Mirrored<S>> {
        self.shared.current.load_full()
    }

    /// The state once it has reached a revision. Gives up after `timeout` with
    /// [`Error::Unavailable`], or with what keeps the mirror from going on.
    pub async fn wait_for(
        &self,
        revision: Revision,
        timeout: Duration,
    ) -> Result<Arc<Mirrored<S>>> {
        let current = self.current();
        if current.revision >= revision {
            return Ok(current);
        }
        let reached = async {
            if tokio::time::timeout(self.config.stall, self.reach(revision)).await.is_err() {
                self.shared.stalled.notify_one();
                self.reach(revision).await;
            }
        };
        match tokio::time::timeout(timeout, reached).await {
            Ok(()) => Ok(self.current()),
            Err(_) => Err(self.lagging(revision)),
        }
    }

    async fn reach(&self, revision: Revision) {
        let mut position = self.shared.position.subscribe();
        // The sender lives as long as this mirror does.
        let _reached = position.wait_for(|position| position.revision >= revision).await;
    }

    /// A state that holds everything that was committed, on any node, before this call.
    pub async fn fresh(&self) -> Result<Arc<Mirrored<S>>> {
        let timeout = self.config.fresh_timeout;
        let fresh = async {
            let revision = self.freshness.revision().await?;
            self.wait_for(revision, timeout).await
        };
        let late = || Error::unavailable("the metadata store did not answer in time");
        tokio::time::timeout(timeout, fresh).await.unwrap_or_else(|_| Err(late()))
    }

    /// Tells of every revision that arrives; for those who act on changes rather than on time.
    pub fn changed(&self) -> impl Future<Output = Revision> + Send + use<S> {
        let mut position = self.shared.position.subscribe();
        async move {
            let _stopped = position.changed().await;
            position.borrow_and_update().revision
        }
    }

    fn lagging(&self, revision: Revision) -> Error {
        let position = self.shared.position.borrow().clone();
        position.trouble.unwrap_or_else(|| {
            let at = position.revision;
            Error::unavailable(format!("the mirror is at revision {at}, not yet at {revision}"))
        })
    }
}

impl<S: Keyspace> Drop for Mirror<S> {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

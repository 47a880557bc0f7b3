//! The task that keeps a mirror up to date.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::stream::{BoxStream, StreamExt};

use super::super::{Change, Error, KeyRange, MetaStore, Result, WatchEvent};
use super::{Keyspace, MirrorConfig, Mirrored, Position, Shared};
use crate::base::Revision;

/// Events that are applied before the state is shown: a lagging mirror catches up faster.
const EVENTS_MAX: usize = 1_024;
/// Doublings of the pause between attempts.
const PAUSE_DOUBLINGS_MAX: u32 = 6;

/// The state as the store has it now.
pub(super) async fn read_all<S: Keyspace>(
    store: &dyn MetaStore,
    range: &KeyRange,
) -> Result<Mirrored<S>> {
    let (revision, keys) = store.range(range.clone(), None).await?;
    let changes: Vec<_> = keys.into_iter().map(Change::Put).collect();
    let mut state = S::empty();
    state.apply(revision, &changes)?;
    Ok(Mirrored { revision, state })
}

/// Follows the store for ever.
pub(super) async fn follow<S: Keyspace>(
    store: Arc<dyn MetaStore>,
    config: MirrorConfig,
    shared: Arc<Shared<S>>,
) {
    let mut follower = Follower { store, config, shared, failures: 0 };
    let mut read_all = false;
    loop {
        let Err(error) = follower.run(read_all).await;
        // What is gone or makes no sense is not going to come by the watch.
        read_all = matches!(error, Error::Compacted { .. } | Error::Corrupt(_));
        follower.failed(error).await;
    }
}

struct Follower<S> {
    store: Arc<dyn MetaStore>,
    config: MirrorConfig,
    shared: Arc<Shared<S>>,
    failures: u32,
}

impl<S: Keyspace> Follower<S> {
    /// Watches from where the mirror is, until something fails.
    async fn run(&mut self, read_all_first: bool) -> Result<std::convert::Infallible> {
        if read_all_first {
            let mirrored = read_all(self.store.as_ref(), &self.config.range).await?;
            self.show(mirrored);
        }
        let from = Revision(self.shared.current.load().revision.0 + 1);
        let mut events = self.store.watch(self.config.range.clone(), from).await?;
        loop {
            tokio::select! {
                first = next(&mut events) => self.catch_up(first?, &mut events)?,
                () = self.shared.stalled.notified() => {
                    let mirrored = read_all(self.store.as_ref(), &self.config.range).await?;
                    self.show(mirrored);
                }
            }
        }
    }

    /// Applies an event and all that wait behind it, then shows the result at once. What was
    /// applied before a failure is shown.
    fn catch_up(
        &mut self,
        first: WatchEvent,
        events: &mut BoxStream<'static, Result<WatchEvent>>,
    ) -> Result<()> {
        let current = self.shared.current.load_full();
        let mut state = current.state.clone();
        let mut revision = current.revision;
        let mut event = first;
        let mut failure = None;
        for _ in 0..EVENTS_MAX {
            if event.revision() > revision
                && let WatchEvent::Changes { revision: to, changes } = &event
            {
                // A failed apply leaves a state that must not be shown.
                state.apply(*to, changes)?;
            }
            revision = revision.max(event.revision());
            match next(events).now_or_never() {
                Some(Ok(following)) => event = following,
                Some(Err(error)) => {
                    failure = Some(error);
                    break;
                }
                None => break,
            }
        }
        if revision > current.revision {
            self.show(Mirrored { revision, state });
        }
        failure.map_or(Ok(()), Err)
    }

    fn show(&mut self, mirrored: Mirrored<S>) {
        let revision = mirrored.revision;
        if revision < self.shared.current.load().revision {
            return;
        }
        self.failures = 0;
        self.shared.current.store(Arc::new(mirrored));
        self.shared.position.send_replace(Position { revision, trouble: None });
    }

    /// Remembers what is wrong for those who wait, and pauses, longer each time.
    async fn failed(&mut self, error: Error) {
        let compacted = matches!(error, Error::Compacted { .. });
        if self.failures == 0 {
            tracing::info!(%error, "the metadata mirror starts again");
        } else {
            tracing::warn!(%error, failures = self.failures, "the metadata mirror can't go on");
        }
        if !compacted {
            self.shared.position.send_modify(|position| position.trouble = Some(error));
        }
        let pause = pause(self.config.retry_pause, self.failures);
        self.failures = self.failures.saturating_add(1);
        tokio::time::sleep(pause).await;
    }
}

async fn next(events: &mut BoxStream<'static, Result<WatchEvent>>) -> Result<WatchEvent> {
    events.next().await.unwrap_or_else(|| Err(Error::unavailable("the watch has ended")))
}

/// None after the first failure (a watch may break at any time), then longer and longer.
fn pause(first: Duration, failures: u32) -> Duration {
    match failures {
        0 => Duration::ZERO,
        _ => first * 2_u32.pow(failures.min(PAUSE_DOUBLINGS_MAX)),
    }
}

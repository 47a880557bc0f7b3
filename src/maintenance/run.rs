//! The task that does background work while a node serves.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::txn::Engine;

use super::compaction::Compactor;
use super::garbage::Collector;
use super::indexing::Indexer;
use super::pick::Policy;

/// Between two looks at what there is to do.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two looks through all objects.
const SWEEP_PAUSE: Duration = Duration::from_secs(600);
/// After the death of another node.
const DEATH_DELAY: Duration = Duration::from_secs(1);
/// Before the first one: a node that has just started has better things to do.
const SWEEP_DELAY: Duration = Duration::from_secs(30);
/// Between two compactions of the metadata store's history, which is as long as that.
const HISTORY_PAUSE: Duration = Duration::from_secs(300);

/// Does an engine's background work until it is told to stop. What it is in the middle of then
/// is given up: whatever it has written is garbage that the next start collects.
pub async fn maintain(engine: Arc<Engine>, policy: Policy, shutdown: CancellationToken) {
    let compactor = Arc::new(Compactor::new(Arc::clone(&engine), policy));
    let compact = compact(Arc::clone(&compactor));
    let index = build_indexes(Arc::clone(&engine), compactor);
    let forget = forget_history(Arc::clone(&engine));
    let collect = collect(engine);
    tokio::select! {
        () = collect => {}
        () = forget => {}
        () = index => {}
        () = shutdown.cancelled() => {}
        () = compact => {}
    }
}

async fn compact(compactor: Arc<Compactor>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        compactor.run_once().await;
    }
}

async fn build_indexes(engine: Arc<Engine>, compactor: Arc<Compactor>) {
    let builds = Arc::clone(engine.index_builds());
    let indexer = Indexer::new(engine, compactor);
    loop {
        tokio::select! {
            () = builds.woken() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
        indexer.run_once().await;
    }
}

async fn collect(engine: Arc<Engine>) {
    let clock = Arc::clone(engine.clock());
    let collector = Collector::new(engine);
    let mut next_sweep = clock.monotonic() + SWEEP_DELAY;
    loop {
        tokio::time::sleep(PAUSE).await;
        collector.observe();
        match collector.has_someone_died().await {
            // What it has left is swept once it is certain that nobody reads it any more.
            Ok(true) => next_sweep = next_sweep.min(clock.monotonic() + DEATH_DELAY),
            Ok(false) => {}
            Err(error) => tracing::debug!(%error, "asking which nodes live"),
        }
        if let Err(error) = collector.drop_temporary().await {
            tracing::warn!(%error, "dropping temporary tables of sessions that are gone");
        }
        if let Err(error) = collector.tidy().await {
            tracing::warn!(%error, "removing metadata of truncated rows");
        }
        if let Err(error) = collector.remove_heard().await {
            tracing::debug!(%error, "removing notifications that all have heard");
        }
        let now = clock.monotonic();
        let collected = if now >= next_sweep {
            next_sweep = now + SWEEP_PAUSE;
            collector.sweep().await
        } else {
            collector.remove_unreachable().await
        };
        match collected {
            Ok(0) => {}
            Ok(removed) => tracing::debug!(removed, "removed objects"),
            Err(error) => tracing::warn!(%error, "removing objects that nobody can reach"),
        }
    }
}

/// Compacts the metadata store's history, which only watchers that lag have a use for: they
/// read all again.
async fn forget_history(engine: Arc<Engine>) {
    let mut before = engine.oldest_revision();
    loop {
        tokio::time::sleep(HISTORY_PAUSE).await;
        if let Err(error) = engine.meta().compact(before).await {
            tracing::debug!(%error, "compacting the metadata store's history");
        }
        before = engine.oldest_revision();
    }
}

/// Tells the other nodes every second what this one may still read, for as long as it is polled.
/// Every node of a cluster must, whether it does background work or not: the others keep all that
/// it was last told to read.
pub async fn tell_oldest_revision(engine: Arc<Engine>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        let Some(membership) = engine.membership() else { continue };
        let oldest = engine.oldest_revision();
        if let Err(error) = membership.publish_oldest_revision(oldest).await {
            tracing::warn!(%error, "telling the other nodes what this one still reads");
        }
    }
}

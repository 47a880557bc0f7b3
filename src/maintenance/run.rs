//! The task that does background work while a node serves.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::txn::Engine;

use super::compaction::Compactor;
use super::pick::Policy;

/// Between two looks at what there is to do.
const PAUSE: Duration = Duration::from_secs(1);

/// Does an engine's background work until it is told to stop. What it is in the middle of then
/// is given up: whatever it has written is garbage that the next start collects.
pub async fn maintain(engine: Arc<Engine>, policy: Policy, shutdown: CancellationToken) {
    let publish = publish_oldest_revision(Arc::clone(&engine));
    let compact = compact(engine, policy);
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = publish => {}
        () = compact => {}
    }
}

async fn compact(engine: Arc<Engine>, policy: Policy) {
    let compactor = Compactor::new(engine, policy);
    loop {
        tokio::time::sleep(PAUSE).await;
        compactor.run_once().await;
    }
}

/// Tells the other nodes every second what this one may still read.
async fn publish_oldest_revision(engine: Arc<Engine>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        let Some(membership) = engine.membership() else { continue };
        let oldest = engine.oldest_revision();
        if let Err(error) = membership.publish_oldest_revision(oldest).await {
            tracing::warn!(%error, "telling the other nodes what this one still reads");
        }
    }
}

use std::sync::Arc;
use std::time::Duration;

use futures::stream::StreamExt;

use super::super::conformance::{self, committed, put};
use super::super::{
    Error, KeyRange, Limits, Memory, MetaStore, Operation, Revision, Transaction, WatchEvent,
};
use crate::base::limits::METADATA_HISTORY_BYTES_MAX;
use crate::base::{ManualClock, SystemClock};

#[tokio::test]
async fn conforms() {
    conformance::check(Arc::new(Memory::new(Arc::new(SystemClock::new())))).await;
}

#[tokio::test]
async fn leases_follow_the_clock() {
    let clock = Arc::new(ManualClock::default());
    let store = Memory::new(Arc::clone(&clock) as Arc<_>);
    let lease = store.grant_lease(Duration::from_secs(10)).await.unwrap();
    let put = Operation::put_leased("k", "", lease);
    committed(store.transact(Transaction::new().then(put)).await.unwrap());
    clock.advance(Duration::from_secs(9));
    assert_eq!(store.keep_alive(lease).await.unwrap(), Duration::from_secs(10));
    clock.advance(Duration::from_millis(9_999));
    assert_eq!(store.range(KeyRange::all(), None).await.unwrap().1.len(), 1);
    clock.advance(Duration::from_millis(1));
    assert!(matches!(store.keep_alive(lease).await, Err(Error::LeaseGone)));
    assert!(store.range(KeyRange::all(), None).await.unwrap().1.is_empty());
}

#[tokio::test]
async fn history_is_bounded_and_says_so() {
    let store = Memory::new(Arc::new(SystemClock::new()));
    let value = "v".repeat(1 << 20);
    let first = put(&store, "k", &value).await;
    let mut last = first;
    for _ in 0..=METADATA_HISTORY_BYTES_MAX >> 20 {
        last = put(&store, "k", &value).await;
    }
    let mut old = store.watch(KeyRange::all(), first).await.unwrap();
    assert!(matches!(old.next().await, Some(Err(Error::Compacted { .. }))));
    assert!(old.next().await.is_none(), "a watch ends after its error");
    let mut recent = store.watch(KeyRange::all(), Revision(last.0 - 20)).await.unwrap();
    assert!(matches!(recent.next().await, Some(Ok(WatchEvent::Changes { .. }))));
}

#[tokio::test]
async fn a_watch_from_the_very_first_revision_misses_nothing() {
    for from in 0..=2 {
        let store = Memory::new(Arc::new(SystemClock::new()));
        let first = put(&store, "k", "1").await;
        put(&store, "k", "2").await;
        let mut events = store.watch(KeyRange::all(), Revision(from)).await.unwrap();
        assert_eq!(events.next().await.unwrap().unwrap().revision(), first, "from {from}");
    }
}

#[tokio::test]
async fn a_watch_that_sees_nothing_hears_of_progress() {
    let limits = Limits { operations_max: 10, bytes_max: 1_000 };
    let store = Memory::remote(Arc::new(SystemClock::new()), limits);
    let mut events = store.watch(KeyRange::prefix("mine/"), Revision(1)).await.unwrap();
    let at = put(&store, "other", "").await;
    assert_eq!(events.next().await.unwrap().unwrap(), WatchEvent::Progress(at));
}

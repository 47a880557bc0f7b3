//! Disks that refuse, for a while or for good.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::super::conformance::put;
use super::super::super::{Error, KeyRange, MetaStore, Operation, Transaction};
use super::super::journal::{Journal, JournalDisks, Step, Which};

fn syncs(disks: &JournalDisks) -> usize {
    disks.0.lock().steps.iter().filter(|step| matches!(step, Step::Sync(_))).count()
}

#[tokio::test]
async fn a_full_disk_refuses_and_recovers() {
    for (writes, torn_write_keeps) in (0..8).flat_map(|writes| [(writes, 0), (writes, 1_000)]) {
        let disks = JournalDisks::new();
        let store = disks.store().unwrap();
        let before = put(&store, "k", "before").await;
        let set = |journal: &mut Journal| {
            journal.writes_left = Some(writes);
            journal.torn_write_keeps = torn_write_keeps;
        };
        set(&mut disks.0.lock());
        let mut refused = 0;
        let mut last = before;
        for _ in 0..12 {
            let transaction = Transaction::new().then(Operation::put("k", "during"));
            match store.transact(transaction).await {
                Ok(outcome) => last = super::committed(outcome),
                Err(Error::Unavailable(_)) => refused += 1,
                // Only while the file can't even be opened to find out.
                Err(Error::Unknown(_)) => refused += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(refused > 0, "{writes} writes were enough");
        assert_eq!(store.range(KeyRange::all(), None).await.unwrap().1.len(), 1);
        disks.0.lock().writes_left = None;
        let after = put(&store, "k", "after").await;
        assert!(after > last);
        drop(store);
        let store = disks.store().unwrap();
        let (_, keys) = store.range(KeyRange::all(), None).await.unwrap();
        assert_eq!((keys[0].value.as_ref(), keys[0].modified), (&b"after"[..], after));
    }
}

/// A write can fail after all of it has arrived: the caller is told that nobody knows, or the
/// truth, and readers see it only if it is kept.
#[tokio::test]
async fn a_failed_write_that_arrived_counts() {
    let disks = JournalDisks::new();
    let store = disks.store().unwrap();
    let before = put(&store, "k", "before").await;
    {
        let mut journal = disks.0.lock();
        journal.writes_left = Some(0);
        journal.torn_write_keeps = usize::MAX;
    }
    let outcome = store.transact(Transaction::new().then(Operation::put("k", "doubt"))).await;
    assert!(matches!(outcome, Err(Error::Unknown(_))), "{outcome:?}");
    assert_eq!(store.range(KeyRange::all(), None).await.unwrap().0, before);
    disks.0.lock().writes_left = None;
    let after = put(&store, "l", "after").await;
    let (at, keys) = store.range(KeyRange::all(), None).await.unwrap();
    assert_eq!((at, after.0), (after, before.0 + 2));
    assert_eq!(keys[0].value.as_ref(), b"doubt");
    drop(store);
    let again = disks.store().unwrap().range(KeyRange::all(), None).await.unwrap();
    assert_eq!(again, (at, keys));
}

#[tokio::test]
async fn a_failed_sync_is_not_trusted_again() {
    let disks = JournalDisks::new();
    let store = disks.store().unwrap();
    let before = put(&store, "k", "before").await;
    disks.0.lock().syncs_left = Some(0);
    let write = || Transaction::new().then(Operation::put("k", "lost?"));
    let outcome = store.transact(write()).await;
    assert!(matches!(outcome, Err(Error::Unknown(_))), "{outcome:?}");
    disks.0.lock().syncs_left = None;
    let outcome = store.transact(write()).await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    let (at, keys) = store.range(KeyRange::all(), None).await.unwrap();
    assert_eq!((at, keys[0].value.as_ref()), (before, &b"before"[..]), "readers saw a maybe");
}

/// The opening that is to settle a failed write syncs as well, and that can fail.
#[tokio::test]
async fn a_sync_that_fails_while_opening_again_is_not_trusted_either() {
    let disks = JournalDisks::new();
    let store = disks.store().unwrap();
    let before = put(&store, "k", "before").await;
    disks.0.lock().writes_left = Some(0);
    let write = || Transaction::new().then(Operation::put("k", "refused"));
    store.transact(write()).await.unwrap_err();
    {
        let mut journal = disks.0.lock();
        journal.writes_left = None;
        journal.syncs_left = Some(0);
    }
    store.transact(write()).await.unwrap_err();
    disks.0.lock().syncs_left = None;
    let outcome = store.transact(write()).await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    assert_eq!(store.range(KeyRange::all(), None).await.unwrap().0, before);
}

#[tokio::test]
async fn a_transaction_is_one_write_and_one_sync() {
    let disks = JournalDisks::new();
    let store = disks.store().unwrap();
    // The first one makes the log grow.
    put(&store, "k", "0").await;
    disks.0.lock().steps.clear();
    put(&store, "k", "1").await;
    let journal = disks.0.lock();
    let [Step::Write { file: Which::Log, data, .. }, Step::Sync(Which::Log)] = &journal.steps[..]
    else {
        panic!("{:?}", journal.steps.len())
    };
    assert_eq!(data.len(), 4_096);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_transactions_share_a_sync() {
    let disks = JournalDisks::new();
    let store = Arc::new(disks.store().unwrap());
    let before = syncs(&disks);
    let done = Arc::new(AtomicUsize::new(0));
    let writers = (0..64).map(|writer| {
        let (store, done) = (Arc::clone(&store), Arc::clone(&done));
        tokio::spawn(async move {
            for step in 0..10 {
                put(store.as_ref(), &format!("{writer}"), &format!("{step}")).await;
                done.fetch_add(1, Ordering::SeqCst);
            }
        })
    });
    futures::future::join_all(writers).await;
    let syncs = syncs(&disks) - before;
    assert_eq!(done.load(Ordering::SeqCst), 640);
    assert!(syncs < 640, "{syncs} syncs for 640 transactions");
}

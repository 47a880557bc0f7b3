//! Disks that lose what was not synced, at every point of a history, and disks that refuse.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::super::conformance::put;
use super::super::super::{Error, KeyRange, KeyValue, MetaStore, Operation, Transaction};
use super::super::journal::{JournalDisk, Step, apply, open, wreck};
use crate::base::{Random, Revision, SeededRandom};

/// Random transactions of several callers at once; every acknowledgement goes into the journal.
async fn write_history(disk: &JournalDisk, seed: u64) -> Vec<Vec<KeyValue>> {
    let store = Arc::new(open(disk).unwrap());
    disk.mark(1);
    let writers = (0..4_u64).map(|writer| {
        let (store, disk) = (Arc::clone(&store), disk.clone());
        async move {
            let random = SeededRandom::new(seed * 10 + writer);
            for step in 0..30 {
                let mut transaction = Transaction::new();
                for key in 0..=random.u64() % 4 {
                    let name = format!("{}/{key}", random.u64() % 5);
                    let length = usize::try_from(random.u64() % 700).unwrap();
                    let value = format!("{writer}/{step}/{}", "x".repeat(length));
                    transaction = transaction.then(Operation::put(format!("{key}/{name}"), value));
                }
                if random.u64().is_multiple_of(4) {
                    let range = KeyRange::prefix(format!("9{}", random.u64() % 3));
                    transaction = transaction.then(Operation::Delete(range));
                }
                let at = super::committed(store.transact(transaction).await.unwrap());
                disk.mark(at.0);
            }
        }
    });
    futures::future::join_all(writers).await;
    let (last, _) = store.range(KeyRange::all(), None).await.unwrap();
    let mut states = vec![Vec::new(); 2];
    for at in 2..=last.0 {
        let (_, keys) = store.range(KeyRange::all(), Some(Revision(at))).await.unwrap();
        states.push(keys);
    }
    states
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_transactions_survive_a_crash_at_every_point() {
    for seed in 1..=2 {
        let disk = JournalDisk::default();
        let states = write_history(&disk, seed).await;
        let steps = disk.steps();
        let random = SeededRandom::new(seed);
        let (mut synced, mut synced_at, mut acknowledged) = (Vec::new(), 0, Revision(0));
        let mut tried = 0;
        for (i, step) in steps.iter().enumerate() {
            match step {
                Step::Mark(at) => acknowledged = acknowledged.max(Revision(*at)),
                Step::Sync => {
                    steps[synced_at..i].iter().for_each(|step| apply(&mut synced, step));
                    synced_at = i;
                }
                Step::Write { .. } | Step::Length(_) => {}
            }
            // Around each sync, and now and then in between.
            let near = steps[i..].iter().take(2).any(|step| matches!(step, Step::Sync));
            // A file is made under another name: nobody ever opens half of one.
            if acknowledged == Revision(0) || !(near || i.is_multiple_of(11)) {
                continue;
            }
            for keep_of_eight in [0, 4, 7] {
                let bytes = wreck(&synced, &steps[synced_at..=i], &random, keep_of_eight);
                let crashed = JournalDisk::of(bytes);
                let what = format!("seed {seed}, crash after step {i}, keeping {keep_of_eight}/8");
                let store = open(&crashed).unwrap_or_else(|error| panic!("{what}: {error}"));
                let (at, keys) = store.range(KeyRange::all(), None).await.unwrap();
                assert!(at >= acknowledged, "{what}: {at} is there, {acknowledged} was promised");
                let state = &states[usize::try_from(at.0).unwrap()];
                assert!(keys == *state, "{what}: revision {at} is not whole");
                tried += 1;
            }
        }
        assert!(tried > 200, "only {tried} crashes were tried");
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_recovers() {
    for writes in 0..12 {
        let disk = JournalDisk::default();
        let store = open(&disk).unwrap();
        let before = put(&store, "k", "before").await;
        disk.0.lock().writes_left = Some(writes);
        let mut refused = 0;
        let mut last = before;
        for _ in 0..8 {
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
        disk.0.lock().writes_left = None;
        let after = put(&store, "k", "after").await;
        assert!(after > last);
        drop(store);
        let store = open(&disk).unwrap();
        let (_, keys) = store.range(KeyRange::all(), None).await.unwrap();
        assert_eq!((keys[0].value.as_ref(), keys[0].modified), (&b"after"[..], after));
    }
}

#[tokio::test]
async fn a_failed_sync_is_not_trusted_again() {
    let disk = JournalDisk::default();
    let store = open(&disk).unwrap();
    let before = put(&store, "k", "before").await;
    disk.0.lock().syncs_left = Some(0);
    let write = || Transaction::new().then(Operation::put("k", "lost?"));
    let outcome = store.transact(write()).await;
    assert!(matches!(outcome, Err(Error::Unknown(_))), "{outcome:?}");
    disk.0.lock().syncs_left = None;
    let outcome = store.transact(write()).await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    let (at, keys) = store.range(KeyRange::all(), None).await.unwrap();
    assert_eq!((at, keys[0].value.as_ref()), (before, &b"before"[..]), "readers saw a maybe");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_transactions_share_a_sync() {
    let disk = JournalDisk::default();
    let store = Arc::new(open(&disk).unwrap());
    let syncs = || disk.0.lock().steps.iter().filter(|step| matches!(step, Step::Sync)).count();
    let before = syncs();
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
    let syncs = syncs() - before;
    assert_eq!(done.load(Ordering::SeqCst), 640);
    assert!(syncs < 640, "{syncs} syncs for 640 transactions");
}

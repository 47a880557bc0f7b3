//! Disks that lose what was not synced, at every point of a history.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::super::conformance::put;
use super::super::super::{KeyRange, KeyValue, MetaStore, Operation, Transaction};
use super::super::Embedded;
use super::super::journal::{Disk, JournalDisks, Keep, Replay, Step, Which};
use crate::base::{Random, Revision, SeededRandom};

/// What the store holds at each revision.
type States = BTreeMap<Revision, Vec<KeyValue>>;

const KEEPS: [Keep; 5] =
    [Keep::Sectors(0), Keep::Sectors(4), Keep::Sectors(7), Keep::Sectors(8), Keep::Prefix];

async fn all(store: &Embedded) -> (Revision, Vec<KeyValue>) {
    store.range(KeyRange::all(), None).await.unwrap()
}

/// Random transactions of several callers at once; every acknowledgement goes into the journal.
/// The store is closed properly in the end, or not.
async fn write_history(disks: &JournalDisks, seed: u64, rounds: usize) -> States {
    let store = Arc::new(disks.store().unwrap());
    let (first, keys) = all(&store).await;
    disks.mark(first.0);
    let writers = (0..4_u64).map(|writer| {
        let (store, disks) = (Arc::clone(&store), disks.clone());
        async move {
            let random = SeededRandom::new(seed * 10 + writer);
            for step in 0..rounds {
                let mut transaction = Transaction::new();
                for key in 0..=random.u64() % 4 {
                    let name = format!("{}/{key}", random.u64() % 5);
                    // Now and then more than a block, so that records have several.
                    let most = if random.u64().is_multiple_of(4) { 6_000 } else { 700 };
                    let length = usize::try_from(random.u64() % most).unwrap();
                    let value = format!("{writer}/{step}/{}", "x".repeat(length));
                    transaction = transaction.then(Operation::put(format!("{key}/{name}"), value));
                }
                if random.u64().is_multiple_of(4) {
                    let range = KeyRange::prefix(format!("9{}", random.u64() % 3));
                    transaction = transaction.then(Operation::Delete(range));
                }
                let at = super::committed(store.transact(transaction).await.unwrap());
                disks.mark(at.0);
            }
        }
    });
    futures::future::join_all(writers).await;
    let (last, _) = all(&store).await;
    let mut states = BTreeMap::from([(first, keys)]);
    for at in first.0 + 1..=last.0 {
        let at = Revision(at);
        let (_, keys) = store.range(KeyRange::all(), Some(at)).await.unwrap();
        states.insert(at, keys);
    }
    states
}

/// Opens what a crash left: all that was promised is there, and nothing by halves.
async fn check_crash(disk: Disk, states: &States, acknowledged: Revision, what: &str) {
    let crashed = JournalDisks::holding(disk);
    let store = crashed.store().unwrap_or_else(|error| panic!("{what}: {error}"));
    let (at, keys) = all(&store).await;
    assert!(at >= acknowledged, "{what}: {at} is there, {acknowledged} was promised");
    assert!(Some(&keys) == states.get(&at), "{what}: revision {at} is not whole");
}

fn is_log_write(step: &Step) -> bool {
    matches!(step, Step::Write { file: Which::Log, .. })
}

/// Crashes all along a history that began on this disk; answers some of what was left.
async fn crash_everywhere(
    begin: Disk,
    promised: Revision,
    steps: &[Step],
    states: &States,
    seed: u64,
) -> Vec<(Disk, Revision)> {
    let random = SeededRandom::new(seed);
    let mut replay = Replay::new(begin);
    let mut some = Vec::new();
    for (i, step) in steps.iter().enumerate() {
        replay.step(step);
        // Around each sync, in the middle of log writes, and now and then in between.
        let near = steps[i..].iter().take(2).any(|step| matches!(step, Step::Sync(_)));
        if !(near || is_log_write(step) || i.is_multiple_of(11)) {
            continue;
        }
        let acknowledged = promised.max(Revision(replay.marked));
        for keep in KEEPS {
            let disk = replay.crash(&random, keep);
            let what = format!("seed {seed}, crash after step {i}, keeping {keep:?}");
            if random.u64().is_multiple_of(64) {
                some.push((disk.clone(), acknowledged));
            }
            check_crash(disk, states, acknowledged, &what).await;
        }
    }
    some
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_transactions_survive_a_crash_at_every_point() {
    for seed in 1..=2 {
        let disks = JournalDisks::new();
        let begin = disks.disk();
        let mut states = write_history(&disks, seed, 30).await;
        // And a proper close, then another opening.
        let second = write_history(&disks, seed + 100, 4).await;
        states.extend(second);
        let steps = disks.steps();
        let log_syncs = steps.iter().filter(|step| matches!(step, Step::Sync(Which::Log))).count();
        assert!(log_syncs > 30, "only {log_syncs} syncs of the log");
        let some = crash_everywhere(begin, Revision(1), &steps, &states, seed).await;
        // What survives a crash must survive the next one, during recovery too.
        assert!(some.len() > 5, "only {} second crashes", some.len());
        for (i, (disk, promised)) in some.into_iter().take(12).enumerate() {
            let seed = seed * 1_000 + i as u64;
            let disks = JournalDisks::holding(disk.clone());
            let mut after = write_history(&disks, seed, 2).await;
            // A crash in the middle of recovery may fall back to anything that was not promised.
            after.extend(
                states
                    .range(promised..)
                    .filter(|(at, _)| !after.contains_key(at))
                    .map(|(at, keys)| (*at, keys.clone()))
                    .collect::<Vec<_>>(),
            );
            let steps = disks.steps();
            crash_everywhere(disk, promised, &steps, &after, seed).await;
        }
    }
}

#[tokio::test]
async fn a_damaged_record_before_others_is_no_end() {
    const BLOCK: usize = 4_096;
    let disks = JournalDisks::new();
    let store = disks.store().unwrap();
    let mut ends = Vec::new();
    for key in 0..4 {
        put(&store, "k", &format!("{key}")).await;
        ends.push(disks.disk());
    }
    let last = ends.pop().unwrap();
    let opened = |disk: Disk| JournalDisks::holding(disk).store();
    assert_eq!(all(&opened(last.clone()).unwrap()).await.0, Revision(5));
    let corrupt = |disk: Disk| matches!(opened(disk), Err(super::Error::Corrupt(_)));
    // A bit of the head, and of the payload.
    for place in [5, 20, 50] {
        for record in 1..=4 {
            let mut disk = last.clone();
            disk.file(Which::Log)[record * BLOCK + place] ^= 4;
            if record < 4 {
                assert!(corrupt(disk), "record {record}, byte {place}");
            } else {
                // Nobody can tell it from a torn write.
                assert_eq!(all(&opened(disk).unwrap()).await.0, Revision(4));
            }
        }
    }
    let mut missing = last.clone();
    missing.log = None;
    assert!(corrupt(missing));
    let mut cut = last.clone();
    cut.file(Which::Log).truncate(2 * BLOCK + 100);
    assert!(!corrupt(cut), "cut at the end of a record, which nobody can see");
    for label in [0, 8, 16] {
        let mut disk = last.clone();
        disk.file(Which::Log)[label] ^= 4;
        assert!(corrupt(disk), "byte {label}");
    }
    // A log without its store's other file, and one that is newer than it.
    let fresh = JournalDisks::new().disk().redb;
    assert!(corrupt(Disk { redb: fresh, log: last.log.clone() }));
    drop(store);
    let store = disks.store().unwrap();
    put(&store, "k", "newer").await;
    let newer = disks.disk().log;
    assert!(corrupt(Disk { redb: last.redb, log: newer }));
}

//! What every metadata store must do: one suite for all of them. Each check has keys of its own,
//! so that they can share one store; the checks that compact come last.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use tokio::time::timeout;

use crate::base::{Random, Revision, SeededRandom};

use super::{
    Change, Compare, Error, KeyRange, KeyValue, MetaStore, Operation, Outcome, Result, Transaction,
    WatchEvent,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// Runs every check.
pub(super) async fn check(store: Arc<dyn MetaStore>) {
    let store = store.as_ref();
    puts_and_deletes(store).await;
    comparisons(store).await;
    nothing_is_half_done(store).await;
    deleting_nothing_changes_nothing(store).await;
    overlapping_operations_are_refused(store).await;
    too_large_is_refused(store).await;
    ranges_have_edges(store).await;
    many_keys_at_one_revision(store).await;
    a_watch_tells_whole_revisions(store).await;
    a_watch_starts_in_the_past_or_the_future(store).await;
    one_of_many_wins(store).await;
    a_revoked_lease_takes_its_keys(store).await;
    a_lease_that_is_not_kept_ends(store).await;
    random_histories(store).await;
    compaction(store).await;
}

pub(super) fn committed(outcome: Outcome) -> Revision {
    match outcome {
        Outcome::Committed(revision) => revision,
        Outcome::Refused(at) => panic!("refused at {at}"),
    }
}

pub(super) async fn put(store: &dyn MetaStore, key: &str, value: &str) -> Revision {
    let put = Operation::put(key.to_owned(), value.to_owned());
    committed(store.transact(Transaction::new().then(put)).await.unwrap())
}

async fn get(store: &dyn MetaStore, key: &str) -> Option<KeyValue> {
    let (_, keys) = store.range(KeyRange::key(key.to_owned()), None).await.unwrap();
    assert!(keys.len() <= 1);
    keys.into_iter().next()
}

async fn names(store: &dyn MetaStore, range: KeyRange) -> Vec<String> {
    let (_, keys) = store.range(range, None).await.unwrap();
    keys.iter().map(|kv| String::from_utf8(kv.key.to_vec()).unwrap()).collect()
}

async fn puts_and_deletes(store: &dyn MetaStore) {
    assert_eq!(get(store, "basic/a").await, None);
    assert_eq!(store.revision(Bytes::from("basic/a")).await.unwrap(), Revision(0));
    let first = put(store, "basic/a", "one").await;
    let second = put(store, "basic/a", "two").await;
    assert_eq!(second.0, first.0 + 1);
    let found = get(store, "basic/a").await.unwrap();
    assert_eq!((found.created, found.modified), (first, second));
    assert_eq!((found.value.as_ref(), found.lease), (&b"two"[..], None));
    assert_eq!(store.revision(Bytes::from("basic/a")).await.unwrap(), second);
    let (_, old) = store.range(KeyRange::key("basic/a"), Some(first)).await.unwrap();
    assert_eq!(old[0].value, "one");
    let delete = Transaction::new().then(Operation::delete("basic/a"));
    let gone = committed(store.transact(delete).await.unwrap());
    assert_eq!(gone.0, second.0 + 1);
    assert_eq!(get(store, "basic/a").await, None);
    assert_eq!(store.revision(Bytes::from("basic/a")).await.unwrap(), Revision(0));
    let again = put(store, "basic/a", "").await;
    let found = get(store, "basic/a").await.unwrap();
    assert_eq!((found.created, found.value.len()), (again, 0));
    let future = Revision(again.0 + 1_000_000);
    let refused = store.range(KeyRange::key("basic/a"), Some(future)).await;
    assert!(matches!(refused, Err(Error::Future { at }) if at == future), "{refused:?}");
}

async fn comparisons(store: &dyn MetaStore) {
    let at = put(store, "compare/there", "x").await;
    let key = || Bytes::from("compare/there");
    let none = || Bytes::from("compare/none");
    let cases = [
        (Compare::Present(key()), true),
        (Compare::Present(none()), false),
        (Compare::Absent(key()), false),
        (Compare::Absent(none()), true),
        (Compare::Modified { key: key(), at }, true),
        (Compare::Modified { key: key(), at: Revision(at.0 - 1) }, false),
        (Compare::Modified { key: key(), at: Revision(0) }, false),
        (Compare::Modified { key: none(), at: Revision(0) }, true),
        (Compare::Modified { key: none(), at }, false),
    ];
    for (compare, holds) in cases {
        let when = Transaction::new().when(compare.clone()).when(Compare::Absent(none()));
        let outcome = store.transact(when.then(Operation::put("compare/out", "y"))).await.unwrap();
        match outcome {
            Outcome::Committed(_) => assert!(holds, "{compare:?} held"),
            Outcome::Refused(since) => {
                assert!(!holds, "{compare:?} did not hold");
                assert!(since >= at || *compare.key() == none(), "{compare:?} since {since}");
            }
        }
    }
}

async fn nothing_is_half_done(store: &dyn MetaStore) {
    let before = put(store, "half/a", "1").await;
    let transaction = Transaction::new()
        .when(Compare::Absent(Bytes::from("half/a")))
        .then(Operation::put("half/b", "2"))
        .then(Operation::delete("half/a"));
    let outcome = store.transact(transaction.clone()).await.unwrap();
    assert_eq!(outcome, Outcome::Refused(before));
    assert_eq!(names(store, KeyRange::prefix("half/")).await, ["half/a"]);
    let transaction = Transaction { compares: Vec::new(), ..transaction };
    let at = committed(store.transact(transaction).await.unwrap());
    assert_eq!(at.0, before.0 + 1);
    assert_eq!(names(store, KeyRange::prefix("half/")).await, ["half/b"]);
    assert_eq!(get(store, "half/b").await.unwrap().modified, at);
}

async fn deleting_nothing_changes_nothing(store: &dyn MetaStore) {
    let before = put(store, "nothing/a", "1").await;
    let delete = Transaction::new().then(Operation::Delete(KeyRange::prefix("nothing/b")));
    assert_eq!(store.transact(delete).await.unwrap(), Outcome::Committed(before));
    assert_eq!(store.transact(Transaction::new()).await.unwrap(), Outcome::Committed(before));
    let empty = Operation::Delete(KeyRange::new("nothing/z", "nothing/a"));
    let outcome = store.transact(Transaction::new().then(empty)).await.unwrap();
    assert_eq!(outcome, Outcome::Committed(before));
    assert_eq!(put(store, "nothing/a", "2").await.0, before.0 + 1);
}

async fn overlapping_operations_are_refused(store: &dyn MetaStore) {
    let twice = Transaction::new()
        .then(Operation::put("overlap/a", "1"))
        .then(Operation::put("overlap/a", "2"));
    let both = Transaction::new()
        .then(Operation::Delete(KeyRange::prefix("overlap/")))
        .then(Operation::put("overlap/b", "2"));
    for transaction in [twice, both] {
        let refused = store.transact(transaction).await;
        assert!(matches!(refused, Err(Error::Overlap(_))), "{refused:?}");
    }
    assert!(names(store, KeyRange::prefix("overlap/")).await.is_empty());
    let deletes = Transaction::new()
        .then(Operation::Delete(KeyRange::prefix("overlap/")))
        .then(Operation::delete("overlap/a"));
    committed(store.transact(deletes).await.unwrap());
}

async fn too_large_is_refused(store: &dyn MetaStore) {
    let limits = store.limits();
    let mut most = Transaction::new();
    for i in 0..limits.operations_max {
        most = most.then(Operation::put(format!("large/{i}"), ""));
    }
    let more = most.clone().then(Operation::put("large/x", ""));
    committed(store.transact(most).await.unwrap());
    let refused = store.transact(more).await;
    assert!(matches!(refused, Err(Error::TooLarge { .. })), "{refused:?}");
    let value = Bytes::from(vec![7; limits.bytes_max - 100]);
    let largest = Transaction::new().then(Operation::put("large/value", value.clone()));
    committed(store.transact(largest.clone()).await.unwrap());
    assert_eq!(get(store, "large/value").await.unwrap().value, value);
    let larger = largest.then(Operation::put("large/x", ""));
    let refused = store.transact(larger).await;
    assert!(matches!(refused, Err(Error::TooLarge { .. })), "{refused:?}");
    assert_eq!(get(store, "large/x").await, None);
    let clear = Transaction::new().then(Operation::Delete(KeyRange::prefix("large/")));
    committed(store.transact(clear).await.unwrap());
}

async fn ranges_have_edges(store: &dyn MetaStore) {
    let keys = ["edge/", "edge/\u{0}", "edge/a", "edge/a\u{0}", "edge/aa", "edge/b", "edge0"];
    for key in keys {
        put(store, key, "").await;
    }
    assert_eq!(names(store, KeyRange::prefix("edge/")).await, keys[..6]);
    assert_eq!(names(store, KeyRange::key("edge/a")).await, ["edge/a"]);
    assert_eq!(names(store, KeyRange::new("edge/a", "edge/b")).await, keys[2..5]);
    assert!(names(store, KeyRange::new("edge/b", "edge/a")).await.is_empty());
    assert!(names(store, KeyRange::new("edge/a", "edge/a")).await.is_empty());
    let all = names(store, KeyRange::all()).await;
    assert!(keys.iter().all(|key| all.iter().any(|found| found == key)));
    assert!(all.is_sorted());
}

async fn many_keys_at_one_revision(store: &dyn MetaStore) {
    let mut written = Vec::new();
    let mut last = Revision(0);
    for part in 0..25 {
        let keys = (0..100).map(|i| format!("many/{:05}", part * 100 + i));
        let transaction = keys.clone().fold(Transaction::new(), |transaction, key| {
            transaction.then(Operation::put(key, vec![b'v'; 100]))
        });
        last = committed(store.transact(transaction).await.unwrap());
        written.extend(keys);
    }
    assert_eq!(names(store, KeyRange::prefix("many/")).await, written);
    let clear = Transaction::new().then(Operation::Delete(KeyRange::prefix("many/")));
    committed(store.transact(clear).await.unwrap());
    let (at, keys) = store.range(KeyRange::prefix("many/"), Some(last)).await.unwrap();
    assert_eq!((at, keys.len()), (last, 2_500));
}

type Events = BoxStream<'static, Result<WatchEvent>>;

/// The next changes; progress is skipped, and must not lie.
async fn changes(events: &mut Events) -> (Revision, Vec<Change>) {
    loop {
        match timeout(PATIENCE, events.next()).await.unwrap().unwrap().unwrap() {
            WatchEvent::Changes { revision, changes } => return (revision, changes),
            WatchEvent::Progress(_) => {}
        }
    }
}

async fn a_watch_tells_whole_revisions(store: &dyn MetaStore) {
    let before = put(store, "watch/a", "0").await;
    let from = Revision(before.0 + 1);
    let mut events = store.watch(KeyRange::prefix("watch/"), from).await.unwrap();
    let transaction = Transaction::new()
        .then(Operation::put("watch/c", "3"))
        .then(Operation::put("elsewhere", "4"))
        .then(Operation::delete("watch/a"))
        .then(Operation::put("watch/b", "2"));
    let at = committed(store.transact(transaction).await.unwrap());
    put(store, "elsewhere", "5").await;
    let last = put(store, "watch/c", "6").await;
    let (revision, first) = changes(&mut events).await;
    assert_eq!(revision, at);
    let told: Vec<_> =
        first.iter().map(|change| (change.key().as_ref(), change.after().is_some())).collect();
    assert_eq!(told, [(&b"watch/a"[..], false), (&b"watch/b"[..], true), (&b"watch/c"[..], true)]);
    assert!(first.iter().all(|change| change.modified() == at));
    let (revision, second) = changes(&mut events).await;
    assert_eq!((revision, second.len()), (last, 1));
    let expected = get(store, "watch/c").await.unwrap();
    assert_eq!(second[0], Change::Put(expected));
}

async fn a_watch_starts_in_the_past_or_the_future(store: &dyn MetaStore) {
    let first = put(store, "from/a", "1").await;
    let second = put(store, "from/a", "2").await;
    let mut past = store.watch(KeyRange::key("from/a"), first).await.unwrap();
    assert_eq!(changes(&mut past).await.0, first);
    assert_eq!(changes(&mut past).await.0, second);
    let later = Revision(second.0 + 2);
    let mut future = store.watch(KeyRange::key("from/a"), later).await.unwrap();
    put(store, "from/a", "3").await;
    let fourth = put(store, "from/a", "4").await;
    assert_eq!(changes(&mut future).await.0, fourth);
}

async fn one_of_many_wins(store: &dyn MetaStore) {
    let base = put(store, "race/counter", "0").await;
    let attempts = (0..16).map(|writer| {
        let bump = Transaction::new()
            .when(Compare::Modified { key: Bytes::from("race/counter"), at: base })
            .then(Operation::put("race/counter", format!("{writer}")));
        store.transact(bump)
    });
    let outcomes = futures::future::join_all(attempts).await;
    let winners = outcomes.iter().filter(|outcome| matches!(outcome, Ok(Outcome::Committed(_))));
    assert_eq!(winners.count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}

async fn a_revoked_lease_takes_its_keys(store: &dyn MetaStore) {
    let lease = store.grant_lease(Duration::from_secs(60)).await.unwrap();
    let transaction = Transaction::new()
        .then(Operation::put_leased("lease/a", "", lease))
        .then(Operation::put_leased("lease/b", "", lease))
        .then(Operation::put_leased("lease/c", "", lease));
    let at = committed(store.transact(transaction).await.unwrap());
    assert_eq!(get(store, "lease/a").await.unwrap().lease, Some(lease));
    // A put without the lease takes the key out of it.
    let kept = put(store, "lease/c", "kept").await;
    assert_eq!(get(store, "lease/c").await.unwrap().lease, None);
    assert!(store.keep_alive(lease).await.unwrap() >= Duration::from_secs(60));
    let from = Revision(kept.0 + 1);
    let mut events = store.watch(KeyRange::prefix("lease/"), from).await.unwrap();
    store.revoke_lease(lease).await.unwrap();
    assert_eq!(names(store, KeyRange::prefix("lease/")).await, ["lease/c"]);
    let (gone, told) = changes(&mut events).await;
    assert!(gone > at);
    assert_eq!(told.len(), 2, "one revision ends a lease: {told:?}");
    assert!(matches!(store.keep_alive(lease).await, Err(Error::LeaseGone)));
    assert!(matches!(store.revoke_lease(lease).await, Err(Error::LeaseGone)));
    let late = Transaction::new()
        .then(Operation::put("lease/other", ""))
        .then(Operation::put_leased("lease/a", "", lease));
    let refused = store.transact(late).await;
    assert!(matches!(refused, Err(Error::LeaseGone)), "{refused:?}");
    assert_eq!(get(store, "lease/other").await, None, "a refused transaction was half applied");
}

async fn a_lease_that_is_not_kept_ends(store: &dyn MetaStore) {
    let ends = store.grant_lease(Duration::from_secs(1)).await.unwrap();
    let stays = store.grant_lease(Duration::from_secs(1)).await.unwrap();
    let transaction = Transaction::new()
        .then(Operation::put_leased("ttl/ends", "", ends))
        .then(Operation::put_leased("ttl/stays", "", stays));
    let at = committed(store.transact(transaction).await.unwrap());
    let mut events = store.watch(KeyRange::prefix("ttl/"), Revision(at.0 + 1)).await.unwrap();
    let told = async { changes(&mut events).await };
    let keep = async {
        loop {
            assert!(store.keep_alive(stays).await.unwrap() >= Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let (_, told) = tokio::select! { told = told => told, () = keep => unreachable!() };
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].key().as_ref(), told[0].after()), (&b"ttl/ends"[..], None));
    assert_eq!(names(store, KeyRange::prefix("ttl/")).await, ["ttl/stays"]);
    assert!(matches!(store.keep_alive(ends).await, Err(Error::LeaseGone)));
    store.revoke_lease(stays).await.unwrap();
}

/// Random transactions against a model; then every revision is read, and the watch told again.
async fn random_histories(store: &dyn MetaStore) {
    let random = SeededRandom::new(20_261_122);
    let below = |max: u64| random.u64() % max;
    let key = |i: u64| format!("random/{i:02}");
    let mut model: BTreeMap<String, String> = BTreeMap::new();
    let first = put(store, "random/00", "start").await;
    model.insert("random/00".to_owned(), "start".to_owned());
    let mut history = vec![(first, model.clone())];
    for step in 0..150_u64 {
        let mut transaction = Transaction::new();
        if below(4) == 0 {
            let (start, end) = (below(20), below(20));
            let range = KeyRange::new(key(start), key(end));
            model.retain(|key, _| !range.contains(key.as_bytes()));
            transaction = transaction.then(Operation::Delete(range));
        } else {
            for i in 0..=below(3) {
                let (key, value) = (key(below(7) + i * 7), format!("{step}"));
                model.insert(key.clone(), value.clone());
                transaction = transaction.then(Operation::put(key, value));
            }
        }
        let at = committed(store.transact(transaction).await.unwrap());
        if history.last().is_some_and(|(last, _)| *last < at) {
            history.push((at, model.clone()));
        }
    }
    let range = KeyRange::prefix("random/");
    let plain = |keys: Vec<KeyValue>| -> BTreeMap<String, String> {
        let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
        keys.iter().map(|kv| (text(&kv.key), text(&kv.value))).collect()
    };
    let mut events = store.watch(range.clone(), Revision(first.0 + 1)).await.unwrap();
    let mut replayed = history[0].1.clone();
    for (at, expected) in &history {
        let (_, keys) = store.range(range.clone(), Some(*at)).await.unwrap();
        assert_eq!(plain(keys), *expected, "at {at}");
        if *at > first {
            let (revision, told) = changes(&mut events).await;
            assert_eq!(revision, *at);
            for change in told {
                let name = String::from_utf8(change.key().to_vec()).unwrap();
                match change.after() {
                    Some(kv) => {
                        replayed.insert(name, String::from_utf8(kv.value.to_vec()).unwrap())
                    }
                    None => replayed.remove(&name),
                };
            }
            assert_eq!(replayed, *expected, "replayed up to {at}");
        }
    }
}

async fn compaction(store: &dyn MetaStore) {
    let range = || KeyRange::prefix("compact/");
    let first = put(store, "compact/a", "1").await;
    put(store, "compact/b", "1").await;
    let delete = Transaction::new().then(Operation::delete("compact/b"));
    let deleted = committed(store.transact(delete).await.unwrap());
    let last = put(store, "compact/a", "2").await;
    let too_far = store.compact(Revision(last.0 + 1_000_000)).await;
    assert!(matches!(too_far, Err(Error::Future { .. })), "{too_far:?}");
    store.compact(deleted).await.unwrap();
    store.compact(deleted).await.unwrap();
    store.compact(first).await.unwrap();
    let old = store.range(range(), Some(first)).await;
    assert!(matches!(old, Err(Error::Compacted { at }) if at == first), "{old:?}");
    let (_, at_compacted) = store.range(range(), Some(deleted)).await.unwrap();
    assert_eq!((at_compacted.len(), at_compacted[0].value.as_ref()), (1, &b"1"[..]));
    assert_eq!(get(store, "compact/a").await.unwrap().value, "2");
    for from in [first, deleted] {
        let told = match store.watch(range(), from).await {
            Ok(mut events) => timeout(PATIENCE, events.next()).await.unwrap().unwrap(),
            Err(error) => Err(error),
        };
        assert!(matches!(told, Err(Error::Compacted { .. })), "from {from}: {told:?}");
    }
    let mut events = store.watch(range(), Revision(deleted.0 + 1)).await.unwrap();
    assert_eq!(changes(&mut events).await.0, last);
}

//! The mirror over stores that break, forget and lag; seeds make failures repeat themselves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;

use super::super::conformance::{committed, put};
use super::super::etcd_server::EtcdServer;
use super::super::{
    Change, Error, Etcd, Fault, FaultRates, Faulty, KeyRange, Keyspace, Limits, Memory, MetaStore,
    Mirror, MirrorConfig, Operation, Result, Transaction,
};
use crate::base::{Random, Revision, SeededRandom, SystemClock};

const PATIENCE: Duration = Duration::from_secs(20);
const HEAD: &str = "db/head";

/// The keys and values themselves. Every transaction of these tests puts one value under both
/// "db/one" and "db/two": a state in which they differ was never the store's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Plain(BTreeMap<Bytes, Bytes>);

impl Keyspace for Plain {
    fn empty() -> Self {
        Self::default()
    }

    fn apply(&mut self, revision: Revision, changes: &[Change]) -> Result<()> {
        for change in changes {
            assert!(change.modified() <= revision);
            match change {
                Change::Put(put) if put.value == "nonsense" => {
                    return Err(Error::corrupt("nonsense"));
                }
                Change::Put(put) => self.0.insert(put.key.clone(), put.value.clone()),
                Change::Delete { key, .. } => self.0.remove(key),
            };
        }
        Ok(())
    }
}

impl Plain {
    fn get(&self, key: &'static str) -> Option<Bytes> {
        self.0.get(key.as_bytes()).cloned()
    }
}

fn remote() -> Arc<Memory> {
    let limits = Limits { operations_max: 128, bytes_max: 1_500_000 };
    Arc::new(Memory::remote(Arc::new(SystemClock::new()), limits))
}

fn config() -> MirrorConfig {
    let mut config = MirrorConfig::new(KeyRange::prefix("db/"), HEAD);
    config.retry_pause = Duration::from_micros(100);
    config.stall = Duration::from_millis(300);
    config.fresh_timeout = PATIENCE;
    config
}

async fn start(store: Arc<dyn MetaStore>) -> Mirror<Plain> {
    Mirror::start(store, config()).await.unwrap()
}

async fn commit(store: &dyn MetaStore, value: String) -> Revision {
    let transaction = Transaction::new()
        .then(Operation::put("db/one", value.clone()))
        .then(Operation::put("db/two", value.clone()))
        .then(Operation::put(HEAD, value));
    committed(store.transact(transaction).await.unwrap())
}

#[tokio::test]
async fn follows_and_waits() {
    for store in [remote(), Arc::new(Memory::new(Arc::new(SystemClock::new())))] {
        commit(store.as_ref(), "1".to_owned()).await;
        let mirror = start(Arc::clone(&store) as Arc<_>).await;
        assert_eq!(mirror.current().state.get("db/one").unwrap(), "1");
        let at = commit(store.as_ref(), "2".to_owned()).await;
        let seen = mirror.wait_for(at, PATIENCE).await.unwrap();
        assert_eq!((seen.revision, seen.state.get("db/two").unwrap()), (at, Bytes::from("2")));
        let at = commit(store.as_ref(), "3".to_owned()).await;
        assert!(mirror.fresh().await.unwrap().revision >= at);
        let elsewhere = put(store.as_ref(), "elsewhere", "").await;
        assert!(mirror.wait_for(elsewhere, PATIENCE).await.unwrap().revision >= elsewhere);
        let never = Revision(elsewhere.0 + 1);
        let late = mirror.wait_for(never, Duration::from_millis(20)).await;
        assert!(matches!(late, Err(Error::Unavailable(_))), "{:?}", late.map(|m| m.revision));
    }
}

/// What the actors of one simulated run share.
struct Run {
    store: Arc<Memory>,
    mirror: Mirror<Plain>,
    acknowledged: AtomicU64,
    done: AtomicBool,
}

/// Commits, and forgets history behind it.
async fn write(run: Arc<Run>, seed: u64) {
    let random = SeededRandom::new(seed);
    for step in 0..150 {
        let at = commit(run.store.as_ref(), format!("{seed}/{step}")).await;
        run.acknowledged.fetch_max(at.0, Ordering::SeqCst);
        if random.u64().is_multiple_of(8) {
            run.store.compact(at).await.unwrap();
        }
        tokio::time::sleep(Duration::from_micros(random.u64() % 900)).await;
    }
}

/// Checks every state that the mirror shows; answers how many fresh reads succeeded.
async fn read(run: Arc<Run>) -> usize {
    let (mut last, mut fresh) = (Revision(0), 0);
    while !run.done.load(Ordering::SeqCst) {
        let promised = Revision(run.acknowledged.load(Ordering::SeqCst));
        let seen = match run.mirror.fresh().await {
            Ok(seen) => seen,
            Err(Error::Unavailable(_)) => continue,
            Err(other) => panic!("{other:?}"),
        };
        fresh += 1;
        assert!(seen.revision >= promised, "{} is fresh after {promised}", seen.revision);
        assert!(seen.revision >= last, "the mirror went back");
        assert_eq!(seen.state.get("db/one"), seen.state.get("db/two"));
        last = seen.revision;
        tokio::task::yield_now().await;
    }
    fresh
}

/// Writers that compact and readers at once, over watches that break and reads that fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn never_shows_what_was_not_and_never_lies_about_freshness() {
    for seed in 1..=4 {
        let store = remote();
        let faulty = Arc::new(Faulty::new(Arc::clone(&store) as Arc<_>, seed));
        commit(store.as_ref(), "start".to_owned()).await;
        let mirror = start(Arc::clone(&faulty) as Arc<_>).await;
        faulty.set_rates(FaultRates {
            unavailable: 50,
            lose_reply: 30,
            delay: 300,
            delay_max: Duration::from_millis(2),
            cut_watch: 700,
            ..FaultRates::default()
        });
        let (acknowledged, done) = (AtomicU64::new(0), AtomicBool::new(false));
        let run = Arc::new(Run { store, mirror, acknowledged, done });
        let writers: Vec<_> = (0..3)
            .map(|writer| tokio::spawn(write(Arc::clone(&run), seed * 100 + writer)))
            .collect();
        let readers: Vec<_> = (0..3).map(|_| tokio::spawn(read(Arc::clone(&run)))).collect();
        for writer in writers {
            writer.await.unwrap();
        }
        run.done.store(true, Ordering::SeqCst);
        for reader in readers {
            assert!(reader.await.unwrap() > 0, "no fresh read succeeded");
        }
        faulty.set_rates(FaultRates::default());
        let (at, keys) = run.store.range(KeyRange::prefix("db/"), None).await.unwrap();
        let seen = run.mirror.wait_for(at, PATIENCE).await.unwrap();
        let expected = keys.into_iter().map(|kv| (kv.key, kv.value)).collect();
        assert_eq!(seen.state, Plain(expected), "seed {seed}");
    }
}

#[tokio::test]
async fn a_question_that_is_under_way_does_not_serve_who_comes_later() {
    let store = remote();
    let faulty = Arc::new(Faulty::new(Arc::clone(&store) as Arc<_>, 1));
    commit(store.as_ref(), "1".to_owned()).await;
    let mirror = start(Arc::clone(&faulty) as Arc<_>).await;
    // Reads first, answers later: an answer from before the commit.
    faulty.plan_read(Fault::DelayReply(Duration::from_millis(100)));
    let early = mirror.fresh();
    let late = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let at = commit(store.as_ref(), "2".to_owned()).await;
        assert!(mirror.fresh().await.unwrap().revision >= at);
    };
    let (early, ()) = tokio::join!(early, late);
    early.unwrap();
}

#[tokio::test]
async fn callers_share_questions() {
    let store = remote();
    let faulty = Arc::new(Faulty::new(Arc::clone(&store) as Arc<_>, 1));
    let mirror = start(Arc::clone(&faulty) as Arc<_>).await;
    let before = faulty.reads();
    for _ in 0..2 {
        faulty.plan_read(Fault::Delay(Duration::from_millis(50)));
    }
    let all = futures::future::join_all((0..500).map(|_| mirror.fresh())).await;
    assert!(all.iter().all(Result::is_ok));
    let asked = faulty.reads() - before;
    assert!(asked <= 3, "{asked} questions for 500 callers");
}

#[tokio::test]
async fn a_caller_that_goes_away_holds_up_nobody() {
    let store = remote();
    let faulty = Arc::new(Faulty::new(Arc::clone(&store) as Arc<_>, 1));
    let mirror = start(Arc::clone(&faulty) as Arc<_>).await;
    faulty.plan_read(Fault::Delay(Duration::from_millis(50)));
    let gone = tokio::time::timeout(Duration::from_millis(5), mirror.fresh()).await;
    assert!(gone.is_err());
    tokio::time::timeout(PATIENCE, mirror.fresh()).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_outage_is_told_and_ends() {
    let store = remote();
    let faulty = Arc::new(Faulty::new(Arc::clone(&store) as Arc<_>, 1));
    faulty.plan_watch(Fault::CutWatch(1));
    let mirror = start(Arc::clone(&faulty) as Arc<_>).await;
    faulty.set_down(true);
    commit(store.as_ref(), "1".to_owned()).await;
    let at = commit(store.as_ref(), "2".to_owned()).await;
    let down = mirror.fresh().await;
    assert!(matches!(down, Err(Error::Unavailable(_))));
    let down = mirror.wait_for(at, Duration::from_millis(100)).await;
    let down = down.map(|seen| seen.revision);
    let Err(Error::Unavailable(cause)) = down else { panic!("{at}: {down:?}") };
    assert!(cause.to_string().contains("planned fault"), "{cause}");
    faulty.set_down(false);
    assert!(mirror.wait_for(at, PATIENCE).await.unwrap().revision >= at);
}

#[tokio::test]
async fn what_makes_no_sense_stops_the_mirror_until_it_is_gone() {
    let store = remote();
    let good = commit(store.as_ref(), "1".to_owned()).await;
    let mirror = start(Arc::clone(&store) as Arc<_>).await;
    let bad = put(store.as_ref(), "db/one", "nonsense").await;
    let stuck = mirror.wait_for(bad, Duration::from_millis(200)).await;
    let stuck = stuck.map(|seen| seen.revision);
    assert!(matches!(stuck, Err(Error::Corrupt(_))), "{bad}: {stuck:?}");
    assert_eq!(mirror.current().revision, good);
    let mended = commit(store.as_ref(), "2".to_owned()).await;
    let seen = mirror.wait_for(mended, PATIENCE).await.unwrap();
    assert_eq!(seen.state.get("db/one").unwrap(), "2");
}

/// etcd says nothing about revisions outside of the range for minutes.
#[tokio::test]
async fn a_revision_outside_of_the_range_is_reached_on_etcd() {
    let mut server = EtcdServer::start().await;
    let store: Arc<dyn MetaStore> = Arc::new(Etcd::connect(server.config()).await.unwrap());
    commit(store.as_ref(), "1".to_owned()).await;
    let mirror = start(Arc::clone(&store)).await;
    let elsewhere = put(store.as_ref(), "elsewhere", "").await;
    assert!(mirror.wait_for(elsewhere, PATIENCE).await.unwrap().revision >= elsewhere);
    // And etcd going away and coming back is survived.
    server.kill();
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.start_again().await;
    let at = loop {
        let put = Transaction::new().then(Operation::put(HEAD, "2"));
        match store.transact(put).await {
            Ok(outcome) => break committed(outcome),
            Err(Error::Unknown(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    };
    assert!(mirror.wait_for(at, PATIENCE).await.unwrap().revision >= at);
    assert!(mirror.fresh().await.unwrap().revision >= at);
}

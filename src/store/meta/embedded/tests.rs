//! The embedded store on real files; `crash.rs` has disks that lose, `failing.rs` disks that refuse.

mod crash;
mod failing;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::super::conformance::{self, committed, put};
use super::super::{Error, KeyRange, KeyValue, MetaStore, Operation, Outcome, Transaction};
use super::{Embedded, FILE_NAME, LOG_NAME};
use crate::base::{Revision, SystemClock};

fn open(directory: &Path) -> Embedded {
    Embedded::open(directory, Arc::new(SystemClock::new())).unwrap()
}

async fn everything(store: &Embedded) -> (Revision, Vec<KeyValue>) {
    store.range(KeyRange::all(), None).await.unwrap()
}

#[tokio::test]
async fn conforms() {
    let directory = tempfile::tempdir().unwrap();
    conformance::check(Arc::new(open(directory.path()))).await;
}

#[tokio::test]
async fn what_was_written_is_there_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut expected = None;
    // A log that is replayed, one that was folded, and both over each other.
    for round in 0..5 {
        let store = open(directory.path());
        if let Some(expected) = expected {
            assert_eq!(everything(&store).await, expected);
        }
        for key in 0..50 {
            put(&store, &format!("key/{}", key % (7 + round)), &format!("{round}/{key}")).await;
        }
        let delete = Transaction::new().then(Operation::delete(format!("key/{round}")));
        committed(store.transact(delete).await.unwrap());
        expected = Some(everything(&store).await);
    }
}

#[tokio::test]
async fn revisions_and_history_go_on_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let created = put(&store, "k", "1").await;
    let last = put(&store, "k", "2").await;
    drop(store);
    let store = open(directory.path());
    let old = store.range(KeyRange::all(), Some(created)).await;
    assert!(matches!(old, Err(Error::Compacted { .. })), "{old:?}");
    let next = put(&store, "k", "3").await;
    assert_eq!(next.0, last.0 + 1);
    let (_, keys) = everything(&store).await;
    assert_eq!((keys[0].created, keys[0].modified), (created, next));
}

#[tokio::test]
async fn leases_end_with_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let lease = store.grant_lease(Duration::from_secs(3_600)).await.unwrap();
    let transaction = Transaction::new()
        .then(Operation::put_leased("node", "", lease))
        .then(Operation::put("data", ""));
    let at = committed(store.transact(transaction).await.unwrap());
    drop(store);
    let store = open(directory.path());
    let (revision, keys) = everything(&store).await;
    assert_eq!(revision.0, at.0 + 1, "the end of a lease is a change like any other");
    assert_eq!(keys.len(), 1);
    assert!(matches!(store.keep_alive(lease).await, Err(Error::LeaseGone)));
}

#[tokio::test]
async fn a_second_process_is_told_who_has_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let second = Embedded::open(directory.path(), Arc::new(SystemClock::new()));
    let Err(error) = second else { panic!("two stores on one file") };
    assert!(matches!(&error, Error::Locked { path } if path.ends_with(FILE_NAME)), "{error:?}");
    drop(store);
    open(directory.path());
}

#[tokio::test]
async fn what_is_no_store_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(FILE_NAME), vec![b'x'; 100_000]).unwrap();
    let opened = Embedded::open(directory.path(), Arc::new(SystemClock::new()));
    assert!(opened.is_err());
}

#[tokio::test]
async fn a_file_of_another_format_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE_NAME);
    let about: redb::TableDefinition<'_, &str, u64> = redb::TableDefinition::new("about");
    let database = redb::Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(about).unwrap().insert("format", 1).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let opened = Embedded::open(directory.path(), Arc::new(SystemClock::new()));
    let Err(Error::Configuration(cause)) = opened else { panic!("{opened:?}") };
    let text = cause.to_string();
    assert!(text.ends_with("has format 1, and this program knows format 2"), "{text}");
    assert!(!directory.path().join(LOG_NAME).exists());
}

/// 32 callers, each one small transaction after the other, as single-row inserts make them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: cargo test --release --lib embedded -- --ignored --nocapture"]
#[expect(clippy::print_stderr, clippy::disallowed_methods, reason = "it measures and tells")]
async fn throughput_of_small_transactions() {
    let directory = tempfile::tempdir_in(".").unwrap();
    let store = Arc::new(open(directory.path()));
    for callers in [1, 32] {
        let start = std::time::Instant::now();
        let time = Duration::from_secs(3);
        let tasks = (0..callers).map(|caller| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut count = 0_u64;
                while start.elapsed() < time {
                    let id = format!("{callers}-{caller}-{count}");
                    let transaction = Transaction::new()
                        .when(super::super::Compare::Absent(format!("commits/{id}").into()))
                        .then(Operation::put(format!("tables/1/inline/{id}"), vec![7; 600]))
                        .then(Operation::put(format!("commits/{id}"), vec![7; 40]))
                        .then(Operation::put("tables/1/appends", id.clone()))
                        .then(Operation::put("head", id));
                    let outcome = store.transact(transaction).await.unwrap();
                    assert!(matches!(outcome, Outcome::Committed(_)));
                    count += 1;
                }
                count
            })
        });
        let counts = futures::future::join_all(tasks).await;
        let total: u64 = counts.into_iter().map(Result::unwrap).sum();
        eprintln!("{callers} callers: {} transactions/s", total / time.as_secs());
    }
    drop(store);
    let start = std::time::Instant::now();
    let store = open(directory.path());
    let (_, keys) = everything(&store).await;
    eprintln!("opened {} keys in {:?}", keys.len(), start.elapsed());
}

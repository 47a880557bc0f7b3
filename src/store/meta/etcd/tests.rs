//! Against a real etcd, which is killed and frozen.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::StreamExt;
use tokio::time::timeout;

use super::super::conformance::{self, committed, put};
use super::super::etcd_server::EtcdServer;
use super::super::{
    Error, Etcd, EtcdConfig, KeyRange, MetaStore, Operation, Revision, Transaction, WatchEvent,
};
use super::progress_is_proof;

const PATIENCE: Duration = Duration::from_secs(20);

fn write() -> Transaction {
    Transaction::new().then(Operation::put("k", "v"))
}

#[tokio::test]
async fn conforms() {
    let server = EtcdServer::start().await;
    conformance::check(Arc::new(Etcd::connect(server.config()).await.unwrap())).await;
}

#[tokio::test]
async fn what_never_left_is_tried_again_and_then_not_available() {
    let mut server = EtcdServer::start().await;
    let mut config = server.config();
    config.retry_for = Duration::from_millis(500);
    let store = Etcd::connect(config).await.unwrap();
    put(&store, "k", "before").await;
    server.kill();
    // The first call may find a connection that is just breaking.
    let first = store.transact(write()).await;
    assert!(matches!(first, Err(Error::Unavailable(_) | Error::Unknown(_))), "{first:?}");
    let second = store.transact(write()).await;
    assert!(matches!(second, Err(Error::Unavailable(_))), "{second:?}");
    let read = store.range(KeyRange::all(), None).await;
    assert!(matches!(read, Err(Error::Unavailable(_))), "{read:?}");
}

#[tokio::test]
async fn an_outage_is_waited_out() {
    let mut server = EtcdServer::start().await;
    let store = Etcd::connect(server.config()).await.unwrap();
    put(&store, "k", "before").await;
    server.kill();
    // Finds out that the connection is gone, whatever the answer.
    let _lost = store.revision("k".into()).await;
    let commit = store.transact(write());
    let restart = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.start_again().await;
    };
    let (outcome, ()) = tokio::join!(commit, restart);
    committed(outcome.unwrap());
}

#[tokio::test]
async fn no_answer_to_a_write_is_an_unknown_outcome() {
    let server = EtcdServer::start().await;
    let mut config = server.config();
    config.request_timeout = Duration::from_millis(500);
    config.retry_for = Duration::from_secs(1);
    let store = Etcd::connect(config).await.unwrap();
    let before = put(&store, "k", "before").await;
    let mut events = store.watch(KeyRange::all(), Revision(before.0 + 1)).await.unwrap();
    server.freeze();
    let outcome = store.transact(write()).await;
    let read = store.revision("k".into()).await;
    let silent = timeout(PATIENCE, events.next()).await;
    server.thaw();
    assert!(matches!(outcome, Err(Error::Unknown(_))), "{outcome:?}");
    assert!(matches!(read, Err(Error::Unavailable(_))), "{read:?}");
    let silent = silent.expect("a silent watch is noticed").unwrap();
    assert!(matches!(silent, Err(Error::Unavailable(_))), "{silent:?}");
    // Whether it was applied is up to etcd, which may have seen the call being given up: exactly
    // what "unknown" says. The store is of use again at any rate.
    assert!(store.revision("k".into()).await.unwrap() >= before);
    put(&store, "k", "after").await;
}

#[tokio::test]
async fn nobody_there_is_one_clear_error() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut config = EtcdConfig::from_url(&format!("etcd://{unused}")).unwrap();
    config.request_timeout = Duration::from_millis(500);
    let error = Etcd::connect(config).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert!(error.to_string().starts_with("the metadata store is not available: "), "{error}");
}

#[tokio::test]
async fn large_histories_come_whole_to_a_late_watch() {
    let server = EtcdServer::start().await;
    let store = Etcd::connect(server.config()).await.unwrap();
    let first = put(&store, "large/0", "").await;
    // Beyond the four megabytes that gRPC takes by itself.
    for i in 0..8 {
        put(&store, &format!("large/{i}"), &"v".repeat(1 << 20)).await;
    }
    let (_, keys) = store.range(KeyRange::prefix("large/"), None).await.unwrap();
    assert_eq!(keys.len(), 8);
    let from = Revision(first.0 + 1);
    let events = store.watch(KeyRange::prefix("large/"), from).await.unwrap();
    let told: Vec<_> = timeout(PATIENCE, events.take(8).collect()).await.unwrap();
    for (i, event) in told.into_iter().enumerate() {
        let WatchEvent::Changes { revision, changes } = event.unwrap() else {
            panic!("progress before the changes")
        };
        assert_eq!((revision.0, changes.len()), (first.0 + 1 + i as u64, 1));
    }
}

#[test]
fn urls_are_read() {
    let config = EtcdConfig::from_url("etcd://one:1,two,[::1]:3,[::1]/").unwrap();
    assert_eq!(config.endpoints, ["one:1", "two:2379", "[::1]:3", "[::1]:2379"]);
    assert!(config.user.is_none());
    let config = EtcdConfig::from_url("etcd://me:p@ss:word@host:1").unwrap();
    assert_eq!(config.endpoints, ["host:1"]);
    let user = config.user.unwrap();
    assert_eq!((user.name.as_str(), user.password.as_str()), ("me", "p@ss:word"));
    assert!(!format!("{user:?}").contains("word"));
    for wrong in
        ["", "http://a:1", "etcd://", "etcd://a:x", "etcd://a:1,", "etcd://me@a:1", "etcd://a/b"]
    {
        let refused = EtcdConfig::from_url(wrong);
        assert!(matches!(refused, Err(Error::Configuration(_))), "{wrong}: {refused:?}");
    }
}

#[test]
fn progress_on_request_is_trusted_where_it_was_mended() {
    for (version, trusted) in [
        ("3.4.23", false),
        ("3.4.25", true),
        ("3.4.37-arch", true),
        ("3.5.7", false),
        ("3.5.8", true),
        ("3.6.0", true),
        ("4.0.0-alpha", true),
        ("", false),
        ("3.3.27", false),
    ] {
        assert_eq!(progress_is_proof(version), trusted, "{version}");
    }
}

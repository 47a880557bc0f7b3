//! Advisory locks over several nodes: one session of all has one, whoever dies gives his back, and who
//! would wait for ever is told.

use crate::fleet::{Backend, Fleet};
use std::time::Duration;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

async fn asks(client: &Client, sql: &str) -> bool {
    client.query_one(sql, &[]).await.expect("an answer").get(0)
}

/// Four clients on two nodes of two clusters add one to a number that no transaction protects.
#[tokio::test(flavor = "multi_thread")]
async fn one_session_of_all_nodes_has_the_lock() {
    let fleet = Fleet::two_clusters(1).await;
    let setup = fleet.node(0).connect().await;
    setup.batch_execute("CREATE TABLE n (n int); INSERT INTO n VALUES (0)").await.expect("DDL");
    let mut workers = Vec::new();
    for worker in 0..4 {
        let client = fleet.node(worker % 2).connect().await;
        workers.push(tokio::spawn(async move {
            for _ in 0..10 {
                client.execute("SELECT pg_advisory_lock(7)", &[]).await.expect("the lock");
                let n: i32 = client.query_one("SELECT n FROM n", &[]).await.expect("n").get(0);
                let set = format!("UPDATE n SET n = {}", n + 1);
                client.batch_execute(&set).await.expect("the update");
                assert!(asks(&client, "SELECT pg_advisory_unlock(7)").await, "it had the lock");
            }
        }));
    }
    for worker in workers {
        worker.await.expect("a worker");
    }
    let n: i32 = setup.query_one("SELECT n FROM n", &[]).await.expect("n").get(0);
    assert_eq!(n, 40, "an addition got lost");
    let left = "SELECT count(*) = 0 FROM pg_locks";
    assert!(asks(&setup, left).await, "a lock is left over");
}

/// A lock goes with its connection, with its node's orderly end, and with its node's death.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_gone_has_no_lock() {
    let mut fleet = Fleet::bare(Backend::Shared).await;
    fleet.add("a", "a1", &[]).await;
    fleet.add("b", "b1", &[("REDKITE_LEASE_SECONDS", "3")]).await;
    let here = fleet.node(0).connect().await;
    let there = fleet.node(1).connect().await;
    there.execute("SELECT pg_advisory_lock(1), pg_advisory_lock(2)", &[]).await.expect("locks");
    assert!(!asks(&here, "SELECT pg_try_advisory_lock(1)").await, "it is taken");
    drop(there);
    here.execute("SELECT pg_advisory_lock(1)", &[]).await.expect("the lock of who has gone");

    let there = fleet.node(1).connect().await;
    there.execute("SELECT pg_advisory_lock(3)", &[]).await.expect("the lock");
    fleet.node_mut(1).kill();
    here.execute("SELECT pg_advisory_lock(3)", &[]).await.expect("the lock of the dead");
}

/// Two sessions of two nodes want what the other has: the second to ask is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_over_two_nodes_is_found() {
    for backend in [Backend::Embedded, Backend::Shared] {
        let mut fleet = Fleet::start(backend).await;
        if backend == Backend::Shared {
            fleet.add("b", "b1", &[]).await;
        }
        let last = usize::from(backend == Backend::Shared);
        let (one, two) = (fleet.node(0).connect().await, fleet.node(last).connect().await);
        one.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(1)").await.expect("a lock");
        two.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(2)").await.expect("a lock");
        let waits = tokio::spawn(async move {
            one.batch_execute("SELECT pg_advisory_xact_lock(2)").await.expect("the other's lock");
            one
        });
        // Until the first one waits.
        let queue = "SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND waitstart IS NOT NULL";
        while !asks(&two, queue).await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let error = two.batch_execute("SELECT pg_advisory_xact_lock(1)").await;
        let error = error.expect_err("a deadlock");
        assert_eq!(error.code(), Some(&SqlState::T_R_DEADLOCK_DETECTED));
        let detail = error.as_db_error().and_then(|error| error.detail()).unwrap_or_default();
        assert_eq!(detail.matches("waits for ExclusiveLock on advisory lock").count(), 2);
        waits.await.expect("who did not have to give in has the lock");
    }
}

/// A waiting session is cancelled; the next in the queue comes to its turn.
#[tokio::test(flavor = "multi_thread")]
async fn a_wait_can_be_cancelled() {
    let fleet = Fleet::two_clusters(1).await;
    let holder = fleet.node(0).connect().await;
    holder.execute("SELECT pg_advisory_lock($1)", &[&1i64]).await.expect("the lock");
    let two = holder.query_one("SELECT pg_try_advisory_xact_lock($1, $2)", &[&1i32, &2i32]).await;
    assert!(two.expect("a lock of two keys").get::<_, bool>(0));
    let waiter = fleet.node(1).connect().await;
    let token = waiter.cancel_token();
    let waits =
        tokio::spawn(async move { waiter.execute("SELECT pg_advisory_lock(1)", &[]).await });
    while !asks(&holder, "SELECT count(*) = 1 FROM pg_locks WHERE NOT granted").await {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    token.cancel_query(tokio_postgres::NoTls).await.expect("the request is sent");
    let error = waits.await.expect("a task").expect_err("cancelled");
    assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED));
    while !asks(&holder, "SELECT count(*) = 1 FROM pg_locks").await {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

//! Keys hold under concurrency, across nodes.

use super::clients::{Fate, fate, state};
use crate::fleet::{Backend, Fleet};
use tokio_postgres::Client;

const WRITERS: usize = 16;

async fn writers(fleet: &Fleet, nodes: usize) -> Vec<Client> {
    let mut clients = Vec::new();
    for writer in 0..WRITERS {
        clients.push(fleet.node(writer % nodes).connect().await);
    }
    clients
}

/// Sixteen writers want each key, half of them on either node: one gets it, the others are told
/// 23505, and every row is there.
async fn one_winner_a_key(fleet: &Fleet, nodes: usize) {
    let clients = writers(fleet, nodes).await;
    let table = "CREATE TABLE keyed (k int8 PRIMARY KEY, writer int8)";
    clients[0].batch_execute(table).await.expect("DDL");
    for key in 0..40i64 {
        let tries = clients.iter().zip(0i64..).map(async |(client, writer)| {
            client.execute("INSERT INTO keyed VALUES ($1, $2)", &[&key, &writer]).await
        });
        let answers = futures::future::join_all(tries).await;
        let winners: Vec<_> = (0i64..).zip(&answers).filter(|(_, a)| a.is_ok()).collect();
        assert_eq!(winners.len(), 1, "key {key} has {} winners", winners.len());
        for error in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert_eq!(state(error), Some("23505"), "key {key}: {error}");
        }
        let stored = "SELECT writer FROM keyed WHERE k = $1";
        for client in &clients[..nodes] {
            let row = client.query_one(stored, &[&key]).await.expect("the winner's row");
            assert_eq!(row.get::<_, i64>(0), winners[0].0, "key {key}");
        }
    }
}

/// The same in transaction blocks: the losers learn it at COMMIT, by 23505 or 40001.
async fn one_winner_a_key_in_blocks(fleet: &Fleet, nodes: usize) {
    let clients = writers(fleet, nodes).await;
    let table = "CREATE TABLE blocked (k int8 PRIMARY KEY, writer int8)";
    clients[0].batch_execute(table).await.expect("DDL");
    for key in 0..20i64 {
        let tries = clients.iter().zip(0i64..).map(async |(client, writer)| {
            let block = format!("BEGIN; INSERT INTO blocked VALUES ({key}, {writer}); COMMIT");
            let answer = client.batch_execute(&block).await;
            if let Err(error) = &answer {
                assert!(matches!(state(error), Some("23505" | "40001")), "key {key}: {error}");
                client.batch_execute("ROLLBACK").await.expect("the block can be left");
            }
            fate(&answer)
        });
        let fates = futures::future::join_all(tries).await;
        let winners = fates.iter().filter(|fate| **fate == Fate::Committed).count();
        assert_eq!(winners, 1, "key {key}");
    }
    let row = clients[0].query_one("SELECT count(*) FROM blocked", &[]).await.expect("the count");
    assert_eq!(row.get::<_, i64>(0), 20);
}

/// Upserts and counters in autocommit never fail for having lost a race.
async fn upserts_never_fail(fleet: &Fleet, nodes: usize) {
    let clients = writers(fleet, nodes).await;
    let table = "CREATE TABLE counted (k int8 PRIMARY KEY, n int8 NOT NULL)";
    clients[0].batch_execute(table).await.expect("DDL");
    let upsert = "INSERT INTO counted VALUES ($1, 1)
                  ON CONFLICT (k) DO UPDATE SET n = counted.n + excluded.n";
    let work = clients.iter().map(async |client| {
        for turn in 0..10i64 {
            client.execute(upsert, &[&(turn % 3)]).await.expect("an upsert does not fail");
        }
    });
    futures::future::join_all(work).await;
    let rows = clients[0].query("SELECT n FROM counted ORDER BY k", &[]).await.expect("the rows");
    let counts: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(counts, [64, 48, 48], "16 writers, 10 upserts each");
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_writers_want_one_key_on_two_nodes() {
    let fleet = Fleet::two_clusters(1).await;
    one_winner_a_key(&fleet, 2).await;
    one_winner_a_key_in_blocks(&fleet, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_writers_want_one_key_embedded() {
    let fleet = Fleet::start(Backend::Embedded).await;
    one_winner_a_key(&fleet, 1).await;
    one_winner_a_key_in_blocks(&fleet, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn upserts_in_autocommit_never_lose() {
    upserts_never_fail(&Fleet::start(Backend::Embedded).await, 1).await;
    upserts_never_fail(&Fleet::two_clusters(1).await, 2).await;
}

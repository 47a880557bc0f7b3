//! Promises 4 and 6: who dies before the commit point leaves nothing behind, what was
//! acknowledged is there whole, and what was not acknowledged is there whole or not at all.

use super::clients::{Fate, fate, psql_holding};
use crate::fleet::{Backend, Fleet, connect};
use crate::process::report;
use std::process::Command;
use std::time::Duration;
use tokio_postgres::{Client, Config};

const TABLES: &str = "CREATE TABLE one (transaction int8, id int8, text text, PRIMARY KEY (id));
                      CREATE TABLE two (transaction int8, id int8, text text);
                      CREATE TABLE doomed (id int8 PRIMARY KEY);
                      INSERT INTO doomed SELECT x FROM generate_series(1, 100) AS g(x)";

/// `kill -9` on a client in mid-transaction: its rows are dropped, its deletes undone, its keys
/// free again.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_killed_in_mid_transaction_leaves_nothing() {
    for backend in [Backend::Embedded, Backend::Shared] {
        let fleet = Fleet::start(backend).await;
        let other = fleet.node(0).connect().await;
        other.batch_execute(TABLES).await.expect("DDL");
        let sql = "BEGIN; INSERT INTO one VALUES (1, 1, 'x'); INSERT INTO two VALUES (1, 1, 'x');
                   DELETE FROM doomed;";
        let mut psql = psql_holding(fleet.node(0), sql, fleet.folder()).await;
        psql.kill();
        let sum = "SELECT (SELECT count(*) FROM one) + (SELECT count(*) FROM two) * 10
                        + (SELECT count(*) FROM doomed) * 100";
        let rows: i64 = other.query_one(sum, &[]).await.expect("the counts").get(0);
        assert_eq!(rows, 10_000, "a killed client's transaction left something");
        other.execute("INSERT INTO one VALUES (2, 1, 'free')", &[]).await.expect("the key is free");
        other.execute("DELETE FROM doomed WHERE id = 1", &[]).await.expect("the row is there");
    }
}

/// The points of a commit at which a node can be told to abort, each with whether the commit point
/// lies behind it then (`redkite failpoints` prints both).
fn fail_points() -> Vec<(String, bool)> {
    let output = Command::new(env!("CARGO_BIN_EXE_redkite")).arg("failpoints").output();
    let output = output.expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let points: Vec<(String, bool)> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(_, place)| place.trim() != "background")
        .map(|(name, when)| (name.to_owned(), when.trim() == "published"))
        .collect();
    assert!(points.iter().any(|(_, published)| *published), "points after the commit: {text}");
    assert!(points.iter().any(|(_, published)| !*published), "points before the commit: {text}");
    points
}

/// Writes transactions of ten rows in two tables and two deletes until the connection breaks.
/// Returns each one's fate.
async fn write_until_it_breaks(config: &Config, rows_of: usize) -> Vec<(i64, Fate)> {
    let Ok(client) = connect(config).await else { return Vec::new() };
    let mut fates = Vec::new();
    for transaction in 1..=10i64 {
        let fate = one_transaction(&client, transaction, rows_of).await;
        fates.push((transaction, fate));
        if client.is_closed() || fate == Fate::Unknown {
            break;
        }
    }
    fates
}

async fn one_transaction(client: &Client, transaction: i64, text_bytes: usize) -> Fate {
    let block = format!(
        "BEGIN;
         INSERT INTO one SELECT {transaction}, {transaction} * 1000 + x, repeat('x', {text_bytes})
             FROM generate_series(1, 10) AS g(x);
         INSERT INTO two SELECT {transaction}, x, 'y' FROM generate_series(1, 10) AS g(x);
         DELETE FROM doomed WHERE id IN ({transaction}, {transaction} + 50);
         COMMIT"
    );
    fate(&client.batch_execute(&block).await)
}

/// What is there of a transaction: all of it (true), nothing (false), or part of it (a panic).
async fn there(client: &Client, transaction: i64) -> bool {
    let sql = "SELECT (SELECT count(*) FROM one WHERE transaction = $1),
                      (SELECT count(*) FROM two WHERE transaction = $1),
                      (SELECT count(*) FROM doomed WHERE id IN ($1, $1 + 50))";
    let row = client.query_one(sql, &[&transaction]).await.expect("the counts");
    let counts: (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    match counts {
        (10, 10, 0) => true,
        (0, 0, 2) => false,
        _ => panic!("transaction {transaction} is there in part: {counts:?}"),
    }
}

/// Small commits ride in the metadata transaction, large ones write objects first: both ways.
async fn killed_at(backend: Backend, point: &str, published: bool, text_bytes: usize) -> bool {
    let mut fleet = Fleet::bare(backend).await;
    fleet.add("a", "a1", &[]).await;
    fleet.node(0).connect().await.batch_execute(TABLES).await.expect("DDL");
    let victim = match backend {
        // the same node again, this time with the fail point
        Backend::Embedded => {
            fleet.node_mut(0).kill();
            fleet.add("a", "a1", &[("REDKITE_FAILPOINT", point)]).await;
            1
        }
        Backend::Shared => {
            fleet.add("b", "b1", &[("REDKITE_FAILPOINT", point)]).await;
            1
        }
    };
    let fates = write_until_it_breaks(&fleet.node(victim).config(), text_bytes).await;
    let reached = fates.iter().any(|(_, fate)| *fate == Fate::Unknown);
    if !reached {
        return false;
    }
    fleet.node_mut(victim).process.wait(Duration::from_secs(10)).await;
    if backend == Backend::Embedded {
        fleet.node_mut(victim).restart().await;
    }
    let witness = if backend == Backend::Embedded { victim } else { 0 };
    let client = fleet.node(witness).connect().await;
    for (transaction, fate) in fates {
        let there = there(&client, transaction).await;
        let expected = fate == Fate::Committed || (fate == Fate::Unknown && published);
        assert_eq!(there, expected, "{point}: transaction {transaction} was {fate:?}");
    }
    // and the database goes on
    let fate = one_transaction(&client, 20, text_bytes).await;
    assert_eq!(fate, Fate::Committed, "after {point}");
    true
}

async fn at_every_step(backend: Backend) {
    for (point, published) in fail_points() {
        let small = killed_at(backend, &point, published, 10).await;
        let large = killed_at(backend, &point, published, 20_000).await;
        assert!(small || large, "no commit came through {point} on {backend:?}");
        report(&format!("{point}: small {small}, large {large}"));
    }
}

/// A node killed at every step of the flush, everything embedded.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_at_any_step_of_the_flush_embedded() {
    at_every_step(Backend::Embedded).await;
}

/// The same over etcd and S3, with another cluster's node as the witness.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_at_any_step_of_the_flush_shared() {
    at_every_step(Backend::Shared).await;
}

/// Commits go on while a node is killed with -9 and started again, at moments nobody chose.
#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_rows_survive_kills_at_any_moment() {
    let mut fleet = Fleet::start(Backend::Embedded).await;
    let setup = fleet.node(0).connect().await;
    setup.batch_execute("CREATE TABLE kept (id int8 PRIMARY KEY)").await.expect("DDL");
    let mut acknowledged = Vec::new();
    let mut next = 0i64;
    for round in 0..5u64 {
        let client = fleet.node(0).connect().await;
        let writer = async {
            loop {
                next += 1;
                match client.execute("INSERT INTO kept VALUES ($1)", &[&next]).await {
                    Ok(_) => acknowledged.push(next),
                    Err(_) => break,
                }
            }
        };
        let limit = tokio::time::timeout(Duration::from_millis(300 + 150 * round), writer).await;
        assert!(limit.is_err(), "the writer ended before the kill");
        fleet.node_mut(0).restart().await;
        let client = fleet.node(0).connect().await;
        let rows = client.query("SELECT id FROM kept ORDER BY id", &[]).await.expect("the rows");
        let there: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        let lost: Vec<_> = acknowledged.iter().filter(|id| !there.contains(id)).collect();
        assert!(lost.is_empty(), "acknowledged and lost in round {round}: {lost:?}");
    }
    assert!(acknowledged.len() > 20, "only {} commits", acknowledged.len());
}

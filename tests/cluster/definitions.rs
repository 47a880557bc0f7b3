//! DDL from several connections and nodes: definitions made at the same time all come into being,
//! and a transaction with rows for a table that another one changes meanwhile is told so, whole.

use super::clients::state;
use crate::fleet::{Backend, Fleet};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_postgres::Client;

/// Tables of different names made at the same time must not fail for having lost a race; of one
/// name, one is made.
#[tokio::test(flavor = "multi_thread")]
async fn tables_made_at_once_on_two_nodes() {
    let fleet = Fleet::two_clusters(1).await;
    let mut clients = Vec::new();
    for number in 0..8 {
        clients.push(fleet.node(number % 2).connect().await);
    }
    let work = clients.iter().enumerate().map(async |(number, client)| {
        for turn in 0..5 {
            let sql = format!("CREATE TABLE own_{number}_{turn} (id serial PRIMARY KEY, v text)");
            client.batch_execute(&sql).await.expect("a table of its own");
            let sql = "CREATE TABLE IF NOT EXISTS everyones (id int8 PRIMARY KEY)";
            client.batch_execute(sql).await.expect("made by one, found by the others");
        }
        client.batch_execute("CREATE TABLE wanted (id int8)").await
    });
    let answers = futures::future::join_all(work).await;
    let won = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(won, 1, "{answers:?}");
    for error in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!(state(error), Some("42P07"), "{error:?}");
    }
    let count = "SELECT count(*), count(DISTINCT oid) FROM pg_class WHERE relname LIKE 'own%' AND relkind = 'r'";
    for client in &clients[..2] {
        let row = client.query_one(count, &[]).await.expect("the catalog");
        assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (40, 40));
    }
}

/// What another connection does to the table, and what COMMIT may say then.
const CHANGES: [(&str, &[&str]); 8] = [
    ("DROP TABLE place.t", &["42P01"]),
    ("DROP SCHEMA place CASCADE", &["42P01"]),
    ("ALTER TABLE place.t ADD COLUMN more int8", &["40001"]),
    ("ALTER TABLE place.t DROP COLUMN extra", &["40001"]),
    ("ALTER TABLE place.t RENAME COLUMN extra TO other", &["40001", ""]),
    ("ALTER TABLE place.t RENAME TO u", &["40001", ""]),
    ("ALTER TABLE place.t ALTER COLUMN extra SET NOT NULL", &["40001"]),
    ("DROP TABLE place.t; CREATE TABLE place.t (id int8 PRIMARY KEY, extra int8)", &["42P01"]),
];

async fn changed_under_a_transaction(writer: &Client, other: &Client) {
    for (change, allowed) in CHANGES {
        for rows in ["INSERT INTO place.t VALUES (10, 10)", "DELETE FROM place.t WHERE id = 1"] {
            let tables = "DROP SCHEMA IF EXISTS place CASCADE; CREATE SCHEMA place;
                 CREATE TABLE place.t (id int8 PRIMARY KEY, extra int8);
                 INSERT INTO place.t VALUES (1, 1), (2, 2);
                 DROP TABLE IF EXISTS beside; CREATE TABLE beside (id int8)";
            other.batch_execute(tables).await.expect("DDL and rows");
            let block = format!("BEGIN; INSERT INTO beside VALUES (1); {rows}");
            writer.batch_execute(&block).await.expect("the block");
            other.batch_execute(change).await.unwrap_or_else(|e| panic!("{change}: {e:?}"));
            let told = writer.batch_execute("COMMIT").await;
            let told = told.as_ref().err().map_or("", |error| state(error).unwrap_or("lost"));
            assert!(allowed.contains(&told), "{rows} under {change}: \"{told}\"");
            let count = "SELECT count(*) FROM beside";
            for client in [writer, other] {
                let rows: i64 = client.query_one(count, &[]).await.expect("the count").get(0);
                assert_eq!(rows, i64::from(told.is_empty()), "{change} left half of a transaction");
            }
        }
    }
}

/// A TRUNCATE takes what was there before it; appends of others stay, deletes of what it took fail.
async fn truncated_under_a_transaction(writer: &Client, other: &Client) {
    let tables = "DROP TABLE IF EXISTS t; CREATE TABLE t (id int8 PRIMARY KEY);
                  INSERT INTO t VALUES (1), (2)";
    for (rows, code, left) in
        [("INSERT INTO t VALUES (10)", "", 10i64), ("DELETE FROM t WHERE id = 1", "40001", 0)]
    {
        other.batch_execute(tables).await.expect("DDL and rows");
        writer.batch_execute(&format!("BEGIN; {rows}")).await.expect("the block");
        other.batch_execute("TRUNCATE t").await.expect("the truncation");
        let told = writer.batch_execute("COMMIT").await;
        let told = told.as_ref().err().map_or("", |error| state(error).unwrap_or("lost"));
        assert_eq!(told, code, "{rows}");
        for client in [writer, other] {
            let sum = "SELECT coalesce(sum(id), 0)::int8 FROM t";
            let sum: i64 = client.query_one(sum, &[]).await.expect("the sum").get(0);
            assert_eq!(sum, left, "{rows}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_changes_under_a_transaction_embedded() {
    let fleet = Fleet::start(Backend::Embedded).await;
    let (writer, other) = (fleet.node(0).connect().await, fleet.node(0).connect().await);
    changed_under_a_transaction(&writer, &other).await;
    truncated_under_a_transaction(&writer, &other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_changes_under_a_transaction_on_another_node() {
    let fleet = Fleet::two_clusters(1).await;
    let (writer, other) = (fleet.node(0).connect().await, fleet.node(1).connect().await);
    changed_under_a_transaction(&writer, &other).await;
    truncated_under_a_transaction(&writer, &other).await;
}

/// Statements that are their own transactions run again when the definition changes under them.
#[tokio::test(flavor = "multi_thread")]
async fn autocommit_goes_on_while_columns_come_and_go() {
    let fleet = Fleet::two_clusters(1).await;
    let other = fleet.node(1).connect().await;
    other.batch_execute("CREATE TABLE t (id int8 PRIMARY KEY)").await.expect("DDL");
    let done = AtomicBool::new(false);
    let writer = async |node: usize, number: i64| {
        let client = fleet.node(node).connect().await;
        let insert = client.prepare("INSERT INTO t (id) VALUES ($1)").await.expect("a plan");
        let mut turn = 0;
        while !done.load(Ordering::Relaxed) {
            let id = number * 1_000_000 + turn;
            client.execute(&insert, &[&id]).await.expect("autocommit goes on");
            turn += 1;
        }
        turn
    };
    let changes = async {
        for turn in 0..10 {
            for change in ["ADD COLUMN", "DROP COLUMN"] {
                let ty = if change == "ADD COLUMN" { "int8" } else { "" };
                let sql = format!("ALTER TABLE t {change} c{turn} {ty}");
                other.batch_execute(&sql).await.expect("the change");
            }
        }
        done.store(true, Ordering::Relaxed);
    };
    let (one, two, ()) = tokio::join!(writer(0, 1), writer(1, 2), changes);
    let rows: i64 = other.query_one("SELECT count(*) FROM t", &[]).await.expect("rows").get(0);
    assert_eq!(rows, one + two);
}

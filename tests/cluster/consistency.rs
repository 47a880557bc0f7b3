//! `redkite.consistency` and isolation levels, on two nodes over one etcd.

use super::clients::state;
use crate::fleet::Fleet;
use std::time::Duration;
use tokio::time::sleep;
use tokio_postgres::Client;

/// Counts under a consistency; none where no answer comes within two seconds.
async fn count(client: &Client, consistency: &str) -> Option<i64> {
    let set = format!("SET redkite.consistency = '{consistency}'");
    client.batch_execute(&set).await.expect("settings need no store");
    let answer = client.query_one("SELECT count(*) FROM t", &[]);
    let answer = tokio::time::timeout(Duration::from_secs(2), answer).await.ok()?;
    Some(answer.unwrap_or_else(|error| panic!("{consistency}: {error:?}")).get(0))
}

/// With etcd silent, only those answer that need not ask it.
#[tokio::test(flavor = "multi_thread")]
async fn each_consistency_asks_as_much_as_it_must() {
    let fleet = Fleet::two_clusters(1).await;
    let clients = [fleet.node(0).connect().await, fleet.node(1).connect().await];
    clients[0].batch_execute("CREATE TABLE t (id int8)").await.expect("DDL");
    for client in &clients {
        client.batch_execute("INSERT INTO t VALUES (1)").await.expect("a row");
    }
    for client in &clients {
        assert_eq!(count(client, "strong").await, Some(2));
    }
    let mut waiting = Vec::new();
    for node in 0..2 {
        for consistency in ["strong", "bounded(500ms)"] {
            waiting.push((fleet.node(node).connect().await, consistency));
        }
    }
    let etcd = &fleet.stores.as_ref().expect("shared stores").etcd;
    etcd.pause();
    sleep(Duration::from_secs(1)).await;
    for client in &clients {
        for consistency in ["session", "eventual", "bounded(10min)"] {
            assert_eq!(count(client, consistency).await, Some(2), "{consistency}");
        }
    }
    let asked = waiting.iter().map(async |(client, consistency)| count(client, consistency).await);
    let answers = futures::future::join_all(asked).await;
    assert_eq!(answers, [None, None, None, None], "somebody did not ask");
    etcd.resume();
    clients[0].batch_execute("RESET ALL; INSERT INTO t VALUES (1)").await.expect("a row");
    assert_eq!(count(&clients[1], "strong").await, Some(3));
    // a connection sees its own commits, whatever it is set to
    for (consistency, rows) in [("session", 4), ("eventual", 5)] {
        clients[1].batch_execute("INSERT INTO t VALUES (1)").await.expect("a row");
        assert_eq!(count(&clients[1], consistency).await, Some(rows), "{consistency}");
    }
}

/// REPEATABLE READ reads one snapshot, on whichever node others commit; READ COMMITTED does not.
#[tokio::test(flavor = "multi_thread")]
async fn repeatable_read_reads_one_snapshot() {
    let fleet = Fleet::two_clusters(1).await;
    let (reader, other) = (fleet.node(0).connect().await, fleet.node(1).connect().await);
    let tables =
        "CREATE TABLE t (id int8 PRIMARY KEY, n int8); INSERT INTO t VALUES (1, 0), (2, 0)";
    other.batch_execute(tables).await.expect("DDL and rows");
    let sum = "SELECT (sum(n) * 100 + count(*))::int8 FROM t";
    for (isolation, seen) in [("REPEATABLE READ", [2i64, 2, 2]), ("READ COMMITTED", [2, 103, 102])]
    {
        other.batch_execute("UPDATE t SET n = 0; DELETE FROM t WHERE id > 2").await.expect("rows");
        reader.batch_execute(&format!("BEGIN ISOLATION LEVEL {isolation}")).await.expect("BEGIN");
        let mut found = Vec::new();
        for change in [
            "UPDATE t SET n = 1 WHERE id = 1; INSERT INTO t VALUES (3, 0)",
            "DELETE FROM t WHERE id = 3",
            "",
        ] {
            let row = reader.query_one(sum, &[]).await.expect("the sum");
            found.push(row.get::<_, i64>(0));
            other.batch_execute(change).await.expect("the other's change");
        }
        assert_eq!(found, seen, "{isolation}");
        // it may not change what has changed since its snapshot
        reader.batch_execute("UPDATE t SET n = n + 10 WHERE id = 1").await.expect("the update");
        let told = reader.batch_execute("COMMIT").await;
        let lost = told.as_ref().err().and_then(state) == Some("40001");
        assert_eq!(lost, isolation == "REPEATABLE READ", "{isolation}: {told:?}");
        let row = other.query_one("SELECT n FROM t WHERE id = 1", &[]).await.expect("the row");
        assert_eq!(row.get::<_, i64>(0), if lost { 1 } else { 11 }, "{isolation}");
    }
}

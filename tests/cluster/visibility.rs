//! Promise 3: what one client has flushed, every other sees from its next statement on, whichever
//! node of whichever cluster either of them talks to.

use crate::fleet::{Backend, Fleet};

/// A thousand times: commit on a node of cluster `a`, then count on a node of cluster `b`.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_seen_at_once_by_another_cluster() {
    let fleet = Fleet::two_clusters(1).await;
    let (writer, reader) = (fleet.node(0).connect().await, fleet.node(1).connect().await);
    writer.batch_execute("CREATE TABLE seen (id int8 PRIMARY KEY, n int8)").await.expect("DDL");
    let insert = writer.prepare("INSERT INTO seen VALUES ($1, 0)").await.expect("a plan");
    let count = reader.prepare("SELECT count(*), max(id) FROM seen").await.expect("a plan");
    for turn in 1..=1000i64 {
        writer.execute(&insert, &[&turn]).await.expect("the commit");
        let row = reader.query_one(&count, &[]).await.expect("the count");
        let seen: (i64, Option<i64>) = (row.get(0), row.get(1));
        assert_eq!(seen, (turn, Some(turn)), "the reader missed a commit");
    }
}

/// The same by both spellings of a delete and an update, in both directions.
#[tokio::test(flavor = "multi_thread")]
async fn deletes_and_updates_are_seen_at_once_too() {
    let fleet = Fleet::two_clusters(1).await;
    let clients = [fleet.node(0).connect().await, fleet.node(1).connect().await];
    let fill = "CREATE TABLE seen (id int8 PRIMARY KEY, n int8);
                INSERT INTO seen SELECT x, 0 FROM generate_series(1, 100) AS g(x)";
    clients[0].batch_execute(fill).await.expect("DDL and rows");
    for turn in 1..=100i64 {
        let (one, other) = match turn % 2 {
            0 => (&clients[0], &clients[1]),
            _ => (&clients[1], &clients[0]),
        };
        one.execute("UPDATE seen SET n = n + 1", &[]).await.expect("the update");
        one.execute("DELETE FROM seen WHERE id = $1", &[&turn]).await.expect("the delete");
        let row = other
            .query_one("SELECT count(*), count(*) FILTER (WHERE n = $1) FROM seen", &[&turn])
            .await
            .expect("the count");
        let seen: (i64, i64) = (row.get(0), row.get(1));
        assert_eq!(seen, (100 - turn, 100 - turn), "turn {turn}");
    }
}

/// Promise 2: before its COMMIT nobody sees a transaction's writes, its own connection included.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_transaction_is_seen_by_nobody() {
    for backend in [Backend::Embedded, Backend::Shared] {
        let fleet = Fleet::start(backend).await;
        let (writer, reader) = (fleet.node(0).connect().await, fleet.node(0).connect().await);
        let fill = "CREATE TABLE seen (id int8 PRIMARY KEY); INSERT INTO seen VALUES (1), (2)";
        writer.batch_execute(fill).await.expect("DDL and rows");
        let count = "SELECT sum(id)::int8 FROM seen";
        writer
            .batch_execute("BEGIN; INSERT INTO seen VALUES (3); DELETE FROM seen WHERE id = 1")
            .await
            .expect("the block");
        for client in [&writer, &reader] {
            let sum: i64 = client.query_one(count, &[]).await.expect("the sum").get(0);
            assert_eq!(sum, 3, "an open transaction is visible");
        }
        writer.batch_execute("COMMIT").await.expect("the commit");
        for client in [&writer, &reader] {
            let sum: i64 = client.query_one(count, &[]).await.expect("the sum").get(0);
            assert_eq!(sum, 5, "a commit is not visible");
        }
        let own = "SET redkite.read_your_writes = on; BEGIN; INSERT INTO seen VALUES (10)";
        writer.batch_execute(own).await.expect("the block");
        let sum: i64 = writer.query_one(count, &[]).await.expect("the sum").get(0);
        assert_eq!(sum, 15, "read_your_writes shows a transaction its own rows");
        let sum: i64 = reader.query_one(count, &[]).await.expect("the sum").get(0);
        assert_eq!(sum, 5, "and nobody else");
        writer.batch_execute("ROLLBACK").await.expect("the rollback");
    }
}

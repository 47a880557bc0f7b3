//! Transactions that share a snapshot, as `pg_dump -j` has them.

use crate::fleet::{Backend, Fleet};
use tokio_postgres::Client;

async fn count(client: &Client) -> i64 {
    client.query_one("SELECT count(*) FROM t", &[]).await.expect("a count").get(0)
}

async fn take_over(client: &Client, name: &str) -> Result<(), String> {
    let sql = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET TRANSACTION SNAPSHOT '{name}'"
    );
    let taken = client.batch_execute(&sql).await;
    taken.map_err(|error| error.code().map(|code| code.code().to_owned()).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_taken_over_while_it_is_open() {
    let fleet = Fleet::start(Backend::Embedded).await;
    let node = fleet.node(0);
    let (keeper, worker, writer) =
        (node.connect().await, node.connect().await, node.connect().await);
    writer.batch_execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1)").await.expect("a row");
    keeper.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await.expect("a transaction");
    let exported = keeper.query_one("SELECT pg_export_snapshot()", &[]).await.expect("a name");
    let name: String = exported.get(0);
    writer.batch_execute("INSERT INTO t VALUES (2), (3)").await.expect("more rows");
    assert_eq!(count(&writer).await, 3);
    take_over(&worker, &name).await.expect("the transaction that exported it is open");
    assert_eq!(count(&worker).await, 1);
    keeper.batch_execute("COMMIT").await.expect("the end of the one that exported it");
    assert_eq!(count(&worker).await, 1, "who has it keeps it");
    worker.batch_execute("COMMIT").await.expect("the end");
    assert_eq!(take_over(&worker, &name).await, Err("42704".to_owned()));
    worker.batch_execute("ROLLBACK").await.expect("the end");
    assert_eq!(count(&worker).await, 3);
    // what is exported outside of a block ends with its statement
    let alone = keeper.query_one("SELECT pg_export_snapshot()", &[]).await.expect("a name");
    assert_eq!(take_over(&worker, alone.get(0)).await, Err("42704".to_owned()));
}

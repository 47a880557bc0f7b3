//! Rows read FOR UPDATE on several nodes: no update is lost, and no rule is broken that a locked row
//! stands for.

use super::clients::until_committed;
use crate::fleet::{Fleet, Node};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

const CLIENTS: usize = 4;
const TURNS: i64 = 12;

/// Runs a transaction until it is committed.
async fn transaction(client: &Client, body: impl AsyncFn(&Client) -> Result<(), Error>) {
    loop {
        client.batch_execute("BEGIN").await.expect("BEGIN");
        let done = match body(client).await {
            Ok(()) => client.batch_execute("COMMIT").await,
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => return,
            Err(error) => {
                assert_eq!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE), "{error}");
                // A failed COMMIT has ended the block; there may be nothing to roll back.
                client.batch_execute("ROLLBACK").await.expect("ROLLBACK");
            }
        }
    }
}

async fn number(client: &Client, sql: &str) -> Result<i64, Error> {
    Ok(client.query_one(sql, &[]).await?.get(0))
}

/// Reads a balance FOR UPDATE and writes what it computes from it: a lost update would be money lost.
#[tokio::test(flavor = "multi_thread")]
async fn no_update_is_lost_over_two_nodes() {
    let fleet = Fleet::two_clusters(1).await;
    let setup = fleet.node(0).connect().await;
    let tables = "CREATE TABLE bank (id int8 PRIMARY KEY, balance int8);
                  INSERT INTO bank VALUES (1, 1000), (2, 1000)";
    setup.batch_execute(tables).await.expect("DDL and rows");
    let teller = async |node: &Node, from: i64| {
        let (client, to) = (node.connect().await, 3 - from);
        for _ in 0..TURNS {
            transaction(&client, async |client| {
                let read = |id| format!("SELECT balance FROM bank WHERE id = {id} FOR UPDATE");
                let (a, b) = (number(client, &read(from)).await?, number(client, &read(to)).await?);
                let write =
                    |id, balance| format!("UPDATE bank SET balance = {balance} WHERE id = {id}");
                client.batch_execute(&write(from, a - 5)).await?;
                client.batch_execute(&write(to, b + 5)).await
            })
            .await;
        }
    };
    let tellers = (0..CLIENTS).map(|at| teller(fleet.node(at % 2), 1));
    futures::future::join_all(tellers).await;
    let moved = CLIENTS as i64 * TURNS * 5;
    let balance = number(&setup, "SELECT balance FROM bank WHERE id = 2").await;
    assert_eq!(balance.expect("the balance"), 1000 + moved, "an update was lost");
}

/// A parent may have five children; who adds one locks the parent, which nobody changes.
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_row_stands_for_a_rule() {
    let fleet = Fleet::two_clusters(1).await;
    let setup = fleet.node(0).connect().await;
    let tables = "CREATE TABLE parent (id int8 PRIMARY KEY); INSERT INTO parent VALUES (1), (2);
                  CREATE TABLE child (parent int8, by int8)";
    setup.batch_execute(tables).await.expect("DDL and rows");
    let mother = async |at: usize| {
        let client = fleet.node(at % 2).connect().await;
        for parent in [1, 2, 1, 2] {
            transaction(&client, async |client| {
                let lock = format!("SELECT id FROM parent WHERE id = {parent} FOR UPDATE");
                client.batch_execute(&lock).await?;
                let count = format!("SELECT count(*) FROM child WHERE parent = {parent}");
                if number(client, &count).await? < 5 {
                    let add = format!("INSERT INTO child VALUES ({parent}, {at})");
                    client.batch_execute(&add).await?;
                }
                Ok(())
            })
            .await;
        }
    };
    futures::future::join_all((0..CLIENTS).map(mother)).await;
    for parent in [1, 2] {
        let count = format!("SELECT count(*) FROM child WHERE parent = {parent}");
        assert_eq!(number(&setup, &count).await.expect("a count"), 5, "the rule was broken");
    }
}

/// Workers on two nodes take jobs; each job is taken once, and none fails for having lost a race.
#[tokio::test(flavor = "multi_thread")]
async fn each_job_of_a_queue_is_taken_once() {
    const JOBS: i64 = 40;
    let fleet = Fleet::two_clusters(1).await;
    let setup = fleet.node(0).connect().await;
    let fill = format!(
        "CREATE TABLE jobs (id int8 PRIMARY KEY);
         INSERT INTO jobs SELECT x FROM generate_series(1, {JOBS}) AS g(x)"
    );
    setup.batch_execute(&fill).await.expect("DDL and rows");
    let take = "DELETE FROM jobs WHERE id =
                (SELECT id FROM jobs ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING id";
    let worker = async |at: usize| {
        let client = fleet.node(at % 2).connect().await;
        let mut taken: Vec<i64> = Vec::new();
        while let Some(job) = client.query_opt(take, &[]).await.expect("a statement of its own") {
            taken.push(job.get(0));
        }
        taken
    };
    let taken = futures::future::join_all((0..CLIENTS).map(worker)).await;
    let mut taken: Vec<i64> = taken.concat();
    taken.sort_unstable();
    assert_eq!(taken, (1..=JOBS).collect::<Vec<_>>(), "a job was taken twice, or never");
    let tries = until_committed(&setup, "BEGIN; SELECT id FROM jobs FOR UPDATE; COMMIT").await;
    tries.expect("an empty queue");
}

//! Several clients on several nodes append to lists and read them; afterwards the history that
//! they saw is checked for lost updates, stale reads, reads that go backwards, appends done twice
//! or never, and transactions seen in part. The seed is printed.

mod checker;

use super::clients::{Fate, fate};
use crate::fleet::{Backend, Fleet};
use crate::process::report;
use checker::{Event, History, Operation};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;
use tokio::time::Instant;
use tokio_postgres::Client;

const KEYS: i64 = 5;
const OPERATIONS: usize = 40;

/// The elements of a list, kept as text (`,3,17,4`): every database can append to that.
fn elements(list: &str) -> Vec<u64> {
    list.split(',')
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().expect("ours"))
        .collect()
}

/// Reads all the keys in one statement: one snapshot.
async fn read(client: &Client) -> Result<BTreeMap<i64, Vec<u64>>, tokio_postgres::Error> {
    let rows = client.query("SELECT k, v FROM lists", &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), elements(row.get(1)))).collect())
}

/// Appends an element to one key in autocommit, or to two keys in a block.
async fn append(client: &Client, keys: &[i64], element: u64, block: bool) -> Fate {
    let append = |key: &i64| format!("UPDATE lists SET v = v || ',{element}' WHERE k = {key}");
    if !block {
        return fate(&client.batch_execute(&append(&keys[0])).await);
    }
    let updates: Vec<String> = keys.iter().map(append).collect();
    let sql = format!("BEGIN; {}; COMMIT", updates.join("; "));
    let answer = client.batch_execute(&sql).await;
    if answer.is_err() && !client.is_closed() {
        client.batch_execute("ROLLBACK").await.expect("the block can be left");
    }
    fate(&answer)
}

/// One client's part of the history.
async fn actor(client: Client, mut random: StdRng, number: u64, start: Instant) -> Vec<Event> {
    let mut events = Vec::new();
    for turn in 0..OPERATIONS as u64 {
        let began = start.elapsed();
        let operation = if random.random_bool(0.4) {
            Operation::Read(read(&client).await.expect("reads do not fail"))
        } else {
            let first = random.random_range(0..KEYS);
            let block = random.random_bool(0.5);
            let second = (first + random.random_range(1..KEYS)) % KEYS;
            let keys = if block { vec![first, second] } else { vec![first] };
            let element = number * 1_000_000 + turn;
            let fate = append(&client, &keys, element, block).await;
            assert!(block || fate == Fate::Committed, "an append in autocommit failed: {fate:?}");
            Operation::Append { keys, element, fate }
        };
        events.push(Event { began, ended: start.elapsed(), operation });
    }
    events
}

async fn a_history_without_holes(fleet: &Fleet, nodes: usize) {
    let seed: u64 = u64::from(rand::random::<u32>());
    report(&format!("history: seed {seed}"));
    let setup = fleet.node(0).connect().await;
    let tables = format!(
        "CREATE TABLE lists (k int8 PRIMARY KEY, v text NOT NULL);
         INSERT INTO lists SELECT x, '' FROM generate_series(0, {}) AS g(x)",
        KEYS - 1
    );
    setup.batch_execute(&tables).await.expect("DDL and rows");
    let start = Instant::now();
    let mut actors = Vec::new();
    for number in 0..6u64 {
        let client = fleet.node(number as usize % nodes).connect().await;
        actors.push(actor(client, StdRng::seed_from_u64(seed + number), number, start));
    }
    let events = futures::future::join_all(actors).await.concat();
    let last = read(&setup).await.expect("the last read");
    let history = History { events, last };
    if let Err(broken) = history.check() {
        panic!("seed {seed}: {broken}");
    }
    report(&format!("history: {}", history.summary()));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_on_one_embedded_node() {
    a_history_without_holes(&Fleet::start(Backend::Embedded).await, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_on_two_clusters_of_two_nodes() {
    a_history_without_holes(&Fleet::two_clusters(2).await, 4).await;
}

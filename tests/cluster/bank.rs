//! Money moves between accounts from several clients on two nodes; whoever looks, whenever, finds
//! the same sum.

use super::clients::until_committed;
use crate::fleet::{Backend, Fleet};
use crate::process::report;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_postgres::Client;

const ACCOUNTS: i64 = 10;
const CLIENTS: usize = 6;
const TRANSFERS: usize = 25;

/// Accounts other than each other, and an amount.
fn transfer(random: &mut StdRng) -> (i64, i64, i64) {
    let from = random.random_range(0..ACCOUNTS);
    let to = (from + random.random_range(1..ACCOUNTS)) % ACCOUNTS;
    (from, to, random.random_range(1..10))
}

/// One client's work: transfers in blocks, some given up, and in single statements.
async fn teller(client: Client, mut random: StdRng) -> u32 {
    let mut tries = 0;
    for turn in 0..TRANSFERS {
        let (from, to, amount) = transfer(&mut random);
        let block = format!(
            "UPDATE bank SET balance = balance - {amount} WHERE id = {from};
             UPDATE bank SET balance = balance + {amount} WHERE id = {to};
             INSERT INTO moved VALUES ({from}, {to}, {amount})"
        );
        match turn % 4 {
            0 => {
                let sql = "UPDATE bank SET balance = balance
                           + CASE id WHEN $1 THEN -$3::int8 WHEN $2 THEN $3::int8 ELSE 0 END
                           WHERE id IN ($1, $2)";
                let done = client.execute(sql, &[&from, &to, &amount]).await;
                assert_eq!(done.expect("autocommit does not fail"), 2);
            }
            1 => {
                let given_up = format!("BEGIN; {block}; ROLLBACK");
                client.batch_execute(&given_up).await.expect("a block can be given up");
            }
            _ => {
                let isolation = ["READ COMMITTED", "REPEATABLE READ"][turn % 2];
                let whole = format!("BEGIN ISOLATION LEVEL {isolation}; {block}; COMMIT");
                tries += until_committed(&client, &whole).await.expect("the transfer");
            }
        }
    }
    tries
}

async fn the_sum_never_changes(fleet: &Fleet, nodes: usize) {
    let seed = u64::from(rand::random::<u32>());
    report(&format!("bank: seed {seed}"));
    let setup = fleet.node(0).connect().await;
    let tables = format!(
        "CREATE TABLE bank (id int8 PRIMARY KEY, balance int8 NOT NULL);
         CREATE TABLE moved (a int8, b int8, amount int8);
         INSERT INTO bank SELECT x, 100 FROM generate_series(0, {}) AS g(x)",
        ACCOUNTS - 1
    );
    setup.batch_execute(&tables).await.expect("DDL and rows");
    let done = AtomicBool::new(false);
    let sum = async |client: &Client| {
        let sql = "SELECT sum(balance)::int8, count(*) FROM bank";
        let row = client.query_one(sql, &[]).await.expect("the sum");
        assert_eq!((row.get(0), row.get(1)), (100 * ACCOUNTS, ACCOUNTS), "seed {seed}");
    };
    let mut tellers = Vec::new();
    for number in 0..CLIENTS {
        let random = StdRng::seed_from_u64(seed + number as u64);
        tellers.push(teller(fleet.node(number % nodes).connect().await, random));
    }
    let auditor = fleet.node(nodes - 1).connect().await;
    let audit = async {
        let mut looks = 0;
        while !done.load(Ordering::Relaxed) {
            sum(&auditor).await;
            looks += 1;
        }
        looks
    };
    let work = async {
        let tries: u32 = futures::future::join_all(tellers).await.iter().sum();
        done.store(true, Ordering::Relaxed);
        tries
    };
    let (tries, looks) = tokio::join!(work, audit);
    for node in 0..nodes {
        sum(&fleet.node(node).connect().await).await;
    }
    report(&format!("bank: {tries} tries of blocks, {looks} looks"));
    assert!(looks > 5, "the auditor looked {looks} times only");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_on_one_embedded_node() {
    the_sum_never_changes(&Fleet::start(Backend::Embedded).await, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_on_two_clusters() {
    the_sum_never_changes(&Fleet::two_clusters(1).await, 2).await;
}

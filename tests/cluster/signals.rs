//! What one session does to another on another node: it sees it, cancels what it runs, ends it.

use crate::fleet::{Fleet, NAME, Node, connect};
use std::time::Duration;
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Client, NoTls};

async fn asks<T: for<'a> tokio_postgres::types::FromSql<'a>>(client: &Client, sql: &str) -> T {
    client.query_one(sql, &[]).await.expect("an answer").get(0)
}

/// Waits until somebody runs a statement with this text in it; its backend.
async fn running(client: &Client, text: &str) -> i32 {
    let look = "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1 || '%'";
    loop {
        if let Some(found) = client.query_opt(look, &[&text]).await.expect("pg_stat_activity") {
            return found.get(0);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// One list of the sessions of all nodes, each with a number that no other has.
#[tokio::test(flavor = "multi_thread")]
async fn every_node_lists_the_sessions_of_all() {
    let fleet = Fleet::two_clusters(2).await;
    let mut clients = Vec::new();
    let mut pids: Vec<i32> = Vec::new();
    for node in 0..4 {
        for _ in 0..2 {
            let client = fleet.node(node).connect().await;
            pids.push(asks(&client, "SELECT pg_backend_pid()").await);
            clients.push(client);
        }
    }
    pids.sort_unstable();
    for client in &clients {
        let listed = client.query("SELECT pid FROM pg_stat_activity ORDER BY 1", &[]).await;
        let listed: Vec<i32> = listed.expect("the list").iter().map(|row| row.get(0)).collect();
        assert_eq!(listed, pids);
    }
    pids.dedup();
    assert_eq!(pids.len(), clients.len(), "two sessions have the same number");
}

/// `pg_cancel_backend` and `pg_terminate_backend` reach a session of another cluster's node.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_stops_another_nodes_session() {
    let fleet = Fleet::two_clusters(1).await;
    let (here, there) = (fleet.node(0).connect().await, fleet.node(1).connect().await);
    let sleeps = tokio::spawn(async move {
        let cancelled = there.execute("SELECT pg_sleep(600)", &[]).await;
        (there, cancelled.expect_err("it was cancelled"))
    });
    let pid = running(&here, "SELECT pg_sleep").await;
    let role = "CREATE ROLE signal_guest LOGIN PASSWORD 'guest'; GRANT CONNECT ON DATABASE redkite TO PUBLIC";
    here.batch_execute(role).await.expect("a role");
    let mut config = fleet.node(0).config();
    config.user("signal_guest").password("guest").dbname(NAME);
    let guest = connect(&config).await.expect("a connection");
    let denied = guest.query_one(&format!("SELECT pg_cancel_backend({pid})"), &[]).await;
    let denied = denied.expect_err("not a guest");
    assert_eq!(denied.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    let hidden = "SELECT count(*) = 0 FROM pg_stat_activity
                  WHERE query LIKE '%pg_sleep(%' AND pid <> pg_backend_pid()";
    assert!(asks::<bool>(&guest, hidden).await, "a guest sees what others run");

    assert!(asks::<bool>(&here, &format!("SELECT pg_cancel_backend({pid})")).await);
    let (there, error) = sleeps.await.expect("a task");
    assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED));
    assert_eq!(asks::<i32>(&there, "SELECT pg_backend_pid()").await, pid, "it goes on");
    assert!(asks::<bool>(&here, &format!("SELECT pg_terminate_backend({pid})")).await);
    let ended = there.query_one("SELECT pg_sleep(600)", &[]).await.expect_err("it was ended");
    assert!(ended.is_closed() || ended.code() == Some(&SqlState::ADMIN_SHUTDOWN), "{ended}");
    while asks::<bool>(&here, &format!("SELECT pg_cancel_backend({pid})")).await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // A number of a node that there is not.
    assert!(!asks::<bool>(&here, "SELECT pg_cancel_backend(2147483647)").await);
}

/// A CancelRequest may arrive at another node: a load balancer sends it wherever it likes.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_request_finds_its_node() {
    let fleet = Fleet::two_clusters(1).await;
    let (here, there) = (fleet.node(0).connect().await, fleet.node(1).connect().await);
    let token = there.cancel_token();
    let sleeps = tokio::spawn(async move { there.execute("SELECT pg_sleep(600)", &[]).await });
    running(&here, "SELECT pg_sleep").await;
    cancel_at(fleet.node(0), &token).await;
    let error = sleeps.await.expect("a task").expect_err("it was cancelled");
    assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED));
}

/// Sends a cancel request to a node, whoever's it is.
async fn cancel_at(node: &Node, token: &CancelToken) {
    let stream = tokio::net::TcpStream::connect(&node.address).await.expect("the node listens");
    token.cancel_query_raw(stream, NoTls).await.expect("the request is sent");
}

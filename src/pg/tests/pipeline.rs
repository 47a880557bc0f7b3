//! Which executions go together, and that their answers are those of executions alone.

use std::sync::Arc;

use super::client::{bind, close, describe, execute, message, parse, query, sync};
use super::{Client, TestServer};

/// Inside a block, with the statement prepared and nothing logged.
async fn client() -> (Arc<TestServer>, Client) {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    client.ask(&[query("begin")]).await;
    client.ask(&[parse("s", "together"), sync()]).await;
    server.log.lock().clear();
    (server, client)
}

fn one(value: &str) -> Vec<u8> {
    [bind("", "s", &[value], &[]), execute("", 0)].concat()
}

fn described(value: &str) -> Vec<u8> {
    [bind("", "s", &[value], &[1]), describe('P', ""), execute("", 0)].concat()
}

#[tokio::test]
async fn what_arrives_together_runs_together() {
    let (server, mut client) = client().await;
    let run = [one("1"), described("2"), one("3"), sync()];
    assert_eq!(client.ask(&run).await, "2 C:INSERT 0 1 2 n C:INSERT 0 1 2 C:INSERT 0 1 Z:T");
    assert_eq!(server.log(), ["3 together"]);
    assert_eq!(*server.stored.lock(), ["1", "2", "3"]);
}

#[tokio::test]
async fn the_rest_runs_as_ever() {
    let (server, mut client) = client().await;
    let named = [bind("p", "s", &["3"], &[]), execute("p", 0)].concat();
    let other = [parse("", "update"), bind("", "", &[], &[]), execute("", 0)].concat();
    let flush = message(b'H', &[]);
    let run = [
        one("1"),
        one("2"),
        named,
        one("4"),
        flush,
        one("5"),
        one("6"),
        other,
        one("7"),
        close('P', ""),
        one("8"),
        sync(),
    ];
    let answer = client.ask(&run).await;
    let inserted = "2 C:INSERT 0 1 ";
    let expected = format!("{}1 2 C:UPDATE {inserted}3 {inserted}Z:T", inserted.repeat(6));
    assert_eq!(answer, expected);
    let alone = "together Implicit";
    assert_eq!(
        server.log(),
        ["2 together", alone, alone, "2 together", "update Implicit", alone, "close ", alone]
    );
    assert_eq!(server.stored.lock().concat(), "12345678");
}

#[tokio::test]
async fn an_error_is_that_executions_own() {
    let (server, mut client) = client().await;
    let run = [one("1"), one("2"), described("13"), one("4"), sync()];
    assert_eq!(client.ask(&run).await, "2 C:INSERT 0 1 2 C:INSERT 0 1 2 n E:22012 Z:E");
    let alone = "together Implicit";
    assert_eq!(server.log(), [alone, alone, alone, "failed"]);
    // Nothing runs together in a block that has failed, and afterwards all is as it was.
    client.ask(&[query("rollback")]).await;
    client.ask(&[query("begin")]).await;
    server.log.lock().clear();
    client.ask(&[one("1"), one("2"), sync()]).await;
    assert_eq!(server.log(), ["2 together"]);
}

#[tokio::test]
async fn a_value_that_cannot_be_read_ends_the_group() {
    let (server, mut client) = client().await;
    let run = [one("1"), one("2"), one("x"), one("4"), sync()];
    assert_eq!(client.ask(&run).await, "2 C:INSERT 0 1 2 C:INSERT 0 1 E:22P02 Z:E");
    assert_eq!(server.log(), ["2 together", "failed"]);
    let missing = [bind("", "s", &[], &[]), execute("", 0)].concat();
    client.ask(&[query("rollback")]).await;
    client.ask(&[query("begin")]).await;
    let run = [one("1"), missing, one("3"), sync()];
    assert_eq!(client.ask(&run).await, "2 C:INSERT 0 1 E:08P01 Z:E");
}

#[tokio::test]
async fn what_stops_the_group_is_the_firsts() {
    let (server, mut client) = client().await;
    let run = [described("1"), one("99"), one("3"), sync()];
    assert_eq!(client.ask(&run).await, "2 n E:22012 Z:E");
    assert_eq!(server.log(), ["2 together", "failed"].map(|s| s.replace('2', "3")));
}

/// Outside a block the last one commits them all, before it is answered.
#[tokio::test]
async fn the_last_before_a_sync_commits() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    client.ask(&[parse("s", "together"), sync()]).await;
    assert_eq!(
        client.ask(&[one("1"), one("2"), one("3"), sync()]).await,
        "2 C:INSERT 0 1 2 C:INSERT 0 1 2 C:INSERT 0 1 Z:I"
    );
    assert_eq!(server.log(), ["2 together", "together Implicit", "sync"]);
    server.log.lock().clear();
    client.ask(&[one("1"), sync()]).await;
    assert_eq!(server.log(), ["together Autocommit"]);
}

#[tokio::test]
async fn the_portal_has_been_run() {
    let (_server, mut client) = client().await;
    let run = [one("1"), one("2"), execute("", 0), sync()];
    assert_eq!(client.ask(&run).await, "2 C:INSERT 0 1 2 C:INSERT 0 1 E:55000 Z:E");
}

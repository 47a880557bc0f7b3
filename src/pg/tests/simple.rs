//! The simple protocol: several statements, blocks, errors.

use super::client::{execute, parse, query};
use super::{Client, TestServer};

#[tokio::test]
async fn one_statement_is_its_own_transaction() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    assert_eq!(client.ask(&[query("rows 3")]).await, "T D C:SELECT 3 Z:I");
    assert_eq!(client.ask(&[query("insert;")]).await, "C:INSERT Z:I");
    assert_eq!(server.log(), ["rows 3 Autocommit", "insert Autocommit"]);
}

#[tokio::test]
async fn nothing_to_run() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    assert_eq!(client.ask(&[query("")]).await, "I Z:I");
    assert_eq!(client.ask(&[query(" ; ;")]).await, "I Z:I");
    assert_eq!(server.log(), Vec::<String>::new());
}

/// FACTS 3.6: results are sent as they are made, and an error keeps those before it.
#[tokio::test]
async fn several_statements_are_one_transaction() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    assert_eq!(
        client.ask(&[query("insert; rows 2; notice")]).await,
        "C:INSERT T D C:SELECT 2 N:hear, hear C:DO Z:I"
    );
    assert_eq!(server.log(), ["insert Implicit", "rows 2 Implicit", "notice Implicit", "sync"]);
    assert_eq!(client.ask(&[query("rows 1; error; insert")]).await, "T D C:SELECT 1 E:22012 Z:I");
    assert_eq!(server.log()[4..], ["rows 1 Implicit", "error Implicit", "failed"]);
}

#[tokio::test]
async fn a_failed_commit_replaces_the_last_tag() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    assert_eq!(client.ask(&[query("insert; syncfail")]).await, "C:INSERT E:23505 Z:I");
}

#[tokio::test]
async fn blocks_and_their_status() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    assert_eq!(client.ask(&[query("begin")]).await, "C:BEGIN Z:T");
    assert_eq!(client.ask(&[query("insert")]).await, "C:INSERT Z:T");
    assert_eq!(client.ask(&[query("error")]).await, "E:22012 Z:E");
    assert_eq!(client.ask(&[query("insert")]).await, "E:25P02 Z:E");
    assert_eq!(client.ask(&[query("commit")]).await, "C:ROLLBACK Z:I");
    // A block inside one query string: what Sync would commit is the block's already.
    assert_eq!(
        client.ask(&[query("begin; insert; commit")]).await,
        "C:BEGIN C:INSERT C:COMMIT Z:I"
    );
    assert!(!server.log().contains(&"sync".to_owned()));
}

#[tokio::test]
async fn errors_have_their_fields() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    client.send(&query("syntax")).await;
    let replies = client.replies().await;
    let field = |code| replies[0].field(code);
    assert_eq!(field(b'S').as_deref(), Some("ERROR"));
    assert_eq!(field(b'V').as_deref(), Some("ERROR"));
    assert_eq!(field(b'C').as_deref(), Some("42601"));
    assert_eq!(field(b'M').as_deref(), Some("syntax error"));
    assert_eq!(field(b'P').as_deref(), Some("1"));
}

#[tokio::test]
async fn a_result_that_fails_half_way() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    assert_eq!(client.ask(&[query("rows 250 fail")]).await, "T D E:22012 Z:I");
    assert_eq!(server.log()[1], "failed");
}

/// A simple query closes the unnamed statement, as PostgreSQL's does.
#[tokio::test]
async fn a_query_takes_the_unnamed_statement_away() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    client.ask(&[parse("", "rows 1"), super::client::sync()]).await;
    client.ask(&[query("insert")]).await;
    let answer = client
        .ask(&[super::client::bind("", "", &[], &[]), execute("", 0), super::client::sync()])
        .await;
    assert_eq!(answer, "E:26000 Z:I");
}

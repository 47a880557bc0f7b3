//! DO and functions by protocol: what a block tells its client, both ways to send one, and what
//! other connections make of a function that is replaced.

use std::future::poll_fn;

use crate::fleet::{Backend, Fleet};
use tokio_postgres::{AsyncMessage, NoTls};

#[tokio::test(flavor = "multi_thread")]
async fn a_block_tells_its_client_and_leaves_nothing_behind() {
    let fleet = Fleet::start(Backend::Embedded).await;
    let config = fleet.node(0).config();
    let (client, mut connection) = config.connect(NoTls).await.expect("a connection");
    let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
    let reading = tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notice(notice) = message {
                let notice = (notice.severity().to_owned(), notice.message().to_owned());
                let _ = sender.send(notice);
            }
        }
    });
    client.batch_execute("CREATE TABLE t (n int PRIMARY KEY)").await.expect("a table");
    // by a simple query, and prepared
    let block = "DO $$ BEGIN RAISE NOTICE 'n is %', 1; RAISE WARNING 'take care'; \
                 INSERT INTO t SELECT count(*) FROM t; END $$";
    client.batch_execute(block).await.expect("a block");
    client.execute(block, &[]).await.expect("a prepared block");
    let mut all = Vec::new();
    while all.len() < 4 {
        all.push(told.recv().await.expect("a notice"));
    }
    let notice = ("NOTICE".to_owned(), "n is 1".to_owned());
    let warning = ("WARNING".to_owned(), "take care".to_owned());
    assert_eq!(all, [notice.clone(), warning.clone(), notice, warning]);
    let other = fleet.node(0).connect().await;
    let count = other.query_one("SELECT count(*) FROM t", &[]).await.expect("a count");
    assert_eq!(count.get::<_, i64>(0), 2);
    // an error has the fields that RAISE gave it, and takes the rows with it
    let raised = "DO $$ BEGIN INSERT INTO t VALUES (9); RAISE 'no' USING ERRCODE = 'AB123', \
                  DETAIL = 'd', HINT = 'h'; END $$";
    let error = client.execute(raised, &[]).await.expect_err("an error");
    let error = error.as_db_error().expect("an error of the server");
    assert_eq!((error.code().code(), error.message()), ("AB123", "no"));
    assert_eq!((error.detail(), error.hint()), (Some("d"), Some("h")));
    let count = other.query_one("SELECT count(*) FROM t", &[]).await.expect("a count");
    assert_eq!(count.get::<_, i64>(0), 2);
    drop(client);
    reading.await.expect("the connection ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_function_is_another_one_for_all() {
    let fleet = Fleet::start(Backend::Embedded).await;
    let (maker, caller) = (fleet.node(0).connect().await, fleet.node(0).connect().await);
    let define = |by: i32| {
        format!(
            "CREATE OR REPLACE FUNCTION scaled(n int) RETURNS int LANGUAGE sql \
             AS 'SELECT n * {by}'"
        )
    };
    maker.batch_execute(&define(2)).await.expect("a function");
    let prepared = caller.prepare("SELECT scaled($1)").await.expect("a call");
    let call = async || caller.query_one(&prepared, &[&21_i32]).await.expect("a value").get(0);
    let first: i32 = call().await;
    maker.batch_execute(&define(3)).await.expect("another function");
    let second: i32 = call().await;
    assert_eq!((first, second), (42, 63));
    maker.batch_execute("DROP FUNCTION scaled").await.expect("no function");
    let gone = caller.query_one(&prepared, &[&21_i32]).await.expect_err("no function");
    assert_eq!(gone.code().map(|code| code.code()), Some("42883"));
}

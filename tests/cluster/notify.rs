//! LISTEN and NOTIFY: what one session says and commits is heard by those that listen, on every node,
//! once, in the order of the commits.

use crate::fleet::{Backend, Fleet, Node};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, NoTls};

/// A client, and what it is told: channel and payload.
async fn listener(node: &Node) -> (Client, UnboundedReceiver<(String, String)>) {
    let (client, mut connection) = node.config().connect(NoTls).await.expect("a connection");
    let (told, heard) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) =
            std::future::poll_fn(|context| connection.poll_message(context)).await
        {
            if let AsyncMessage::Notification(said) = message {
                let said = (said.channel().to_owned(), said.payload().to_owned());
                // Who listens no more is not told.
                let _gone = told.send(said);
            }
        }
    });
    (client, heard)
}

async fn next(heard: &mut UnboundedReceiver<(String, String)>) -> (String, String) {
    let next = tokio::time::timeout(Duration::from_secs(30), heard.recv()).await;
    next.expect("a notification comes").expect("the connection is there")
}

fn said(channel: &str, payload: &str) -> (String, String) {
    (channel.to_owned(), payload.to_owned())
}

/// What is committed is heard, what is not is not; each thing once in a transaction.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_is_heard_on_every_node() {
    for backend in [Backend::Embedded, Backend::Shared] {
        let mut fleet = Fleet::start(backend).await;
        if backend == Backend::Shared {
            fleet.add("b", "b1", &[]).await;
        }
        let last = usize::from(backend == Backend::Shared);
        let (near, mut near_heard) = listener(fleet.node(0)).await;
        let (far, mut far_heard) = listener(fleet.node(last)).await;
        let (_, mut nothing_heard) = listener(fleet.node(0)).await;
        let speaker = fleet.node(0).connect().await;
        speaker.batch_execute("CREATE TABLE t (id int PRIMARY KEY)").await.expect("DDL");
        speaker.batch_execute("NOTIFY ch, 'too early'").await.expect("said to nobody");
        for client in [&near, &far] {
            client.batch_execute("LISTEN ch").await.expect("LISTEN");
        }
        let block = "BEGIN; NOTIFY ch, 'one'; INSERT INTO t VALUES (1); NOTIFY ch, 'one';
                     SAVEPOINT s; NOTIFY ch, 'taken back'; ROLLBACK TO s;
                     SELECT pg_notify('ch', 'two'); NOTIFY other, 'three'; COMMIT";
        speaker.batch_execute(block).await.expect("the block");
        speaker.batch_execute("BEGIN; NOTIFY ch, 'rolled back'; ROLLBACK").await.expect("a block");
        let failed = "BEGIN; NOTIFY ch, 'failed'; INSERT INTO t VALUES (1)";
        speaker.batch_execute(failed).await.expect_err("a duplicate");
        speaker.batch_execute("ROLLBACK").await.expect("the end");
        let alone = speaker.query_one("SELECT pg_notify('ch', 'alone')", &[]).await;
        alone.expect("a query of its own");
        speaker.batch_execute("NOTIFY ch").await.expect("no payload");
        for heard in [&mut near_heard, &mut far_heard] {
            for payload in ["one", "two", "alone", ""] {
                assert_eq!(next(heard).await, said("ch", payload));
            }
        }
        // In a block nothing is told; after UNLISTEN nothing more is said.
        near.batch_execute("UNLISTEN ch; LISTEN other").await.expect("UNLISTEN");
        speaker.batch_execute("NOTIFY ch, 'unheard'; NOTIFY other, 'last'").await.expect("said");
        assert_eq!(next(&mut near_heard).await, said("other", "last"));
        near.batch_execute("BEGIN; LISTEN late; ROLLBACK").await.expect("a block");
        let channels = near.query("SELECT pg_listening_channels()", &[]).await.expect("channels");
        let channels: Vec<String> = channels.iter().map(|row| row.get(0)).collect();
        assert_eq!(channels, ["other"]);
        assert!(nothing_heard.try_recv().is_err(), "who does not listen was told something");
        let usage = speaker.query_one("SELECT pg_notification_queue_usage() < 0.5", &[]).await;
        assert!(usage.expect("the usage").get::<_, bool>(0));
        let long = format!("NOTIFY ch, '{}'", "x".repeat(8000));
        let error = speaker.batch_execute(&long).await.expect_err("too long");
        assert_eq!(error.code(), Some(&SqlState::INVALID_PARAMETER_VALUE));
    }
}

/// Two sessions on two nodes say a thousand things; all who listen hear the same, in the same order,
/// and each speaker's in the order of its commits. Then nothing is left of them in the metadata.
#[tokio::test(flavor = "multi_thread")]
async fn all_hear_the_same_in_the_same_order() {
    const EACH: usize = 200;
    let fleet = Fleet::two_clusters(1).await;
    let (one, mut by_one) = listener(fleet.node(0)).await;
    let (two, mut by_two) = listener(fleet.node(1)).await;
    for client in [&one, &two] {
        client.batch_execute("LISTEN ch").await.expect("LISTEN");
    }
    let mut speakers = Vec::new();
    for node in 0..2 {
        let speaker = fleet.node(node).connect().await;
        speakers.push(tokio::spawn(async move {
            for turn in 0..EACH {
                let say = format!("NOTIFY ch, '{node} {turn:03}'");
                speaker.batch_execute(&say).await.expect("NOTIFY");
            }
        }));
    }
    for speaker in speakers {
        speaker.await.expect("a speaker");
    }
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for _ in 0..2 * EACH {
        first.push(next(&mut by_one).await.1);
        second.push(next(&mut by_two).await.1);
    }
    assert_eq!(first, second, "two listeners heard different things");
    for node in ["0 ", "1 "] {
        let of: Vec<&String> = first.iter().filter(|said| said.starts_with(node)).collect();
        assert!(of.is_sorted() && of.len() == EACH, "a speaker's words came in another order");
    }
    let usage = "SELECT pg_notification_queue_usage() = 0";
    let gone = async {
        while !one.query_one(usage, &[]).await.expect("the usage").get::<_, bool>(0) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.expect("what was heard goes");
}

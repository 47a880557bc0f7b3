//! Clients that go away, cancel, or do not read; sessions that panic; servers that stop.

use std::sync::Arc;
use std::time::Duration;

use super::client::{bind, execute, message, parse, query, startup_packet, sync};
use super::{Client, TestServer};
use crate::pg::backend::Server;

async fn until(what: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never happens");
}

/// FACTS 3.5: cancel stops a statement that waits ...
#[tokio::test]
async fn cancel_stops_a_statement() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    client.send(&query("sleep")).await;
    until(|| server.log().contains(&"sleep Autocommit".to_owned())).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    server.cancel(7, &[]);
    assert_eq!(client.until_ready().await, "E:57014 Z:I");
    assert_eq!(client.ask(&[query("insert")]).await, "C:INSERT Z:I");
}

/// ... and one whose rows are being sent.
#[tokio::test]
async fn cancel_stops_a_stream() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    let run = [parse("", "forever"), bind("", "", &[], &[]), execute("", 0), sync()];
    client.send(&run.concat()).await;
    for _ in 0..1_000 {
        client.reply().await.unwrap();
    }
    server.cancel(7, &[]);
    assert_eq!(client.until_ready().await, "D E:57014 Z:I");
}

#[tokio::test]
async fn cancel_stops_a_copy_that_waits_for_its_client() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    client.send(&query("copyin")).await;
    assert_eq!(client.reply().await.unwrap().kind, b'G');
    server.cancel(7, &[]);
    assert_eq!(client.until_ready().await, "E:57014 Z:I");
    // What the client still sends of it is ignored.
    let late = [message(b'd', b"1\ta\n"), message(b'c', &[]), query("insert")];
    assert_eq!(client.ask(&late).await, "C:INSERT Z:I");
}

#[tokio::test]
async fn a_client_that_goes_away_stops_its_statement() {
    for sql in ["sleep", "forever", "copyin"] {
        let server = TestServer::new();
        let mut client = Client::start(&server).await;
        client.send(&query(sql)).await;
        until(|| !server.log().is_empty()).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(client.stream);
        tokio::time::timeout(Duration::from_secs(10), client.task).await.unwrap().unwrap();
        assert_eq!(server.sessions(), 0, "{sql}");
    }
}

/// A result of two thousand million rows is not held in memory: the double would need hours.
#[tokio::test]
async fn a_client_that_does_not_read_stops_the_query() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    client.send(&query("forever")).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!client.task.is_finished());
    drop(client.stream);
    tokio::time::timeout(Duration::from_secs(10), client.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_panic_ends_its_own_connection_only() {
    let server = TestServer::new();
    let mut other = Client::start(&server).await;
    let mut client = Client::start(&server).await;
    assert_eq!(client.ask(&[query("insert; panic")]).await, "C:INSERT FATAL:XX000 end");
    assert_eq!(other.ask(&[query("insert")]).await, "C:INSERT Z:I");
    until(|| server.sessions() == 1).await;
}

#[tokio::test]
async fn idle_clients_are_put_out() {
    for (sql, code) in [("insert", "57P05"), ("begin", "25P03")] {
        let idle = Some(Duration::from_millis(50));
        let server = Arc::new(TestServer { idle, ..TestServer::plain() });
        let mut client = Client::connect(&server);
        client.send(&startup_packet(0x0003_0000, &[("user", "kite")])).await;
        client.until_ready().await;
        client.ask(&[query(sql)]).await;
        assert_eq!(client.until_ready().await, format!("FATAL:{code} end"));
        assert_eq!(server.sessions(), 0);
    }
}

#[tokio::test]
async fn shutdown_tells_idle_clients_and_lets_busy_ones_finish() {
    let server = TestServer::new();
    let mut idle = Client::start(&server).await;
    idle.shutdown.cancel();
    assert_eq!(idle.until_ready().await, "FATAL:57P01 end");
    let mut busy = Client::start(&server).await;
    busy.send(&query("sleep")).await;
    until(|| !server.log().is_empty()).await;
    busy.shutdown.cancel();
    tokio::time::sleep(Duration::from_millis(20)).await;
    server.cancel(7, &[]);
    assert_eq!(busy.until_ready().await, "E:57014 Z:I");
    assert_eq!(busy.until_ready().await, "FATAL:57P01 end");
}

#[tokio::test]
async fn terminate_ends_without_a_word() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    client.send(&message(b'X', &[])).await;
    assert_eq!(client.until_ready().await, "end");
    assert_eq!(server.sessions(), 0);
}

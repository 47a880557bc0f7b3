//! The same over real sockets: accept, cancel by a second connection, shut down.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_postgres::NoTls;
use tokio_util::sync::CancellationToken;

use super::TestServer;
use super::client::startup_packet;

/// How long connections have to end.
const GRACE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn serve_cancel_and_shut_down() {
    let server = TestServer::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(crate::pg::serve(
        listener,
        Arc::clone(&server),
        None,
        (shutdown.clone(), GRACE),
    ));
    let config = format!("host=127.0.0.1 port={port} user=kite");
    let (client, connection) = tokio_postgres::connect(&config, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);

    let cancel = client.cancel_token();
    let canceller = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        cancel.cancel_query(NoTls).await.unwrap();
    });
    let error = client.simple_query("sleep").await.unwrap_err();
    assert_eq!(error.code().map(|code| code.code()), Some("57014"));
    canceller.await.unwrap();
    assert!(server.log().contains(&"cancel 7 4".to_owned()));
    assert_eq!(client.query("rows 1000", &[]).await.unwrap().len(), 1000);

    let mut raw = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    raw.write_all(&startup_packet(0x0003_0000, &[("user", "kite")])).await.unwrap();
    // A message in the middle of which the server stops.
    raw.write_all(b"Q\0\0").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    shutdown.cancel();
    let mut last_words = Vec::new();
    raw.read_to_end(&mut last_words).await.unwrap();
    let last_words = String::from_utf8_lossy(&last_words);
    assert!(last_words.contains("FATAL\0C57P01\0"), "{last_words}");
    drop(raw);
    tokio::time::timeout(Duration::from_secs(5), serving).await.unwrap().unwrap();
    assert!(connection.await.unwrap().is_err());
    assert_eq!(server.sessions(), 0);
}

/// For trying clients by hand: `REDKITE_TEST_PORT=5555 cargo test --lib by_hand -- --ignored`.
#[tokio::test]
#[ignore = "serves until it is interrupted"]
async fn by_hand() {
    let port = std::env::var("REDKITE_TEST_PORT").unwrap();
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await.unwrap();
    crate::pg::serve(listener, TestServer::new(), None, (CancellationToken::new(), GRACE)).await;
}

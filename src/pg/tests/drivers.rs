//! A real driver over the in-memory stream, and pgwire as a second reader of what we write.

use std::sync::Arc;

use bytes::BytesMut;
use pgwire::messages::{DecodeContext, PgWireBackendMessage, ProtocolVersion};
use tokio::io::AsyncReadExt;
use tokio_postgres::{Config, NoTls};

use super::client::{bind, describe, execute, parse, query, sync};
use super::{Client, TestServer};
use crate::pg::backend::Authentication;
use crate::pg::scram::tests::keys;

fn locked() -> Arc<TestServer> {
    let keys = keys("pencil", b"salt of the earth", 4096);
    let authentication = Authentication::Scram {
        iterations: 4096,
        salt: keys.salt.clone(),
        stored_key: keys.stored.to_vec(),
        server_key: keys.server.to_vec(),
    };
    Arc::new(TestServer { authentication, ..TestServer::plain() })
}

async fn driver(
    server: &Arc<TestServer>,
    password: &str,
) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let stream = Client::connect(server).stream;
    let mut config = Config::new();
    config.user("kite").password(password);
    let (client, connection) = config.connect_raw(stream, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

#[tokio::test]
async fn tokio_postgres_with_a_password() {
    let server = locked();
    let wrong = driver(&server, "crayon").await.unwrap_err();
    assert_eq!(wrong.code().map(|code| code.code()), Some("28P01"));
    let client = driver(&server, "pencil").await.unwrap();
    assert_eq!(client.simple_query("rows 3").await.unwrap().len(), 5);
    let rows = client.query("param", &[&4_i32]).await.unwrap();
    let values: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(values, [0, 1, 2, 3]);
    let error = client.query("error", &[]).await.unwrap_err();
    assert_eq!(error.code().map(|code| code.code()), Some("22012"));
    assert_eq!(client.execute("insert", &[]).await.unwrap(), 0);
}

#[tokio::test]
async fn pgwire_reads_what_we_write() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    let messages = [
        query("rows 2; notice; error"),
        query("copyout csv"),
        parse("s", "param"),
        describe('S', "s"),
        bind("", "s", &["3"], &[1]),
        describe('P', ""),
        execute("", 2),
        sync(),
        super::client::message(b'X', &[]),
    ];
    client.send(&messages.concat()).await;
    let mut bytes = BytesMut::new();
    while client.stream.read_buf(&mut bytes).await.unwrap() > 0 {}
    let context = DecodeContext::new(ProtocolVersion::PROTOCOL3_0);
    let mut count = 0;
    while let Some(message) = PgWireBackendMessage::decode(&mut bytes, &context).unwrap() {
        count += 1;
        if let PgWireBackendMessage::DataRow(row) = message {
            assert_eq!(row.field_count, 1);
        }
    }
    assert!(bytes.is_empty());
    assert_eq!(count, 25);
}

//! Startup, negotiation, authentication, cancel requests.

use std::sync::Arc;
use std::time::Duration;

use super::client::{message, policy, query, startup_packet};
use super::{Client, TestServer};
use crate::base::{SqlError, SqlState};
use crate::pg::backend::Authentication;
use crate::pg::scram::tests::{Keys, keys};
use crate::pg::startup::Policy;

const V3_0: u32 = 0x0003_0000;
const V3_2: u32 = 0x0003_0002;

fn locked() -> (Arc<TestServer>, Keys) {
    let keys = keys("secret", b"0123456789abcdef", 4096);
    let authentication = Authentication::Scram {
        iterations: 4096,
        salt: keys.salt.clone(),
        stored_key: keys.stored.to_vec(),
        server_key: keys.server.to_vec(),
    };
    (Arc::new(TestServer { authentication, ..TestServer::plain() }), keys)
}

fn sasl_first() -> Vec<u8> {
    let first = b"n,,n=,r=abcdef";
    let mut body = b"SCRAM-SHA-256\0".to_vec();
    body.extend(u32::try_from(first.len()).unwrap().to_be_bytes());
    body.extend(first);
    message(b'p', &body)
}

#[tokio::test]
async fn a_trusted_client_is_let_in() {
    let server = TestServer::new();
    let mut client = Client::connect(&server);
    let packet = startup_packet(
        V3_0,
        &[
            ("user", "kite"),
            ("application_name", "test"),
            ("options", "-c redkite.consistency=session --work-mem=1MB"),
        ],
    );
    client.send(&packet).await;
    assert_eq!(client.until_ready().await, "R0 S S S K Z:I");
    let startups = server.startups.lock();
    assert_eq!((startups[0].user.as_str(), startups[0].database.as_str()), ("kite", "kite"));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        startups[0].parameters,
        [
            pair("redkite.consistency", "session"),
            pair("work_mem", "1MB"),
            pair("application_name", "test")
        ]
    );
}

#[tokio::test]
async fn encryption_is_refused_and_the_connection_goes_on() {
    let server = TestServer::new();
    let mut client = Client::connect(&server);
    for code in [80_877_103_u32, 80_877_104] {
        client.send(&[8_u32.to_be_bytes(), code.to_be_bytes()].concat()).await;
        let mut answer = [0];
        tokio::io::AsyncReadExt::read_exact(&mut client.stream, &mut answer).await.unwrap();
        assert_eq!(&answer, b"N");
    }
    client.send(&startup_packet(V3_0, &[("user", "kite")])).await;
    assert_eq!(client.until_ready().await, "R0 S S S K Z:I");
}

#[tokio::test]
async fn versions_and_options_are_negotiated() {
    let server = TestServer::new();
    for (asked, options, expected, key_length) in [
        (V3_0, &[][..], None, 8),
        (V3_2, &[], None, 36),
        (0x0003_270f, &[], Some((V3_2, 0_u32)), 36),
        (0x0003_0001, &[], None, 8),
        (V3_0, &[("_pq_.shiny", "1")], Some((V3_0, 1)), 8),
        (V3_2, &[("_pq_.shiny", "1")], Some((V3_2, 1)), 36),
    ] {
        let mut client = Client::connect(&server);
        let parameters = [&[("user", "kite")][..], options].concat();
        client.send(&startup_packet(asked, &parameters)).await;
        let replies = client.replies().await;
        let negotiated = (replies[0].kind == b'v').then(|| &replies[0].body[..8]);
        let expected =
            expected.map(|(version, count)| [version.to_be_bytes(), count.to_be_bytes()].concat());
        assert_eq!(negotiated, expected.as_deref(), "{asked:x}");
        let key = replies.iter().find(|reply| reply.kind == b'K').unwrap();
        assert_eq!(key.body.len(), key_length, "{asked:x}");
    }
}

#[tokio::test]
async fn bad_startup_packets_are_fatal() {
    let server = TestServer::new();
    let with_body = |body: &[u8]| {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&length[..], body].concat()
    };
    for (packet, code) in [
        (startup_packet(0x0002_0000, &[("user", "kite")]), "0A000"),
        (startup_packet(0x0004_0000, &[("user", "kite")]), "0A000"),
        (startup_packet(V3_0, &[]), "28000"),
        (startup_packet(V3_0, &[("database", "kite")]), "28000"),
        (startup_packet(V3_0, &[("user", "kite"), ("replication", "database")]), "0A000"),
        (startup_packet(V3_0, &[("user", "kite"), ("options", "-c")]), "42601"),
        (with_body(b"\0\x03\0\0user\0kite"), "08P01"),
        (with_body(b"\0\x03\0\0user\0kite\0"), "08P01"),
        (with_body(b"\0\x03\0\0user\0kite\0\0x"), "08P01"),
        (with_body(b"\0\x03\0\0user\0\xff\0\0"), "22021"),
        (vec![0, 0, 0, 0, 0, 0, 0, 0], "08P01"),
        (vec![0xff; 8], "08P01"),
        (vec![0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0], "08P01"),
        (10_001_u32.to_be_bytes().to_vec(), "08P01"),
        (b"GET / HTTP/1.1\r\n".to_vec(), "08P01"),
    ] {
        let mut client = Client::connect(&server);
        client.send(&packet).await;
        assert_eq!(client.until_ready().await, format!("FATAL:{code} end"), "{packet:?}");
    }
    assert_eq!(server.sessions(), 0);
}

#[tokio::test]
async fn what_connect_refuses_is_fatal() {
    let refuse = SqlError::new(SqlState::TOO_MANY_CONNECTIONS, "sorry, too many clients already");
    let server = Arc::new(TestServer { refuse: Some(refuse), ..TestServer::plain() });
    let mut client = Client::connect(&server);
    client.send(&startup_packet(V3_0, &[("user", "kite")])).await;
    assert_eq!(client.until_ready().await, "R0 FATAL:53300 end");
}

/// FACTS 3.1: nothing that comes before authentication is executed, whatever fails.
#[tokio::test]
async fn a_query_before_authentication_runs_never() {
    let (server, _) = locked();
    let mut client = Client::connect(&server);
    client.send(&startup_packet(V3_0, &[("user", "kite")])).await;
    assert_eq!(client.reply().await.unwrap().kind, b'R');
    assert_eq!(client.ask(&[query("drop table items")]).await, "FATAL:08P01 end");
    // Right behind the startup message, before any answer.
    let mut client = Client::connect(&server);
    client.send(&startup_packet(V3_0, &[("user", "kite")])).await;
    assert_eq!(client.ask(&[query("drop table items")]).await, "R10 FATAL:08P01 end");
    assert_eq!(server.log(), Vec::<String>::new());
    assert_eq!(server.startups.lock().len(), 0);
}

/// FACTS 3.2.
#[tokio::test]
async fn a_query_behind_a_wrong_password_runs_never() {
    let (server, _) = locked();
    let mut client = Client::connect(&server);
    client.send(&startup_packet(V3_0, &[("user", "kite")])).await;
    client.send(&sasl_first()).await;
    assert_eq!(client.reply().await.unwrap().body[3], 10);
    let challenge = client.reply().await.unwrap();
    assert_eq!(challenge.body[3], 11);
    let challenge = String::from_utf8(challenge.body[4..].to_vec()).unwrap();
    let nonce = challenge.split(',').next().unwrap();
    let wrong = format!("c=biws,{nonce},p={}=", "A".repeat(43));
    let answer = client.ask(&[message(b'p', wrong.as_bytes()), query("drop table items")]).await;
    assert_eq!(answer, "FATAL:28P01 end");
    assert_eq!(server.log(), Vec::<String>::new());
    assert_eq!(server.startups.lock().len(), 0);
}

#[tokio::test]
async fn bad_sasl_messages_are_fatal() {
    let (server, _) = locked();
    for body in [
        &b""[..],
        b"SCRAM-SHA-256",
        b"SCRAM-SHA-256\0",
        b"SCRAM-SHA-256\0\0\0\0\x05abc",
        b"SCRAM-SHA-256\0\0\0\0\x01abc",
        b"SCRAM-SHA-256\0\x7f\xff\xff\xff",
        b"SCRAM-SHA-256-PLUS\0\xff\xff\xff\xff",
        b"secret\0",
        &[b'x'; 2000],
    ] {
        let mut client = Client::connect(&server);
        client.send(&startup_packet(V3_0, &[("user", "kite")])).await;
        assert_eq!(client.ask(&[message(b'p', body)]).await, "R10 FATAL:08P01 end", "{body:?}");
    }
}

/// FACTS 3.11: what the connection can't do is not offered.
#[tokio::test]
async fn only_the_plain_mechanism_is_offered() {
    let (server, _) = locked();
    let mut client = Client::connect(&server);
    client.send(&startup_packet(V3_0, &[("user", "kite")])).await;
    assert_eq!(client.reply().await.unwrap().body, b"\0\0\0\x0aSCRAM-SHA-256\0\0");
}

#[tokio::test]
async fn cancel_requests_reach_the_server_and_get_no_answer() {
    let server = TestServer::new();
    let mut client = Client::connect(&server);
    let mut packet = 16_u32.to_be_bytes().to_vec();
    packet.extend(80_877_102_u32.to_be_bytes());
    packet.extend(7_i32.to_be_bytes());
    packet.extend([1, 2, 3, 4]);
    client.send(&packet).await;
    assert_eq!(client.until_ready().await, "end");
    assert_eq!(server.log(), ["cancel 7 4"]);
}

#[tokio::test]
async fn a_silent_stranger_is_put_out() {
    let (server, _) = locked();
    let policy = Policy { authentication_timeout: Duration::from_millis(50), ..policy() };
    let mut client = Client::connect_with(&server, policy);
    client.send(&startup_packet(V3_0, &[("user", "kite")])).await;
    assert_eq!(client.until_ready().await, "R10 end");
}

//! Messages that no client should send: each gets an error, none a panic or silence.

use proptest::prelude::*;

use super::client::{bind, execute, message, parse, query, startup_packet, sync};
use super::{Client, TestServer};

#[tokio::test]
async fn malformed_bodies_are_errors_and_the_connection_goes_on() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    for (kind, body, code) in [
        (b'P', &b""[..], "08P01"),
        (b'P', b"\0", "08P01"),
        (b'P', b"\0rows 1\0", "08P01"),
        (b'P', b"\0rows 1\0\0\x01", "08P01"),
        (b'P', b"\0rows 1\0\xff\xff", "08P01"),
        (b'P', b"\0rows 1\0\0\0x", "08P01"),
        (b'P', b"\0\xff\xfe\0\0\0", "22021"),
        (b'B', b"", "08P01"),
        (b'B', b"\0\0\0\0\0\x01", "08P01"),
        (b'B', b"\0\0\0\0\0\x01\x7f\xff\xff\xff", "08P01"),
        (b'B', b"\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0", "08P01"),
        (b'B', b"\0\0\0\0\0\0\xff\xff", "08P01"),
        (b'B', b"\0\0\0\0\0\0\0\x05\0\0\0\0\0\0", "08P01"),
        (b'B', b"\0\0\0\0\0\0\0\0x", "08P01"),
        (b'D', b"", "08P01"),
        (b'D', b"X\0", "08P01"),
        (b'D', b"S", "08P01"),
        (b'C', b"Qname\0", "08P01"),
        (b'E', b"\0", "08P01"),
        (b'E', b"\0\0\0", "08P01"),
        (b'E', b"\0\0\0\0\0x", "08P01"),
        (b'H', b"x", "08P01"),
    ] {
        let answer = client.ask(&[message(kind, body), sync()]).await;
        assert_eq!(answer, format!("E:{code} Z:I"), "{} {body:?}", char::from(kind));
    }
    for (body, code) in
        [(&b""[..], "08P01"), (b"rows 1", "08P01"), (b"rows 1\0x", "08P01"), (b"\xc3(\0", "22021")]
    {
        assert_eq!(client.ask(&[message(b'Q', body)]).await, format!("E:{code} Z:I"), "{body:?}");
    }
    client.send(&message(b'Q', b"\xc3(\0")).await;
    assert_eq!(
        client.replies().await[0].field(b'M').as_deref(),
        Some("invalid byte sequence for encoding \"UTF8\": 0xc3 0x28")
    );
    assert_eq!(client.ask(&[query("insert")]).await, "C:INSERT Z:I");
}

#[tokio::test]
async fn lost_framing_ends_the_connection() {
    for bytes in [
        &b"Q\0\0\0\0"[..],
        b"Q\0\0\0\x03",
        b"Q\xff\xff\xff\xff",
        b"S\x7f\xff\xff\xff",
        b"Q\x7f\xff\xff\xff",
        b"E\0\x01\0\0",
        b"!\0\0\0\x04",
        b"p\0\0\0\x04",
        b"\0\0\0\0\x04",
    ] {
        let server = TestServer::new();
        let mut client = Client::start(&server).await;
        client.send(bytes).await;
        assert_eq!(client.until_ready().await, "FATAL:08P01 end", "{bytes:?}");
        assert_eq!(server.sessions(), 0);
    }
}

#[tokio::test]
async fn a_function_call_is_refused() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    assert_eq!(client.ask(&[message(b'F', &[0; 8])]).await, "E:0A000 Z:I");
}

#[tokio::test]
async fn a_message_in_pieces() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    for byte in query("rows 1") {
        client.send(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.until_ready().await, "T D C:SELECT 1 Z:I");
}

/// Whatever comes, the connection answers or ends, and never panics: a panic would be XX000.
async fn survives(bytes: Vec<u8>, greeted: bool) {
    let server = TestServer::new();
    let mut client = Client::connect(&server);
    if greeted {
        client.send(&startup_packet(0x0003_0000, &[("user", "kite")])).await;
        client.until_ready().await;
    }
    client.send(&bytes).await;
    tokio::io::AsyncWriteExt::shutdown(&mut client.stream).await.unwrap();
    loop {
        let words = client.until_ready().await;
        assert!(!words.contains("XX000"), "{words} after {bytes:?}");
        if words.ends_with("end") {
            break;
        }
    }
    tokio::time::timeout(std::time::Duration::from_secs(10), client.task).await.unwrap().unwrap();
    assert_eq!(server.sessions(), 0);
}

fn run(bytes: Vec<u8>, greeted: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(survives(bytes, greeted));
}

/// Any kind of message with any body, its length right.
fn any_message() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop::sample::select(b"QPBDECHSFdcfp".to_vec());
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        prop::collection::vec(prop::sample::select(b"\0\0\0\x01\xffSP1,\t\n\\\"".to_vec()), 0..40),
    ];
    (kind, body).prop_map(|(kind, body)| message(kind, &body))
}

/// What a real client sends, with a byte changed or the end cut off.
fn bent_session() -> impl Strategy<Value = Vec<u8>> {
    let session = [
        parse("s", "param"),
        bind("p", "s", &["3"], &[1]),
        execute("p", 2),
        sync(),
        query("begin; rows 3; copyin csv"),
        message(b'd', b"1,\"a\nb\"\n2,x\n"),
        message(b'c', &[]),
        query("copyin binary"),
        message(
            b'd',
            b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\x02\0\0\0\x04\0\0\0\x01\xff\xff\xff\xff",
        ),
        message(b'f', b"no\0"),
        query("commit"),
    ]
    .concat();
    let length = session.len();
    (0..length, any::<u8>(), 0..=length).prop_map(move |(at, byte, end)| {
        let mut session = session.clone();
        session[at] = byte;
        session.truncate(end.max(length / 2));
        session
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_before_authentication(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        run(bytes, false);
    }

    #[test]
    fn any_bytes_after_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        run(bytes, true);
    }

    #[test]
    fn any_messages(messages in prop::collection::vec(any_message(), 0..12)) {
        run(messages.concat(), true);
    }

    #[test]
    fn bent_sessions(bytes in bent_session()) {
        run(bytes, true);
    }
}

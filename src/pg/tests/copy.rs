//! COPY both ways, in all formats and both protocols, and its errors.

use super::client::{Reply, bind, execute, message, parse, query, sync};
use super::{Client, TestServer};

fn data(bytes: &[u8]) -> Vec<u8> {
    message(b'd', bytes)
}

fn done() -> Vec<u8> {
    message(b'c', &[])
}

#[tokio::test]
async fn text_rows_in_pieces() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    let answer = client
        .ask(&[
            query("copyin"),
            data(b"1\tone\n2\t"),
            data(b"t\\two\n3"),
            data(b""),
            data(b"\t\\N"),
            done(),
        ])
        .await;
    assert_eq!(answer, "G C:COPY 3 Z:I");
    assert_eq!(*server.stored.lock(), ["1|one", "2|t\two", "3|null"]);
    assert_eq!(server.log(), ["copyin Autocommit", "copied Autocommit"]);
}

#[tokio::test]
async fn many_rows_come_in_batches() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    client.send(&query("copyin csv")).await;
    for start in 0..200 {
        let rows: String = (0..100).map(|row| format!("{},x\n", start * 100 + row)).collect();
        client.send(&data(rows.as_bytes())).await;
    }
    assert_eq!(client.ask(&[done()]).await, "G C:COPY 20000 Z:I");
    assert_eq!(server.stored.lock().len(), 20_000);
    assert_eq!(server.stored.lock()[19_999], "19999|x");
}

#[tokio::test]
async fn the_end_marker_ends_the_data() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    let answer =
        client.ask(&[query("copyin"), data(b"1\ta\n\\.\n2\tb\n"), data(b"junk"), done()]).await;
    assert_eq!(answer, "G C:COPY 1 Z:I");
}

/// The error that a COPY gives, and what it says.
async fn failure(sql: &str, rows: &[u8]) -> Reply {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    client.send(&[query(sql), data(rows), done(), query("insert")].concat()).await;
    let replies = client.replies().await;
    assert_eq!(replies[0].kind, b'G');
    assert_eq!(replies[1].kind, b'E', "{replies:?}");
    // The stray CopyDone is ignored, and what follows is served.
    assert_eq!(client.until_ready().await, "C:INSERT Z:I");
    assert_eq!(server.log()[1], "failed");
    replies[1].clone()
}

#[tokio::test]
async fn errors_say_where_they_are() {
    for (sql, rows, code, text, context) in [
        (
            "copyin",
            &b"1\ta\n2\n"[..],
            "22P04",
            "missing data for column \"name\"",
            "COPY items, line 2: \"2\"",
        ),
        (
            "copyin",
            b"1\ta\tb\n",
            "22P04",
            "extra data after last expected column",
            "COPY items, line 1: \"1\ta\tb\"",
        ),
        (
            "copyin",
            b"1\ta\nx\tb\n",
            "22P02",
            "invalid input syntax for type integer: \"x\"",
            "COPY items, line 2, column id: \"x\"",
        ),
        (
            "copyin csv",
            b"1,\"a\nb\"\n2,\"c",
            "22P04",
            "unterminated CSV quoted field",
            "COPY items, line 3: \"2,\"c\"",
        ),
        (
            "copyin",
            b"1\t\xff\n",
            "22021",
            "invalid byte sequence for encoding \"UTF8\": 0xff",
            "COPY items, line 1",
        ),
        (
            "copyin csv match",
            b"id,title\n1,a\n",
            "22P04",
            "column name mismatch in header line field 2: got \"title\", expected \"name\"",
            "COPY items, line 1: \"id,title\"",
        ),
        (
            "copyin csv match",
            b"id\n",
            "22P04",
            "wrong number of fields in header line: got 1, expected 2",
            "COPY items, line 1: \"id\"",
        ),
        (
            "copyin",
            b"1\ta\n2\tb\rc\n",
            "22P04",
            "literal carriage return found in data",
            "COPY items, line 2",
        ),
    ] {
        let error = failure(sql, rows).await;
        assert_eq!(error.field(b'C').as_deref(), Some(code));
        assert_eq!(error.field(b'M').as_deref(), Some(text));
        assert_eq!(error.field(b'W').as_deref(), Some(context));
    }
    let long = format!("x{}\ta\n", "é".repeat(200));
    let context = failure("copyin", long.as_bytes()).await.field(b'W').unwrap();
    assert_eq!(context, format!("COPY items, line 1, column id: \"x{}...\"", "é".repeat(49)));
}

#[tokio::test]
async fn csv_with_a_header() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    for sql in ["copyin csv header", "copyin csv match"] {
        let rows = b"id,name\n1,\"a, \"\"b\"\"\"\n2,\n3,\"\"\n";
        let answer = client.ask(&[query(sql), data(rows), done()]).await;
        assert_eq!(answer, "G C:COPY 3 Z:I");
        let stored = std::mem::take(&mut *server.stored.lock());
        assert_eq!(stored, ["1|a, \"b\"", "2|null", "3|"]);
    }
}

#[tokio::test]
async fn bad_rows_are_left_out_when_asked_for() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    let rows = b"1\ta\nx\tb\n99999999999\tc\n4\td\n";
    let answer = client.ask(&[query("copyin text ignore"), data(rows), done()]).await;
    assert_eq!(answer, "G N:2 rows were skipped due to data type incompatibility C:COPY 2 Z:I");
    assert_eq!(*server.stored.lock(), ["1|a", "4|d"]);
}

const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

#[tokio::test]
async fn binary_rows_however_they_are_cut() {
    let stream = [
        HEADER,
        b"\0\x02\0\0\0\x04\0\0\0\x05\0\0\0\x03abc",
        b"\0\x02\xff\xff\xff\xff\0\0\0\0",
        b"\xff\xff",
    ]
    .concat();
    for size in 1..stream.len() {
        let server = TestServer::new();
        let mut client = Client::start(&server).await;
        let mut messages = vec![query("copyin binary")];
        messages.extend(stream.chunks(size).map(data));
        messages.push(done());
        assert_eq!(client.ask(&messages).await, "G C:COPY 2 Z:I", "{size}");
        assert_eq!(*server.stored.lock(), ["5|abc", "null|"]);
    }
    // Without a trailer, and without rows.
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    assert_eq!(client.ask(&[query("copyin binary"), data(HEADER), done()]).await, "G C:COPY 0 Z:I");
}

#[tokio::test]
async fn bad_binary_data_is_refused() {
    let after = |rest: &[u8]| [HEADER, rest].concat();
    for (stream, code, text) in [
        (b"1\ta\n".to_vec(), "22P04", "COPY file signature not recognized"),
        (b"PGCOPY".to_vec(), "22P04", "COPY file signature not recognized"),
        (
            b"PGCOPY\n\xff\r\n\0\0\x01\0\0\0\0\0\0".to_vec(),
            "22P04",
            "invalid COPY file header (WITH OIDS)",
        ),
        (
            b"PGCOPY\n\xff\r\n\0\x80\0\0\0\0\0\0\0".to_vec(),
            "22P04",
            "unrecognized critical flags in COPY file header",
        ),
        (
            b"PGCOPY\n\xff\r\n\0\0\0\0\0\xff\0\0\0".to_vec(),
            "22P04",
            "invalid COPY file header (missing length)",
        ),
        (after(b"\0\x01"), "22P04", "row field count is 1, expected 2"),
        (after(b"\xff\xfe"), "22P04", "row field count is -2, expected 2"),
        (after(b"\0\x02\xff\xff\xff\xfe"), "22P04", "invalid field size"),
        (after(b"\0\x02\0\0\0\x04"), "22P04", "unexpected EOF in COPY data"),
        (after(b"\xff\xff\0"), "22P04", "received copy data after EOF marker"),
    ] {
        let error = failure("copyin binary", &stream).await;
        assert_eq!(error.field(b'C').as_deref(), Some(code), "{stream:?}");
        assert_eq!(error.field(b'M').as_deref(), Some(text), "{stream:?}");
    }
    let error = failure("copyin binary", &after(b"\0\x02\0\0\0\x01\x05\0\0\0\0")).await;
    assert_eq!(error.field(b'C').as_deref(), Some("22P03"));
    assert_eq!(error.field(b'W').as_deref(), Some("COPY items, line 1, column id"));
}

#[tokio::test]
async fn a_client_can_give_up() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    client.send(&[query("copyin"), data(b"1\ta\n"), message(b'f', b"no more\0")].concat()).await;
    let replies = client.replies().await;
    assert_eq!(replies[1].field(b'C').as_deref(), Some("57014"));
    assert_eq!(replies[1].field(b'M').as_deref(), Some("COPY from stdin failed: no more"));
    assert_eq!(server.log().last().unwrap(), "failed");
}

#[tokio::test]
async fn other_messages_lose_the_synchronisation() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    assert_eq!(client.ask(&[query("copyin"), query("insert")]).await, "G FATAL:08P01 end");
}

/// As libpq does it: Sync behind the Execute is ignored, the one behind CopyDone counts.
#[tokio::test]
async fn copy_by_the_extended_protocol() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    let start = [parse("", "copyin"), bind("", "", &[], &[]), execute("", 0), sync()].concat();
    let answer = client.ask(&[start.clone(), data(b"1\ta\n"), done(), sync()]).await;
    assert_eq!(answer, "1 2 G C:COPY 1 Z:I");
    assert_eq!(server.log(), ["copyin Autocommit", "copied Autocommit"]);
    // After an error everything is skipped up to the Sync.
    let answer = client.ask(&[start, data(b"x\ta\n"), done(), sync()]).await;
    assert_eq!(answer, "1 2 G E:22P02 Z:I");
}

/// What a COPY TO sends, message by message.
async fn output(sql: &str) -> Vec<Vec<u8>> {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    client.send(&query(sql)).await;
    let replies = client.replies().await;
    let kinds: Vec<_> = replies.iter().map(|reply| char::from(reply.kind)).collect();
    assert_eq!(kinds.first(), Some(&'H'));
    assert!(kinds.ends_with(&['c', 'C', 'Z']), "{kinds:?}");
    assert_eq!(replies[replies.len() - 2].body, b"COPY 4\0");
    replies.into_iter().filter(|reply| reply.kind == b'd').map(|reply| reply.body).collect()
}

/// FACTS 3.9.
#[tokio::test]
async fn rows_go_out_one_a_message() {
    assert_eq!(
        output("copyout text").await,
        [&b"1\ta\\tb\n"[..], b"2\t\\N\n", b"3\tsay \"hi\", x\n", b"4\t\n"]
    );
    assert_eq!(
        output("copyout csv header").await,
        [&b"id,name\n"[..], b"1,a\tb\n", b"2,\n", b"3,\"say \"\"hi\"\", x\"\n", b"4,\"\"\n"]
    );
    let binary = output("copyout binary").await;
    assert_eq!(binary.len(), 5);
    assert_eq!(binary[0], [HEADER, b"\0\x02\0\0\0\x04\0\0\0\x01\0\0\0\x03a\tb"].concat());
    assert_eq!(binary[1], b"\0\x02\0\0\0\x04\0\0\0\x02\xff\xff\xff\xff");
    assert_eq!(binary[4], b"\xff\xff");
}

/// FACTS 3.9: an error ends the stream as an ErrorResponse.
#[tokio::test]
async fn an_error_in_the_middle_of_copy_out() {
    let server = TestServer::new();
    let mut client = Client::start(&server).await;
    assert_eq!(client.ask(&[query("copyout text fail")]).await, "H d d d d E:22012 Z:I");
}

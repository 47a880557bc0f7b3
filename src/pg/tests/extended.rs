//! Parse, Bind, Describe, Execute, Close, Sync.

use super::client::{bind, close, describe, execute, message, parse, query, sync};
use super::{Client, TestServer};

async fn client() -> (std::sync::Arc<TestServer>, Client) {
    let server = TestServer::new();
    let client = Client::start(&server).await;
    (server, client)
}

#[tokio::test]
async fn the_usual_round() {
    let (server, mut client) = client().await;
    let answer = client
        .ask(&[
            parse("", "param"),
            bind("", "", &["2"], &[1]),
            describe('P', ""),
            execute("", 0),
            sync(),
        ])
        .await;
    assert_eq!(answer, "1 2 T D C:SELECT 2 Z:I");
    assert_eq!(server.log(), ["param Autocommit"]);
}

#[tokio::test]
async fn several_executes_before_a_sync_are_one_transaction() {
    let (server, mut client) = client().await;
    let run = |sql| [parse("", sql), bind("", "", &[], &[]), execute("", 0)].concat();
    assert_eq!(
        client.ask(&[run("insert"), run("update"), sync()]).await,
        "1 2 C:INSERT 1 2 C:UPDATE Z:I"
    );
    assert_eq!(server.log(), ["insert Implicit", "update Implicit", "sync"]);
    // Closing something between does not make company.
    client.ask(&[run("delete"), close('S', ""), sync()]).await;
    assert_eq!(server.log()[3..], ["delete Autocommit"]);
}

#[tokio::test]
async fn a_failed_commit_is_told_instead_of_success() {
    let (_server, mut client) = client().await;
    let run = |sql| [parse("", sql), bind("", "", &[], &[]), execute("", 0)].concat();
    assert_eq!(
        client.ask(&[run("insert"), run("syncfail"), sync()]).await,
        "1 2 C:INSERT 1 2 E:23505 Z:I"
    );
}

#[tokio::test]
async fn an_error_skips_to_the_next_sync() {
    let (server, mut client) = client().await;
    let answer = client
        .ask(&[
            parse("", "error"),
            bind("", "", &[], &[]),
            execute("", 0),
            parse("", "insert"),
            bind("", "", &[], &[]),
            execute("", 0),
            query("insert"),
            sync(),
        ])
        .await;
    assert_eq!(answer, "1 2 E:22012 Z:I");
    assert_eq!(server.log(), ["error Implicit", "failed"]);
    assert_eq!(client.ask(&[query("insert")]).await, "C:INSERT Z:I");
}

#[tokio::test]
async fn the_time_between_two_executes_of_a_portal_is_nobodys() {
    let (server, mut client) = client().await;
    let run = [parse("", "rows 3"), bind("p", "", &[], &[]), execute("p", 2)].concat();
    assert_eq!(client.ask(&[run, execute("p", 2), sync()]).await, "1 2 D s D C:SELECT 1 Z:I");
    assert_eq!(*server.spans.lock(), ["run", "end", "resume", "end"]);
}

/// psycopg does so after DECLARE.
#[tokio::test]
async fn a_cursor_of_sql_is_a_portal_to_describe_and_close() {
    let (server, mut client) = client().await;
    let ask = [describe('P', "declared"), close('P', "declared"), describe('P', "none"), sync()];
    assert_eq!(client.ask(&ask).await, "T 3 E:34000 Z:I");
    assert_eq!(server.log(), ["close declared", "failed"]);
}

#[tokio::test]
async fn describe_says_what_there_is() {
    let (_server, mut client) = client().await;
    let answer = client
        .ask(&[parse("s", "param"), describe('S', "s"), parse("e", ""), describe('S', "e"), sync()])
        .await;
    assert_eq!(answer, "1 t T 1 t n Z:I");
    client.send(&[parse("", "param"), describe('S', ""), sync()].concat()).await;
    let replies = client.replies().await;
    assert_eq!(replies[1].body, [0, 1, 0, 0, 0, 23]);
    assert_eq!(
        replies[2].body,
        [
            &[0, 1, b'n', 0][..],
            &16_400_u32.to_be_bytes(), // table
            &[0, 1],                   // attribute
            &23_u32.to_be_bytes(),     // type
            &[0, 4],                   // length
            &[255; 4],                 // modifier
            &[0, 0],                   // format
        ]
        .concat()
    );
}

/// FACTS 3.12: no truncated result is ever called complete.
#[tokio::test]
async fn portals_are_suspended_and_resumed() {
    let (_server, mut client) = client().await;
    client.ask(&[query("begin")]).await;
    client.ask(&[parse("s", "rows 250"), bind("p", "s", &[], &[]), sync()]).await;
    assert_eq!(client.ask(&[execute("p", 120), sync()]).await, "D s Z:T");
    assert_eq!(client.ask(&[execute("p", 120), sync()]).await, "D s Z:T");
    client.send(&[execute("p", 120), sync()].concat()).await;
    let rest = client.replies().await;
    assert_eq!(rest.len(), 12);
    assert_eq!(rest[0].values(), [Some("240".to_owned())]);
    assert_eq!(rest[10].body, b"SELECT 10\0");
    assert_eq!(client.ask(&[execute("p", 0), sync()]).await, "C:SELECT 0 Z:T");
    // Portals end with their transaction.
    client.ask(&[query("commit")]).await;
    assert_eq!(client.ask(&[execute("p", 0), sync()]).await, "E:34000 Z:I");
}

/// FACTS 3.4: the client's number allocates nothing, and a negative one means all.
#[tokio::test]
async fn huge_and_negative_row_limits() {
    let (_server, mut client) = client().await;
    for limit in [i32::MAX, i32::MIN, -1, 0] {
        let answer = client
            .ask(&[parse("", "rows 150"), bind("", "", &[], &[]), execute("", limit), sync()])
            .await;
        assert_eq!(answer, "1 2 D C:SELECT 150 Z:I", "{limit}");
    }
}

/// FACTS 3.8.
#[tokio::test]
async fn names_are_checked() {
    let (_server, mut client) = client().await;
    assert_eq!(client.ask(&[parse("s", "rows 1"), sync()]).await, "1 Z:I");
    assert_eq!(client.ask(&[parse("s", "rows 1"), sync()]).await, "E:42P05 Z:I");
    assert_eq!(client.ask(&[parse("e", ""), parse("e", ""), sync()]).await, "1 E:42P05 Z:I");
    assert_eq!(client.ask(&[bind("", "nope", &[], &[]), sync()]).await, "E:26000 Z:I");
    assert_eq!(client.ask(&[bind("", "", &[], &[]), sync()]).await, "E:26000 Z:I");
    assert_eq!(client.ask(&[execute("nope", 0), sync()]).await, "E:34000 Z:I");
    assert_eq!(client.ask(&[describe('P', "nope"), sync()]).await, "E:34000 Z:I");
    assert_eq!(client.ask(&[describe('S', "nope"), sync()]).await, "E:26000 Z:I");
    assert_eq!(
        client.ask(&[bind("p", "s", &[], &[]), bind("p", "s", &[], &[]), sync()]).await,
        "2 E:42P03 Z:I"
    );
    assert_eq!(client.ask(&[close('S', "nope"), close('P', "nope"), sync()]).await, "3 3 Z:I");
    assert_eq!(
        client.ask(&[close('S', "s"), bind("", "s", &[], &[]), sync()]).await,
        "3 E:26000 Z:I"
    );
    assert_eq!(client.ask(&[parse("", "rows 1; rows 2"), sync()]).await, "E:42601 Z:I");
}

/// FACTS 3.8: the unnamed portal lives to the end of the block or the next Bind.
#[tokio::test]
async fn the_unnamed_portal_survives_sync_inside_a_block() {
    let (_server, mut client) = client().await;
    client.ask(&[query("begin")]).await;
    client.ask(&[parse("s", "rows 5"), bind("", "s", &[], &[]), execute("", 2), sync()]).await;
    assert_eq!(client.ask(&[execute("", 0), sync()]).await, "D C:SELECT 3 Z:T");
    client.ask(&[query("commit")]).await;
    client.ask(&[bind("", "s", &[], &[]), execute("", 2), sync()]).await;
    assert_eq!(client.ask(&[execute("", 0), sync()]).await, "E:34000 Z:I");
}

/// FACTS 3.8: fewer format codes than columns.
#[tokio::test]
async fn format_codes_are_checked() {
    let (_server, mut client) = client().await;
    client.ask(&[parse("s", "three 1"), parse("p", "param"), sync()]).await;
    for (results, expected) in [
        (&[][..], "2 D C:SELECT 1 Z:I"),
        (&[1], "2 D C:SELECT 1 Z:I"),
        (&[1, 0, 1], "2 D C:SELECT 1 Z:I"),
        (&[1, 0], "E:08P01 Z:I"),
        (&[1, 0, 1, 0], "E:08P01 Z:I"),
        (&[2], "E:22023 Z:I"),
        (&[0, 1, 7], "E:22023 Z:I"),
    ] {
        let answer = client.ask(&[bind("", "s", &[], results), execute("", 0), sync()]).await;
        assert_eq!(answer, expected, "{results:?}");
    }
    // Two parameter formats for one parameter.
    let body = b"\0p\0\0\x02\0\0\0\0\0\x01\0\0\0\x011\0\0";
    assert_eq!(client.ask(&[message(b'B', body), sync()]).await, "E:08P01 Z:I");
    // Too few and too many values.
    assert_eq!(client.ask(&[bind("", "p", &[], &[]), sync()]).await, "E:08P01 Z:I");
    assert_eq!(client.ask(&[bind("", "p", &["1", "2"], &[]), sync()]).await, "E:08P01 Z:I");
}

#[tokio::test]
async fn values_are_decoded_in_both_formats() {
    let (_server, mut client) = client().await;
    client.ask(&[parse("p", "param"), sync()]).await;
    let run = |format: u16, value: &[u8]| {
        let mut body = b"\0p\0\0\x01".to_vec();
        body.extend(format.to_be_bytes());
        body.extend(b"\0\x01");
        body.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
        body.extend(value);
        body.extend(b"\0\0");
        [message(b'B', &body), execute("", 0), sync()].concat()
    };
    assert_eq!(client.ask(&[run(1, &[0, 0, 0, 3])]).await, "2 D C:SELECT 3 Z:I");
    assert_eq!(client.ask(&[run(0, b"3")]).await, "2 D C:SELECT 3 Z:I");
    assert_eq!(client.ask(&[run(0, b"x")]).await, "E:22P02 Z:I");
    assert_eq!(client.ask(&[run(0, b"\xff")]).await, "E:22021 Z:I");
    assert_eq!(client.ask(&[run(0, b"1\0")]).await, "E:22021 Z:I");
    assert!(client.ask(&[run(1, &[0, 0, 3])]).await.starts_with("E:22P03"));
    client.send(&run(0, b"x")).await;
    let replies = client.replies().await;
    assert_eq!(replies[0].field(b'W').as_deref(), Some("unnamed portal parameter $1"));
    // NULL.
    let body = b"\0p\0\0\0\0\x01\xff\xff\xff\xff\0\0";
    assert_eq!(client.ask(&[message(b'B', body), execute("", 0), sync()]).await, "2 C:NULL Z:I");
}

#[tokio::test]
async fn flush_sends_what_there_is() {
    let (_server, mut client) = client().await;
    client.send(&[parse("", "rows 1"), message(b'H', &[])].concat()).await;
    assert_eq!(client.reply().await.unwrap().kind, b'1');
}

#[tokio::test]
async fn an_executed_command_can_not_run_again() {
    let (_server, mut client) = client().await;
    client.ask(&[query("begin")]).await;
    let answer = client
        .ask(&[
            parse("", "insert"),
            bind("p", "", &[], &[]),
            execute("p", 0),
            execute("p", 0),
            sync(),
        ])
        .await;
    assert_eq!(answer, "1 2 C:INSERT E:55000 Z:E");
    assert_eq!(client.ask(&[execute("p", 0), sync()]).await, "E:25P02 Z:E");
}

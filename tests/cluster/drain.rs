//! A node that is to end: it says so, lets statements finish, takes no new ones, and leaves.

use crate::fleet::{Backend, Fleet};
use crate::process::free_port;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_postgres::error::SqlState;

/// What `/readyz` says: 200, 503.
async fn ready(address: &str) -> Option<u16> {
    let mut stream = tokio::net::TcpStream::connect(address).await.ok()?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n").await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    answer.split_whitespace().nth(1)?.parse().ok()
}

/// SIGTERM: not ready at once, served on for a while, then in good order, with status 0.
#[tokio::test(flavor = "multi_thread")]
async fn sigterm_drains() {
    for backend in [Backend::Embedded, Backend::Shared] {
        let http = format!("127.0.0.1:{}", free_port());
        let mut fleet = Fleet::bare(backend).await;
        let env = [("REDKITE_HTTP", http.as_str()), ("REDKITE_DRAIN_NOTICE_SECONDS", "2")];
        fleet.add("a", "a1", &env).await;
        let client = fleet.node(0).connect().await;
        client.batch_execute("CREATE TABLE t (id int)").await.expect("DDL");
        assert_eq!(ready(&http).await, Some(200));
        let idle = fleet.node(0).connect().await;
        let slow = fleet.node(0).connect().await;
        fleet.node(0).process.signal("TERM");
        while ready(&http).await != Some(503) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let late = fleet.node(0).connect().await;
        late.batch_execute("INSERT INTO t VALUES (1)").await.expect("still served");
        let slow = tokio::spawn(async move {
            let done = slow.execute("INSERT INTO t SELECT length(pg_sleep(4)::text)", &[]).await;
            (done, slow.execute("SELECT 1", &[]).await)
        });
        let (done, next) = slow.await.expect("a task");
        assert_eq!(done.expect("what runs may finish"), 1);
        let next = next.expect_err("and nothing more begins");
        assert!(next.is_closed() || next.code() == Some(&SqlState::ADMIN_SHUTDOWN), "{next}");
        idle.execute("SELECT 1", &[]).await.expect_err("idle ones are ended");
        let status = fleet.node_mut(0).process.wait(Duration::from_secs(30)).await;
        assert!(status.success(), "{status}");
    }
}

/// `redkite drain` from anywhere; what does not finish in time is stopped, and locks are free at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_drains_a_node() {
    let mut fleet = Fleet::bare(Backend::Shared).await;
    fleet.add("a", "a1", &[]).await;
    fleet.add("b", "b1", &[("REDKITE_DRAIN_SECONDS", "1")]).await;
    let here = fleet.node(0).connect().await;
    let there = fleet.node(1).connect().await;
    there.execute("SELECT pg_advisory_lock(1)", &[]).await.expect("the lock");
    let endless = tokio::spawn(async move { there.execute("SELECT pg_sleep(600)", &[]).await });
    let mut drain = fleet.command("b", "b1", &[]);
    let arguments: Vec<_> = drain.get_args().map(std::ffi::OsStr::to_owned).collect();
    let environment: Vec<_> = drain
        .get_envs()
        .filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())))
        .collect();
    drain = std::process::Command::new(drain.get_program());
    drain.arg("drain").args(&arguments[1..]).envs(environment);
    let drained = tokio::task::spawn_blocking(move || drain.output()).await.expect("a thread");
    let drained = drained.expect("the command runs");
    assert!(drained.status.success(), "{}", String::from_utf8_lossy(&drained.stderr));
    let error = endless.await.expect("a task").expect_err("it was stopped");
    assert!(error.is_closed() || error.code() == Some(&SqlState::QUERY_CANCELED), "{error}");
    let status = fleet.node_mut(1).process.wait(Duration::from_secs(30)).await;
    assert!(status.success(), "{status}");
    let free = here.query_one("SELECT pg_try_advisory_lock(1)", &[]).await.expect("an answer");
    assert!(free.get::<_, bool>(0), "the lock of the drained node is still taken");
    let nobody = fleet.command("b", "b1", &[]);
    let mut again = std::process::Command::new(nobody.get_program());
    again.arg("drain").args(&arguments[1..]);
    let again = tokio::task::spawn_blocking(move || again.output()).await.expect("a thread");
    let again = again.expect("the command runs");
    let told = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(!again.status.success() && told.contains("there is no node \"b1\""), "{told}");
}

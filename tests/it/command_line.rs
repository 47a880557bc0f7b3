//! A start that can't succeed ends at once, non-zero, with one clear line.

use crate::fleet::{Backend, Fleet};
use crate::process::free_port;
use std::process::{Command, Output};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Runs a command that must fail within half a minute; returns what it said on standard error.
async fn refused(mut command: Command) -> String {
    let run = tokio::task::spawn_blocking(move || command.output());
    let output: Output = timeout(Duration::from_secs(30), run)
        .await
        .expect("it ends by itself")
        .expect("a thread")
        .expect("the binary starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it started: {said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// The same, and what it said is one line that has all the words.
async fn refused_with(command: Command, words: &[&str]) {
    let said = refused(command).await;
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    assert_eq!(lines.len(), 1, "one clear line, not:\n{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not said in: {said}");
    }
}

#[tokio::test]
async fn a_port_in_use() {
    let fleet = Fleet::bare(Backend::Embedded).await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_redkite"));
    command.args(["serve", "--listen", &address, "--data"]).arg(fleet.folder().join("a1"));
    refused_with(command, &[&address, "in use"]).await;
}

#[tokio::test]
async fn a_data_folder_of_another_process() {
    let fleet = Fleet::start(Backend::Embedded).await;
    refused_with(fleet.command("a", "a1", &[]), &["another process", "a1"]).await;
}

#[tokio::test]
async fn an_unknown_option() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redkite"));
    command.args(["serve", "--no-such-option"]);
    let said = refused(command).await;
    assert!(said.contains("--no-such-option"), "{said}");
}

#[tokio::test]
async fn an_etcd_that_is_not_there() {
    let fleet = Fleet::bare(Backend::Embedded).await;
    let mut command = fleet.command("a", "a1", &[("REDKITE_PASSWORD", "x")]);
    let metadata = format!("etcd://127.0.0.1:{}", free_port());
    let objects = format!("file://{}", fleet.folder().join("objects").display());
    command.args(["--metadata", &metadata, "--objects", &objects]);
    refused_with(command, &["metadata", &metadata["etcd://".len()..]]).await;
}

#[tokio::test]
async fn a_first_start_without_a_password_where_one_is_asked_shared() {
    let fleet = Fleet::bare(Backend::Shared).await;
    let mut command = fleet.command("a", "a1", &[]);
    command.env_remove("REDKITE_PASSWORD");
    refused_with(command, &["REDKITE_PASSWORD"]).await;
}

#[tokio::test]
async fn an_object_store_that_is_not_there_shared() {
    let mut fleet = Fleet::bare(Backend::Shared).await;
    fleet.stores.as_mut().expect("shared").s3.kill();
    let address = fleet.stores.as_ref().expect("shared").s3.address.clone();
    refused_with(fleet.command("a", "a1", &[]), &[&address]).await;
}

/// SIGTERM ends a server cleanly, with what was committed on disk.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_ends_when_it_is_told_to() {
    let mut fleet = Fleet::start(Backend::Embedded).await;
    let client = fleet.node(0).connect().await;
    client.batch_execute("CREATE TABLE t (a int4); INSERT INTO t VALUES (1)").await.expect("a row");
    fleet.node(0).process.signal("TERM");
    let status = fleet.node_mut(0).process.wait(Duration::from_secs(10)).await;
    assert!(status.success(), "{status}");
    sleep(Duration::from_millis(100)).await;
    fleet.node_mut(0).restart().await;
    let client = fleet.node(0).connect().await;
    assert_eq!(
        client.query_one("SELECT a FROM t", &[]).await.expect("the row").get::<_, i32>(0),
        1
    );
}

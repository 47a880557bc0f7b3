//! Stores that stop answering, a node that sleeps past its lease, a disk that is full: commits
//! wait, then succeed or fail with the truth, and nothing acknowledged is lost.

use super::clients::{Fate, fate, state};
use crate::fleet::{Backend, Fleet, connect};
use crate::process::report;
use std::process::Command;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;

const TABLE: &str = "CREATE TABLE kept (id int8, part int8, text text, PRIMARY KEY (id, part))";

/// Rows of a commit that is large enough to need objects.
const PARTS: i64 = 200;

async fn insert(client: &Client, id: i64) -> Result<u64, tokio_postgres::Error> {
    let sql = format!(
        "INSERT INTO kept SELECT {id}, x, repeat('x', 2000) FROM generate_series(1, {PARTS}) AS g(x)"
    );
    client.execute(&sql, &[]).await
}

/// What is there of a commit: all (true) or nothing (false).
async fn there(client: &Client, id: i64) -> bool {
    let sql = "SELECT count(*) FROM kept WHERE id = $1";
    let rows: i64 = client.query_one(sql, &[&id]).await.expect("the count").get(0);
    assert!(rows == 0 || rows == PARTS, "commit {id} is there in part: {rows} rows");
    rows == PARTS
}

async fn truth(client: &Client, fates: &[(i64, Fate)]) {
    for (id, fate) in fates {
        let there = there(client, *id).await;
        match fate {
            Fate::Committed => assert!(there, "commit {id} was acknowledged and is not there"),
            Fate::Refused => assert!(!there, "commit {id} was refused and is there"),
            Fate::Unknown => {}
        }
    }
}

/// Writes on three connections for as long as `outage` takes, and a little longer.
async fn write_during(
    fleet: &Fleet,
    node: usize,
    outage: impl Future<Output = ()>,
) -> Vec<(i64, Fate)> {
    let done = std::sync::atomic::AtomicBool::new(false);
    let ordering = std::sync::atomic::Ordering::Relaxed;
    let writer = async |number: i64| {
        let mut fates = Vec::new();
        let mut client = fleet.node(node).connect().await;
        for turn in 0.. {
            if done.load(ordering) {
                break;
            }
            let id = number * 1_000_000 + turn;
            let answer = insert(&client, id).await;
            if let Err(error) = &answer {
                let code = state(error);
                let honest = matches!(code, None | Some("57P03" | "08007" | "08006" | "57P01"));
                assert!(honest, "a commit during an outage: {error:?}");
            }
            fates.push((id, fate(&answer)));
            if client.is_closed() {
                client = reconnect(fleet, node).await;
            }
        }
        fates
    };
    let outage = async {
        sleep(Duration::from_secs(1)).await;
        outage.await;
        sleep(Duration::from_secs(2)).await;
        done.store(true, ordering);
    };
    let (one, two, three, ()) = tokio::join!(writer(1), writer(2), writer(3), outage);
    let fates = [one, two, three].concat();
    let count = |wanted: Fate| fates.iter().filter(|(_, fate)| *fate == wanted).count();
    report(&format!(
        "{} committed, {} refused, {} unknown",
        count(Fate::Committed),
        count(Fate::Refused),
        count(Fate::Unknown)
    ));
    assert!(count(Fate::Committed) > 0, "nothing was committed around the outage");
    fates
}

/// A connection, as soon as the node accepts one again.
async fn reconnect(fleet: &Fleet, node: usize) -> Client {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        match connect(&fleet.node(node).config()).await {
            Ok(client) => return client,
            Err(error) => {
                assert!(Instant::now() < end, "no connection after the outage: {error:?}");
                sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

async fn stopped_for_ten_seconds(which: &str) {
    let fleet = Fleet::two_clusters(1).await;
    fleet.node(0).connect().await.batch_execute(TABLE).await.expect("DDL");
    let stores = fleet.stores.as_ref().expect("shared stores");
    let store = if which == "etcd" { &stores.etcd } else { &stores.s3 };
    let outage = async {
        store.pause();
        sleep(Duration::from_secs(10)).await;
        store.resume();
    };
    let fates = write_during(&fleet, 0, outage).await;
    truth(&fleet.node(1).connect().await, &fates).await;
    let client = fleet.node(0).connect().await;
    insert(&client, 1).await.expect("commits go on after the outage");
}

#[tokio::test(flavor = "multi_thread")]
async fn etcd_stops_for_ten_seconds_in_the_middle_of_commits() {
    stopped_for_ten_seconds("etcd").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_object_store_stops_for_ten_seconds_in_the_middle_of_commits() {
    stopped_for_ten_seconds("s3").await;
}

/// etcd killed with -9 and started again on its data: its connections break.
#[tokio::test(flavor = "multi_thread")]
async fn etcd_is_killed_and_comes_back() {
    let mut fleet = Fleet::two_clusters(1).await;
    fleet.node(0).connect().await.batch_execute(TABLE).await.expect("DDL");
    let client = fleet.node(0).connect().await;
    insert(&client, 1).await.expect("a commit before");
    let etcd = &mut fleet.stores.as_mut().expect("shared stores").etcd;
    etcd.kill();
    sleep(Duration::from_secs(2)).await;
    etcd.restart().await;
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut id = 2;
    loop {
        let client = reconnect(&fleet, 0).await;
        match insert(&client, id).await {
            Ok(_) => break,
            Err(error) => {
                assert!(Instant::now() < deadline, "no commit after etcd's return: {error:?}")
            }
        }
        id += 1;
    }
    truth(&fleet.node(1).connect().await, &[(1, Fate::Committed), (id, Fate::Committed)]).await;
}

/// Two clusters of a node each, which are taken for dead after five seconds of silence.
async fn with_short_leases() -> Fleet {
    let mut fleet = Fleet::bare(Backend::Shared).await;
    for (cluster, node) in [("a", "a1"), ("b", "b1")] {
        fleet.add(cluster, node, &[("REDKITE_LEASE_SECONDS", "5")]).await;
    }
    fleet
}

/// A node that sleeps past its lease in the middle of commits: what it wakes up with must fail or
/// be whole, nothing is lost, and then it joins again and serves what the others have committed.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_sleeps_past_its_lease_in_the_middle_of_commits() {
    let fleet = with_short_leases().await;
    let witness = fleet.node(1).connect().await;
    witness.batch_execute(TABLE).await.expect("DDL");
    let sleeper = fleet.node(0);
    let clients = [sleeper.connect().await, sleeper.connect().await, sleeper.connect().await];
    let commits = async {
        let work = clients.iter().zip(1i64..).map(async |(client, number)| {
            let mut fates = Vec::new();
            for turn in 0..400 {
                let id = number * 1_000_000 + turn;
                let fate = fate(&insert(client, id).await);
                fates.push((id, fate));
                if fate != Fate::Committed {
                    break;
                }
            }
            fates
        });
        futures::future::join_all(work).await.concat()
    };
    let nap = async {
        sleep(Duration::from_millis(700)).await;
        sleeper.process.signal("STOP");
        // others go on meanwhile: they merge and collect garbage
        let end = Instant::now() + Duration::from_secs(15);
        let mut id = 9_000_000;
        while Instant::now() < end {
            insert(&witness, id).await.expect("the others are not held up");
            witness.execute("DELETE FROM kept WHERE id = $1", &[&id]).await.expect("the delete");
            id += 1;
            sleep(Duration::from_millis(200)).await;
        }
        sleeper.process.signal("CONT");
    };
    let limit = Duration::from_secs(120);
    let (fates, ()) = tokio::time::timeout(limit, async { tokio::join!(commits, nap) })
        .await
        .expect("a node that lost its lease answers or breaks its connections");
    assert!(fates.iter().any(|(_, fate)| *fate != Fate::Committed), "it noticed nothing");
    truth(&witness, &fates).await;
    let total = "SELECT count(DISTINCT id), count(*) FROM kept";
    let row = witness.query_one(total, &[]).await.expect("every object is there");
    assert_eq!(row.get::<_, i64>(1), row.get::<_, i64>(0) * PARTS);
    let client = reconnect(&fleet, 0).await;
    truth(&client, &fates).await;
    insert(&client, 8_000_000).await.expect("the node has joined again");
    assert!(there(&witness, 8_000_000).await);
}

/// A node that stops with its objects written, and its commit about to be published: others take it
/// for dead and remove what it has left. What it wakes up with must fail, and nothing of it is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_stops_right_before_its_commit_is_published() {
    let mut fleet = Fleet::bare(Backend::Shared).await;
    fleet.add("b", "b1", &[("REDKITE_LEASE_SECONDS", "3")]).await;
    let witness = fleet.node(0).connect().await;
    witness.batch_execute(TABLE).await.expect("DDL");
    let stop = ("REDKITE_FAILPOINT", "before-publish:stop");
    fleet.add("a", "a1", &[("REDKITE_LEASE_SECONDS", "3"), stop]).await;
    let sleeper = fleet.node(1);
    let client = sleeper.connect().await;
    let nap = async {
        // its lease ends, and the sweep after a death comes
        sleep(Duration::from_secs(9)).await;
        assert!(!there(&witness, 1).await);
        sleeper.process.signal("CONT");
    };
    let limit = Duration::from_secs(60);
    let (told, ()) = tokio::time::timeout(limit, async { tokio::join!(insert(&client, 1), nap) })
        .await
        .expect("it is told what became of its commit");
    assert_eq!(told.as_ref().err().and_then(state), Some("57P03"), "{told:?}");
    assert!(!there(&witness, 1).await, "a commit that was refused is there");
    let client = reconnect(&fleet, 1).await;
    insert(&client, 1).await.expect("the node has joined again");
    assert!(there(&witness, 1).await);
    let check = "SELECT count(*), sum(length(text))::int8 FROM kept";
    let row = witness.query_one(check, &[]).await.expect("every object is there");
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (PARTS, PARTS * 2000));
}

/// etcd is away for longer than the leases last: both nodes' are gone when it returns. They join
/// again and serve what was acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn etcd_is_away_for_longer_than_leases_last() {
    let fleet = with_short_leases().await;
    fleet.node(0).connect().await.batch_execute(TABLE).await.expect("DDL");
    let etcd = &fleet.stores.as_ref().expect("shared stores").etcd;
    let outage = async {
        etcd.pause();
        sleep(Duration::from_secs(9)).await;
        etcd.resume();
    };
    let fates = write_during(&fleet, 0, outage).await;
    for node in 0..2 {
        let client = reconnect(&fleet, node).await;
        truth(&client, &fates).await;
        insert(&client, 8_000_000 + node as i64).await.expect("commits go on after the outage");
    }
}

/// The disk fills up: 53100, reads go on, and so do writes once there is room again.
#[tokio::test(flavor = "multi_thread")]
async fn the_disk_is_full() {
    let mut fleet = Fleet::bare(Backend::Embedded).await;
    let data = fleet.folder().join("a1");
    std::fs::create_dir(&data).expect("a data folder");
    let Some(_mount) = Mount::tmpfs(&data, 96) else {
        report("skipped: mounting a small tmpfs needs root");
        return;
    };
    let filler = data.join("filler");
    std::fs::write(&filler, vec![0; 40 << 20]).expect("room for the filler");
    fleet.add("a", "a1", &[]).await;
    let client = fleet.node(0).connect().await;
    client.batch_execute(TABLE).await.expect("DDL");
    let mut kept = 0i64;
    let error = loop {
        let sql = "INSERT INTO kept SELECT $1::int8, x, md5((x * $1::int8)::text)
                   FROM generate_series(1, 20000) AS g(x)";
        match client.execute(sql, &[&(kept + 1)]).await {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 500, "the disk never fills");
    };
    assert_eq!(state(&error), Some("53100"), "{error:?}");
    let client = fleet.node(0).connect().await;
    let count = "SELECT count(*) FROM kept";
    let rows: i64 = client.query_one(count, &[]).await.expect("reads go on").get(0);
    assert_eq!(rows, kept * 20_000);
    std::fs::remove_file(&filler).expect("the filler goes");
    insert(&client, 1_000_000).await.expect("writes go on when there is room");
    fleet.node_mut(0).restart().await;
    let client = fleet.node(0).connect().await;
    let rows: i64 = client.query_one(count, &[]).await.expect("the count").get(0);
    assert_eq!(rows, kept * 20_000 + PARTS);
    fleet.node_mut(0).kill();
}

/// A small file system of its own, unmounted in the end.
struct Mount(std::path::PathBuf);

impl Mount {
    fn tmpfs(at: &std::path::Path, megabytes: usize) -> Option<Self> {
        let size = format!("size={megabytes}m");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at);
        let output = command.output().ok()?;
        output.status.success().then(|| Self(at.to_path_buf()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let done = Command::new("umount").arg("-l").arg(&self.0).status();
        if !done.is_ok_and(|status| status.success()) {
            report(&format!("{} is still mounted", self.0.display()));
        }
    }
}

//! Growth is bounded: thousands of one-row commits leave few segments, keys and objects, on every
//! node nothing but the rows is seen of it, and a node that dies in the middle of background work
//! holds nothing up.

use crate::fleet::{Backend, Fleet, Node};
use crate::process::report;
use crate::stores::{ACCESS_KEY, BUCKET, SECRET_KEY};
use futures::TryStreamExt;
use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;
use redkite::store::meta::{Etcd, EtcdConfig, KeyRange, MetaStore};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const WRITERS: i64 = 8;

/// One-row inserts, updates and deletes in autocommit, by several clients. Returns the rows that
/// are left.
async fn write_one_by_one(nodes: &[&Node], turns: i64) -> i64 {
    let work = (0..WRITERS).map(async |writer| {
        let client = nodes[writer as usize % nodes.len()].connect().await;
        let insert = client.prepare("INSERT INTO t VALUES ($1, 0)").await.expect("a plan");
        let update = client.prepare("UPDATE t SET n = n + 1 WHERE id = $1").await.expect("a plan");
        let delete = client.prepare("DELETE FROM t WHERE id = $1").await.expect("a plan");
        let mut left = 0;
        for turn in 0..turns {
            let id = writer * 1_000_000 + turn;
            client.execute(&insert, &[&id]).await.expect("an insert");
            if turn % 3 == 1 {
                client.execute(&update, &[&(id - 1)]).await.expect("an update");
            }
            if turn % 3 == 2 {
                let gone = client.execute(&delete, &[&(id - 1)]).await.expect("a delete");
                assert_eq!(gone, 1);
                left -= 1;
            }
            left += 1;
        }
        left
    });
    futures::future::join_all(work).await.iter().sum()
}

/// Files of a folder and those in it.
fn files_below(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let entries = entries.filter_map(Result::ok);
    entries
        .map(|entry| match entry.path() {
            path if path.is_dir() => files_below(&path),
            _ => 1,
        })
        .sum()
}

/// Waits until there are few enough, and says what there is.
async fn until_few(what: &str, max: usize, mut count: impl AsyncFnMut() -> usize) {
    let began = Instant::now();
    loop {
        let found = count().await;
        if found <= max {
            return report(&format!("{found} {what} after {:?}", began.elapsed()));
        }
        let limit = Duration::from_secs(90);
        assert!(began.elapsed() < limit, "{found} {what} are left, {max} at most were expected");
        sleep(Duration::from_millis(500)).await;
    }
}

/// What the shared stores hold.
struct Shared {
    etcd: Etcd,
    objects: Box<dyn ObjectStore>,
}

impl Shared {
    async fn of(fleet: &Fleet) -> Self {
        let stores = fleet.stores.as_ref().expect("shared stores");
        let config = EtcdConfig::from_url(&format!("etcd://{}", stores.etcd.address));
        let etcd = Etcd::connect(config.expect("a URL")).await.expect("etcd");
        let objects = AmazonS3Builder::new()
            .with_bucket_name(BUCKET)
            .with_endpoint(format!("http://{}", stores.s3.address))
            .with_allow_http(true)
            .with_region("us-east-1")
            .with_access_key_id(ACCESS_KEY)
            .with_secret_access_key(SECRET_KEY)
            .build()
            .expect("an S3 client");
        Self { etcd, objects: Box::new(objects) }
    }

    async fn keys(&self, below: &str) -> Vec<String> {
        let range = KeyRange::prefix(format!("/redkite/redkite/{below}"));
        let (_, keys) = self.etcd.range(range, None).await.expect("etcd answers");
        keys.iter().map(|key| String::from_utf8_lossy(&key.key).into_owned()).collect()
    }

    async fn objects(&self) -> usize {
        let folder = object_store::path::Path::from("objects/data");
        let listed: Vec<_> = self.objects.list(Some(&folder)).try_collect().await.expect("S3");
        listed.len()
    }
}

const TABLE: &str = "CREATE TABLE t (id int8 PRIMARY KEY, n int8)";
const LOOK: &str = "SELECT count(*), count(*) FILTER (WHERE n = 1) FROM t";

#[tokio::test(flavor = "multi_thread")]
async fn one_row_commits_leave_few_objects_embedded() {
    let fleet = Fleet::start(Backend::Embedded).await;
    let client = fleet.node(0).connect().await;
    client.batch_execute(TABLE).await.expect("DDL");
    let left = write_one_by_one(&[fleet.node(0)], 200).await;
    let objects = fleet.folder().join("a1/objects/data");
    until_few("objects", 12, async || files_below(&objects)).await;
    let row = client.query_one(LOOK, &[]).await.expect("the rows");
    assert_eq!(row.get::<_, i64>(0), left);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_row_commits_leave_few_keys_and_objects() {
    let mut fleet = Fleet::bare(Backend::Shared).await;
    for (cluster, node) in [("a", "a1"), ("b", "b1")] {
        fleet.add(cluster, node, &[("REDKITE_LEASE_SECONDS", "5")]).await;
    }
    let client = fleet.node(0).connect().await;
    client.batch_execute(TABLE).await.expect("DDL");
    let left = write_one_by_one(&[fleet.node(0), fleet.node(1)], 150).await;
    let shared = Shared::of(&fleet).await;
    let before = shared.keys("tables/").await.len();
    report(&format!("{before} keys of tables, {} objects", shared.objects().await));
    until_few("keys of tables", 80, async || shared.keys("tables/").await.len()).await;
    until_few("objects", 16, async || shared.objects().await).await;
    // what was truncated or dropped goes, and so does what a dead process has left
    client.batch_execute("CREATE TABLE gone (id int8 PRIMARY KEY)").await.expect("DDL");
    let oid = "SELECT oid::int8 FROM pg_class WHERE relname = 'gone'";
    let oid: i64 = client.query_one(oid, &[]).await.expect("the catalog").get(0);
    for turn in 0..20i64 {
        let (from, to) = (turn * 1000, turn * 1000 + 999);
        let sql = format!("INSERT INTO gone SELECT x FROM generate_series({from}, {to}) AS g(x)");
        client.batch_execute(&sql).await.expect("rows");
    }
    client.batch_execute("TRUNCATE gone; INSERT INTO gone VALUES (1)").await.expect("TRUNCATE");
    let below = format!("tables/{oid}/");
    // one segment or one commit's rows, and the version keys
    until_few("keys of a truncated table", 5, async || shared.keys(&below).await.len()).await;
    client.batch_execute("DROP TABLE gone").await.expect("DROP");
    assert_eq!(shared.keys(&below).await, Vec::<String>::new());
    fleet.node_mut(1).kill();
    until_few("records of commits", 1, async || shared.keys("commits/").await.len()).await;
    until_few("objects", 16, async || shared.objects().await).await;
    let client = fleet.node(0).connect().await;
    let row = client.query_one(LOOK, &[]).await.expect("the rows");
    assert_eq!(row.get::<_, i64>(0), left);
}

/// A node that dies in the middle of its background work holds nobody up: another one takes over
/// once its lease has ended.
#[tokio::test(flavor = "multi_thread")]
async fn background_work_goes_on_after_a_claimer_dies() {
    let mut fleet = Fleet::bare(Backend::Shared).await;
    for (cluster, node) in [("a", "a1"), ("b", "b1")] {
        fleet.add(cluster, node, &[("REDKITE_LEASE_SECONDS", "5")]).await;
    }
    let client = fleet.node(0).connect().await;
    client.batch_execute(TABLE).await.expect("DDL");
    let shared = Shared::of(&fleet).await;
    let victim = fleet.node(1);
    let range = || KeyRange::prefix("/redkite/redkite/tasks/");
    let nodes = shared.keys("clusters/b/nodes/b1/").await;
    let incarnation = nodes[0].rsplit('/').next().expect("the last part").to_owned();
    let claims = async || {
        let (_, claims) = shared.etcd.range(range(), None).await.expect("etcd answers");
        claims.iter().any(|claim| claim.value == incarnation)
    };
    let done = AtomicBool::new(false);
    let stopped_with_a_claim = async {
        let began = Instant::now();
        loop {
            assert!(began.elapsed() < Duration::from_secs(60), "it never claims any work");
            if claims().await {
                victim.process.signal("STOP");
                if claims().await {
                    break done.store(true, Ordering::Relaxed);
                }
                victim.process.signal("CONT");
            }
        }
    };
    let write = async {
        let mut turns = 0;
        while !done.load(Ordering::Relaxed) {
            let insert = format!("INSERT INTO t VALUES ({turns}, 0)");
            client.execute(&insert, &[]).await.expect("an insert");
            turns += 1;
        }
        turns
    };
    let (turns, ()) = tokio::join!(write, stopped_with_a_claim);
    fleet.node_mut(1).kill();
    let rows: i64 = client.query_one("SELECT count(*) FROM t", &[]).await.expect("rows").get(0);
    assert_eq!(rows, turns);
    until_few("inline commits", 20, async || {
        shared.keys("tables/").await.iter().filter(|key| key.contains("/inline/")).count()
    })
    .await;
}

/// What a snapshot or an open transaction of one node reads stays, whatever another node merges
/// and collects meanwhile; it goes once nobody reads it any more.
#[tokio::test(flavor = "multi_thread")]
async fn snapshots_of_other_nodes_keep_what_they_read() {
    let mut fleet = Fleet::bare(Backend::Shared).await;
    fleet.add("a", "a1", &[]).await;
    // one that has read nothing for merges of its own, and keeps no copies
    let lazy = [("REDKITE_MAINTENANCE", "off"), ("REDKITE_CACHE_BYTES", "1")];
    fleet.add("b", "b1", &lazy).await;
    let (writer, reader) = (fleet.node(0).connect().await, fleet.node(1).connect().await);
    let deleter = fleet.node(1).connect().await;
    writer.batch_execute(TABLE).await.expect("DDL");
    let insert = async |turn: i64| {
        let (from, to) = (turn * 10_000, turn * 10_000 + 9_999);
        let sql = format!("INSERT INTO t SELECT x, 1 FROM generate_series({from}, {to}) AS g(x)");
        writer.batch_execute(&sql).await.expect("rows");
    };
    for turn in 0..7 {
        insert(turn).await;
    }
    reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await.expect("BEGIN");
    let count: i64 = reader.query_one("SELECT count(*) FROM t", &[]).await.expect("rows").get(0);
    assert_eq!(count, 70_000);
    deleter.batch_execute("BEGIN; DELETE FROM t WHERE id IN (5, 40005)").await.expect("the block");
    for turn in 7..10 {
        insert(turn).await;
    }
    let shared = Shared::of(&fleet).await;
    let segments = async || {
        let keys = shared.keys("tables/").await;
        keys.iter().filter(|key| key.contains("/segments/")).count()
    };
    until_few("segments", 3, segments).await;
    // long enough for what nobody reads to go
    sleep(Duration::from_secs(5)).await;
    let sum = "SELECT sum(id)::int8, count(*) FROM t WHERE n = 1";
    let row = reader.query_one(sum, &[]).await.expect("an old snapshot can be read");
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (70_000 * 69_999 / 2, 70_000));
    deleter.batch_execute("COMMIT").await.expect("a merge fails no transaction");
    reader.batch_execute("COMMIT").await.expect("COMMIT");
    let row = reader.query_one(sum, &[]).await.expect("the rows");
    assert_eq!(
        (row.get::<_, i64>(0), row.get::<_, i64>(1)),
        (100_000 * 99_999 / 2 - 40_010, 99_998)
    );
    until_few("objects", 3, async || shared.objects().await).await;
}

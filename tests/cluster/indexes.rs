//! Indexes over vectors with several processes: a node that dies in the middle of a build or a merge,
//! objects that are damaged, indexes that another node has built, and rows that come and go meanwhile.
//! Whatever happens to an index, searches find the rows that there are.

use crate::fleet::{Backend, Fleet, Node};
use futures::StreamExt;
use redkite::store::meta::{Etcd, EtcdConfig, KeyRange, MetaStore};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;

const ROWS: i64 = 9_000;
/// For a build in the background: not optimised, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(240);

/// Numbers that look like chance and are the same on every server.
const VECTOR: &str = "('[' || (n::int8 * 7919) % 1009 || ',' || (n::int8 * 104729) % 1013 || ','
    || (n::int8 * 1299709) % 1019 || ',' || (n::int8 * 15485863) % 1021 || ']')::vector";

/// Three segments of three thousand rows.
async fn load(client: &Client) {
    client
        .batch_execute("CREATE TABLE items (id int8 PRIMARY KEY, v vector(4))")
        .await
        .expect("DDL");
    for part in 0..3 {
        let (from, to) = (part * ROWS / 3 + 1, (part + 1) * ROWS / 3);
        let rows = format!(
            "INSERT INTO items SELECT n, {VECTOR} FROM generate_series({from}, {to}) AS g(n)"
        );
        client.batch_execute(&rows).await.expect("rows");
    }
}

/// How many segments a search compares row by row, and through how many indexes it goes.
async fn ways(client: &Client) -> (u64, u64) {
    let explain = "EXPLAIN (ANALYZE) SELECT id FROM items ORDER BY v <-> '[1,2,3,4]' LIMIT 5";
    let lines = client.query(explain, &[]).await.expect("a plan");
    let number = |name: &str| {
        lines.iter().find_map(|line| {
            let (_, value) = line.get::<_, &str>(0).split_once(name)?;
            value.trim_start_matches(':').trim().parse().ok()
        })
    };
    let exact = number("Segments Searched").expect("the plan says how it searched");
    (exact, number("Index Searches").unwrap_or_default())
}

/// Waits until all segments are searched through indexes.
async fn until_indexed(client: &Client, when: &str) {
    let began = Instant::now();
    loop {
        let (exact, indexed) = ways(client).await;
        if exact == 0 && indexed > 0 {
            return;
        }
        let limit = PATIENCE;
        assert!(began.elapsed() < limit, "{exact} segments are still searched exactly {when}");
        sleep(Duration::from_millis(200)).await;
    }
}

/// Searches through whatever indexes there are, and exactly: the share of rows that both find.
async fn agreement(client: &Client) -> f64 {
    let (mut both, mut all) = (0, 0);
    for seed in 0..20 {
        let query = format!(
            "SELECT id FROM items ORDER BY v <-> '[{},{},{},{}]' LIMIT 10",
            seed * 50,
            1000 - seed * 31,
            seed * 17 + 300,
            seed * 47
        );
        let ids = async |with_indexes: &str| -> Vec<i64> {
            let set =
                format!("SET enable_indexscan = {with_indexes}; SET redkite.recall_target = 0.99");
            client.batch_execute(&set).await.expect("settings");
            let rows = client.query(&query, &[]).await.expect("the nearest rows");
            rows.iter().map(|row| row.get(0)).collect()
        };
        let (found, wanted) = (ids("on").await, ids("off").await);
        assert_eq!(found.len(), 10, "fewer rows than there are");
        both += wanted.iter().filter(|id| found.contains(id)).count();
        all += wanted.len();
    }
    client
        .batch_execute("RESET enable_indexscan; RESET redkite.recall_target")
        .await
        .expect("settings");
    both as f64 / all as f64
}

async fn count(client: &Client) -> i64 {
    client.query_one("SELECT count(*) FROM items", &[]).await.expect("the count").get(0)
}

/// The points of merges and index builds at which a node can be told to abort.
fn background_points() -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_redkite")).arg("failpoints").output();
    let text = String::from_utf8(output.expect("the binary runs").stdout).expect("text");
    let points = text.lines().filter_map(|line| line.strip_suffix(" background"));
    let points: Vec<String> = points.map(str::to_owned).collect();
    assert!(points.len() >= 5, "points of background work: {text}");
    points
}

/// A node that dies there loses nothing: another one, or its next start, finishes the work.
async fn killed_at(backend: Backend, point: &str) {
    let mut fleet = Fleet::bare(backend).await;
    fleet.add("a", "a1", &[("REDKITE_FAILPOINT", point)]).await;
    let client = fleet.node(0).connect().await;
    load(&client).await;
    let create = "CREATE INDEX CONCURRENTLY IF NOT EXISTS near ON items
                  USING redkite (v vector_l2_ops) WITH (lists = 20)";
    // The node may die before it answers.
    let _answer = client.batch_execute(create).await;
    fleet.node_mut(0).process.wait(Duration::from_secs(60)).await;
    let witness = match backend {
        Backend::Embedded => {
            fleet.node_mut(0).restart().await;
            fleet.node(0)
        }
        Backend::Shared => fleet.add("b", "b1", &[]).await,
    };
    let client = witness.connect().await;
    assert_eq!(count(&client).await, ROWS, "after {point}");
    client.batch_execute(create).await.expect("the index");
    until_indexed(&client, point).await;
    let agreement = agreement(&client).await;
    assert!(agreement >= 0.95, "{agreement} after {point}");
    assert_eq!(count(&client).await, ROWS, "after {point}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_at_any_step_of_a_build_or_merge_embedded() {
    let points = background_points();
    futures::future::join_all(points.iter().map(|point| killed_at(Backend::Embedded, point))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_at_any_step_of_a_build_or_merge_shared() {
    // Most of each is waiting for the dead node's lease to end.
    let points = background_points();
    let killed = points.iter().map(|point| killed_at(Backend::Shared, point));
    futures::stream::iter(killed).buffer_unordered(3).collect::<Vec<()>>().await;
}

/// The objects of indexes below a folder.
fn index_objects(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let entries = entries.filter_map(Result::ok).map(|entry| entry.path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => index_objects(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "index"))
        .collect()
}

fn flip_a_byte(object: &Path) {
    let mut bytes = std::fs::read(object).expect("the object");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(object, bytes).expect("the damage");
}

fn cut_in_half(object: &Path) {
    let bytes = std::fs::read(object).expect("the object");
    std::fs::write(object, &bytes[..bytes.len() / 2]).expect("the damage");
}

fn remove(object: &Path) {
    std::fs::remove_file(object).expect("the damage");
}

/// A damaged index costs time, not rows: the log names the object, and REINDEX makes a new one.
#[tokio::test(flavor = "multi_thread")]
async fn damaged_indexes_are_named_and_done_without() {
    for (index, damage) in [
        ("hnsw (v vector_l2_ops)", flip_a_byte as fn(&Path)),
        ("redkite (v vector_l2_ops)", cut_in_half),
        ("ivfflat (v vector_l2_ops) WITH (lists = 10)", remove),
    ] {
        let mut fleet = Fleet::start(Backend::Embedded).await;
        let client = fleet.node(0).connect().await;
        load(&client).await;
        let create = format!("CREATE INDEX near ON items USING {index}");
        client.batch_execute(&create).await.expect("an index");
        assert_eq!(ways(&client).await.0, 0, "CREATE INDEX returned before the index was there");
        fleet.node_mut(0).kill();
        let data = fleet.folder().join("a1");
        std::fs::remove_dir_all(data.join("cache")).expect("the cache");
        let objects = index_objects(&data.join("objects"));
        assert!(!objects.is_empty(), "{index} stored nothing");
        objects.iter().for_each(|object| damage(object));
        fleet.node_mut(0).restart().await;
        let client = fleet.node(0).connect().await;
        assert_eq!(agreement(&client).await, 1.0, "{index}: all rows are compared");
        assert_eq!(ways(&client).await.1, 0, "{index}: what is damaged was used");
        let log = fleet.node(0).process.log();
        let named = objects.iter().any(|object| {
            let name = object.file_name().and_then(|name| name.to_str()).expect("a name");
            log.contains(name)
        });
        assert!(named, "{index}: the log names no object:\n{log}");
        client.batch_execute("REINDEX INDEX near").await.expect("a new index");
        assert_eq!(ways(&client).await.0, 0, "{index}: REINDEX returned too soon");
        assert!(agreement(&client).await >= 0.9);
    }
}

/// What one node has built serves all of them.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_built_on_one_node_serves_another_shared() {
    let fleet = Fleet::two_clusters(1).await;
    let (here, there) = (fleet.node(0).connect().await, fleet.node(1).connect().await);
    load(&here).await;
    let create = "CREATE INDEX near ON items USING redkite (v vector_l2_ops)";
    here.batch_execute(create).await.expect("an index");
    for client in [&here, &there] {
        let (exact, indexed) = ways(client).await;
        assert!(exact == 0 && indexed > 0, "{exact} segments without index, {indexed} with");
    }
    let search = "SELECT id FROM items ORDER BY v <-> '[500,500,500,500]' LIMIT 10";
    let ids = async |client: &Client| -> Vec<i64> {
        let rows = client.query(search, &[]).await.expect("the nearest rows");
        rows.iter().map(|row| row.get(0)).collect()
    };
    assert_eq!(ids(&here).await, ids(&there).await, "one snapshot, one answer");
    assert!(agreement(&there).await >= 0.9);
}

/// Commits rows with vectors far from all others on one node and looks for each on another at once.
async fn write_and_look(writer: &Node, reader: &Node, done: &AtomicBool) -> i64 {
    let (write, look) = (writer.connect().await, reader.connect().await);
    let insert = write
        .prepare("INSERT INTO items SELECT $1, ('[' || $2::int8 || ',5000,5000,5000]')::vector")
        .await
        .expect("a plan");
    let delete = write.prepare("DELETE FROM items WHERE id = $1").await.expect("a plan");
    let search = look
        .prepare("SELECT id FROM items ORDER BY v <-> ('[' || $1::int8 || ',5000,5000,5000]')::vector LIMIT 2")
        .await
        .expect("a plan");
    let mut turn = 0;
    while !done.load(Ordering::Relaxed) {
        turn += 1;
        let (id, place) = (1_000_000 + turn, turn * 100);
        write.execute(&insert, &[&id, &place]).await.expect("an insert");
        let found = look.query(&search, &[&place]).await.expect("the nearest rows");
        assert_eq!(found[0].get::<_, i64>(0), id, "turn {turn}: a committed row is not found");
        if turn % 2 == 0 {
            write.execute(&delete, &[&id]).await.expect("a delete");
            let found = look.query(&search, &[&place]).await.expect("the nearest rows");
            assert_ne!(found[0].get::<_, i64>(0), id, "turn {turn}: a deleted row is found");
        }
    }
    turn
}

/// Promise 3 while indexes are built and segments merged: what is committed is found at once.
#[tokio::test(flavor = "multi_thread")]
async fn committed_rows_are_found_during_builds_and_merges_shared() {
    let fleet = Fleet::two_clusters(1).await;
    let client = fleet.node(0).connect().await;
    load(&client).await;
    let done = AtomicBool::new(false);
    let background = async {
        for (turn, kind) in (0..).zip(["redkite", "hnsw"]) {
            let create =
                format!("CREATE INDEX near_{turn} ON items USING {kind} (v vector_l2_ops)");
            client.batch_execute(&create).await.expect("an index");
            // More segments, which are merged with their indexes.
            for part in 0..2 {
                let from = 100_000 + (turn * 2 + part) * 3_000;
                let rows = format!(
                    "INSERT INTO items SELECT n, {VECTOR} FROM generate_series({from}, {from} + 2999) AS g(n)"
                );
                client.batch_execute(&rows).await.expect("rows");
            }
            client.batch_execute(&format!("DROP INDEX near_{turn}")).await.expect("no index");
        }
        done.store(true, Ordering::Relaxed);
    };
    let looks = write_and_look(fleet.node(0), fleet.node(1), &done);
    let (_, turns) = futures::future::join(background, looks).await;
    assert!(turns > 20, "only {turns} rows were looked for");
}

/// A third of the rows replaced in many transactions: without a command being run, the index serves
/// them all again.
#[tokio::test(flavor = "multi_thread")]
async fn replaced_rows_are_indexed_by_themselves() {
    let fleet = Fleet::start(Backend::Embedded).await;
    let client = fleet.node(0).connect().await;
    load(&client).await;
    client
        .batch_execute("CREATE INDEX near ON items USING hnsw (v vector_l2_ops)")
        .await
        .expect("DDL");
    for turn in 0..100 {
        let (from, to) = (turn * 30 + 1, turn * 30 + 30);
        let replace = format!(
            "BEGIN; DELETE FROM items WHERE id BETWEEN {from} AND {to};
             INSERT INTO items SELECT n + {ROWS}, {VECTOR} FROM generate_series({from}, {to}) AS g(n);
             COMMIT"
        );
        client.batch_execute(&replace).await.expect("replaced");
    }
    assert_eq!(count(&client).await, ROWS);
    until_indexed(&client, "").await;
    assert!(agreement(&client).await >= 0.95);
    assert_eq!(count(&client).await, ROWS);
}

/// What an index has learnt, as metadata lists it: of how many rows, and its object.
async fn model(etcd: &Etcd) -> Option<(u64, String)> {
    let tables = KeyRange::prefix("/redkite/redkite/tables/");
    let (_, keys) = etcd.range(tables, None).await.expect("etcd answers");
    let model = keys.into_iter().find(|key| key.key.ends_with(b"/model"))?;
    let model: serde_json::Value = serde_json::from_slice(&model.value).expect("JSON");
    let object = model["object"]["path"].as_str().expect("an object").to_owned();
    Some((model["rows"].as_u64().expect("a number"), object))
}

/// Waits until the index has learnt from so many rows, and something else than before.
async fn until_learnt(etcd: &Etcd, rows: u64, before: &str) -> String {
    let began = Instant::now();
    loop {
        match model(etcd).await {
            Some((learnt, object)) if learnt >= rows && object != before => return object,
            found => {
                let limit = PATIENCE;
                assert!(began.elapsed() < limit, "{rows} rows, not {before:?}: {found:?}");
            }
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// An index that was made when there were few rows learns again when there are many, and when they
/// have become others.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_learns_again_when_its_table_has_outgrown_it_shared() {
    let fleet = Fleet::start(Backend::Shared).await;
    let stores = fleet.stores.as_ref().expect("shared stores");
    let config = EtcdConfig::from_url(&format!("etcd://{}", stores.etcd.address));
    let etcd = Etcd::connect(config.expect("a URL")).await.expect("etcd");
    let client = fleet.node(0).connect().await;
    let create = "CREATE TABLE items (id int8 PRIMARY KEY, v vector(4));
                  CREATE INDEX near ON items USING redkite (v vector_l2_ops)";
    client.batch_execute(create).await.expect("DDL");
    let insert = async |from: i64, to: i64, vector: &str| {
        let rows = format!(
            "INSERT INTO items SELECT n, {vector} FROM generate_series({from}, {to}) AS g(n)"
        );
        client.batch_execute(&rows).await.expect("rows");
    };
    insert(1, 2_500, VECTOR).await;
    let first = until_learnt(&etcd, 2_500, "").await;
    insert(2_501, 12_000, VECTOR).await;
    let second = until_learnt(&etcd, 12_000, &first).await;
    until_indexed(&client, "").await;
    assert!(agreement(&client).await >= 0.9);
    client.batch_execute("DELETE FROM items").await.expect("deleted");
    let elsewhere = VECTOR.replace("'['", "'[1'").replace("','", "',20'");
    insert(20_001, 30_000, &elsewhere).await;
    until_learnt(&etcd, 1, &second).await;
    until_indexed(&client, "").await;
    assert_eq!(count(&client).await, 10_000);
}

//! Merges against what users do meanwhile; `row_locks.rs` has rows that are read for update, `power.rs`
//! a node whose machine loses power, `simulation.rs` a cluster over a store that fails.

mod power;
mod row_locks;
mod simulation;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::TryStreamExt;

use crate::base::{Incarnation, Random, RowIds, SeededRandom, SegmentId};
use crate::catalog::Snapshot;
use crate::segment::Segment;
use crate::store::object::data_path;
use crate::txn::{Engine, WriteSet, tests as fixture};

use fixture::{OTHER, TABLE, World, create, delete, fresh, insert, remove, rows, rows_of};

use super::{Collector, Compactor, Policy, check_objects};

fn eager() -> Policy {
    Policy { inline_segments: 64, inline_age: Duration::ZERO, ..Policy::default() }
}

async fn thousands_of_commits(world: World, keyed: bool) {
    let engine = world.engine().await;
    create(&engine, TABLE, keyed).await;
    let policy = Policy { inline_age: Duration::from_secs(3600), ..eager() };
    let compactor = Compactor::new(Arc::clone(&engine), policy);
    let done = Arc::new(AtomicBool::new(false));
    let merges = tokio::spawn({
        let done = Arc::clone(&done);
        async move {
            let mut merges = 0;
            while !done.load(Ordering::SeqCst) {
                merges += compactor.run_once().await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            merges
        }
    });
    let mut writers = tokio::task::JoinSet::new();
    for worker in 0..10 {
        let engine = Arc::clone(&engine);
        writers.spawn(async move {
            for step in 0..300 {
                let id = worker * 300 + step;
                insert(&engine, TABLE, &[(id, 7)]).await.unwrap();
                if step % 10 == 9 {
                    assert!(delete(&engine, TABLE, id - 5).await, "{id}");
                }
            }
        });
    }
    writers.join_all().await;
    done.store(true, Ordering::SeqCst);
    assert!(merges.await.unwrap() > 10);
    let last = Compactor::new(Arc::clone(&engine), eager());
    while last.run_once().await > 0 {}
    let expected: Vec<(i64, i32)> = (0..3000).filter(|id| id % 10 != 4).map(|id| (id, 7)).collect();
    assert_eq!(rows(&engine, TABLE).await, expected);
    assert_eq!(rows(&*world.engine().await, TABLE).await, expected, "read anew");
    let version = Arc::clone(&fresh(&engine).await.unwrap().state.tables[&TABLE].version);
    assert!(version.segment_count() <= 16, "{} segments are left", version.segment_count());
    drop(version);
    Collector::new(Arc::clone(&engine)).sweep().await.unwrap();
    let (keys, objects) = (keys_of(&world, &engine).await, object_names(&world).await);
    assert!(keys.len() <= 60, "{} keys are left: {keys:#?}", keys.len());
    assert!(objects.len() <= 16, "{} objects are left", objects.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_commits_leave_few_segments() {
    thousands_of_commits(World::new(1), true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_commits_leave_few_segments_within_the_limits_of_etcd() {
    thousands_of_commits(World::remote(2), false).await;
}

/// Some of the table's segments, at random.
async fn some_segments(engine: &Engine, random: &SeededRandom) -> Vec<Segment> {
    let version = Arc::clone(&fresh(engine).await.unwrap().state.tables[&TABLE].version);
    version
        .segments()
        .filter(|_| random.u64().is_multiple_of(2))
        .map(|(_, segment)| segment.clone())
        .collect()
}

/// A transaction deletes rows of segments that are merged before it commits, and a merge that
/// has begun is published after deletes that it has not seen: both hold.
async fn races(seed: u64) {
    let random = SeededRandom::new(seed);
    let world = World::new(seed);
    let engine = world.engine().await;
    create(&engine, TABLE, random.u64().is_multiple_of(2)).await;
    let compactor = Compactor::new(Arc::clone(&engine), eager());
    let mut model = BTreeMap::new();
    let mut next = 0;
    for _ in 0..8 {
        for _ in 0..6 {
            let batch: Vec<(i64, i32)> = (next..next + 3).map(|id| (id, 1)).collect();
            insert(&engine, TABLE, &batch).await.unwrap();
            model.extend(batch);
            next += 3;
        }
        let mut writes = WriteSet::default();
        let mut gone: Vec<i64> =
            model.keys().copied().filter(|_| random.u64().is_multiple_of(4)).collect();
        let kept_for_later = gone.split_off(gone.len() / 2);
        remove(&engine, &mut writes, TABLE, &gone).await.unwrap();
        let inputs = some_segments(&engine, &random).await;
        let before = fresh(&engine).await.unwrap();
        // Deletes that the merge below hasn't seen.
        let carried = &kept_for_later[..kept_for_later.len() / 2];
        for id in carried {
            assert!(delete(&engine, TABLE, *id).await);
        }
        if !inputs.is_empty() {
            compactor.merge(&before.state.tables[&TABLE], &inputs).await.unwrap();
        }
        // Deletes of merged rows by a transaction that hasn't seen the merge.
        engine.commit(writes).await.unwrap();
        for id in gone.iter().chain(carried) {
            model.remove(id);
        }
        let expected: Vec<(i64, i32)> = model.iter().map(|(id, n)| (*id, *n)).collect();
        assert_eq!(rows(&engine, TABLE).await, expected, "seed {seed}");
        assert_eq!(rows(&*world.engine().await, TABLE).await, expected, "seed {seed}, anew");
    }
}

#[tokio::test]
async fn deletes_and_merges_never_fail_each_other() {
    for seed in 0..12 {
        races(seed).await;
    }
}

/// Waits for what happens in the background.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it never happens");
}

async fn keys_of(world: &World, engine: &Engine) -> Vec<String> {
    let (_, keys) = world.store.range(engine.keys().all(), None).await.unwrap();
    keys.iter().map(|key| String::from_utf8_lossy(&key.key).into_owned()).collect()
}

async fn object_names(world: &World) -> Vec<String> {
    let listed: Vec<_> = world.objects.list("data").try_collect().await.unwrap();
    listed.into_iter().map(|object| object.path).collect()
}

#[tokio::test]
async fn merged_objects_stay_as_long_as_a_snapshot_reads_them() {
    let world = World::new(21);
    let engine = world.engine().await;
    create(&engine, TABLE, true).await;
    let policy = Policy { fan_in: 3, ..eager() };
    let compactor = Compactor::new(Arc::clone(&engine), policy);
    let collector = Collector::new(Arc::clone(&engine));
    for id in 0..2 {
        insert(&engine, TABLE, &[(id, 1)]).await.unwrap();
        assert_eq!(compactor.run_once().await, 1);
    }
    collector.observe();
    let open = fresh(&engine).await.unwrap();
    let first = object_names(&world).await;
    assert_eq!(first.len(), 2);
    insert(&engine, TABLE, &[(2, 1)]).await.unwrap();
    // To an object, then the three of them to one.
    assert_eq!(compactor.run_once().await, 2);
    collector.observe();
    assert_eq!(collector.remove_unreachable().await.unwrap(), 0);
    assert_eq!(rows_of(&engine, &open.state.tables[&TABLE]).await, [(0, 1), (1, 1)]);
    drop(open);
    assert_eq!(collector.remove_unreachable().await.unwrap(), 2);
    let left = object_names(&world).await;
    assert!(first.iter().all(|path| !left.contains(path)), "{left:?}");
    assert_eq!(rows(&engine, TABLE).await, [(0, 1), (1, 1), (2, 1)]);
    let now = fresh(&engine).await.unwrap();
    let (right, _, damage) = check_objects(&now.state, &world.objects).await;
    assert_eq!((right, damage.len()), (1, 0));
}

#[tokio::test]
async fn a_sweep_removes_what_dead_processes_left_and_nothing_else() {
    let world = World::new(22);
    let engine = world.engine().await;
    create(&engine, TABLE, true).await;
    insert(&engine, TABLE, &[(1, 1)]).await.unwrap();
    Compactor::new(Arc::clone(&engine), eager()).run_once().await;
    let random = SeededRandom::new(23);
    let name = |writer| data_path(TABLE, writer, SegmentId(random.uuid()));
    let (own, dead) = (name(engine.incarnation()), name(Incarnation(random.uuid())));
    for path in [&own, &dead] {
        world.objects.put(path, bytes::Bytes::from_static(b"rows")).await.unwrap();
    }
    // What may still be published stays.
    let table = Arc::clone(&fresh(&engine).await.unwrap().state.tables[&TABLE]);
    let draft = engine.drafts().begin();
    let mut writer = engine.writer(&table, &draft);
    writer.write(fixture::batch(&table, &[(7, 7)])).await.unwrap();
    let ids = |count| Ok(RowIds { first: 1 << 40, count });
    let open = writer.finish(ids).await.unwrap().remove(0).data.path;
    assert_eq!(Collector::new(Arc::clone(&engine)).sweep().await.unwrap(), 2);
    let left = object_names(&world).await;
    assert_eq!(left.len(), 2);
    assert!(left.contains(&open) && !left.contains(&own) && !left.contains(&dead));
    drop(draft);
    until(async || object_names(&world).await.len() == 1).await;
    // A database with other metadata over the same objects removes nothing of them.
    let stranger = world.stranger(24).engine().await;
    assert_eq!(Collector::new(stranger).sweep().await.unwrap(), 0);
    assert_eq!(object_names(&world).await.len(), 1);
    // The next start of this database removes what this one left, and keeps the rows.
    world.objects.put(&own, bytes::Bytes::from_static(b"rows")).await.unwrap();
    let next = world.engine().await;
    assert_eq!(Collector::new(Arc::clone(&next)).sweep().await.unwrap(), 1);
    assert_eq!(rows(&next, TABLE).await, [(1, 1)]);
}

#[tokio::test]
async fn a_missing_object_is_an_error_and_found_by_the_check() {
    let world = World::new(25);
    let engine = world.engine().await;
    create(&engine, TABLE, true).await;
    insert(&engine, TABLE, &[(1, 1)]).await.unwrap();
    Compactor::new(Arc::clone(&engine), eager()).run_once().await;
    let names = object_names(&world).await;
    world.objects.delete(&names[0]).await.unwrap();
    let now = fresh(&engine).await.unwrap();
    let (right, _, damage) = check_objects(&now.state, &world.objects).await;
    assert_eq!((right, damage.len()), (0, 1));
    assert_eq!(damage[0].path, names[0]);
}

#[tokio::test]
async fn deletes_one_by_one_leave_few_keys() {
    let world = World::remote(31);
    let engine = world.engine().await;
    create(&engine, TABLE, true).await;
    let many: Vec<(i64, i32)> = (0..2000).map(|id| (id, 1)).collect();
    insert(&engine, TABLE, &many).await.unwrap();
    let compactor = Compactor::new(Arc::clone(&engine), eager());
    while compactor.run_once().await > 0 {}
    let before = fresh(&engine).await.unwrap();
    for id in 0..300 {
        assert!(delete(&engine, TABLE, id).await);
        if id % 50 == 49 {
            compactor.run_once().await;
        }
    }
    compactor.run_once().await;
    let now = fresh(&engine).await.unwrap();
    let ids = |snapshot: &Snapshot| -> Vec<SegmentId> {
        snapshot.tables[&TABLE].version.segments().map(|(_, segment)| segment.id).collect()
    };
    assert_eq!(ids(&before.state), ids(&now.state), "the segment itself was not rewritten");
    let keys = keys_of(&world, &engine).await;
    let deltas = keys.iter().filter(|key| key.contains("/deleted/")).count();
    assert!(deltas < 64, "{deltas} keys say what is deleted");
    let expected = &many[300..];
    assert_eq!(rows(&engine, TABLE).await, expected);
    assert_eq!(rows(&*world.engine().await, TABLE).await, expected, "read anew");
    assert_eq!(rows_of(&engine, &before.state.tables[&TABLE]).await, many, "an old snapshot");
}

#[tokio::test]
async fn truncated_rows_leave_no_keys() {
    let world = World::remote(32);
    let engine = world.engine().await;
    create(&engine, TABLE, true).await;
    for id in 0..150 {
        insert(&engine, TABLE, &[(id, 1)]).await.unwrap();
    }
    assert!(delete(&engine, TABLE, 3).await);
    let before = fresh(&engine).await.unwrap();
    let mut writes = WriteSet::default();
    writes.open(&before.state.tables[&TABLE]).unwrap().truncate().unwrap();
    fixture::add(&engine, &mut writes, TABLE, &[(3, 3)]).await.unwrap();
    engine.commit(writes).await.unwrap();
    insert(&engine, TABLE, &[(4, 4)]).await.unwrap();
    let collector = Collector::new(Arc::clone(&engine));
    assert_eq!(collector.tidy().await.unwrap(), 151);
    assert_eq!(collector.tidy().await.unwrap(), 0);
    let keys = keys_of(&world, &engine).await;
    assert_eq!(keys.iter().filter(|key| key.contains("/inline/")).count(), 2, "{keys:#?}");
    for engine in [&engine, &world.engine().await] {
        assert_eq!(rows(engine, TABLE).await, [(3, 3), (4, 4)]);
    }
    assert_eq!(rows_of(&engine, &before.state.tables[&TABLE]).await.len(), 149);
}

/// Many segments, and a commit that deletes a row of each and adds one: a change-set.
async fn commit_a_change_set(world: &World) -> (Arc<Engine>, Vec<(i64, i32)>) {
    let engine = world.engine().await;
    create(&engine, TABLE, true).await;
    let mut expected = vec![(-1, 0)];
    for place in 0..150 {
        let both = [(2 * place, 1), (2 * place + 1, 1)];
        insert(&engine, TABLE, &both).await.unwrap();
        expected.push(both[1]);
    }
    let gone: Vec<i64> = (0..150).map(|place| 2 * place).collect();
    let mut writes = WriteSet::default();
    remove(&engine, &mut writes, TABLE, &gone).await.unwrap();
    fixture::add(&engine, &mut writes, TABLE, &[(-1, 0)]).await.unwrap();
    engine.commit(writes).await.unwrap();
    let keys = keys_of(world, &engine).await;
    assert!(keys.iter().any(|key| key.contains("/changes/")), "no change-set: {keys:#?}");
    assert_eq!(rows(&engine, TABLE).await, expected);
    assert_eq!(rows(&*world.engine().await, TABLE).await, expected, "read anew");
    (engine, expected)
}

#[tokio::test]
async fn change_sets_go_once_nothing_of_them_is_left() {
    let world = World::remote(33);
    let (engine, expected) = commit_a_change_set(&world).await;
    let collector = Collector::new(Arc::clone(&engine));
    collector.sweep().await.unwrap();
    assert_eq!(rows(&*world.engine().await, TABLE).await, expected, "it is still needed");
    let compactor = Compactor::new(Arc::clone(&engine), eager());
    while compactor.run_once().await > 0 {}
    assert_eq!(rows(&engine, TABLE).await, expected);
    assert_eq!(rows(&*world.engine().await, TABLE).await, expected, "merged and read anew");
    collector.sweep().await.unwrap();
    let keys = keys_of(&world, &engine).await;
    assert!(!keys.iter().any(|key| key.contains("/changes/")), "{keys:#?}");
    assert!(keys.len() < 30, "{keys:#?}");
    assert_eq!(rows(&engine, TABLE).await, expected);
    assert_eq!(rows(&*world.engine().await, TABLE).await, expected, "swept and read anew");
}

/// A truncation in a commit that is a change-set: later merges compare the table's generation.
#[tokio::test]
async fn a_truncation_within_a_change_set_can_be_merged_after() {
    let world = World::remote(34);
    let engine = world.engine().await;
    for table in [TABLE, OTHER] {
        create(&engine, table, true).await;
        for id in 0..150 {
            insert(&engine, table, &[(id, 1)]).await.unwrap();
        }
    }
    let mut writes = WriteSet::default();
    let gone: Vec<i64> = (0..149).collect();
    remove(&engine, &mut writes, OTHER, &gone).await.unwrap();
    let snapshot = fresh(&engine).await.unwrap();
    writes.open(&snapshot.state.tables[&TABLE]).unwrap().truncate().unwrap();
    fixture::add(&engine, &mut writes, TABLE, &[(2, 2)]).await.unwrap();
    engine.commit(writes).await.unwrap();
    assert!(keys_of(&world, &engine).await.iter().any(|key| key.contains("/changes/")));
    let compactor = Compactor::new(Arc::clone(&engine), eager());
    let merged = async { while compactor.run_once().await > 0 {} };
    tokio::time::timeout(Duration::from_secs(60), merged).await.expect("the publisher goes on");
    for engine in [&engine, &world.engine().await] {
        assert_eq!(rows(engine, TABLE).await, [(2, 2)]);
        assert_eq!(rows(engine, OTHER).await, [(149, 1)]);
    }
}

#[tokio::test]
async fn records_of_dead_processes_go_and_those_of_the_living_stay() {
    let world = World::remote(35);
    let engine = world.engine().await;
    create(&engine, TABLE, true).await;
    for id in 0..5 {
        insert(&world.engine().await, TABLE, &[(id, 1)]).await.unwrap();
    }
    let records = async || {
        let (_, records) = world.store.range(engine.keys().commits(), None).await.unwrap();
        records
    };
    assert_eq!(records().await.len(), 6, "each process keeps its last one");
    Collector::new(Arc::clone(&engine)).sweep().await.unwrap();
    let left = records().await;
    assert_eq!(left.len(), 1);
    assert_eq!(Engine::recorded_by(&left[0].value), Some(engine.incarnation()));
}

#[tokio::test]
async fn a_failed_commit_leaves_no_objects() {
    let world = World::remote(36);
    let engine = world.engine().await;
    create(&engine, TABLE, true).await;
    let many: Vec<(i64, i32)> = (0..50_000).map(|id| (id, 1)).collect();
    let mut lost = WriteSet::default();
    fixture::add(&engine, &mut lost, TABLE, &many).await.unwrap();
    insert(&engine, TABLE, &[(5, 5)]).await.unwrap();
    engine.commit(lost).await.unwrap_err();
    until(async || object_names(&world).await.is_empty()).await;
    let mut kept = WriteSet::default();
    fixture::add(&engine, &mut kept, TABLE, &many[6..]).await.unwrap();
    engine.commit(kept).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(object_names(&world).await.len(), 1);
    assert_eq!(rows(&engine, TABLE).await.len(), many.len() - 5);
}

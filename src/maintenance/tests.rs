//! Merges against what users do meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::TryStreamExt;

use crate::base::{Incarnation, Random, SeededRandom, SegmentId};
use crate::segment::Segment;
use crate::store::object::data_path;
use crate::txn::{Engine, WriteSet, tests as fixture};

use fixture::{TABLE, World, create, delete, fresh, insert, remove, rows, rows_of};

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
    assert_eq!(Collector::new(Arc::clone(&engine)).sweep().await.unwrap(), 1);
    let left = object_names(&world).await;
    assert_eq!(left.len(), 2);
    assert!(left.contains(&own) && !left.contains(&dead));
    // A database with other metadata over the same objects removes nothing of them.
    let stranger = world.stranger(24).engine().await;
    assert_eq!(Collector::new(stranger).sweep().await.unwrap(), 0);
    assert_eq!(object_names(&world).await.len(), 2);
    // The next start of this database removes what this one left, and keeps the rows.
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

//! Rows that transactions rely on: moved by merges, changed by others, locked by others; and what becomes
//! of the marks.

use std::sync::Arc;

use crate::base::SqlState;
use crate::txn::{Engine, WriteSet, tests as fixture};

use fixture::{OTHER, TABLE, World, add, create, delete, fresh, insert, lock};

use super::super::{Collector, Compactor};
use super::{eager, until};

async fn two_tables(world: &World) -> Arc<Engine> {
    let engine = world.engine().await;
    create(&engine, TABLE, true).await;
    create(&engine, OTHER, false).await;
    for id in 0..4 {
        insert(&engine, TABLE, &[(id, 1)]).await.unwrap();
    }
    engine
}

/// A transaction that has locked a row and adds another one elsewhere.
async fn locking(engine: &Engine, id: i64) -> WriteSet {
    let mut writes = WriteSet::default();
    lock(engine, &mut writes, TABLE, &[id]).await;
    add(engine, &mut writes, OTHER, &[(id, 1)]).await.unwrap();
    writes
}

async fn merge_all(engine: &Arc<Engine>) {
    let compactor = Compactor::new(Arc::clone(engine), eager());
    assert!(compactor.run_once().await > 0, "there was nothing to merge");
    while compactor.run_once().await > 0 {}
}

#[tokio::test]
async fn a_merge_breaks_no_lock() {
    let world = World::new(91);
    let engine = two_tables(&world).await;
    let writes = locking(&engine, 1).await;
    merge_all(&engine).await;
    engine.commit(writes).await.unwrap();
}

#[tokio::test]
async fn a_row_that_is_gone_breaks_one_wherever_it_was_moved() {
    let world = World::new(92);
    let engine = two_tables(&world).await;
    let before = locking(&engine, 1).await;
    let other = locking(&engine, 2).await;
    merge_all(&engine).await;
    let after = locking(&engine, 1).await;
    assert!(delete(&engine, TABLE, 1).await);
    for lost in [before, after] {
        let error = engine.commit(lost).await.unwrap_err();
        assert_eq!(error.code(), SqlState::SERIALIZATION_FAILURE, "{error}");
    }
    engine.commit(other).await.unwrap();
}

#[tokio::test]
async fn of_two_that_lock_a_row_the_second_to_commit_loses() {
    let world = World::remote(93);
    let engine = two_tables(&world).await;
    let there = world.engine().await;
    let (first, second) = (locking(&engine, 1).await, locking(&there, 1).await);
    let beside = locking(&there, 2).await;
    engine.commit(first).await.unwrap();
    merge_all(&engine).await;
    let error = there.commit(second).await.unwrap_err();
    assert_eq!(error.code(), SqlState::SERIALIZATION_FAILURE, "{error}");
    there.commit(beside).await.unwrap();
    // Who has seen the first one's commit does not lose to it.
    there.commit(locking(&there, 1).await).await.unwrap();
}

#[tokio::test]
async fn marks_go_once_nobody_can_have_read_before_them() {
    let world = World::new(94);
    let engine = two_tables(&world).await;
    let collector = Collector::new(Arc::clone(&engine));
    let open = locking(&engine, 1).await;
    engine.commit(locking(&engine, 1).await).await.unwrap();
    collector.remove_heard().await.unwrap();
    let marked = async || fresh(&engine).await.unwrap().state.tables[&TABLE].has_row_locks();
    assert!(marked().await, "an open transaction needs it");
    let error = engine.commit(open).await.unwrap_err();
    assert_eq!(error.code(), SqlState::SERIALIZATION_FAILURE, "{error}");
    assert!(collector.remove_heard().await.unwrap() > 0);
    // Removing what nobody needs is no news that anybody waits for.
    until(async || !marked().await).await;
}

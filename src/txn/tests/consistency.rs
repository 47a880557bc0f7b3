//! How fresh a snapshot is, on a node whose mirror has stopped following.

use std::sync::Arc;
use std::time::Duration;

use super::{TABLE, World, create, insert, rows_of};
use crate::base::{Revision, SystemClock};
use crate::store::meta::{Fault, Faulty, Limits, Memory, MetaStore};
use crate::txn::{Consistency, Engine};

/// The rows that a snapshot of this consistency has; none where it waits for what doesn't come.
async fn seen(engine: &Engine, consistency: Consistency, seen: Revision) -> Option<usize> {
    let snapshot = engine.snapshot(consistency, seen);
    match tokio::time::timeout(Duration::from_millis(300), snapshot).await {
        Ok(snapshot) => {
            let snapshot = snapshot.unwrap();
            assert!(snapshot.revision >= seen || consistency != Consistency::Session);
            Some(rows_of(engine, &snapshot.state.tables[&TABLE]).await.len())
        }
        Err(_) => None,
    }
}

#[tokio::test]
async fn each_consistency_waits_for_what_it_promises() {
    let limits = Limits { operations_max: 128, bytes_max: 1_500_000 };
    let store: Arc<dyn MetaStore> = Arc::new(Memory::remote(Arc::new(SystemClock::new()), limits));
    let other = World::over(Arc::clone(&store), 41);
    let writer = other.engine().await;
    create(&writer, TABLE, false).await;
    insert(&writer, TABLE, &[(1, 1)]).await.unwrap();
    let faulty = Arc::new(Faulty::new(Arc::clone(&store), 42));
    let world = World::on(Arc::clone(&faulty) as _, Arc::clone(&other.objects), 43);
    // The mirror's first watch ends at once, and no other begins for about three seconds.
    faulty.plan_watch(Fault::CutWatch(0));
    for _ in 0..7 {
        faulty.plan_watch(Fault::Unavailable);
    }
    let engine = world.engine().await;
    let bounded = |ms| Consistency::Bounded(Duration::from_millis(ms));
    assert_eq!(seen(&engine, Consistency::Strong, Revision(0)).await, Some(1));
    let at = insert(&writer, TABLE, &[(2, 2)]).await.unwrap().unwrap();
    for (consistency, revision, rows) in [
        (Consistency::Strong, Revision(0), None),
        (Consistency::Session, Revision(0), Some(1)),
        (Consistency::Session, at, None),
        (Consistency::Eventual, at, Some(1)),
        (bounded(60_000), at, Some(1)),
        (bounded(0), Revision(0), None),
    ] {
        assert_eq!(seen(&engine, consistency, revision).await, rows, "{consistency:?}");
    }
    // Who waits has it once the mirror follows again.
    for consistency in [Consistency::Strong, Consistency::Session, bounded(0)] {
        insert(&writer, TABLE, &[(3, 3)]).await.unwrap();
        let (newest, _) = store.range(crate::store::meta::KeyRange::all(), None).await.unwrap();
        let snapshot = engine.snapshot(consistency, newest).await.unwrap();
        let expected = writer.current().state.tables[&TABLE].version.row_count();
        assert_eq!(snapshot.state.tables[&TABLE].version.row_count(), expected, "{consistency:?}");
    }
}

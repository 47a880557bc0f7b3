use std::sync::Arc;
use std::time::Duration;

use crate::base::{Incarnation, OsRandom, Random, SystemClock};
use crate::cluster::{Acquired, Board, BoardConfig, Hold, LockTag, Wanted};
use crate::store::meta::{LeaseId, Limits, Memory, MetaStore};

const LIMITS: Limits = Limits { operations_max: 128, bytes_max: 1 << 20 };

fn store() -> Arc<dyn MetaStore> {
    Arc::new(Memory::remote(Arc::new(SystemClock::new()), LIMITS))
}

async fn board(store: &Arc<dyn MetaStore>, lease: Option<LeaseId>) -> Arc<Board> {
    let incarnation = Incarnation(OsRandom.uuid());
    let config = BoardConfig { database: "db".to_owned(), incarnation, lease };
    Board::join(Arc::clone(store), config).await.unwrap()
}

fn wanted(pid: i32, key: i64, exclusive: bool, wait: bool) -> Wanted {
    let (tag, leaving) = (LockTag::of_key(key), Arc::default());
    Wanted { tag, pid, exclusive, beside: None, now_us: 0, wait, leaving }
}

async fn take(board: &Arc<Board>, pid: i32, key: i64, exclusive: bool) -> Hold {
    match board.acquire(wanted(pid, key, exclusive, true)).await.unwrap() {
        Acquired::Granted(hold) => hold,
        other => panic!("{other:?}"),
    }
}

async fn is_free(board: &Arc<Board>, pid: i32, key: i64, exclusive: bool) -> bool {
    match board.acquire(wanted(pid, key, exclusive, false)).await.unwrap() {
        Acquired::Granted(hold) => {
            board.release(vec![hold]).await;
            true
        }
        Acquired::Busy => false,
        Acquired::Deadlock(circle) => panic!("{circle:?}"),
    }
}

/// Waits until so many sessions wait.
async fn waiting(board: &Arc<Board>, count: usize) {
    while board.locks().iter().filter(|(_, granted)| !granted).count() != count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[test]
fn keys_name_locks_as_in_postgresql() {
    let parts = |tag: LockTag| (tag.class, tag.object, tag.kind);
    assert_eq!(parts(LockTag::of_key(-5)), (u32::MAX, u32::MAX - 4, 1));
    assert_eq!(parts(LockTag::of_key(1 << 32)), (1, 0, 1));
    assert_eq!(parts(LockTag::of_keys(-1, 7)), (u32::MAX, 7, 2));
    for tag in [LockTag::of_key(i64::MIN), LockTag::of_keys(3, -3)] {
        assert_eq!(LockTag::parse(&tag.to_string()).unwrap(), tag);
    }
    assert!(LockTag::parse("nonsense").is_err());
}

#[tokio::test]
async fn nodes_have_numbers_of_their_own() {
    let store = store();
    let (one, two) = (board(&store, None).await, board(&store, None).await);
    assert_ne!(one.backend(1), two.backend(1));
    assert_eq!(two.node_of(one.backend(7)), Some(one.incarnation()));
    assert_eq!(one.node_of(i32::MAX), None);
}

#[tokio::test]
async fn a_lock_is_had_in_the_order_of_asking() {
    let store = store();
    let (one, two) = (board(&store, None).await, board(&store, None).await);
    let first = take(&one, 1, 7, true).await;
    assert!(!is_free(&two, 2, 7, false).await && is_free(&two, 2, 8, true).await);
    let spawn = |board: &Arc<Board>, pid, exclusive| {
        let board = Arc::clone(board);
        tokio::spawn(async move { take(&board, pid, 7, exclusive).await })
    };
    let second = spawn(&two, 2, false);
    waiting(&one, 1).await;
    let third = spawn(&one, 3, true);
    waiting(&one, 2).await;
    let fourth = spawn(&two, 4, false);
    waiting(&one, 3).await;
    one.release(vec![first]).await;
    // The fourth could share with the second, and does not pass the third by.
    let second = second.await.unwrap();
    waiting(&one, 2).await;
    two.release(vec![second]).await;
    let third = third.await.unwrap();
    one.release(vec![third]).await;
    let fourth = fourth.await.unwrap();
    assert!(is_free(&one, 5, 7, false).await && !is_free(&one, 5, 7, true).await);
    two.release(vec![fourth]).await;
    assert!(one.locks().is_empty());
}

#[tokio::test]
async fn who_gives_up_leaves_the_queue() {
    let store = store();
    let one = board(&store, None).await;
    let first = take(&one, 1, 7, true).await;
    let waits = wanted(2, 7, true, true);
    let leaving = Arc::clone(&waits.leaving);
    let gave_up = tokio::time::timeout(Duration::from_millis(50), one.acquire(waits)).await;
    assert!(gave_up.is_err());
    let ways = std::mem::take(&mut *leaving.lock());
    for leaves in ways {
        leaves.await.unwrap();
    }
    assert_eq!(one.locks().len(), 1);
    one.release(vec![first]).await;
    assert!(is_free(&one, 3, 7, true).await);
}

/// Three sessions wait in a circle: the one that came last is told, with all of it.
#[tokio::test]
async fn the_last_of_a_circle_is_told() {
    let store = store();
    let (one, two) = (board(&store, None).await, board(&store, None).await);
    let boards = [&one, &two, &one];
    let mut holds = Vec::new();
    for (pid, board) in (1..).zip(boards) {
        holds.push(take(board, pid, pid.into(), true).await);
    }
    let mut waits = Vec::new();
    for (pid, board) in (1..3).zip(boards) {
        let board = Arc::clone(board);
        waits.push(tokio::spawn(async move { take(&board, pid, i64::from(pid) + 1, true).await }));
        waiting(&one, waits.len()).await;
    }
    let last = one.acquire(wanted(3, 1, true, true)).await.unwrap();
    let Acquired::Deadlock(circle) = last else { panic!("{last:?}") };
    let edges: Vec<(i32, i32)> = circle.iter().map(|edge| (edge.pid, edge.blocker)).collect();
    assert_eq!(edges, [(3, 1), (1, 2), (2, 3)]);
    // It gives up what it has, and the others come to their turn.
    one.release(holds.split_off(2)).await;
    let second = waits.pop().unwrap().await.unwrap();
    two.release(vec![second]).await;
    two.release(holds.split_off(1)).await;
    waits.pop().unwrap().await.unwrap();
}

#[tokio::test]
async fn a_lock_goes_with_the_lease() {
    let store = store();
    let lease = store.grant_lease(Duration::from_secs(60)).await.unwrap();
    let (one, two) = (board(&store, Some(lease)).await, board(&store, None).await);
    let _held = take(&one, 1, 7, true).await;
    assert!(!is_free(&two, 2, 7, true).await);
    let board = Arc::clone(&two);
    let waits = tokio::spawn(async move { take(&board, 2, 7, true).await });
    waiting(&two, 1).await;
    store.revoke_lease(lease).await.unwrap();
    waits.await.unwrap();
    assert!(two.others().is_empty());
}

//! Membership on a clock that only the test moves.

use std::sync::Arc;
use std::time::Duration;

use crate::base::{Clock, Incarnation, ManualClock, OsRandom, Random, Revision, SystemClock};
use crate::store::meta::{
    Compare, Error, Fault, Faulty, KeyRange, Memory, MetaStore, Operation, Outcome, Transaction,
};

use super::{LiveNode, Membership, MembershipConfig, live_nodes, nodes_range};

const TTL: Duration = Duration::from_secs(10);

struct World {
    clock: Arc<ManualClock>,
    store: Arc<Memory>,
    faulty: Arc<Faulty>,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::default());
        let store = Arc::new(Memory::new(Arc::clone(&clock) as Arc<_>));
        let faulty = Arc::new(Faulty::new(Arc::clone(&store) as Arc<_>, 1));
        Self { clock, store, faulty }
    }

    async fn join(&self, node: &str) -> Membership {
        let config = MembershipConfig {
            database: "db".to_owned(),
            cluster: "main".to_owned(),
            node: node.to_owned(),
            incarnation: Incarnation(OsRandom.uuid()),
            address: "127.0.0.1:1".to_owned(),
            lease_ttl: TTL,
            maintains: true,
        };
        let store = Arc::clone(&self.faulty) as Arc<_>;
        Membership::join(store, Arc::clone(&self.clock) as Arc<_>, config).await.unwrap()
    }

    async fn nodes(&self) -> Vec<LiveNode> {
        let (_, keys) = self.store.range(nodes_range("db"), None).await.unwrap();
        live_nodes("db", &keys).unwrap()
    }

    /// Moves the clock in small steps, and lets the tasks see each.
    async fn pass(&self, time: Duration) {
        for _ in 0..20 {
            self.clock.advance(time / 20);
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    }
}

async fn commit_fenced(store: &dyn MetaStore, member: &Membership) -> Outcome {
    let transaction = Transaction::new()
        .when(Compare::Present(member.fence_key()))
        .then(Operation::put("committed", ""));
    store.transact(transaction).await.unwrap()
}

#[tokio::test]
async fn a_member_is_listed_and_stays() {
    let world = World::new();
    let (one, two) = (world.join("one").await, world.join("two").await);
    world.pass(TTL * 3).await;
    assert!(one.is_alive() && two.is_alive());
    let nodes = world.nodes().await;
    assert_eq!(nodes, [one.node().await, two.node().await]);
    assert!(matches!(commit_fenced(world.store.as_ref(), &one).await, Outcome::Committed(_)));
    two.leave().await.unwrap();
    two.leave().await.unwrap();
    assert!(!two.is_alive());
    assert_eq!(world.nodes().await, [one.node().await]);
    assert!(matches!(commit_fenced(world.store.as_ref(), &two).await, Outcome::Refused(_)));
}

/// Cut off from the store until it can't prove its lease any more; the others don't know yet.
async fn cut_off(world: &World, member: &Membership) {
    world.faulty.set_down(true);
    for _ in 0..500 {
        if !member.is_alive() {
            break;
        }
        let (_, keys) = world.store.range(nodes_range("db"), None).await.unwrap();
        assert_eq!(keys.len(), 1, "the others took it for dead before it knew");
        world.clock.advance(Duration::from_millis(200));
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    assert!(!member.is_alive(), "it never noticed");
    assert_eq!(world.nodes().await.len(), 1);
}

#[tokio::test]
async fn a_member_that_was_cut_off_goes_on_when_its_lease_has_lasted() {
    let world = World::new();
    let member = world.join("one").await;
    cut_off(&world, &member).await;
    let unproven = member.proven(Duration::from_millis(200)).await;
    assert!(matches!(unproven, Err(Error::Unavailable(_))), "{unproven:?}");
    world.faulty.set_down(false);
    member.proven(Duration::from_secs(10)).await.unwrap();
    assert!(member.is_alive());
    world.pass(TTL * 2).await;
    assert!(member.is_alive());
    assert!(matches!(commit_fenced(world.store.as_ref(), &member).await, Outcome::Committed(_)));
}

#[tokio::test]
async fn a_member_whose_lease_has_ended_never_comes_back() {
    let world = World::new();
    let member = world.join("one").await;
    cut_off(&world, &member).await;
    world.clock.advance(TTL);
    world.faulty.set_down(false);
    let lost = member.proven(Duration::from_secs(10)).await;
    assert!(matches!(lost, Err(Error::LeaseGone)), "{lost:?}");
    tokio::time::timeout(Duration::from_secs(10), member.gone()).await.unwrap();
    world.pass(TTL).await;
    assert!(!member.is_alive());
    assert!(world.nodes().await.is_empty());
    assert!(matches!(commit_fenced(world.store.as_ref(), &member).await, Outcome::Refused(_)));
}

#[tokio::test]
async fn a_member_that_was_stopped_finds_out_by_the_clock_alone() {
    let world = World::new();
    let member = world.join("one").await;
    assert!(member.is_alive());
    // No task runs in between, as after SIGSTOP.
    world.clock.advance(TTL);
    assert!(!member.is_alive());
    assert!(matches!(commit_fenced(world.store.as_ref(), &member).await, Outcome::Refused(_)));
}

#[tokio::test]
async fn a_lease_that_was_revoked_is_noticed() {
    let world = World::new();
    let member = world.join("one").await;
    world.store.revoke_lease(member.lease()).await.unwrap();
    world.pass(TTL / 2).await;
    assert!(!member.is_alive());
    tokio::time::timeout(Duration::from_secs(10), member.gone()).await.unwrap();
    let refused = member.publish_oldest_revision(Revision(1_000)).await;
    assert!(matches!(refused, Err(Error::LeaseGone)), "{refused:?}");
}

#[tokio::test]
async fn the_oldest_revision_in_use_is_told_and_never_goes_back() {
    let world = World::new();
    for _ in 0..3 {
        let put = Transaction::new().then(Operation::put("x", ""));
        world.store.transact(put).await.unwrap();
    }
    let (before, _) = world.store.range(KeyRange::all(), None).await.unwrap();
    let member = world.join("one").await;
    assert_eq!(world.nodes().await[0].oldest_revision, before);
    let newer = Revision(before.0 + 5);
    member.publish_oldest_revision(newer).await.unwrap();
    assert_eq!(world.nodes().await[0].oldest_revision, newer);
    member.publish_oldest_revision(before).await.unwrap();
    assert_eq!(world.nodes().await[0].oldest_revision, newer);
    // A lost reply: the next one settles it.
    world.faulty.plan_write(Fault::LoseReply);
    let lost = member.publish_oldest_revision(Revision(newer.0 + 1)).await;
    assert!(matches!(lost, Err(Error::Unknown(_))), "{lost:?}");
    member.publish_oldest_revision(Revision(newer.0 + 2)).await.unwrap();
    assert_eq!(world.nodes().await[0].oldest_revision.0, newer.0 + 2);
    assert!(member.is_alive());
}

#[tokio::test]
async fn a_restart_under_the_same_name_does_not_wait_and_does_not_revive() {
    let world = World::new();
    let first = world.join("one").await;
    let second = world.join("one").await;
    assert_eq!(world.nodes().await.len(), 2);
    assert_ne!(first.fence_key(), second.fence_key());
    first.leave().await.unwrap();
    assert!(matches!(commit_fenced(world.store.as_ref(), &first).await, Outcome::Refused(_)));
    assert!(matches!(commit_fenced(world.store.as_ref(), &second).await, Outcome::Committed(_)));
}

#[tokio::test]
async fn joining_survives_a_lost_reply() {
    let world = World::new();
    world.faulty.plan_write(Fault::LoseReply);
    let member = world.join("one").await;
    assert_eq!(world.nodes().await, [member.node().await]);
}

#[tokio::test]
async fn a_node_that_cannot_be_read_is_not_overlooked() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let store = Memory::new(clock);
    let put = Operation::put("/redkite/db/clusters/main/nodes/x/y", "?");
    store.transact(Transaction::new().then(put)).await.unwrap();
    let (_, keys) = store.range(nodes_range("db"), None).await.unwrap();
    assert!(matches!(live_nodes("db", &keys), Err(Error::Corrupt(_))));
    assert!(live_nodes("other", &keys).unwrap().is_empty());
}

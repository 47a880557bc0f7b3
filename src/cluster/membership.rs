//! This process's own lease and key.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Mutex, watch};
use tokio::task::AbortHandle;

use crate::base::{Clock, Incarnation, Revision};
use crate::store::meta::{
    Compare, Error, LeaseId, MetaStore, Operation, Outcome, Result, Transaction,
};

use super::node::LiveNode;

/// How often the task looks at the clock, whatever clock that is.
const TICK: Duration = Duration::from_millis(50);
/// Of the lease's time: how long before its end the node stops reading. Covers clocks that run
/// at different speeds, and the time until everyone has noticed.
const MARGIN_PARTS: u32 = 10;
/// Of the lease's time: how often it is kept alive, and how long an answer may take.
const PING_PARTS: u32 = 6;

/// Who joins what.
#[derive(Clone, Debug)]
pub struct MembershipConfig {
    /// The database.
    pub database: String,
    /// The cluster's name.
    pub cluster: String,
    /// The node's name.
    pub node: String,
    /// This start of this process.
    pub incarnation: Incarnation,
    /// Where other nodes reach it.
    pub address: String,
    /// How long the node may be silent before others take it for dead.
    pub lease_ttl: Duration,
    /// Whether the node does background work.
    pub maintains: bool,
}

/// Membership of a cluster, kept up by a task of its own. Dropping it stops the task and
/// leaves the lease to end by itself; [`Membership::leave`] ends it at once.
#[derive(Debug)]
pub struct Membership {
    store: Arc<dyn MetaStore>,
    database: String,
    lease: LeaseId,
    key: Bytes,
    node: Mutex<LiveNode>,
    life: Arc<Life>,
    keeper: AbortHandle,
}

/// Until when the lease is proven to last, by the local monotonic clock, and whether it is gone.
///
/// A lease that has ended never comes back, so an answer of the store that it lasts proves that it
/// has lasted all the time before: nobody can have taken this process for dead. That is why a
/// node that was cut off for a while may go on, and why one whose lease is gone never may.
#[derive(Debug)]
struct Life {
    clock: Arc<dyn Clock>,
    proven_until_us: AtomicU64,
    gone: watch::Sender<bool>,
    /// Wakes those who wait for a proof, or for the end.
    news: watch::Sender<()>,
}

impl Life {
    fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            proven_until_us: AtomicU64::new(0),
            gone: watch::Sender::new(false),
            news: watch::Sender::new(()),
        }
    }

    /// The lease was alive at some moment after `asked`, for `ttl` from then on.
    fn prove(&self, asked: Duration, ttl: Duration) {
        let until = asked + ttl - ttl / MARGIN_PARTS;
        let us = u64::try_from(until.as_micros()).unwrap_or(u64::MAX);
        self.proven_until_us.fetch_max(us, Ordering::SeqCst);
        self.news.send_replace(());
    }

    fn is_gone(&self) -> bool {
        *self.gone.borrow()
    }

    fn is_alive(&self) -> bool {
        let now = u64::try_from(self.clock.monotonic().as_micros()).unwrap_or(u64::MAX);
        now < self.proven_until_us.load(Ordering::SeqCst) && !self.is_gone()
    }

    /// For good.
    fn lose(&self) {
        self.gone.send_if_modified(|gone| !std::mem::replace(gone, true));
        self.news.send_replace(());
    }
}

impl Membership {
    /// Takes a lease, registers this incarnation under it, and keeps it.
    ///
    /// The registered oldest revision is the store's own of a moment before: whatever snapshot this
    /// node takes afterwards is as new.
    pub async fn join(
        store: Arc<dyn MetaStore>,
        clock: Arc<dyn Clock>,
        config: MembershipConfig,
    ) -> Result<Self> {
        let life = Arc::new(Life::new(Arc::clone(&clock)));
        let mut node = LiveNode {
            cluster: config.cluster,
            node: config.node,
            incarnation: config.incarnation,
            address: config.address,
            started_us: clock.wall_us(),
            oldest_revision: Revision::default(),
            maintains: config.maintains,
        };
        let key = node.key(&config.database);
        let range = crate::store::meta::KeyRange::key(key.clone());
        (node.oldest_revision, _) = store.range(range, None).await?;
        let lease = store.grant_lease(config.lease_ttl).await?;
        // Asks for the lease's real time, which the store may have rounded.
        let asked = clock.monotonic();
        let ttl = store.keep_alive(lease).await?;
        life.prove(asked, ttl);
        let put = Operation::put_leased(key.clone(), node.encode()?, lease);
        let register = Transaction::new().when(Compare::Absent(key.clone())).then(put);
        match store.transact(register).await {
            Ok(Outcome::Committed(_)) => {}
            // An unknown outcome: the key is ours by its incarnation, if it is there.
            Ok(Outcome::Refused(_)) | Err(Error::Unknown(_)) => {
                confirm(store.as_ref(), &key, lease).await?;
            }
            Err(error) => return Err(error),
        }
        let keeper = tokio::spawn(keep(Arc::clone(&store), lease, ttl, Arc::clone(&life)));
        Ok(Self {
            store,
            database: config.database,
            lease,
            key,
            node: Mutex::new(node),
            life,
            keeper: keeper.abort_handle(),
        })
    }

    /// The key whose presence a commit compares: when it is gone, this process is dead to the
    /// others, whatever it believes.
    pub fn fence_key(&self) -> Bytes {
        self.key.clone()
    }

    /// The lease, for what must not outlive this process (claims of background work).
    pub fn lease(&self) -> LeaseId {
        self.lease
    }

    /// Whether the lease is proven to last, by the clock, at this moment: no other node takes this
    /// one for dead. Ends before the store could have ended the lease.
    ///
    /// A process that was stopped and goes on finds out here first, before any task has run.
    pub fn is_alive(&self) -> bool {
        self.life.is_alive()
    }

    /// Waits until the lease is proven to last at a moment after this call began, where it isn't
    /// just now.
    ///
    /// # Errors
    /// [`Error::LeaseGone`]: it has ended, and this process must not read or write any more.
    /// [`Error::Unavailable`]: the store has not said within `patience`.
    pub async fn proven(&self, patience: Duration) -> Result<()> {
        if self.life.is_alive() {
            return Ok(());
        }
        let mut news = self.life.news.subscribe();
        let told = async {
            loop {
                if self.life.is_gone() {
                    return Err(Error::LeaseGone);
                }
                if self.life.is_alive() {
                    return Ok(());
                }
                // Its sender lives as long as `self`.
                let _told = news.changed().await;
            }
        };
        let late = || Error::unavailable("this node can't prove that it has its lease");
        tokio::time::timeout(patience, told).await.unwrap_or_else(|_| Err(late()))
    }

    /// Returns once the lease is gone for good: this incarnation must end.
    pub async fn gone(&self) {
        let mut gone = self.life.gone.subscribe();
        // Its sender lives as long as `self`.
        let _gone = gone.wait_for(|gone| *gone).await;
    }

    /// This node as it is registered.
    pub async fn node(&self) -> LiveNode {
        self.node.lock().await.clone()
    }

    /// Tells the others that no snapshot of this node reads an older revision any more. Never goes
    /// back: an older revision than before is left out.
    ///
    /// [`Error::LeaseGone`] when this node is not a member any more.
    pub async fn publish_oldest_revision(&self, oldest: Revision) -> Result<()> {
        let mut node = self.node.lock().await;
        if oldest <= node.oldest_revision {
            return Ok(());
        }
        let updated = LiveNode { oldest_revision: oldest, ..node.clone() };
        debug_assert_eq!(updated.key(&self.database), self.key);
        let put = Operation::put_leased(self.key.clone(), updated.encode()?, self.lease);
        let update = Transaction::new().when(Compare::Present(self.key.clone())).then(put);
        match self.store.transact(update).await {
            Ok(Outcome::Committed(_)) => {
                *node = updated;
                Ok(())
            }
            // Nobody but us puts or deletes it while the lease lasts.
            Ok(Outcome::Refused(_)) | Err(Error::LeaseGone) => {
                self.life.lose();
                Err(Error::LeaseGone)
            }
            // Applied or not: the next, newer one replaces it.
            Err(error) => Err(error),
        }
    }

    /// Leaves: the key goes at once, and the lease is gone from now on.
    pub async fn leave(&self) -> Result<()> {
        self.keeper.abort();
        self.life.lose();
        match self.store.revoke_lease(self.lease).await {
            Err(Error::LeaseGone) => Ok(()),
            other => other,
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Whether the key is there under our lease.
async fn confirm(store: &dyn MetaStore, key: &Bytes, lease: LeaseId) -> Result<()> {
    let range = crate::store::meta::KeyRange::key(key.clone());
    let (_, keys) = store.range(range, None).await?;
    match keys.first() {
        Some(found) if found.lease == Some(lease) => Ok(()),
        Some(_) => Err(Error::configuration("another process has this incarnation")),
        None => Err(Error::unavailable("this node's registration got lost")),
    }
}

/// Keeps the lease alive, and stops when it is gone. A store that can't be reached is asked again,
/// for as long as it takes: only the store knows.
async fn keep(store: Arc<dyn MetaStore>, lease: LeaseId, ttl: Duration, life: Arc<Life>) {
    let mut next = life.clock.monotonic() + ttl / PING_PARTS;
    let mut was_alive = true;
    loop {
        while life.clock.monotonic() < next && life.is_alive() {
            tokio::time::sleep(TICK).await;
        }
        let asked = life.clock.monotonic();
        // The store tries again by itself for longer than a lease may last.
        let answer = tokio::time::timeout(ttl / PING_PARTS, store.keep_alive(lease)).await;
        match answer {
            Ok(Ok(ttl)) => {
                life.prove(asked, ttl);
                next = asked + ttl / PING_PARTS;
                if !std::mem::replace(&mut was_alive, true) {
                    tracing::warn!("this node's lease has lasted: it goes on");
                }
                continue;
            }
            Ok(Err(Error::LeaseGone)) => break,
            Ok(Err(error)) => {
                tracing::debug!(%error, "this node's lease can't be kept alive just now");
                tokio::time::sleep(TICK).await;
            }
            Err(_) => tracing::debug!("this node's lease can't be kept alive in time"),
        }
        if !life.is_alive() && std::mem::replace(&mut was_alive, false) {
            tracing::warn!("this node can't prove that it has its lease: it waits");
        }
    }
    life.lose();
}

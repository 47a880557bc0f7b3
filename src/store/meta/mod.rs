//! The metadata store: revisioned keys with etcd's semantics.
//!
//! **Promise.** Every transaction that changes something makes the next [`Revision`]; all its
//! changes have that revision, and readers and watchers see a revision whole or not at all.
//! An acknowledged transaction survives a crash, and every read that starts after the
//! acknowledgement sees it. A failed write says whether it is proven that it was not applied
//! ([`Error::Unavailable`]) or whether nobody can tell ([`Error::Unknown`]).
//!
//! One narrow trait, [`MetaStore`], three implementations that pass one conformance suite
//! (`conformance.rs`), and one decorator that makes the world worse than it is:
//!
//! * [`Memory`]: the state machine alone; for tests and simulations.
//! * [`Embedded`]: the same state machine, made durable by a log and redb; one process.
//! * [`Etcd`]: a real etcd; many processes.
//! * [`Faulty`]: any of them with lost replies, outages and delays on a plan.
//!
//! [`Mirror`] keeps a typed, immutable copy of a key range in memory and follows it by a watch;
//! that is where all of Redkite reads metadata from.
//!
//! May use `base`. Never knows what the keys mean.
//!
//! Where etcd leaves a choice, it is written at the trait's method. Where our need is
//! stricter than etcd's habit: transactions must not name a key in two operations (etcd
//! refuses that as well), a watch never starts at a compacted revision (some etcd versions lose
//! a deletion there), and revisions that a [`WatchEvent::Progress`] names are always proven.

mod embedded;
mod error;
mod etcd;
mod faulty;
mod keys;
mod memory;
mod mirror;
mod state;
mod transaction;
mod watch;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod etcd_server;

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::base::Revision;

pub use embedded::Embedded;
#[cfg(test)]
pub(crate) use embedded::journal::{
    JournalDisks, Keep as DiskKeep, Replay as DiskReplay, Step as DiskStep,
};
pub use error::{Cause, Error, Result};
pub use etcd::{Etcd, EtcdConfig, EtcdTls, EtcdUser};
pub use faulty::{Fault, FaultRates, Faulty};
pub use keys::{KeyRange, KeyValue, LeaseId};
pub use memory::Memory;
pub use mirror::{Keyspace, Mirror, MirrorConfig, Mirrored};
pub use transaction::{Compare, Limits, Operation, Outcome, Transaction};
pub use watch::{Change, WatchEvent};

/// Revisioned keys, ordered reads, compare-and-swap over several keys, watch and leases.
///
/// Every method may be dropped at any await: a dropped write may or may not be applied, like one
/// that answered [`Error::Unknown`].
#[async_trait]
pub trait MetaStore: Send + Sync + Debug {
    /// The keys of a range, ordered, all as of one revision, and that revision.
    ///
    /// Without `at` the read is linearizable, and the revision is the store's at that moment. With
    /// `at` the keys are those of that revision: [`Error::Compacted`] when its history is
    /// gone, [`Error::Future`] when the store has not reached it.
    async fn range(
        &self,
        range: KeyRange,
        at: Option<Revision>,
    ) -> Result<(Revision, Vec<KeyValue>)>;

    /// Applies the operations, all of them at one revision, if every comparison holds.
    ///
    /// The outcome's revision is the new one when something changed; otherwise the store's
    /// revision at the time (deleting what does not exist changes nothing).
    /// [`Error::Unavailable`] means that it is proven that nothing was applied;
    /// [`Error::Unknown`] that it may have been, or may yet be.
    async fn transact(&self, transaction: Transaction) -> Result<Outcome>;

    /// A linearizable read of the revision that last changed a key; zero when it is absent.
    async fn revision(&self, key: Bytes) -> Result<Revision>;

    /// Follows a range from a revision on: whole revisions, in order, none twice.
    ///
    /// The stream ends after its first error; the caller watches again from the revision after the
    /// last one it saw, or reads all again after [`Error::Compacted`]. `from` may lie in the
    /// future; zero counts as one.
    async fn watch(
        &self,
        range: KeyRange,
        from: Revision,
    ) -> Result<BoxStream<'static, Result<WatchEvent>>>;

    /// A new lease. Keys put under it go when it has not been kept alive for `ttl` (rounded up
    /// to what the store can do), and not before.
    async fn grant_lease(&self, ttl: Duration) -> Result<LeaseId>;

    /// Makes a lease last for its whole time again, from some moment after this call began;
    /// answers how long that is. [`Error::LeaseGone`] when it has expired.
    async fn keep_alive(&self, lease: LeaseId) -> Result<Duration>;

    /// Ends a lease and deletes the keys under it, at one revision. [`Error::LeaseGone`] when
    /// there is no such lease.
    async fn revoke_lease(&self, lease: LeaseId) -> Result<()>;

    /// Forgets the history before a revision: what is there at `at` and later stays readable.
    /// Doing it again, or for an earlier revision, is harmless.
    async fn compact(&self, at: Revision) -> Result<()>;

    /// How large a transaction may be.
    fn limits(&self) -> Limits;

    /// Whether the store lives in this process alone: then reads cost nothing, and no other
    /// process can write.
    fn is_local(&self) -> bool;
}

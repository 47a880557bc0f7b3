//! The state machine alone: nothing survives, nothing fails.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::base::limits::{EMBEDDED_TRANSACTION_BYTES_MAX, EMBEDDED_TRANSACTION_OPERATIONS_MAX};
use crate::base::{Clock, Revision};

use super::state::{Published, State};
use super::{
    KeyRange, KeyValue, LeaseId, Limits, MetaStore, Outcome, Result, Transaction, WatchEvent,
};

/// A metadata store in memory; clones of the `Arc` share it. Tests and simulations may use it as
/// if it were remote ([`Memory::remote`]): several nodes over one truth.
///
/// Leases end when somebody looks: every call, and every watch now and then.
#[derive(Debug)]
pub struct Memory {
    published: Arc<Published>,
    limits: Limits,
    local: bool,
}

impl Memory {
    /// An empty store, local to its process.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let limits = Limits {
            operations_max: EMBEDDED_TRANSACTION_OPERATIONS_MAX,
            bytes_max: EMBEDDED_TRANSACTION_BYTES_MAX,
        };
        Self { published: Arc::new(Published::new(State::new(), clock)), limits, local: true }
    }

    /// An empty store that pretends to be far away, with these limits: mirrors ask it for
    /// freshness as they would ask etcd.
    pub fn remote(clock: Arc<dyn Clock>, limits: Limits) -> Self {
        Self { limits, local: false, ..Self::new(clock) }
    }
}

/// Ends the leases whose time is over.
fn end_leases(published: &Published) {
    for lease in published.expired_leases() {
        // Another caller may have ended it in between.
        let _gone = published.decide(|staging| staging.end_lease(lease));
    }
}

#[async_trait]
impl MetaStore for Memory {
    async fn range(
        &self,
        range: KeyRange,
        at: Option<Revision>,
    ) -> Result<(Revision, Vec<KeyValue>)> {
        end_leases(&self.published);
        self.published.read(|state| state.range(&range, at))
    }

    async fn transact(&self, transaction: Transaction) -> Result<Outcome> {
        transaction.check(self.limits)?;
        end_leases(&self.published);
        self.published.decide(|staging| staging.transact(&transaction))
    }

    async fn revision(&self, key: Bytes) -> Result<Revision> {
        end_leases(&self.published);
        Ok(self.published.read(|state| state.get(&key).map(|kv| kv.modified)).unwrap_or_default())
    }

    async fn watch(
        &self,
        range: KeyRange,
        from: Revision,
    ) -> Result<BoxStream<'static, Result<WatchEvent>>> {
        Ok(self.published.watch(range, from, end_leases))
    }

    async fn grant_lease(&self, ttl: Duration) -> Result<LeaseId> {
        Ok(self.published.grant_lease(ttl))
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<Duration> {
        self.published.keep_alive(lease)
    }

    async fn revoke_lease(&self, lease: LeaseId) -> Result<()> {
        end_leases(&self.published);
        self.published.decide(|staging| staging.end_lease(lease))
    }

    async fn compact(&self, at: Revision) -> Result<()> {
        self.published.compact(at)
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn is_local(&self) -> bool {
        self.local
    }
}

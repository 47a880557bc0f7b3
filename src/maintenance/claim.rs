//! Claims of background work: a key under the node's lease, so that one node does it, and
//! another takes over once that node's lease is gone.

use bytes::Bytes;

use crate::base::{Oid, Result, Revision};
use crate::store::meta::{Compare, Error, KeyRange, Operation, Outcome, Transaction};
use crate::txn::Engine;

/// A task that this node does, and no other.
#[derive(Debug)]
pub(super) struct Claim {
    key: Bytes,
    /// When the claim was written; none on a node that is alone.
    at: Option<Revision>,
}

impl Claim {
    /// Claims a task on a table; none when another node has it. A node that is alone need not ask.
    ///
    /// # Errors
    /// When the metadata store is unavailable.
    pub(super) async fn take(engine: &Engine, table: Oid, task: &str) -> Result<Option<Self>> {
        let key = engine.keys().task(table, task);
        let Some(membership) = engine.membership() else {
            return Ok(Some(Self { key, at: None }));
        };
        let owner = Bytes::from(engine.incarnation().to_string());
        let put = Operation::put_leased(key.clone(), owner.clone(), membership.lease());
        let transaction = Transaction::new().when(Compare::Absent(key.clone())).then(put);
        match engine.meta().transact(transaction).await {
            Ok(Outcome::Committed(at)) => Ok(Some(Self { key, at: Some(at) })),
            // It may be ours: from a lost reply, or from a release that got lost.
            Ok(Outcome::Refused(_)) | Err(Error::Unknown(_)) => {
                let (_, found) = engine.meta().range(KeyRange::key(key.clone()), None).await?;
                let found = found.first().filter(|found| found.value == owner);
                Ok(found.map(|found| Self { key, at: Some(found.modified) }))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a claim up. One that can't be given up ends with the lease, or is found again.
    pub(super) async fn release(self, engine: &Engine) {
        let Some(at) = self.at else { return };
        let key = self.key.clone();
        // Another may have it by now, if our lease has ended meanwhile.
        let remove = Transaction::new()
            .when(Compare::Modified { key: key.clone(), at })
            .then(Operation::delete(key));
        if let Err(error) = engine.meta().transact(remove).await {
            tracing::debug!(key = ?self.key, %error, "a claim could not be given up");
        }
    }
}

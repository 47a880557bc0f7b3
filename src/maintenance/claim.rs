//! Claims of background work: a key under the node's lease, so that one node does it, and
//! another takes over once that node's lease is gone.

use bytes::Bytes;

use crate::base::{Oid, Result};
use crate::store::meta::{Compare, Error, KeyRange, Operation, Outcome, Transaction};
use crate::txn::Engine;

/// Claims a task on a table; false when another node has it. A node that is alone need not ask.
pub(super) async fn claim(engine: &Engine, table: Oid, task: &str) -> Result<bool> {
    let Some(membership) = engine.membership() else { return Ok(true) };
    let key = engine.keys().task(table, task);
    let owner = Bytes::from(engine.incarnation().to_string());
    let put = Operation::put_leased(key.clone(), owner.clone(), membership.lease());
    let transaction = Transaction::new().when(Compare::Absent(key.clone())).then(put);
    match engine.meta().transact(transaction).await {
        Ok(Outcome::Committed(_)) => Ok(true),
        // It may be ours: from a lost reply, or from a release that got lost.
        Ok(Outcome::Refused(_)) | Err(Error::Unknown(_)) => {
            let (_, found) = engine.meta().range(KeyRange::key(key), None).await?;
            Ok(found.first().is_some_and(|found| found.value == owner))
        }
        Err(error) => Err(error.into()),
    }
}

/// Gives a claim up. One that can't be given up ends with the lease, or is found again.
pub(super) async fn release(engine: &Engine, table: Oid, task: &str) {
    if engine.membership().is_none() {
        return;
    }
    let remove = Transaction::new().then(Operation::delete(engine.keys().task(table, task)));
    if let Err(error) = engine.meta().transact(remove).await {
        tracing::debug!(%table, task, %error, "a claim could not be given up");
    }
}

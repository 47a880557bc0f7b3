//! Settles a commit whose outcome nobody told us.
//!
//! Every metadata transaction puts `commits/<id>` if it is absent. Whoever must know the
//! outcome writes a tombstone there if it is absent: either the record was there, and the
//! commit happened, or it never will.

use std::time::Duration;

use bytes::Bytes;

use crate::base::{CommitId, Revision, SqlError, SqlState};
use crate::catalog::Keys;
use crate::store::meta::{Compare, Error, KeyRange, MetaStore, Operation, Outcome, Transaction};

/// The record of a commit that happened.
pub(super) const COMMITTED: &[u8] = b"committed";
/// The record that keeps a commit from ever happening.
const TOMBSTONE: &[u8] = b"tombstone";
/// Between two questions to a store that does not answer.
const PAUSE: Duration = Duration::from_millis(200);

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// It happened, at this revision.
    Committed(Revision),
    /// It didn't, and never will.
    Never,
}

/// Finds out what became of a commit, asking for up to `patience`.
///
/// # Errors
/// 08007 when the store could not be asked: the outcome stays unknown.
pub(super) async fn settle(
    meta: &dyn MetaStore,
    keys: &Keys,
    id: CommitId,
    patience: Duration,
) -> Result<Settled, SqlError> {
    let record = keys.commit(id);
    let ask = async {
        loop {
            match ask_once(meta, &record).await {
                Ok(Some(settled)) => return settled,
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(commit = %id, %error, "asking what became of a commit");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    };
    tokio::time::timeout(patience, ask).await.map_err(|_| unknown(id))
}

async fn ask_once(meta: &dyn MetaStore, record: &Bytes) -> Result<Option<Settled>, Error> {
    let (_, found) = meta.range(KeyRange::key(record.clone()), None).await?;
    if let Some(found) = found.first() {
        let committed = found.value.as_ref() == COMMITTED;
        let settled = if committed { Settled::Committed(found.modified) } else { Settled::Never };
        return Ok(Some(settled));
    }
    let tombstone = Transaction::new()
        .when(Compare::Absent(record.clone()))
        .then(Operation::put(record.clone(), TOMBSTONE));
    match meta.transact(tombstone).await? {
        Outcome::Committed(_) => Ok(Some(Settled::Never)),
        // It arrived between the two: read it.
        Outcome::Refused(_) => Ok(None),
    }
}

fn unknown(id: CommitId) -> SqlError {
    SqlError::fatal(
        SqlState::TRANSACTION_RESOLUTION_UNKNOWN,
        "the outcome of the transaction is unknown",
    )
    .with_detail(format!("The metadata store could not be asked what became of commit {id}."))
    .with_hint("Connect again and look whether the changes are there.")
}

//! Settles a commit whose outcome nobody told us.
//!
//! Every metadata transaction puts `commits/<id>` if it is absent. Whoever must know the
//! outcome writes a tombstone there if it is absent: either the record was there, and the
//! commit happened, or it never will. Records say whose they are: those of a process whose lease
//! is gone are garbage, and such a process can't settle anything any more.

use std::time::Duration;

use bytes::Bytes;

use crate::base::{CommitId, Incarnation, Revision, SqlError, SqlState};
use crate::catalog::Keys;
use crate::store::meta::{Compare, Error, KeyRange, MetaStore, Operation, Outcome, Transaction};

/// How the record of a commit that happened begins; behind it stands who committed.
const COMMITTED: &str = "committed";
/// How the record begins that keeps a commit from ever happening.
const TOMBSTONE: &str = "tombstone";
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

/// The record of a commit that happened.
pub(super) fn committed(incarnation: Incarnation) -> String {
    format!("{COMMITTED} {incarnation}")
}

/// Whose commit a record tells of: it is of use as long as that process may ask.
pub(crate) fn recorded_by(record: &[u8]) -> Option<Incarnation> {
    let (_, incarnation) = std::str::from_utf8(record).ok()?.split_once(' ')?;
    incarnation.parse().ok()
}

/// Who asks for the outcome of its own commits.
pub(super) struct Asker<'a> {
    pub(super) meta: &'a dyn MetaStore,
    pub(super) keys: &'a Keys,
    pub(super) incarnation: Incarnation,
    /// While this key is there, nobody removes the records of this incarnation.
    pub(super) fence: Option<&'a Bytes>,
}

impl Asker<'_> {
    /// Finds out what became of a commit, asking for up to `patience`.
    ///
    /// # Errors
    /// 08007 when the store could not be asked, or when this incarnation is dead to the others and
    /// there is no record (any more): the outcome stays unknown.
    pub(super) async fn settle(
        &self,
        id: CommitId,
        patience: Duration,
    ) -> Result<Settled, SqlError> {
        let record = self.keys.commit(id);
        let ask = async {
            loop {
                match self.ask_once(&record).await {
                    Ok(Some(settled)) => return Ok(settled),
                    Ok(None) if self.is_fenced().await => return Err(unknown(id)),
                    Ok(None) => {}
                    Err(error) => {
                        tracing::warn!(commit = %id, %error, "asking what became of a commit");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        };
        tokio::time::timeout(patience, ask).await.unwrap_or_else(|_| Err(unknown(id)))
    }

    async fn ask_once(&self, record: &Bytes) -> Result<Option<Settled>, Error> {
        let (_, found) = self.meta.range(KeyRange::key(record.clone()), None).await?;
        if let Some(found) = found.first() {
            let committed = found.value.starts_with(COMMITTED.as_bytes());
            let settled =
                if committed { Settled::Committed(found.modified) } else { Settled::Never };
            return Ok(Some(settled));
        }
        let value = format!("{TOMBSTONE} {}", self.incarnation);
        let mut tombstone = Transaction::new()
            .when(Compare::Absent(record.clone()))
            .then(Operation::put(record.clone(), value));
        // Without it, the record may have been there and be removed.
        tombstone.compares.extend(self.fence.cloned().map(Compare::Present));
        match self.meta.transact(tombstone).await? {
            Outcome::Committed(_) => Ok(Some(Settled::Never)),
            // It arrived between the two, or the fence is gone: look again.
            Outcome::Refused(_) => Ok(None),
        }
    }

    /// Whether there is neither a record nor the right to write one.
    async fn is_fenced(&self) -> bool {
        let Some(fence) = self.fence else { return false };
        let found = self.meta.range(KeyRange::key(fence.clone()), None).await;
        found.is_ok_and(|(_, found)| found.is_empty())
    }
}

/// The publisher went away without saying what became of a commit.
pub(super) fn lost() -> SqlError {
    SqlError::fatal(
        SqlState::TRANSACTION_RESOLUTION_UNKNOWN,
        "the outcome of the transaction is unknown",
    )
    .with_detail("The node stopped while it was committing.")
    .with_hint("Connect again and look whether the changes are there.")
}

fn unknown(id: CommitId) -> SqlError {
    SqlError::fatal(
        SqlState::TRANSACTION_RESOLUTION_UNKNOWN,
        "the outcome of the transaction is unknown",
    )
    .with_detail(format!("The metadata store could not be asked what became of commit {id}."))
    .with_hint("Connect again and look whether the changes are there.")
}

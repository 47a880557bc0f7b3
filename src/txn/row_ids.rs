//! Row ids, unique in the database: nodes take blocks of them from one counter.

use std::time::Duration;

use parking_lot::Mutex;

use bytes::Bytes;

use crate::base::limits::ROW_ID_BLOCK;
use crate::base::{Result, Revision, RowIds, SqlError};
use crate::store::meta::{self, Compare, KeyRange, MetaStore, Operation, Outcome, Transaction};

/// The part of its node's block that is not used yet.
#[derive(Debug, Default)]
pub(super) struct RowIdAllocator {
    free: Mutex<Option<RowIds>>,
}

impl RowIdAllocator {
    /// Takes ids that follow each other.
    pub(super) async fn allocate(
        &self,
        meta: &dyn MetaStore,
        counter: &Bytes,
        count: u64,
    ) -> Result<RowIds> {
        loop {
            if let Some(taken) = self.take(count) {
                return Ok(taken);
            }
            let block = take_block(meta, counter, count.max(ROW_ID_BLOCK)).await?;
            *self.free.lock() = Some(block);
        }
    }

    fn take(&self, count: u64) -> Option<RowIds> {
        let mut free = self.free.lock();
        let block = free.as_mut().filter(|block| block.count >= count)?;
        let taken = RowIds { first: block.first, count };
        block.first += count;
        block.count -= count;
        Some(taken)
    }
}

/// How long the metadata store may take to say that a block is ours.
const PATIENCE: Duration = Duration::from_secs(30);

/// Moves a counter on. What a lost reply may have taken is never used: another block is taken.
///
/// # Errors
/// 57P03 when the metadata store does not answer.
pub(super) async fn take_block(
    meta: &dyn MetaStore,
    counter: &Bytes,
    count: u64,
) -> Result<RowIds> {
    let late = || meta::Error::unavailable("no answer to a request for row ids").into();
    tokio::time::timeout(PATIENCE, try_block(meta, counter, count))
        .await
        .unwrap_or_else(|_| Err(late()))
}

async fn try_block(meta: &dyn MetaStore, counter: &Bytes, count: u64) -> Result<RowIds> {
    loop {
        let (_, found) = meta.range(KeyRange::key(counter.clone()), None).await?;
        let (first, at) = match found.first() {
            Some(found) => (parse(&found.value)?, found.modified),
            None => (0, Revision(0)),
        };
        let next = first.checked_add(count).ok_or_else(|| SqlError::internal("out of row ids"))?;
        let transaction = Transaction::new()
            .when(Compare::Modified { key: counter.clone(), at })
            .then(Operation::put(counter.clone(), next.to_string()));
        match meta.transact(transaction).await {
            Ok(Outcome::Committed(_)) => return Ok(RowIds { first, count }),
            Ok(Outcome::Refused(_)) | Err(meta::Error::Unknown(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn parse(value: &[u8]) -> Result<u64> {
    std::str::from_utf8(value)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| SqlError::internal("a counter in the metadata is not a number"))
}

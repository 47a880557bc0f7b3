//! `nextval`: takes effect at once, in blocks per node (PostgreSQL, chapter 9.17).
//!
//! A sequence's key holds the next value that no node has taken. A node takes `CACHE` values (or
//! our default) with one compare-and-swap and gives them out from memory; what it has left when
//! it ends is a gap, as in PostgreSQL.

use std::collections::HashMap;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::base::limits::SEQUENCE_CACHE_DEFAULT;
use crate::base::{Oid, Result, Revision, SqlError, SqlState};
use crate::catalog::SequenceDef;
use crate::store::meta::{self, Compare, KeyRange, Operation, Outcome, Transaction};

use super::engine::Engine;

/// A sequence's state in metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceState {
    /// The next value; none once the sequence has reached its end.
    pub next: Option<i64>,
}

/// Values that this node has taken and not given out.
#[derive(Debug, Default)]
pub(super) struct SequenceCache {
    blocks: Mutex<HashMap<Oid, Block>>,
    /// Held while a block is taken, so that those who wait find it instead of taking another.
    taking: tokio::sync::Mutex<()>,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    next: i64,
    left: i64,
    increment: i64,
}

impl Engine {
    /// The next value of a sequence.
    ///
    /// # Errors
    /// 2200H at its end.
    pub async fn nextval(&self, sequence: &SequenceDef) -> Result<i64> {
        loop {
            if let Some(value) = self.cached_value(sequence) {
                return Ok(value);
            }
            let _taking = self.sequences.taking.lock().await;
            if let Some(value) = self.cached_value(sequence) {
                return Ok(value);
            }
            let block = self.take_values(sequence).await?;
            self.sequences.blocks.lock().insert(sequence.oid, block);
        }
    }

    /// Sets the value that the next [`Engine::nextval`] of any node that has none cached gives.
    pub async fn setval(&self, sequence: &SequenceDef, value: i64, called: bool) -> Result<()> {
        if value < sequence.min || value > sequence.max {
            let (min, max) = (sequence.min, sequence.max);
            return Err(SqlError::new(
                SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                format!(
                    "setval: value {value} is out of bounds for sequence \"{}\" ({min}..{max})",
                    sequence.name
                ),
            ));
        }
        let next = if called { step(sequence, value, 1) } else { Some(value) };
        self.forget_sequence(sequence.oid);
        let key = self.keys().sequence_value(sequence.oid);
        let state = encode(SequenceState { next })?;
        self.meta().transact(Transaction::new().then(Operation::put(key, state))).await?;
        Ok(())
    }

    /// The next value that nobody has been given; none past the end. Of the values that other nodes have
    /// taken and not given out those count as given that come before this node's.
    ///
    /// # Errors
    /// When the metadata store is unavailable.
    pub async fn untaken_value(&self, sequence: &SequenceDef) -> Result<Option<i64>> {
        let next = self.sequence_state(sequence).await?.0.next;
        // Whoever has taken the last block has the highest values.
        let block = self.sequences.blocks.lock().get(&sequence.oid).copied();
        let last = block.filter(|block| {
            block.left > 0
                && block.increment == sequence.increment
                && step(sequence, block.next, block.left) == next
        });
        Ok(last.map_or(next, |block| Some(block.next)))
    }

    /// Drops the values that this node has cached.
    pub fn forget_sequence(&self, oid: Oid) {
        self.sequences.blocks.lock().remove(&oid);
    }

    fn cached_value(&self, sequence: &SequenceDef) -> Option<i64> {
        let mut blocks = self.sequences.blocks.lock();
        let block = blocks.get_mut(&sequence.oid)?;
        if block.left == 0 || block.increment != sequence.increment {
            return None;
        }
        let value = block.next;
        block.left -= 1;
        block.next = value.wrapping_add(block.increment);
        Some(value)
    }

    /// A sequence's state, and when it was last changed.
    async fn sequence_state(&self, sequence: &SequenceDef) -> Result<(SequenceState, Revision)> {
        let key = self.keys().sequence_value(sequence.oid);
        let (_, found) = self.meta().range(KeyRange::key(key), None).await?;
        match found.first() {
            Some(found) => Ok((decode(&found.value)?, found.modified)),
            None => Ok((SequenceState { next: Some(sequence.start) }, Revision(0))),
        }
    }

    async fn take_values(&self, sequence: &SequenceDef) -> Result<Block> {
        let key = self.keys().sequence_value(sequence.oid);
        loop {
            let (state, at) = self.sequence_state(sequence).await?;
            let first = match state.next {
                Some(next) => next,
                None if sequence.cycle && sequence.increment > 0 => sequence.min,
                None if sequence.cycle => sequence.max,
                None => return Err(exhausted(sequence)),
            };
            let wanted = sequence.cache.unwrap_or(SEQUENCE_CACHE_DEFAULT).max(1);
            let count = wanted.min(values_left(sequence, first)).max(1);
            let next = step(sequence, first, count);
            let transaction = Transaction::new()
                .when(Compare::Modified { key: key.clone(), at })
                .then(Operation::put(key.clone(), encode(SequenceState { next })?));
            match self.meta().transact(transaction).await {
                Ok(Outcome::Committed(_)) => {
                    return Ok(Block { next: first, left: count, increment: sequence.increment });
                }
                // What a lost reply may have taken is never used.
                Ok(Outcome::Refused(_)) | Err(meta::Error::Unknown(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The value `count` steps after `from`; none past the end.
fn step(sequence: &SequenceDef, from: i64, count: i64) -> Option<i64> {
    let value = sequence.increment.checked_mul(count).and_then(|by| from.checked_add(by))?;
    (sequence.min..=sequence.max).contains(&value).then_some(value)
}

/// How many values there are from `first` on.
fn values_left(sequence: &SequenceDef, first: i64) -> i64 {
    let end = if sequence.increment > 0 { sequence.max } else { sequence.min };
    let distance = (i128::from(end) - i128::from(first)).abs();
    let steps = distance / i128::from(sequence.increment).abs().max(1);
    i64::try_from(steps + 1).unwrap_or(i64::MAX)
}

fn encode(state: SequenceState) -> Result<Vec<u8>> {
    serde_json::to_vec(&state).map_err(|error| SqlError::internal(error.to_string()))
}

fn decode(value: &[u8]) -> Result<SequenceState> {
    serde_json::from_slice(value)
        .map_err(|error| SqlError::new(SqlState::DATA_CORRUPTED, format!("sequence: {error}")))
}

fn exhausted(sequence: &SequenceDef) -> SqlError {
    let (which, value) =
        if sequence.increment > 0 { ("maximum", sequence.max) } else { ("minimum", sequence.min) };
    let message =
        format!("nextval: reached {which} value of sequence \"{}\" ({value})", sequence.name);
    SqlError::new(SqlState::SEQUENCE_GENERATOR_LIMIT_EXCEEDED, message)
}

//! `nextval`: takes effect at once, in blocks per node (PostgreSQL, chapter 9.17).
//!
//! A sequence's key holds the last value that a node has taken. A node takes `CACHE` values (or
//! our default) with one compare-and-swap and gives them out from memory; what it has left when
//! it ends is a gap, as in PostgreSQL. It gives none of them once it knows that the sequence was
//! altered; the node that alters it puts back what it has left.

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
    /// The last value, which the next one follows by the sequence's present options; none: it has
    /// not begun.
    #[serde(default)]
    pub last: Option<i64>,
}

impl SequenceState {
    fn begins_with(value: i64) -> Self {
        Self { next: Some(value), last: None }
    }

    fn after(sequence: &SequenceDef, last: i64) -> Self {
        Self { next: step(sequence, last, 1), last: Some(last) }
    }

    /// The next value; none at the sequence's end.
    fn next_of(&self, sequence: &SequenceDef) -> Option<i64> {
        match self.last {
            Some(last) => step(sequence, last, 1),
            None => self.next.filter(|next| (sequence.min..=sequence.max).contains(next)),
        }
    }
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
    /// The last value that was given; none: the sequence has not begun.
    last: Option<i64>,
    /// The sequence's `changes` when it was taken.
    changes: u64,
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
        let state = match called {
            true => SequenceState::after(sequence, value),
            false => SequenceState::begins_with(value),
        };
        self.forget_sequence(sequence.oid);
        let key = self.keys().sequence_value(sequence.oid);
        let state = encode(state)?;
        self.meta().transact(Transaction::new().then(Operation::put(key, state))).await?;
        Ok(())
    }

    /// The next value that nobody has been given; none past the end. Of the values that other nodes have
    /// taken and not given out those count as given that come before this node's.
    ///
    /// # Errors
    /// When the metadata store is unavailable.
    pub async fn untaken_value(&self, sequence: &SequenceDef) -> Result<Option<i64>> {
        let next = self.sequence_state(sequence).await?.0.next_of(sequence);
        // Whoever has taken the last block has the highest values.
        let block = self.sequences.blocks.lock().get(&sequence.oid).copied();
        let last = block.filter(|block| {
            block.left > 0
                && block.changes == sequence.changes
                && step(sequence, block.next, block.left) == next
        });
        Ok(last.map_or(next, |block| Some(block.next)))
    }

    /// Puts back the values that this node has taken and not given, where nobody has taken others
    /// since: the sequence, here as it was when they were taken, goes on after the last one given.
    ///
    /// # Errors
    /// When the metadata store is unavailable.
    pub async fn give_back(&self, sequence: &SequenceDef) -> Result<()> {
        let _taking = self.sequences.taking.lock().await;
        let Some(block) = self.sequences.blocks.lock().remove(&sequence.oid) else { return Ok(()) };
        let (state, at) = self.sequence_state(sequence).await?;
        let end = block.next.wrapping_add(block.increment.wrapping_mul(block.left - 1));
        if block.left == 0 || block.changes != sequence.changes || state.last != Some(end) {
            return Ok(());
        }
        let state = SequenceState { next: Some(block.next), last: block.last };
        let key = self.keys().sequence_value(sequence.oid);
        let transaction = Transaction::new()
            .when(Compare::Modified { key: key.clone(), at })
            .then(Operation::put(key, encode(state)?));
        match self.meta().transact(transaction).await {
            // Otherwise what was left is a gap.
            Ok(_) | Err(meta::Error::Unknown(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Drops the values that this node has cached.
    pub fn forget_sequence(&self, oid: Oid) {
        self.sequences.blocks.lock().remove(&oid);
    }

    fn cached_value(&self, sequence: &SequenceDef) -> Option<i64> {
        let mut blocks = self.sequences.blocks.lock();
        let block = blocks.get_mut(&sequence.oid)?;
        if block.left == 0 || block.changes != sequence.changes {
            return None;
        }
        let value = block.next;
        block.left -= 1;
        block.last = Some(value);
        block.next = value.wrapping_add(block.increment);
        Some(value)
    }

    /// A sequence's state, and when it was last changed.
    async fn sequence_state(&self, sequence: &SequenceDef) -> Result<(SequenceState, Revision)> {
        let key = self.keys().sequence_value(sequence.oid);
        let (_, found) = self.meta().range(KeyRange::key(key), None).await?;
        match found.first() {
            Some(found) => Ok((decode(&found.value)?, found.modified)),
            None => Ok((SequenceState::begins_with(sequence.start), Revision(0))),
        }
    }

    async fn take_values(&self, sequence: &SequenceDef) -> Result<Block> {
        let key = self.keys().sequence_value(sequence.oid);
        loop {
            let (state, at) = self.sequence_state(sequence).await?;
            let first = match state.next_of(sequence) {
                Some(next) => next,
                None if sequence.cycle && sequence.increment > 0 => sequence.min,
                None if sequence.cycle => sequence.max,
                None => return Err(exhausted(sequence)),
            };
            let wanted = sequence.cache.unwrap_or(SEQUENCE_CACHE_DEFAULT).max(1);
            let count = wanted.min(values_left(sequence, first)).max(1);
            let end = first + sequence.increment * (count - 1);
            let taken = SequenceState::after(sequence, end);
            let transaction = Transaction::new()
                .when(Compare::Modified { key: key.clone(), at })
                .then(Operation::put(key.clone(), encode(taken)?));
            match self.meta().transact(transaction).await {
                Ok(Outcome::Committed(_)) => {
                    return Ok(Block {
                        next: first,
                        left: count,
                        increment: sequence.increment,
                        last: state.last,
                        changes: sequence.changes,
                    });
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

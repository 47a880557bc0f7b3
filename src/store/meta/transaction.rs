//! A compare-and-swap over several keys.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::base::Revision;

use super::{Error, KeyRange, LeaseId, Result};

/// What must hold for a transaction to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compare {
    /// There is no such key.
    Absent(Bytes),
    /// There is such a key.
    Present(Bytes),
    /// The key was last put at this revision; zero: there is no such key.
    Modified {
        /// The key.
        key: Bytes,
        /// The revision of its last put.
        at: Revision,
    },
}

impl Compare {
    /// The key that is looked at.
    pub fn key(&self) -> &Bytes {
        match self {
            Self::Absent(key) | Self::Present(key) | Self::Modified { key, .. } => key,
        }
    }

    /// Whether it holds for a key that was last put at this revision (`None`: is absent).
    pub(super) fn holds(&self, modified: Option<Revision>) -> bool {
        match self {
            Self::Absent(_) => modified.is_none(),
            Self::Present(_) => modified.is_some(),
            Self::Modified { at, .. } => modified.unwrap_or_default() == *at,
        }
    }
}

/// What a transaction does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Stores a value under a key.
    Put {
        /// The key.
        key: Bytes,
        /// The value.
        value: Bytes,
        /// The lease with which the key goes; without one it stays. A put replaces the lease.
        lease: Option<LeaseId>,
    },
    /// Deletes the keys of a range.
    Delete(KeyRange),
}

impl Operation {
    /// A put without a lease.
    pub fn put(key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Self::Put { key: key.into(), value: value.into(), lease: None }
    }

    /// A put under a lease.
    pub fn put_leased(key: impl Into<Bytes>, value: impl Into<Bytes>, lease: LeaseId) -> Self {
        Self::Put { key: key.into(), value: value.into(), lease: Some(lease) }
    }

    /// Deletes one key.
    pub fn delete(key: impl Into<Bytes>) -> Self {
        Self::Delete(KeyRange::key(key))
    }

    /// Bytes that a request takes for it, framing included, generously.
    pub fn bytes(&self) -> usize {
        FRAMING_BYTES
            + match self {
                Self::Put { key, value, .. } => key.len() + value.len(),
                Self::Delete(range) => range.start().len() + range.end().map_or(1, Bytes::len),
            }
    }
}

/// Operations that are applied all at once, if all comparisons hold, or not at all.
///
/// Operations must not overlap: no key is put twice, none is put and deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// What must hold.
    pub compares: Vec<Compare>,
    /// What is done then.
    pub operations: Vec<Operation>,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All was applied, at this revision.
    Committed(Revision),
    /// A comparison did not hold, as of this revision; nothing was applied. A mirror that has
    /// reached the revision shows why.
    Refused(Revision),
}

/// How large a transaction may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Comparisons and operations, each.
    pub operations_max: usize,
    /// Bytes of the request, framing included.
    pub bytes_max: usize,
}

/// What the encoding of one comparison or operation adds to its key and value, at most.
const FRAMING_BYTES: usize = 48;

impl Transaction {
    /// Nothing, under no condition; fill it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more condition.
    #[must_use]
    pub fn when(mut self, compare: Compare) -> Self {
        self.compares.push(compare);
        self
    }

    /// The same with one more operation.
    #[must_use]
    pub fn then(mut self, operation: Operation) -> Self {
        self.operations.push(operation);
        self
    }

    /// Bytes that the request takes, framing included, generously.
    pub fn bytes(&self) -> usize {
        let compares = self.compares.iter().map(|compare| compare.key().len() + FRAMING_BYTES);
        compares.chain(self.operations.iter().map(Operation::bytes)).sum()
    }

    /// Refuses what no store could apply, before anything is sent.
    pub(super) fn check(&self, limits: Limits) -> Result<()> {
        let operations = self.compares.len().max(self.operations.len());
        let bytes = self.bytes();
        if operations > limits.operations_max || bytes > limits.bytes_max {
            return Err(Error::TooLarge { operations, bytes, limits });
        }
        self.check_overlaps()
    }

    fn check_overlaps(&self) -> Result<()> {
        let mut puts = BTreeSet::new();
        for operation in &self.operations {
            if let Operation::Put { key, .. } = operation
                && !puts.insert(key.as_ref())
            {
                return Err(Error::Overlap(KeyRange::key(key.clone())));
            }
        }
        for operation in &self.operations {
            if let Operation::Delete(range) = operation
                && !range.is_empty()
                && puts.range::<[u8], _>(range).next().is_some()
            {
                return Err(Error::Overlap(range.clone()));
            }
        }
        Ok(())
    }
}

//! Keys, ranges of keys, and what is stored under one.

use std::fmt;
use std::ops::{Bound, RangeBounds};

use bytes::Bytes;

use crate::base::Revision;

/// Names a lease; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(pub i64);

/// A key with its value, as of some revision.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key: Bytes,
    /// What was put last.
    pub value: Bytes,
    /// The revision that made the key come into being (after its last deletion).
    pub created: Revision,
    /// The revision of the last put.
    pub modified: Revision,
    /// The lease that the last put named: the key goes with it.
    pub lease: Option<LeaseId>,
}

impl fmt::Debug for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}@{} ({} bytes, created {}",
            self.key.escape_ascii(),
            self.modified,
            self.value.len(),
            self.created
        )?;
        match self.lease {
            Some(LeaseId(lease)) => write!(f, ", lease {lease:x})"),
            None => f.write_str(")"),
        }
    }
}

/// Keys from a first one to an end, which is not part of it, in the order of their bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyRange {
    start: Bytes,
    end: Option<Bytes>,
}

impl KeyRange {
    /// Every key.
    pub fn all() -> Self {
        Self { start: Bytes::new(), end: None }
    }

    /// One key.
    pub fn key(key: impl Into<Bytes>) -> Self {
        let start = key.into();
        let mut end = Vec::with_capacity(start.len() + 1);
        end.extend_from_slice(&start);
        end.push(0);
        Self { start, end: Some(end.into()) }
    }

    /// The keys that begin so.
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        let start = prefix.into();
        let end = start.iter().rposition(|byte| *byte != u8::MAX).map(|last| {
            let mut end = start[..=last].to_vec();
            end[last] += 1;
            Bytes::from(end)
        });
        Self { start, end }
    }

    /// The keys from `start` up to, and without, `end`.
    pub fn new(start: impl Into<Bytes>, end: impl Into<Bytes>) -> Self {
        Self { start: start.into(), end: Some(end.into()) }
    }

    /// The first key.
    pub fn start(&self) -> &Bytes {
        &self.start
    }

    /// The first key that is not part of it any more; `None`: it goes to the last key.
    pub fn end(&self) -> Option<&Bytes> {
        self.end.as_ref()
    }

    /// Whether a key is part of it.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.start.as_ref() <= key && self.end.as_ref().is_none_or(|end| key < end.as_ref())
    }

    /// Whether no key can be part of it.
    pub fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }

    /// Whether it holds exactly this one key.
    pub fn is_key(&self, key: &[u8]) -> bool {
        self.start == key
            && self.end.as_ref().is_some_and(|end| {
                end.len() == key.len() + 1 && end.starts_with(key) && end.last() == Some(&0)
            })
    }

    /// The same range from after this key on.
    pub(super) fn after(&self, key: &[u8]) -> Self {
        Self {
            start: Self::key(Bytes::copy_from_slice(key)).end.unwrap_or_default(),
            ..self.clone()
        }
    }
}

impl fmt::Display for KeyRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_key(&self.start) {
            return write!(f, "{}", self.start.escape_ascii());
        }
        write!(f, "{}..", self.start.escape_ascii())?;
        self.end.iter().try_for_each(|end| write!(f, "{}", end.escape_ascii()))
    }
}

/// Only for maps of keys; the range must not be empty ([`KeyRange::is_empty`]), or they panic.
impl RangeBounds<[u8]> for &KeyRange {
    fn start_bound(&self) -> Bound<&[u8]> {
        Bound::Included(&self.start)
    }

    fn end_bound(&self) -> Bound<&[u8]> {
        self.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded)
    }
}

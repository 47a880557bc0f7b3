//! Where in a batch a key's rows are: hashes, sorted. Made when first asked for, for rows that
//! are not sorted by the key: those in memory, and unique keys other than the primary one.

use std::sync::Arc;

use arrow::array::ArrayRef;
use parking_lot::Mutex;

use super::key_hash::KeyHashes;
use crate::base::ColumnId;

/// The rows of a batch by the hash of a key.
#[derive(Debug)]
pub(super) struct KeyIndex {
    entries: Vec<(u64, u32)>,
}

impl KeyIndex {
    /// The index of a key's columns; `None` for a type that has no hash.
    pub(super) fn of(columns: &[ArrayRef]) -> Option<Self> {
        let keys = KeyHashes::of(columns)?;
        let mut entries = Vec::with_capacity(keys.hashes.len());
        for (row, hash) in (0_u32..).zip(&keys.hashes) {
            if !keys.is_null(row as usize) {
                entries.push((*hash, row));
            }
        }
        entries.sort_unstable();
        Some(Self { entries })
    }

    /// The rows whose key has this hash: candidates, to be compared.
    pub(super) fn rows(&self, hash: u64) -> impl Iterator<Item = u32> {
        let from = self.entries.partition_point(|entry| entry.0 < hash);
        self.entries[from..].iter().take_while(move |entry| entry.0 == hash).map(|entry| entry.1)
    }

    /// The memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.entries.len() * size_of::<(u64, u32)>()
    }
}

/// The indexes that a batch in memory has so far. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyIndexes {
    #[expect(clippy::type_complexity, reason = "a list of a handful of pairs")]
    known: Arc<Mutex<Vec<(Box<[ColumnId]>, Option<Arc<KeyIndex>>)>>>,
}

impl KeyIndexes {
    /// The index of this key, made if it isn't there; `None` when the key can't have one.
    pub(super) fn of(
        &self,
        key: &[ColumnId],
        columns: impl FnOnce() -> Option<Vec<ArrayRef>>,
    ) -> Option<Arc<KeyIndex>> {
        let mut known = self.known.lock();
        if let Some((_, index)) = known.iter().find(|(columns, _)| **columns == *key) {
            return index.clone();
        }
        let index = columns().and_then(|columns| KeyIndex::of(&columns)).map(Arc::new);
        known.push((key.into(), index.clone()));
        index
    }
}

//! What the reader keeps in memory, within a budget: decoded columns, footers, filters.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef};
use moka::sync::Cache;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::footer::RowGroups;
use super::pages::VectorPages;
use super::remote::RemotePart;
use super::vectors::Vectors;
use crate::base::{ColumnId, SegmentId};
use crate::index;
use crate::segment::key_filter::KeyFilter;
use crate::segment::key_index::KeyIndex;

/// A column of a row group.
pub(super) type ChunkKey = (SegmentId, u32, ColumnId);

/// A key's index over a row group.
pub(super) type IndexKey = (SegmentId, u32, Arc<[ColumnId]>);

/// How long an index that can't be opened is done without: trying costs reading it.
const DAMAGED_PAUSE: Duration = Duration::from_secs(60);

/// The budget's shares, in percent.
const FILTERS_SHARE: u64 = 25;
const FOOTERS_SHARE: u64 = 10;
const INDEXES_SHARE: u64 = 10;
const REMOTE_SHARE: u64 = 10;

#[derive(Debug)]
pub(super) struct Cached {
    pub(super) chunks: Cache<ChunkKey, ArrayRef>,
    pub(super) footers: Cache<SegmentId, Arc<RowGroups>>,
    pub(super) filters: Cache<(SegmentId, usize), Arc<KeyFilter>>,
    pub(super) indexes: Cache<IndexKey, Arc<KeyIndex>>,
    /// Mapped memory, so it is counted by the cache on disk.
    pub(super) vectors: Cache<(SegmentId, ColumnId), Arc<Vectors>>,
    pub(super) making: InFlight<(SegmentId, ColumnId)>,
    /// By their objects' names: mapped memory as well.
    pub(super) index_parts: Cache<String, Arc<index::Part>>,
    pub(super) index_models: Cache<String, Arc<index::Model>>,
    /// Those that can't be opened: each is tried again after a while.
    pub(super) damaged_indexes: Cache<String, ()>,
    pub(super) opening: InFlight<String>,
    /// Where the pages of vectors are that are far away.
    pub(super) pages: Cache<(SegmentId, ColumnId), Arc<VectorPages>>,
    /// What is known of the lists of indexes that are searched where they lie.
    pub(super) remote_parts: Cache<String, Arc<RemotePart>>,
    /// Held by who brings one of these here.
    pub(super) bringing: Semaphore,
}

impl Cached {
    pub(super) fn within(memory_bytes: u64) -> Self {
        let share = |percent: u64| memory_bytes / 100 * percent;
        let filters = share(FILTERS_SHARE);
        let footers = share(FOOTERS_SHARE);
        let indexes = share(INDEXES_SHARE);
        let remote = share(REMOTE_SHARE);
        let chunks = memory_bytes - filters - footers - indexes - remote;
        Self {
            chunks: weighed(chunks, |array: &ArrayRef| array_bytes(array.as_ref())),
            footers: weighed(footers, |footer: &Arc<RowGroups>| footer.bytes()),
            filters: weighed(filters, |filter: &Arc<KeyFilter>| filter.bytes()),
            indexes: weighed(indexes, |index: &Arc<KeyIndex>| index.bytes()),
            vectors: Cache::new(4096),
            making: InFlight::default(),
            index_parts: Cache::new(4096),
            index_models: Cache::new(256),
            damaged_indexes: Cache::builder()
                .max_capacity(4096)
                .time_to_live(DAMAGED_PAUSE)
                .build(),
            opening: InFlight::default(),
            pages: weighed(remote / 2, |pages: &Arc<VectorPages>| pages.bytes()),
            remote_parts: weighed(remote / 2, |part: &Arc<RemotePart>| part.lists.bytes()),
            bringing: Semaphore::new(1),
        }
    }

    pub(super) fn forget(&self, segment: SegmentId, columns: &[ColumnId]) {
        self.footers.invalidate(&segment);
        for &column in columns {
            self.vectors.invalidate(&(segment, column));
            self.pages.invalidate(&(segment, column));
        }
        // Chunks, filters and indexes are never asked for again and fall out by themselves.
    }
}

fn weighed<K, V>(bytes: u64, weight: impl Fn(&V) -> usize + Send + Sync + 'static) -> Cache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    const ENTRY_BYTES: usize = 128;
    Cache::builder()
        .max_capacity(bytes)
        .weigher(move |_, value: &V| u32::try_from(weight(value) + ENTRY_BYTES).unwrap_or(u32::MAX))
        .build()
}

fn array_bytes(array: &dyn Array) -> usize {
    array.get_buffer_memory_size()
}

/// Who is making what, so that many who need the same thing make it once.
#[derive(Debug)]
pub(super) struct InFlight<K> {
    locks: Mutex<std::collections::HashMap<K, Arc<tokio::sync::Mutex<()>>>>,
}

impl<K> Default for InFlight<K> {
    fn default() -> Self {
        Self { locks: Mutex::default() }
    }
}

impl<K: Hash + Eq + Clone> InFlight<K> {
    /// Runs the work while nobody else does for this key. It should look first whether
    /// somebody has just done it.
    pub(super) async fn alone<T>(&self, key: K, work: impl Future<Output = T>) -> T {
        let lock = Arc::clone(self.locks.lock().entry(key.clone()).or_default());
        let guard = lock.lock().await;
        let outcome = work.await;
        drop(guard);
        let mut locks = self.locks.lock();
        // The map's and ours: nobody waits.
        if Arc::strong_count(&lock) <= 2 {
            locks.remove(&key);
        }
        outcome
    }
}

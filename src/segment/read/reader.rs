//! The reader: shared by a whole node.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};

use super::cached::Cached;
use crate::base::{Result, SegmentId};
use crate::store::object::{Cache, ObjectRef, Objects};

/// Row groups that one operation reads at once: what is far away is asked for together. Each holds a
/// column or a few of [`ROW_GROUP_ROWS`](crate::base::limits::ROW_GROUP_ROWS) rows.
pub(super) const READS_AT_ONCE: usize = 16;

/// What several reads give, in their order; some of them run at once.
pub(super) async fn all<T: Send>(reads: Vec<BoxFuture<'_, Result<T>>>) -> Result<Vec<T>> {
    stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await
}

/// How much a [`Reader`] may keep.
#[derive(Debug, Clone, Copy)]
pub struct ReaderOptions {
    /// Memory for decoded columns, footers, filters and key indexes.
    pub memory_bytes: u64,
    /// An index far away that has so many bytes with its vectors is searched where it lies until it
    /// is here; a smaller one is brought at once, which takes no longer.
    pub remote_bytes_min: u64,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self { memory_bytes: 512 << 20, remote_bytes_min: 32 << 20 }
    }
}

/// Reads segments. One a node, shared by all connections.
#[derive(Debug)]
pub struct Reader {
    pub(super) objects: Arc<Objects>,
    /// The same store, for what no statement waits for.
    background: Arc<Objects>,
    pub(super) cache: Arc<Cache>,
    pub(super) cached: Arc<Cached>,
    pub(super) remote_bytes_min: u64,
}

impl Reader {
    /// A reader of these objects with this cache on disk.
    pub fn new(objects: Arc<Objects>, cache: Arc<Cache>, options: ReaderOptions) -> Self {
        let cached = Arc::new(Cached::within(options.memory_bytes));
        let background = Arc::clone(&objects);
        let remote_bytes_min = options.remote_bytes_min;
        Self { objects, background, cache, cached, remote_bytes_min }
    }

    /// The same reader, with the same caches; what it asks of the object store is counted by
    /// itself too.
    #[must_use]
    pub fn counted(&self) -> Self {
        self.over(Arc::new(self.objects.counted()))
    }

    /// The same reader for work that no statement waits for, nor counts as its own.
    pub(super) fn in_background(&self) -> Self {
        self.over(Arc::clone(&self.background))
    }

    fn over(&self, objects: Arc<Objects>) -> Self {
        Self {
            objects,
            background: Arc::clone(&self.background),
            cache: Arc::clone(&self.cache),
            cached: Arc::clone(&self.cached),
            remote_bytes_min: self.remote_bytes_min,
        }
    }

    /// The object store below.
    pub fn objects(&self) -> &Arc<Objects> {
        &self.objects
    }

    /// The cache on disk.
    pub fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    /// Forgets a segment that no version has any more, on disk too.
    pub fn forget(&self, meta: &crate::segment::SegmentMeta) {
        self.cached.forget(meta.id, &meta.columns);
        self.cache.remove_prefix(&cache_prefix(meta.id));
    }
}

/// The name of a file in the cache for an object of an index.
pub(super) fn index_name(object: &ObjectRef) -> &str {
    object.path.rsplit('/').next().unwrap_or(&object.path)
}

/// What the names of a segment's cache files begin with.
pub(crate) fn cache_prefix(segment: SegmentId) -> String {
    format!("{segment}.")
}

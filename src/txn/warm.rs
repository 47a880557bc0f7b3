//! Flat vectors for the first search: a bulk load does not wait for them, and neither does who
//! searches what it loaded.
//!
//! A segment's vectors are in its object; exact search wants them as one mapped array in the
//! cache, which is a second copy of all that was loaded. It is made here, by one task a node, once
//! the commit has returned. A search that comes earlier makes what it needs itself.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::segment::{Reader, SegmentMeta, TableSchema};

/// Segments that wait. What comes on top is left to the first search.
const QUEUE_MAX: usize = 1024;
/// Smaller segments are merged soon, and a search makes theirs in no time.
const WARMED_BYTES_MIN: u64 = 4 << 20;

/// Segments whose vectors are to be brought into the cache.
#[derive(Debug)]
pub(super) struct Warmer {
    queue: mpsc::Sender<(Arc<SegmentMeta>, Arc<TableSchema>)>,
}

impl Warmer {
    /// Starts the task; it ends when this is dropped.
    pub(super) fn start(reader: Arc<Reader>) -> Self {
        let (queue, mut waiting) = mpsc::channel::<(Arc<SegmentMeta>, Arc<TableSchema>)>(QUEUE_MAX);
        tokio::spawn(async move {
            while let Some((meta, schema)) = waiting.recv().await {
                if let Err(error) = reader.warm(&meta, &schema).await {
                    // A merge may have taken its place already.
                    tracing::debug!(segment = %meta.id, %error, "vectors were not cached");
                }
            }
        });
        Self { queue }
    }

    /// Takes note of new segments.
    pub(super) fn add(&self, segments: &[Arc<SegmentMeta>], schema: &Arc<TableSchema>) {
        for segment in segments.iter().filter(|segment| segment.bytes >= WARMED_BYTES_MIN) {
            // A full queue is no error: the first search does it then.
            let _full = self.queue.try_send((Arc::clone(segment), Arc::clone(schema)));
        }
    }
}

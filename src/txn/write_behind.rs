//! A bulk load's rows become objects while more of them come.
//!
//! One object at a time is written behind the load, so that at most two buffers of
//! [`SEGMENT_BUFFER_BYTES_MAX`] are in memory: the one that fills and the one that is written.

use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::base::limits::SEGMENT_BUFFER_BYTES_MAX;
use crate::base::{Result, SqlError};
use crate::segment::{Draft, SegmentMeta};

use super::engine::Engine;
use super::flush::live_rows;
use super::write_set::TableWrites;

/// Segments that nobody can reach, and the draft that takes them with it when it is dropped.
type Written = (Vec<Arc<SegmentMeta>>, Arc<Draft>);

/// The object that is being written behind a bulk load, if one is.
#[derive(Debug)]
pub struct WriteBehind {
    /// Bytes of buffered rows from which they are written.
    bytes_max: usize,
    writing: Option<JoinHandle<Result<Written>>>,
}

impl Default for WriteBehind {
    fn default() -> Self {
        Self::at(SEGMENT_BUFFER_BYTES_MAX)
    }
}

impl WriteBehind {
    /// Writes at so many bytes of buffered rows.
    pub(super) fn at(bytes_max: usize) -> Self {
        Self { bytes_max, writing: None }
    }

    /// Whether something is being written.
    pub fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    /// Starts to write a table's buffered rows when they take too much memory, once those before
    /// them are written.
    ///
    /// # Errors
    /// When those before could not be written: the transaction has failed then.
    pub async fn relieve(&mut self, engine: &Arc<Engine>, writes: &mut TableWrites) -> Result<()> {
        if writes.row_bytes < self.bytes_max {
            return Ok(());
        }
        self.finish(writes).await?;
        let rows = live_rows(writes)?;
        writes.rows.clear();
        writes.row_bytes = 0;
        let table = Arc::clone(&writes.table);
        let engine = Arc::clone(engine);
        // Should the load fail, the draft takes what is written with it.
        self.writing = Some(tokio::spawn(async move { engine.write_objects(&table, rows).await }));
        Ok(())
    }

    /// Waits for what is being written, and gives it to the table's writes.
    ///
    /// # Errors
    /// As [`WriteBehind::relieve`].
    pub async fn finish(&mut self, writes: &mut TableWrites) -> Result<()> {
        let Some(writing) = self.writing.take() else { return Ok(()) };
        let written = writing.await;
        let (segments, draft) =
            written.map_err(|error| SqlError::internal(format!("a write behind: {error}")))??;
        writes.written.extend(segments);
        writes.drafts.push(draft);
        Ok(())
    }
}

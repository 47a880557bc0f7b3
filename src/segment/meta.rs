//! What metadata keeps of a segment: JSON with a version.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bounds::ColumnStatistics;
use super::{ObjectRef, Part, VectorPagesRef};
use crate::base::{ColumnId, Oid, Result, RowIds, SegmentId, SqlError, SqlState};

/// The version that is written. Older ones are read forever.
const VERSION: u32 = 1;

/// A segment's filter over one unique key: a part of the data object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFilterRef {
    /// The key's columns, in order.
    pub columns: Vec<ColumnId>,
    /// Where the filter is.
    pub part: Part,
}

/// A segment in an object, as metadata lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentMeta {
    /// The segment.
    pub id: SegmentId,
    /// The table.
    pub table: Oid,
    /// How many rows, the deleted ones included.
    pub rows: u32,
    /// How many rows each row group has; the last one may have fewer.
    pub group_rows: u32,
    /// The Parquet object.
    pub data: ObjectRef,
    /// The object's footer, up to its end: all that must be read to find the rest.
    pub footer: Part,
    /// The hidden row ids, when they follow each other in row order; otherwise the object has
    /// a column for them.
    pub row_ids: Option<RowIds>,
    /// How the rows are sorted; empty: not at all.
    pub sorted_by: Vec<ColumnId>,
    /// The columns that the object has, in order.
    pub columns: Vec<ColumnId>,
    /// What is known of the columns' values.
    pub statistics: BTreeMap<ColumnId, ColumnStatistics>,
    /// The filters over unique keys.
    pub key_filters: Vec<KeyFilterRef>,
    /// Where the pages of its vectors are; none in segments that were written before there were any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vector_pages: Vec<VectorPagesRef>,
    /// The size of its rows in memory, about.
    pub bytes: u64,
}

#[derive(Serialize)]
struct Envelope<'a> {
    version: u32,
    #[serde(flatten)]
    meta: &'a SegmentMeta,
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

impl SegmentMeta {
    /// How many row groups the object has.
    pub fn group_count(&self) -> u32 {
        self.rows.div_ceil(self.group_rows)
    }

    /// The positions of a row group's rows.
    pub fn group_positions(&self, group: u32) -> std::ops::Range<u32> {
        let first = group.saturating_mul(self.group_rows).min(self.rows);
        first..first.saturating_add(self.group_rows).min(self.rows)
    }

    /// The JSON for metadata.
    ///
    /// # Errors
    /// Never for metadata that a [`super::Writer`] made.
    pub fn encode(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(&Envelope { version: VERSION, meta: self })
            .map_err(|error| SqlError::internal(format!("segment metadata: {error}")))
    }

    /// Reads the JSON of any version.
    ///
    /// # Errors
    /// When it isn't such JSON (XX001), or a newer Redkite's.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let corrupt = |what: String| {
            SqlError::new(SqlState::DATA_CORRUPTED, format!("segment metadata is corrupt: {what}"))
        };
        let version: VersionOnly =
            serde_json::from_slice(bytes).map_err(|error| corrupt(error.to_string()))?;
        if version.version != VERSION {
            return Err(corrupt(format!("version {} is not known", version.version)));
        }
        let meta: Self =
            serde_json::from_slice(bytes).map_err(|error| corrupt(error.to_string()))?;
        meta.check().map_err(corrupt)?;
        Ok(meta)
    }

    /// What must hold of any segment's metadata: checked after a load and before a publish.
    fn check(&self) -> std::result::Result<(), String> {
        let inside = |part: &Part| part.range().is_some_and(|range| range.end <= self.data.length);
        if self.footer.range().map(|range| range.end) != Some(self.data.length) {
            return Err(format!("segment {}: the footer is not at the end", self.id));
        }
        if !self.key_filters.iter().all(|filter| inside(&filter.part)) {
            return Err(format!("segment {}: a filter is outside of the object", self.id));
        }
        if !self.vector_pages.iter().all(|pages| inside(&pages.part)) {
            return Err(format!("segment {}: a page directory is outside of the object", self.id));
        }
        if self.row_ids.is_some_and(|ids| {
            ids.count != u64::from(self.rows) || ids.first.checked_add(ids.count).is_none()
        }) {
            return Err(format!("segment {}: row ids don't fit the rows", self.id));
        }
        if self.group_rows == 0 {
            return Err(format!("segment {}: row groups without rows", self.id));
        }
        if self.rows as usize > crate::base::limits::SEGMENT_ROWS_MAX {
            return Err(format!("segment {}: too many rows", self.id));
        }
        Ok(())
    }
}

//! A data object's footer, parsed once: where the columns of each row group are, their
//! checksums and statistics.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use parking_lot::Mutex;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use serde::{Deserialize, Serialize};

use super::Reader;
use crate::base::{ColumnId, Result};
use crate::segment::bounds::{self, ColumnStatistics};
use crate::segment::corrupt::corrupt;
use crate::segment::pruning::{GroupStatistics, Statistics};
use crate::segment::schema::ROW_ID_COLUMN;
use crate::segment::{Column, Part, SegmentMeta};

/// The key of our entry in the Parquet footer's key-value metadata.
pub(crate) const FOOTER_KEY: &str = "redkite";
/// The version of that entry.
pub(crate) const FOOTER_VERSION: u32 = 1;
/// Thrift's length and `PAR1`, at the end of each Parquet file.
pub(crate) const FOOTER_TAIL_BYTES: usize = 8;

/// What we add to the footer, as JSON.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct FooterEntry {
    pub(crate) version: u32,
    pub(crate) groups: Vec<GroupEntry>,
}

/// What we know of a row group: one element for each column, in order.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct GroupEntry {
    /// The CRC-32 of each column chunk.
    pub(crate) crc32: Vec<u32>,
    /// The statistics of each column.
    pub(crate) statistics: Vec<ColumnStatistics>,
}

type GroupBounds = Option<(ArrayRef, ArrayRef)>;

/// The row groups of a segment's object.
#[derive(Debug)]
pub struct RowGroups {
    meta: Arc<SegmentMeta>,
    /// The object's columns, the hidden row ids included, in order.
    columns: Vec<ColumnId>,
    entry: FooterEntry,
    pub(super) parquet: ArrowReaderMetadata,
    bounds: Mutex<HashMap<ColumnId, GroupBounds>>,
}

impl RowGroups {
    /// How many.
    pub fn len(&self) -> usize {
        self.entry.groups.len()
    }

    /// Whether there is none: the segment has no rows.
    pub fn is_empty(&self) -> bool {
        self.entry.groups.is_empty()
    }

    /// The statistics of some row groups, in order.
    pub fn statistics<'a>(&'a self, columns: &'a [Column], groups: Range<u32>) -> Statistics<'a> {
        let known = groups.filter_map(|group| {
            let rows = self.meta.group_positions(group).len() as u64;
            let entry = self.entry.groups.get(group as usize)?;
            Some(GroupStatistics::of_group(rows, &self.columns, &entry.statistics))
        });
        Statistics::new(columns, known.collect())
    }

    /// Where a column stands in the object; `None` when it was added later.
    pub(super) fn leaf(&self, column: ColumnId) -> Option<usize> {
        self.columns.iter().position(|&id| id == column)
    }

    /// The bytes of a column of a row group.
    pub(super) fn part(&self, group: u32, leaf: usize) -> Result<Part> {
        let path = &self.meta.data.path;
        let missing = || corrupt(path, "the footer lists too few columns");
        let index = group as usize;
        let groups = self.parquet.metadata().row_groups();
        let chunk = groups.get(index).and_then(|group| group.columns().get(leaf));
        let (offset, length) = chunk.ok_or_else(missing)?.byte_range();
        let entry = self.entry.groups.get(index).ok_or_else(missing)?;
        let crc32 = *entry.crc32.get(leaf).ok_or_else(missing)?;
        Ok(Part { offset, length, crc32 })
    }

    /// The smallest and largest value of a column in each row group; `None` when one of them
    /// is not known.
    pub(super) fn bounds(&self, column: ColumnId, data_type: &DataType) -> GroupBounds {
        let mut known = self.bounds.lock();
        if let Some(bounds) = known.get(&column) {
            return bounds.clone().filter(|(min, _)| min.data_type() == data_type);
        }
        let made = self.make_bounds(column, data_type);
        known.insert(column, made.clone());
        made
    }

    fn make_bounds(&self, column: ColumnId, data_type: &DataType) -> GroupBounds {
        let leaf = self.leaf(column)?;
        let statistics = || self.entry.groups.iter().map(|group| group.statistics.get(leaf));
        let min = statistics().map(|known| known.and_then(|known| known.min.as_ref()));
        let max = statistics().map(|known| known.and_then(|known| known.max.as_ref()));
        let min = bounds::to_array(min, data_type)?;
        let max = bounds::to_array(max, data_type)?;
        (min.null_count() == 0 && max.null_count() == 0).then_some((min, max))
    }

    /// The memory it takes, about: Parquet's metadata is some times as large as its encoding.
    pub(super) fn bytes(&self) -> usize {
        usize::try_from(self.meta.footer.length).unwrap_or(usize::MAX / 8).saturating_mul(4)
    }

    pub(super) fn parse(meta: &Arc<SegmentMeta>, footer: &[u8]) -> Result<Self> {
        let wrong = |what: String| corrupt(&meta.data.path, format!("footer: {what}"));
        let thrift = footer
            .len()
            .checked_sub(FOOTER_TAIL_BYTES)
            .and_then(|end| footer.get(..end))
            .ok_or_else(|| wrong("too few bytes".to_owned()))?;
        let parquet = ParquetMetaDataReader::decode_metadata(thrift)
            .map_err(|error| wrong(error.to_string()))?;
        let entry = own_entry(&parquet).map_err(wrong)?;
        let mut columns = meta.columns.clone();
        if meta.row_ids.is_none() {
            columns.push(ROW_ID_COLUMN);
        }
        check(meta, &columns, &parquet, &entry).map_err(wrong)?;
        let parquet = ArrowReaderMetadata::try_new(Arc::new(parquet), ArrowReaderOptions::new())
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self { meta: Arc::clone(meta), columns, entry, parquet, bounds: Mutex::default() })
    }
}

fn own_entry(parquet: &ParquetMetaData) -> Result<FooterEntry, String> {
    let pairs = parquet.file_metadata().key_value_metadata();
    let text = pairs
        .and_then(|pairs| pairs.iter().find(|pair| pair.key == FOOTER_KEY))
        .and_then(|pair| pair.value.as_deref())
        .ok_or("not written by Redkite")?;
    let entry: FooterEntry = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match entry.version {
        FOOTER_VERSION => Ok(entry),
        version => Err(format!("version {version} is not known")),
    }
}

/// What must hold between metadata and footer.
fn check(
    meta: &SegmentMeta,
    columns: &[ColumnId],
    parquet: &ParquetMetaData,
    entry: &FooterEntry,
) -> Result<(), String> {
    let groups = meta.group_count() as usize;
    if parquet.num_row_groups() != groups || entry.groups.len() != groups {
        return Err(format!("{} row groups instead of {groups}", parquet.num_row_groups()));
    }
    for (number, (group, known)) in (0..).zip(parquet.row_groups().iter().zip(&entry.groups)) {
        let rows = meta.group_positions(number).len();
        if usize::try_from(group.num_rows()) != Ok(rows) {
            return Err(format!("{} rows in row group {number} of {rows}", group.num_rows()));
        }
        let found = group.num_columns();
        if found != columns.len() || known.crc32.len() != found || known.statistics.len() != found {
            return Err(format!("{found} columns instead of {}", columns.len()));
        }
    }
    Ok(())
}

impl Reader {
    /// The row groups of a segment's object, with their statistics.
    pub async fn row_groups(&self, meta: &Arc<SegmentMeta>) -> Result<Arc<RowGroups>> {
        if let Some(footer) = self.cached.footers.get(&meta.id) {
            return Ok(footer);
        }
        let bytes = self.fetch(meta, &[meta.footer]).await?;
        let bytes = bytes.first().ok_or_else(|| corrupt(&meta.data.path, "no footer"))?;
        let footer = Arc::new(RowGroups::parse(meta, bytes)?);
        self.cached.footers.insert(meta.id, Arc::clone(&footer));
        Ok(footer)
    }
}

//! The one way to an object's values: the decoded columns of a row group.

use std::io::Read;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use bytes::{Buf, Bytes};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::Reader;
use super::footer::RowGroups;
use super::reader::cache_prefix;
use crate::base::{ColumnId, Result};
use crate::segment::corrupt::corrupt;
use crate::segment::schema::is_vector;
use crate::segment::{ObjectRef, Part, SegmentMeta};

/// An object of up to this size is read whole from a remote store: one request for all.
const WHOLE_BYTES_MAX: u64 = 1 << 20;

impl Reader {
    /// The columns of a row group as they are stored; `None` for one that the object does not
    /// have. Scalars are kept in memory; vectors are too large for that.
    pub(super) async fn chunks(
        &self,
        meta: &Arc<SegmentMeta>,
        groups: &Arc<RowGroups>,
        group: u32,
        columns: &[ColumnId],
    ) -> Result<Vec<Option<ArrayRef>>> {
        let mut found = Vec::with_capacity(columns.len());
        let mut wanted = Vec::new();
        for (index, &column) in columns.iter().enumerate() {
            found.push(self.cached.chunks.get(&(meta.id, group, column)));
            if found[index].is_none()
                && let Some(leaf) = groups.leaf(column)
            {
                wanted.push((index, column, leaf));
            }
        }
        if wanted.is_empty() {
            return Ok(found);
        }
        wanted.sort_by_key(|(_, _, leaf)| *leaf);
        let parts: Vec<Part> =
            wanted.iter().map(|(_, _, leaf)| groups.part(group, *leaf)).collect::<Result<_>>()?;
        let bytes = self.fetch(meta, &parts).await?;
        let mut leaves: Vec<usize> = wanted.iter().map(|(_, _, leaf)| *leaf).collect();
        leaves.dedup();
        let sparse = Sparse::new(meta.data.length, parts.into_iter().zip(bytes).collect());
        let batch = decode(meta, groups, group, &leaves, sparse)?;
        for (index, column, leaf) in wanted {
            let place = leaves.binary_search(&leaf).ok();
            let array = place.and_then(|place| batch.columns().get(place));
            let array = array.ok_or_else(|| corrupt(&meta.data.path, "a column is missing"))?;
            if !is_vector(array.data_type()) {
                self.cached.chunks.insert((meta.id, group, column), Arc::clone(array));
            }
            found[index] = Some(Arc::clone(array));
        }
        Ok(found)
    }

    /// Verified parts of a segment's object, through the cache on disk when the store is
    /// remote.
    pub(super) async fn fetch(&self, meta: &SegmentMeta, parts: &[Part]) -> Result<Vec<Bytes>> {
        if self.objects.is_local() {
            return Ok(self.objects.get_parts(&meta.data, parts).await?);
        }
        if meta.data.length <= WHOLE_BYTES_MAX {
            return self.fetch_small(meta, parts).await;
        }
        let name = |part: &Part| format!("{}{}.part", cache_prefix(meta.id), part.offset);
        self.fetch_through(&meta.data, parts, name).await
    }

    /// Verified parts of an object that is far away, through the cache on disk, where they have these
    /// names.
    pub(super) async fn fetch_through(
        &self,
        object: &ObjectRef,
        parts: &[Part],
        name: impl Fn(&Part) -> String,
    ) -> Result<Vec<Bytes>> {
        let names: Vec<String> = parts.iter().map(name).collect();
        let mut found: Vec<Option<Bytes>> = parts
            .iter()
            .zip(&names)
            .map(|(part, name)| {
                self.cache.get(name).filter(|bytes| bytes.len() as u64 == part.length)
            })
            .collect();
        let missing: Vec<Part> = parts
            .iter()
            .zip(&found)
            .filter(|(_, found)| found.is_none())
            .map(|(part, _)| *part)
            .collect();
        if missing.is_empty() {
            return Ok(found.into_iter().flatten().collect());
        }
        let mut read = self.objects.get_parts(object, &missing).await?.into_iter();
        for (place, name) in found.iter_mut().zip(&names) {
            if place.is_none()
                && let Some(bytes) = read.next()
            {
                self.cache.put(name, &bytes);
                *place = Some(bytes);
            }
        }
        let found: Option<Vec<Bytes>> = found.into_iter().collect();
        found.ok_or_else(|| corrupt(&object.path, "a part is missing"))
    }

    async fn fetch_small(&self, meta: &SegmentMeta, parts: &[Part]) -> Result<Vec<Bytes>> {
        let name = format!("{}whole", cache_prefix(meta.id));
        let cached = self.cache.get(&name);
        let whole = match cached.filter(|whole| whole.len() as u64 == meta.data.length) {
            Some(whole) => whole,
            None => {
                let whole = self.objects.get(&meta.data).await?;
                self.cache.put(&name, &whole);
                whole
            }
        };
        let path = &meta.data.path;
        let cut = |part: &Part| {
            let outside = || corrupt(path, "a part lies outside of the object");
            let range = part.range().ok_or_else(outside)?;
            let from = usize::try_from(range.start).map_err(|_| outside())?;
            let to = usize::try_from(range.end).map_err(|_| outside())?;
            if to > whole.len() {
                return Err(outside());
            }
            let bytes = whole.slice(from..to);
            part.verify(path, &bytes)?;
            Ok(bytes)
        };
        parts.iter().map(cut).collect()
    }
}

fn decode(
    meta: &SegmentMeta,
    groups: &RowGroups,
    group: u32,
    leaves: &[usize],
    bytes: Sparse,
) -> Result<RecordBatch> {
    let wrong = |error: &dyn std::fmt::Display| corrupt(&meta.data.path, error);
    let rows = meta.group_positions(group).len();
    let mask = ProjectionMask::leaves(groups.parquet.parquet_schema(), leaves.iter().copied());
    let mut reader =
        ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, groups.parquet.clone())
            .with_row_groups(vec![group as usize])
            .with_projection(mask)
            .with_batch_size(rows)
            .build()
            .map_err(|error| wrong(&error))?;
    let batch = reader
        .next()
        .ok_or_else(|| wrong(&"an empty row group"))?
        .map_err(|error| wrong(&error))?;
    if batch.num_rows() != rows {
        return Err(wrong(&format!("{} rows in a row group of {rows}", batch.num_rows())));
    }
    Ok(batch)
}

/// Some parts of an object, for Parquet's reader.
pub(super) struct Sparse {
    length: u64,
    parts: Vec<(Part, Bytes)>,
}

impl Sparse {
    /// Of an object of so many bytes.
    pub(super) fn new(length: u64, parts: Vec<(Part, Bytes)>) -> Self {
        Self { length, parts }
    }

    fn from(&self, start: u64) -> Option<Bytes> {
        self.parts.iter().find_map(|(part, bytes)| {
            let skip = usize::try_from(start.checked_sub(part.offset)?).ok()?;
            (skip < bytes.len()).then(|| bytes.slice(skip..))
        })
    }
}

impl Length for Sparse {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Sparse {
    type T = Box<dyn Read + Send>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let bytes = self.from(start).ok_or_else(|| outside(start))?;
        Ok(Box::new(bytes.reader()))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.from(start).filter(|bytes| bytes.len() >= length);
        Ok(bytes.ok_or_else(|| outside(start))?.slice(..length))
    }
}

fn outside(start: u64) -> ParquetError {
    ParquetError::General(format!("offset {start} lies outside of the column"))
}

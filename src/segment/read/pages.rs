//! The vectors of some rows of a segment that is far away, page by page: one round of reads for what
//! tells where the pages are, one for the pages.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::ArrayRef;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelectionPolicy,
};
use parquet::file::page_index::offset_index::{OffsetIndexMetaData, PageLocation};

use super::Reader;
use super::chunks::Sparse;
use super::footer::RowGroups;
use super::vectors::Vectors;
use crate::base::{ColumnId, Result};
use crate::segment::corrupt::corrupt;
use crate::segment::vector_pages::{self, Page, Pages};
use crate::segment::{Column, Part, SegmentMeta, adapt};

/// Where the pages of a column of vectors are in a segment's object.
#[derive(Debug)]
pub(super) struct VectorPages {
    meta: Arc<SegmentMeta>,
    leaf: usize,
    pages: Pages,
    /// Where the column's bytes begin in each row group.
    starts: Vec<u64>,
    /// The footer, with these pages.
    parquet: ArrowReaderMetadata,
}

impl VectorPages {
    fn parse(
        meta: &Arc<SegmentMeta>,
        groups: &RowGroups,
        column: ColumnId,
        bytes: &[u8],
    ) -> Result<Self> {
        let wrong = |what: &dyn std::fmt::Display| {
            corrupt(&meta.data.path, format!("page directory: {what}"))
        };
        let leaf = groups.leaf(column).ok_or_else(|| wrong(&"of a column that is not there"))?;
        let chunks: Vec<Part> =
            (0..meta.group_count()).map(|group| groups.part(group, leaf)).collect::<Result<_>>()?;
        let known = (0..).zip(&chunks);
        let known = known.map(|(group, chunk)| (meta.group_positions(group).len(), chunk.length));
        let pages =
            vector_pages::decode(bytes, known).ok_or_else(|| wrong(&"not of its column"))?;
        let starts: Vec<u64> = chunks.iter().map(|chunk| chunk.offset).collect();
        let metadata = groups.parquet.metadata();
        let columns = metadata.file_metadata().schema_descr().num_columns();
        let index = starts.iter().zip(&pages).map(|(start, pages)| {
            let located = |column| if column == leaf { located(*start, pages) } else { Vec::new() };
            (0..columns)
                .map(|column| OffsetIndexMetaData {
                    page_locations: located(column),
                    unencoded_byte_array_data_bytes: None,
                })
                .collect()
        });
        let metadata = metadata
            .as_ref()
            .clone()
            .into_builder()
            .set_offset_index(Some(index.collect()))
            .build();
        let parquet = ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new())
            .map_err(|error| wrong(&error))?;
        Ok(Self { meta: Arc::clone(meta), leaf, pages, starts, parquet })
    }

    /// The memory it takes, about.
    pub(super) fn bytes(&self) -> usize {
        let pages: usize = self.pages.iter().map(Vec::len).sum();
        let footer = usize::try_from(self.meta.footer.length).unwrap_or(usize::MAX / 8);
        pages * (size_of::<Page>() + size_of::<PageLocation>()) + footer.saturating_mul(4)
    }

    /// The pages of a row group that have these rows of it, which ascend.
    fn parts(&self, group: u32, rows: &[u32]) -> Vec<Part> {
        let group = group as usize;
        let mut wanted = rows.iter().peekable();
        let (mut offset, mut end, mut parts) = (self.starts[group], 0, Vec::new());
        for page in &self.pages[group] {
            end += page.rows;
            let mut is_wanted = false;
            while wanted.next_if(|row| **row < end).is_some() {
                is_wanted = true;
            }
            if is_wanted {
                parts.push(Part { offset, length: page.length.into(), crc32: page.crc32 });
            }
            offset += u64::from(page.length);
        }
        parts
    }

    /// The vectors of these rows of a row group, from the pages that have them.
    fn decode(&self, group: u32, rows: &[u32], bytes: Sparse) -> Result<ArrayRef> {
        let wrong = |error: &dyn std::fmt::Display| corrupt(&self.meta.data.path, error);
        let each = rows.iter().map(|row| Range { start: *row as usize, end: *row as usize + 1 });
        let all = self.meta.group_positions(group).len();
        let columns = self.parquet.parquet_schema();
        let mut reader =
            ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, self.parquet.clone())
                .with_row_groups(vec![group as usize])
                .with_projection(ProjectionMask::leaves(columns, [self.leaf]))
                .with_row_selection(RowSelection::from_consecutive_ranges(each, all))
                // The other way decodes pages that nothing is wanted from.
                .with_row_selection_policy(RowSelectionPolicy::Selectors)
                .with_batch_size(rows.len())
                .build()
                .map_err(|error| wrong(&error))?;
        let batch = reader.next().ok_or_else(|| wrong(&"pages without rows"))?;
        let batch = batch.map_err(|error| wrong(&error))?;
        match batch.num_rows() == rows.len() {
            true => Ok(Arc::clone(batch.column(0))),
            false => Err(wrong(&format!("{} rows instead of {}", batch.num_rows(), rows.len()))),
        }
    }
}

/// Pages as Parquet's reader wants them.
fn located(start: u64, pages: &[Page]) -> Vec<PageLocation> {
    let (mut offset, mut first) = (start, 0_i64);
    let mut locations = Vec::with_capacity(pages.len());
    for page in pages {
        locations.push(PageLocation {
            offset: i64::try_from(offset).unwrap_or(i64::MAX),
            compressed_page_size: i32::try_from(page.length).unwrap_or(i32::MAX),
            first_row_index: first,
        });
        offset += u64::from(page.length);
        first += i64::from(page.rows);
    }
    locations
}

impl Reader {
    /// Brings to memory where the pages of a segment's vectors are, if that is known.
    ///
    /// # Errors
    /// When the object can't be read, or is damaged.
    pub(super) async fn vector_pages(
        &self,
        meta: &Arc<SegmentMeta>,
        column: ColumnId,
    ) -> Result<Option<Arc<VectorPages>>> {
        let Some(directory) = meta.vector_pages.iter().find(|pages| pages.column == column) else {
            return Ok(None);
        };
        let key = (meta.id, column);
        if let Some(pages) = self.cached.pages.get(&key) {
            return Ok(Some(pages));
        }
        let parts = [directory.part];
        let (groups, bytes) = tokio::join!(self.row_groups(meta), self.fetch(meta, &parts));
        let bytes = bytes?;
        let bytes = bytes.first().ok_or_else(|| corrupt(&meta.data.path, "no page directory"))?;
        let pages = Arc::new(VectorPages::parse(meta, &*groups?, column, bytes)?);
        self.cached.pages.insert(key, Arc::clone(&pages));
        Ok(Some(pages))
    }

    /// The numbers of the vectors of some rows, one behind the other: rows by position, ascending, none of
    /// them NULL. `None` where pages can't be read by themselves: then use [`Reader::vectors`].
    ///
    /// # Errors
    /// When the object can't be read, or is damaged.
    pub async fn vectors_at(
        &self,
        meta: &Arc<SegmentMeta>,
        column: &Column,
        rows: &[u32],
    ) -> Result<Option<Vec<f32>>> {
        let missing = || corrupt(&meta.data.path, "an indexed row without a vector");
        if let Some(vectors) = self.load_vectors(meta, column.id).await? {
            let mut numbers = Vec::with_capacity(rows.len() * vectors.dimensions());
            for row in rows {
                numbers.extend_from_slice(vectors.vector(*row as usize).ok_or_else(missing)?);
            }
            return Ok(Some(numbers));
        }
        let Some(pages) = self.vector_pages(meta, column.id).await? else { return Ok(None) };
        let mut by_group: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for row in rows {
            by_group.entry(row / meta.group_rows).or_default().push(row % meta.group_rows);
        }
        let parts: Vec<Vec<Part>> =
            by_group.iter().map(|(group, rows)| pages.parts(*group, rows)).collect();
        let mut read = self.fetch(meta, &parts.concat()).await?.into_iter();
        let mut numbers = Vec::new();
        for ((group, rows), parts) in by_group.iter().zip(parts) {
            let parts = parts.into_iter().zip(&mut read).collect();
            let array = pages.decode(*group, rows, Sparse::new(meta.data.length, parts))?;
            let array = adapt::to_column(array, column.data_type())?;
            let vectors = Vectors::of_array(&array).filter(|vectors| vectors.nulls().is_none());
            numbers.extend_from_slice(vectors.ok_or_else(missing)?.values());
        }
        Ok(Some(numbers))
    }
}

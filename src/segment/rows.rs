//! A segment: where its rows are, and which of them are deleted.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt64Array};
use roaring::RoaringBitmap;

use super::key_index::KeyIndexes;
use super::{IndexPart, SegmentMeta};
use crate::base::{ColumnId, Result, RowIds, SegmentId, SqlError};

/// The hidden row ids of a segment, in row order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowIdMap {
    /// They follow each other.
    Contiguous(RowIds),
    /// One for each row.
    Listed(Arc<[u64]>),
}

impl RowIdMap {
    /// How many rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Contiguous(ids) => usize::try_from(ids.count).unwrap_or(usize::MAX),
            Self::Listed(ids) => ids.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The id of the row at this position, which must be one.
    pub fn get(&self, position: u32) -> u64 {
        match self {
            Self::Contiguous(ids) => ids.first + u64::from(position),
            Self::Listed(ids) => ids[position as usize],
        }
    }

    /// The ids of a range of rows.
    pub fn array(&self, from: usize, rows: usize) -> ArrayRef {
        match self {
            Self::Contiguous(ids) => {
                let first = ids.first + from as u64;
                Arc::new(UInt64Array::from_iter_values(first..first + rows as u64))
            }
            Self::Listed(ids) => {
                Arc::new(UInt64Array::from_iter_values(ids[from..from + rows].iter().copied()))
            }
        }
    }
}

/// Rows in memory: a small commit that has no object yet, or a transaction's own.
#[derive(Debug)]
pub struct InMemory {
    columns: Arc<[ColumnId]>,
    batch: RecordBatch,
    row_ids: RowIdMap,
    /// Asked for by each edit of a version nearby, so computed once.
    bytes: usize,
    pub(super) indexes: KeyIndexes,
}

impl InMemory {
    /// Rows whose columns have these ids, in this order.
    ///
    /// # Errors
    /// When the numbers of columns or rows don't fit each other.
    pub fn new(columns: Arc<[ColumnId]>, batch: RecordBatch, row_ids: RowIdMap) -> Result<Self> {
        if columns.len() != batch.num_columns() || row_ids.len() != batch.num_rows() {
            return Err(SqlError::internal(format!(
                "rows in memory: {} columns for {} ids, {} rows for {} row ids",
                batch.num_columns(),
                columns.len(),
                batch.num_rows(),
                row_ids.len()
            )));
        }
        if u32::try_from(batch.num_rows()).is_err() {
            return Err(SqlError::internal("rows in memory: more than positions can tell"));
        }
        let bytes = batch
            .columns()
            .iter()
            .map(|column| column.to_data().get_slice_memory_size().unwrap_or(0))
            .sum();
        Ok(Self { columns, batch, row_ids, bytes, indexes: KeyIndexes::default() })
    }

    /// The ids of the columns, in order.
    pub fn columns(&self) -> &Arc<[ColumnId]> {
        &self.columns
    }

    /// The rows.
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// Their hidden ids.
    pub fn row_ids(&self) -> &RowIdMap {
        &self.row_ids
    }

    /// How many rows, the deleted ones included.
    pub fn rows(&self) -> u32 {
        u32::try_from(self.batch.num_rows()).unwrap_or(u32::MAX)
    }

    /// The memory they take, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The array of a column.
    pub fn column(&self, id: ColumnId) -> Option<&ArrayRef> {
        let position = self.columns.iter().position(|&column| column == id)?;
        self.batch.columns().get(position)
    }
}

/// Where a segment's rows are.
#[derive(Debug, Clone)]
pub enum Rows {
    /// In a Parquet object.
    Object(Arc<SegmentMeta>),
    /// In memory.
    Memory(Arc<InMemory>),
}

/// The indexes over a segment that are built, by their oids.
pub type IndexParts = Arc<[Arc<IndexPart>]>;

/// Immutable rows, and which of them are deleted. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Segment {
    /// Its name in metadata.
    pub id: SegmentId,
    /// Where its rows are.
    pub rows: Rows,
    /// The positions of deleted rows.
    pub deleted: Arc<RoaringBitmap>,
    /// The indexes over it.
    pub indexes: IndexParts,
}

impl Segment {
    /// A segment in an object, nothing deleted.
    pub fn object(meta: Arc<SegmentMeta>) -> Self {
        let (id, rows) = (meta.id, Rows::Object(meta));
        Self { id, rows, deleted: Arc::default(), indexes: Arc::default() }
    }

    /// A segment in memory, nothing deleted.
    pub fn memory(id: SegmentId, rows: Arc<InMemory>) -> Self {
        let rows = Rows::Memory(rows);
        Self { id, rows, deleted: Arc::default(), indexes: Arc::default() }
    }

    /// How many rows it has, the deleted ones included.
    pub fn total_rows(&self) -> u32 {
        match &self.rows {
            Rows::Object(meta) => meta.rows,
            Rows::Memory(rows) => rows.rows(),
        }
    }

    /// How many rows are left.
    pub fn live_rows(&self) -> u64 {
        u64::from(self.total_rows()).saturating_sub(self.deleted.len())
    }
}

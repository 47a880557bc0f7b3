//! A segment's vectors, of either kind, as one flat array of f32, mapped from the cache on disk: what exact
//! search runs over. The file is derived from Parquet once, or written beside it by the
//! [`crate::segment::Writer`] (docs/format.md, "Vector files").

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, Float32Array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float32Type};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use super::Reader;
use super::footer::RowGroups;
use super::reader::{READS_AT_ONCE, cache_prefix};
use crate::base::{ColumnId, Result, SegmentId};
use crate::segment::corrupt::broken;
use crate::segment::schema::vector_dimensions;
use crate::segment::version::Unit;
use crate::segment::{Column, SegmentMeta, TableSchema};
use crate::store::object::{Cache, CacheFile};
use crate::types::to_halves;

const MAGIC: &[u8; 8] = b"RKVEC001";
const TRAILER_BYTES: usize = 24;
/// Vectors that are read ahead of those that are being written to the cache.
const AHEAD_BYTES: usize = 128 << 20;

/// Vectors of one dimension: `rows * dimensions` numbers, row by row. The numbers of a NULL
/// row are zeros.
#[derive(Debug, Clone)]
pub struct Vectors {
    dimensions: usize,
    rows: usize,
    values: ScalarBuffer<f32>,
    nulls: Option<NullBuffer>,
}

impl Vectors {
    /// How many numbers each vector has; 0 when all rows are NULL.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// How many rows, NULLs and deleted ones included.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// All numbers, row by row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The same numbers, kept as long as the result is.
    pub fn shared(&self) -> ScalarBuffer<f32> {
        self.values.clone()
    }

    /// Which rows are NULL; `None`: none.
    pub fn nulls(&self) -> Option<&NullBuffer> {
        self.nulls.as_ref()
    }

    /// The vector of a row; `None` when it is NULL or there is no such row.
    pub fn vector(&self, row: usize) -> Option<&[f32]> {
        if row >= self.rows || self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return None;
        }
        self.values.get(row * self.dimensions..(row + 1) * self.dimensions)
    }

    /// The same vectors once they were in a `halfvec`.
    ///
    /// # Errors
    /// 22003 for a number that is beyond halves.
    pub fn to_halves(&self) -> Result<Self> {
        let values = to_halves(&self.values)?.into();
        Ok(Self { values, ..self.clone() })
    }

    /// A range of rows as an array, without copying.
    pub(super) fn array(&self, from: usize, rows: usize) -> Option<ArrayRef> {
        let dimensions = i32::try_from(self.dimensions).ok().filter(|count| *count > 0)?;
        let values = self.values.slice(from * self.dimensions, rows * self.dimensions);
        let item = Arc::new(Field::new("vector", DataType::Float32, false));
        let nulls = self.nulls.as_ref().map(|nulls| nulls.slice(from, rows));
        let values = Arc::new(Float32Array::new(values, None));
        let list = FixedSizeListArray::try_new(item, dimensions, values, nulls).ok()?;
        Some(Arc::new(list))
    }

    /// The vectors of an array; `None` when they don't have one dimension.
    pub(super) fn of_array(array: &ArrayRef) -> Option<Self> {
        let rows = array.len();
        match array.data_type() {
            DataType::FixedSizeList(_, dimensions) => {
                let list = array.as_fixed_size_list();
                let dimensions = usize::try_from(*dimensions).ok()?;
                let values = floats(list.values())?;
                let values = values.slice(list.value_offset(0).try_into().ok()?, rows * dimensions);
                let nulls = list.nulls().filter(|nulls| nulls.null_count() > 0).cloned();
                Some(Self { dimensions, rows, values, nulls })
            }
            DataType::List(_) => Self::of_list(array),
            DataType::Null => Some(Self::all_null(rows)),
            _ => None,
        }
    }

    /// Vectors of any length, copied if they all have the same.
    fn of_list(array: &ArrayRef) -> Option<Self> {
        let rows = array.len();
        let list = array.as_list::<i32>();
        let values = floats(list.values())?;
        let lengths =
            || (0..rows).filter(|row| list.is_valid(*row)).map(|row| list.value_length(row));
        let Some(first) = lengths().next() else { return Some(Self::all_null(rows)) };
        if lengths().any(|length| length != first) {
            return None;
        }
        let dimensions = usize::try_from(first).ok()?;
        let mut flat = vec![0.0; rows * dimensions];
        for row in (0..rows).filter(|row| list.is_valid(*row)) {
            let from = usize::try_from(list.value_offsets()[row]).ok()?;
            let vector = values.get(from..from + dimensions)?;
            flat[row * dimensions..(row + 1) * dimensions].copy_from_slice(vector);
        }
        let nulls = list.nulls().filter(|nulls| nulls.null_count() > 0).cloned();
        Some(Self { dimensions, rows, values: flat.into(), nulls })
    }

    fn all_null(rows: usize) -> Self {
        let nulls = Some(NullBuffer::new_null(rows));
        Self { dimensions: 0, rows, values: Vec::new().into(), nulls }
    }

    /// The vectors of a cache file's payload; `None` when it isn't one.
    fn of_payload(payload: &Bytes) -> Option<Self> {
        let (body, trailer) =
            payload.split_at_checked(payload.len().checked_sub(TRAILER_BYTES)?)?;
        let number = |at: usize| {
            let bytes = trailer.get(at..at + 4)?.try_into().ok()?;
            usize::try_from(u32::from_le_bytes(bytes)).ok()
        };
        let (rows, dimensions, has_nulls) = (number(8)?, number(12)?, number(16)? != 0);
        let values = rows.checked_mul(dimensions)?;
        let bitmap = if has_nulls { rows.div_ceil(8) } else { 0 };
        if &trailer[..8] != MAGIC || body.len() != values.checked_mul(4)?.checked_add(bitmap)? {
            return None;
        }
        // Mapped at a page, behind a header of 64 bytes; made on the heap it may not be aligned.
        if payload.as_ptr().align_offset(align_of::<f32>()) != 0 {
            return None;
        }
        let nulls = has_nulls.then(|| {
            let bits = Buffer::from(payload.slice(values * 4..values * 4 + bitmap));
            NullBuffer::new(BooleanBuffer::new(bits, 0, rows))
        });
        let values = ScalarBuffer::new(Buffer::from(payload.slice(..values * 4)), 0, values);
        Some(Self { dimensions, rows, values, nulls })
    }
}

/// The elements of vectors, those of a `halfvec` widened.
fn floats(elements: &ArrayRef) -> Option<ScalarBuffer<f32>> {
    match elements.data_type() {
        DataType::Float16 => {
            let wide = cast(elements, &DataType::Float32).ok()?;
            Some(wide.as_primitive::<Float32Type>().values().clone())
        }
        _ => Some(elements.as_primitive_opt::<Float32Type>()?.values().clone()),
    }
}

/// The name of the cache file of a segment's vectors.
pub(crate) fn vectors_name(segment: SegmentId, column: ColumnId) -> String {
    format!("{}{}.vectors", cache_prefix(segment), column.0)
}

/// A cache file of vectors that is being written, row group by row group.
#[derive(Debug)]
pub(crate) struct VectorsFile {
    file: CacheFile,
    dimensions: usize,
    rows: usize,
    nulls: Vec<NullBuffer>,
    has_nulls: bool,
}

impl VectorsFile {
    /// Begins the file for about this many rows; `None` when the cache can't have it.
    pub(crate) fn create(
        cache: &Arc<Cache>,
        (segment, column): (SegmentId, ColumnId),
        dimensions: usize,
        rows: usize,
    ) -> Option<Self> {
        let bytes = (rows * dimensions * 4 + rows.div_ceil(8) + TRAILER_BYTES) as u64;
        let file = cache.create(&vectors_name(segment, column), bytes)?;
        Some(Self { file, dimensions, rows: 0, nulls: Vec::new(), has_nulls: false })
    }

    /// Appends the rows of an array of `vector(n)` or `halfvec(n)`; false when it is something else.
    pub(crate) fn append(&mut self, array: &ArrayRef) -> bool {
        let Some(vectors) = Vectors::of_array(array) else { return false };
        if vectors.dimensions != self.dimensions {
            return false;
        }
        if let Some(nulls) = &vectors.nulls {
            self.has_nulls = true;
            self.write_with_zeros(&vectors, nulls);
        } else {
            self.file.write(vectors.values.inner().as_slice());
        }
        self.rows += vectors.rows;
        let nulls = vectors.nulls.unwrap_or_else(|| NullBuffer::new_valid(vectors.rows));
        self.nulls.push(nulls);
        true
    }

    fn write_with_zeros(&mut self, vectors: &Vectors, nulls: &NullBuffer) {
        let row_bytes = self.dimensions * 4;
        let zeros = vec![0; row_bytes];
        let bytes = vectors.values.inner().as_slice();
        for row in 0..vectors.rows {
            match nulls.is_null(row) {
                true => self.file.write(&zeros),
                false => self.file.write(&bytes[row * row_bytes..(row + 1) * row_bytes]),
            }
        }
    }

    /// Gives the file its name; returns its vectors, unless writing failed.
    pub(crate) fn finish(mut self) -> Option<Vectors> {
        if self.has_nulls {
            let bits: BooleanBuffer = self.nulls.iter().flat_map(NullBuffer::iter).collect();
            self.file.write(bits.inner().as_slice().get(..self.rows.div_ceil(8))?);
        }
        let mut trailer = [0; TRAILER_BYTES];
        trailer[..8].copy_from_slice(MAGIC);
        trailer[8..12].copy_from_slice(&u32::try_from(self.rows).ok()?.to_le_bytes());
        trailer[12..16].copy_from_slice(&u32::try_from(self.dimensions).ok()?.to_le_bytes());
        trailer[16..20].copy_from_slice(&u32::from(self.has_nulls).to_le_bytes());
        self.file.write(&trailer);
        Vectors::of_payload(&self.file.finish()?)
    }
}

impl Reader {
    /// The vectors of a unit's column, one for each position, deleted rows included. `None`
    /// when they don't all have the same dimension: then search by scanning.
    pub async fn vectors(&self, unit: &Unit, column: &Column) -> Result<Option<Arc<Vectors>>> {
        match unit {
            Unit::Memory(run) => {
                let array = run.column(column)?;
                Ok(Vectors::of_array(&array).map(Arc::new))
            }
            Unit::Object(unit) => self.object_vectors(&unit.meta, column).await,
        }
    }

    /// Brings all vectors of a segment into the cache, for the first search to find them there.
    ///
    /// # Errors
    /// When bytes can't be read.
    pub async fn warm(&self, meta: &Arc<SegmentMeta>, schema: &TableSchema) -> Result<()> {
        for column in &schema.columns {
            if vector_dimensions(column.data_type()).is_some() {
                self.object_vectors(meta, column).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn object_vectors(
        &self,
        meta: &Arc<SegmentMeta>,
        column: &Column,
    ) -> Result<Option<Arc<Vectors>>> {
        if !meta.columns.contains(&column.id) {
            let array = crate::segment::adapt::missing(column, meta.rows as usize)?;
            return Ok(Vectors::of_array(&array).map(Arc::new));
        }
        if let Some(vectors) = self.mapped_vectors(meta, column.id) {
            return Ok(Some(vectors));
        }
        let key = (meta.id, column.id);
        self.cached
            .making
            .alone(key, async {
                if let Some(vectors) = self.load_vectors(meta, column.id).await? {
                    return Ok(Some(vectors));
                }
                let made = self.make_vectors(meta, column).await?.map(Arc::new);
                if let Some(vectors) = &made {
                    self.cached.vectors.insert(key, Arc::clone(vectors));
                }
                Ok(made)
            })
            .await
    }

    /// The vectors if they are mapped already: costs no I/O.
    pub(super) fn mapped_vectors(
        &self,
        meta: &SegmentMeta,
        column: ColumnId,
    ) -> Option<Arc<Vectors>> {
        self.cached.vectors.get(&(meta.id, column))
    }

    /// The vectors of the file in the cache. Verifying reads it once, off the async threads.
    pub(super) async fn load_vectors(
        &self,
        meta: &SegmentMeta,
        column: ColumnId,
    ) -> Result<Option<Arc<Vectors>>> {
        if let Some(vectors) = self.mapped_vectors(meta, column) {
            return Ok(Some(vectors));
        }
        let name = vectors_name(meta.id, column);
        if !self.cache.contains(&name) {
            return Ok(None);
        }
        let cache = Arc::clone(&self.cache);
        let load = move || cache.get(&name).and_then(|payload| Vectors::of_payload(&payload));
        let loaded = tokio::task::spawn_blocking(load)
            .await
            .map_err(|error| broken("loading vectors", error))?;
        let found = loaded.filter(|vectors| vectors.rows == meta.rows as usize).map(Arc::new);
        if let Some(vectors) = &found {
            self.cached.vectors.insert((meta.id, column), Arc::clone(vectors));
        }
        Ok(found)
    }

    /// A column of all row groups, in order, some of them on their way.
    fn all_groups<'a>(
        &'a self,
        meta: &'a Arc<SegmentMeta>,
        groups: &'a Arc<RowGroups>,
        column: &'a Column,
    ) -> BoxStream<'a, Result<ArrayRef>> {
        let numbers = vector_dimensions(column.data_type()).unwrap_or(1);
        let bytes = meta.group_rows as usize * numbers * size_of::<f32>();
        let at_once = (AHEAD_BYTES / bytes.max(1)).clamp(1, READS_AT_ONCE);
        let mut reads: Vec<BoxFuture<'a, _>> = Vec::new();
        for group in 0..meta.group_count() {
            reads.push(Box::pin(self.group_column(meta, groups, group, column)));
        }
        stream::iter(reads).buffered(at_once).boxed()
    }

    /// Decodes the column, row group by row group, into the cache; into memory when the cache
    /// can't have it.
    async fn make_vectors(
        &self,
        meta: &Arc<SegmentMeta>,
        column: &Column,
    ) -> Result<Option<Vectors>> {
        let groups = self.row_groups(meta).await?;
        let rows = meta.rows as usize;
        let dimensions = vector_dimensions(column.data_type());
        if let Some(dimensions) = dimensions
            && let Some(mut file) =
                VectorsFile::create(&self.cache, (meta.id, column.id), dimensions, rows)
        {
            let mut whole = true;
            let mut arrays = self.all_groups(meta, &groups, column);
            while let Some(array) = arrays.try_next().await? {
                whole &= file.append(&array);
            }
            if whole && let Some(vectors) = file.finish() {
                return Ok(Some(vectors));
            }
        }
        let arrays: Vec<ArrayRef> = self.all_groups(meta, &groups, column).try_collect().await?;
        let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
        if arrays.is_empty() {
            return Ok(Some(Vectors::all_null(0)));
        }
        let array = arrow::compute::concat(&arrays)
            .map_err(|error| broken("putting vectors together", error))?;
        Ok(Vectors::of_array(&array))
    }
}

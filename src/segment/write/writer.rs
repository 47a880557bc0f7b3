//! The writer of a table's new rows: buffers, sorts by primary key, writes objects.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::{SortColumn, concat_batches, lexsort_to_indices};
use arrow::datatypes::Schema;
use tokio::task::JoinSet;

use super::draft::Draft;
use super::encode::Encoder;
use crate::base::limits::{ROW_GROUP_ROWS, SEGMENT_BUFFER_BYTES_MAX, SEGMENT_ROWS_MAX};
use crate::base::{Oid, Random, Result, RowIds, SqlError};
use crate::segment::corrupt::broken;
use crate::segment::{SegmentMeta, TableSchema};
use crate::store::object::{Cache, Objects};

/// When a [`Writer`] writes an object early.
#[derive(Debug, Clone, Copy)]
pub struct WriterOptions {
    /// At this many bytes of buffered rows.
    pub buffer_bytes: usize,
    /// At this many buffered rows.
    pub buffer_rows: usize,
    /// Whether the cache gets the flat vectors at once, rather than when they are first searched.
    pub seed_vectors: bool,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            buffer_bytes: SEGMENT_BUFFER_BYTES_MAX,
            buffer_rows: SEGMENT_ROWS_MAX,
            seed_vectors: true,
        }
    }
}

/// Where segments are written, and of which table.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) objects: Arc<Objects>,
    pub(super) cache: Arc<Cache>,
    pub(super) draft: Arc<Draft>,
    pub(super) random: Arc<dyn Random>,
    pub(super) table: Oid,
    pub(super) schema: Arc<TableSchema>,
    pub(super) seed_vectors: bool,
}

/// Writes rows into new segments. What it has written is reachable by nobody until the
/// metadata that [`Writer::finish`] returns is published, and belongs to its [`Draft`] until then.
#[derive(Debug)]
pub struct Writer {
    pub(super) target: Arc<Target>,
    options: WriterOptions,
    buffered: Vec<RecordBatch>,
    buffered_rows: usize,
    buffered_bytes: usize,
    total_rows: u64,
    /// One object at a time: the next is buffered meanwhile.
    writing: JoinSet<Result<SegmentMeta>>,
    written: Vec<SegmentMeta>,
}

impl Writer {
    /// A writer into this table.
    pub fn new(
        objects: Arc<Objects>,
        cache: Arc<Cache>,
        draft: Arc<Draft>,
        random: Arc<dyn Random>,
        (table, schema): (Oid, Arc<TableSchema>),
        options: WriterOptions,
    ) -> Self {
        let seed_vectors = options.seed_vectors;
        let target = Target { objects, cache, draft, random, table, schema, seed_vectors };
        Self {
            target: Arc::new(target),
            options,
            buffered: Vec::new(),
            buffered_rows: 0,
            buffered_bytes: 0,
            total_rows: 0,
            writing: JoinSet::new(),
            written: Vec::new(),
        }
    }

    /// The memory that buffered rows take.
    pub fn buffered_bytes(&self) -> usize {
        self.buffered_bytes
    }

    /// All rows so far.
    pub fn total_rows(&self) -> u64 {
        self.total_rows
    }

    /// Takes rows whose columns are the table's, in order. Writes an object when enough are
    /// buffered; waits for the one before if that isn't done.
    ///
    /// # Errors
    /// When an object can't be written: the transaction has failed then.
    pub async fn write(&mut self, batch: RecordBatch) -> Result<()> {
        if batch.num_columns() != self.target.schema.columns.len() {
            return Err(SqlError::internal("rows with other columns than their table"));
        }
        let mut rest = batch;
        while rest.num_rows() > 0 {
            let room = self.options.buffer_rows.saturating_sub(self.buffered_rows).max(1);
            let taken = if rest.num_rows() <= room {
                std::mem::replace(&mut rest, RecordBatch::new_empty(Arc::new(Schema::empty())))
            } else {
                let taken = rest.slice(0, room);
                rest = rest.slice(room, rest.num_rows() - room);
                taken
            };
            self.buffered_rows += taken.num_rows();
            self.total_rows += taken.num_rows() as u64;
            self.buffered_bytes += slice_bytes(&taken);
            self.buffered.push(taken);
            if self.buffered_rows >= self.options.buffer_rows
                || self.buffered_bytes >= self.options.buffer_bytes
            {
                self.start_object().await?;
            }
        }
        Ok(())
    }

    async fn start_object(&mut self) -> Result<()> {
        self.wait().await?;
        let batches = std::mem::take(&mut self.buffered);
        (self.buffered_rows, self.buffered_bytes) = (0, 0);
        if !batches.is_empty() {
            let target = Arc::clone(&self.target);
            self.writing.spawn(write_object(target, batches));
        }
        Ok(())
    }

    async fn wait(&mut self) -> Result<()> {
        while let Some(done) = self.writing.join_next().await {
            self.written.push(done.map_err(|error| broken("writing a segment", error))??);
        }
        Ok(())
    }

    /// Writes what is left. Each segment's row ids come from `row_ids`, which is asked for so
    /// many ids that follow each other.
    ///
    /// # Errors
    /// When an object can't be written, or there are no row ids.
    pub async fn finish(
        mut self,
        mut row_ids: impl FnMut(u64) -> Result<RowIds>,
    ) -> Result<Vec<SegmentMeta>> {
        self.start_object().await?;
        self.wait().await?;
        for meta in &mut self.written {
            let ids = row_ids(u64::from(meta.rows))?;
            if ids.count != u64::from(meta.rows) {
                return Err(SqlError::internal("row ids that don't fit the rows"));
            }
            meta.row_ids = Some(ids);
        }
        Ok(self.written)
    }
}

fn slice_bytes(batch: &RecordBatch) -> usize {
    let bytes = |column: &ArrayRef| column.to_data().get_slice_memory_size().unwrap_or(0);
    batch.columns().iter().map(bytes).sum()
}

async fn write_object(target: Arc<Target>, batches: Vec<RecordBatch>) -> Result<SegmentMeta> {
    let schema = Arc::clone(&target.schema);
    let sorted = tokio::task::spawn_blocking(move || Sorted::of(&schema, &batches))
        .await
        .map_err(|error| broken("sorting rows", error))??;
    let rows = sorted.rows();
    let mut encoder = Encoder::begin(&target, false, rows).await?;
    for from in (0..rows).step_by(ROW_GROUP_ROWS) {
        let group = sorted.group(from, ROW_GROUP_ROWS.min(rows - from))?;
        encoder = encoder.group(group, None).await?;
    }
    drop(sorted);
    encoder.finish().await
}

/// Rows and the order in which they are written. Vectors are large, so rows are put in order
/// a row group at a time.
struct Sorted {
    batches: Vec<RecordBatch>,
    rows: usize,
    /// (batch, row) of each row in order; `None`: they are in order.
    order: Option<Vec<(usize, usize)>>,
}

impl Sorted {
    fn of(schema: &TableSchema, batches: &[RecordBatch]) -> Result<Self> {
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        let batches = batches.to_vec();
        let order = match schema.sort.is_empty() {
            true => None,
            false => order_by_key(schema, &batches)?,
        };
        Ok(Self { batches, rows, order })
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn group(&self, from: usize, rows: usize) -> Result<RecordBatch> {
        let failed = |error| broken("putting rows in order", error);
        match &self.order {
            Some(order) => {
                let batches: Vec<&RecordBatch> = self.batches.iter().collect();
                arrow::compute::interleave_record_batch(&batches, &order[from..from + rows])
                    .map_err(failed)
            }
            None => {
                let mut parts = Vec::new();
                let (mut skip, mut wanted) = (from, rows);
                for batch in &self.batches {
                    if wanted == 0 {
                        break;
                    }
                    let here = batch.num_rows().saturating_sub(skip).min(wanted);
                    if here > 0 {
                        parts.push(batch.slice(skip, here));
                        wanted -= here;
                    }
                    skip = skip.saturating_sub(batch.num_rows());
                }
                match (parts.len(), parts.first()) {
                    (1, Some(part)) => Ok(part.clone()),
                    (_, Some(part)) => concat_batches(&part.schema(), &parts).map_err(failed),
                    (_, None) => Err(broken("putting rows in order", "there are none")),
                }
            }
        }
    }
}

fn order_by_key(
    schema: &TableSchema,
    batches: &[RecordBatch],
) -> Result<Option<Vec<(usize, usize)>>> {
    let failed = |error| broken("sorting rows", error);
    let mut columns = Vec::with_capacity(schema.sort.len());
    for id in &schema.sort {
        let place = schema.position(*id).ok_or_else(|| broken("sorting rows", "no such column"))?;
        let parts: Vec<&dyn Array> =
            batches.iter().map(|batch| batch.column(place).as_ref()).collect();
        let values = arrow::compute::concat(&parts).map_err(failed)?;
        columns.push(SortColumn { values, options: None });
    }
    if is_sorted(&columns)? {
        return Ok(None);
    }
    let indices = lexsort_to_indices(&columns, None).map_err(failed)?;
    let mut places = Vec::with_capacity(indices.len());
    for (number, batch) in batches.iter().enumerate() {
        places.extend((0..batch.num_rows()).map(|row| (number, row)));
    }
    Ok(Some(indices.values().iter().map(|index| places[*index as usize]).collect()))
}

fn is_sorted(columns: &[SortColumn]) -> Result<bool> {
    let mut compares = Vec::with_capacity(columns.len());
    for column in columns {
        let options = arrow::compute::SortOptions::default();
        let compare = arrow::array::make_comparator(&column.values, &column.values, options);
        compares.push(compare.map_err(|error| broken("sorting rows", error))?);
    }
    let rows = columns.first().map_or(0, |column| column.values.len());
    Ok((1..rows).all(|row| {
        let order = compares.iter().map(|compare| compare(row - 1, row)).find(|o| o.is_ne());
        order.is_none_or(std::cmp::Ordering::is_lt)
    }))
}

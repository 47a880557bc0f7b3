//! Merging: several segments become fewer. Deleted rows are dropped, rows keep their hidden
//! ids and are sorted by primary key. Memory is bounded: of each input there is one batch (all
//! of it where it is not sorted: rows in memory), of the output the row groups in flight.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::{
    SortColumn, concat_batches, interleave_record_batch, lexsort_to_indices, take_record_batch,
};
use arrow::datatypes::UInt64Type;
use arrow::row::{OwnedRow, RowConverter, Rows as SortRows, SortField};
use futures::TryStreamExt;
use futures::stream::BoxStream;

use super::encode::Encoder;
use super::writer::{Target, Writer};
use crate::base::limits::{BATCH_ROWS, ROW_GROUP_ROWS, SEGMENT_ROWS_MAX};
use crate::base::{ColumnId, Result, SegmentId};
use crate::segment::corrupt::broken;
use crate::segment::{
    Reader, RowIdMap, Scan, Segment, SegmentMeta, TableVersion, Unit, split_address,
};

/// A row that is in no output.
const GONE: u32 = u32::MAX;

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
    /// The outputs, each with the number of rows before it.
    outputs: Vec<(u32, SegmentId)>,
    inputs: HashMap<SegmentId, InputMap>,
}

#[derive(Debug, Clone)]
struct InputMap {
    row_ids: RowIdMap,
    /// For each position the number of the row in all outputs together, or [`GONE`].
    moved: Vec<u32>,
}

impl MergeMap {
    /// Where a row of a merged segment is now; `None` when it was deleted before, or the
    /// segment was no input.
    pub fn find(&self, segment: SegmentId, position: u32) -> Option<Moved> {
        let input = self.inputs.get(&segment)?;
        let number = *input.moved.get(position as usize)?;
        if number == GONE {
            return None;
        }
        let after = self.outputs.partition_point(|(first, _)| *first <= number);
        let (first, segment) = *self.outputs.get(after.checked_sub(1)?)?;
        Some(Moved { row_id: input.row_ids.get(position), segment, position: number - first })
    }

    /// Whether the segment was an input.
    pub fn has(&self, segment: SegmentId) -> bool {
        self.inputs.contains_key(&segment)
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

/// Merges segments into new ones, as the writer (which has written nothing) would write them.
///
/// # Errors
/// When bytes can't be read or written; what was written is garbage then.
pub async fn merge(reader: &Arc<Reader>, inputs: &[Segment], writer: Writer) -> Result<Merged> {
    let target = Arc::clone(&writer.target);
    let version = TableVersion::of(target.table, inputs.iter().cloned());
    let map = begin_map(reader, &version).await?;
    let mut scan = Scan::of(target.schema.columns.clone().into());
    scan.address = true;
    scan.row_id = true;
    let scan = Arc::new(scan);
    let mut output = Output::new(Arc::clone(&target), version.clone(), map);
    if target.schema.sort.is_empty() {
        for unit in version.units() {
            let mut batches = reader.scan(unit, Arc::clone(&scan));
            while let Some(batch) = batches.try_next().await? {
                let rows = batch.num_rows();
                let pool = vec![batch];
                for row in 0..rows {
                    output.places.push((0, row));
                    output.write_full(&pool).await?;
                }
                output.keep(&pool)?;
            }
        }
        return output.finish(&[]).await;
    }
    let mut cursors = Vec::new();
    for unit in version.units() {
        cursors.push(Cursor::begin(reader, unit, &scan, &target).await?);
    }
    merge_sorted(cursors, output).await
}

/// Each input's row ids, all rows gone until they are met.
async fn begin_map(reader: &Reader, version: &TableVersion) -> Result<MergeMap> {
    let mut map = MergeMap::default();
    for (ordinal, segment) in version.segments() {
        let row_ids = match &segment.rows {
            crate::segment::Rows::Memory(rows) => rows.row_ids().clone(),
            crate::segment::Rows::Object(_) => {
                match crate::segment::version::object_unit(ordinal, segment) {
                    Some(unit) => reader.row_ids(&Unit::Object(unit)).await?,
                    None => continue,
                }
            }
        };
        let moved = vec![GONE; segment.total_rows() as usize];
        map.inputs.insert(segment.id, InputMap { row_ids, moved });
    }
    Ok(map)
}

/// One input, in key order.
struct Cursor {
    batches: BoxStream<'static, Result<RecordBatch>>,
    converter: Arc<RowConverter>,
    sort: Arc<[usize]>,
    keys: Option<SortRows>,
    row: usize,
    /// Where the current batch is among those that are held.
    place: usize,
}

impl Cursor {
    async fn begin(
        reader: &Arc<Reader>,
        unit: Unit,
        scan: &Arc<Scan>,
        target: &Target,
    ) -> Result<Self> {
        let schema = &target.schema;
        let sort: Option<Arc<[usize]>> =
            schema.sort.iter().map(|id| schema.position(*id)).collect();
        let sort = sort.ok_or_else(|| broken("merging segments", "no such column"))?;
        let fields = sort
            .iter()
            .map(|place| SortField::new(schema.columns[*place].data_type().clone()))
            .collect();
        let converter =
            RowConverter::new(fields).map_err(|error| broken("merging segments", error))?;
        let is_sorted = unit_is_sorted(&unit, &schema.sort);
        let mut batches = reader.scan(unit, Arc::clone(scan));
        if !is_sorted {
            let all: Vec<RecordBatch> = batches.try_collect().await?;
            let sorted = sort_batches(&scan.schema(), &all, &sort)?;
            batches = Box::pin(futures::stream::iter(sorted.into_iter().map(Ok)));
        }
        let converter = Arc::new(converter);
        Ok(Self { batches, converter, sort, keys: None, row: 0, place: 0 })
    }

    /// The next batch, put among those that are held; false at the end.
    async fn load(&mut self, pool: &mut Vec<RecordBatch>) -> Result<bool> {
        while let Some(batch) = self.batches.try_next().await? {
            if batch.num_rows() == 0 {
                continue;
            }
            let columns: Vec<ArrayRef> =
                self.sort.iter().map(|place| Arc::clone(batch.column(*place))).collect();
            let keys = self.converter.convert_columns(&columns);
            self.keys = Some(keys.map_err(|error| broken("merging segments", error))?);
            self.row = 0;
            self.place = pool.len();
            pool.push(batch);
            return Ok(true);
        }
        self.keys = None;
        Ok(false)
    }

    fn key(&self) -> Option<OwnedRow> {
        let keys = self.keys.as_ref()?;
        (self.row < keys.num_rows()).then(|| keys.row(self.row).owned())
    }
}

fn unit_is_sorted(unit: &Unit, sort: &[ColumnId]) -> bool {
    match unit {
        Unit::Object(unit) => unit.meta.sorted_by.starts_with(sort),
        Unit::Memory(_) => false,
    }
}

fn sort_batches(
    schema: &arrow::datatypes::SchemaRef,
    batches: &[RecordBatch],
    sort: &[usize],
) -> Result<Vec<RecordBatch>> {
    let failed = |error| broken("sorting rows", error);
    let all = concat_batches(schema, batches).map_err(failed)?;
    let column =
        |place: &usize| SortColumn { values: Arc::clone(all.column(*place)), options: None };
    let columns: Vec<SortColumn> = sort.iter().map(column).collect();
    let order = lexsort_to_indices(&columns, None).map_err(failed)?;
    let sorted = take_record_batch(&all, &order).map_err(failed)?;
    let rows = sorted.num_rows();
    Ok((0..rows)
        .step_by(BATCH_ROWS)
        .map(|from| sorted.slice(from, BATCH_ROWS.min(rows - from)))
        .collect())
}

/// What is next of a cursor; the smallest first.
struct Next {
    key: OwnedRow,
    cursor: usize,
}

impl PartialEq for Next {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Next {}

impl PartialOrd for Next {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Next {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key).then(other.cursor.cmp(&self.cursor))
    }
}

async fn merge_sorted(mut cursors: Vec<Cursor>, mut output: Output) -> Result<Merged> {
    let mut pool = Vec::new();
    let mut heap = BinaryHeap::new();
    for (index, cursor) in cursors.iter_mut().enumerate() {
        cursor.load(&mut pool).await?;
        heap.extend(cursor.key().map(|key| Next { key, cursor: index }));
    }
    while let Some(Next { cursor: index, .. }) = heap.pop() {
        let cursor = &mut cursors[index];
        output.places.push((cursor.place, cursor.row));
        cursor.row += 1;
        let next = match cursor.key() {
            Some(key) => Some(key),
            None => {
                cursor.load(&mut pool).await?;
                cursor.key()
            }
        };
        heap.extend(next.map(|key| Next { key, cursor: index }));
        if output.write_full(&pool).await? {
            // Only the cursors' current batches are needed from here on.
            let mut kept = Vec::with_capacity(cursors.len());
            for cursor in cursors.iter_mut().filter(|cursor| cursor.keys.is_some()) {
                kept.push(pool[cursor.place].clone());
                cursor.place = kept.len() - 1;
            }
            pool = kept;
        }
    }
    output.finish(&pool).await
}

/// The new segments, one after the other.
struct Output {
    target: Arc<Target>,
    version: TableVersion,
    map: MergeMap,
    encoder: Option<Encoder>,
    segments: Vec<SegmentMeta>,
    /// The rows of the next row group: batch and row in it.
    places: Vec<(usize, usize)>,
    /// Rows of the next row group whose batch is not held any more.
    waiting: Vec<RecordBatch>,
    rows: u32,
}

impl Output {
    fn new(target: Arc<Target>, version: TableVersion, map: MergeMap) -> Self {
        let (encoder, segments, places) = (None, Vec::new(), Vec::new());
        Self { target, version, map, encoder, segments, places, waiting: Vec::new(), rows: 0 }
    }

    fn waiting_rows(&self) -> usize {
        self.waiting.iter().map(RecordBatch::num_rows).sum()
    }

    /// Writes a row group when there are enough rows for one; tells whether it did.
    async fn write_full(&mut self, pool: &[RecordBatch]) -> Result<bool> {
        if self.places.len() + self.waiting_rows() < ROW_GROUP_ROWS {
            return Ok(false);
        }
        self.write_group(pool).await?;
        Ok(true)
    }

    /// Takes the rows out of batches that are about to be let go.
    fn keep(&mut self, pool: &[RecordBatch]) -> Result<()> {
        if !self.places.is_empty() {
            let rows = self.gather(pool)?;
            self.waiting.push(rows);
        }
        Ok(())
    }

    fn gather(&mut self, pool: &[RecordBatch]) -> Result<RecordBatch> {
        let batches: Vec<&RecordBatch> = pool.iter().collect();
        let places = std::mem::take(&mut self.places);
        interleave_record_batch(&batches, &places)
            .map_err(|error| broken("merging segments", error))
    }

    async fn write_group(&mut self, pool: &[RecordBatch]) -> Result<()> {
        self.keep(pool)?;
        let waiting = std::mem::take(&mut self.waiting);
        let Some(first) = waiting.first() else { return Ok(()) };
        let group = concat_batches(&first.schema(), &waiting)
            .map_err(|error| broken("merging segments", error))?;
        let count = self.target.schema.columns.len();
        let encoder = match self.encoder.take() {
            Some(encoder) => encoder,
            None => {
                let left = self.version.row_count().saturating_sub(u64::from(self.rows));
                let rows = usize::try_from(left).unwrap_or(usize::MAX).min(SEGMENT_ROWS_MAX);
                let encoder = Encoder::begin(&self.target, true, rows).await?;
                self.map.outputs.push((self.rows, encoder.id()));
                encoder
            }
        };
        self.note(group.column(count))?;
        let columns: Vec<usize> = (0..count).collect();
        let rows = group.project(&columns).map_err(|error| broken("merging segments", error))?;
        let row_ids = Arc::clone(group.column(count + 1));
        let encoder = encoder.group(rows, Some(row_ids)).await?;
        match encoder.rows() + ROW_GROUP_ROWS as u64 > SEGMENT_ROWS_MAX as u64 {
            true => self.segments.push(encoder.finish().await?),
            false => self.encoder = Some(encoder),
        }
        Ok(())
    }

    /// Notes where the rows of these addresses are now.
    fn note(&mut self, addresses: &ArrayRef) -> Result<()> {
        let lost = || broken("merging segments", "a row of no input");
        let addresses = addresses.as_primitive_opt::<UInt64Type>().ok_or_else(lost)?;
        for &address in addresses.values() {
            let (ordinal, position) = split_address(address);
            let segment = self.version.segment(ordinal).ok_or_else(lost)?;
            let input = self.map.inputs.get_mut(&segment.id).ok_or_else(lost)?;
            *input.moved.get_mut(position as usize).ok_or_else(lost)? = self.rows;
            self.rows += 1;
        }
        Ok(())
    }

    async fn finish(mut self, pool: &[RecordBatch]) -> Result<Merged> {
        self.write_group(pool).await?;
        if let Some(encoder) = self.encoder.take() {
            self.segments.push(encoder.finish().await?);
        }
        let written: u64 = self.segments.iter().map(|meta| u64::from(meta.rows)).sum();
        if written != self.version.row_count() {
            let expected = self.version.row_count();
            return Err(broken("merging segments", format!("{written} rows of {expected}")));
        }
        Ok(Merged { segments: self.segments, map: self.map })
    }
}

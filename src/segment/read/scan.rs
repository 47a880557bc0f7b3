//! Scans: some columns of the live rows of a unit, row group by row group.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, UInt64Array,
};
use arrow::buffer::BooleanBuffer;
use arrow::compute::filter;
use arrow::datatypes::{FieldRef, Schema, SchemaRef, UInt64Type};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use roaring::RoaringBitmap;

use super::Reader;
use super::footer::RowGroups;
use super::reader::all;
use crate::base::limits::BATCH_ROWS;
use crate::base::{ColumnId, Result, SqlError};
use crate::segment::corrupt::{broken, corrupt};
use crate::segment::memory::MemoryRun;
use crate::segment::pruning::Statistics;
use crate::segment::schema::{ROW_ID_COLUMN, address_field, is_vector, row_id_field};
use crate::segment::version::{ObjectUnit, Unit};
use crate::segment::{Column, RowIdMap, SegmentMeta, adapt};

/// Row groups that are fetched ahead of the one that is given out.
const GROUPS_AHEAD: usize = 2;

/// Says which containers may have rows that a predicate keeps, from their statistics; one
/// answer for each. `PruningPredicate::prune` fits.
pub type Pruner = Arc<dyn Fn(&Statistics<'_>) -> Vec<bool> + Send + Sync>;

/// What a scan gives.
#[derive(Clone)]
pub struct Scan {
    /// The columns, in order.
    pub columns: Arc<[Column]>,
    /// Whether [`super::super::ADDRESS`] follows them.
    pub address: bool,
    /// Whether [`super::super::ROW_ID`] follows these.
    pub row_id: bool,
    /// The row groups of an object to read; `None`: all. Units in memory have one.
    pub row_groups: Option<Range<u32>>,
    /// Leaves out row groups.
    pub pruner: Option<Pruner>,
    /// Leaves out rows: only these positions of the unit are given.
    pub selection: Option<Arc<RoaringBitmap>>,
    /// How many rows a batch has at most.
    pub batch_rows: usize,
}

impl Scan {
    /// A scan of all live rows.
    pub fn of(columns: Arc<[Column]>) -> Self {
        Self {
            columns,
            address: false,
            row_id: false,
            row_groups: None,
            pruner: None,
            selection: None,
            batch_rows: BATCH_ROWS,
        }
    }

    /// The schema of the batches.
    pub fn schema(&self) -> SchemaRef {
        let mut fields: Vec<FieldRef> =
            self.columns.iter().map(|column| Arc::clone(&column.field)).collect();
        if self.address {
            fields.push(address_field());
        }
        if self.row_id {
            fields.push(row_id_field());
        }
        Arc::new(Schema::new(fields))
    }
}

impl std::fmt::Debug for Scan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scan")
            .field("columns", &self.columns)
            .field("row_groups", &self.row_groups)
            .field("pruned", &self.pruner.is_some())
            .finish_non_exhaustive()
    }
}

impl MemoryRun {
    /// A column of all the run's rows.
    pub(super) fn column(&self, column: &Column) -> Result<ArrayRef> {
        let place = self.columns().iter().position(|&id| id == column.id);
        match place.and_then(|place| self.batch().columns().get(place)) {
            Some(array) => adapt::to_column(Arc::clone(array), column.data_type()),
            None => adapt::missing(column, self.batch().num_rows()),
        }
    }
}

/// The live and selected rows of `positions`; `None` when those are all.
fn kept(
    positions: &Range<u32>,
    deleted: &RoaringBitmap,
    selection: Option<&RoaringBitmap>,
) -> Option<BooleanBuffer> {
    let none_deleted = deleted.range_cardinality(positions.clone()) == 0;
    match selection {
        None if none_deleted => None,
        None => {
            let mut bits = vec![true; positions.len()];
            for position in deleted.range(positions.clone()) {
                bits[(position - positions.start) as usize] = false;
            }
            Some(BooleanBuffer::from(bits))
        }
        Some(selection) => {
            let mut bits = vec![false; positions.len()];
            for position in selection.range(positions.clone()) {
                if none_deleted || !deleted.contains(position) {
                    bits[(position - positions.start) as usize] = true;
                }
            }
            Some(BooleanBuffer::from(bits))
        }
    }
}

/// Cuts a batch of a unit's rows, beginning at `first`, into the batches of a scan.
fn cut(
    schema: &SchemaRef,
    columns: &[ArrayRef],
    positions: &Range<u32>,
    deleted: &RoaringBitmap,
    scan: &Scan,
) -> Result<Vec<RecordBatch>> {
    let mut batches = Vec::new();
    let rows = positions.len();
    let step = scan.batch_rows.max(1);
    for from in (0..rows).step_by(step) {
        let count = step.min(rows - from);
        let start = positions.start + u32::try_from(from).unwrap_or(u32::MAX);
        let window = start..start + u32::try_from(count).unwrap_or(u32::MAX);
        let slices = columns.iter().map(|column| column.slice(from, count));
        let (columns, count) = match kept(&window, deleted, scan.selection.as_deref()) {
            None => (slices.collect(), count),
            Some(keep) => {
                let keep = BooleanArray::new(keep, None);
                let count = keep.true_count();
                if count == 0 {
                    continue;
                }
                let columns: Result<Vec<ArrayRef>, _> =
                    slices.map(|column| filter(&column, &keep)).collect();
                (columns.map_err(|error| broken("leaving out deleted rows", error))?, count)
            }
        };
        batches.push(batch(schema, columns, count)?);
    }
    Ok(batches)
}

pub(super) fn batch(
    schema: &SchemaRef,
    columns: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
        .map_err(|error| broken("columns of a segment", error))
}

impl Reader {
    /// The live rows of a unit. Object units are read row group by row group, some ahead.
    pub fn scan(
        self: &Arc<Self>,
        unit: Unit,
        scan: Arc<Scan>,
    ) -> BoxStream<'static, Result<RecordBatch>> {
        match unit {
            Unit::Memory(run) => {
                let batches = scan_memory(&run, &scan);
                stream::once(async { batches })
                    .map_ok(|batches| stream::iter(batches.into_iter().map(Ok)))
                    .try_flatten()
                    .boxed()
            }
            Unit::Object(unit) => Arc::clone(self).scan_object(unit, scan),
        }
    }

    fn scan_object(
        self: Arc<Self>,
        unit: ObjectUnit,
        scan: Arc<Scan>,
    ) -> BoxStream<'static, Result<RecordBatch>> {
        let unit = Arc::new(unit);
        let begin = async move {
            let groups = self.row_groups(&unit.meta).await?;
            let wanted = wanted_groups(&unit, &groups, &scan);
            let read = move |group| {
                let (reader, unit) = (Arc::clone(&self), Arc::clone(&unit));
                let (groups, scan) = (Arc::clone(&groups), Arc::clone(&scan));
                async move { reader.scan_group(&unit, &groups, group, &scan).await }
            };
            let batches = stream::iter(wanted)
                .map(read)
                .buffered(GROUPS_AHEAD)
                .map_ok(|batches| stream::iter(batches.into_iter().map(Ok)))
                .try_flatten();
            Ok::<_, SqlError>(batches)
        };
        stream::once(begin).try_flatten().boxed()
    }

    /// The row groups that a scan reads.
    ///
    /// # Errors
    /// When the footer can't be read.
    pub async fn scanned_groups(&self, unit: &ObjectUnit, scan: &Scan) -> Result<Vec<u32>> {
        Ok(wanted_groups(unit, &*self.row_groups(&unit.meta).await?, scan))
    }

    /// All rows of a row group, the deleted ones included.
    ///
    /// # Errors
    /// When bytes can't be read.
    pub async fn row_group(
        &self,
        meta: &Arc<SegmentMeta>,
        group: u32,
        (columns, schema): (&[Column], &SchemaRef),
    ) -> Result<RecordBatch> {
        let groups = self.row_groups(meta).await?;
        let columns = self.group_columns(meta, &groups, group, columns).await?;
        batch(schema, columns, meta.group_positions(group).len())
    }

    async fn scan_group(
        &self,
        unit: &ObjectUnit,
        groups: &Arc<RowGroups>,
        group: u32,
        scan: &Scan,
    ) -> Result<Vec<RecordBatch>> {
        let positions = unit.meta.group_positions(group);
        let mut columns = self.group_columns(&unit.meta, groups, group, &scan.columns).await?;
        if scan.address {
            let first = crate::segment::address(unit.ordinal, positions.start);
            let addresses = first..first + positions.len() as u64;
            columns.push(Arc::new(UInt64Array::from_iter_values(addresses)));
        }
        if scan.row_id {
            columns.push(self.group_row_ids(&unit.meta, groups, group).await?);
        }
        cut(&scan.schema(), &columns, &positions, &unit.deleted, scan)
    }

    /// Columns of a row group as the table wants them, if all of them are in memory.
    pub(super) fn group_columns_at_hand(
        &self,
        meta: &SegmentMeta,
        group: u32,
        columns: &[Column],
    ) -> Result<Option<Vec<ArrayRef>>> {
        let positions = meta.group_positions(group);
        let (start, rows) = (positions.start as usize, positions.len());
        let find = |column: &Column| match is_vector(column.data_type()) {
            true => self.mapped_vectors(meta, column.id)?.array(start, rows),
            false => self.cached.chunks.get(&(meta.id, group, column.id)),
        };
        let mut found = Vec::with_capacity(columns.len());
        for column in columns {
            let Some(array) = find(column) else { return Ok(None) };
            found.push(adapt::to_column(array, column.data_type())?);
        }
        Ok(Some(found))
    }

    /// Columns of a row group as the table wants them.
    pub(super) async fn group_columns(
        &self,
        meta: &Arc<SegmentMeta>,
        groups: &Arc<RowGroups>,
        group: u32,
        columns: &[Column],
    ) -> Result<Vec<ArrayRef>> {
        let positions = meta.group_positions(group);
        let mut found: Vec<Option<ArrayRef>> = Vec::with_capacity(columns.len());
        let mut wanted: Vec<ColumnId> = Vec::new();
        for column in columns {
            let flat = match is_vector(column.data_type()) {
                true => self.load_vectors(meta, column.id).await?,
                false => None,
            };
            let flat =
                flat.and_then(|vectors| vectors.array(positions.start as usize, positions.len()));
            if flat.is_none() {
                wanted.push(column.id);
            }
            found.push(flat);
        }
        let mut read = self.chunks(meta, groups, group, &wanted).await?.into_iter();
        let complete = columns.iter().zip(found).map(|(column, found)| {
            match found.or_else(|| read.next().flatten()) {
                Some(array) => adapt::to_column(array, column.data_type()),
                None => adapt::missing(column, positions.len()),
            }
        });
        complete.collect()
    }

    /// One column of a row group as the table wants it, from Parquet.
    pub(super) async fn group_column(
        &self,
        meta: &Arc<SegmentMeta>,
        groups: &Arc<RowGroups>,
        group: u32,
        column: &Column,
    ) -> Result<ArrayRef> {
        let read = self.chunks(meta, groups, group, &[column.id]).await?;
        match read.into_iter().next().flatten() {
            Some(array) => adapt::to_column(array, column.data_type()),
            None => adapt::missing(column, meta.group_positions(group).len()),
        }
    }

    async fn group_row_ids(
        &self,
        meta: &Arc<SegmentMeta>,
        groups: &Arc<RowGroups>,
        group: u32,
    ) -> Result<ArrayRef> {
        let positions = meta.group_positions(group);
        match meta.row_ids {
            Some(ids) => {
                let ids = RowIdMap::Contiguous(ids);
                Ok(ids.array(positions.start as usize, positions.len()))
            }
            None => {
                let read = self.chunks(meta, groups, group, &[ROW_ID_COLUMN]).await?;
                let found = read.into_iter().next().flatten();
                found.ok_or_else(|| corrupt(&meta.data.path, "no row ids"))
            }
        }
    }

    /// The row ids of some row groups of a segment that lists them, all asked for at once.
    async fn read_row_ids(
        &self,
        meta: &Arc<SegmentMeta>,
        wanted: impl Iterator<Item = u32>,
    ) -> Result<HashMap<u32, ArrayRef>> {
        let wanted: Vec<u32> = wanted.collect();
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        let groups = self.row_groups(meta).await?;
        let mut reads: Vec<BoxFuture<'_, _>> = Vec::with_capacity(wanted.len());
        for group in &wanted {
            reads.push(Box::pin(self.group_row_ids(meta, &groups, *group)));
        }
        Ok(wanted.iter().copied().zip(all(reads).await?).collect())
    }

    /// Brings the row ids of a segment to memory, where they are not known without reading them.
    pub(super) async fn warm_row_ids(&self, meta: &Arc<SegmentMeta>) -> Result<()> {
        if meta.row_ids.is_none() {
            self.read_row_ids(meta, 0..meta.group_count()).await?;
        }
        Ok(())
    }

    /// The hidden row ids of a unit, by position.
    pub async fn row_ids(&self, unit: &Unit) -> Result<RowIdMap> {
        let meta = match unit {
            Unit::Memory(run) => return Ok(run.row_ids().clone()),
            Unit::Object(unit) => &unit.meta,
        };
        if let Some(ids) = meta.row_ids {
            return Ok(RowIdMap::Contiguous(ids));
        }
        let groups = self.row_groups(meta).await?;
        let mut ids = Vec::with_capacity(meta.rows as usize);
        for group in 0..meta.group_count() {
            let array = self.group_row_ids(meta, &groups, group).await?;
            ids.extend_from_slice(listed(meta, &array)?);
        }
        Ok(RowIdMap::Listed(ids.into()))
    }

    /// The hidden row ids of a few positions of a unit, in their order: reads only the row groups
    /// that these are in.
    pub async fn row_ids_at(&self, unit: &Unit, positions: &[u32]) -> Result<Vec<u64>> {
        if let Some(ids) = unit.row_ids() {
            return Ok(positions.iter().map(|position| ids.get(*position)).collect());
        }
        let Unit::Object(object) = unit else { return Ok(Vec::new()) };
        let meta = &object.meta;
        let groups: BTreeSet<u32> = positions.iter().map(|at| at / meta.group_rows).collect();
        let (mut arrays, mut far) = (HashMap::new(), Vec::new());
        for group in groups {
            match self.cached.chunks.get(&(meta.id, group, ROW_ID_COLUMN)) {
                Some(array) => _ = arrays.insert(group, array),
                None => far.push(group),
            }
        }
        arrays.extend(self.read_row_ids(meta, far.into_iter()).await?);
        let mut ids = Vec::with_capacity(positions.len());
        for position in positions {
            let (group, row) = (position / meta.group_rows, position % meta.group_rows);
            let id = match arrays.get(&group) {
                Some(array) => listed(meta, array)?.get(row as usize).copied(),
                None => None,
            };
            ids.push(id.ok_or_else(|| corrupt(&meta.data.path, "a row without its id"))?);
        }
        Ok(ids)
    }
}

/// The row ids of a row group.
fn listed<'a>(meta: &SegmentMeta, array: &'a ArrayRef) -> Result<&'a [u64]> {
    let ids = array.as_primitive_opt::<UInt64Type>();
    Ok(ids.ok_or_else(|| corrupt(&meta.data.path, "no row ids"))?.values())
}

fn wanted_groups(unit: &ObjectUnit, groups: &RowGroups, scan: &Scan) -> Vec<u32> {
    let all = 0..unit.meta.group_count();
    let asked = scan.row_groups.clone().unwrap_or_else(|| all.clone());
    let asked = asked.start.min(all.end)..asked.end.min(all.end);
    let first = asked.start;
    let statistics = || groups.statistics(&scan.columns, asked.clone());
    let keep = scan.pruner.as_ref().map(|pruner| pruner(&statistics()));
    let live = |group: &u32| {
        let positions = unit.meta.group_positions(*group);
        let rows = positions.len() as u64;
        let selected = scan.selection.as_ref();
        unit.deleted.range_cardinality(positions.clone()) < rows
            && selected.is_none_or(|rows| rows.range_cardinality(positions) > 0)
    };
    let kept = |group: &u32| {
        let keep = keep.as_ref().and_then(|keep| keep.get((group - first) as usize));
        keep.copied().unwrap_or(true)
    };
    asked.clone().filter(kept).filter(live).collect()
}

fn scan_memory(run: &MemoryRun, scan: &Scan) -> Result<Vec<RecordBatch>> {
    let rows = run.total_rows();
    let mut columns: Vec<ArrayRef> =
        scan.columns.iter().map(|column| run.column(column)).collect::<Result<_>>()?;
    if scan.address {
        columns.push(Arc::new(UInt64Array::from(run.rows.addresses(0, rows))));
    }
    if scan.row_id {
        columns.push(run.row_ids().array(0, rows as usize));
    }
    cut(&scan.schema(), &columns, &(0..rows), run.deleted(), scan)
}

//! The search itself: filters become bitmaps, flat arrays are searched on blocking threads, and
//! the winners of all pieces are merged by distance, then by row id.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt64Array};
use datafusion::arrow::datatypes::{Float32Type, UInt64Type};
use datafusion::common::Result as FusionResult;
use datafusion::common::{DataFusionError, ScalarValue};
use futures::{StreamExt, TryStreamExt};
use roaring::RoaringBitmap;

use crate::base::{Result, SqlError, SqlState};
use crate::exec::leaf::SearchWork;
use crate::exec::source::{Filter, Reads};
use crate::exec::{external, pruning, read};
use crate::index::{Metric, Neighbour, Selection, TopK, distance, search_flat};
use crate::segment::{Column, Reader, RowIdMap, Scan, TableVersion, Unit, Vectors, split_address};

/// Vectors that are searched between two looks at the cancel flag.
const CHUNK_ROWS: usize = 16_384;

/// One search, bound to a snapshot.
pub(super) struct Search {
    pub(super) reader: Arc<Reader>,
    pub(super) version: Arc<TableVersion>,
    pub(super) column: Column,
    pub(super) metric: Metric,
    /// None is NULL, from which every distance is NULL.
    pub(super) query: Option<Arc<[f32]>>,
    pub(super) k: usize,
    pub(super) filter: Option<(Arc<Filter>, Reads)>,
    pub(super) cancelled: Arc<AtomicBool>,
    pub(super) work: Arc<Work>,
    pub(super) threads: usize,
    pub(super) batch_rows: usize,
}

/// What searches did, counted once for each piece of a table.
#[derive(Debug, Default)]
pub(super) struct Work {
    segments: AtomicUsize,
    rows: AtomicUsize,
}

impl Work {
    fn add(&self, rows: usize) {
        self.segments.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    pub(super) fn so_far(&self) -> SearchWork {
        let load = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        SearchWork { segments: load(&self.segments), rows: load(&self.rows) }
    }
}

/// A candidate with what is needed to order it among those of other pieces.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    /// NULL sorts behind all numbers, NaN included.
    null: bool,
    distance: f64,
    row_id: u64,
    address: u64,
}

impl Search {
    /// The addresses of the nearest rows, nearest first.
    pub(super) async fn run(self) -> FusionResult<Vec<u64>> {
        if self.k == 0 {
            return Ok(Vec::new());
        }
        let search = Arc::new(self);
        let units = search.version.units();
        let pieces = futures::stream::iter(units.into_iter().map(|unit| {
            let search = Arc::clone(&search);
            async move { search.unit(unit).await }
        }));
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut found = pieces.buffer_unordered(search.threads.max(1));
        while let Some(piece) = found.try_next().await? {
            candidates.extend(piece);
        }
        candidates.sort_unstable_by(|a, b| {
            let neighbour = |c: &Candidate| Neighbour { distance: c.distance, row: c.row_id };
            a.null.cmp(&b.null).then_with(|| neighbour(a).cmp(&neighbour(b)))
        });
        candidates.truncate(search.k);
        Ok(candidates.into_iter().map(|candidate| candidate.address).collect())
    }

    /// The best candidates of one piece of the table.
    async fn unit(self: Arc<Self>, unit: Unit) -> FusionResult<Vec<Candidate>> {
        if unit.live_rows() == 0 {
            return Ok(Vec::new());
        }
        let allowed = match &self.filter {
            Some((filter, reads)) => {
                let bitmap = self.allowed(&unit, filter, reads).await?;
                if bitmap.is_empty() {
                    return Ok(Vec::new());
                }
                Some(bitmap)
            }
            None => None,
        };
        let row_ids = self.reader.row_ids(&unit).await.map_err(external)?;
        let vectors = match &self.query {
            Some(_) => self.reader.vectors(&unit, &self.column).await.map_err(external)?,
            None => None,
        };
        match (vectors, &self.query) {
            (Some(vectors), Some(query)) => {
                let same = vectors.dimensions() == query.len();
                let any = vectors.nulls().is_none_or(|nulls| nulls.null_count() < vectors.rows());
                if !same && any {
                    return Err(external(different(vectors.dimensions(), query.len())));
                }
                let search = Arc::clone(&self);
                let query = Arc::clone(query);
                let task = tokio::task::spawn_blocking(move || {
                    search.flat(&unit, &vectors, &query, allowed.as_ref(), &row_ids)
                });
                task.await.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))?
            }
            _ => self.scanned(&unit, allowed, &row_ids).await,
        }
    }

    /// The positions of the rows that the filter keeps.
    async fn allowed(
        &self,
        unit: &Unit,
        filter: &Filter,
        reads: &Reads,
    ) -> FusionResult<RoaringBitmap> {
        let mut bitmap = RoaringBitmap::new();
        let predicate = pruning::pruner(&filter.predicate, reads);
        let mut positions = Positions::of(unit);
        for morsel in read::morsels(vec![unit.clone()]) {
            let batches =
                read::scan(&self.reader, morsel, reads, predicate.clone(), self.batch_rows);
            let mut batches = batches.map_err(external);
            while let Some(batch) = batches.try_next().await? {
                self.check_cancelled()?;
                let mask = filter.predicate.evaluate(&batch)?.into_array(batch.num_rows())?;
                let mask: &BooleanArray = mask.as_boolean();
                let addresses = batch.column(batch.num_columns() - 1);
                let addresses: &UInt64Array = addresses.as_primitive::<UInt64Type>();
                for row in 0..batch.num_rows() {
                    if mask.is_valid(row)
                        && mask.value(row)
                        && let Some(position) = positions.find(addresses.value(row))
                    {
                        bitmap.insert(position);
                    }
                }
            }
        }
        Ok(bitmap)
    }

    fn check_cancelled(&self) -> FusionResult<()> {
        match self.cancelled.load(Ordering::Relaxed) {
            true => {
                let message = "canceling statement due to user request";
                Err(external(SqlError::new(SqlState::QUERY_CANCELED, message)))
            }
            false => Ok(()),
        }
    }

    /// Searches a flat array, on a thread that may block.
    fn flat(
        &self,
        unit: &Unit,
        vectors: &Vectors,
        query: &[f32],
        allowed: Option<&RoaringBitmap>,
        row_ids: &RowIdMap,
    ) -> FusionResult<Vec<Candidate>> {
        let deleted = unit.deleted();
        let nulls = vectors.nulls().filter(|nulls| nulls.null_count() > 0);
        // Rows that take part: those the filter keeps (never deleted ones), or all but the
        // deleted; and those with a vector.
        let mut null_rows = RoaringBitmap::new();
        if let Some(nulls) = nulls {
            let rows = (0..).take(nulls.len()).filter(|row| nulls.is_null(*row as usize));
            null_rows.extend(rows);
        }
        let only = allowed.map(|allowed| allowed - &null_rows);
        let except = nulls.map(|_| deleted | &null_rows);
        let selection = match (&only, &except) {
            (Some(only), _) => Selection::Only(only),
            (None, Some(except)) => Selection::Except(except),
            (None, None) if deleted.is_empty() => Selection::All,
            (None, None) => Selection::Except(deleted),
        };
        let rows = match selection {
            Selection::All => vectors.rows(),
            Selection::Only(only) => usize::try_from(only.len()).unwrap_or(usize::MAX),
            Selection::Except(except) => {
                vectors.rows().saturating_sub(usize::try_from(except.len()).unwrap_or(usize::MAX))
            }
        };
        self.work.add(rows);
        let mut top = TopK::new(self.k);
        self.chunks(vectors, query, selection, &mut top)?;
        let mut found: Vec<Candidate> = top
            .into_sorted()
            .into_iter()
            .filter_map(|neighbour| {
                let position = u32::try_from(neighbour.row).ok()?;
                Some(Candidate {
                    null: false,
                    distance: neighbour.distance,
                    row_id: row_ids.get(position),
                    address: unit.address(position),
                })
            })
            .collect();
        if found.len() < self.k && !null_rows.is_empty() {
            let live = match allowed {
                Some(allowed) => &null_rows & allowed,
                None => &null_rows - deleted,
            };
            found.extend(null_candidates(unit, &live, row_ids, self.k));
        }
        Ok(found)
    }

    /// Searches chunk by chunk, so that a cancelled statement does not go on for long.
    fn chunks(
        &self,
        vectors: &Vectors,
        query: &[f32],
        selection: Selection<'_>,
        top: &mut TopK,
    ) -> FusionResult<()> {
        let width = query.len();
        if !matches!(selection, Selection::All) || width == 0 {
            self.check_cancelled()?;
            search_flat(self.metric, query, vectors.values(), 0, selection, top);
            return Ok(());
        }
        let mut first = 0u64;
        for chunk in vectors.values().chunks(CHUNK_ROWS * width) {
            self.check_cancelled()?;
            search_flat(self.metric, query, chunk, first, Selection::All, top);
            first += CHUNK_ROWS as u64;
        }
        Ok(())
    }

    /// Vectors of several dimensions, or a NULL query: row by row.
    async fn scanned(
        &self,
        unit: &Unit,
        allowed: Option<RoaringBitmap>,
        row_ids: &RowIdMap,
    ) -> FusionResult<Vec<Candidate>> {
        let mut compared = 0;
        let mut top = TopK::new(self.k);
        let mut nulls = RoaringBitmap::new();
        let mut scan = Scan::of(Arc::from([self.column.clone()]));
        scan.address = true;
        scan.selection = allowed.map(Arc::new);
        scan.batch_rows = self.batch_rows;
        let mut batches = self.reader.scan(unit.clone(), Arc::new(scan)).map_err(external);
        let mut positions = Positions::of(unit);
        while let Some(batch) = batches.try_next().await? {
            self.check_cancelled()?;
            let addresses: &UInt64Array = batch.column(1).as_primitive::<UInt64Type>();
            for row in 0..batch.num_rows() {
                let Some(position) = positions.find(addresses.value(row)) else { continue };
                let vector = row_vector(batch.column(0), row);
                match (vector, &self.query) {
                    (Some(vector), Some(query)) => {
                        if vector.len() != query.len() {
                            return Err(external(different(vector.len(), query.len())));
                        }
                        let far = distance(self.metric, &vector, query);
                        top.push(far, u64::from(position));
                        compared += 1;
                    }
                    _ => {
                        nulls.insert(position);
                    }
                }
            }
        }
        let mut found: Vec<Candidate> = top
            .into_sorted()
            .into_iter()
            .filter_map(|neighbour| {
                let position = u32::try_from(neighbour.row).ok()?;
                Some(Candidate {
                    null: false,
                    distance: neighbour.distance,
                    row_id: row_ids.get(position),
                    address: unit.address(position),
                })
            })
            .collect();
        found.extend(null_candidates(unit, &nulls, row_ids, self.k));
        self.work.add(compared);
        Ok(found)
    }
}

/// Tells positions within a unit from addresses that come in the order of positions. Rows in
/// memory may be of several segments, so that their addresses have gaps.
struct Positions<'a> {
    unit: &'a Unit,
    next: u32,
}

impl<'a> Positions<'a> {
    fn of(unit: &'a Unit) -> Self {
        Self { unit, next: 0 }
    }

    fn find(&mut self, address: u64) -> Option<u32> {
        if let Unit::Object(_) = self.unit {
            return Some(split_address(address).1);
        }
        while self.next < self.unit.total_rows() {
            let position = self.next;
            self.next += 1;
            if self.unit.address(position) == address {
                return Some(position);
            }
        }
        None
    }
}

/// Rows whose distance is NULL: the first by row id.
fn null_candidates(
    unit: &Unit,
    positions: &RoaringBitmap,
    row_ids: &RowIdMap,
    k: usize,
) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = positions
        .iter()
        .map(|position| Candidate {
            null: true,
            distance: 0.0,
            row_id: row_ids.get(position),
            address: unit.address(position),
        })
        .collect();
    found.sort_unstable_by_key(|candidate| candidate.row_id);
    found.truncate(k);
    found
}

/// The vector of a row of a list array, whichever kind of list it is.
fn row_vector(array: &ArrayRef, row: usize) -> Option<Vec<f32>> {
    if array.is_null(row) {
        return None;
    }
    let values = match array.as_fixed_size_list_opt() {
        Some(list) => list.value(row),
        None => array.as_list_opt::<i32>()?.value(row),
    };
    Some(values.as_primitive_opt::<Float32Type>()?.values().to_vec())
}

fn different(left: usize, right: usize) -> SqlError {
    let message = format!("different vector dimensions {left} and {right}");
    SqlError::new(SqlState::DATA_EXCEPTION, message)
}

/// The numbers of a vector value; none for NULL.
pub(super) fn query_vector(value: &ScalarValue) -> Result<Option<Vec<f32>>> {
    if value.is_null() {
        return Ok(None);
    }
    let array = value.to_array().map_err(|error| SqlError::internal(error.to_string()))?;
    row_vector(&array, 0)
        .map(Some)
        .ok_or_else(|| SqlError::internal("a search for something that is not a vector"))
}

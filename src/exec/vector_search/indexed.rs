//! Search of one piece of a table through an index over its segment.
//!
//! A filter is asked in the cheapest way that is right: about the candidates that the index gives,
//! more of them as long as few pass; or about all rows, after which the index looks among those
//! that passed, or they are compared one by one. An index that gives fewer rows than are wanted
//! has the last word never: then all rows are compared.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result as FusionResult};

use super::filter::{Kept, SharedFilter};
use super::search::{Candidate, Search, cancelled, positions};
use super::within::Within;
use crate::base::{Result, SqlError};
use crate::exec::external;
use crate::exec::search_settings::Effort;
use crate::index::{IndexError, IndexKind, Neighbour, Part, Query, SearchOptions, Selection, TopK};
use crate::segment::{Column, IndexPart, ObjectUnit, RemotePart, Unit};

/// An index that a search may go through.
struct Way {
    part: Place,
    kind: IndexKind,
    cost: Cost,
    rows: u32,
    effort: Effort,
}

/// Where an index is.
enum Place {
    /// On this machine
    Here(Arc<Part>),
    /// Far away: it is read list by list
    Remote(Arc<RemotePart>),
}

/// Candidates of which a filter is asked at first, for each row that is wanted, and at least.
const CANDIDATES_FOR_EACH: usize = 4;
const CANDIDATES_MIN: usize = 48;
/// More than this many times the rows that are wanted for the share that passes: what is asked
/// for next should be enough.
const CANDIDATES_SLACK: f64 = 1.5;
/// A filter over this many rows costs about what one candidate of an index costs.
const ROWS_FOR_CANDIDATE: usize = 2_500;
/// Rows that are looked for at first where all within a distance are wanted, and of how many rows one
/// may be: with more of them, comparing all costs as much.
const WITHIN_AT_FIRST: usize = 64;
const ROWS_FOR_ONE_WITHIN: usize = 32;
/// Efforts are measured for so many rows (`index::calibrate`).
const CALIBRATED_ROWS: usize = 10;
/// Nanoseconds of a distance to a row that lies anywhere: the cache's, and each number's.
const EXACT_ROW_NS: f64 = 30.0;
/// What the memory adds where a segment's vectors are more than the processor's cache holds.
const MEMORY_ROW_NS: f64 = 300.0;
const CACHED_BYTES: f64 = (64 << 20) as f64;
const EXACT_NUMBER_NS: f64 = 0.3;
/// Nanoseconds of a row that is read from its segment, rather than found where it can be compared.
const READ_ROW_NS: f64 = 200.0;
/// What an element of two sparse vectors costs that are merged, in numbers.
const SPARSE_NUMBERS: f64 = 8.0;
/// Nanoseconds of one more candidate of a graph, each number's.
const GRAPH_NUMBER_NS: f64 = 15.0;
/// The same for a list that is probed, for each row and number.
const LIST_NUMBER_NS: f64 = 0.02;
/// An effort from which a search leaves its thread to others.
const EFFORT_INLINE_MAX: u32 = 512;

impl Search {
    /// The best candidates of a piece through an index; none where it has none that serves, or
    /// where comparing the rows is the better way.
    pub(super) async fn indexed(
        self: &Arc<Self>,
        unit: &Unit,
        query: &Arc<Query>,
    ) -> FusionResult<Option<Vec<Candidate>>> {
        let Unit::Object(object) = unit else { return Ok(None) };
        let Some(way) = self.way(object, query).await? else { return Ok(None) };
        let way = Arc::new(way);
        if let Some(within) = self.within.as_ref().filter(|_| self.k == usize::MAX) {
            return self.all_within(unit, object, &way, query, within).await;
        }
        match &self.filter {
            None => {
                let none = Arc::new(Allowed::ExceptDeleted);
                let effort = way.effort.effort;
                let nearest = self.through(&way, object, query, (self.k, effort), &none).await?;
                match nearest.len() < self.k {
                    true => Ok(None),
                    false => self.closest(unit, nearest).await.map(Some),
                }
            }
            Some(filter) => self.filtered(unit, object, &way, query, filter).await,
        }
    }

    /// An index over the searched column with the searched distance.
    async fn way(&self, unit: &ObjectUnit, query: &Query) -> FusionResult<Option<Way>> {
        let serves = |part: &&Arc<IndexPart>| {
            part.column == self.column.id
                && part.spec.metric == self.metric
                && part.spec.elements == query.elements()
                && part.spec.dimensions == query.dimensions()
                // What no index finds is wanted: it must have all rows.
                && (!self.takes_undefined || part.rows == unit.meta.rows)
        };
        let Some(part) = unit.indexes.iter().find(serves) else { return Ok(None) };
        if !self.settings.use_indexes {
            return Ok(None);
        }
        let open = match self.reader.open_index(part) {
            Some(open) => Place::Here(open),
            None => match self.open(unit, part).await.map_err(external)? {
                Some(open) => open,
                None => return Ok(None),
            },
        };
        let effort = self.settings.effort(&part.spec.kind, part.calibration.as_ref());
        Ok(Some(Way {
            part: open,
            kind: part.spec.kind.clone(),
            cost: Cost::of(query, &self.column),
            rows: unit.meta.rows,
            effort,
        }))
    }

    async fn open(&self, unit: &ObjectUnit, part: &Arc<IndexPart>) -> Result<Option<Place>> {
        let reader = &self.reader;
        if let Some(remote) = reader.remote_index(unit, part, &self.column).await? {
            return Ok(Some(Place::Remote(remote)));
        }
        Ok(reader.index(unit, part, &self.column).await?.map(Place::Here))
    }

    /// The nearest rows that the index finds among those that are allowed; fewer than wanted where it
    /// finds no more.
    async fn through(
        self: &Arc<Self>,
        way: &Arc<Way>,
        unit: &ObjectUnit,
        query: &Arc<Query>,
        (k, effort): (usize, u32),
        allowed: &Arc<Allowed>,
    ) -> FusionResult<TopK> {
        self.check_cancelled()?;
        if let Place::Remote(remote) = &way.part {
            let options = self.options(way, unit, (k, effort), allowed);
            return self.through_remote(remote, unit, query, options, way.effort.recall).await;
        }
        if effort <= EFFORT_INLINE_MAX {
            return self.look(way, unit, query, (k, effort), allowed);
        }
        let search = Arc::clone(self);
        let (way, unit, query) = (Arc::clone(way), unit.clone(), Arc::clone(query));
        let allowed = Arc::clone(allowed);
        let look = move || search.look(&way, &unit, &query, (k, effort), &allowed);
        let looked = tokio::task::spawn_blocking(look).await;
        looked.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))?
    }

    fn look(
        &self,
        way: &Way,
        unit: &ObjectUnit,
        query: &Query,
        (k, effort): (usize, u32),
        allowed: &Allowed,
    ) -> FusionResult<TopK> {
        let mut nearest = TopK::new(k);
        let Place::Here(part) = &way.part else { return Ok(nearest) };
        let options = self.options(way, unit, (k, effort), allowed);
        let work = part.search(query, &options, &mut nearest).map_err(failed)?;
        self.work.indexed(work.distances, way.effort.recall);
        Ok(nearest)
    }

    fn options<'a>(
        &'a self,
        way: &Way,
        unit: &'a ObjectUnit,
        (k, effort): (usize, u32),
        allowed: &'a Allowed,
    ) -> SearchOptions<'a> {
        let selection = match allowed {
            Allowed::Only(kept) => Selection::Bits(&kept.bits, kept.rows.len()),
            Allowed::ExceptDeleted if unit.deleted.is_empty() => Selection::All,
            Allowed::ExceptDeleted => Selection::Except(&unit.deleted),
        };
        SearchOptions {
            k,
            effort,
            refine: way.effort.refine,
            first_row: 0,
            selection,
            cancelled: &self.cancelled,
        }
    }

    /// The same with a filter.
    async fn filtered(
        self: &Arc<Self>,
        unit: &Unit,
        object: &ObjectUnit,
        way: &Arc<Way>,
        query: &Arc<Query>,
        (filter, reads): &SharedFilter,
    ) -> FusionResult<Option<Vec<Candidate>>> {
        let live = Arc::new(Allowed::ExceptDeleted);
        let most = object.meta.rows as usize / ROWS_FOR_CANDIDATE;
        let mut wanted = (self.k.saturating_mul(CANDIDATES_FOR_EACH)).max(CANDIDATES_MIN);
        while wanted <= most {
            let effort = way.effort_for(wanted, self.k);
            let nearest = self.through(way, object, query, (wanted, effort), &live).await?;
            let mut nearest = nearest.into_sorted();
            let found = nearest.len();
            nearest.truncate(self.near_enough(&nearest)?);
            let kept = self.kept(unit, &nearest).await?;
            if kept.len() >= self.k || nearest.len() < found {
                return self.closest(unit, kept).await.map(Some);
            }
            if found < wanted {
                break;
            }
            wanted = next(wanted, kept.len(), self.k);
        }
        let allowed = self.allowed(unit, filter, reads).await?;
        if allowed.rows.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let count = allowed.rows.len();
        if way.is_exact_cheaper(count) || count <= self.k as u64 {
            return Arc::clone(self).exact(unit.clone(), Some(allowed.rows)).await.map(Some);
        }
        let effort = way.effort_among(count);
        let only = Arc::new(Allowed::Only(allowed));
        let nearest = self.through(way, object, query, (self.k, effort), &only).await?;
        if nearest.len() < self.k {
            let Allowed::Only(allowed) = &*only else { return Ok(None) };
            let rows = allowed.rows.clone();
            return Arc::clone(self).exact(unit.clone(), Some(rows)).await.map(Some);
        }
        self.closest(unit, nearest).await.map(Some)
    }

    /// How many of the nearest rows are within the wanted distance, none behind them being. Where
    /// vectors are compared otherwise in the end, that isn't known yet.
    fn near_enough(&self, nearest: &[Neighbour]) -> FusionResult<usize> {
        match self.within.as_ref().filter(|_| !self.rounds()) {
            Some(within) => within.count(nearest),
            None => Ok(nearest.len()),
        }
    }

    /// Those rows of an index that the filter keeps; all where there is none.
    async fn kept(&self, unit: &Unit, nearest: &[Neighbour]) -> FusionResult<TopK> {
        let keeps = match &self.filter {
            Some((filter, reads)) if !nearest.is_empty() => {
                self.keeps(unit, filter, reads, &positions(nearest)).await?
            }
            _ => vec![true; nearest.len()],
        };
        let mut kept = TopK::new(self.k);
        for (neighbour, _) in nearest.iter().zip(keeps).filter(|(_, keep)| *keep) {
            kept.push(neighbour.distance, neighbour.row);
        }
        Ok(kept)
    }

    /// All rows within a distance: more and more of the nearest, until some are farther. Only where the
    /// session says which share of the rows will do: all others get all rows.
    async fn all_within(
        self: &Arc<Self>,
        unit: &Unit,
        object: &ObjectUnit,
        way: &Arc<Way>,
        query: &Arc<Query>,
        within: &Within,
    ) -> FusionResult<Option<Vec<Candidate>>> {
        if self.settings.recall_target.is_none_or(|target| target >= 1.0) || self.rounds() {
            return Ok(None);
        }
        let live = Arc::new(Allowed::ExceptDeleted);
        let most = object.meta.rows as usize / ROWS_FOR_ONE_WITHIN;
        let mut wanted = WITHIN_AT_FIRST;
        while wanted <= most {
            let effort = way.effort_for(wanted, CALIBRATED_ROWS);
            let nearest = self.through(way, object, query, (wanted, effort), &live).await?;
            let mut nearest = nearest.into_sorted();
            let found = nearest.len();
            nearest.truncate(within.count(&nearest)?);
            if nearest.len() < found {
                let kept = self.kept(unit, &nearest).await?;
                return self.closest(unit, kept).await.map(Some);
            }
            if found < wanted {
                break;
            }
            wanted *= 4;
        }
        Ok(None)
    }

    /// What an index found, as candidates.
    async fn closest(&self, unit: &Unit, nearest: TopK) -> FusionResult<Vec<Candidate>> {
        let nearest = self.rounded(unit, nearest).await?;
        self.candidates(unit, nearest).await
    }
}

/// How many times as many lists hold the nearest rows when only a share of all may be found. Measured
/// with a million rows and a recall of 0.95: twice as many were enough for a tenth (0.99 where it was
/// chosen independently of the vectors, 0.96 where it went with them); four times as many for a hundredth
/// of the first kind (0.97), and not quite for one of the second (0.92).
fn deeper(share: f64) -> f64 {
    share.powf(-0.4)
}

/// Rows among which an index looks.
enum Allowed {
    ExceptDeleted,
    Only(Kept),
}

/// How many candidates to ask for next.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an estimate, far below the precision's end"
)]
fn next(wanted: usize, passing: usize, k: usize) -> usize {
    let share = passing.max(1) as f64 / wanted as f64;
    let enough = (k as f64 / share * CANDIDATES_SLACK) as usize;
    enough.max(wanted.saturating_mul(2))
}

/// What comparing costs.
#[derive(Clone, Copy)]
struct Cost {
    /// Numbers that an index reads for a distance.
    numbers: f64,
    /// Nanoseconds of comparing a row without it.
    exact_row: f64,
}

#[expect(clippy::cast_precision_loss, reason = "an estimate, far below the precision's end")]
impl Cost {
    fn of(query: &Query, column: &Column) -> Self {
        let dimensions = query.dimensions() as f64;
        let flat = EXACT_ROW_NS + EXACT_NUMBER_NS * dimensions;
        match query {
            Query::Numbers(_) => Self { numbers: dimensions, exact_row: flat },
            Query::Bits { .. } => Self {
                numbers: dimensions / f64::from(u32::BITS),
                exact_row: match column.data_type() {
                    DataType::LargeBinary => READ_ROW_NS + flat / f64::from(u32::BITS),
                    _ => flat,
                },
            },
            Query::Sparse { places, .. } => {
                let numbers = places.len() as f64 * SPARSE_NUMBERS;
                Self { numbers, exact_row: READ_ROW_NS + EXACT_NUMBER_NS * numbers }
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate, far below the precision's end")]
impl Way {
    /// The effort that finds so many candidates as well as it finds `k`.
    fn effort_for(&self, wanted: usize, k: usize) -> u32 {
        let deeper = wanted as f64 / k.max(1) as f64;
        let effort = f64::from(self.effort.effort);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        match self.kind {
            IndexKind::Hnsw { .. } => effort.max(wanted as f64).min(1e6) as u32,
            IndexKind::IvfFlat { .. } | IndexKind::Redkite { .. } => {
                (effort * deeper.sqrt()).ceil().min(1e6) as u32
            }
        }
    }

    /// The effort that finds as much when only so many rows may be found: lists further away hold
    /// some of the nearest then. A graph's search goes on by itself until enough were let through.
    fn effort_among(&self, allowed: u64) -> u32 {
        let share = allowed as f64 / f64::from(self.rows.max(1));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        match self.kind {
            IndexKind::Hnsw { .. } => self.effort.effort,
            IndexKind::IvfFlat { .. } | IndexKind::Redkite { .. } => {
                (f64::from(self.effort.effort) * deeper(share)).ceil().min(1e6) as u32
            }
        }
    }

    /// Whether comparing that many rows costs less than finding them through the index.
    fn is_exact_cheaper(&self, allowed: u64) -> bool {
        let Cost { numbers, exact_row } = self.cost;
        let bytes = f64::from(self.rows) * numbers * size_of::<f32>() as f64;
        let memory = if bytes > CACHED_BYTES { MEMORY_ROW_NS } else { 0.0 };
        let exact = allowed as f64 * (exact_row + memory);
        let share = allowed as f64 / f64::from(self.rows.max(1));
        let effort = f64::from(self.effort.effort);
        let through = match self.kind {
            IndexKind::Hnsw { .. } => effort / share * GRAPH_NUMBER_NS * numbers,
            IndexKind::IvfFlat { .. } | IndexKind::Redkite { .. } => {
                let list = f64::from(self.rows).sqrt();
                effort * list * deeper(share) * LIST_NUMBER_NS * numbers
            }
        };
        exact <= through
    }
}

pub(super) fn failed(error: IndexError) -> DataFusionError {
    match error {
        IndexError::Cancelled => cancelled(),
        error => external(SqlError::internal(format!("searching an index: {error}"))),
    }
}

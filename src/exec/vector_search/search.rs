//! The search itself: each piece of the table gives its best candidates, found through an index or
//! by comparing all, and the winners of all pieces are merged by distance, then by row id.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::common::DataFusionError;
use datafusion::common::Result as FusionResult;
use futures::TryStreamExt;
use futures::stream::{self, StreamExt};
use roaring::RoaringBitmap;

use super::filter::Filter;
use super::row::cast_query;
use super::within::Within;
use super::work::Work;
use crate::base::limits::BATCH_ROWS;
use crate::base::{Result, SqlError, SqlState};
use crate::exec::external;
use crate::exec::search_settings::SearchSettings;
use crate::exec::source::Reads;
use crate::index::{Metric, Neighbour, Query, TopK, distance};
use crate::segment::{Column, Reader, TableVersion, Unit, Vectors};
use crate::types::{PgType, dimensions_differ, to_halves};

/// One search, bound to a snapshot.
pub(super) struct Search {
    pub(super) reader: Arc<Reader>,
    pub(super) version: Arc<TableVersion>,
    pub(super) column: Column,
    /// What its vectors are cast to before they are compared.
    pub(super) cast: Option<PgType>,
    pub(super) metric: Metric,
    /// None is NULL, from which every distance is NULL.
    pub(super) query: Option<Arc<Query>>,
    /// `usize::MAX`: all that `within` takes.
    pub(super) k: usize,
    pub(super) within: Option<Within>,
    /// Rows whose distance is no number may be among the winners though others are left out.
    pub(super) takes_undefined: bool,
    /// Rows without a distance, and then those where it is no number, come first.
    pub(super) unset_first: bool,
    pub(super) filter: Option<(Arc<Filter>, Reads)>,
    pub(super) settings: SearchSettings,
    pub(super) cancelled: Arc<AtomicBool>,
    pub(super) work: Arc<Work>,
    pub(super) threads: usize,
    pub(super) batch_rows: usize,
}

/// A candidate with what is needed to order it among those of other pieces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// NULL sorts behind all numbers, NaN included.
    pub(super) null: bool,
    pub(super) distance: f64,
    pub(super) row_id: u64,
    pub(super) address: u64,
}

impl Search {
    /// The addresses of the nearest rows, nearest first.
    pub(super) async fn run(self) -> FusionResult<Vec<u64>> {
        let candidates = self.nearest().await?;
        Ok(candidates.into_iter().map(|candidate| candidate.address).collect())
    }

    /// The nearest rows, nearest first.
    async fn nearest(self) -> FusionResult<Vec<Candidate>> {
        if self.k == 0 || self.within.is_some() && self.query.is_none() {
            return Ok(Vec::new());
        }
        let search = Arc::new(self);
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut units = search.version.units();
        if units.len() == 1
            && let Some(unit) = units.pop()
        {
            candidates = Arc::clone(&search).unit(unit).await?;
        } else {
            let pieces = stream::iter(units.into_iter().map(|unit| {
                let search = Arc::clone(&search);
                async move { search.unit(unit).await }
            }));
            let mut found = pieces.buffer_unordered(search.threads.max(1));
            while let Some(piece) = found.try_next().await? {
                candidates.extend(piece);
            }
        }
        if let Some(within) = &search.within {
            candidates.retain(|candidate| !candidate.null);
            within.retain(&mut candidates, |candidate| candidate.distance)?;
        }
        candidates.sort_unstable_by(|a, b| {
            let neighbour = |c: &Candidate| Neighbour { distance: c.distance, row: c.row_id };
            let unset = |c: &Candidate| (c.null, search.unset_first && c.distance.is_nan());
            let order = match search.unset_first {
                true => unset(b).cmp(&unset(a)),
                false => unset(a).cmp(&unset(b)),
            };
            order.then_with(|| neighbour(a).cmp(&neighbour(b)))
        });
        candidates.truncate(search.k);
        Ok(candidates)
    }

    /// The best candidates of one piece of the table.
    async fn unit(self: Arc<Self>, unit: Unit) -> FusionResult<Vec<Candidate>> {
        if unit.live_rows() == 0 {
            return Ok(Vec::new());
        }
        if let Some(query) = &self.query
            && let Some(found) = self.indexed(&unit, query).await?
        {
            return Ok(found);
        }
        let allowed = match &self.filter {
            Some((filter, reads)) => {
                let bitmap = self.allowed(&unit, filter, reads).await?.rows;
                if bitmap.is_empty() {
                    return Ok(Vec::new());
                }
                Some(bitmap)
            }
            None => None,
        };
        self.exact(unit, allowed).await
    }

    /// The best candidates of those rows of a piece that the filter keeps, by comparing all.
    pub(super) async fn exact(
        self: Arc<Self>,
        unit: Unit,
        allowed: Option<RoaringBitmap>,
    ) -> FusionResult<Vec<Candidate>> {
        let Some(query) = self.flat_query() else { return self.scanned(&unit, allowed).await };
        let Some(vectors) = self.vectors(&unit, &query).await? else {
            return self.scanned(&unit, allowed).await;
        };
        let search = Arc::clone(&self);
        let (piece, rows) = (unit.clone(), allowed.clone());
        let flat = move || search.flat(&piece, &vectors, &query, rows.as_ref());
        let found = tokio::task::spawn_blocking(flat)
            .await
            .map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))??;
        let are_wanted =
            self.within.is_none() && (self.unset_first || found.nearest.len() < self.k);
        let nulls = if are_wanted { found.nulls } else { RoaringBitmap::new() };
        let mut candidates = self.candidates(&unit, found.nearest).await?;
        // These come from the bitmap, all of them.
        candidates.retain(|candidate| !(self.takes_undefined && candidate.distance.is_nan()));
        candidates.extend(self.unset(&unit, &nulls, true).await?);
        candidates.extend(self.unset(&unit, &found.undefined, false).await?);
        Ok(candidates)
    }

    /// What the numbers of a column of vectors are compared with, bits as ones and zeros; none for other
    /// columns, and for NULL.
    fn flat_query(&self) -> Option<Vec<f32>> {
        let column = PgType::of_field(&self.column.field);
        let are_numbers = matches!(column, PgType::Vector(_) | PgType::Halfvec(_));
        self.query.as_ref().filter(|_| are_numbers)?.to_numbers()
    }

    /// The vectors of a piece; none where they don't have one dimension.
    pub(super) async fn vectors(
        &self,
        unit: &Unit,
        query: &[f32],
    ) -> FusionResult<Option<Arc<Vectors>>> {
        let vectors = self.reader.vectors(unit, &self.column).await.map_err(external)?;
        if let Some(bits) = self.cast_bits() {
            // The cast takes vectors of any length: those of another are for a scan.
            let fit = |vectors: &Arc<Vectors>| [vectors.dimensions(), query.len()] == [bits, bits];
            return Ok(vectors.filter(fit));
        }
        if let Some(vectors) = &vectors {
            let same = vectors.dimensions() == query.len();
            let any = vectors.nulls().is_none_or(|nulls| nulls.null_count() < vectors.rows());
            if any {
                self.check_cast(vectors.dimensions()).map_err(external)?;
            }
            if !same && any {
                return Err(external(self.different(vectors.dimensions(), query.len())));
            }
        }
        Ok(vectors)
    }

    /// Rows of a piece by position, as candidates.
    pub(super) async fn candidates(
        &self,
        unit: &Unit,
        nearest: TopK,
    ) -> FusionResult<Vec<Candidate>> {
        let nearest = nearest.into_sorted();
        let positions = positions(&nearest);
        let ids = self.reader.row_ids_at(unit, &positions).await.map_err(external)?;
        let rows = nearest.into_iter().zip(positions).zip(ids);
        Ok(rows
            .map(|((neighbour, position), row_id)| Candidate {
                null: false,
                distance: neighbour.distance,
                row_id,
                address: unit.address(position),
            })
            .collect())
    }

    /// Rows whose distance is NULL, or no number: the first by row id.
    pub(super) async fn unset(
        &self,
        unit: &Unit,
        rows: &RoaringBitmap,
        null: bool,
    ) -> FusionResult<Vec<Candidate>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let positions: Vec<u32> = rows.iter().collect();
        let ids = self.reader.row_ids_at(unit, &positions).await.map_err(external)?;
        let candidate = |(position, row_id)| Candidate {
            null,
            distance: if null { 0.0 } else { f64::NAN },
            row_id,
            address: unit.address(position),
        };
        let mut found: Vec<Candidate> = positions.into_iter().zip(ids).map(candidate).collect();
        found.sort_unstable_by_key(|candidate| candidate.row_id);
        found.truncate(self.k);
        Ok(found)
    }

    /// The type whose values are compared.
    fn ty(&self) -> PgType {
        self.cast.clone().unwrap_or_else(|| PgType::of_field(&self.column.field))
    }

    /// Whether vectors are rounded to halves before they are compared.
    pub(super) fn rounds(&self) -> bool {
        let column = PgType::of_field(&self.column.field);
        matches!((column, self.ty()), (PgType::Vector(_), PgType::Halfvec(_)))
    }

    /// How many bits the column is cast to, if it is.
    pub(super) fn cast_bits(&self) -> Option<usize> {
        match self.cast {
            Some(PgType::Bit(Some(bits))) => usize::try_from(bits).ok(),
            _ => None,
        }
    }

    /// Refuses what the cast refuses.
    pub(super) fn check_cast(&self, found: usize) -> Result<()> {
        match &self.cast {
            Some(PgType::Vector(Some(wanted)) | PgType::Halfvec(Some(wanted)))
                if usize::from(*wanted) != found =>
            {
                Err(dimensions_differ(usize::from(*wanted), found))
            }
            _ => Ok(()),
        }
    }

    /// Candidates of an index, which is over the column's own numbers, by what is compared.
    pub(super) async fn rounded(&self, unit: &Unit, nearest: TopK) -> FusionResult<TopK> {
        let Some(query) = self.flat_query().filter(|_| self.rounds()) else {
            return Ok(nearest);
        };
        let Some(vectors) = self.vectors(unit, &query).await? else { return Ok(nearest) };
        let mut rounded = TopK::new(self.k);
        for neighbour in nearest.into_sorted() {
            let row = usize::try_from(neighbour.row).unwrap_or(usize::MAX);
            let Some(vector) = vectors.vector(row) else { continue };
            let halves = to_halves(vector).map_err(external)?;
            rounded.push(distance(self.metric, &halves, &query), neighbour.row);
        }
        Ok(rounded)
    }

    /// The error for a query of other dimensions than a row's.
    pub(super) fn different(&self, left: usize, right: usize) -> SqlError {
        let message = match self.ty() {
            PgType::Bit(_) => format!("different bit lengths {left} and {right}"),
            ty => format!("different {} dimensions {left} and {right}", ty.name()),
        };
        SqlError::new(SqlState::DATA_EXCEPTION, message)
    }

    pub(super) fn check_cancelled(&self) -> FusionResult<()> {
        match self.cancelled.load(Ordering::Relaxed) {
            true => Err(cancelled()),
            false => Ok(()),
        }
    }
}

/// What a search goes through.
#[derive(Clone, Copy, Debug)]
pub struct Searched<'a> {
    /// The column.
    pub column: &'a Column,
    /// What it is cast to before it is compared.
    pub cast: Option<&'a PgType>,
    /// The distance.
    pub metric: Metric,
}

/// What searches for some rows' own vectors are for: rows by address, those left out that have none.
///
/// # Errors
/// When rows can't be read.
pub async fn queries_of_rows(
    reader: &Reader,
    version: &TableVersion,
    searched: Searched<'_>,
    addresses: &[u64],
) -> Result<Vec<Query>> {
    let columns = std::slice::from_ref(searched.column);
    let rows = reader.take(version, addresses, columns).await?;
    let query = |row| cast_query(rows.column(0), row, searched.cast);
    Ok((0..rows.num_rows()).filter_map(query).collect())
}

/// How far the `k` nearest rows of a table are from a query, nearest first; rows without a distance
/// are left out.
///
/// # Errors
/// When vectors can't be read, or the query has another dimension.
pub async fn nearest_distances(
    reader: &Arc<Reader>,
    version: &Arc<TableVersion>,
    searched: Searched<'_>,
    query: Query,
    k: usize,
    settings: SearchSettings,
) -> Result<Vec<f64>> {
    let search = Search {
        reader: Arc::clone(reader),
        version: Arc::clone(version),
        column: searched.column.clone(),
        cast: searched.cast.cloned(),
        metric: searched.metric,
        query: Some(Arc::new(query)),
        k,
        within: None,
        takes_undefined: false,
        unset_first: false,
        filter: None,
        settings,
        cancelled: Arc::default(),
        work: Arc::default(),
        threads: 1,
        batch_rows: BATCH_ROWS,
    };
    let found = search.nearest().await.map_err(sql_error)?;
    Ok(found.into_iter().filter(|row| !row.null).map(|row| row.distance).collect())
}

/// The error of ours that DataFusion hands on.
fn sql_error(error: DataFusionError) -> SqlError {
    match error {
        DataFusionError::External(inner) => match inner.downcast::<SqlError>() {
            Ok(error) => *error,
            Err(other) => SqlError::internal(other.to_string()),
        },
        other => SqlError::internal(other.to_string()),
    }
}

/// The positions of rows of a piece.
pub(super) fn positions(nearest: &[Neighbour]) -> Vec<u32> {
    nearest.iter().map(|neighbour| u32::try_from(neighbour.row).unwrap_or(u32::MAX)).collect()
}

pub(super) fn cancelled() -> DataFusionError {
    let message = "canceling statement due to user request";
    external(SqlError::new(SqlState::QUERY_CANCELED, message))
}

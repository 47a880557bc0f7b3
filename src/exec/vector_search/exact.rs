//! Exact search of one piece of a table: all rows that the filter keeps are compared with the query.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray, UInt64Array};
use datafusion::arrow::datatypes::UInt64Type;
use datafusion::common::Result as FusionResult;
use futures::TryStreamExt;
use roaring::RoaringBitmap;

use super::search::{Candidate, Search};
use crate::exec::external;
use crate::index::{Metric, Neighbour, Selection, TopK, search_flat};
use crate::segment::{Scan, Unit, Vectors, split_address};

/// Vectors that are searched between two looks at the cancel flag.
const CHUNK_ROWS: usize = 16_384;

/// What a piece has.
pub(super) struct Found {
    /// The nearest rows, by position.
    pub(super) nearest: TopK,
    /// Rows that take part and have no vector.
    pub(super) nulls: RoaringBitmap,
    /// Rows whose distance is no number, where those are wanted apart.
    pub(super) undefined: RoaringBitmap,
}

impl Search {
    /// Searches a flat array, on a thread that may block.
    pub(super) fn flat(
        &self,
        unit: &Unit,
        vectors: &Vectors,
        query: &[f32],
        allowed: Option<&RoaringBitmap>,
    ) -> FusionResult<Found> {
        let rounded = match self.rounds() {
            true => Some(vectors.to_halves().map_err(external)?),
            false => None,
        };
        let vectors = rounded.as_ref().unwrap_or(vectors);
        let deleted = unit.deleted();
        let null_rows = null_rows(vectors);
        // Rows that take part: those the filter keeps (never deleted ones), or all but the
        // deleted; and those with a vector.
        let only = allowed.map(|allowed| allowed - &null_rows);
        let except = (!null_rows.is_empty()).then(|| deleted | &null_rows);
        let selection = match (&only, &except) {
            (Some(only), _) => Selection::Only(only),
            (None, Some(except)) => Selection::Except(except),
            (None, None) if deleted.is_empty() => Selection::All,
            (None, None) => Selection::Except(deleted),
        };
        let rows = match selection {
            Selection::All => vectors.rows(),
            Selection::Only(only) => usize::try_from(only.len()).unwrap_or(usize::MAX),
            Selection::Bits(_, count) => usize::try_from(count).unwrap_or(usize::MAX),
            Selection::Except(except) => {
                vectors.rows().saturating_sub(usize::try_from(except.len()).unwrap_or(usize::MAX))
            }
        };
        self.work.exact(rows);
        let mut nearest = TopK::new(self.k);
        self.chunks(vectors, query, selection, &mut nearest)?;
        let nulls = match allowed {
            Some(allowed) => &null_rows & allowed,
            None => &null_rows - deleted,
        };
        let undefined = match self.takes_undefined && self.metric == Metric::Cosine {
            true => self.undefined(vectors, query, selection),
            false => RoaringBitmap::new(),
        };
        Ok(Found { nearest, nulls, undefined })
    }

    /// The rows that have no angle to the query: where it or the vector is zero.
    fn undefined(
        &self,
        vectors: &Vectors,
        query: &[f32],
        selection: Selection<'_>,
    ) -> RoaringBitmap {
        let is_zero = |vector: &[f32]| vector.iter().all(|number| *number == 0.0);
        let all = is_zero(query);
        let none = |row: &u32| all || vectors.vector(*row as usize).is_some_and(is_zero);
        let rows = u32::try_from(vectors.rows()).unwrap_or(u32::MAX);
        match selection {
            Selection::All => (0..rows).filter(none).collect(),
            Selection::Only(only) => only.iter().filter(none).collect(),
            Selection::Except(_) | Selection::Bits(..) => {
                (0..rows).filter(|row| selection.takes(*row)).filter(none).collect()
            }
        }
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
            return self.compare(query, vectors.values(), 0, selection, top);
        }
        let mut first = 0u64;
        for chunk in vectors.values().chunks(CHUNK_ROWS * width) {
            self.compare(query, chunk, first, Selection::All, top)?;
            first += CHUNK_ROWS as u64;
        }
        Ok(())
    }

    /// Compares some rows with the query.
    fn compare(
        &self,
        query: &[f32],
        data: &[f32],
        first: u64,
        selection: Selection<'_>,
        top: &mut TopK,
    ) -> FusionResult<()> {
        self.check_cancelled()?;
        match self.within.as_ref().filter(|_| self.k == usize::MAX) {
            None => search_flat(self.metric, query, data, first, selection, top),
            Some(within) => {
                let mut all: Vec<Neighbour> = Vec::new();
                search_flat(self.metric, query, data, first, selection, &mut all);
                within.retain(&mut all, |neighbour| neighbour.distance)?;
                all.iter().for_each(|neighbour| top.push(neighbour.distance, neighbour.row));
            }
        }
        Ok(())
    }

    /// Row by row: vectors of several dimensions, bits, sparse vectors, or a NULL query.
    pub(super) async fn scanned(
        &self,
        unit: &Unit,
        allowed: Option<RoaringBitmap>,
    ) -> FusionResult<Vec<Candidate>> {
        let mut compared = 0;
        let mut top = TopK::new(self.k);
        let (mut nulls, mut undefined) = (RoaringBitmap::new(), RoaringBitmap::new());
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
                match self.compared(batch.column(0), row).map_err(external)? {
                    Some(far) => {
                        match self.takes_undefined && far.is_nan() {
                            true => drop(undefined.insert(position)),
                            false => top.push(far, u64::from(position)),
                        }
                        compared += 1;
                    }
                    None => {
                        nulls.insert(position);
                    }
                }
            }
        }
        self.work.exact(compared);
        let mut found = self.candidates(unit, top).await?;
        found.extend(self.unset(unit, &nulls, true).await?);
        found.extend(self.unset(unit, &undefined, false).await?);
        Ok(found)
    }
}

/// The rows without a vector.
pub(super) fn null_rows(vectors: &Vectors) -> RoaringBitmap {
    let Some(nulls) = vectors.nulls().filter(|nulls| nulls.null_count() > 0) else {
        return RoaringBitmap::new();
    };
    (0..).take(nulls.len()).filter(|row| nulls.is_null(*row as usize)).collect()
}

/// Tells positions within a unit from addresses that come in the order of positions. Rows in
/// memory may be of several segments, so that their addresses have gaps.
pub(super) struct Positions<'a> {
    unit: &'a Unit,
    next: u32,
}

impl<'a> Positions<'a> {
    pub(super) fn of(unit: &'a Unit) -> Self {
        Self { unit, next: 0 }
    }

    pub(super) fn find(&mut self, address: u64) -> Option<u32> {
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

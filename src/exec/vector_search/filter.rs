//! Which rows of a piece a search's filter keeps: all of them as a bitmap, or a few by position.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, BooleanArray, UInt64Array};
use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::arrow::datatypes::UInt64Type;
use datafusion::arrow::util::bit_mask::set_bits;
use datafusion::common::Result as FusionResult;
use futures::TryStreamExt;
use roaring::RoaringBitmap;

use super::exact::Positions;
use super::search::Search;
use crate::exec::source::{Filter, Reads};
use crate::exec::{external, pruning, read};
use crate::segment::Unit;

impl Search {
    /// The positions of the rows that the filter keeps.
    pub(super) async fn allowed(
        &self,
        unit: &Unit,
        filter: &Filter,
        reads: &Reads,
    ) -> FusionResult<RoaringBitmap> {
        let mut bits = Bits::of(unit.total_rows());
        let predicate = pruning::pruner(&filter.predicate, reads);
        // Where no row is left out, a batch's rows are those behind the last one's.
        let in_order = Reads { address: false, ..reads.clone() };
        let mut positions = Positions::of(unit);
        for morsel in read::morsels(vec![unit.clone()]) {
            let mut next = morsel
                .positions()
                .filter(|positions| unit.deleted().range_cardinality(positions.clone()) == 0);
            let reads = if next.is_some() { &in_order } else { reads };
            let batches =
                read::scan(&self.reader, morsel, reads, predicate.clone(), self.batch_rows);
            let mut batches = batches.map_err(external);
            while let Some(batch) = batches.try_next().await? {
                self.check_cancelled()?;
                self.work.filtered(batch.num_rows());
                let mask = filter.predicate.evaluate(&batch)?.into_array(batch.num_rows())?;
                let kept = kept(mask.as_boolean());
                if let Some(next) = &mut next {
                    bits.put(next.start, &kept);
                    next.start += u32::try_from(kept.len()).unwrap_or(u32::MAX);
                    continue;
                }
                let addresses = batch.column(batch.num_columns() - 1);
                let addresses: &UInt64Array = addresses.as_primitive::<UInt64Type>();
                for row in kept.set_indices() {
                    if let Some(position) = positions.find(addresses.value(row)) {
                        bits.set(position);
                    }
                }
            }
        }
        Ok(bits.into_bitmap())
    }

    /// Those of a few rows that the filter keeps, in the order in which they come.
    pub(super) async fn keeps(
        &self,
        unit: &Unit,
        filter: &Filter,
        reads: &Reads,
        positions: &[u32],
    ) -> FusionResult<Vec<bool>> {
        let addresses: Vec<u64> =
            positions.iter().map(|position| unit.address(*position)).collect();
        // The predicate's columns alone: the addresses are known, and are no part of their schema.
        let reads = Reads { address: false, ..reads.clone() };
        let batch = read::take(&self.reader, &self.version, &addresses, &reads).await;
        let batch = batch.map_err(external)?;
        self.work.filtered(batch.num_rows());
        let mask = filter.predicate.evaluate(&batch)?.into_array(batch.num_rows())?;
        let mask: &BooleanArray = mask.as_boolean();
        Ok((0..mask.len()).map(|row| mask.is_valid(row) && mask.value(row)).collect())
    }
}

/// The rows for which a predicate is true.
fn kept(mask: &BooleanArray) -> BooleanBuffer {
    match mask.nulls() {
        Some(nulls) => mask.values() & nulls.inner(),
        None => mask.values().clone(),
    }
}

/// A bit for each position of a unit: written in order faster than a compressed bitmap is.
struct Bits(Vec<u8>);

impl Bits {
    fn of(rows: u32) -> Self {
        Self(vec![0; rows.div_ceil(8) as usize])
    }

    fn set(&mut self, position: u32) {
        if let Some(byte) = self.0.get_mut(position as usize / 8) {
            *byte |= 1 << (position % 8);
        }
    }

    /// Writes the bits of positions from `first` on.
    fn put(&mut self, first: u32, kept: &BooleanBuffer) {
        let place = first as usize;
        set_bits(&mut self.0, kept.values(), place, kept.offset(), kept.len());
    }

    fn into_bitmap(self) -> RoaringBitmap {
        RoaringBitmap::from_lsb0_bytes(0, &self.0)
    }
}

/// A filter that a search may share between threads.
pub(super) type SharedFilter = (Arc<Filter>, Reads);

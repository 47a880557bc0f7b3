//! Which rows of a piece a search's filter keeps: all of them as a bitmap, or a few by position.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, BooleanArray, RecordBatch, UInt64Array};
use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::arrow::datatypes::{Schema, UInt64Type};
use datafusion::arrow::util::bit_mask::set_bits;
use datafusion::common::Result as FusionResult;
use datafusion::physical_expr::PhysicalExpr;
use futures::TryStreamExt;
use roaring::RoaringBitmap;

use super::exact::Positions;
use super::search::Search;
use crate::exec::float_comparison::with_float_comparisons;
use crate::exec::read::Morsel;
use crate::exec::source::Reads;
use crate::exec::{external, pruning, read};
use crate::segment::Unit;

/// What rows must fulfil, over a batch of the columns that it reads.
#[derive(Debug)]
pub(super) struct Filter {
    /// As the statement says it: what is shown, and what statistics are asked.
    pub(super) predicate: Arc<dyn PhysicalExpr>,
    /// As rows are asked, whole pieces of a table at once.
    evaluated: Arc<dyn PhysicalExpr>,
}

impl Filter {
    pub(super) fn new(predicate: Arc<dyn PhysicalExpr>, read: &Schema) -> FusionResult<Self> {
        let evaluated = with_float_comparisons(Arc::clone(&predicate), read)?;
        Ok(Self { predicate, evaluated })
    }
}

impl Search {
    /// The positions of the rows that the filter keeps.
    pub(super) async fn allowed(
        &self,
        unit: &Unit,
        filter: &Filter,
        reads: &Reads,
    ) -> FusionResult<Kept> {
        let mut bits = Bits::of(unit.total_rows());
        // The predicate's columns alone: the addresses are no part of their schema.
        let values = Reads { address: false, ..reads.clone() };
        let schema = read::scan_of(&values, None, self.batch_rows).schema();
        for morsel in self.wanted_morsels(unit, filter, reads).await? {
            match morsel.whole(unit.deleted()).filter(|_| !values.row_id) {
                Some((object, group)) => {
                    self.check_cancelled()?;
                    let columns = (values.columns.as_slice(), &schema);
                    let rows = self.reader.row_group(&object.meta, group, columns);
                    let kept = self.evaluated(filter, &rows.await.map_err(external)?)?;
                    bits.put(object.meta.group_positions(group).start, &kept);
                }
                None => self.set_allowed(unit, morsel, (filter, reads), &mut bits).await?,
            }
        }
        Ok(bits.into_kept())
    }

    /// The pieces of a unit in which the filter may keep rows.
    async fn wanted_morsels(
        &self,
        unit: &Unit,
        filter: &Filter,
        reads: &Reads,
    ) -> FusionResult<Vec<Morsel>> {
        let mut morsels: Vec<Morsel> = read::morsels(vec![unit.clone()]).into();
        if let Unit::Object(object) = unit
            && let Some(predicate) = pruning::pruner(&filter.predicate, reads)
        {
            let scan = read::scan_of(reads, Some(predicate), self.batch_rows);
            let wanted = self.reader.scanned_groups(object, &scan).await.map_err(external)?;
            morsels.retain(|morsel| morsel.group().is_none_or(|group| wanted.contains(&group)));
        }
        Ok(morsels)
    }

    /// Sets the bits of the rows of a piece that the filter keeps, of which some are deleted, or which
    /// is in memory.
    async fn set_allowed(
        &self,
        unit: &Unit,
        morsel: Morsel,
        (filter, reads): (&Filter, &Reads),
        bits: &mut Bits,
    ) -> FusionResult<()> {
        let mut positions = Positions::of(unit);
        let batches = read::scan(&self.reader, morsel, reads, None, self.batch_rows);
        let mut batches = batches.map_err(external);
        while let Some(batch) = batches.try_next().await? {
            self.check_cancelled()?;
            let kept = self.evaluated(filter, &batch)?;
            let addresses = batch.column(batch.num_columns() - 1);
            let addresses: &UInt64Array = addresses.as_primitive::<UInt64Type>();
            for row in kept.set_indices() {
                if let Some(position) = positions.find(addresses.value(row)) {
                    bits.set(position);
                }
            }
        }
        Ok(())
    }

    /// Which rows of a batch the filter keeps.
    fn evaluated(&self, filter: &Filter, batch: &RecordBatch) -> FusionResult<BooleanBuffer> {
        self.work.filtered(batch.num_rows());
        let mask = filter.evaluated.evaluate(batch)?.into_array(batch.num_rows())?;
        Ok(kept(mask.as_boolean()))
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
        let reads = Reads { address: false, ..reads.clone() };
        let batch = read::take(&self.reader, &self.version, &addresses, &reads).await;
        Ok(self.evaluated(filter, &batch.map_err(external)?)?.iter().collect())
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

    fn into_kept(self) -> Kept {
        Kept { rows: RoaringBitmap::from_lsb0_bytes(0, &self.0), bits: self.0 }
    }
}

/// The rows of a unit that a filter keeps.
pub(super) struct Kept {
    pub(super) rows: RoaringBitmap,
    /// The same rows, a bit for each position.
    pub(super) bits: Vec<u8>,
}

/// A filter that a search may share between threads.
pub(super) type SharedFilter = (Arc<Filter>, Reads);

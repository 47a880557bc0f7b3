//! Which rows of a piece a search's filter keeps: all of them as a bitmap, or a few by position.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, BooleanArray, UInt64Array};
use datafusion::arrow::datatypes::UInt64Type;
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
        let mut bitmap = RoaringBitmap::new();
        let predicate = pruning::pruner(&filter.predicate, reads);
        let mut positions = Positions::of(unit);
        for morsel in read::morsels(vec![unit.clone()]) {
            let batches =
                read::scan(&self.reader, morsel, reads, predicate.clone(), self.batch_rows);
            let mut batches = batches.map_err(external);
            while let Some(batch) = batches.try_next().await? {
                self.check_cancelled()?;
                self.work.filtered(batch.num_rows());
                let mask = filter.predicate.evaluate(&batch)?.into_array(batch.num_rows())?;
                let mask: &BooleanArray = mask.as_boolean();
                let addresses = batch.column(batch.num_columns() - 1);
                let addresses: &UInt64Array = addresses.as_primitive::<UInt64Type>();
                for row in kept(mask) {
                    if let Some(position) = positions.find(addresses.value(row)) {
                        bitmap.insert(position);
                    }
                }
            }
        }
        Ok(bitmap)
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
fn kept(mask: &BooleanArray) -> impl Iterator<Item = usize> {
    let values = match mask.nulls() {
        Some(nulls) => mask.values() & nulls.inner(),
        None => mask.values().clone(),
    };
    let rows: Vec<usize> = values.set_indices().collect();
    rows.into_iter()
}

/// A filter that a search may share between threads.
pub(super) type SharedFilter = (Arc<Filter>, Reads);

//! The reads that operators make of segments, in one place.

use std::collections::VecDeque;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt64Array};
use datafusion::physical_optimizer::pruning::PruningPredicate;
use futures::stream::BoxStream;
use roaring::RoaringBitmap;

use super::source::Reads;
use crate::base::{Result, SqlError};
use crate::segment::{Column, ObjectUnit, Pruner, Reader, Scan, TableVersion, Unit, split_address};

/// A piece of a table that one thread reads: a row group, or rows in memory.
#[derive(Clone, Debug)]
pub(crate) struct Morsel {
    unit: Unit,
    group: Option<u32>,
}

impl Morsel {
    /// Which row group it is; none in memory.
    pub(crate) fn group(&self) -> Option<u32> {
        self.group
    }

    /// The row group that it is, if none of its rows is deleted.
    pub(crate) fn whole(&self, deleted: &RoaringBitmap) -> Option<(&ObjectUnit, u32)> {
        let (Unit::Object(object), Some(group)) = (&self.unit, self.group) else { return None };
        let positions = object.meta.group_positions(group);
        (deleted.range_cardinality(positions) == 0).then_some((object, group))
    }
}

/// The pieces of a table, in order.
pub(crate) fn morsels(units: Vec<Unit>) -> VecDeque<Morsel> {
    let mut morsels = VecDeque::new();
    for unit in units {
        match &unit {
            Unit::Memory(_) => morsels.push_back(Morsel { unit, group: None }),
            Unit::Object(object) => {
                let groups = 0..object.meta.group_count();
                let pieces = groups.map(|group| Morsel { unit: unit.clone(), group: Some(group) });
                morsels.extend(pieces);
            }
        }
    }
    morsels
}

/// Reads a piece without its deleted rows.
pub(crate) fn scan(
    reader: &Arc<Reader>,
    morsel: Morsel,
    reads: &Reads,
    pruner: Option<Arc<PruningPredicate>>,
    batch_rows: usize,
) -> BoxStream<'static, Result<RecordBatch>> {
    let mut scan = scan_of(reads, pruner, batch_rows);
    scan.row_groups = morsel.group.map(|group| group..group + 1);
    reader.scan(morsel.unit, Arc::new(scan))
}

/// What is read of a piece, whichever it is.
pub(crate) fn scan_of(
    reads: &Reads,
    pruner: Option<Arc<PruningPredicate>>,
    batch_rows: usize,
) -> Scan {
    let mut scan = Scan::of(reads.columns.clone().into());
    scan.address = reads.address;
    scan.row_id = reads.row_id;
    scan.batch_rows = batch_rows;
    scan.pruner = pruner.map(row_group_pruner);
    scan
}

/// A predicate that can't be answered keeps every row group.
fn row_group_pruner(predicate: Arc<PruningPredicate>) -> Pruner {
    Arc::new(move |statistics| predicate.prune(statistics).unwrap_or_default())
}

/// The addresses of the live rows that have given keys, in the order of the keys.
pub(crate) async fn find(
    reader: &Arc<Reader>,
    version: &TableVersion,
    key: &[Column],
    keys: &[ArrayRef],
) -> Result<Vec<u64>> {
    let found = reader.find_keys(version, key, keys, &|_| false).await?;
    Ok(found.into_iter().map(|row| row.address).collect())
}

/// Rows by address, in the order of the addresses.
pub(crate) async fn take(
    reader: &Arc<Reader>,
    version: &TableVersion,
    addresses: &[u64],
    reads: &Reads,
) -> Result<RecordBatch> {
    let taken = reader.take(version, addresses, &reads.columns).await?;
    let mut columns = taken.columns().to_vec();
    if reads.address {
        columns.push(Arc::new(UInt64Array::from(addresses.to_vec())));
    }
    if reads.row_id {
        columns.push(Arc::new(UInt64Array::from(row_ids(reader, version, addresses).await?)));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(addresses.len()));
    RecordBatch::try_new_with_options(Arc::clone(&reads.schema), columns, &options)
        .map_err(|error| SqlError::internal(format!("rows by address: {error}")))
}

async fn row_ids(
    reader: &Arc<Reader>,
    version: &TableVersion,
    addresses: &[u64],
) -> Result<Vec<u64>> {
    let mut ids = Vec::with_capacity(addresses.len());
    for &address in addresses {
        let (ordinal, position) = split_address(address);
        let segment = version.segment(ordinal);
        let segment = segment.ok_or_else(|| SqlError::internal("an address of no segment"))?;
        let map = match &segment.rows {
            crate::segment::Rows::Memory(rows) => rows.row_ids().clone(),
            crate::segment::Rows::Object(meta) => {
                let unit = Unit::Object(ObjectUnit {
                    ordinal,
                    meta: Arc::clone(meta),
                    deleted: Arc::clone(&segment.deleted),
                    indexes: Arc::clone(&segment.indexes),
                });
                reader.row_ids(&unit).await?
            }
        };
        ids.push(map.get(position));
    }
    Ok(ids)
}

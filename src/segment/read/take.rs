//! Rows by address, in the order asked for.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::interleave;
use arrow::datatypes::{FieldRef, Schema};
use futures::future::BoxFuture;

use super::Reader;
use super::reader::all;
use super::scan::batch;
use crate::base::{Result, SqlError};
use crate::segment::corrupt::broken;
use crate::segment::version::{TableVersion, split_address};
use crate::segment::{Column, InMemory, Rows, adapt};

/// A few sources are found faster by looking at each.
const LINEAR_SOURCES_MAX: usize = 8;

/// What rows are taken from: a row group, or a segment in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Source {
    ordinal: u32,
    group: u32,
}

/// The sources of some addresses, and where in them the rows are.
#[derive(Default)]
struct Places {
    sources: Vec<Source>,
    known: HashMap<Source, usize>,
    rows: Vec<(usize, usize)>,
}

impl Places {
    fn source(&mut self, source: Source) -> usize {
        if self.sources.len() <= LINEAR_SOURCES_MAX {
            if let Some(index) = self.sources.iter().position(|known| *known == source) {
                return index;
            }
        } else if let Some(index) = self.known.get(&source) {
            return *index;
        }
        self.sources.push(source);
        let index = self.sources.len() - 1;
        if self.sources.len() > LINEAR_SOURCES_MAX {
            self.known.extend(self.sources.iter().copied().zip(0..).skip(self.known.len()));
        }
        index
    }

    fn of(version: &TableVersion, addresses: &[u64]) -> Result<Self> {
        let mut places = Self::default();
        for &address in addresses {
            let (ordinal, position) = split_address(address);
            let segment = version.segment(ordinal);
            let segment = segment.filter(|segment| position < segment.total_rows());
            let segment = segment.ok_or_else(|| {
                SqlError::internal(format!("address {address} is not of this table version"))
            })?;
            let (group, row) = match &segment.rows {
                Rows::Object(meta) => (position / meta.group_rows, position % meta.group_rows),
                Rows::Memory(_) => (0, position),
            };
            let source = places.source(Source { ordinal, group });
            places.rows.push((source, row as usize));
        }
        Ok(places)
    }
}

impl Reader {
    /// The rows of these addresses, in this order, deleted or not.
    ///
    /// # Errors
    /// When an address names no row of the version, or bytes can't be read.
    pub async fn take(
        &self,
        version: &TableVersion,
        addresses: &[u64],
        columns: &[Column],
    ) -> Result<RecordBatch> {
        let places = Places::of(version, addresses)?;
        let at_hand = |source| self.at_hand(version, source, columns);
        let at_hand: Option<Vec<Vec<ArrayRef>>> =
            places.sources.iter().copied().map(at_hand).collect::<Result<_>>()?;
        let sources = match (at_hand, places.sources.as_slice()) {
            (Some(sources), _) => sources,
            (None, [source]) => vec![self.take_source(version, *source, columns).await?],
            (None, sources) => {
                let mut reads: Vec<BoxFuture<'_, _>> = Vec::with_capacity(sources.len());
                for source in sources {
                    reads.push(Box::pin(self.take_source(version, *source, columns)));
                }
                all(reads).await?
            }
        };
        let mut taken = Vec::with_capacity(columns.len());
        for (index, column) in columns.iter().enumerate() {
            let arrays: Vec<&dyn Array> =
                sources.iter().map(|arrays| arrays[index].as_ref()).collect();
            taken.push(gather(&arrays, &places.rows, column)?);
        }
        let fields: Vec<FieldRef> =
            columns.iter().map(|column| Arc::clone(&column.field)).collect();
        batch(&Arc::new(Schema::new(fields)), taken, addresses.len())
    }

    /// The columns of a source if all of them are in memory.
    fn at_hand(
        &self,
        version: &TableVersion,
        source: Source,
        columns: &[Column],
    ) -> Result<Option<Vec<ArrayRef>>> {
        match version.segment(source.ordinal).map(|segment| &segment.rows) {
            Some(Rows::Object(meta)) => self.group_columns_at_hand(meta, source.group, columns),
            Some(Rows::Memory(rows)) => memory_columns(rows, columns).map(Some),
            None => Ok(Some(Vec::new())),
        }
    }

    async fn take_source(
        &self,
        version: &TableVersion,
        source: Source,
        columns: &[Column],
    ) -> Result<Vec<ArrayRef>> {
        let segment = version.segment(source.ordinal);
        match segment.map(|segment| &segment.rows) {
            Some(Rows::Object(meta)) => {
                let groups = self.row_groups(meta).await?;
                self.group_columns(meta, &groups, source.group, columns).await
            }
            Some(Rows::Memory(rows)) => memory_columns(rows, columns),
            None => Ok(Vec::new()),
        }
    }
}

fn memory_columns(rows: &InMemory, columns: &[Column]) -> Result<Vec<ArrayRef>> {
    let array = |column: &Column| match rows.column(column.id) {
        Some(array) => adapt::to_column(Arc::clone(array), column.data_type()),
        None => adapt::missing(column, rows.batch().num_rows()),
    };
    columns.iter().map(array).collect()
}

fn gather(arrays: &[&dyn Array], rows: &[(usize, usize)], column: &Column) -> Result<ArrayRef> {
    match (arrays, rows) {
        ([], _) => Ok(arrow::array::new_empty_array(column.data_type())),
        // One row: a slice copies nothing.
        ([array], [(_, row)]) => Ok(array.slice(*row, 1)),
        _ => interleave(arrays, rows).map_err(|error| broken("taking rows", error)),
    }
}

//! Rows on their way into a table, column by column, until there are enough for a batch.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::array::RecordBatchOptions;
use arrow::datatypes::{Schema, SchemaRef};

use crate::base::limits::{BATCH_ROWS, COPY_BATCH_BYTES_MAX};
use crate::base::{Result, SqlError};
use crate::types::{ColumnBuilder, PgType, TextContext};

/// The builders of one batch after another.
#[derive(Debug)]
pub(super) struct Batch {
    columns: Vec<(String, PgType)>,
    builders: Vec<ColumnBuilder>,
    schema: SchemaRef,
    rows: usize,
    bytes: usize,
}

impl Batch {
    /// An empty batch of these columns.
    pub(super) fn new(columns: &[(String, PgType)]) -> Self {
        let fields: Vec<_> = columns.iter().map(|(name, ty)| ty.field(name, true)).collect();
        Self {
            columns: columns.to_vec(),
            builders: builders(columns, 0),
            schema: Arc::new(Schema::new(fields)),
            rows: 0,
            bytes: 0,
        }
    }

    /// How many columns a row has.
    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }

    /// A column's name.
    pub(super) fn name(&self, column: usize) -> &str {
        self.columns.get(column).map_or("", |(name, _)| name)
    }

    /// Appends a text value to a column.
    #[inline]
    pub(super) fn text(
        &mut self,
        column: usize,
        value: Option<&str>,
        context: &TextContext,
    ) -> Result<()> {
        let Some(builder) = self.builders.get_mut(column) else {
            return Err(SqlError::internal("a COPY row has more values than columns"));
        };
        match value {
            Some(text) => {
                self.bytes += text.len();
                builder.append_text(text, context)
            }
            None => {
                builder.append_null();
                Ok(())
            }
        }
    }

    /// Appends a binary value to a column.
    #[inline]
    pub(super) fn binary(&mut self, column: usize, value: Option<&[u8]>) -> Result<()> {
        let Some(builder) = self.builders.get_mut(column) else {
            return Err(SqlError::internal("a COPY row has more values than columns"));
        };
        match value {
            Some(bytes) => {
                self.bytes += bytes.len();
                builder.append_binary(bytes)
            }
            None => {
                builder.append_null();
                Ok(())
            }
        }
    }

    /// Whether these texts are a row. Costs a row of builders: only for `ON_ERROR ignore`.
    pub(super) fn accepts<'a>(
        &self,
        values: impl Iterator<Item = Option<&'a str>>,
        context: &TextContext,
    ) -> bool {
        self.columns.iter().zip(values).all(|((_, ty), value)| {
            value.is_none_or(|text| ColumnBuilder::new(ty, 1).append_text(text, context).is_ok())
        })
    }

    /// Counts a row whose values are all appended; says whether the batch is full.
    #[inline]
    pub(super) fn end_row(&mut self) -> bool {
        self.rows += 1;
        self.rows >= BATCH_ROWS || self.bytes >= COPY_BATCH_BYTES_MAX
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Takes the rows out.
    pub(super) fn take(&mut self) -> Result<RecordBatch> {
        let full = std::mem::replace(&mut self.builders, builders(&self.columns, self.rows));
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.rows = 0;
        self.bytes = 0;
        let arrays = full.into_iter().map(|mut builder| builder.finish()).collect();
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .map_err(|error| SqlError::internal(format!("COPY made an invalid batch: {error}")))
    }
}

fn builders(columns: &[(String, PgType)], capacity: usize) -> Vec<ColumnBuilder> {
    columns.iter().map(|(_, ty)| ColumnBuilder::new(ty, capacity)).collect()
}

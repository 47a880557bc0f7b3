//! What a system relation is: a name, columns, and a function that makes its rows.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};

use crate::base::{Result, SqlError};
use crate::types::{ColumnBuilder, PgType, TextContext};

use super::cell::Cell;
use super::facts::Facts;

/// A row: a value for each column.
pub(super) type Row = Vec<Cell>;

/// A relation of the system.
#[derive(Debug)]
pub(super) struct Definition {
    /// Its oid; PostgreSQL's own where clients may know it by heart.
    pub(super) oid: u32,
    /// The schema it is in.
    pub(super) schema: &'static str,
    /// Its name.
    pub(super) name: &'static str,
    /// Names and types of its columns: `oid oid, typname name`.
    pub(super) columns: &'static str,
    /// Makes its rows.
    pub(super) rows: fn(&Facts) -> Vec<Row>,
}

/// No rows.
pub(super) fn none(_: &Facts) -> Vec<Row> {
    Vec::new()
}

impl Definition {
    /// Names and types of the columns.
    pub(super) fn columns(&self) -> Vec<(&'static str, PgType)> {
        let column = |text: &'static str| {
            let (name, ty) = text.trim().split_once(' ')?;
            Some((name, PgType::from_name(ty.trim())?))
        };
        self.columns.split(',').filter_map(column).collect()
    }

    /// The columns for Arrow.
    pub(super) fn schema(&self) -> SchemaRef {
        let field = |(name, ty): (&str, PgType)| -> Field { ty.field(name, true) };
        Arc::new(Schema::new(self.columns().into_iter().map(field).collect::<Vec<_>>()))
    }

    /// All rows.
    ///
    /// # Errors
    /// When a row doesn't fit the columns: a mistake in the relation's file.
    pub(super) fn batch(&self, facts: &Facts) -> Result<RecordBatch> {
        let rows = (self.rows)(facts);
        let context = TextContext::default();
        let columns = self.columns();
        let mut arrays = Vec::with_capacity(columns.len());
        for (position, (name, ty)) in columns.iter().enumerate() {
            let mut builder = ColumnBuilder::new(ty, rows.len());
            for row in &rows {
                let cell = row.get(position).ok_or_else(|| {
                    SqlError::internal(format!("a row of {} has no {name}", self.name))
                })?;
                match cell {
                    Some(text) => builder.append_text(text, &context)?,
                    None => builder.append_null(),
                }
            }
            arrays.push(builder.finish());
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        RecordBatch::try_new_with_options(self.schema(), arrays, &options)
            .map_err(|error| SqlError::internal(error.to_string()))
    }
}

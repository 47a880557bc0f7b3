//! What segments must know of a table.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::common::ScalarValue;

use crate::base::ColumnId;

/// The hidden column that names a row of a [`super::TableVersion`]:
/// `ordinal << 32 | position`, UInt64.
pub const ADDRESS: &str = "_address";
/// The hidden column that names a row for as long as it lives, UInt64.
pub const ROW_ID: &str = "_rowid";

/// The hidden row ids in an object that has to list them.
pub(super) const ROW_ID_COLUMN: ColumnId = ColumnId(-1);

/// A column as a reader wants it or a writer gets it.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its number within the table: what data objects know it by.
    pub id: ColumnId,
    /// Its name and type now.
    pub field: FieldRef,
    /// Its value in segments that were written before the column was added.
    pub missing: ScalarValue,
}

impl Column {
    /// A column that is NULL where it is missing.
    pub fn new(id: ColumnId, field: FieldRef) -> Self {
        let missing = ScalarValue::try_from(field.data_type()).unwrap_or(ScalarValue::Null);
        Self { id, field, missing }
    }

    /// The Arrow type.
    pub fn data_type(&self) -> &DataType {
        self.field.data_type()
    }
}

/// A table as segments see it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TableSchema {
    /// The columns, in the order of the batches that are written.
    pub columns: Vec<Column>,
    /// The primary key: rows are sorted by it. May be empty.
    pub sort: Vec<ColumnId>,
    /// The unique keys, the primary one included: each gets a filter.
    pub keys: Vec<Vec<ColumnId>>,
}

impl TableSchema {
    /// The Arrow schema of the batches that are written.
    pub fn arrow(&self) -> SchemaRef {
        let fields: Vec<FieldRef> =
            self.columns.iter().map(|column| Arc::clone(&column.field)).collect();
        Arc::new(Schema::new(fields))
    }

    /// The ids of the columns, in order.
    pub fn ids(&self) -> Arc<[ColumnId]> {
        self.columns.iter().map(|column| column.id).collect()
    }

    /// Where a column stands; `None` when the table has none of this id.
    pub fn position(&self, id: ColumnId) -> Option<usize> {
        self.columns.iter().position(|column| column.id == id)
    }
}

/// The field of [`ADDRESS`].
pub(super) fn address_field() -> FieldRef {
    Arc::new(Field::new(ADDRESS, DataType::UInt64, false))
}

/// The field of [`ROW_ID`].
pub(super) fn row_id_field() -> FieldRef {
    Arc::new(Field::new(ROW_ID, DataType::UInt64, false))
}

/// The dimensions of a `vector(n)` or `halfvec(n)` column; `None` for any other type.
pub(super) fn vector_dimensions(data_type: &DataType) -> Option<usize> {
    match data_type {
        DataType::FixedSizeList(item, length) if is_element(item) => usize::try_from(*length).ok(),
        _ => None,
    }
}

/// Whether it is what vectors consist of: floats of 32 bits or, in a `halfvec`, of 16.
fn is_element(item: &Field) -> bool {
    matches!(item.data_type(), DataType::Float32 | DataType::Float16)
}

/// Whether the column holds vectors, with or without a fixed number of dimensions.
pub(super) fn is_vector(data_type: &DataType) -> bool {
    match data_type {
        DataType::FixedSizeList(item, _) => is_element(item),
        DataType::List(item) => {
            matches!(item.name().as_str(), "vector" | "halfvec") && is_element(item)
        }
        _ => false,
    }
}

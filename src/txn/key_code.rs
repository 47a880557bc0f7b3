//! Keys as 128-bit codes, so that a transaction can remember millions of its own keys.
//!
//! A key of up to fifteen bytes in Arrow's row format is its own code; a longer one is hashed
//! by two independently keyed SipHashes. Two different long keys share a code with a
//! probability of 2^-127, and nobody who doesn't know the process's random keys can make them.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef};
use arrow::row::{RowConverter, SortField};

use crate::base::{ColumnId, Result, SqlError};
use crate::segment::{Column, TableSchema};

/// A key of one constraint.
pub(super) type KeyCode = u128;

/// Keys of one constraint.
pub(super) type KeyCodes = HashSet<KeyCode, foldhash::fast::RandomState>;

static HASHERS: LazyLock<(RandomState, RandomState)> =
    LazyLock::new(|| (RandomState::new(), RandomState::new()));

/// Makes the codes of one constraint's keys.
#[derive(Debug)]
pub(super) struct KeyCoder {
    columns: Vec<Column>,
    ids: Vec<ColumnId>,
    nulls_are_equal: bool,
    converter: RowConverter,
}

impl KeyCoder {
    /// For keys of these columns.
    pub(super) fn new(
        schema: &TableSchema,
        columns: &[ColumnId],
        nulls_are_equal: bool,
    ) -> Result<Arc<Self>> {
        let ids = columns;
        let columns = ids
            .iter()
            .map(|id| {
                let position = schema.position(*id);
                let column = position.and_then(|position| schema.columns.get(position));
                column.cloned().ok_or_else(|| SqlError::internal("a key's column is gone"))
            })
            .collect::<Result<Vec<Column>>>()?;
        let fields = columns.iter().map(|column| SortField::new(column.data_type().clone()));
        let converter = RowConverter::new(fields.collect()).map_err(internal)?;
        Ok(Arc::new(Self { columns, ids: ids.to_vec(), nulls_are_equal, converter }))
    }

    /// The key's columns.
    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Their numbers.
    pub(super) fn ids(&self) -> &[ColumnId] {
        &self.ids
    }

    /// The code of each row; none for a row that has a NULL in its key, which equals no other
    /// (unless the constraint says NULLS NOT DISTINCT).
    pub(super) fn codes(&self, key: &[ArrayRef]) -> Result<Vec<Option<KeyCode>>> {
        let rows = self.converter.convert_columns(key).map_err(internal)?;
        let nullable: Vec<&ArrayRef> = if self.nulls_are_equal {
            Vec::new()
        } else {
            key.iter().filter(|column| column.null_count() > 0).collect()
        };
        let code = |(row, key): (usize, arrow::row::Row<'_>)| {
            let null = nullable.iter().any(|column| column.is_null(row));
            (!null).then(|| encode(key.as_ref()))
        };
        Ok(rows.iter().enumerate().map(code).collect())
    }
}

fn encode(key: &[u8]) -> KeyCode {
    const LONG: u128 = 1 << 127;
    if key.len() < 16 {
        let mut bytes = [0; 16];
        bytes[..key.len()].copy_from_slice(key);
        // The length tells keys apart that differ in trailing zeros; it is below 16, so the
        // highest bit stays free.
        bytes[15] = key.len() as u8;
        return KeyCode::from_le_bytes(bytes);
    }
    let (low, high) = (HASHERS.0.hash_one(key), HASHERS.1.hash_one(key));
    (u128::from(high) << 64 | u128::from(low)) | LONG
}

fn internal(error: arrow::error::ArrowError) -> SqlError {
    SqlError::internal(format!("keys: {error}"))
}

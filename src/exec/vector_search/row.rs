//! Single rows: what one is compared with another by, and how far it is from a search's query.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float32Type, UInt32Type};
use datafusion::common::ScalarValue;

use super::search::Search;
use crate::base::{Result, SqlError};
use crate::index::{Query, bit_distance, distance, signs, sparse_distance};
use crate::types::{PgType, sparse_elements, stored_blocks, stored_length, to_halves};

/// A row of a column: numbers, or bits and sparse vectors as they are stored.
enum Row<'a> {
    Numbers(Vec<f32>),
    Bits(&'a [u8]),
    Sparse(&'a [u32]),
}

impl<'a> Row<'a> {
    /// None for NULL, and for what is no vector.
    fn of(array: &'a ArrayRef, row: usize) -> Option<Self> {
        if array.is_null(row) {
            return None;
        }
        if let Some(bits) = array.as_binary_opt::<i64>() {
            return Some(Self::Bits(bits.value(row)));
        }
        let values = match array.as_fixed_size_list_opt() {
            Some(list) => list.value(row),
            None => {
                let list = array.as_list_opt::<i32>()?;
                if let Some(words) = list.values().as_primitive_opt::<UInt32Type>() {
                    let end = |at: usize| usize::try_from(list.value_offsets()[at]).unwrap_or(0);
                    return words.values().get(end(row)..end(row + 1)).map(Self::Sparse);
                }
                list.value(row)
            }
        };
        let values = cast(&values, &DataType::Float32).ok()?;
        Some(Self::Numbers(values.as_primitive_opt::<Float32Type>()?.values().to_vec()))
    }

    fn into_query(self) -> Query {
        match self {
            Self::Numbers(numbers) => Query::Numbers(numbers),
            Self::Bits(stored) => {
                let length = stored_length(stored);
                let words = stored_blocks(stored).take(length.div_ceil(64)).collect();
                Query::Bits { length, words }
            }
            Self::Sparse(words) => {
                let dimensions = usize::try_from(words.last().copied().unwrap_or(0));
                let (places, numbers) = sparse_elements(words).unzip();
                Query::Sparse { dimensions: dimensions.unwrap_or(usize::MAX), places, numbers }
            }
        }
    }
}

/// What a search for a row's vector is for; none for NULL.
pub(super) fn row_query(array: &ArrayRef, row: usize) -> Option<Query> {
    Row::of(array, row).map(Row::into_query)
}

/// The same where it is searched for by a cast of it.
pub(super) fn cast_query(array: &ArrayRef, row: usize, cast: Option<&PgType>) -> Option<Query> {
    match (row_query(array, row)?, cast) {
        (Query::Numbers(numbers), Some(PgType::Bit(_))) => {
            Some(Query::Bits { length: numbers.len(), words: signs(&numbers).collect() })
        }
        (query, _) => Some(query),
    }
}

/// What a value is searched for by; none for NULL.
pub(super) fn value_query(value: &ScalarValue) -> Result<Option<Query>> {
    if value.is_null() {
        return Ok(None);
    }
    let array = value.to_array().map_err(|error| SqlError::internal(error.to_string()))?;
    row_query(&array, 0)
        .map(Some)
        .ok_or_else(|| SqlError::internal("a search for something that is not a vector"))
}

impl Search {
    /// How far a row of the searched column is from the query; none where either is NULL.
    pub(super) fn compared(&self, array: &ArrayRef, row: usize) -> Result<Option<f64>> {
        let Some((row, query)) = Row::of(array, row).zip(self.query.as_deref()) else {
            return Ok(None);
        };
        let same = |found: usize| match found == query.dimensions() {
            true => Ok(()),
            false => Err(self.different(found, query.dimensions())),
        };
        match (row, query) {
            (Row::Numbers(mut numbers), Query::Numbers(wanted)) => {
                self.check_cast(numbers.len())?;
                if self.rounds() {
                    numbers = to_halves(&numbers)?;
                }
                same(numbers.len())?;
                Ok(Some(distance(self.metric, &numbers, wanted)))
            }
            (Row::Numbers(numbers), Query::Bits { words, .. }) => {
                // The cast cuts off what is too long, and fills up.
                let length = self.cast_bits().unwrap_or(numbers.len());
                same(length)?;
                let bits = signs(&numbers[..numbers.len().min(length)]);
                let bits = bits.chain(std::iter::repeat(0)).take(words.len());
                Ok(Some(bit_distance(self.metric, bits, words.iter().copied())))
            }
            (Row::Bits(stored), Query::Bits { words, .. }) => {
                same(stored_length(stored))?;
                let (row, query) = (stored_blocks(stored), words.iter().copied());
                Ok(Some(bit_distance(self.metric, row, query)))
            }
            (Row::Sparse(stored), Query::Sparse { places, numbers, .. }) => {
                let dimensions = stored.last().copied().unwrap_or(0);
                same(usize::try_from(dimensions).unwrap_or(usize::MAX))?;
                let query = places.iter().copied().zip(numbers.iter().copied());
                Ok(Some(sparse_distance(self.metric, sparse_elements(stored), query)))
            }
            _ => Err(SqlError::internal("a search for another type than its column's")),
        }
    }
}

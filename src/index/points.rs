//! The vectors that a part is over.

use std::sync::Arc;

use arrow::buffer::ScalarBuffer;

use super::error::IndexError;

/// The vectors of a segment that an index is over. All rows' numbers lie one behind the other,
/// shared and usually memory-mapped; the indexed rows are chosen from them.
#[derive(Debug, Clone)]
pub struct Points {
    values: ScalarBuffer<f32>,
    dimensions: usize,
    segment_rows: usize,
    rows: Option<Arc<[u32]>>,
}

impl Points {
    /// Vectors of `dimensions` numbers each. `rows`: which of them are indexed, ascending; `None`:
    /// all. Rows whose vector is NULL, that were deleted before the build and, for cosine, whose
    /// vector is zero are to be left out: pgvector does not index them either.
    ///
    /// # Errors
    /// When the numbers are not whole vectors, or a row is not among them or out of order.
    pub fn new(
        values: ScalarBuffer<f32>,
        dimensions: usize,
        rows: Option<Arc<[u32]>>,
    ) -> Result<Self, IndexError> {
        if dimensions == 0 || !values.len().is_multiple_of(dimensions) {
            return Err(IndexError::Dimensions { expected: dimensions, found: values.len() });
        }
        let segment_rows = values.len() / dimensions;
        if segment_rows >= i32::MAX as usize {
            return Err(IndexError::TooManyRows);
        }
        if let Some(rows) = &rows {
            let ascending = rows.windows(2).all(|pair| pair[0] < pair[1]);
            let inside = rows.last().is_none_or(|last| (*last as usize) < segment_rows);
            if !ascending || !inside {
                return Err(IndexError::Corrupt("rows to index are not rows of the segment"));
            }
        }
        Ok(Self { values, dimensions, segment_rows, rows })
    }

    /// How many rows are indexed.
    pub fn len(&self) -> usize {
        self.rows.as_ref().map_or(self.segment_rows, |rows| rows.len())
    }

    /// Whether no row is indexed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How long each vector is.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// How many rows the segment has, those that are not indexed included.
    pub fn segment_rows(&self) -> usize {
        self.segment_rows
    }

    /// All numbers, row by row.
    pub fn values(&self) -> &ScalarBuffer<f32> {
        &self.values
    }

    /// Which rows are indexed; `None`: all.
    pub fn rows(&self) -> Option<&Arc<[u32]>> {
        self.rows.as_ref()
    }

    /// The row of an indexed vector by its number among them.
    pub(super) fn row(&self, at: usize) -> u32 {
        self.rows.as_ref().map_or(at as u32, |rows| rows[at])
    }

    /// The vector of a row of the segment.
    pub fn vector(&self, row: u32) -> &[f32] {
        let from = row as usize * self.dimensions;
        &self.values[from..from + self.dimensions]
    }

    /// At most `count` indexed rows, evenly spaced, each moved on by `shift` of the 1,000 steps to the
    /// next one.
    pub fn spaced(&self, count: usize, shift: usize) -> impl Iterator<Item = u32> + '_ {
        let all = self.len();
        let count = count.min(all);
        (0..count).map(move |number| self.row((number * 1_000 + shift) * all / (count * 1_000)))
    }
}

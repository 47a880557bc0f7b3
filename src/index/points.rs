//! The vectors that a part is over: numbers where they lie, or codes that were made for it.

use std::sync::Arc;

use arrow::buffer::ScalarBuffer;

use super::codes::Codes;
use super::error::IndexError;
use super::object::bytes_of;
use super::query::ones;

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
        spaced(self.len(), count, shift).map(|at| self.row(at))
    }
}

/// At most `count` of the first `all` numbers, evenly spaced.
fn spaced(all: usize, count: usize, shift: usize) -> impl Iterator<Item = usize> {
    let count = count.min(all);
    (0..count).map(move |number| (number * 1_000 + shift) * all / (count * 1_000))
}

/// Bit strings or sparse vectors of a segment that an index is over: those of the indexed rows alone.
#[derive(Debug, Clone)]
pub struct CodedPoints {
    codes: Codes,
    dimensions: usize,
    segment_rows: usize,
    rows: Arc<[u32]>,
}

impl CodedPoints {
    /// A code for each of some rows of a segment, which ascend.
    ///
    /// # Errors
    /// When there are other than as many codes as rows, or a row is not of the segment or out of order.
    pub fn new(
        codes: Codes,
        dimensions: usize,
        segment_rows: usize,
        rows: Arc<[u32]>,
    ) -> Result<Self, IndexError> {
        if segment_rows >= i32::MAX as usize {
            return Err(IndexError::TooManyRows);
        }
        let ascending = rows.windows(2).all(|pair| pair[0] < pair[1]);
        let inside = rows.last().is_none_or(|last| (*last as usize) < segment_rows);
        if !ascending || !inside || codes.len() != rows.len() {
            return Err(IndexError::Corrupt("rows to index are not rows of the segment"));
        }
        Ok(Self { codes, dimensions, segment_rows, rows })
    }

    /// How many rows are indexed.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no row is indexed.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How long each vector is.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// How many rows the segment has, those that are not indexed included.
    pub fn segment_rows(&self) -> usize {
        self.segment_rows
    }

    /// At most `count` of the vectors, which are bits, evenly spaced as [`Points::spaced`] does, as
    /// ones and zeros.
    ///
    /// # Errors
    /// When they are no bits.
    pub fn ones(&self, count: usize, shift: usize) -> Result<Points, IndexError> {
        let Codes::Bits(bits) = &self.codes else { return Err(IndexError::Elements) };
        let mut values = Vec::new();
        for at in spaced(self.len(), count, shift) {
            values.extend(ones(bits.words(at), self.dimensions));
        }
        Points::new(values.into(), self.dimensions, None)
    }

    /// The codes, one for each indexed row.
    pub(super) fn codes(&self) -> &Codes {
        &self.codes
    }

    /// Which rows are indexed.
    pub(super) fn rows(&self) -> &[u32] {
        &self.rows
    }
}

/// The indexed rows by their number among them.
pub(super) trait Indexed {
    /// How many there are.
    fn count(&self) -> usize;

    /// Whether they are all rows of the segment.
    fn are_all(&self) -> bool;

    /// The row of the segment.
    fn row_at(&self, at: usize) -> u32;

    /// The bytes of its vector: equal vectors have equal ones.
    fn bytes_at(&self, at: usize) -> [&[u8]; 2];
}

impl Indexed for Points {
    fn count(&self) -> usize {
        self.len()
    }

    fn are_all(&self) -> bool {
        self.rows.is_none()
    }

    fn row_at(&self, at: usize) -> u32 {
        self.row(at)
    }

    fn bytes_at(&self, at: usize) -> [&[u8]; 2] {
        [bytes_of(self.vector(self.row(at))), &[]]
    }
}

impl Indexed for CodedPoints {
    fn count(&self) -> usize {
        self.len()
    }

    fn are_all(&self) -> bool {
        self.len() == self.segment_rows
    }

    fn row_at(&self, at: usize) -> u32 {
        self.rows[at]
    }

    fn bytes_at(&self, at: usize) -> [&[u8]; 2] {
        self.codes.bytes(at)
    }
}

//! pgvector's `sparsevec`: `{1:1.5,3:2}/5`, the elements that are not zero by their place, which
//! counts from one, and how many there are in all; its errors word for word.
//!
//! A value lies in a list of 32-bit words that orders, word by word, as pgvector orders sparse
//! vectors of equal dimensions, so that sorting needs to know nothing of it: two words for each
//! element, lower places first, then [`END`] and the dimensions. The first word of an element is
//! its place, from zero, if it is negative, and [`POSITIVE`] less its place if it is positive; the
//! second is its number, in a form that orders as numbers do. (docs/format.md)

use arrow::datatypes::{DataType, Field, FieldRef};
use bytes::{BufMut, BytesMut};

use super::vector::data_exception;
use super::{PgType, errors, float};
use crate::base::limits::{SPARSE_DIMENSIONS_MAX, SPARSE_ELEMENTS_MAX, VECTOR_DIMENSIONS_MAX};
use crate::base::{Result, SqlError, SqlState};

/// Behind all negative elements at their places, before all positive ones.
const END: u32 = 0x4000_0000;
/// What the place of a positive element is taken from.
const POSITIVE: u32 = 0xc000_0000;

/// A sparse vector apart from a column. Places count from zero and grow; no number is zero.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SparseVector {
    dimensions: u32,
    places: Vec<u32>,
    numbers: Vec<f32>,
}

/// The inner field of a sparse vector's Arrow list.
pub(super) fn item() -> FieldRef {
    std::sync::Arc::new(Field::new(ITEM, DataType::UInt32, false))
}

/// The name of that field, by which the type is told from an array's.
pub(super) const ITEM: &str = "sparsevec";

const TYPE: PgType = PgType::Sparsevec(None);

fn ordered(number: f32) -> u32 {
    let bits = number.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

fn number(ordered: u32) -> f32 {
    f32::from_bits(if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered })
}

/// The elements of a stored value, with their places from zero.
pub(crate) fn sparse_elements(words: &[u32]) -> impl Iterator<Item = (u32, f32)> + Clone + '_ {
    let (elements, _) = words[..words.len().saturating_sub(2)].as_chunks::<2>();
    let place = |word: u32| if word < END { word } else { POSITIVE.wrapping_sub(word) };
    elements.iter().map(move |[at, ordered]| (place(*at), number(*ordered)))
}

impl SparseVector {
    /// A stored value.
    pub(crate) fn of(words: &[u32]) -> Self {
        let dimensions = words.last().copied().unwrap_or_default();
        let (places, numbers) = sparse_elements(words).unzip();
        Self { dimensions, places, numbers }
    }

    /// Appends the value as columns have it.
    pub(crate) fn store(&self, into: &mut Vec<u32>) {
        for (place, number) in self.elements() {
            into.push(if number < 0.0 { place } else { POSITIVE - place });
            into.push(ordered(number));
        }
        into.extend([END, self.dimensions]);
    }

    /// The sparse vector of all elements, zeros included.
    pub(crate) fn of_dense(numbers: &[f32]) -> Result<Self> {
        let elements = (0u32..).zip(numbers.iter().copied());
        Self::checked(numbers.len() as u64, elements.collect())
    }

    /// All elements, zeros included.
    pub(crate) fn to_dense(&self, ty: &PgType) -> Result<Vec<f32>> {
        let dimensions = usize::try_from(self.dimensions).unwrap_or(usize::MAX);
        if dimensions > VECTOR_DIMENSIONS_MAX {
            return Err(super::too_many_dimensions(ty));
        }
        let mut numbers = vec![0.0; dimensions];
        for (place, number) in self.elements() {
            if let Some(slot) = numbers.get_mut(place as usize) {
                *slot = number;
            }
        }
        Ok(numbers)
    }

    /// How many elements there are, zeros included.
    pub(crate) fn dimensions(&self) -> u32 {
        self.dimensions
    }

    /// The elements that are not zero, with their places from zero.
    pub(crate) fn elements(&self) -> impl Iterator<Item = (u32, f32)> + '_ {
        self.places.iter().copied().zip(self.numbers.iter().copied())
    }

    /// The numbers that are not zero.
    pub(crate) fn numbers(&self) -> &[f32] {
        &self.numbers
    }

    /// The same places with other numbers; those that are zero now are left out.
    pub(crate) fn with_numbers(&self, change: impl Fn(f32) -> f32) -> Self {
        let changed = self.elements().map(|(place, number)| (place, change(number)));
        let (places, numbers) = changed.filter(|(_, number)| *number != 0.0).unzip();
        Self { dimensions: self.dimensions, places, numbers }
    }

    /// What elements and dimensions make, if they make a sparse vector.
    fn checked(dimensions: u64, mut elements: Vec<(u32, f32)>) -> Result<Self> {
        if dimensions == 0 {
            return Err(super::no_dimensions(&TYPE));
        }
        let dimensions = u32::try_from(dimensions)
            .ok()
            .filter(|dimensions| *dimensions <= SPARSE_DIMENSIONS_MAX)
            .ok_or_else(too_many_dimensions)?;
        if elements.iter().any(|(_, number)| number.is_nan()) {
            return Err(data_exception("NaN not allowed in sparsevec"));
        }
        if elements.iter().any(|(_, number)| number.is_infinite()) {
            return Err(data_exception("infinite value not allowed in sparsevec"));
        }
        elements.retain(|(_, number)| *number != 0.0);
        if elements.len() > SPARSE_ELEMENTS_MAX {
            return Err(too_many_elements());
        }
        elements.sort_by_key(|(place, _)| *place);
        if elements.last().is_some_and(|(place, _)| *place >= dimensions) {
            return Err(out_of_bounds());
        }
        if elements.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(data_exception("sparsevec indices must not contain duplicates"));
        }
        let (places, numbers) = elements.into_iter().unzip();
        Ok(Self { dimensions, places, numbers })
    }

    /// Reads `{1:1.5,3:2}/5`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let invalid = || errors::invalid_syntax(&TYPE, text);
        let Some(inner) = text.trim_ascii_start().strip_prefix('{') else {
            return Err(invalid().with_detail("Vector contents must start with \"{\"."));
        };
        let (inner, after) = inner.split_once('}').ok_or_else(invalid)?;
        let mut elements = Vec::new();
        if !inner.trim_ascii().is_empty() {
            if inner.bytes().filter(|byte| *byte == b',').count() >= SPARSE_ELEMENTS_MAX {
                return Err(too_many_elements());
            }
            for part in inner.split(',') {
                let (place, number) = part.split_once(':').ok_or_else(invalid)?;
                elements.push((
                    integer(place.trim_ascii()).ok_or_else(invalid)?,
                    read_number(number.trim_ascii()).ok_or_else(invalid)??,
                ));
            }
        }
        let Some(dimensions) = after.trim_ascii_start().strip_prefix('/') else {
            return Err(invalid().with_detail("Unexpected end of input."));
        };
        let dimensions = dimensions.trim_ascii();
        let digits = dimensions.strip_prefix(['-', '+']).unwrap_or(dimensions);
        let end = digits.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
        let end = dimensions.len() - digits.len() + end;
        let count = integer(&dimensions[..end]).ok_or_else(invalid)?;
        let count = u64::try_from(count).unwrap_or(0);
        if count > u64::from(SPARSE_DIMENSIONS_MAX) {
            return Err(too_many_dimensions());
        }
        if end < dimensions.len() {
            return Err(invalid().with_detail("Junk after closing."));
        }
        // Places count from one here.
        let place = |place: i64| u32::try_from(place - 1).unwrap_or(u32::MAX);
        let elements: Vec<(u32, f32)> =
            elements.into_iter().map(|(at, number)| (place(at), number)).collect();
        if count > 0 && elements.iter().any(|(place, _)| u64::from(*place) >= count) {
            return Err(out_of_bounds());
        }
        Self::checked(count, elements)
    }

    /// Reads the binary form.
    pub(super) fn parse_binary(bytes: &[u8]) -> Result<Self> {
        let invalid = || errors::invalid_binary(&TYPE);
        let (words, rest) = bytes.as_chunks::<4>();
        let [dimensions, count, unused, words @ ..] = words else { return Err(invalid()) };
        let (dimensions, count) = (i32::from_be_bytes(*dimensions), i32::from_be_bytes(*count));
        let unused = i32::from_be_bytes(*unused);
        if dimensions < 1 {
            return Err(super::no_dimensions(&TYPE));
        }
        let count = usize::try_from(count)
            .map_err(|_| data_exception("sparsevec must have at least 0 non-zero elements"))?;
        if count > SPARSE_ELEMENTS_MAX {
            return Err(too_many_elements());
        }
        if unused != 0 {
            return Err(data_exception(format!("expected unused to be 0, not {unused}")));
        }
        if !rest.is_empty() || words.len() != count * 2 {
            return Err(invalid());
        }
        let (places, numbers) = words.split_at(count);
        let place = |word: &[u8; 4]| u32::from_be_bytes(*word);
        if places.windows(2).any(|pair| place(&pair[0]) > place(&pair[1])) {
            return Err(data_exception("sparsevec indices must be in ascending order"));
        }
        let numbers = numbers.iter().map(|word| f32::from_bits(u32::from_be_bytes(*word)));
        let elements: Vec<(u32, f32)> = places.iter().map(place).zip(numbers).collect();
        if elements.iter().any(|(_, number)| *number == 0.0) {
            let message = "binary representation of sparsevec cannot contain zero values";
            return Err(data_exception(message));
        }
        Self::checked(u64::from(dimensions.unsigned_abs()), elements)
    }

    /// Writes `{1:1.5,3:2}/5`.
    pub(super) fn write(&self, out: &mut BytesMut) {
        out.put_u8(b'{');
        for (at, (place, number)) in self.elements().enumerate() {
            if at > 0 {
                out.put_u8(b',');
            }
            out.put_slice(itoa::Buffer::new().format(place + 1).as_bytes());
            out.put_u8(b':');
            float::write(number, out, 1);
        }
        out.put_slice(b"}/");
        out.put_slice(itoa::Buffer::new().format(self.dimensions).as_bytes());
    }

    /// Writes the binary form.
    pub(super) fn write_binary(&self, out: &mut BytesMut) {
        out.put_u32(self.dimensions);
        out.put_u32(u32::try_from(self.places.len()).unwrap_or(u32::MAX));
        out.put_u32(0);
        self.places.iter().for_each(|place| out.put_u32(*place));
        self.numbers.iter().for_each(|number| out.put_f32(*number));
    }
}

/// A whole number; one beyond 64 bits is the last one.
fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let negative = text.starts_with('-');
    Some(text.parse().unwrap_or(if negative { i64::MIN + 1 } else { i64::MAX }))
}

/// An element's number; too small a one is an error here, as too large a one is.
fn read_number(text: &str) -> Option<Result<f32>> {
    let number: f32 = text.parse().ok()?;
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let is_zero = !mantissa.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    let lost = number == 0.0 && !is_zero;
    let beyond = number.is_infinite() && text.bytes().any(|byte| byte.is_ascii_digit());
    Some(match lost || beyond {
        true => Err(errors::float_out_of_range(&TYPE, text)),
        false => Ok(number),
    })
}

fn out_of_bounds() -> SqlError {
    data_exception("sparsevec index out of bounds")
}

fn too_many_dimensions() -> SqlError {
    let message = format!("sparsevec cannot have more than {SPARSE_DIMENSIONS_MAX} dimensions");
    SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
}

fn too_many_elements() -> SqlError {
    let message =
        format!("sparsevec cannot have more than {SPARSE_ELEMENTS_MAX} non-zero elements");
    SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stored(numbers: &[f32]) -> Vec<u32> {
        let mut words = Vec::new();
        SparseVector::of_dense(numbers).unwrap().store(&mut words);
        words
    }

    proptest! {
        #[test]
        fn what_is_stored_orders_as_the_elements_do(
            pair in prop::collection::vec((-2i8..3, -2i8..3), 1..8),
        ) {
            let a: Vec<f32> = pair.iter().map(|(a, _)| f32::from(*a)).collect();
            let b: Vec<f32> = pair.iter().map(|(_, b)| f32::from(*b)).collect();
            prop_assert_eq!(Some(stored(&a).cmp(&stored(&b))), a.partial_cmp(&b));
            let ty = PgType::Vector(None);
            prop_assert_eq!(SparseVector::of(&stored(&a)).to_dense(&ty).unwrap(), a);
        }

        #[test]
        fn text_and_binary_survive(numbers in prop::collection::vec(-1e6f32..1e6, 1..40)) {
            let vector = SparseVector::of_dense(&numbers).unwrap();
            let mut out = BytesMut::new();
            vector.write(&mut out);
            let text = std::str::from_utf8(&out).unwrap();
            prop_assert_eq!(&SparseVector::parse(text).unwrap(), &vector);
            let mut out = BytesMut::new();
            vector.write_binary(&mut out);
            prop_assert_eq!(SparseVector::parse_binary(&out).unwrap(), vector);
        }
    }
}

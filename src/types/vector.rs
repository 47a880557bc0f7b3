//! pgvector's `vector` and `halfvec`: `[1,2,3]`, and in binary two 16-bit words (dimensions,
//! unused) before the elements; its errors word for word. The elements are floats of 32 bits or of
//! 16; the latter are shown by the digits that a `real` of the same value has.

use arrow::datatypes::{ArrowPrimitiveType, FieldRef, Float16Type, Float32Type};
use bytes::{BufMut, BytesMut};
use half::f16;

use super::arrow_mapping::halfvec_item;
use super::float;
use super::{PgType, errors, vector_item};
use crate::base::limits::VECTOR_DIMENSIONS_MAX;
use crate::base::{Result, SqlError, SqlState};

/// What the elements of a vector are.
pub(super) trait Element: ArrowPrimitiveType {
    /// The vector's type.
    const TYPE: PgType;

    /// The inner field of the vector's Arrow list.
    fn item() -> FieldRef;

    /// The nearest element; infinite if there is none.
    fn narrow(value: f32) -> Self::Native;

    fn widen(element: Self::Native) -> f32;

    fn is_finite(element: Self::Native) -> bool;

    /// Appends elements whose bytes are in network order.
    fn read(bytes: &[u8], into: &mut Vec<Self::Native>);

    /// Puts elements' bytes in network order.
    fn store(elements: &[Self::Native], into: &mut [u8]);
}

impl Element for Float32Type {
    const TYPE: PgType = PgType::Vector(None);

    fn item() -> FieldRef {
        vector_item()
    }

    fn narrow(value: f32) -> f32 {
        value
    }

    fn widen(element: f32) -> f32 {
        element
    }

    fn is_finite(element: f32) -> bool {
        element.is_finite()
    }

    fn read(bytes: &[u8], into: &mut Vec<f32>) {
        let (words, _) = bytes.as_chunks::<4>();
        into.extend(words.iter().map(|word| f32::from_bits(u32::from_be_bytes(*word))));
    }

    fn store(elements: &[f32], into: &mut [u8]) {
        let (words, _) = into.as_chunks_mut::<4>();
        for (word, element) in words.iter_mut().zip(elements) {
            *word = element.to_bits().to_be_bytes();
        }
    }
}

impl Element for Float16Type {
    const TYPE: PgType = PgType::Halfvec(None);

    fn item() -> FieldRef {
        halfvec_item()
    }

    fn narrow(value: f32) -> f16 {
        f16::from_f32(value)
    }

    fn widen(element: f16) -> f32 {
        element.to_f32()
    }

    fn is_finite(element: f16) -> bool {
        element.is_finite()
    }

    fn read(bytes: &[u8], into: &mut Vec<f16>) {
        let (words, _) = bytes.as_chunks::<2>();
        into.extend(words.iter().map(|word| f16::from_bits(u16::from_be_bytes(*word))));
    }

    fn store(elements: &[f16], into: &mut [u8]) {
        let (words, _) = into.as_chunks_mut::<2>();
        for (word, element) in words.iter_mut().zip(elements) {
            *word = element.to_bits().to_be_bytes();
        }
    }
}

pub(super) fn data_exception(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::DATA_EXCEPTION, message)
}

/// The error for a value of other dimensions than the column's.
pub(crate) fn dimensions_differ(expected: usize, found: usize) -> SqlError {
    data_exception(format!("expected {expected} dimensions, not {found}"))
}

/// The error for more dimensions than a vector of the type may have.
pub(crate) fn too_many_dimensions(ty: &PgType) -> SqlError {
    let message =
        format!("{} cannot have more than {VECTOR_DIMENSIONS_MAX} dimensions", ty.error_name());
    SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
}

/// The error for a vector of the type that has nothing in it.
pub(crate) fn no_dimensions(ty: &PgType) -> SqlError {
    data_exception(format!("{} must have at least 1 dimension", ty.error_name()))
}

/// Refuses what no vector may be: without dimensions, with too many, not finite.
pub(super) fn check<E: Element>(elements: &[E::Native]) -> Result<()> {
    if elements.is_empty() {
        return Err(no_dimensions(&E::TYPE));
    }
    if elements.len() > VECTOR_DIMENSIONS_MAX {
        return Err(too_many_dimensions(&E::TYPE));
    }
    // Without an early exit, so that it runs many at a time.
    if elements.iter().fold(true, |finite, element| finite & E::is_finite(*element)) {
        return Ok(());
    }
    let first = elements.iter().find(|element| !E::is_finite(**element));
    let ty = E::TYPE;
    let name = ty.error_name();
    Err(data_exception(match first {
        Some(element) if E::widen(*element).is_nan() => format!("NaN not allowed in {name}"),
        _ => format!("infinite value not allowed in {name}"),
    }))
}

/// Appends numbers as elements, each of which must have one near it.
pub(super) fn narrow<E: Element>(numbers: &[f32], into: &mut Vec<E::Native>) -> Result<()> {
    let start = into.len();
    into.extend(numbers.iter().map(|number| E::narrow(*number)));
    let beyond = |(number, element): (&f32, &E::Native)| {
        (number.is_finite() && !E::is_finite(*element)).then_some(*number)
    };
    match numbers.iter().zip(&into[start..]).find_map(beyond) {
        None => Ok(()),
        Some(number) => {
            let mut shown = BytesMut::new();
            float::write(number, &mut shown, 1);
            Err(errors::float_out_of_range(&E::TYPE, &String::from_utf8_lossy(&shown)))
        }
    }
}

/// The numbers as they are once they were in a `halfvec`.
pub(crate) fn to_halves(numbers: &[f32]) -> Result<Vec<f32>> {
    let mut halves = Vec::with_capacity(numbers.len());
    narrow::<Float16Type>(numbers, &mut halves)?;
    Ok(halves.into_iter().map(f16::to_f32).collect())
}

/// Reads `[1, 2.5, 3e-4]`, appending the elements.
pub(super) fn parse<E: Element>(text: &str, into: &mut Vec<E::Native>) -> Result<()> {
    let ty = E::TYPE;
    let invalid = || errors::invalid_syntax(&ty, text);
    let start = into.len();
    let trimmed = text.trim_ascii_start();
    let Some(inner) = trimmed.strip_prefix('[') else {
        return Err(invalid().with_detail("Vector contents must start with \"[\"."));
    };
    let Some((inner, after)) = inner.split_once(']') else { return Err(invalid()) };
    let junk = || invalid().with_detail("Junk after closing right brace.");
    let junk = (!after.trim_ascii().is_empty()).then(junk);
    if inner.trim_ascii().is_empty() {
        return Err(no_dimensions(&ty));
    }
    for part in inner.split(',') {
        if into.len() - start == VECTOR_DIMENSIONS_MAX {
            return Err(too_many_dimensions(&ty));
        }
        let part = part.trim_ascii();
        let number: f32 = part.parse().map_err(|_| invalid())?;
        let element = E::narrow(number);
        // Too large reads as infinity, which is an error unless it was written.
        let infinite = !number.is_nan() && !E::is_finite(element);
        if infinite && part.bytes().any(|b| b.is_ascii_digit()) {
            return Err(errors::float_out_of_range(&ty, part));
        }
        into.push(element);
    }
    if let Some(junk) = junk {
        return Err(junk);
    }
    check::<E>(&into[start..])
}

/// Reads the binary form, appending the elements.
pub(super) fn parse_binary<E: Element>(bytes: &[u8], into: &mut Vec<E::Native>) -> Result<()> {
    let invalid = || errors::invalid_binary(&E::TYPE);
    let (header, elements) = bytes.split_at_checked(4).ok_or_else(invalid)?;
    let dimensions = i16::from_be_bytes([header[0], header[1]]);
    let unused = i16::from_be_bytes([header[2], header[3]]);
    if dimensions < 1 {
        return Err(no_dimensions(&E::TYPE));
    }
    let dimensions = usize::from(dimensions.unsigned_abs());
    if dimensions > VECTOR_DIMENSIONS_MAX {
        return Err(too_many_dimensions(&E::TYPE));
    }
    if unused != 0 {
        return Err(data_exception(format!("expected unused to be 0, not {unused}")));
    }
    if elements.len() != dimensions * size_of::<E::Native>() {
        return Err(invalid());
    }
    let start = into.len();
    E::read(elements, into);
    check::<E>(&into[start..])
}

/// Writes `[1,2.5,0.0003]`: the shortest digits that read back as the same elements.
pub(super) fn write<E: Element>(elements: &[E::Native], out: &mut BytesMut) {
    out.reserve(elements.len() * 12 + 2);
    let mut before = b'[';
    for element in elements {
        out.put_u8(before);
        float::write(E::widen(*element), out, 1);
        before = b',';
    }
    out.put_u8(b']');
}

/// Writes the binary form.
pub(super) fn write_binary<E: Element>(elements: &[E::Native], out: &mut BytesMut) {
    out.reserve(size_of_val(elements) + 4);
    out.put_u16(u16::try_from(elements.len()).unwrap_or(u16::MAX));
    out.put_u16(0);
    let start = out.len();
    out.resize(start + size_of_val(elements), 0);
    E::store(elements, &mut out[start..]);
}

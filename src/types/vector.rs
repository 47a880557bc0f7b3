//! pgvector's `vector`: `[1,2,3]`, and in binary two 16-bit words (dimensions, unused) before
//! the elements; its errors word for word.

use bytes::{BufMut, BytesMut};

use super::float;
use super::{PgType, errors};
use crate::base::limits::VECTOR_DIMENSIONS_MAX;
use crate::base::{Result, SqlError, SqlState};

fn data_exception(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::DATA_EXCEPTION, message)
}

/// The error for a value of other dimensions than the column's.
pub(crate) fn dimensions_differ(expected: usize, found: usize) -> SqlError {
    data_exception(format!("expected {expected} dimensions, not {found}"))
}

/// The error for more dimensions than a vector may have.
pub(crate) fn too_many_dimensions() -> SqlError {
    SqlError::new(
        SqlState::PROGRAM_LIMIT_EXCEEDED,
        format!("vector cannot have more than {VECTOR_DIMENSIONS_MAX} dimensions"),
    )
}

/// Refuses what no vector may be: without dimensions, with too many, not finite.
pub(crate) fn check(elements: &[f32]) -> Result<()> {
    if elements.is_empty() {
        return Err(data_exception("vector must have at least 1 dimension"));
    }
    if elements.len() > VECTOR_DIMENSIONS_MAX {
        return Err(too_many_dimensions());
    }
    // Without an early exit, so that it runs many at a time.
    if elements.iter().fold(true, |finite, element| finite & element.is_finite()) {
        return Ok(());
    }
    let first = elements.iter().find(|element| !element.is_finite());
    Err(data_exception(match first {
        Some(element) if element.is_nan() => "NaN not allowed in vector",
        _ => "infinite value not allowed in vector",
    }))
}

/// Reads `[1, 2.5, 3e-4]`, appending the elements.
pub(super) fn parse(text: &str, into: &mut Vec<f32>) -> Result<()> {
    let ty = PgType::Vector(None);
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
        return Err(data_exception("vector must have at least 1 dimension"));
    }
    for part in inner.split(',') {
        if into.len() - start == VECTOR_DIMENSIONS_MAX {
            return Err(too_many_dimensions());
        }
        let part = part.trim_ascii();
        let element: f32 = part.parse().map_err(|_| invalid())?;
        // Too large reads as infinity, which is an error unless it was written.
        if element.is_infinite() && part.bytes().any(|b| b.is_ascii_digit()) {
            return Err(errors::float_out_of_range(&ty, part));
        }
        into.push(element);
    }
    if let Some(junk) = junk {
        return Err(junk);
    }
    check(&into[start..])
}

/// Reads the binary form, appending the elements.
pub(super) fn parse_binary(bytes: &[u8], into: &mut Vec<f32>) -> Result<()> {
    let invalid = || errors::invalid_binary(&PgType::Vector(None));
    let (header, elements) = bytes.split_at_checked(4).ok_or_else(invalid)?;
    let dimensions = i16::from_be_bytes([header[0], header[1]]);
    let unused = i16::from_be_bytes([header[2], header[3]]);
    if dimensions < 1 {
        return Err(data_exception("vector must have at least 1 dimension"));
    }
    let dimensions = usize::from(dimensions.unsigned_abs());
    if dimensions > VECTOR_DIMENSIONS_MAX {
        return Err(too_many_dimensions());
    }
    if unused != 0 {
        return Err(data_exception(format!("expected unused to be 0, not {unused}")));
    }
    if elements.len() != dimensions * 4 {
        return Err(invalid());
    }
    let start = into.len();
    let (words, _) = elements.as_chunks::<4>();
    into.extend(words.iter().map(|word| f32::from_bits(u32::from_be_bytes(*word))));
    check(&into[start..])
}

/// Writes `[1,2.5,0.0003]`: the shortest digits that read back as the same elements.
pub(super) fn write(elements: &[f32], out: &mut BytesMut) {
    out.reserve(elements.len() * 12 + 2);
    let mut before = b'[';
    for element in elements {
        out.put_u8(before);
        float::write(*element, out, 1);
        before = b',';
    }
    out.put_u8(b']');
}

/// Writes the binary form.
pub(super) fn write_binary(elements: &[f32], out: &mut BytesMut) {
    out.reserve(elements.len() * 4 + 4);
    out.put_u16(u16::try_from(elements.len()).unwrap_or(u16::MAX));
    out.put_u16(0);
    let start = out.len();
    out.resize(start + elements.len() * 4, 0);
    let (words, _) = out[start..].as_chunks_mut::<4>();
    for (word, element) in words.iter_mut().zip(elements) {
        *word = element.to_bits().to_be_bytes();
    }
}

//! PostgreSQL's binary COPY format, coming in: a header, tuples of counted values, a trailer.

use super::batch::Batch;
use super::lines::bad;
use crate::base::Result;

/// The first eleven bytes of every stream.
pub(super) const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";
/// Flags that a reader must know, of which there are none left.
const CRITICAL_FLAGS: u32 = 0xffff_0000;
const HAS_OIDS: u32 = 1 << 16;

/// What reading the front of the data came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// So many bytes are done with.
    Consumed(usize),
    /// The trailer, of so many bytes: no more tuples.
    Trailer(usize),
    /// More data is needed.
    Incomplete,
}

/// Reads the header.
pub(super) fn header(data: &[u8]) -> Result<Read> {
    let known = data.len().min(SIGNATURE.len());
    if data[..known] != SIGNATURE[..known] {
        return Err(bad("COPY file signature not recognized"));
    }
    let Some(flags) = int(data, 11) else {
        return Ok(Read::Incomplete);
    };
    if flags.cast_unsigned() & HAS_OIDS != 0 {
        return Err(bad("invalid COPY file header (WITH OIDS)"));
    }
    if flags.cast_unsigned() & CRITICAL_FLAGS != 0 {
        return Err(bad("unrecognized critical flags in COPY file header"));
    }
    let Some(extension) = int(data, 15) else {
        return Ok(Read::Incomplete);
    };
    let Ok(extension) = usize::try_from(extension) else {
        return Err(bad("invalid COPY file header (missing length)"));
    };
    let end = 19 + extension;
    Ok(if data.len() >= end { Read::Consumed(end) } else { Read::Incomplete })
}

#[inline]
fn int(data: &[u8], at: usize) -> Option<i32> {
    data.get(at..)?.first_chunk().map(|bytes| i32::from_be_bytes(*bytes))
}

/// Reads the tuple at the front into the batch. `column` is left at the one being read, for
/// the error's context. A tuple that is not whole appends nothing.
#[inline]
pub(super) fn tuple(data: &[u8], batch: &mut Batch, column: &mut Option<usize>) -> Result<Read> {
    *column = None;
    let Some(count) = data.first_chunk().map(|bytes| i16::from_be_bytes(*bytes)) else {
        return Ok(Read::Incomplete);
    };
    if count == -1 {
        return Ok(Read::Trailer(2));
    }
    if usize::try_from(count) != Ok(batch.width()) {
        return Err(bad(format!("row field count is {count}, expected {}", batch.width())));
    }
    if !is_whole(data, batch.width(), column)? {
        *column = None;
        return Ok(Read::Incomplete);
    }
    let mut at = 2;
    for index in 0..batch.width() {
        *column = Some(index);
        let length = int(data, at).unwrap_or(-1);
        at += 4;
        match usize::try_from(length) {
            Ok(length) => {
                batch.binary(index, data.get(at..at + length))?;
                at += length;
            }
            Err(_) => batch.binary(index, None)?,
        }
    }
    *column = None;
    Ok(Read::Consumed(at))
}

/// Walks the lengths only.
#[inline]
fn is_whole(data: &[u8], width: usize, column: &mut Option<usize>) -> Result<bool> {
    let mut at = 2;
    for index in 0..width {
        let Some(length) = int(data, at) else {
            return Ok(false);
        };
        at += 4;
        match length {
            -1 => {}
            length => match usize::try_from(length) {
                Ok(length) => at += length,
                Err(_) => {
                    *column = Some(index);
                    return Err(bad("invalid field size"));
                }
            },
        }
    }
    Ok(at <= data.len())
}

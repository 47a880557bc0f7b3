//! The frame of everything that indexes store: a head with parameters and a table of sections,
//! then the sections, each with its checksum (docs/format.md, "Index objects"). Sections are read
//! as views of the bytes they lie in.

use std::ops::Range;

use arrow::buffer::{Buffer, ScalarBuffer};
use arrow::datatypes::{ArrowNativeType, ToByteSlice};
use bytes::Bytes;

use super::definition::Elements;
use super::distance::Metric;
use super::error::IndexError;

const MAGIC: &[u8; 8] = b"RKINDEX1";
/// Up to the parameters.
const FIXED_BYTES: usize = 32;
const SECTION_BYTES: usize = 24;
/// Where sections begin: a cache line.
const ALIGNMENT: usize = 64;
/// More parameters or sections than any kind has.
const COUNT_MAX: usize = 64;
/// Why a section can't be read.
const OUTSIDE: &str = "section outside the object";

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// A part of kind `hnsw`
    Hnsw = 1,
    /// A part of lists over bits
    BitLists = 2,
    /// What is trained for parts of lists
    Model = 3,
    /// A part of lists over numbers
    Lists = 4,
}

/// What stands in a head besides its sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) content: Content,
    pub(super) metric: Metric,
    pub(super) elements: Elements,
    pub(super) dimensions: usize,
    /// Rows of the segment; 0 in a model.
    pub(super) rows: usize,
    /// Numbers whose meaning is the content's.
    pub(super) parameters: Vec<u32>,
}

fn metric_code(metric: Metric) -> u8 {
    match metric {
        Metric::L2 => 0,
        Metric::InnerProduct => 1,
        Metric::Cosine => 2,
        Metric::L1 => 3,
        Metric::Hamming => 4,
        Metric::Jaccard => 5,
    }
}

fn elements_code(elements: Elements) -> u8 {
    match elements {
        Elements::Numbers => 0,
        Elements::Bits => 1,
        Elements::Sparse => 2,
    }
}

/// Writes an object.
pub(super) fn encode(head: &Head, sections: &[&[u8]]) -> Vec<u8> {
    debug_assert!(head.parameters.len() <= COUNT_MAX && sections.len() <= COUNT_MAX);
    let head_bytes = FIXED_BYTES + head.parameters.len() * 4 + sections.len() * SECTION_BYTES;
    let mut offset = head_bytes.next_multiple_of(ALIGNMENT);
    let total = sections
        .iter()
        .fold(offset, |at, section| (at + section.len()).next_multiple_of(ALIGNMENT));
    let mut out = Vec::with_capacity(total);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(head_bytes as u32).to_le_bytes());
    let elements = elements_code(head.elements);
    out.extend_from_slice(&[head.content as u8, metric_code(head.metric), elements, 0]);
    out.extend_from_slice(&(head.dimensions as u32).to_le_bytes());
    out.extend_from_slice(&(head.rows as u32).to_le_bytes());
    out.extend_from_slice(&(head.parameters.len() as u16).to_le_bytes());
    out.extend_from_slice(&(sections.len() as u16).to_le_bytes());
    for parameter in &head.parameters {
        out.extend_from_slice(&parameter.to_le_bytes());
    }
    for section in sections {
        out.extend_from_slice(&(offset as u64).to_le_bytes());
        out.extend_from_slice(&(section.len() as u64).to_le_bytes());
        out.extend_from_slice(&crc32fast::hash(section).to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        offset = (offset + section.len()).next_multiple_of(ALIGNMENT);
    }
    let crc = crc32fast::hash(&out[12..]);
    out[8..12].copy_from_slice(&crc.to_le_bytes());
    for section in sections {
        out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
        out.extend_from_slice(section);
    }
    out
}

/// Where a section lies, and its checksum.
type Place = (Range<usize>, u32);

/// An object whose head and sections were verified.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) head: Head,
    /// The checksum of the head, and so of the sections' checksums.
    pub(super) fingerprint: u32,
    /// Those that were read: the first ones, or all.
    sections: Vec<Bytes>,
    /// Where each section lies, those that were not read included.
    places: Vec<Range<usize>>,
}

impl Object {
    /// Reads and verifies an object. Costs one pass over its bytes and no copy of them.
    pub(super) fn decode(bytes: &Bytes) -> Result<Self, IndexError> {
        Self::read(bytes, usize::MAX)
    }

    /// The same of its first bytes, which end where so many sections do.
    pub(super) fn decode_front(bytes: &Bytes, sections: usize) -> Result<Self, IndexError> {
        Self::read(bytes, sections)
    }

    fn read(bytes: &Bytes, sections: usize) -> Result<Self, IndexError> {
        let (head, fingerprint, head_bytes, places) = frame(bytes)?;
        let mut read = Vec::with_capacity(places.len().min(sections));
        let mut end = head_bytes;
        for (range, crc) in places.iter().take(sections) {
            let gap = bytes.get(end..range.start).ok_or(IndexError::Corrupt(OUTSIDE))?;
            if gap.iter().any(|byte| *byte != 0) {
                return Err(IndexError::Corrupt("bytes between sections"));
            }
            if range.end > bytes.len() {
                return Err(IndexError::Corrupt(OUTSIDE));
            }
            let section = bytes.slice(range.clone());
            if crc32fast::hash(&section) != *crc {
                return Err(IndexError::Corrupt("checksum of a section"));
            }
            read.push(section);
            end = range.end;
        }
        if end != bytes.len() {
            return Err(IndexError::Corrupt("bytes behind the last section"));
        }
        let places = places.into_iter().map(|(range, _)| range).collect();
        Ok(Self { head, fingerprint, sections: read, places })
    }

    /// Where each section lies in the object, those included that were not read.
    pub(super) fn places(&self) -> &[Range<usize>] {
        &self.places
    }

    /// How many sections there are.
    pub(super) fn section_count(&self) -> usize {
        self.sections.len()
    }

    /// A section; empty when there is no such.
    pub(super) fn section(&self, at: usize) -> Bytes {
        self.sections.get(at).cloned().unwrap_or_default()
    }

    /// A section of 32-bit numbers.
    pub(super) fn numbers(&self, at: usize) -> Result<ScalarBuffer<u32>, IndexError> {
        view(&self.section(at))
    }
}

/// Where a section ends in an object; `None` when there is no such.
pub(super) fn section_end(bytes: &[u8], at: usize) -> Result<Option<usize>, IndexError> {
    let (.., places) = frame(bytes)?;
    Ok(places.get(at).map(|(range, _)| range.end))
}

/// The head of an object, its checksum, its length, and where its sections are.
fn frame(bytes: &[u8]) -> Result<(Head, u32, usize, Vec<Place>), IndexError> {
    let fixed: &[u8; FIXED_BYTES] =
        bytes.first_chunk().ok_or(IndexError::Corrupt("shorter than a head"))?;
    if &fixed[..8] != MAGIC {
        return Err(IndexError::Corrupt("no index object of a known version"));
    }
    let u32_at = |at: usize| {
        bytes.get(at..at + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    };
    let head_bytes = u32_at(12) as usize;
    let counted = bytes.get(12..head_bytes).ok_or(IndexError::Corrupt("head cut short"))?;
    if crc32fast::hash(counted) != u32_at(8) {
        return Err(IndexError::Corrupt("checksum of the head"));
    }
    let parameter_count = usize::from(u16::from_le_bytes([fixed[28], fixed[29]]));
    let section_count = usize::from(u16::from_le_bytes([fixed[30], fixed[31]]));
    let table = FIXED_BYTES + parameter_count * 4;
    if parameter_count > COUNT_MAX
        || section_count > COUNT_MAX
        || head_bytes != table + section_count * SECTION_BYTES
    {
        return Err(IndexError::Corrupt("length of the head"));
    }
    let head = Head {
        content: match fixed[16] {
            1 => Content::Hnsw,
            2 => Content::BitLists,
            3 => Content::Model,
            4 => Content::Lists,
            _ => return Err(IndexError::Corrupt("unknown kind of index object")),
        },
        metric: Metric::ALL
            .into_iter()
            .find(|metric| metric_code(*metric) == fixed[17])
            .ok_or(IndexError::Corrupt("unknown metric"))?,
        elements: [Elements::Numbers, Elements::Bits, Elements::Sparse]
            .into_iter()
            .find(|elements| elements_code(*elements) == fixed[18])
            .ok_or(IndexError::Corrupt("unknown elements"))?,
        dimensions: u32_at(20) as usize,
        rows: u32_at(24) as usize,
        parameters: (0..parameter_count).map(|i| u32_at(FIXED_BYTES + i * 4)).collect(),
    };
    let mut places = Vec::with_capacity(section_count);
    let mut end = head_bytes;
    for at in (table..head_bytes).step_by(SECTION_BYTES) {
        let from = end.next_multiple_of(ALIGNMENT);
        let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
        let length = usize::try_from(u64_at(at + 8)).unwrap_or(usize::MAX);
        end = from
            .checked_add(length)
            .filter(|end| *end <= isize::MAX as usize)
            .ok_or(IndexError::Corrupt("length of a section"))?;
        if u64_at(at) != from as u64 {
            return Err(IndexError::Corrupt(OUTSIDE));
        }
        places.push((from..end, u32_at(at + 16)));
    }
    Ok((head, u32_at(8), head_bytes, places))
}

/// A view of bytes as numbers. Bytes on the heap may not be aligned: these are copied.
pub(super) fn view<T: ArrowNativeType>(bytes: &Bytes) -> Result<ScalarBuffer<T>, IndexError> {
    let size = size_of::<T>();
    if !bytes.len().is_multiple_of(size) {
        return Err(IndexError::Corrupt("section of a broken length"));
    }
    let buffer = if bytes.as_ptr().align_offset(align_of::<T>()) == 0 {
        Buffer::from(bytes.clone())
    } else {
        Buffer::from_slice_ref(bytes.as_ref())
    };
    Ok(ScalarBuffer::new(buffer, 0, bytes.len() / size))
}

/// Numbers as the bytes of a section.
pub(super) fn bytes_of<T: ArrowNativeType>(numbers: &[T]) -> &[u8] {
    numbers.to_byte_slice()
}

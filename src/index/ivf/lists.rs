//! Lists as they are stored: views of the part's bytes.

use std::ops::Range;

use arrow::buffer::{Buffer, ScalarBuffer};

use super::model::Model;
use crate::index::definition::IndexSpec;
use crate::index::error::IndexError;
use crate::index::faiss::{CODES_ALIGNMENT, code_bytes};
use crate::index::object::{Content, Head, Object, bytes_of, encode};

/// The lists of a part.
#[derive(Debug)]
pub(in crate::index) struct Lists {
    /// Where each list's rows end.
    ends: ScalarBuffer<u32>,
    /// Rows of the segment, list after list, ascending in each.
    rows: ScalarBuffer<u32>,
    /// Codes in blocks of 32 rows, list after list.
    codes: Buffer,
    /// Where each list's codes begin, and the last one's end.
    code_starts: Vec<usize>,
}

impl Lists {
    /// The bytes of a part.
    pub(super) fn encode(
        spec: &IndexSpec,
        model: &Model,
        segment_rows: usize,
        (ends, rows, codes): (&[u32], &[u32], &[u8]),
    ) -> Vec<u8> {
        let head = Head {
            content: Content::Lists,
            metric: spec.metric,
            elements: spec.elements,
            dimensions: spec.dimensions,
            rows: segment_rows,
            parameters: vec![ends.len() as u32, model.fingerprint],
        };
        encode(&head, &[bytes_of(ends), bytes_of(rows), codes])
    }

    /// The lists of a part's object, verified.
    pub(in crate::index) fn decode(model: &Model, object: &Object) -> Result<Self, IndexError> {
        let (ends, rows) = decode(model, object)?;
        let codes = object.section(2);
        let codes = if codes.as_ptr().align_offset(CODES_ALIGNMENT) == 0 {
            Buffer::from(codes)
        } else {
            Buffer::from_slice_ref(codes.as_ref())
        };
        let mut code_starts = vec![0];
        let (mut from, mut at) = (0, 0);
        for end in ends.iter() {
            at += code_bytes((*end - from) as usize, model.subspaces());
            from = *end;
            code_starts.push(at);
        }
        if at != codes.len() {
            return Err(IndexError::Corrupt("codes of another length"));
        }
        Ok(Self { ends, rows, codes, code_starts })
    }

    /// How many rows there are.
    pub(in crate::index) fn len(&self) -> usize {
        self.rows.len()
    }

    fn range(&self, list: usize) -> Range<usize> {
        let from = list.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        from..self.ends[list] as usize
    }

    /// The rows of a list.
    pub(super) fn rows(&self, list: usize) -> &[u32] {
        &self.rows[self.range(list)]
    }

    /// The codes of a list.
    pub(super) fn codes(&self, list: usize) -> &[u8] {
        &self.codes[self.code_starts[list]..self.code_starts[list + 1]]
    }
}

/// Where the lists of a part's object end, and their rows, verified.
pub(super) fn decode(
    model: &Model,
    object: &Object,
) -> Result<(ScalarBuffer<u32>, ScalarBuffer<u32>), IndexError> {
    let &[lists, fingerprint] = object
        .head
        .parameters
        .first_chunk::<2>()
        .ok_or(IndexError::Corrupt("parameters of lists"))?;
    if fingerprint != model.fingerprint || lists as usize != model.lists {
        return Err(IndexError::Corrupt("lists of another model"));
    }
    let (ends, rows) = (object.numbers(0)?, object.numbers(1)?);
    let inside = rows.iter().all(|row| (*row as usize) < object.head.rows);
    let whole = ends.len() == model.lists
        && ends.is_sorted()
        && ends.last().is_some_and(|end| *end as usize == rows.len());
    if inside && whole {
        Ok((ends, rows))
    } else {
        Err(IndexError::Corrupt("lists that lead outside"))
    }
}

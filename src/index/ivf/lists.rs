//! Lists as they are stored: views of the part's bytes. Each list's codes and rows lie side by side, so
//! that a list is read by itself where the part is far away ([`super::remote`]).

use std::borrow::Cow;
use std::ops::Range;

use arrow::buffer::{Buffer, ScalarBuffer};
use bytes::Bytes;

use super::model::Model;
use super::terms::terms;
use crate::index::definition::IndexSpec;
use crate::index::distance::Metric;
use crate::index::error::IndexError;
use crate::index::faiss::{CODES_ALIGNMENT, code_bytes};
use crate::index::object::{Content, Head, Object, bytes_of, encode};

/// Where a list begins: a cache line, and what codes are aligned to.
const LIST_ALIGNMENT: usize = 64;
const _: () = assert!(LIST_ALIGNMENT.is_multiple_of(CODES_ALIGNMENT));
/// Sections in front of the lists: their ends and their checksums.
pub(super) const FRONT_SECTIONS: usize = 2;

/// The lists of a part, or some of them: the others are empty then.
#[derive(Debug)]
pub(in crate::index) struct Lists {
    /// How many rows the lists up to each one have.
    ends: ScalarBuffer<u32>,
    /// Where each list's bytes begin, and the last one's end.
    starts: Vec<usize>,
    /// List after list: codes in blocks of 32 rows, the rows' terms, then rows of the segment, ascending.
    bytes: Buffer,
    /// The same bytes.
    numbers: ScalarBuffer<u32>,
    /// The same bytes.
    terms: ScalarBuffer<f32>,
    layout: Layout,
}

/// What of a row a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// How many codes.
    subspaces: usize,
    /// Whether its term ([`super::terms`]).
    has_terms: bool,
}

impl Layout {
    /// What parts have that are made with a model now.
    pub(super) fn new(model: &Model, metric: Metric) -> Self {
        let subspaces = model.subspaces();
        Self { subspaces, has_terms: subspaces > 0 && metric != Metric::InnerProduct }
    }

    /// What a part of a model has; those that were made before there were terms have none.
    ///
    /// # Errors
    /// When it is a part of another model.
    pub(super) fn of(model: &Model, object: &Object) -> Result<Self, IndexError> {
        check_model(model, object)?;
        let has_terms = object.head.parameters.get(2).is_some_and(|has| *has == 1);
        Ok(Self { subspaces: model.subspaces(), has_terms })
    }

    /// The bytes of a list of so many rows, the gap behind it left out.
    fn bytes(self, rows: usize) -> usize {
        let numbers = 1 + usize::from(self.has_terms);
        code_bytes(rows, self.subspaces) + rows * numbers * size_of::<u32>()
    }

    /// Where each list's bytes begin, and the last one's end.
    pub(super) fn starts(self, ends: &[u32]) -> Vec<usize> {
        let mut starts = Vec::with_capacity(ends.len() + 1);
        let mut at = 0;
        starts.push(at);
        for list in 0..ends.len() {
            at += self.bytes(count(ends, list)).next_multiple_of(LIST_ALIGNMENT);
            starts.push(at);
        }
        starts
    }
}

impl Lists {
    /// The bytes of a part: of each list where its rows end, the rows, and the codes list after list.
    pub(super) fn encode(
        spec: &IndexSpec,
        model: &Model,
        segment_rows: usize,
        (ends, rows, codes): (&[u32], &[u32], &[u8]),
    ) -> Vec<u8> {
        let layout = Layout::new(model, spec.metric);
        let head = Head {
            content: Content::Lists,
            metric: spec.metric,
            elements: spec.elements,
            dimensions: spec.dimensions,
            rows: segment_rows,
            parameters: vec![ends.len() as u32, model.fingerprint, layout.has_terms.into()],
        };
        let starts = layout.starts(ends);
        let mut bytes = Vec::with_capacity(starts.last().copied().unwrap_or(0));
        let mut checksums = Vec::with_capacity(ends.len());
        let (mut from, mut codes) = (0, codes);
        for (list, (end, place)) in ends.iter().zip(starts.windows(2)).enumerate() {
            let count = (end - from) as usize;
            let (own, others) = codes.split_at(code_bytes(count, layout.subspaces));
            bytes.extend_from_slice(own);
            if layout.has_terms {
                bytes.extend_from_slice(bytes_of(&terms(model, list, own, count)));
            }
            bytes.extend_from_slice(bytes_of(&rows[from as usize..*end as usize]));
            bytes.resize(place[1], 0);
            checksums.push(crc32fast::hash(&bytes[place[0]..]));
            (from, codes) = (*end, others);
        }
        encode(&head, &[bytes_of(ends), bytes_of(&checksums), &bytes])
    }

    /// The lists of a part's object, verified.
    pub(in crate::index) fn decode(model: &Model, object: &Object) -> Result<Self, IndexError> {
        let layout = Layout::of(model, object)?;
        let lists = Self::of(model, layout, object.numbers(0)?, object.section(FRONT_SECTIONS))?;
        let inside = |list| lists.rows(list).iter().all(|row| (*row as usize) < object.head.rows);
        match (0..model.lists).all(inside) {
            true => Ok(lists),
            false => Err(IndexError::Corrupt("lists that lead outside")),
        }
    }

    /// Lists of so many rows in all up to each one, and their bytes.
    pub(super) fn of(
        model: &Model,
        layout: Layout,
        ends: ScalarBuffer<u32>,
        bytes: Bytes,
    ) -> Result<Self, IndexError> {
        let rows = ends.last().map_or(0, |end| *end as usize);
        if !are_ends(&ends, model.lists, rows) {
            return Err(IndexError::Corrupt("lists that lead outside"));
        }
        let starts = layout.starts(&ends);
        if starts.last() != Some(&bytes.len()) {
            return Err(IndexError::Corrupt("lists of another length"));
        }
        let bytes = match bytes.as_ptr().align_offset(CODES_ALIGNMENT) {
            0 => Buffer::from(bytes),
            _ => Buffer::from_slice_ref(bytes.as_ref()),
        };
        let numbers = ScalarBuffer::new(bytes.clone(), 0, bytes.len() / size_of::<u32>());
        let terms = ScalarBuffer::new(bytes.clone(), 0, bytes.len() / size_of::<f32>());
        Ok(Self { ends, starts, bytes, numbers, terms, layout })
    }

    /// How many rows there are.
    pub(in crate::index) fn len(&self) -> usize {
        self.ends.last().map_or(0, |end| *end as usize)
    }

    /// Where a list's codes are.
    fn codes_range(&self, list: usize) -> Range<usize> {
        let rows = count(&self.ends, list);
        self.starts[list]..self.starts[list] + code_bytes(rows, self.layout.subspaces)
    }

    /// The rows of a list.
    pub(super) fn rows(&self, list: usize) -> &[u32] {
        let rows = count(&self.ends, list);
        let end = (self.starts[list] + self.layout.bytes(rows)) / size_of::<u32>();
        &self.numbers[end - rows..end]
    }

    /// The codes of a list.
    pub(super) fn codes(&self, list: usize) -> &[u8] {
        &self.bytes[self.codes_range(list)]
    }

    /// What each row of a list adds to its distance from any query, squared; computed for parts that
    /// don't have it.
    pub(super) fn terms(&self, model: &Model, list: usize) -> Cow<'_, [f32]> {
        let rows = count(&self.ends, list);
        if !self.layout.has_terms {
            return Cow::Owned(terms(model, list, self.codes(list), rows));
        }
        let from = self.codes_range(list).end / size_of::<f32>();
        Cow::Borrowed(&self.terms[from..from + rows])
    }
}

/// How many rows a list has.
pub(super) fn count(ends: &[u32], list: usize) -> usize {
    let from = list.checked_sub(1).map_or(0, |before| ends[before]);
    (ends[list] - from) as usize
}

/// Whether a part's lists are those of a model.
pub(super) fn check_model(model: &Model, object: &Object) -> Result<(), IndexError> {
    let parameters = object.head.parameters.first_chunk::<2>();
    match parameters.ok_or(IndexError::Corrupt("parameters of lists"))? {
        &[lists, fingerprint]
            if fingerprint == model.fingerprint && lists as usize == model.lists =>
        {
            Ok(())
        }
        _ => Err(IndexError::Corrupt("lists of another model")),
    }
}

/// Whether so many lists may end there, which have so many rows in all.
pub(super) fn are_ends(ends: &[u32], lists: usize, rows: usize) -> bool {
    ends.len() == lists && ends.is_sorted() && ends.last().is_some_and(|end| *end as usize == rows)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64};

    use super::*;
    use crate::index::ivf::build;
    use crate::index::points::Points;
    use crate::index::{Elements, IndexKind, Work};

    /// Parts from before there were terms are read, and mean the same.
    #[test]
    fn terms_may_be_missing() {
        let (cancelled, done) = (AtomicBool::new(false), AtomicU64::new(0));
        let work = Work { threads: 1, memory: u64::MAX, cancelled: &cancelled, done: &done };
        let dimensions = 6;
        let values: Vec<f32> = (0..600 * dimensions).map(|at| (at * 37 % 101) as f32).collect();
        let kind = IndexKind::Redkite { lists: Some(7) };
        let spec = IndexSpec { kind, metric: Metric::L2, dimensions, elements: Elements::Numbers };
        let model = Model::train(&spec, &values, 600, &work).unwrap();
        let points = Points::new(values.into(), dimensions, None).unwrap();
        let part = Bytes::from(build(&spec, &model, &points, &work).unwrap());
        let lists = Lists::decode(&model, &Object::decode(&part).unwrap()).unwrap();
        let mut bytes = Vec::new();
        for list in 0..model.lists {
            bytes.extend_from_slice(lists.codes(list));
            bytes.extend_from_slice(bytes_of(lists.rows(list)));
            bytes.resize(bytes.len().next_multiple_of(LIST_ALIGNMENT), 0);
        }
        let layout = Layout { has_terms: false, ..lists.layout };
        let without = Lists::of(&model, layout, lists.ends.clone(), bytes.into()).unwrap();
        for list in 0..model.lists {
            assert_eq!(without.rows(list), lists.rows(list));
            assert_eq!(without.codes(list), lists.codes(list));
            assert_eq!(without.terms(&model, list), lists.terms(&model, list));
            assert_eq!(lists.terms(&model, list).len(), lists.rows(list).len());
        }
    }
}

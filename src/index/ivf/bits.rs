//! Lists of bit strings: the centers are trained from bits as ones and zeros, and the bits of a list
//! lie one behind the other in the part.

use arrow::buffer::ScalarBuffer;

use super::build::by_list;
use super::model::Model;
use super::search::{Order, order};
use crate::index::bits::bit_distance;
use crate::index::candidate::Candidate;
use crate::index::codes::Codes;
use crate::index::definition::{Elements, IndexSpec};
use crate::index::distance::Metric;
use crate::index::error::IndexError;
use crate::index::faiss;
use crate::index::object::{Content, Head, Object, bytes_of, encode};
use crate::index::part::{SearchOptions, SearchWork};
use crate::index::points::CodedPoints;
use crate::index::query::ones;
use crate::index::selection::Selection;
use crate::index::work::{self, Work};

/// Bytes of ones and zeros that are assigned to lists at once.
const BLOCK_BYTES: usize = 16 << 20;

/// The lists of a part.
#[derive(Debug)]
pub(in crate::index) struct BitLists {
    /// Where each list's rows end.
    ends: ScalarBuffer<u32>,
    /// Rows of the segment, list after list, ascending in each.
    rows: ScalarBuffer<u32>,
    /// Their bits.
    codes: Codes,
}

/// The bytes of a part.
pub(in crate::index) fn build_bits(
    spec: &IndexSpec,
    model: &Model,
    points: &CodedPoints,
    work: &Work<'_>,
) -> Result<Vec<u8>, IndexError> {
    let Codes::Bits(bits) = points.codes() else { return Err(IndexError::Elements) };
    let dimensions = spec.dimensions;
    let block = (BLOCK_BYTES / size_of::<f32>() / dimensions).max(1);
    let mut nearest = Vec::with_capacity(points.len());
    let mut values = Vec::new();
    for from in (0..points.len()).step_by(block) {
        values.clear();
        for at in from..points.len().min(from + block) {
            values.extend(ones(bits.words(at), dimensions));
        }
        let lists = faiss::assign(&values, None, &model.centroids, dimensions, false, work)?;
        nearest.extend(lists);
    }
    let (ends, places) = by_list(&nearest, model.lists);
    let rows: Vec<u32> = places.iter().map(|at| points.rows()[*at as usize]).collect();
    let codes = points.codes().select(&places);
    let head = Head {
        content: Content::BitLists,
        metric: spec.metric,
        elements: spec.elements,
        dimensions,
        rows: points.segment_rows(),
        parameters: vec![ends.len() as u32, model.fingerprint],
    };
    let mut sections = vec![bytes_of(&ends), bytes_of(&rows)];
    sections.extend(codes.sections());
    Ok(encode(&head, &sections))
}

impl BitLists {
    /// The lists of a part's object, verified.
    pub(in crate::index) fn decode(
        spec: &IndexSpec,
        model: &Model,
        object: &Object,
    ) -> Result<Self, IndexError> {
        super::lists::check_model(model, object)?;
        let (ends, rows) = (object.numbers(0)?, object.numbers(1)?);
        let inside = rows.iter().all(|row| (*row as usize) < object.head.rows);
        if !inside || !super::lists::are_ends(&ends, model.lists, rows.len()) {
            return Err(IndexError::Corrupt("lists that lead outside"));
        }
        if spec.elements != Elements::Bits {
            return Err(IndexError::Elements);
        }
        let codes = Codes::decode(spec, object, 2, rows.len())?.ok_or(IndexError::Elements)?;
        Ok(Self { ends, rows, codes })
    }

    /// How many rows there are.
    pub(in crate::index) fn len(&self) -> usize {
        self.rows.len()
    }
}

/// A search of lists of bits.
pub(in crate::index) struct BitSearch<'a> {
    pub(in crate::index) model: &'a Model,
    pub(in crate::index) lists: &'a BitLists,
    pub(in crate::index) metric: Metric,
    pub(in crate::index) query: &'a [u64],
    pub(in crate::index) options: &'a SearchOptions<'a>,
    pub(in crate::index) chosen: Selection<'a>,
    /// Takes the rows that were found and their distances, the order being no particular one.
    pub(in crate::index) show: &'a mut dyn FnMut(f64, u32),
}

impl BitSearch<'_> {
    /// Runs.
    pub(in crate::index) fn run(mut self) -> Result<SearchWork, IndexError> {
        let mut done = SearchWork::default();
        if self.options.k == 0 || self.lists.len() == 0 {
            return Ok(done);
        }
        let query: Vec<f32> = ones(self.query, self.model.dimensions).collect();
        let effort = self.options.effort as usize;
        let Order { mut lists, probes } = order(self.model, Metric::L2, &query, effort);
        done.distances += lists.len() as u64;
        let (first, rest) = lists.split_at_mut(probes);
        let mut found = 0;
        for list in first.iter() {
            found += self.look(*list, &mut done)?;
        }
        if found < self.options.k {
            rest.sort_unstable();
        }
        for list in rest.iter() {
            if found >= self.options.k {
                break;
            }
            found += self.look(*list, &mut done)?;
        }
        Ok(done)
    }

    /// Compares the rows of a list; returns how many were chosen.
    fn look(&mut self, list: Candidate, done: &mut SearchWork) -> Result<usize, IndexError> {
        let Codes::Bits(bits) = &self.lists.codes else { return Err(IndexError::Elements) };
        work::check(self.options.cancelled)?;
        done.expanded += 1;
        let list = list.number() as usize;
        let from = list.checked_sub(1).map_or(0, |before| self.lists.ends[before] as usize);
        let mut count = 0;
        for at in from..self.lists.ends[list] as usize {
            let row = self.lists.rows[at];
            if self.chosen.takes(row) {
                let (code, query) = (bits.words(at).iter(), self.query.iter());
                (self.show)(bit_distance(self.metric, code.copied(), query.copied()), row);
                count += 1;
            }
        }
        done.codes += count as u64;
        done.candidates += count as u64;
        Ok(count)
    }
}

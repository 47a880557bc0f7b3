//! Lists of a part that is far away: only those that a search looks into are read.
//!
//! The part's first bytes say where each list lies and what its checksum is. A search then takes two
//! steps: which lists to read ([`RemoteLists::probes`]), and which rows of them are to be compared by
//! their vectors ([`RemoteLists::candidates`]). Who reads is the caller: nothing here waits.

use std::sync::Arc;

use arrow::buffer::ScalarBuffer;
use bytes::Bytes;

use super::lists::{FRONT_SECTIONS, Layout, Lists, are_ends, count};
use super::model::{Model, centroid_metric};
use super::search::{CodeSearch, order};
use crate::index::definition::{Elements, IndexSpec};
use crate::index::distance::Metric;
use crate::index::error::IndexError;
use crate::index::kernel::with_kernel;
use crate::index::object::{Content, Object, section_end};
use crate::index::part::{SearchOptions, SearchWork};

/// Where a list lies in its part's object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteList {
    number: u32,
    /// Of its first byte.
    pub offset: u64,
    /// How many bytes.
    pub length: u64,
    /// The CRC-32 of its bytes.
    pub crc32: u32,
}

/// What is known of a part's lists before any of them is read.
#[derive(Debug)]
pub struct RemoteLists {
    model: Arc<Model>,
    metric: Metric,
    segment_rows: usize,
    ends: ScalarBuffer<u32>,
    checksums: ScalarBuffer<u32>,
    /// Where each list begins in the object, and the last one's end.
    starts: Vec<usize>,
    layout: Layout,
}

impl RemoteLists {
    /// Of how many bytes of a part's object it is made; `None` where lists can't be searched by
    /// themselves, vectors being compared in them.
    ///
    /// # Errors
    /// When these are not the bytes of a part.
    pub fn front_bytes(model: &Model, part: &[u8]) -> Result<Option<usize>, IndexError> {
        if !model.has_codes() {
            return Ok(None);
        }
        section_end(part, FRONT_SECTIONS - 1)
    }

    /// Reads the first bytes of a part's object over a segment of so many rows.
    ///
    /// # Errors
    /// When they are not those of a part of this definition, made with this model.
    pub fn decode(
        spec: &IndexSpec,
        model: Arc<Model>,
        front: &Bytes,
        segment_rows: usize,
    ) -> Result<Self, IndexError> {
        let object = Object::decode_front(front, FRONT_SECTIONS)?;
        let head = &object.head;
        let same = head.content == Content::Lists
            && head.metric == spec.metric
            && head.elements == Elements::Numbers
            && spec.elements == Elements::Numbers
            && head.dimensions == spec.dimensions
            && head.rows == segment_rows
            && model.has_codes();
        let (true, [.., lists]) = (same, object.places()) else {
            return Err(IndexError::Corrupt("a part of another index"));
        };
        let layout = Layout::of(&model, &object)?;
        let (ends, checksums) = (object.numbers(0)?, object.numbers(1)?);
        let rows = ends.last().map_or(0, |end| *end as usize);
        if !are_ends(&ends, model.lists, rows) || checksums.len() != ends.len() {
            return Err(IndexError::Corrupt("lists that lead outside"));
        }
        let mut starts = layout.starts(&ends);
        if starts.last() != Some(&lists.len()) {
            return Err(IndexError::Corrupt("lists of another length"));
        }
        starts.iter_mut().for_each(|start| *start += lists.start);
        Ok(Self { metric: spec.metric, model, segment_rows, ends, checksums, starts, layout })
    }

    /// The memory it takes, the model left out.
    pub fn bytes(&self) -> usize {
        self.ends.len() * (2 * size_of::<u32>() + size_of::<usize>())
    }

    /// How many lists there are.
    pub fn lists(&self) -> usize {
        self.model.lists
    }

    /// The lists that a search of this effort looks into, those without rows left out.
    ///
    /// # Errors
    /// When the query has another length.
    pub fn probes(&self, query: &[f32], effort: u32) -> Result<Vec<RemoteList>, IndexError> {
        self.check(query)?;
        let order = order(&self.model, centroid_metric(self.metric), query, effort as usize);
        let probes = order.lists[..order.probes].iter().map(|list| list.number() as usize);
        let place = |list: usize| RemoteList {
            number: list as u32,
            offset: self.starts[list] as u64,
            length: (self.starts[list + 1] - self.starts[list]) as u64,
            crc32: self.checksums[list],
        };
        Ok(probes.filter(|list| count(&self.ends, *list) > 0).map(place).collect())
    }

    /// The rows that are to be compared by their vectors: `refine` times `k`, ascending, of the lists
    /// that a search of this effort looks into and that have been read. Fewer where these have no more
    /// that may be found.
    ///
    /// # Errors
    /// When bytes are not their list's, the query has another length, or the search was cancelled.
    pub fn candidates(
        &self,
        query: &[f32],
        options: &SearchOptions<'_>,
        read: &[(RemoteList, Bytes)],
    ) -> Result<(Vec<u32>, SearchWork), IndexError> {
        self.check(query)?;
        let lists = self.some(read)?;
        let chosen = options.selection.simplified();
        if options.k == 0 || lists.len() == 0 || chosen.count_max(lists.len()) == 0 {
            return Ok((Vec::new(), SearchWork::default()));
        }
        let (model, metric) = (&*self.model, self.metric);
        let search =
            CodeSearch { model, lists: &lists, metric, query, options, chosen, strictly: true };
        let (mut rows, work) = with_kernel(metric, query, search)?;
        rows.sort_unstable();
        match rows.last().is_none_or(|row| (*row as usize) < self.segment_rows) {
            true => Ok((rows, work)),
            false => Err(IndexError::Corrupt("lists that lead outside")),
        }
    }

    /// Lists of which only those have rows that have been read.
    fn some(&self, read: &[(RemoteList, Bytes)]) -> Result<Lists, IndexError> {
        let mut read: Vec<&(RemoteList, Bytes)> = read.iter().collect();
        read.sort_unstable_by_key(|(list, _)| list.number);
        let mut bytes = Vec::with_capacity(read.iter().map(|(_, bytes)| bytes.len()).sum());
        let mut ends = Vec::with_capacity(self.ends.len());
        let (mut next, mut rows) = (read.into_iter().peekable(), 0);
        for list in 0..self.ends.len() {
            if let Some((_, own)) = next.next_if(|(known, _)| known.number as usize == list) {
                bytes.extend_from_slice(own);
                rows += count(&self.ends, list) as u32;
            }
            ends.push(rows);
        }
        Lists::of(&self.model, self.layout, ends.into(), bytes.into())
    }

    fn check(&self, query: &[f32]) -> Result<(), IndexError> {
        let expected = self.model.dimensions;
        match query.len() == expected {
            true => Ok(()),
            false => Err(IndexError::Dimensions { expected, found: query.len() }),
        }
    }
}

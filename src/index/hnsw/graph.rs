//! A graph as it is stored: views of the part's bytes.

use arrow::buffer::ScalarBuffer;

use crate::index::codes::Codes;
use crate::index::definition::{IndexKind, IndexSpec};
use crate::index::error::IndexError;
use crate::index::object::{Content, Head, Object, bytes_of, encode};

/// No neighbour: lists are filled up with it.
pub(super) const NONE: u32 = u32::MAX;

const PARAMETERS: usize = 4;
/// Sections before those of the upper levels.
const SECTIONS: usize = 3;

/// A level above the lowest: its nodes, ascending, and for each of them its neighbours by their
/// places among these.
#[derive(Debug)]
pub(super) struct Level<N> {
    pub(super) nodes: N,
    pub(super) links: N,
}

/// A graph, its numbers held by `N`: vectors while it is written, views while it is searched.
#[derive(Debug)]
pub(in crate::index) struct Graph<N = ScalarBuffer<u32>> {
    pub(super) m: usize,
    pub(super) nodes: usize,
    /// The entry's place on the highest level; on the lowest, its number.
    pub(super) entry: u32,
    /// 2m neighbours of each node.
    pub(super) links: N,
    /// See [`super::groups::Groups`].
    pub(super) rows: N,
    pub(super) starts: N,
    /// From level 1 up.
    pub(super) levels: Vec<Level<N>>,
}

impl Graph<Vec<u32>> {
    /// The bytes of a part, the sections of its codes last.
    pub(super) fn encode(&self, spec: &IndexSpec, segment_rows: usize, codes: &[&[u8]]) -> Vec<u8> {
        let mut sections =
            vec![bytes_of(&self.links), bytes_of(&self.rows), bytes_of(&self.starts)];
        for level in &self.levels {
            sections.push(bytes_of(&level.nodes));
            sections.push(bytes_of(&level.links));
        }
        sections.extend(codes);
        let head = Head {
            content: Content::Hnsw,
            metric: spec.metric,
            elements: spec.elements,
            dimensions: spec.dimensions,
            rows: segment_rows,
            parameters: vec![
                self.m as u32,
                self.nodes as u32,
                self.entry,
                self.levels.len() as u32,
            ],
        };
        encode(&head, &sections)
    }
}

impl Graph {
    /// The graph of a part's object, verified: every number that leads somewhere leads inside. With
    /// it the codes of its nodes, where it has these.
    pub(in crate::index) fn decode(
        spec: &IndexSpec,
        object: &Object,
    ) -> Result<(Self, Option<Codes>), IndexError> {
        let IndexKind::Hnsw { m, .. } = spec.kind else {
            return Err(IndexError::Corrupt("a graph for another kind"));
        };
        let &[stored_m, nodes, entry, level_count] = object
            .head
            .parameters
            .first_chunk::<PARAMETERS>()
            .ok_or(IndexError::Corrupt("parameters of a graph"))?;
        let level_count = level_count as usize;
        let of_codes = SECTIONS + level_count * 2;
        if stored_m != m || object.section_count() != of_codes + Codes::section_count(spec.elements)
        {
            return Err(IndexError::Corrupt("a graph of another shape"));
        }
        let levels = (0..level_count)
            .map(|level| {
                let at = SECTIONS + level * 2;
                Ok(Level { nodes: object.numbers(at)?, links: object.numbers(at + 1)? })
            })
            .collect::<Result<_, IndexError>>()?;
        let graph = Self {
            m: m as usize,
            nodes: nodes as usize,
            entry,
            links: object.numbers(0)?,
            rows: object.numbers(1)?,
            starts: object.numbers(2)?,
            levels,
        };
        graph.verify(object.head.rows)?;
        let codes = Codes::decode(spec, object, of_codes, graph.nodes)?;
        Ok((graph, codes))
    }

    fn verify(&self, segment_rows: usize) -> Result<(), IndexError> {
        let whole = self.links.len() == self.nodes * self.m * 2
            && links_inside(&self.links, self.nodes)
            && self.rows_whole(segment_rows)
            && self.levels_whole();
        if whole { Ok(()) } else { Err(IndexError::Corrupt("a graph that leads outside")) }
    }

    fn rows_whole(&self, segment_rows: usize) -> bool {
        let starts_whole = self.starts.is_empty()
            || self.starts.len() == self.nodes + 1
                && self.starts.windows(2).all(|pair| pair[0] < pair[1])
                && self.starts[0] == 0
                && self.starts[self.nodes] as usize == self.rows.len();
        let count = if self.rows.is_empty() {
            self.starts.is_empty() && self.nodes == segment_rows
        } else {
            !self.starts.is_empty() || self.rows.len() == self.nodes
        };
        // A part without nodes has no rows to list, whatever the segment has.
        (starts_whole && count && self.rows.iter().all(|row| (*row as usize) < segment_rows))
            || self.nodes == 0 && self.rows.is_empty() && self.starts.is_empty()
    }

    fn levels_whole(&self) -> bool {
        let mut below = self.nodes;
        for level in &self.levels {
            let count = level.nodes.len();
            let ascending = level.nodes.windows(2).all(|pair| pair[0] < pair[1]);
            let inside = level.nodes.last().is_some_and(|last| (*last as usize) < self.nodes);
            if !ascending
                || !inside
                || count > below
                || level.links.len() != count * self.m
                || !links_inside(&level.links, count)
            {
                return false;
            }
            below = count;
        }
        (self.entry as usize) < below || self.nodes == 0
    }

    /// How many rows there are.
    pub(in crate::index) fn len(&self) -> usize {
        if self.rows.is_empty() { self.nodes } else { self.rows.len() }
    }

    /// The row whose vector is the node's.
    #[inline]
    pub(super) fn first_row(&self, node: u32) -> u32 {
        if self.rows.is_empty() {
            node
        } else if self.starts.is_empty() {
            self.rows[node as usize]
        } else {
            self.rows[self.starts[node as usize] as usize]
        }
    }

    /// Shows each row of a node; whether `show` said so of one of them.
    #[inline]
    pub(super) fn any_row(&self, node: u32, mut show: impl FnMut(u32) -> bool) -> bool {
        if self.starts.is_empty() {
            return show(self.first_row(node));
        }
        let (from, to) = (self.starts[node as usize], self.starts[node as usize + 1]);
        self.rows[from as usize..to as usize].iter().any(|row| show(*row))
    }
}

fn links_inside(links: &[u32], nodes: usize) -> bool {
    // All of them, without leaving early: that is done eight at a time.
    let bad = links.iter().filter(|link| **link as usize >= nodes && **link != NONE).count();
    bad == 0
}

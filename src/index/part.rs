//! A part: one index over one segment, built once and searched by many threads at once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::buffer::ScalarBuffer;
use bytes::Bytes;

use super::definition::{IndexKind, IndexSpec};
use super::distance::{Metric, distance};
use super::error::IndexError;
use super::flat::Selection;
use super::hnsw;
use super::ivf::{self, Model};
use super::kernel::with_kernel;
use super::object::{Content, Object};
use super::points::Points;
use super::selection::Chosen;
use super::top_k::TopK;
use super::work::Work;

/// Builds a part; returns the bytes of its object. Interruptible; with several threads the bytes
/// differ from run to run.
///
/// # Errors
/// When the definition can't be built, the points are not what it is over, or the work was
/// cancelled.
pub fn build(
    spec: &IndexSpec,
    model: Option<&Model>,
    points: &Points,
    work: &Work<'_>,
) -> Result<Vec<u8>, IndexError> {
    spec.check()?;
    if points.dimensions() != spec.dimensions {
        return Err(IndexError::Dimensions {
            expected: spec.dimensions,
            found: points.dimensions(),
        });
    }
    match spec.kind {
        IndexKind::Hnsw { m, ef_construction } => {
            hnsw::build(spec, (m, ef_construction), points, work)
        }
        IndexKind::IvfFlat { .. } | IndexKind::Redkite { .. } => {
            let model = model.ok_or(IndexError::ModelMissing)?;
            if model.dimensions() != spec.dimensions {
                return Err(IndexError::Corrupt("a model of another index"));
            }
            ivf::build(spec, model, points, work)
        }
    }
}

/// What a search is asked for besides the query.
#[derive(Debug, Clone, Copy)]
pub struct SearchOptions<'a> {
    /// How many rows are wanted.
    pub k: usize,
    /// How hard to look: `ef_search` of HNSW, lists probed by the IVF kinds.
    pub effort: u32,
    /// Candidates that are compared exactly for each row wanted, by kinds that search codes.
    pub refine: u32,
    /// The number of the segment's first row in what `top` is shown.
    pub first_row: u64,
    /// Which rows of the segment may be found. Rows that are not indexed are never found.
    pub selection: Selection<'a>,
    /// Set by anyone to stop the search.
    pub cancelled: &'a AtomicBool,
}

/// What a search did: for EXPLAIN ANALYZE.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SearchWork {
    /// Distances between whole vectors that were computed, those to centroids included.
    pub distances: u64,
    /// Codes that were compared.
    pub codes: u64,
    /// Nodes whose neighbours were looked at, or lists that were scanned.
    pub expanded: u64,
    /// Rows that were compared exactly and shown.
    pub candidates: u64,
}

impl SearchWork {
    /// The work in distances between whole vectors: a code is a sixteenth as long, and read in
    /// order.
    pub(super) fn cost(&self, dimensions: usize) -> f64 {
        // What a node or list costs besides, in numbers read.
        let beside = 500.0 / dimensions as f64;
        self.distances as f64 + self.codes as f64 / 16.0 + self.expanded as f64 * beside
    }
}

/// A part that can be searched, over its bytes and the segment's vectors where they lie.
#[derive(Debug)]
pub struct Part {
    spec: IndexSpec,
    values: ScalarBuffer<f32>,
    content: Contents,
}

#[derive(Debug)]
enum Contents {
    Graph(hnsw::Graph),
    Lists(ivf::Lists, Arc<Model>),
}

impl Part {
    /// Opens the bytes of a part. They are verified once, here; nothing of them is copied when
    /// they are aligned, as mapped files are. `model`: what the part was built with, if its kind
    /// has one. `values`: the numbers of all rows of the segment.
    ///
    /// # Errors
    /// When the bytes are not those of a part of this definition over this segment.
    pub fn open(
        spec: &IndexSpec,
        model: Option<Arc<Model>>,
        bytes: &Bytes,
        values: ScalarBuffer<f32>,
    ) -> Result<Self, IndexError> {
        spec.check()?;
        let object = Object::decode(bytes)?;
        let head = &object.head;
        if head.metric != spec.metric || head.dimensions != spec.dimensions {
            return Err(IndexError::Corrupt("a part of another index"));
        }
        if head.rows.checked_mul(head.dimensions) != Some(values.len()) {
            return Err(IndexError::Corrupt("a part of another segment"));
        }
        let content = match (spec.kind.needs_model(), head.content) {
            (false, Content::Hnsw) => Contents::Graph(hnsw::Graph::decode(spec, &object)?),
            (true, Content::Lists) => {
                let model = model.ok_or(IndexError::ModelMissing)?;
                Contents::Lists(ivf::Lists::decode(&model, &object)?, model)
            }
            _ => return Err(IndexError::Corrupt("a part of another kind")),
        };
        Ok(Self { spec: spec.clone(), values, content })
    }

    /// What nearness means.
    pub(super) fn metric(&self) -> Metric {
        self.spec.metric
    }

    /// The efforts that are worth measuring, ascending.
    pub(super) fn efforts(&self) -> Vec<u32> {
        let (first, last) = match &self.content {
            Contents::Graph(_) => (10.0_f64, 1_000.0),
            Contents::Lists(_, model) => (1.0, model.lists() as f64),
        };
        let mut efforts: Vec<u32> = Vec::new();
        let mut effort = first;
        while effort < last {
            efforts.push(effort as u32);
            effort = (effort * 1.5).max(effort + 1.0);
        }
        efforts.push(last as u32);
        efforts
    }

    /// The refinements that are worth measuring, ascending.
    pub(super) fn refinements(&self) -> &'static [u32] {
        match &self.content {
            Contents::Lists(_, model) if model.has_codes() => &[2, 4, 8, 16, 32],
            Contents::Lists(..) | Contents::Graph(_) => &[1],
        }
    }

    /// How many rows are indexed.
    pub fn len(&self) -> usize {
        match &self.content {
            Contents::Graph(graph) => graph.len(),
            Contents::Lists(lists, _) => lists.len(),
        }
    }

    /// Whether no row is indexed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shows `top` the nearest rows that could be found, as `first_row` plus their number in the
    /// segment, with their exact distances. Runs on the calling thread alone; the same part,
    /// query and options give the same rows.
    ///
    /// Fewer than `k` are shown only when the selection has no more of the indexed rows.
    ///
    /// # Errors
    /// When the query has another length, or the search was cancelled.
    pub fn search(
        &self,
        query: &[f32],
        options: &SearchOptions<'_>,
        top: &mut TopK,
    ) -> Result<SearchWork, IndexError> {
        let dimensions = self.spec.dimensions;
        if query.len() != dimensions {
            return Err(IndexError::Dimensions { expected: dimensions, found: query.len() });
        }
        let chosen = Chosen::of(options.selection);
        if chosen.count_max(self.len()) == 0 {
            return Ok(SearchWork::default());
        }
        let mut show = |row: u32| {
            let from = row as usize * dimensions;
            let exact = distance(self.spec.metric, query, &self.values[from..from + dimensions]);
            top.push(exact, options.first_row + u64::from(row));
        };
        let (values, metric) = (&self.values, self.spec.metric);
        match &self.content {
            Contents::Graph(graph) => {
                let show = &mut show;
                let search = hnsw::Search { graph, values, dimensions, options, chosen, show };
                with_kernel(metric, query, search)
            }
            Contents::Lists(lists, model) => {
                let show = &mut show;
                let search =
                    ivf::Search { model, lists, values, metric, query, options, chosen, show };
                with_kernel(metric, query, search)
            }
        }
    }
}

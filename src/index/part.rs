//! A part: one index over one segment, built once and searched by many threads at once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::buffer::ScalarBuffer;
use bytes::Bytes;

use super::codes::Codes;
use super::definition::{Elements, IndexKind, IndexSpec};
use super::distance::{Metric, distance};
use super::error::IndexError;
use super::hnsw;
use super::ivf::{self, Model};
use super::kernel::with_kernel;
use super::object::{Content, Object};
use super::points::{CodedPoints, Points};
use super::query::Query;
use super::selection::Selection;
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
    check(spec, points.dimensions(), Elements::Numbers)?;
    match spec.kind {
        IndexKind::Hnsw { m, ef_construction } => {
            hnsw::build(spec, (m, ef_construction), points, work)
        }
        IndexKind::IvfFlat { .. } | IndexKind::Redkite { .. } => {
            ivf::build(spec, of_index(spec, model)?, points, work)
        }
    }
}

/// Builds a part over bits or sparse vectors, as [`build`] does over numbers.
///
/// # Errors
/// As [`build`].
pub fn build_coded(
    spec: &IndexSpec,
    model: Option<&Model>,
    points: &CodedPoints,
    work: &Work<'_>,
) -> Result<Vec<u8>, IndexError> {
    check(spec, points.dimensions(), points.codes().elements())?;
    match spec.kind {
        IndexKind::Hnsw { m, ef_construction } => {
            hnsw::build_coded(spec, (m, ef_construction), points, work)
        }
        IndexKind::IvfFlat { .. } | IndexKind::Redkite { .. } => {
            ivf::build_bits(spec, of_index(spec, model)?, points, work)
        }
    }
}

/// Whether vectors are what a definition is over.
fn check(spec: &IndexSpec, dimensions: usize, elements: Elements) -> Result<(), IndexError> {
    spec.check()?;
    if dimensions != spec.dimensions {
        return Err(IndexError::Dimensions { expected: spec.dimensions, found: dimensions });
    }
    if elements == spec.elements { Ok(()) } else { Err(IndexError::Elements) }
}

/// The model, if it may be the index's.
fn of_index<'a>(spec: &IndexSpec, model: Option<&'a Model>) -> Result<&'a Model, IndexError> {
    let model = model.ok_or(IndexError::ModelMissing)?;
    match model.dimensions() == spec.dimensions {
        true => Ok(model),
        false => Err(IndexError::Corrupt("a model of another index")),
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

/// A part that can be searched, over its bytes and, where it is over numbers, the segment's vectors
/// where they lie.
#[derive(Debug)]
pub struct Part {
    spec: IndexSpec,
    content: Contents,
}

#[derive(Debug)]
enum Contents {
    Graph(hnsw::Graph, Vectors),
    Lists(ivf::Lists, Arc<Model>, ScalarBuffer<f32>),
    BitLists(ivf::BitLists, Arc<Model>),
}

/// Where the vectors of a graph's nodes are.
#[derive(Debug)]
enum Vectors {
    /// With the segment's rows
    Numbers(ScalarBuffer<f32>),
    /// With the graph
    Codes(Codes),
}

impl Part {
    /// Opens the bytes of a part over numbers. They are verified once, here; nothing of them is copied when
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
        let object = Self::object(spec, bytes)?;
        let head = &object.head;
        if spec.elements != Elements::Numbers {
            return Err(IndexError::Elements);
        }
        if head.rows.checked_mul(head.dimensions) != Some(values.len()) {
            return Err(IndexError::Corrupt("a part of another segment"));
        }
        let content = match (spec.kind.needs_model(), head.content) {
            (false, Content::Hnsw) => {
                let (graph, _) = hnsw::Graph::decode(spec, &object)?;
                Contents::Graph(graph, Vectors::Numbers(values))
            }
            (true, Content::Lists) => {
                let model = model.ok_or(IndexError::ModelMissing)?;
                Contents::Lists(ivf::Lists::decode(&model, &object)?, model, values)
            }
            _ => return Err(IndexError::Corrupt("a part of another kind")),
        };
        Ok(Self { spec: spec.clone(), content })
    }

    /// Opens the bytes of a part over bits or sparse vectors, which it has itself, of a segment of so
    /// many rows. For the rest as [`Part::open`].
    ///
    /// # Errors
    /// When the bytes are not those of a part of this definition over this segment.
    pub fn open_coded(
        spec: &IndexSpec,
        model: Option<Arc<Model>>,
        bytes: &Bytes,
        segment_rows: usize,
    ) -> Result<Self, IndexError> {
        let object = Self::object(spec, bytes)?;
        if object.head.rows != segment_rows {
            return Err(IndexError::Corrupt("a part of another segment"));
        }
        let content = match (spec.kind.needs_model(), object.head.content) {
            (false, Content::Hnsw) => {
                let (graph, codes) = hnsw::Graph::decode(spec, &object)?;
                Contents::Graph(graph, Vectors::Codes(codes.ok_or(IndexError::Elements)?))
            }
            (true, Content::BitLists) => {
                let model = model.ok_or(IndexError::ModelMissing)?;
                Contents::BitLists(ivf::BitLists::decode(spec, &model, &object)?, model)
            }
            _ => return Err(IndexError::Corrupt("a part of another kind")),
        };
        Ok(Self { spec: spec.clone(), content })
    }

    /// The object of a part of this definition.
    fn object(spec: &IndexSpec, bytes: &Bytes) -> Result<Object, IndexError> {
        spec.check()?;
        let object = Object::decode(bytes)?;
        let head = &object.head;
        let same = head.metric == spec.metric
            && head.elements == spec.elements
            && head.dimensions == spec.dimensions;
        if same { Ok(object) } else { Err(IndexError::Corrupt("a part of another index")) }
    }

    /// What nearness means.
    pub(super) fn metric(&self) -> Metric {
        self.spec.metric
    }

    /// The efforts that are worth measuring, ascending.
    pub(super) fn efforts(&self) -> Vec<u32> {
        let (first, last) = match &self.content {
            Contents::Graph(..) => (10.0_f64, 1_000.0),
            Contents::Lists(_, model, _) | Contents::BitLists(_, model) => {
                (1.0, model.lists() as f64)
            }
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
            Contents::Lists(_, model, _) if model.has_codes() => &[2, 4, 8, 16, 32],
            Contents::Lists(..) | Contents::BitLists(..) | Contents::Graph(..) => &[1],
        }
    }

    /// How many rows are indexed.
    pub fn len(&self) -> usize {
        match &self.content {
            Contents::Graph(graph, _) => graph.len(),
            Contents::Lists(lists, ..) => lists.len(),
            Contents::BitLists(lists, _) => lists.len(),
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
    /// When the query has another length or type, or the search was cancelled.
    pub fn search(
        &self,
        query: &Query,
        options: &SearchOptions<'_>,
        top: &mut TopK,
    ) -> Result<SearchWork, IndexError> {
        let dimensions = self.spec.dimensions;
        if query.dimensions() != dimensions {
            return Err(IndexError::Dimensions { expected: dimensions, found: query.dimensions() });
        }
        let chosen = options.selection.simplified();
        if chosen.count_max(self.len()) == 0 {
            return Ok(SearchWork::default());
        }
        let metric = self.spec.metric;
        let mut show = |distance: f64, row: u32| {
            top.push(distance, options.first_row + u64::from(row));
        };
        match (&self.content, query) {
            (Contents::Graph(graph, Vectors::Numbers(values)), Query::Numbers(query)) => {
                let search = hnsw::Search { graph, options, chosen, show: &mut show };
                with_kernel(metric, query, hnsw::OverNumbers { search, values, metric, query })
            }
            (Contents::Graph(graph, Vectors::Codes(codes)), query) if codes.fit(query) => {
                let search = hnsw::Search { graph, options, chosen, show: &mut show };
                search.over_codes(codes, metric, query)
            }
            (Contents::Lists(lists, model, values), Query::Numbers(query)) => {
                let show = &mut |row: u32| {
                    let from = row as usize * dimensions;
                    show(distance(metric, query, &values[from..from + dimensions]), row);
                };
                let search =
                    ivf::Search { model, lists, values, metric, query, options, chosen, show };
                with_kernel(metric, query, search)
            }
            (Contents::BitLists(lists, model), Query::Bits { words, .. }) => {
                let show = &mut show;
                ivf::BitSearch { model, lists, metric, query: words, options, chosen, show }.run()
            }
            _ => Err(IndexError::Elements),
        }
    }

    /// How far the rows are that a search by codes compares, those first that the codes say are nearest;
    /// its work, those distances left out. `None` where the kind has no codes of vectors.
    ///
    /// # Errors
    /// As [`Part::search`].
    pub(super) fn search_codes(
        &self,
        query: &Query,
        options: &SearchOptions<'_>,
    ) -> Result<Option<(Vec<f64>, SearchWork)>, IndexError> {
        let (Contents::Lists(lists, model, values), Query::Numbers(query)) = (&self.content, query)
        else {
            return Ok(None);
        };
        if !model.has_codes() {
            return Ok(None);
        }
        let (metric, chosen) = (self.spec.metric, options.selection.simplified());
        let search =
            ivf::CodeSearch { model, lists, metric, query, options, chosen, strictly: false };
        let (rows, work) = with_kernel(metric, query, search)?;
        let far = |row: u32| {
            let from = row as usize * query.len();
            distance(metric, query, &values[from..from + query.len()])
        };
        Ok(Some((rows.into_iter().map(far).collect(), work)))
    }
}

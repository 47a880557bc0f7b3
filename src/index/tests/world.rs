//! Vectors to index, and the exact search that answers are compared with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use arrow::buffer::ScalarBuffer;
use bytes::Bytes;
use roaring::RoaringBitmap;

use crate::base::{Random, SeededRandom};
use crate::index::{
    Elements, IndexError, IndexKind, IndexSpec, Metric, Model, Neighbour, Part, Points, Query,
    SearchOptions, SearchWork, Selection, TopK, Work, build, search_flat,
};

pub(super) static GO: AtomicBool = AtomicBool::new(false);
pub(super) static STOP: AtomicBool = AtomicBool::new(true);

/// A kind of each sort, made for few rows.
pub(super) fn kinds() -> Vec<IndexKind> {
    vec![
        IndexKind::Hnsw { m: 8, ef_construction: 40 },
        IndexKind::IvfFlat { lists: 10 },
        IndexKind::Redkite { lists: Some(7) },
        IndexKind::Redkite { lists: None },
    ]
}

/// A number of [0, 1).
pub(super) fn unit(random: &SeededRandom) -> f32 {
    (random.u64() >> 40) as f32 / (1_u64 << 24) as f32
}

/// Vectors around some centers, as real ones are.
pub(super) fn clustered(seed: u64, count: usize, dimensions: usize) -> Vec<f32> {
    let random = SeededRandom::new(seed);
    let number = |spread: f32| (unit(&random) + unit(&random) + unit(&random) - 1.5) * spread;
    let centers: Vec<f32> = (0..20 * dimensions).map(|_| number(4.0)).collect();
    let mut values = Vec::with_capacity(count * dimensions);
    for _ in 0..count {
        let center = (random.u64() % 20) as usize * dimensions;
        values.extend(centers[center..center + dimensions].iter().map(|c| c + number(1.5)));
    }
    values
}

/// Small whole numbers: sums are exact, ties are many.
pub(super) fn whole_numbers(seed: u64, count: usize, dimensions: usize) -> Vec<f32> {
    let random = SeededRandom::new(seed);
    (0..count * dimensions).map(|_| (random.u64() % 5) as f32 - 2.0).collect()
}

/// A segment's vectors and a part over them.
pub(super) struct World {
    pub(super) spec: IndexSpec,
    pub(super) values: ScalarBuffer<f32>,
    pub(super) rows: Option<Arc<[u32]>>,
    pub(super) model: Option<Arc<Model>>,
    pub(super) bytes: Bytes,
    pub(super) part: Part,
}

/// What is asked of a search, and what the oracle is told.
pub(super) struct Ask<'a> {
    pub(super) k: usize,
    pub(super) effort: u32,
    pub(super) refine: u32,
    pub(super) selection: Selection<'a>,
}

impl World {
    pub(super) fn new(
        kind: IndexKind,
        metric: Metric,
        dimensions: usize,
        values: Vec<f32>,
    ) -> Self {
        // Zero vectors have no cosine: the caller leaves them out.
        let zero = |vector: &[f32]| vector.iter().all(|number| *number == 0.0);
        let rows: Option<Arc<[u32]>> = (metric == Metric::Cosine).then(|| {
            let vectors = values.chunks_exact(dimensions).enumerate();
            vectors.filter(|(_, v)| !zero(v)).map(|(row, _)| row as u32).collect()
        });
        Self::of_rows(kind, metric, dimensions, values, rows).unwrap()
    }

    pub(super) fn of_rows(
        kind: IndexKind,
        metric: Metric,
        dimensions: usize,
        values: Vec<f32>,
        rows: Option<Arc<[u32]>>,
    ) -> Result<Self, IndexError> {
        let spec = IndexSpec { kind, metric, dimensions, elements: Elements::Numbers };
        let values: ScalarBuffer<f32> = values.into();
        let points = Points::new(values.clone(), dimensions, rows.clone())?;
        let done = AtomicU64::new(0);
        let work = Work { threads: 2, memory: u64::MAX, cancelled: &GO, done: &done };
        let model = match spec.kind.needs_model() {
            true => Some(Arc::new(Model::train(&spec, &values, points.len() as u64, &work)?)),
            false => None,
        };
        assert_eq!(done.load(std::sync::atomic::Ordering::Relaxed), 0);
        let bytes = Bytes::from(build(&spec, model.as_deref(), &points, &work)?);
        assert_eq!(done.load(std::sync::atomic::Ordering::Relaxed), points.len() as u64);
        let part = Part::open(&spec, model.clone(), &bytes, values.clone())?;
        assert_eq!(part.len(), points.len());
        Ok(Self { spec, values, rows, model, bytes, part })
    }

    pub(super) fn search(&self, query: &[f32], ask: &Ask<'_>) -> (Vec<Neighbour>, SearchWork) {
        search(&self.part, query, ask).unwrap()
    }

    /// What an exact search over the indexed rows gives.
    pub(super) fn exact(&self, query: &[f32], ask: &Ask<'_>) -> Vec<Neighbour> {
        let count = (self.values.len() / self.spec.dimensions) as u32;
        let takes = |row: &u32| ask.selection.takes(*row);
        let rows: RoaringBitmap = match &self.rows {
            Some(rows) => rows.iter().copied().filter(takes).collect(),
            None => (0..count).filter(takes).collect(),
        };
        let mut top = TopK::new(ask.k);
        let selection = Selection::Only(&rows);
        search_flat(self.spec.metric, query, &self.values, 1000, selection, &mut top);
        top.into_sorted()
    }

    /// The share of the exact answer's rows that are found, ties counting.
    pub(super) fn recall(&self, queries: &[f32], ask: &Ask<'_>) -> f64 {
        let (mut found, mut wanted) = (0, 0);
        for query in queries.chunks_exact(self.spec.dimensions) {
            let exact = self.exact(query, ask);
            let farthest = exact.last().map_or(f64::NEG_INFINITY, |last| last.distance);
            let (answer, _) = self.search(query, ask);
            assert_eq!(answer.len(), exact.len(), "{:?}", self.spec);
            found += answer.iter().filter(|row| row.distance <= farthest).count();
            wanted += exact.len();
        }
        found as f64 / wanted as f64
    }
}

pub(super) fn search(
    part: &Part,
    query: &[f32],
    ask: &Ask<'_>,
) -> Result<(Vec<Neighbour>, SearchWork), IndexError> {
    search_for(part, &Query::Numbers(query.to_vec()), ask)
}

pub(super) fn search_for(
    part: &Part,
    query: &Query,
    ask: &Ask<'_>,
) -> Result<(Vec<Neighbour>, SearchWork), IndexError> {
    let options = SearchOptions {
        k: ask.k,
        effort: ask.effort,
        refine: ask.refine,
        first_row: 1000,
        selection: ask.selection,
        cancelled: &GO,
    };
    let mut top = TopK::new(ask.k);
    let work = part.search(query, &options, &mut top)?;
    Ok((top.into_sorted(), work))
}

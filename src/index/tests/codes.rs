//! Indexes over bits and sparse vectors against exact search, by an oracle that knows of neither words
//! nor places.

use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::fuzz::checked;
use super::world::{Ask, GO, STOP, clustered, search_for, unit};
use crate::base::mutation::run;
use crate::base::{Random, SeededRandom};
use crate::index::{
    CodedPoints, CodesBuilder, Elements, IndexError, IndexKind, IndexSpec, Metric, Model,
    Neighbour, Part, Query, SearchOptions, Selection, TopK, Work, bit_distance, build_coded,
    calibrate_coded, distance, signs, sparse_distance,
};

const ALL: Ask<'_> = Ask { k: 10, effort: 100_000, refine: 1, selection: Selection::All };

/// Every index that there is over such vectors.
fn specs(dimensions: usize) -> Vec<IndexSpec> {
    let spec = |kind, metric, elements| IndexSpec { kind, metric, dimensions, elements };
    let hnsw = || IndexKind::Hnsw { m: 8, ef_construction: 40 };
    let mut specs = vec![
        spec(hnsw(), Metric::Hamming, Elements::Bits),
        spec(hnsw(), Metric::Jaccard, Elements::Bits),
        spec(IndexKind::IvfFlat { lists: 10 }, Metric::Hamming, Elements::Bits),
    ];
    for metric in Metric::OF_NUMBERS {
        specs.push(spec(hnsw(), metric, Elements::Sparse));
    }
    specs
}

/// A vector of numbers as what an index is over.
fn query(spec: &IndexSpec, numbers: &[f32]) -> Query {
    if spec.elements == Elements::Bits {
        return Query::Bits { length: numbers.len(), words: signs(numbers).collect() };
    }
    let elements = (0..).zip(numbers.iter().copied()).filter(|(_, number)| *number != 0.0);
    let (places, numbers_set) = elements.unzip();
    Query::Sparse { dimensions: numbers.len(), places, numbers: numbers_set }
}

struct World {
    spec: IndexSpec,
    values: Vec<f32>,
    rows: Vec<u32>,
    points: CodedPoints,
    model: Option<std::sync::Arc<Model>>,
    bytes: Bytes,
    part: Part,
}

impl World {
    /// Over every row whose number isn't a multiple of nine; for cosine, not over zeros either.
    fn new(spec: &IndexSpec, values: Vec<f32>) -> Self {
        let mut codes = match spec.elements {
            Elements::Bits => CodesBuilder::bits(spec.dimensions),
            _ => CodesBuilder::sparse(),
        };
        let mut rows = Vec::new();
        let all = values.len() / spec.dimensions;
        for (row, vector) in (0..).zip(values.chunks_exact(spec.dimensions)) {
            let zero = vector.iter().all(|number| *number == 0.0);
            if row % 9 == 8 || zero && spec.metric == Metric::Cosine {
                continue;
            }
            rows.push(row);
            match query(spec, vector) {
                Query::Bits { words, .. } => codes.push_bits(words.into_iter()),
                Query::Sparse { places, numbers, .. } => {
                    codes.push_sparse(places.into_iter().zip(numbers));
                }
                Query::Numbers(_) => unreachable!("no numbers here"),
            }
        }
        let indexed = rows.clone().into();
        let points = CodedPoints::new(codes.finish(), spec.dimensions, all, indexed).unwrap();
        let done = AtomicU64::new(0);
        let work = Work { threads: 2, memory: u64::MAX, cancelled: &GO, done: &done };
        let model = spec.kind.needs_model().then(|| {
            let sample = points.ones(all, 0).unwrap();
            let model = Model::train(spec, sample.values(), all as u64, &work).unwrap();
            std::sync::Arc::new(model)
        });
        let bytes = Bytes::from(build_coded(spec, model.as_deref(), &points, &work).unwrap());
        assert_eq!(done.into_inner(), points.len() as u64);
        let part = Part::open_coded(spec, model.clone(), &bytes, all).unwrap();
        assert_eq!(part.len(), points.len());
        Self { spec: spec.clone(), values, rows, points, model, bytes, part }
    }

    fn search(&self, numbers: &[f32], ask: &Ask<'_>) -> Vec<Neighbour> {
        search_for(&self.part, &query(&self.spec, numbers), ask).unwrap().0
    }

    /// What comparing all numbers gives.
    fn exact(&self, numbers: &[f32], ask: &Ask<'_>) -> Vec<Neighbour> {
        let mut top = TopK::new(ask.k);
        for row in &self.rows {
            if ask.selection.takes(*row) {
                let from = *row as usize * self.spec.dimensions;
                let vector = &self.values[from..from + self.spec.dimensions];
                top.push(self.oracle(numbers, vector), u64::from(*row) + 1000);
            }
        }
        top.into_sorted()
    }

    fn oracle(&self, a: &[f32], b: &[f32]) -> f64 {
        let pairs = || a.iter().zip(b).map(|(a, b)| (*a, *b));
        let sum = |term: fn((f32, f32)) -> f32| {
            f64::from(pairs().map(term).fold(0.0, |sum: f32, term| sum + term))
        };
        match self.spec.metric {
            Metric::L2 => sum(|(a, b)| (a - b) * (a - b)).sqrt(),
            Metric::InnerProduct => -sum(|(a, b)| a * b),
            Metric::L1 => sum(|(a, b)| (a - b).abs()),
            Metric::Cosine => {
                let squares = sum(|(a, _)| a * a) * sum(|(_, b)| b * b);
                let distance = 1.0 - (sum(|(a, b)| a * b) / squares.sqrt()).clamp(-1.0, 1.0);
                // As it is shown: without a sign.
                if distance.is_nan() { f64::NAN } else { distance }
            }
            metric => distance(metric, a, b),
        }
    }
}

/// Vectors most of whose numbers are zero; small whole numbers, so that sums are exact and ties many.
fn sparse(seed: u64, count: usize, dimensions: usize) -> Vec<f32> {
    let random = SeededRandom::new(seed);
    let number = |_| match random.u64() % 10 {
        0 => 1.0,
        1 => 2.0,
        2 => -1.0,
        _ => 0.0,
    };
    (0..count * dimensions).map(number).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn all_effort_is_an_exact_search(
        seed in 0_u64..u64::MAX,
        dimensions in 1_usize..150,
        count in 0_usize..250,
        k in 0_usize..30,
        marked in prop::collection::btree_set(0_u32..300, 0..150),
    ) {
        let marked: RoaringBitmap = marked.into_iter().collect();
        let wanted = sparse(seed ^ 1, 1, dimensions);
        for spec in specs(dimensions) {
            let world = World::new(&spec, sparse(seed, count, dimensions));
            for selection in
                [Selection::All, Selection::Only(&marked), Selection::Except(&marked)]
            {
                let ask = Ask { k, selection, ..ALL };
                let (found, exact) = (world.search(&wanted, &ask), world.exact(&wanted, &ask));
                prop_assert_eq!(&found, &exact, "{:?}", spec);
                let distances = |rows: &[Neighbour]| -> Vec<u64> {
                    rows.iter().map(|row| row.distance.to_bits()).collect()
                };
                prop_assert_eq!(distances(&found), distances(&exact), "{:?}", spec);
            }
        }
    }

    #[test]
    fn distances_are_those_of_the_numbers(
        a in prop::collection::vec(-2i8..3, 1..200),
        seed in 0_u64..u64::MAX,
    ) {
        let a: Vec<f32> = a.into_iter().map(f32::from).collect();
        let b = sparse(seed, 1, a.len());
        for metric in [Metric::Hamming, Metric::Jaccard] {
            prop_assert_eq!(bit_distance(metric, signs(&a), signs(&b)), distance(metric, &a, &b));
        }
        for metric in Metric::OF_NUMBERS {
            let elements = |numbers: &[f32]| {
                let all: Vec<_> = (0..).zip(numbers.iter().copied()).collect();
                all.into_iter().filter(|(_, number)| *number != 0.0)
            };
            let (ours, dense) =
                (sparse_distance(metric, elements(&a), elements(&b)), distance(metric, &a, &b));
            prop_assert!(ours == dense || ours.is_nan() && dense.is_nan(), "{metric}");
        }
    }
}

#[test]
fn little_effort_finds_most() {
    let dimensions = 96;
    let mut values = clustered(1, 1_230, dimensions);
    let queries = values.split_off(1_200 * dimensions);
    for spec in specs(dimensions) {
        let mut values = values.clone();
        if spec.elements == Elements::Sparse {
            // The half of the numbers that is small.
            let cut = |number: &mut f32| *number = if number.abs() < 1.0 { 0.0 } else { *number };
            values.iter_mut().for_each(cut);
        }
        let world = World::new(&spec, values);
        let hnsw = matches!(spec.kind, IndexKind::Hnsw { .. });
        let odd: RoaringBitmap = (0..600).map(|row| row * 2 + 1).collect();
        for selection in [Selection::All, Selection::Only(&odd)] {
            let ask = Ask { k: 10, effort: if hnsw { 40 } else { 5 }, refine: 1, selection };
            let (mut found, mut wanted) = (0, 0);
            for numbers in queries.chunks_exact(dimensions) {
                let exact = world.exact(numbers, &ask);
                let farthest = exact.last().unwrap().distance;
                let answer = world.search(numbers, &ask);
                assert_eq!(answer.len(), exact.len());
                found += answer.iter().filter(|row| row.distance <= farthest).count();
                wanted += exact.len();
            }
            let recall = f64::from(found as u32) / f64::from(wanted as u32);
            assert!(recall > 0.85, "{spec:?}: {recall}");
        }
        // Measuring takes long without optimisation: one of each sort.
        if spec.metric != Metric::Hamming && spec.metric != Metric::L2 {
            continue;
        }
        let (done, seed) = (AtomicU64::new(0), 7);
        let work = Work { threads: 1, memory: u64::MAX, cancelled: &GO, done: &done };
        let measured = calibrate_coded(&world.part, &world.points, seed, &work).unwrap();
        let best = measured.measured.last().unwrap();
        assert!(best.recall > 0.95, "{spec:?}: {best:?}");
    }
}

#[test]
fn equal_vectors_are_all_found() {
    let dimensions = 70;
    let mut values = sparse(3, 1_000, dimensions);
    for row in 100..900 {
        values.copy_within(0..dimensions, row * dimensions);
    }
    for spec in specs(dimensions) {
        let world = World::new(&spec, values.clone());
        for k in [5, 700, 2_000] {
            let ask = Ask { k, effort: 20, ..ALL };
            let found = world.search(&values[..dimensions], &ask);
            assert_eq!(found.len(), k.min(world.part.len()), "{spec:?}");
            let nearest = world.exact(&values[..dimensions], &ask)[0].distance;
            let equal = found.iter().filter(|row| row.distance == nearest).count();
            assert!(equal >= k.min(700), "{spec:?}: {equal}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_and_work_stops() {
    let dimensions = 100;
    let values = sparse(5, 400, dimensions);
    for spec in specs(dimensions) {
        let world = World::new(&spec, values.clone());
        let done = AtomicU64::new(0);
        let work = Work { threads: 2, memory: u64::MAX, cancelled: &STOP, done: &done };
        let built = build_coded(&spec, world.model.as_deref(), &world.points, &work);
        assert_eq!(built.unwrap_err(), IndexError::Cancelled);
        let short = query(&spec, &values[..99]);
        assert!(search_for(&world.part, &short, &ALL).is_err());
        let numbers = Query::Numbers(values[..100].to_vec());
        assert_eq!(search_for(&world.part, &numbers, &ALL).unwrap_err(), IndexError::Elements);
        let model = || world.model.clone();
        let other = IndexSpec { dimensions: 101, ..spec.clone() };
        assert!(Part::open_coded(&other, model(), &world.bytes, 400).is_err());
        assert!(Part::open_coded(&spec, model(), &world.bytes, 401).is_err());
        assert!(Part::open(&spec, model(), &world.bytes, values.clone().into()).is_err());
        let stop = SearchOptions {
            k: 400,
            effort: 400,
            refine: 1,
            first_row: 0,
            selection: Selection::All,
            cancelled: &STOP,
        };
        let searched = world.part.search(&query(&spec, &values[..100]), &stop, &mut TopK::new(400));
        assert_eq!(searched.unwrap_err(), IndexError::Cancelled);
        let mut moved = vec![0];
        moved.extend_from_slice(&world.bytes);
        let bytes = Bytes::from(moved).slice(1..);
        let part = Part::open_coded(&spec, model(), &bytes, 400).unwrap();
        let found = search_for(&part, &query(&spec, &values[..100]), &ALL).unwrap().0;
        assert_eq!(found, world.exact(&values[..100], &ALL));
    }
    let of = |kind, metric, elements| IndexSpec { kind, metric, dimensions, elements }.check();
    let hnsw = || IndexKind::Hnsw { m: 16, ef_construction: 64 };
    assert!(of(hnsw(), Metric::Hamming, Elements::Numbers).is_err());
    assert!(of(hnsw(), Metric::L2, Elements::Bits).is_err());
    assert!(of(IndexKind::IvfFlat { lists: 1 }, Metric::Jaccard, Elements::Bits).is_err());
    assert!(of(IndexKind::IvfFlat { lists: 1 }, Metric::L2, Elements::Sparse).is_err());
    assert!(of(IndexKind::Redkite { lists: None }, Metric::Hamming, Elements::Bits).is_err());
}

/// Bytes that a disk may give back changed, as in [`super::fuzz`].
#[test]
fn changed_bytes_do_no_harm() {
    let random = SeededRandom::new(9);
    for spec in specs(70) {
        let mut values = sparse(11, 60, 70);
        values.copy_within(0..140, 1_400);
        let world = World::new(&spec, values);
        let open = |bytes: &[u8]| {
            let bytes = Bytes::copy_from_slice(bytes);
            Part::open_coded(&spec, world.model.clone(), &bytes, 60)
        };
        let ask = Ask { k: 7, effort: 3, refine: 1, selection: Selection::All };
        let wanted: Vec<f32> = (0..70).map(|_| unit(&random)).collect();
        let wanted = query(&spec, &wanted);
        run(spec.kind.name(), std::slice::from_ref(&world.bytes.to_vec()), |bytes| {
            assert_eq!(open(bytes).is_ok(), bytes == world.bytes);
            if let Some(part) = checked(bytes).and_then(|bytes| open(&bytes).ok()) {
                let _ = search_for(&part, &wanted, &ask);
            }
        });
    }
}

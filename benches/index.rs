//! Index kinds on the benchmark's data (`dataset.py`): build time, size, and queries per second at
//! each effort with their recall, one thread.
//! `cargo bench --bench index -- DIR [KIND ...]`, DIR being the set's folder

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use redkite::base::limits::INDEX_BUILD_BYTES_DEFAULT;
use redkite::base::{Clock, Random, SeededRandom, SystemClock};
use redkite::index::{
    Elements, IndexKind, IndexSpec, Metric, Model, Part, Points, Query, SearchOptions, Selection,
    TopK, Work, build,
};

const THREADS: usize = 2;
const K: usize = 10;

/// An array that NumPy saved: its numbers, four bytes each, and the length of a row.
fn load(path: &Path) -> (Vec<[u8; 4]>, usize) {
    let bytes = std::fs::read(path).expect("the data set's file");
    let header = u16::from_le_bytes([bytes[8], bytes[9]]) as usize + 10;
    let text = String::from_utf8_lossy(&bytes[10..header]).into_owned();
    let shape = text.split("'shape': (").nth(1).and_then(|rest| rest.split(')').next());
    let columns = shape.and_then(|shape| shape.split(',').nth(1)).map(str::trim);
    let (numbers, _) = bytes[header..].as_chunks::<4>();
    (numbers.to_vec(), columns.and_then(|columns| columns.parse().ok()).expect("two dimensions"))
}

struct Set {
    base: Vec<f32>,
    queries: Vec<f32>,
    dimensions: usize,
    /// The distance of the tenth true neighbour of each query.
    tenth: Vec<f32>,
}

impl Set {
    fn load(dir: &Path) -> Self {
        let floats = |name: &str| {
            let (numbers, columns) = load(&dir.join(name));
            (numbers.into_iter().map(f32::from_le_bytes).collect::<Vec<f32>>(), columns)
        };
        let (base, dimensions) = floats("base.npy");
        let (distances, columns) = floats("gt_dist.npy");
        let tenth = distances.chunks_exact(columns).map(|row| row[K - 1]).collect();
        Self { base, queries: floats("queries.npy").0, dimensions, tenth }
    }

    fn sample(&self, rows: usize) -> Vec<f32> {
        let random = SeededRandom::new(7);
        let count = (self.base.len() / self.dimensions) as u64;
        let mut sample = Vec::with_capacity(rows * self.dimensions);
        for _ in 0..rows {
            let row = (random.u64() % count) as usize * self.dimensions;
            sample.extend_from_slice(&self.base[row..row + self.dimensions]);
        }
        sample
    }
}

fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let clock = SystemClock::new();
    let start = clock.monotonic();
    let out = run();
    (out, clock.monotonic() - start)
}

fn measure(set: &Set, kind: IndexKind, efforts: &[u32], refines: &[u32]) {
    let spec = IndexSpec {
        kind,
        metric: Metric::L2,
        dimensions: set.dimensions,
        elements: Elements::Numbers,
    };
    let (cancelled, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let work = Work { threads: THREADS, memory: u64::MAX, cancelled: &cancelled, done: &done };
    let values = arrow::buffer::ScalarBuffer::from(set.base.clone());
    let points = Points::new(values.clone(), set.dimensions, None).expect("whole vectors");
    let rows = points.len();
    println!("{:?}, {rows} rows, {THREADS} threads", spec.kind);
    let model = spec.kind.needs_model().then(|| {
        let sample = set.sample(Model::sample_rows(&spec, rows as u64, INDEX_BUILD_BYTES_DEFAULT));
        let (model, time) = timed(|| Model::train(&spec, &sample, rows as u64, &work));
        let model = model.expect("a model");
        println!("  train {:.2} s, {} lists", time.as_secs_f64(), model.lists());
        Arc::new(model)
    });
    let (bytes, time) = timed(|| build(&spec, model.as_deref(), &points, &work));
    let bytes = bytes::Bytes::from(bytes.expect("a part"));
    let size = bytes.len() as f64 / rows as f64;
    println!("  build {:.2} s, {size:.1} bytes a row", time.as_secs_f64());
    let (part, time) = timed(|| Part::open(&spec, model, &bytes, values.clone()));
    let part = part.expect("a part");
    println!("  open {:.1} ms", time.as_secs_f64() * 1e3);
    for refine in refines {
        for effort in efforts {
            run(set, &part, *effort, *refine);
        }
    }
}

fn run(set: &Set, part: &Part, effort: u32, refine: u32) {
    let cancelled = AtomicBool::new(false);
    let options = SearchOptions {
        k: K,
        effort,
        refine,
        first_row: 0,
        selection: Selection::All,
        cancelled: &cancelled,
    };
    let queries = set.queries.chunks_exact(set.dimensions);
    let queries: Vec<Query> = queries.map(|query| Query::Numbers(query.to_vec())).collect();
    let queries = || queries.iter().zip(&set.tenth);
    let mut found = 0;
    let mut distances = 0;
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        (found, distances) = (0, 0);
        let ((), time) = timed(|| {
            for (query, tenth) in queries() {
                let mut top = TopK::new(K);
                distances += part.search(query, &options, &mut top).expect("an answer").distances;
                let limit = f64::from(*tenth) * (1.0 + 1e-6);
                found += top.into_sorted().iter().filter(|row| row.distance <= limit).count();
            }
        });
        fastest = fastest.min(time);
    }
    let count = queries().count();
    println!(
        "  effort {effort:4} refine {refine:3}: recall {:.4}, {:7.0} queries/s, {:6.1} us, {:6} distances",
        found as f64 / (count * K) as f64,
        count as f64 / fastest.as_secs_f64(),
        fastest.as_secs_f64() * 1e6 / count as f64,
        distances / count as u64,
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let Some((dir, kinds)) = arguments.split_first() else {
        println!("tell the folder of a data set");
        return;
    };
    let set = Set::load(Path::new(dir));
    let wanted = |name: &str| kinds.is_empty() || kinds.iter().any(|kind| kind == name);
    if wanted("hnsw") {
        let kind = IndexKind::Hnsw { m: 16, ef_construction: 64 };
        measure(&set, kind, &[10, 20, 40, 60, 80, 100, 150, 200, 400], &[1]);
    }
    if wanted("ivfflat") {
        let kind = IndexKind::IvfFlat { lists: 1_000 };
        measure(&set, kind, &[1, 2, 5, 10, 20, 40, 80], &[1]);
    }
    if wanted("redkite") {
        let kind = IndexKind::Redkite { lists: None };
        measure(&set, kind, &[4, 8, 12, 16, 24, 32, 48, 64, 96, 128], &[4, 8, 16, 32]);
    }
}

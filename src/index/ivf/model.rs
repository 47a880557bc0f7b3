//! What is trained once for a table and an index, and shared by its parts.

use arrow::buffer::ScalarBuffer;
use bytes::Bytes;

use super::table::Codebooks;
use crate::index::definition::{IndexKind, IndexSpec};
use crate::index::distance::{Metric, norm};
use crate::index::error::IndexError;
use crate::index::faiss::{self, ENTRIES};
use crate::index::object::{Content, Head, Object, bytes_of, encode, view};
use crate::index::work::Work;

/// Dimensions that share a code of four bits.
pub(super) const SUBSPACE: usize = 2;
/// Passes of clustering: more move the centroids little.
const ITERATIONS: i32 = 10;
/// Vectors of the sample for each list.
const SAMPLE_PER_LIST: usize = 64;
/// A sample that codes are trained well from, however few the lists are.
const SAMPLE_LEAST: usize = 8_192;
/// Vectors that codebooks are trained from: FAISS's own bound (256 for each entry).
const CODED_SAMPLE: usize = 4_096;
/// Lists when nothing is said: this times the root of the rows.
const LISTS_PER_ROOT: f64 = 1.0;
/// Lists when nothing is said, at most: training grows with their square.
const LISTS_MAX: u32 = 4_096;

/// Centroids, and the codebooks of the kinds that search codes.
#[derive(Debug, Clone)]
pub struct Model {
    pub(super) dimensions: usize,
    pub(super) lists: usize,
    pub(super) centroids: ScalarBuffer<f32>,
    /// Empty when vectors are not encoded; else sixteen entries for each subspace.
    pub(super) codebooks: ScalarBuffer<f32>,
    /// The codebooks as tables are made from them.
    pub(super) turned: Codebooks,
    /// The mean of the centroids.
    pub(super) mean: Vec<f32>,
    pub(super) fingerprint: u32,
    bytes: Bytes,
}

impl Model {
    /// How many vectors to train from: drawn at random, of a table of so many rows. Training holds them
    /// twice, which is to fit the memory.
    pub fn sample_rows(spec: &IndexSpec, rows: u64, memory: u64) -> usize {
        let lists = lists(spec, rows) as usize;
        let bytes = usize::try_from(memory / 2).unwrap_or(usize::MAX);
        let fitting = bytes / (spec.dimensions.max(1) * size_of::<f32>());
        let wanted = (lists * SAMPLE_PER_LIST).max(SAMPLE_LEAST).min(fitting.max(lists));
        wanted.min(usize::try_from(rows).unwrap_or(usize::MAX))
    }

    /// Trains for a table of about `rows` from a sample of its vectors, none of them NULL. With
    /// fewer vectors than lists there are as many lists as vectors; without any, one list.
    ///
    /// # Errors
    /// When the definition has no model, the sample is not of its dimensions, or the work was
    /// cancelled.
    pub fn train(
        spec: &IndexSpec,
        sample: &[f32],
        rows: u64,
        work: &Work<'_>,
    ) -> Result<Self, IndexError> {
        spec.check()?;
        let dimensions = spec.dimensions;
        if !sample.len().is_multiple_of(dimensions) {
            return Err(IndexError::Dimensions { expected: dimensions, found: sample.len() });
        }
        let mut owned = Vec::new();
        let sample = if spec.metric == Metric::Cosine {
            normalise(sample, dimensions, &mut owned);
            owned.as_slice()
        } else {
            sample
        };
        let count = sample.len() / dimensions;
        let lists = (lists(spec, rows) as usize).clamp(1, count.max(1));
        let centroids = if count == 0 {
            vec![0.0; dimensions]
        } else {
            let angular = is_angular(spec.metric);
            faiss::kmeans(sample, dimensions, lists, angular, ITERATIONS, work)?
        };
        let codebooks = if has_codes(spec) {
            train_codebooks(spec, sample, &centroids, work)?
        } else {
            Vec::new()
        };
        let head = Head {
            content: Content::Model,
            metric: spec.metric,
            elements: spec.elements,
            dimensions,
            rows: 0,
            parameters: vec![lists as u32],
        };
        let bytes = encode(&head, &[bytes_of(&centroids), bytes_of(&codebooks)]);
        Self::decode(spec, Bytes::from(bytes))
    }

    /// The bytes to store.
    pub fn encode(&self) -> Bytes {
        self.bytes.clone()
    }

    /// The model of bytes that were stored, verified. What the search reads of them is not
    /// copied, when they are aligned.
    ///
    /// # Errors
    /// When the bytes are not those of a model of this definition.
    pub fn decode(spec: &IndexSpec, bytes: Bytes) -> Result<Self, IndexError> {
        spec.check()?;
        let object = Object::decode(&bytes)?;
        let head = &object.head;
        let same = head.content == Content::Model
            && head.metric == spec.metric
            && head.elements == spec.elements
            && head.dimensions == spec.dimensions
            && head.parameters.len() == 1
            && object.section_count() == 2;
        let lists = head.parameters.first().map_or(0, |lists| *lists as usize);
        if !same || lists == 0 {
            return Err(IndexError::Corrupt("a model of another index"));
        }
        let centroids: ScalarBuffer<f32> = view(&object.section(0))?;
        let codebooks: ScalarBuffer<f32> = view(&object.section(1))?;
        let entries =
            if has_codes(spec) { subspaces(spec.dimensions) * SUBSPACE * ENTRIES } else { 0 };
        if centroids.len() != lists * spec.dimensions || codebooks.len() != entries {
            return Err(IndexError::Corrupt("a model of another size"));
        }
        let finite = centroids.iter().chain(codebooks.iter()).all(|number| number.is_finite());
        if !finite {
            return Err(IndexError::Corrupt("a model with numbers that are none"));
        }
        Ok(Self {
            turned: Codebooks::of(&codebooks),
            mean: mean(&centroids, spec.dimensions),
            dimensions: spec.dimensions,
            lists,
            centroids,
            codebooks,
            fingerprint: object.fingerprint,
            bytes,
        })
    }

    /// How long the vectors are.
    pub(in crate::index) fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// How many lists there are.
    pub fn lists(&self) -> usize {
        self.lists
    }

    /// Whether vectors are encoded.
    pub(in crate::index) fn has_codes(&self) -> bool {
        !self.codebooks.is_empty()
    }

    /// How long vectors are when they are padded to whole subspaces.
    pub(super) fn padded(&self) -> usize {
        subspaces(self.dimensions) * SUBSPACE
    }

    /// How many codes of four bits a vector has; 0 when vectors are not encoded.
    pub(super) fn subspaces(&self) -> usize {
        if self.codebooks.is_empty() { 0 } else { subspaces(self.dimensions) }
    }
}

/// How many lists a definition makes of so many rows.
fn lists(spec: &IndexSpec, rows: u64) -> u32 {
    let asked = match spec.kind {
        IndexKind::IvfFlat { lists } => Some(lists),
        IndexKind::Redkite { lists } => lists,
        IndexKind::Hnsw { .. } => Some(1),
    };
    let by_rows = || ((rows as f64).sqrt() * LISTS_PER_ROOT) as u32;
    asked.unwrap_or_else(|| by_rows().clamp(1, LISTS_MAX))
}

fn has_codes(spec: &IndexSpec) -> bool {
    matches!(spec.kind, IndexKind::Redkite { .. }) && spec.metric != Metric::L1
}

/// Whether the angle to a centroid decides, not the distance.
pub(super) fn is_angular(metric: Metric) -> bool {
    metric == Metric::Cosine
}

/// How near a centroid is: those of angles are of length one.
pub(super) fn centroid_metric(metric: Metric) -> Metric {
    if is_angular(metric) { Metric::InnerProduct } else { metric }
}

fn subspaces(dimensions: usize) -> usize {
    dimensions.div_ceil(SUBSPACE)
}

/// The mean of vectors, of which there is at least one.
fn mean(vectors: &[f32], dimensions: usize) -> Vec<f32> {
    let mut sums = vec![0.0; dimensions];
    for vector in vectors.chunks_exact(dimensions) {
        sums.iter_mut().zip(vector).for_each(|(sum, number)| *sum += f64::from(*number));
    }
    let count = (vectors.len() / dimensions).max(1) as f64;
    sums.into_iter().map(|sum| (sum / count) as f32).collect()
}

/// Vectors brought to length one; those without a direction are left out.
pub(super) fn normalise(vectors: &[f32], dimensions: usize, out: &mut Vec<f32>) {
    out.reserve(vectors.len());
    for vector in vectors.chunks_exact(dimensions) {
        let length = norm(vector);
        if length > 0.0 {
            out.extend(vector.iter().map(|number| (f64::from(*number) / length) as f32));
        }
    }
}

/// Codebooks of what is left of vectors when their centroids are taken off.
fn train_codebooks(
    spec: &IndexSpec,
    sample: &[f32],
    centroids: &[f32],
    work: &Work<'_>,
) -> Result<Vec<f32>, IndexError> {
    let dimensions = spec.dimensions;
    let padded = subspaces(dimensions) * SUBSPACE;
    let count = (sample.len() / dimensions).min(CODED_SAMPLE);
    if count == 0 {
        return Ok(vec![0.0; padded * ENTRIES]);
    }
    let sample = &sample[..count * dimensions];
    // Progress counts rows of parts only.
    let uncounted = std::sync::atomic::AtomicU64::new(0);
    let quiet = Work { done: &uncounted, ..*work };
    let nearest =
        faiss::assign(sample, None, centroids, dimensions, is_angular(spec.metric), &quiet)?;
    // Fewer vectors than entries: some of them more than once.
    let mut residuals = vec![0.0; padded * count.max(ENTRIES)];
    for (at, residual) in residuals.chunks_exact_mut(padded).enumerate() {
        let at = at % count;
        let vector = &sample[at * dimensions..(at + 1) * dimensions];
        let list = nearest[at] as usize;
        let centroid = &centroids[list * dimensions..(list + 1) * dimensions];
        for ((out, number), center) in residual.iter_mut().zip(vector).zip(centroid) {
            *out = number - center;
        }
    }
    faiss::codebooks(&residuals, padded, subspaces(dimensions), work)
}

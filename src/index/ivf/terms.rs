//! What a row adds to its distance whatever the query is, so that one look-up table serves all lists.
//!
//! A row stands for the vector `c + r`: its list's centroid and what its codes say is left. With any
//! point `g`, the square of its distance from a query `q` is
//!
//! ```text
//! |q - c - r|² = |q - c|² + (|r|² + 2 (c - g)·r) - 2 (q - g)·r
//! ```
//!
//! The first is the list's, known since lists were ranked. The second is the row's term, kept beside
//! its codes. The third is a sum over its codes: the look-up table's, which is filled once for a query.
//! (Jégou and others take it apart like this in "Searching in one billion vectors", ICASSP 2011.) The
//! mean of all centroids as `g` keeps the third small, wherever the vectors lie, so that eight bits
//! for an entry are enough.

use super::model::{Model, SUBSPACE};
use crate::index::faiss::{BLOCK_ROWS, ENTRIES};

/// Bytes that hold a block's codes of two subspaces.
const PAIR_BYTES: usize = BLOCK_ROWS;
/// The rows of a block whose codes are the low halves of bytes; the high ones are those of sixteen
/// rows further on (docs/format.md).
const ORDER: [usize; PAIR_BYTES / 2] = [0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15];

/// The terms of so many rows of a list, by their codes.
pub(super) fn terms(model: &Model, list: usize, codes: &[u8], rows: usize) -> Vec<f32> {
    let entries = entries(model, list);
    let mut out = Vec::with_capacity(rows.next_multiple_of(BLOCK_ROWS));
    for block in codes.chunks_exact(entries.len() * PAIR_BYTES) {
        let mut sums = [0.0; BLOCK_ROWS];
        for (pair, bytes) in entries.iter().zip(block.chunks_exact(PAIR_BYTES)) {
            for (entries, bytes) in pair.iter().zip(bytes.chunks_exact(ORDER.len())) {
                for (row, byte) in ORDER.into_iter().zip(bytes) {
                    sums[row] += entries[usize::from(byte & 0xf)];
                    sums[row + ORDER.len()] += entries[usize::from(byte >> 4)];
                }
            }
        }
        out.extend_from_slice(&sums);
    }
    out.truncate(rows);
    out
}

/// What each entry of each codebook adds, two subspaces together.
fn entries(model: &Model, list: usize) -> Vec<[[f32; ENTRIES]; 2]> {
    let from = list * model.dimensions;
    let centroid = &model.centroids[from..from + model.dimensions];
    let mut offset: Vec<f32> = centroid.iter().zip(&model.mean).map(|(c, g)| c - g).collect();
    offset.resize(model.padded(), 0.0);
    let mut out = vec![[[0.0; ENTRIES]; 2]; model.subspaces().div_ceil(2)];
    let books = model.codebooks.chunks_exact(ENTRIES * SUBSPACE);
    for (at, (book, offset)) in books.zip(offset.chunks_exact(SUBSPACE)).enumerate() {
        for (entry, numbers) in out[at / 2][at % 2].iter_mut().zip(book.chunks_exact(SUBSPACE)) {
            *entry = numbers.iter().zip(offset).map(|(r, offset)| r * (r + 2.0 * offset)).sum();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64};

    use super::*;
    use crate::base::{Random, SeededRandom};
    use crate::index::distance::{Metric, l2_squared};
    use crate::index::faiss::{Coding, encode};
    use crate::index::{Elements, IndexKind, IndexSpec, Work};

    /// Terms, lists' distances and products add up to the distance from what codes stand for: never
    /// above that by more than rounding, when each row is its own nearest code.
    #[test]
    fn they_complete_the_distance() {
        let (cancelled, done) = (AtomicBool::new(false), AtomicU64::new(0));
        let work = Work { threads: 1, memory: u64::MAX, cancelled: &cancelled, done: &done };
        // An odd number of dimensions and of subspaces, rows that don't fill their blocks.
        for (dimensions, rows) in [(5, 70), (6, 64), (9, 33)] {
            let random = SeededRandom::new(7);
            let number = || (random.u64() % 2_000) as f32 / 100.0 + 300.0;
            let values: Vec<f32> = (0..rows * dimensions).map(|_| number()).collect();
            let kind = IndexKind::Redkite { lists: Some(1) };
            let elements = Elements::Numbers;
            let spec = IndexSpec { kind, metric: Metric::L2, dimensions, elements };
            let model = Model::train(&spec, &values, rows as u64, &work).unwrap();
            let coding = Coding {
                dimensions,
                subspaces: model.subspaces(),
                centroids: &model.centroids,
                codebooks: &model.codebooks,
                normalised: false,
            };
            let numbers: Vec<u32> = (0..rows as u32).collect();
            let codes = encode(&coding, &values, &numbers, &[rows as u64], &work).unwrap();
            let terms = terms(&model, 0, &codes, rows);
            assert_eq!(terms.len(), rows);
            let centroid = &model.centroids[..dimensions];
            for (vector, term) in values.chunks_exact(dimensions).zip(&terms) {
                let left: Vec<f32> = vector.iter().zip(centroid).map(|(v, c)| v - c).collect();
                let coded = nearest(&model, &left);
                // One list: its centroid is the mean of all.
                let expected: f32 = coded.iter().map(|r| r * r).sum();
                assert!((term - expected).abs() < 1e-2, "{term} {expected}");
                let whole: Vec<f32> = centroid.iter().zip(&coded).map(|(c, r)| c + r).collect();
                let query = &values[..dimensions];
                let product: f32 =
                    query.iter().zip(&model.mean).zip(&coded).map(|((q, g), r)| (q - g) * r).sum();
                let sum = l2_squared(query, centroid) + term - 2.0 * product;
                assert!((sum - l2_squared(query, &whole)).abs() < 0.1);
            }
        }
    }

    /// What the codes of a vector's rest stand for.
    fn nearest(model: &Model, left: &[f32]) -> Vec<f32> {
        let mut padded = left.to_vec();
        padded.resize(model.padded(), 0.0);
        let mut out = Vec::new();
        let books = model.codebooks.chunks_exact(ENTRIES * SUBSPACE);
        for (book, rest) in books.zip(padded.chunks_exact(SUBSPACE)) {
            let entries = book.chunks_exact(SUBSPACE);
            let distance = |entry: &&[f32]| l2_squared(entry, rest);
            let best = entries.min_by(|a, b| distance(a).total_cmp(&distance(b)));
            out.extend_from_slice(best.unwrap());
        }
        out.truncate(left.len());
        out
    }
}

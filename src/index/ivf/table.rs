//! Look-up tables: how far a query is from each entry of each codebook, in eight bits, so that
//! sixteen rows are compared by one instruction.

use super::model::SUBSPACE;
use crate::index::distance::Metric;
use crate::index::faiss::{ENTRIES, TablePair};

/// Added to a number below 256, it leaves that number, rounded, in the lowest bits of the sum: SIMD
/// does that, and not Rust's conversions.
const WHOLE: f32 = 12_582_912.0;

/// Codebooks turned so that the sixteen entries of one dimension lie side by side.
#[derive(Debug, Clone)]
pub(super) struct Codebooks {
    turned: Vec<[[f32; ENTRIES]; SUBSPACE]>,
}

impl Codebooks {
    pub(super) fn of(codebooks: &[f32]) -> Self {
        let turned = codebooks
            .chunks_exact(ENTRIES * SUBSPACE)
            .map(|book| {
                let mut turned = [[0.0; ENTRIES]; SUBSPACE];
                for (entry, numbers) in book.chunks_exact(SUBSPACE).enumerate() {
                    for (row, number) in turned.iter_mut().zip(numbers) {
                        row[entry] = *number;
                    }
                }
                turned
            })
            .collect();
        Self { turned }
    }
}

/// The table of a query and a list: a row's distance is about `base` plus `step` times the sum
/// of its codes' entries.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) entries: Vec<TablePair>,
    pub(super) base: f32,
    pub(super) step: f32,
    exact: Vec<[f32; ENTRIES]>,
    least: Vec<f32>,
}

impl Table {
    /// Fills the table: with squares of distances from `query`, which is what is left of the
    /// query when the list's centroid is taken off; or, for the inner product, with negative
    /// products with the query itself. `query` is padded to whole subspaces.
    pub(super) fn fill(&mut self, metric: Metric, codebooks: &Codebooks, query: &[f32]) {
        let books = &codebooks.turned;
        self.exact.resize(books.len(), [0.0; ENTRIES]);
        let (parts, _) = query.as_chunks::<SUBSPACE>();
        for ((out, book), part) in self.exact.iter_mut().zip(books).zip(parts) {
            if metric == Metric::InnerProduct {
                for entry in 0..ENTRIES {
                    out[entry] = -(part[0] * book[0][entry] + part[1] * book[1][entry]);
                }
            } else {
                for entry in 0..ENTRIES {
                    let (a, b) = (part[0] - book[0][entry], part[1] - book[1][entry]);
                    out[entry] = a * a + b * b;
                }
            }
        }
        self.quantize();
    }

    /// Brings the entries to eight bits, the sum of the highest ones to sixteen.
    fn quantize(&mut self) {
        let (mut sum, mut widest, mut all) = (0.0_f32, 0.0_f32, 0.0_f32);
        self.least.clear();
        for entries in &self.exact {
            let (least, most) = extremes(entries);
            let span = most - least;
            self.least.push(least);
            sum += least;
            widest = if span > widest { span } else { widest };
            all += span;
        }
        // One less for each subspace: rounding must not carry the sum past 16 bits.
        let room = f32::from(u16::MAX) - self.exact.len() as f32;
        let scale = (255.0 / widest).min(room / all);
        let scale = if scale.is_finite() { scale } else { 0.0 };
        self.base = sum;
        self.step = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        self.entries.clear();
        self.entries.resize(self.exact.len().div_ceil(2), TablePair::default());
        let out = self.entries.iter_mut().flat_map(|pair| pair.0.iter_mut());
        for ((out, entries), least) in out.zip(&self.exact).zip(&self.least) {
            for (out, entry) in out.iter_mut().zip(entries) {
                *out = ((entry - least) * scale + WHOLE).to_bits() as u8;
            }
        }
    }

    /// The highest sum whose distance is not above `distance`; `None`: there is none.
    pub(super) fn limit(&self, distance: f32) -> Option<u16> {
        if distance == f32::INFINITY {
            return Some(u16::MAX);
        }
        let sum = (distance - self.base) / self.step;
        if sum < 0.0 { None } else { Some(sum.min(f32::from(u16::MAX)) as u16) }
    }
}

/// The least and the most of sixteen numbers, halving them as SIMD does: a fold would go one by one.
#[inline(always)]
fn extremes(entries: &[f32; ENTRIES]) -> (f32, f32) {
    let (mut low, mut high) = (*entries, *entries);
    for half in [8, 4, 2, 1] {
        for at in 0..half {
            low[at] = if low[at + half] < low[at] { low[at + half] } else { low[at] };
            high[at] = if high[at + half] > high[at] { high[at + half] } else { high[at] };
        }
    }
    (low[0], high[0])
}

//! Look-up tables: the negative product of a query with each entry of each codebook, in eight bits, so
//! that sixteen rows are compared by one instruction. What else a distance is made of, [`super::terms`]
//! says.

use super::model::SUBSPACE;
use crate::index::faiss::{ENTRIES, TablePair};

/// Added to a number below 256, it leaves that number, rounded, in the lowest bits of the sum: SIMD
/// does that, and not Rust's conversions.
const WHOLE: f32 = 12_582_912.0;

/// Subspaces that are worked on side by side, as SIMD does.
const LANES: usize = 8;
/// A number of each of them.
type Lanes = [f32; LANES];
/// Numbers of the entries of their codebooks.
type Entries = [Lanes; ENTRIES];
/// Entries whose bytes make a word.
const IN_WORD: usize = size_of::<u32>();

/// Codebooks turned so that an entry's numbers of several subspaces lie side by side. Subspaces that
/// fill up the last ones are zero, and so are their distances.
#[derive(Debug, Clone)]
pub(super) struct Codebooks {
    turned: Vec<[Entries; SUBSPACE]>,
    subspaces: usize,
}

impl Codebooks {
    pub(super) fn of(codebooks: &[f32]) -> Self {
        let books = codebooks.chunks_exact(ENTRIES * SUBSPACE);
        let subspaces = books.len();
        let mut turned = vec![[[[0.0; LANES]; ENTRIES]; SUBSPACE]; subspaces.div_ceil(LANES)];
        for (at, book) in books.enumerate() {
            for (entry, numbers) in book.chunks_exact(SUBSPACE).enumerate() {
                for (dimension, number) in numbers.iter().enumerate() {
                    turned[at / LANES][dimension][entry][at % LANES] = *number;
                }
            }
        }
        Self { turned, subspaces }
    }
}

/// The table of a query: a row's negative product with it is about `base` plus `step` times the sum of
/// its codes' entries.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) entries: Vec<TablePair>,
    pub(super) base: f32,
    pub(super) step: f32,
    exact: Vec<Entries>,
    least: Vec<Lanes>,
}

impl Table {
    /// Fills the table for a query that is padded to whole subspaces.
    pub(super) fn fill(&mut self, codebooks: &Codebooks, query: &[f32]) {
        let books = &codebooks.turned;
        self.exact.resize(books.len(), [[0.0; LANES]; ENTRIES]);
        self.least.clear();
        let (mut sum, mut widest, mut all) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
        let parts = query.chunks(LANES * SUBSPACE).map(turn);
        for ((out, book), part) in self.exact.iter_mut().zip(books).zip(parts) {
            let (least, most) = put(book, &part, out);
            for lane in 0..LANES {
                let span = most[lane] - least[lane];
                sum[lane] += least[lane];
                widest[lane] = if span > widest[lane] { span } else { widest[lane] };
                all[lane] += span;
            }
            self.least.push(least);
        }
        self.base = sum.iter().sum();
        let widest = widest.into_iter().fold(0.0, f32::max);
        // One less for each subspace: rounding must not carry the sum past 16 bits.
        let room = f32::from(u16::MAX) - codebooks.subspaces as f32;
        let scale = (255.0 / widest).min(room / all.iter().sum::<f32>());
        self.quantize(if scale.is_finite() { scale } else { 0.0 });
        self.entries.truncate(codebooks.subspaces.div_ceil(2));
    }

    /// Brings the entries to eight bits, the sum of the highest ones to sixteen.
    fn quantize(&mut self, scale: f32) {
        self.step = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        self.entries.resize(self.exact.len() * LANES / 2, TablePair::default());
        let (out, _) = self.entries.as_chunks_mut::<{ LANES / 2 }>();
        for ((out, entries), least) in out.iter_mut().zip(&self.exact).zip(&self.least) {
            put_bytes(entries, least, scale, out);
        }
    }
}

/// A query's numbers of each dimension of the subspaces side by side.
fn turn(query: &[f32]) -> [Lanes; SUBSPACE] {
    let mut whole = [0.0; LANES * SUBSPACE];
    whole[..query.len()].copy_from_slice(query);
    [0, 1].map(|dimension| std::array::from_fn(|lane| whole[lane * SUBSPACE + dimension]))
}

/// Puts down a query's negative products with the entries of codebooks; the least and the most of each.
#[inline(always)]
fn put(book: &[Entries; SUBSPACE], query: &[Lanes; SUBSPACE], out: &mut Entries) -> (Lanes, Lanes) {
    let (mut low, mut high) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    for entry in 0..ENTRIES {
        for lane in 0..LANES {
            let product =
                query[0][lane] * book[0][entry][lane] + query[1][lane] * book[1][entry][lane];
            out[entry][lane] = -product;
            low[lane] = if -product < low[lane] { -product } else { low[lane] };
            high[lane] = if -product > high[lane] { -product } else { high[lane] };
        }
    }
    (low, high)
}

/// Entries in eight bits, subspace by subspace.
#[inline(always)]
fn put_bytes(entries: &Entries, least: &Lanes, scale: f32, out: &mut [TablePair; LANES / 2]) {
    let mut words = [[0_u32; LANES]; ENTRIES / IN_WORD];
    for (at, word) in words.iter_mut().enumerate() {
        for lane in 0..LANES {
            let byte = |place: usize| {
                let entry = entries[at * IN_WORD + place][lane];
                (((entry - least[lane]) * scale + WHOLE).to_bits() & 0xff) << (8 * place)
            };
            word[lane] = byte(0) | byte(1) | byte(2) | byte(3);
        }
    }
    for lane in 0..LANES {
        let bytes = &mut out[lane / 2].0[lane % 2];
        for (at, word) in words.iter().enumerate() {
            bytes[at * IN_WORD..(at + 1) * IN_WORD].copy_from_slice(&word[lane].to_le_bytes());
        }
    }
}

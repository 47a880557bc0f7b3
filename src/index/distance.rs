//! The distance kernels: safe Rust that the compiler turns into SIMD. Each keeps [`LANES`] sums,
//! so that additions don't wait for each other.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::bits::jaccard_of;

/// Independent sums: four registers of eight floats hide the latency of a fused multiply-add.
const LANES: usize = 32;

/// How far two vectors are from each other; less is nearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Euclidean: `<->`
    L2,
    /// The negative inner product: `<#>`
    InnerProduct,
    /// One less the cosine of the angle: `<=>`
    Cosine,
    /// Taxicab: `<+>`
    L1,
    /// Bits that differ: `<~>`
    Hamming,
    /// One less the share of the bits set in either that are set in both: `<%>`
    Jaccard,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 6] =
        [Self::L2, Self::InnerProduct, Self::Cosine, Self::L1, Self::Hamming, Self::Jaccard];
    /// Those of numbers; the others are of bits.
    pub const OF_NUMBERS: [Self; 4] = [Self::L2, Self::InnerProduct, Self::Cosine, Self::L1];

    /// pgvector's operator.
    pub fn operator(self) -> &'static str {
        match self {
            Self::L2 => "<->",
            Self::InnerProduct => "<#>",
            Self::Cosine => "<=>",
            Self::L1 => "<+>",
            Self::Hamming => "<~>",
            Self::Jaccard => "<%>",
        }
    }

    /// pgvector's function behind the operator.
    pub fn function(self) -> &'static str {
        match self {
            Self::L2 => "l2_distance",
            Self::InnerProduct => "vector_negative_inner_product",
            Self::Cosine => "cosine_distance",
            Self::L1 => "l1_distance",
            Self::Hamming => "hamming_distance",
            Self::Jaccard => "jaccard_distance",
        }
    }

    /// Whether it is of bits.
    pub fn is_of_bits(self) -> bool {
        matches!(self, Self::Hamming | Self::Jaccard)
    }

    /// The metric of an operator.
    pub fn of_operator(operator: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.operator() == operator)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::L2 => "l2",
            Self::InnerProduct => "inner_product",
            Self::Cosine => "cosine",
            Self::L1 => "l1",
            Self::Hamming => "hamming",
            Self::Jaccard => "jaccard",
        })
    }
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(name: &str) -> Result<Self, UnknownMetric> {
        Self::ALL.into_iter().find(|metric| metric.to_string() == name).ok_or(UnknownMetric)
    }
}

/// A name that is no metric's.
#[derive(Debug, thiserror::Error)]
#[error("unknown metric")]
pub struct UnknownMetric;

/// The distance that pgvector's operator of the metric gives. The slices have equal lengths. The
/// metrics of bits compare numbers by their signs, as `binary_quantize` does: a bit is set where
/// one is above zero.
pub fn distance(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
    match metric {
        Metric::L2 => l2(a, b),
        Metric::InnerProduct => -inner_product(a, b),
        Metric::Cosine => cosine(a, b),
        Metric::L1 => l1(a, b),
        Metric::Hamming => {
            let differing = |(a, b): (&f32, &f32)| u32::from((*a > 0.0) != (*b > 0.0));
            f64::from(a.iter().zip(b).map(differing).sum::<u32>())
        }
        Metric::Jaccard => {
            let (mut both, mut either) = (0, 0);
            for (a, b) in a.iter().zip(b) {
                both += u32::from((*a > 0.0) & (*b > 0.0));
                either += u32::from((*a > 0.0) | (*b > 0.0));
            }
            jaccard_of(both, either)
        }
    }
}

/// Adds `term(a, b)` over all elements.
#[inline(always)]
fn sum(a: &[f32], b: &[f32], term: impl Fn(f32, f32, f32) -> f32) -> f32 {
    debug_assert_eq!(a.len(), b.len());
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] = term(a[lane], b[lane], sums[lane]);
        }
    }
    let mut total = reduce(&sums);
    for (a, b) in a_rest.iter().zip(b_rest) {
        total = term(*a, *b, total);
    }
    total
}

/// Adds the lanes. Kept out of line: seen together with the loop, its narrowing steps would make
/// the compiler narrow the registers of the loop as well, to two lanes: half the speed.
#[inline(never)]
fn reduce(sums: &[f32; LANES]) -> f32 {
    let mut eight = [0.0f32; 8];
    for (lane, sum) in eight.iter_mut().enumerate() {
        *sum = (sums[lane] + sums[lane + 8]) + (sums[lane + 16] + sums[lane + 24]);
    }
    let [a, b, c, d, e, f, g, h] = eight;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// The square of the Euclidean distance, in the 32 bits it was summed in.
#[inline]
pub fn l2_squared(a: &[f32], b: &[f32]) -> f32 {
    sum(a, b, |a, b, sum| {
        let difference = a - b;
        difference.mul_add(difference, sum)
    })
}

/// The Euclidean distance.
#[inline]
pub fn l2(a: &[f32], b: &[f32]) -> f64 {
    f64::from(l2_squared(a, b)).sqrt()
}

/// The inner product, in the 32 bits it was summed in.
#[inline]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    sum(a, b, f32::mul_add)
}

/// The inner product.
#[inline]
pub fn inner_product(a: &[f32], b: &[f32]) -> f64 {
    f64::from(dot(a, b))
}

/// The taxicab distance.
#[inline]
pub fn l1(a: &[f32], b: &[f32]) -> f64 {
    f64::from(sum(a, b, |a, b, sum| sum + (a - b).abs()))
}

/// The Euclidean norm, summed in 64 bits as pgvector does.
pub fn norm(a: &[f32]) -> f64 {
    a.iter().map(|element| f64::from(*element) * f64::from(*element)).sum::<f64>().sqrt()
}

/// The inner product and the squared norm of the second vector in one pass.
#[inline]
pub(super) fn dot_and_square(a: &[f32], b: &[f32]) -> (f32, f32) {
    debug_assert_eq!(a.len(), b.len());
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    let mut dots = [0.0f32; LANES];
    let mut squares = [0.0f32; LANES];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            dots[lane] = a[lane].mul_add(b[lane], dots[lane]);
            squares[lane] = b[lane].mul_add(b[lane], squares[lane]);
        }
    }
    let (mut dot, mut square) = (reduce(&dots), reduce(&squares));
    for (a, b) in a_rest.iter().zip(b_rest) {
        dot = a.mul_add(*b, dot);
        square = b.mul_add(*b, square);
    }
    (dot, square)
}

/// One less the cosine of the angle; NaN when a vector is zero, as in pgvector.
#[inline]
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let (dot, b_square) = dot_and_square(a, b);
    cosine_of(dot, self::dot(a, a), b_square)
}

/// The cosine distance from its parts.
#[inline]
pub(super) fn cosine_of(dot: f32, a_square: f32, b_square: f32) -> f64 {
    // One root of the product in 64 bits: pgvector's choice against overflow.
    let similarity = f64::from(dot) / (f64::from(a_square) * f64::from(b_square)).sqrt();
    let distance = 1.0 - similarity.clamp(-1.0, 1.0);
    // Processors give zero by zero a sign, by which Arrow would put it before all numbers.
    if distance.is_nan() { f64::NAN } else { distance }
}

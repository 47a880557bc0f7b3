//! Distances from one query to many vectors, as fast as can be: what orders candidates while an
//! index is searched. The order is the metric's, the numbers are not: no roots, no offsets. What
//! is reported is computed again by [`super::distance()`].

use super::distance::{Metric, distance, dot, dot_and_square, l1, l2_squared};

/// Sums of each of four vectors: two registers of eight floats, eight chains in all.
const LANES: usize = 16;

/// Distances from a query: less is nearer.
pub(super) trait Kernel {
    /// To one vector.
    fn one(&self, vector: &[f32]) -> f32;

    /// To four vectors at once, so that waiting for memory is shared.
    fn four(&self, vectors: [&[f32]; 4]) -> [f32; 4];
}

/// The square of the Euclidean distance.
pub(super) struct L2<'a>(pub(super) &'a [f32]);

impl Kernel for L2<'_> {
    #[inline]
    fn one(&self, vector: &[f32]) -> f32 {
        l2_squared(self.0, vector)
    }

    #[inline]
    fn four(&self, vectors: [&[f32]; 4]) -> [f32; 4] {
        sum_four(self.0, vectors, |a, b, sum| {
            let difference = a - b;
            difference.mul_add(difference, sum)
        })
    }
}

/// The negative inner product.
pub(super) struct InnerProduct<'a>(pub(super) &'a [f32]);

impl Kernel for InnerProduct<'_> {
    #[inline]
    fn one(&self, vector: &[f32]) -> f32 {
        -dot(self.0, vector)
    }

    #[inline]
    fn four(&self, vectors: [&[f32]; 4]) -> [f32; 4] {
        sum_four(self.0, vectors, f32::mul_add).map(|dot| -dot)
    }
}

/// The negative cosine times the query's norm, which is the same for all.
pub(super) struct Cosine<'a>(pub(super) &'a [f32]);

impl Kernel for Cosine<'_> {
    #[inline]
    fn one(&self, vector: &[f32]) -> f32 {
        let (dot, square) = dot_and_square(self.0, vector);
        -dot / square.sqrt()
    }

    #[inline]
    fn four(&self, vectors: [&[f32]; 4]) -> [f32; 4] {
        vectors.map(|vector| self.one(vector))
    }
}

/// The taxicab distance.
pub(super) struct L1<'a>(pub(super) &'a [f32]);

impl Kernel for L1<'_> {
    #[inline]
    fn one(&self, vector: &[f32]) -> f32 {
        l1(self.0, vector) as f32
    }

    #[inline]
    fn four(&self, vectors: [&[f32]; 4]) -> [f32; 4] {
        sum_four(self.0, vectors, |a, b, sum| sum + (a - b).abs())
    }
}

/// The distance of the bits that numbers' signs are.
pub(super) struct Signs<'a>(pub(super) Metric, pub(super) &'a [f32]);

impl Kernel for Signs<'_> {
    #[inline]
    fn one(&self, vector: &[f32]) -> f32 {
        distance(self.0, self.1, vector) as f32
    }

    #[inline]
    fn four(&self, vectors: [&[f32]; 4]) -> [f32; 4] {
        vectors.map(|vector| self.one(vector))
    }
}

/// What runs with the kernel of a metric.
pub(super) trait WithKernel {
    /// What it gives.
    type Output;

    /// Runs.
    fn run(self, kernel: &impl Kernel) -> Self::Output;
}

/// Runs with the kernel of the metric, compiled for each of them.
pub(super) fn with_kernel<W: WithKernel>(metric: Metric, query: &[f32], work: W) -> W::Output {
    match metric {
        Metric::L2 => work.run(&L2(query)),
        Metric::InnerProduct => work.run(&InnerProduct(query)),
        Metric::Cosine => work.run(&Cosine(query)),
        Metric::L1 => work.run(&L1(query)),
        Metric::Hamming | Metric::Jaccard => work.run(&Signs(metric, query)),
    }
}

/// Adds `term(a, b)` over all elements of four vectors.
#[inline(always)]
fn sum_four(query: &[f32], vectors: [&[f32]; 4], term: impl Fn(f32, f32, f32) -> f32) -> [f32; 4] {
    let (blocks, rest) = query.as_chunks::<LANES>();
    let [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)] =
        vectors.map(|vector| vector.as_chunks::<LANES>());
    let mut sums = [[0.0f32; LANES]; 4];
    for ((((query, a), b), c), d) in blocks.iter().zip(a).zip(b).zip(c).zip(d) {
        for lane in 0..LANES {
            sums[0][lane] = term(query[lane], a[lane], sums[0][lane]);
            sums[1][lane] = term(query[lane], b[lane], sums[1][lane]);
            sums[2][lane] = term(query[lane], c[lane], sums[2][lane]);
            sums[3][lane] = term(query[lane], d[lane], sums[3][lane]);
        }
    }
    let mut totals = reduce_four(&sums);
    for (at, query) in rest.iter().enumerate() {
        for (total, vector) in totals.iter_mut().zip([a_rest, b_rest, c_rest, d_rest]) {
            *total = term(*query, vector[at], *total);
        }
    }
    totals
}

/// Adds the lanes; out of line for the reason of [`mod@super::distance`]'s.
#[inline(never)]
fn reduce_four(sums: &[[f32; LANES]; 4]) -> [f32; 4] {
    sums.map(|sums| {
        let mut eight = [0.0f32; 8];
        for (lane, sum) in eight.iter_mut().enumerate() {
            *sum = sums[lane] + sums[lane + 8];
        }
        let [a, b, c, d, e, f, g, h] = eight;
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    })
}

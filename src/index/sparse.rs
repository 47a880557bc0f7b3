//! Distances of sparse vectors: pgvector's, summed in 32 bits over the places where either vector
//! is not zero, in their order. Elements come with ascending places.

use std::iter::Peekable;

use super::distance::Metric;

/// The numbers of two sparse vectors at each place where either is not zero.
struct Merged<A: Iterator, B: Iterator> {
    a: Peekable<A>,
    b: Peekable<B>,
}

impl<A, B> Iterator for Merged<A, B>
where
    A: Iterator<Item = (u32, f32)>,
    B: Iterator<Item = (u32, f32)>,
{
    type Item = (u32, f32, f32);

    #[inline]
    fn next(&mut self) -> Option<(u32, f32, f32)> {
        let place = match (self.a.peek(), self.b.peek()) {
            (Some((a, _)), Some((b, _))) => *a.min(b),
            (Some((place, _)), None) | (None, Some((place, _))) => *place,
            (None, None) => return None,
        };
        let a = self.a.next_if(|(at, _)| *at == place).map_or(0.0, |(_, number)| number);
        let b = self.b.next_if(|(at, _)| *at == place).map_or(0.0, |(_, number)| number);
        Some((place, a, b))
    }
}

/// The numbers of two sparse vectors at each place where either is not zero, with the place.
pub(super) fn merged(
    a: impl Iterator<Item = (u32, f32)>,
    b: impl Iterator<Item = (u32, f32)>,
) -> impl Iterator<Item = (u32, f32, f32)> {
    Merged { a: a.peekable(), b: b.peekable() }
}

/// The sum with 32 bits, as pgvector adds up; of nothing, it is 0, where `sum` gives -0.
fn total(terms: impl Iterator<Item = f32>) -> f64 {
    f64::from(terms.fold(0.0, |sum: f32, term| sum + term))
}

/// The square of the Euclidean distance.
pub fn sparse_l2_squared(
    a: impl Iterator<Item = (u32, f32)>,
    b: impl Iterator<Item = (u32, f32)>,
) -> f64 {
    total(merged(a, b).map(|(_, a, b)| (a - b) * (a - b)))
}

/// The inner product.
pub fn sparse_inner_product(
    a: impl Iterator<Item = (u32, f32)>,
    b: impl Iterator<Item = (u32, f32)>,
) -> f64 {
    total(merged(a, b).map(|(_, a, b)| a * b))
}

/// The distance that pgvector's operator of a metric of numbers gives. NaN for the cosine of a
/// vector of zeros.
pub fn sparse_distance(
    metric: Metric,
    a: impl Iterator<Item = (u32, f32)> + Clone,
    b: impl Iterator<Item = (u32, f32)> + Clone,
) -> f64 {
    match metric {
        Metric::InnerProduct => -sparse_inner_product(a, b),
        Metric::Cosine => {
            let similarity =
                sparse_inner_product(a.clone(), b.clone()) / (square(a) * square(b)).sqrt();
            // NaN without the sign that processors give it: Arrow orders by that.
            if similarity.is_nan() { f64::NAN } else { 1.0 - similarity.clamp(-1.0, 1.0) }
        }
        Metric::L1 => total(merged(a, b).map(|(_, a, b)| (a - b).abs())),
        _ => sparse_l2_squared(a, b).sqrt(),
    }
}

/// The square of a vector's length.
fn square(elements: impl Iterator<Item = (u32, f32)>) -> f64 {
    total(elements.map(|(_, number)| number * number))
}

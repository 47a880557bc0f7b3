//! Distances of bit strings, 64 bits at a time: what pgvector's `hamming_distance` and
//! `jaccard_distance` give. Bits behind the last one are zero.

use super::distance::Metric;

/// In how many bits the two differ.
#[inline]
pub fn hamming(a: impl Iterator<Item = u64>, b: impl Iterator<Item = u64>) -> f64 {
    f64::from(a.zip(b).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>())
}

/// One less the share of the bits set in either that are set in both.
#[inline]
pub fn jaccard(a: impl Iterator<Item = u64>, b: impl Iterator<Item = u64>) -> f64 {
    let (mut both, mut either) = (0u32, 0u32);
    for (a, b) in a.zip(b) {
        both += (a & b).count_ones();
        either += (a | b).count_ones();
    }
    jaccard_of(both, either)
}

/// The Jaccard distance from its parts.
#[inline]
pub(super) fn jaccard_of(both: u32, either: u32) -> f64 {
    match both {
        0 => 1.0,
        both => 1.0 - f64::from(both) / f64::from(either),
    }
}

/// The distance of a metric of bits.
#[inline]
pub fn bit_distance(
    metric: Metric,
    a: impl Iterator<Item = u64>,
    b: impl Iterator<Item = u64>,
) -> f64 {
    match metric {
        Metric::Jaccard => jaccard(a, b),
        _ => hamming(a, b),
    }
}

/// Numbers' signs as words of bits, the first one highest: set where a number is above zero, as
/// `binary_quantize` has it.
pub fn signs(numbers: &[f32]) -> impl Iterator<Item = u64> {
    numbers.chunks(64).map(|chunk| {
        let bits = chunk.iter().enumerate();
        bits.fold(0, |word, (at, number)| word | u64::from(*number > 0.0) << (63 - at))
    })
}

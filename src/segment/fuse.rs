//! Binary fuse filters (Graf and Lemire, 2022) with fingerprints of 16 bits: 18 bits a key,
//! and one wrong "maybe" in 65,536. A Bloom filter of that size is wrong ten times as often.
//! Three memory accesses a question.

use crate::base::limits::SEGMENT_ROWS_MAX;

const ARITY: u32 = 3;
const SEGMENT_LENGTH_MAX: u32 = 1 << 18;
/// Each attempt fails with a small probability; a hundred failures don't happen.
const ATTEMPTS_MAX: u64 = 100;

/// A set of 64-bit hashes that may answer "maybe" for one that is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fuse {
    pub(super) seed: u64,
    shape: Shape,
    pub(super) fingerprints: Vec<u16>,
}

/// How the fingerprints are laid out: follows from the number of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    segment_length: u32,
    segment_count_length: u32,
    array_length: u32,
}

impl Shape {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "sizes of at most SEGMENT_ROWS_MAX keys, rounded as the paper says"
    )]
    fn of(keys: u32) -> Self {
        let size = f64::from(keys);
        let segment_length = match keys {
            0 | 1 => 4,
            _ => {
                let power = (size.ln() / 3.33_f64.ln() + 2.25).floor();
                1_u32.checked_shl(power as u32).unwrap_or(SEGMENT_LENGTH_MAX)
            }
        }
        .min(SEGMENT_LENGTH_MAX);
        let capacity = match keys {
            0 | 1 => 0,
            _ => {
                let factor = (0.875 + 0.25 * 1e6_f64.ln() / size.ln()).max(1.125);
                (size * factor).round() as u32
            }
        };
        let segments = capacity.div_ceil(segment_length).max(ARITY) - (ARITY - 1);
        Self {
            segment_length,
            segment_count_length: segments * segment_length,
            array_length: (segments + ARITY - 1) * segment_length,
        }
    }

    /// The three places of a hash.
    #[expect(clippy::cast_possible_truncation, reason = "below array_length, 32 bits")]
    fn places(self, hash: u64) -> [u32; 3] {
        let high = (u128::from(hash) * u128::from(self.segment_count_length)) >> 64;
        let mask = self.segment_length - 1;
        let first = high as u32;
        let second = (first + self.segment_length) ^ ((hash >> 18) as u32 & mask);
        let third = (first + 2 * self.segment_length) ^ (hash as u32 & mask);
        [first, second, third]
    }
}

fn mix(key: u64, seed: u64) -> u64 {
    let mut hash = key.wrapping_add(seed);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[expect(clippy::cast_possible_truncation, reason = "a fingerprint is 16 bits of the hash")]
fn fingerprint(hash: u64) -> u16 {
    (hash ^ (hash >> 32)) as u16
}

impl Fuse {
    /// The filter of these hashes; duplicates are removed. `None` when they are too many.
    pub(super) fn of(mut hashes: Vec<u64>) -> Option<Self> {
        hashes.sort_unstable();
        hashes.dedup();
        if hashes.len() > SEGMENT_ROWS_MAX {
            return None;
        }
        let shape = Shape::of(u32::try_from(hashes.len()).ok()?);
        (0..ATTEMPTS_MAX).find_map(|attempt| {
            let seed = mix(attempt, 0x243f_6a88_85a3_08d3);
            let fingerprints = build(&hashes, shape, seed)?;
            Some(Self { seed, shape, fingerprints })
        })
    }

    /// A filter as it was stored; `None` when the parts don't fit each other.
    pub(super) fn from_parts(keys: u32, seed: u64, fingerprints: Vec<u16>) -> Option<Self> {
        if keys as usize > SEGMENT_ROWS_MAX {
            return None;
        }
        let shape = Shape::of(keys);
        (shape.array_length as usize == fingerprints.len()).then_some(Self {
            seed,
            shape,
            fingerprints,
        })
    }

    /// False: the hash is not in the set. True: it probably is.
    pub(super) fn may_contain(&self, key: u64) -> bool {
        let hash = mix(key, self.seed);
        let [a, b, c] = self.shape.places(hash);
        let at = |place: u32| self.fingerprints[place as usize];
        fingerprint(hash) == at(a) ^ at(b) ^ at(c)
    }
}

/// Peels: a place that only one key uses decides that key, which frees its other places.
fn build(keys: &[u64], shape: Shape, seed: u64) -> Option<Vec<u16>> {
    let length = shape.array_length as usize;
    let mut counts = vec![0_u8; length];
    let mut sums = vec![0_u64; length];
    for &key in keys {
        let hash = mix(key, seed);
        for place in shape.places(hash) {
            let place = place as usize;
            counts[place] = counts[place].checked_add(1)?;
            sums[place] ^= hash;
        }
    }
    let mut alone: Vec<u32> =
        (0..shape.array_length).filter(|place| counts[*place as usize] == 1).collect();
    let mut order = Vec::with_capacity(keys.len());
    while let Some(place) = alone.pop() {
        if counts[place as usize] != 1 {
            continue;
        }
        let hash = sums[place as usize];
        order.push((hash, place));
        for other in shape.places(hash) {
            let index = other as usize;
            counts[index] -= 1;
            sums[index] ^= hash;
            if counts[index] == 1 {
                alone.push(other);
            }
        }
    }
    if order.len() != keys.len() {
        return None;
    }
    let mut fingerprints = vec![0_u16; length];
    for (hash, place) in order.into_iter().rev() {
        let others = shape.places(hash).into_iter().filter(|other| *other != place);
        let value =
            others.fold(fingerprint(hash), |value, other| value ^ fingerprints[other as usize]);
        fingerprints[place as usize] = value;
    }
    Some(fingerprints)
}

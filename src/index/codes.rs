//! Bit strings and sparse vectors, one behind the other: what an index over such vectors keeps of its
//! nodes, since no file of the segment has them in a form that can be searched.

use arrow::buffer::ScalarBuffer;

use super::bits::bit_distance;
use super::definition::{Elements, IndexSpec};
use super::distance::Metric;
use super::error::IndexError;
use super::object::{Object, bytes_of, view};
use super::query::Query;
use super::sparse::sparse_distance;

/// Vectors that are no list of numbers.
#[derive(Debug, Clone)]
pub enum Codes {
    /// Bit strings
    Bits(BitCodes),
    /// Sparse vectors
    Sparse(SparseCodes),
}

/// Bit strings of one length, each in `stride` words.
#[derive(Debug, Clone)]
pub struct BitCodes {
    pub(super) stride: usize,
    pub(super) words: ScalarBuffer<u64>,
}

/// Sparse vectors: where each begins and the last one ends, then places and numbers.
#[derive(Debug, Clone)]
pub struct SparseCodes {
    pub(super) starts: ScalarBuffer<u64>,
    pub(super) places: ScalarBuffer<u32>,
    pub(super) numbers: ScalarBuffer<f32>,
}

impl BitCodes {
    /// The words of a code.
    #[inline]
    pub(super) fn words(&self, at: usize) -> &[u64] {
        &self.words[at * self.stride..(at + 1) * self.stride]
    }
}

impl SparseCodes {
    /// Where a vector stands.
    #[inline]
    fn range(&self, at: usize) -> std::ops::Range<usize> {
        self.starts[at] as usize..self.starts[at + 1] as usize
    }

    /// The elements of a vector.
    #[inline]
    pub(super) fn elements(&self, at: usize) -> impl Iterator<Item = (u32, f32)> + Clone + '_ {
        let range = self.range(at);
        elements(&self.places[range.clone()], &self.numbers[range])
    }
}

/// Places and numbers as pairs.
#[inline]
pub(super) fn elements<'a>(
    places: &'a [u32],
    numbers: &'a [f32],
) -> impl Iterator<Item = (u32, f32)> + Clone + 'a {
    places.iter().copied().zip(numbers.iter().copied())
}

impl Codes {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Bits(bits) => bits.words.len() / bits.stride.max(1),
            Self::Sparse(sparse) => sparse.starts.len().saturating_sub(1),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What they are made of.
    pub(super) fn elements(&self) -> Elements {
        match self {
            Self::Bits(_) => Elements::Bits,
            Self::Sparse(_) => Elements::Sparse,
        }
    }

    /// The bytes of one: equal vectors have equal ones.
    pub(super) fn bytes(&self, at: usize) -> [&[u8]; 2] {
        match self {
            Self::Bits(bits) => [bytes_of(bits.words(at)), &[]],
            Self::Sparse(sparse) => {
                let range = sparse.range(at);
                [bytes_of(&sparse.places[range.clone()]), bytes_of(&sparse.numbers[range])]
            }
        }
    }

    /// Some of them, in this order.
    pub(super) fn select(&self, chosen: &[u32]) -> Self {
        match self {
            Self::Bits(bits) => {
                let words = chosen.iter().flat_map(|at| bits.words(*at as usize)).copied();
                Self::Bits(BitCodes { stride: bits.stride, words: words.collect() })
            }
            Self::Sparse(sparse) => {
                let mut builder = CodesBuilder::sparse();
                for at in chosen {
                    builder.push_sparse(sparse.elements(*at as usize));
                }
                builder.finish()
            }
        }
    }

    /// One as what is searched for.
    pub(super) fn query(&self, at: usize, dimensions: usize) -> Query {
        match self {
            Self::Bits(bits) => Query::Bits { length: dimensions, words: bits.words(at).to_vec() },
            Self::Sparse(sparse) => {
                let (places, numbers) = sparse.elements(at).unzip();
                Query::Sparse { dimensions, places, numbers }
            }
        }
    }

    /// Whether a query can be compared with them.
    pub(super) fn fit(&self, query: &Query) -> bool {
        match (self, query) {
            (Self::Bits(bits), Query::Bits { words, .. }) => words.len() == bits.stride,
            (Self::Sparse(_), Query::Sparse { places, numbers, .. }) => {
                places.len() == numbers.len()
            }
            _ => false,
        }
    }

    /// The distance that is shown between one of them and a query that fits.
    pub(super) fn distance(&self, metric: Metric, at: usize, query: &Query) -> f64 {
        match (self, query) {
            (Self::Bits(bits), Query::Bits { words, .. }) => {
                bit_distance(metric, bits.words(at).iter().copied(), words.iter().copied())
            }
            (Self::Sparse(sparse), Query::Sparse { places, numbers, .. }) => {
                sparse_distance(metric, sparse.elements(at), elements(places, numbers))
            }
            _ => f64::NAN,
        }
    }

    /// How many 32-bit numbers are read to compare a query with all of them.
    pub(super) fn numbers(&self) -> usize {
        match self {
            Self::Bits(bits) => bits.words.len() * 2,
            Self::Sparse(sparse) => sparse.places.len() * 2,
        }
    }

    /// How many sections of an object they take.
    pub(super) fn section_count(elements: Elements) -> usize {
        match elements {
            Elements::Numbers => 0,
            Elements::Bits => 1,
            Elements::Sparse => 3,
        }
    }

    /// The sections of an object.
    pub(super) fn sections(&self) -> Vec<&[u8]> {
        match self {
            Self::Bits(bits) => vec![bytes_of(&bits.words)],
            Self::Sparse(sparse) => {
                vec![bytes_of(&sparse.starts), bytes_of(&sparse.places), bytes_of(&sparse.numbers)]
            }
        }
    }

    /// The codes of so many vectors, in an object's sections from `at` on, verified; none where the
    /// index is over numbers.
    pub(super) fn decode(
        spec: &IndexSpec,
        object: &Object,
        at: usize,
        count: usize,
    ) -> Result<Option<Self>, IndexError> {
        let codes = match spec.elements {
            Elements::Numbers => return Ok(None),
            Elements::Bits => Self::Bits(BitCodes {
                stride: spec.dimensions.div_ceil(64),
                words: view(&object.section(at))?,
            }),
            Elements::Sparse => Self::Sparse(SparseCodes {
                starts: view(&object.section(at))?,
                places: view(&object.section(at + 1))?,
                numbers: view(&object.section(at + 2))?,
            }),
        };
        let whole = match &codes {
            Self::Bits(bits) => count.checked_mul(bits.stride) == Some(bits.words.len()),
            Self::Sparse(SparseCodes { starts, places, numbers }) => {
                starts.len() == count + 1
                    && starts[0] == 0
                    && starts.is_sorted()
                    && starts[count] == places.len() as u64
                    && places.len() == numbers.len()
            }
        };
        if whole { Ok(Some(codes)) } else { Err(IndexError::Corrupt("codes of another length")) }
    }
}

/// Codes while they are collected.
#[derive(Debug)]
pub enum CodesBuilder {
    /// Bit strings
    Bits {
        /// Words of each.
        stride: usize,
        /// All words.
        words: Vec<u64>,
    },
    /// Sparse vectors
    Sparse {
        /// Where each begins, and where the next will.
        starts: Vec<u64>,
        /// All places.
        places: Vec<u32>,
        /// All numbers.
        numbers: Vec<f32>,
    },
}

impl CodesBuilder {
    /// Of so many bits each.
    pub fn bits(dimensions: usize) -> Self {
        Self::Bits { stride: dimensions.div_ceil(64), words: Vec::new() }
    }

    /// Of sparse vectors.
    pub fn sparse() -> Self {
        Self::Sparse { starts: vec![0], places: Vec::new(), numbers: Vec::new() }
    }

    /// Adds a bit string by its words; what is missing is zero.
    pub fn push_bits(&mut self, code: impl Iterator<Item = u64>) {
        if let Self::Bits { stride, words } = self {
            let end = words.len() + *stride;
            words.extend(code.take(*stride));
            words.resize(end, 0);
        }
    }

    /// Adds a sparse vector by its elements.
    pub fn push_sparse(&mut self, elements: impl Iterator<Item = (u32, f32)>) {
        if let Self::Sparse { starts, places, numbers } = self {
            for (place, number) in elements {
                places.push(place);
                numbers.push(number);
            }
            starts.push(places.len() as u64);
        }
    }

    /// All of them.
    pub fn finish(self) -> Codes {
        match self {
            Self::Bits { stride, words } => Codes::Bits(BitCodes { stride, words: words.into() }),
            Self::Sparse { starts, places, numbers } => Codes::Sparse(SparseCodes {
                starts: starts.into(),
                places: places.into(),
                numbers: numbers.into(),
            }),
        }
    }
}

//! What rows are compared with.

use super::definition::Elements;

/// A vector that is searched for, apart from any column.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// Numbers
    Numbers(Vec<f32>),
    /// Bits
    Bits {
        /// How many.
        length: usize,
        /// 64 of them each, the first one highest; zeros behind the last one.
        words: Vec<u64>,
    },
    /// The numbers that are not zero
    Sparse {
        /// How many numbers there are, zeros included.
        dimensions: usize,
        /// Where they stand, from zero, ascending.
        places: Vec<u32>,
        /// The numbers there.
        numbers: Vec<f32>,
    },
}

impl Query {
    /// How long it is.
    pub fn dimensions(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Bits { length, .. } => *length,
            Self::Sparse { dimensions, .. } => *dimensions,
        }
    }

    /// What it is made of.
    pub fn elements(&self) -> Elements {
        match self {
            Self::Numbers(_) => Elements::Numbers,
            Self::Bits { .. } => Elements::Bits,
            Self::Sparse { .. } => Elements::Sparse,
        }
    }

    /// It as numbers, bits as ones and zeros; none of a sparse vector.
    pub fn to_numbers(&self) -> Option<Vec<f32>> {
        match self {
            Self::Numbers(numbers) => Some(numbers.clone()),
            Self::Bits { length, words } => Some(ones(words, *length).collect()),
            Self::Sparse { .. } => None,
        }
    }
}

/// Bits as ones and zeros.
pub(super) fn ones(words: &[u64], length: usize) -> impl Iterator<Item = f32> + '_ {
    let bits = words.iter().flat_map(|word| (0..64).rev().map(move |place| word >> place & 1));
    bits.take(length).map(|bit| bit as f32)
}

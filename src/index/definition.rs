//! What `CREATE INDEX` asked for, and which of it can be built.

use serde::{Deserialize, Serialize};

use super::distance::Metric;
use super::error::DefinitionError;
use crate::base::limits::{
    INDEX_BITS_MAX, INDEX_LISTS_MAX, INDEX_PART_ROWS_MIN, SPARSE_DIMENSIONS_MAX,
    VECTOR_DIMENSIONS_MAX,
};

/// An index's definition: JSON in metadata.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IndexSpec {
    /// How candidates are found.
    pub kind: IndexKind,
    /// What nearness means.
    pub metric: Metric,
    /// How long the vectors are.
    pub dimensions: usize,
    /// What they are made of.
    #[serde(default, skip_serializing_if = "Elements::are_numbers")]
    pub elements: Elements,
}

/// What the vectors of an index are made of. All but numbers lie in the index itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Elements {
    /// Numbers, as `vector` and `halfvec` have them
    #[default]
    Numbers,
    /// Bits: of a `bit` column, or the signs of numbers
    Bits,
    /// Numbers most of which are zero: `sparsevec`
    Sparse,
}

impl Elements {
    fn are_numbers(&self) -> bool {
        *self == Self::Numbers
    }

    /// How long a vector may be to be indexed: pgvector's limits, but for numbers, where it is that of the
    /// type.
    fn dimensions_max(self) -> usize {
        match self {
            Self::Numbers => VECTOR_DIMENSIONS_MAX,
            Self::Bits => INDEX_BITS_MAX,
            Self::Sparse => SPARSE_DIMENSIONS_MAX as usize,
        }
    }
}

/// How an index finds candidates, with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexKind {
    /// A navigable small-world graph in layers (Malkov and Yashunin), pgvector's `hnsw`.
    Hnsw {
        /// Neighbours of a node on the upper levels; twice as many on the lowest.
        m: u32,
        /// Candidates kept while a node's neighbours are looked for.
        ef_construction: u32,
    },
    /// Inverted lists of vectors, pgvector's `ivfflat`.
    IvfFlat {
        /// How many lists there are.
        lists: u32,
    },
    /// Inverted lists of codes, the best candidates' vectors compared: the kind we recommend.
    Redkite {
        /// How many lists there are; `None`: as many as fit the rows.
        lists: Option<u32>,
    },
}

impl IndexKind {
    /// pgvector's default of `m`.
    pub const M_DEFAULT: u32 = 16;
    /// pgvector's default of `ef_construction`.
    pub const EF_CONSTRUCTION_DEFAULT: u32 = 64;
    /// pgvector's default of `lists`.
    pub const LISTS_DEFAULT: u32 = 100;

    /// The access method's name in `USING`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hnsw { .. } => "hnsw",
            Self::IvfFlat { .. } => "ivfflat",
            Self::Redkite { .. } => "redkite",
        }
    }

    /// Whether parts share a model that is trained first.
    pub fn needs_model(&self) -> bool {
        match self {
            Self::Hnsw { .. } => false,
            Self::IvfFlat { .. } | Self::Redkite { .. } => true,
        }
    }
}

impl IndexSpec {
    /// Over how many rows a part can be built in so much memory, about: a graph is held twice when it
    /// is written, lists and codes likewise.
    pub fn rows_within(&self, memory: u64) -> u64 {
        let dimensions = self.dimensions as u64;
        let each = match self.kind {
            IndexKind::Hnsw { m, .. } => (2 * u64::from(m) + 4) * 4,
            IndexKind::IvfFlat { .. } => 8,
            IndexKind::Redkite { .. } => 8 + dimensions.div_ceil(4),
        };
        let codes = if self.elements == Elements::Bits { dimensions.div_ceil(8) } else { 0 };
        (memory / (2 * (each + codes))).max(INDEX_PART_ROWS_MIN)
    }

    /// Refuses what can't be built: pgvector's bounds.
    ///
    /// # Errors
    /// What is wrong with the definition.
    pub fn check(&self) -> Result<(), DefinitionError> {
        if self.dimensions == 0 {
            return Err(DefinitionError::NoDimensions);
        }
        let most = self.elements.dimensions_max();
        if self.dimensions > most {
            return Err(DefinitionError::TooManyDimensions { most, kind: self.kind.name() });
        }
        let indexable = match self.kind {
            IndexKind::Hnsw { .. } => true,
            // Lists are told by their centers, which bits have in a way, and sparse vectors hardly.
            IndexKind::IvfFlat { .. } => match self.elements {
                Elements::Numbers => true,
                Elements::Bits => self.metric == Metric::Hamming,
                Elements::Sparse => false,
            },
            IndexKind::Redkite { .. } => self.elements == Elements::Numbers,
        };
        if !indexable || self.metric.is_of_bits() != (self.elements == Elements::Bits) {
            return Err(DefinitionError::Elements);
        }
        match self.kind {
            IndexKind::Hnsw { m, ef_construction } => {
                within("m", m, 2, 100)?;
                within("ef_construction", ef_construction, 4, 1000)?;
                if ef_construction < 2 * m {
                    return Err(DefinitionError::EfConstructionBelowTwiceM);
                }
            }
            IndexKind::IvfFlat { lists } | IndexKind::Redkite { lists: Some(lists) } => {
                within("lists", lists, 1, INDEX_LISTS_MAX)?;
            }
            IndexKind::Redkite { lists: None } => {}
        }
        Ok(())
    }
}

fn within(option: &'static str, value: u32, least: u32, most: u32) -> Result<(), DefinitionError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(DefinitionError::OutOfBounds {
        option,
        value: value.into(),
        least: least.into(),
        most: most.into(),
    })
}

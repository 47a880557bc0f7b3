//! What `CREATE INDEX` asked for, and which of it can be built.

use serde::{Deserialize, Serialize};

use super::distance::Metric;
use super::error::DefinitionError;
use crate::base::limits::{INDEX_LISTS_MAX, VECTOR_DIMENSIONS_MAX};

/// An index's definition: JSON in metadata.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IndexSpec {
    /// How candidates are found.
    pub kind: IndexKind,
    /// What nearness means.
    pub metric: Metric,
    /// How long the vectors are.
    pub dimensions: usize,
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
    /// Refuses what can't be built: pgvector's bounds.
    ///
    /// # Errors
    /// What is wrong with the definition.
    pub fn check(&self) -> Result<(), DefinitionError> {
        if self.dimensions == 0 || self.dimensions > VECTOR_DIMENSIONS_MAX {
            return Err(DefinitionError::Dimensions(self.dimensions));
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

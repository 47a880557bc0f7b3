//! What can go wrong with an index, and whose turn it then is.

/// Why an index can't be built, opened or searched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// A vector or a query of another length than the index is over.
    #[error("expected {expected} dimensions, not {found}")]
    Dimensions {
        /// What the index is over.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// A vector or a query of another type than the index is over.
    #[error("vectors of another type than the index is over")]
    Elements,
    /// A definition that no index can be built from.
    #[error("{0}")]
    Definition(#[from] DefinitionError),
    /// Bytes of a part or a model that are not what was written, or do not go together.
    #[error("index is corrupt: {0}")]
    Corrupt(&'static str),
    /// A kind that needs a model, without one.
    #[error("index part without its model")]
    ModelMissing,
    /// The caller asked to stop.
    #[error("index work was cancelled")]
    Cancelled,
    /// No memory for the work.
    #[error("out of memory in index work")]
    OutOfMemory,
    /// More rows than an index numbers.
    #[error("too many rows for one index part")]
    TooManyRows,
    /// FAISS failed where it must not: its words.
    #[error("FAISS: {0}")]
    Faiss(Box<str>),
}

/// Why a definition is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// A parameter outside its bounds.
    #[error(
        "value {value} out of bounds for option \"{option}\" (valid values are between {least} and {most})"
    )]
    OutOfBounds {
        /// The option's name in `WITH (...)`.
        option: &'static str,
        /// What was asked for.
        value: u64,
        /// The least that is taken.
        least: u64,
        /// The most that is taken.
        most: u64,
    },
    /// pgvector's rule for HNSW.
    #[error("ef_construction must be greater than or equal to 2 * m")]
    EfConstructionBelowTwiceM,
    /// Vectors without dimensions.
    #[error("column does not have dimensions")]
    NoDimensions,
    /// Vectors with too many of them, in pgvector's words.
    #[error("column cannot have more than {most} dimensions for {kind} index")]
    TooManyDimensions {
        /// The most that is taken.
        most: usize,
        /// The access method.
        kind: &'static str,
    },
    /// Vectors that the kind is not built over, or not for the metric.
    #[error("no such index over vectors of this type")]
    Elements,
}

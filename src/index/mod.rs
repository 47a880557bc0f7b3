//! Rank 1: vector search, pure, no I/O: distances, the best k of many, exact search over a flat
//! slice, and indexes. Numbers are pgvector's: sums in 32 bits, results in 64.
//!
//! An index is *parts*, one over each segment: [`build`] makes the bytes of one from [`Points`],
//! [`Part`] searches them where they lie. What the parts of some kinds share is trained first:
//! the [`Model`]. Whatever kind of index found a row, the distance that
//! is shown is computed from its vector, by the same code as an exact search's.

mod calibration;
mod candidate;
mod definition;
mod distance;
mod error;
mod faiss;
mod flat;
mod hnsw;
mod ivf;
mod kernel;
mod object;
mod part;
mod points;
mod selection;
mod top_k;
mod work;

pub use calibration::{Calibration, Measured, calibrate};
pub use definition::{IndexKind, IndexSpec};
pub use distance::{Metric, cosine, distance, inner_product, l1, l2, l2_squared, norm};
pub use error::{DefinitionError, IndexError};
pub use faiss::stand_back;
pub use flat::{Selection, search_flat};
pub use ivf::Model;
pub use part::{Part, SearchOptions, SearchWork, build};
pub use points::Points;
pub use top_k::{Neighbour, TopK};
pub use work::Work;

#[cfg(test)]
mod tests;

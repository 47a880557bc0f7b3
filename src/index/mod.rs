//! Rank 1: vector search, pure, no I/O: distances, the best k of many, exact search over a flat
//! slice, and indexes. Numbers are pgvector's: sums in 32 bits, results in 64.
//!
//! An index is *parts*, one over each segment: [`build`] makes the bytes of one from [`Points`],
//! [`Part`] searches them where they lie, [`RemoteLists`] where they don't. What the parts of some kinds share is trained first:
//! the [`Model`]. Whatever kind of index found a row, the distance that
//! is shown is computed from its vector, by the same code as an exact search's.
//!
//! Vectors are numbers, which lie with the segment, or bits and sparse vectors ([`Codes`]), which a part
//! over them has itself.

mod bits;
mod calibration;
mod candidate;
mod codes;
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
mod query;
mod selection;
mod sparse;
mod top_k;
mod work;

pub use bits::{bit_distance, hamming, jaccard, signs};
pub use calibration::{Calibration, Measured, calibrate, calibrate_coded};
pub use codes::{Codes, CodesBuilder};
pub use definition::{Elements, IndexKind, IndexSpec};
pub use distance::{Metric, cosine, distance, inner_product, l1, l2, l2_squared, norm};
pub use error::{DefinitionError, IndexError};
pub use faiss::stand_back;
pub use flat::search_flat;
pub use ivf::{Model, RemoteList, RemoteLists};
pub use part::{Part, SearchOptions, SearchWork, build, build_coded};
pub use points::{CodedPoints, Points};
pub use query::Query;
pub use selection::Selection;
pub use sparse::{sparse_distance, sparse_inner_product, sparse_l2_squared};
pub use top_k::{Keep, Neighbour, TopK};
pub use work::Work;

#[cfg(test)]
mod tests;

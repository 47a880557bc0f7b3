//! Rank 1: vector search, pure, no I/O: distances, the best k of many, and exact search over a
//! flat slice. Numbers are pgvector's: sums in 32 bits, results in 64.

mod distance;
mod flat;
mod top_k;

pub use distance::{Metric, cosine, distance, inner_product, l1, l2, l2_squared, norm};
pub use flat::{Selection, search_flat};
pub use top_k::{Neighbour, TopK};

#[cfg(test)]
mod tests;

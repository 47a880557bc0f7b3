//! Inverted lists: vectors are kept by the centroid they are nearest to, and a search looks into
//! the lists of the centroids nearest to the query. Centroids (and the codebooks of codes) are
//! trained once for a table, on a sample, and shared by all parts: the [`Model`].
//!
//! `ivfflat` compares the vectors of a list themselves. `redkite` compares codes of two bits for
//! each dimension, sixteen rows at a time, and only the best candidates' vectors. L1 has no such
//! codes: there a list's vectors are compared.
//!
//! A part of codes can be searched where it is far away: [`RemoteLists`].

mod bits;
mod build;
mod lists;
mod model;
mod remote;
mod search;
mod spread;
mod table;
mod terms;

pub(super) use bits::{BitLists, BitSearch, build_bits};
pub(super) use build::build;
pub(super) use lists::Lists;
pub use model::Model;
pub use remote::{RemoteList, RemoteLists};
pub(super) use search::{CodeSearch, Search};

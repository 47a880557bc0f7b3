//! HNSW: a graph over the vectors of a segment, in layers. The C++ beside FAISS builds it, over the
//! vectors where they lie; what is stored is the graph, in a layout that is searched as it lies, mapped
//! from a file, and behind it the vectors of its nodes where these are no numbers (docs/format.md, "HNSW
//! parts").
//!
//! Equal vectors share one node, so that many of them don't fill each other's neighbour lists
//! and fall off the graph. A search that has met all it can reach and wants more begins again at a
//! node it has not met: it never finds fewer rows than there are.

mod build;
mod graph;
mod groups;
mod nodes;
mod search;
mod visited;

pub(super) use build::{build, build_coded};
pub(super) use graph::Graph;
pub(super) use nodes::OverNumbers;
pub(super) use search::Search;

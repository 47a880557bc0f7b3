//! Exact vector search: the `k` rows of a table that are nearest to a query.

mod exec;
mod node;
mod search;

pub use exec::VectorSearchExec;
pub use node::{VectorSearch, VectorSearchPlanner};

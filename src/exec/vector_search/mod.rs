//! Vector search: the `k` rows of a table that are nearest to a query, or all within a distance.

mod batch;
mod exact;
mod exec;
mod filter;
mod indexed;
mod node;
mod remote;
mod row;
mod search;
mod target;
#[cfg(test)]
mod tests;
mod within;
mod work;

pub use batch::{BatchVectorSearch, BatchVectorSearchExec};
pub use exec::VectorSearchExec;
pub use node::{VectorSearch, VectorSearchPlanner};
pub use search::{Searched, nearest_distances, queries_of_rows};
pub use within::distance_column;

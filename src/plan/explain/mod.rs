//! EXPLAIN: a physical plan as PostgreSQL's tools expect to read one.
//!
//! [`Node::of_plan`] turns operators into nodes with PostgreSQL's names; those that PostgreSQL
//! has no node for are left out (projections, the exchange between partitions) or become a line
//! of another node (filters). Costs and rows are estimated for the reader only (`cost`): nothing
//! is planned by them. After EXPLAIN ANALYZE the operators carry what they did
//! ([`ObservedExec`](crate::exec::ObservedExec)). [`Report`] writes text and JSON.

mod cost;
mod expression;
mod join;
mod json;
mod node;
mod operator;
mod report;

#[cfg(test)]
mod tests;

pub use node::Node;
pub use report::{ObjectReads, Report};

//! A plan that runs again for each row of another: subqueries and LATERAL that no join stands for.

mod exec;
mod node;

pub use exec::ApplyExec;
pub use node::{Apply, ApplyPlanner, ApplySlots, Gives};

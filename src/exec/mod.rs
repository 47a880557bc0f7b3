//! Rank 4: physical operators.

pub mod functions;

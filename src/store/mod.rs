//! Rank 1: the two stores that everything else stands on, metadata and objects.

pub mod meta;
pub mod object;

//! Rank 7: one connection.

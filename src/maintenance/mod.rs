//! Rank 7: merge and garbage collection.

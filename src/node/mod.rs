//! Rank 9: the composition root.

//! Rank 3: who is alive.

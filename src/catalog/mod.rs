//! Rank 5: what exists at a revision.

//! Rank 6: snapshot, write set, flush, commit, publish.

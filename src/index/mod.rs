//! Rank 1: vector indexes, pure, no I/O. Exact search for now.

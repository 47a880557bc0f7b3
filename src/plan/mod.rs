//! Rank 6: SQL text to statement to plan; no I/O.

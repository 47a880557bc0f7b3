//! Rank 8: the PostgreSQL wire protocol.

//! Rank 2: immutable data: format, write, read, deletes, statistics, merge.

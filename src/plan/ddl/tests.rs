//! DDL from text, applied to snapshots.

//! Rank 5: COPY's formats. Rows to bytes by an [`Encoder`] and bytes to rows by a [`Decoder`], for
//! the wire and for files alike, in pieces and in bounded memory; whole files by [`read_parquet`] and a
//! [`ParquetTarget`].
//!
//! May use the store, types, and the casts of `exec`. Knows of no table and no transaction: rows
//! have names and types, and the session does the rest.

mod batch;
mod binary;
mod decoder;
mod encoder;
mod fields;
mod lines;
mod names;
mod options;
mod parquet;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use options::{CopyFormat, CopyHeader, CopyOptions, ForceColumns, ParquetCompression};
pub use parquet::{ParquetTarget, ReadRows, read_parquet};

#[cfg(test)]
mod tests;

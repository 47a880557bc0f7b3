//! Parquet files of others: read row group by row group on several threads, and written so that pyarrow,
//! DuckDB and pandas read them as they are.

mod blocks;
mod external;
mod incoming;
mod read;
mod write;

pub use read::{ReadRows, read_parquet};
pub use write::ParquetTarget;

use crate::base::{SqlError, SqlState};

/// 22P04: the file is not what its format promises.
fn bad_file(name: &str, why: impl std::fmt::Display) -> SqlError {
    let message = format!("could not read \"{name}\" as Parquet: {why}");
    SqlError::new(SqlState::BAD_COPY_FILE_FORMAT, message)
}

#[cfg(test)]
mod tests;

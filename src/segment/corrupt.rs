//! How bytes that don't fit are reported: an error that names the object.

use crate::base::SqlError;
use crate::store::object::Error;

/// The object's bytes are not what was written.
pub(super) fn corrupt(path: &str, what: impl std::fmt::Display) -> SqlError {
    Error::corrupt(path, what.to_string()).into()
}

/// An Arrow or Parquet operation on our own data failed: an invariant of ours is broken.
pub(super) fn broken(what: &str, error: impl std::fmt::Display) -> SqlError {
    SqlError::internal(format!("{what}: {error}"))
}

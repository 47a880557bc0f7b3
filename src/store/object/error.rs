//! What can go wrong with an object, by what the caller must do about it.

use crate::base::{SqlError, SqlState};

/// A result of this layer.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation on an object failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The object is not there. Metadata never lists such an object: data was lost.
    #[error("object \"{path}\" is missing")]
    Missing {
        /// The object's name.
        path: String,
    },
    /// The bytes are not those that were written.
    #[error("object \"{path}\" is corrupt: {what}")]
    Corrupt {
        /// The object's name.
        path: String,
        /// What does not fit.
        what: String,
    },
    /// There is an object of this name already; nothing was changed.
    #[error("object \"{path}\" exists already")]
    Exists {
        /// The object's name.
        path: String,
    },
    /// The store did not answer in time, or refused, after all retries.
    #[error("object storage cannot {what} \"{path}\": {cause}")]
    Unavailable {
        /// What was tried.
        what: &'static str,
        /// The object's name.
        path: String,
        /// What the store said.
        cause: String,
    },
    /// The disk is full.
    #[error("no space left to write object \"{path}\"")]
    Full {
        /// The object's name.
        path: String,
    },
    /// The location or its credentials make no sense.
    #[error("{0}")]
    Location(String),
}

impl Error {
    /// An error that tells what is wrong with this object's bytes.
    pub fn corrupt(path: &str, what: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_owned(), what: what.into() }
    }

    /// The error that an I/O operation on a local file means.
    pub(super) fn of_io(what: &'static str, path: &str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let path = path.to_owned();
        match error.kind() {
            ErrorKind::NotFound => Self::Missing { path },
            ErrorKind::AlreadyExists => Self::Exists { path },
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Unavailable { what, path, cause: error.to_string() },
        }
    }

    /// The error that a store's answer means.
    pub(super) fn of_store(what: &'static str, path: &str, error: &object_store::Error) -> Self {
        let cause = one_line(error);
        let path = path.to_owned();
        match error {
            object_store::Error::NotFound { .. } => Self::Missing { path },
            object_store::Error::AlreadyExists { .. }
            | object_store::Error::Precondition { .. } => Self::Exists { path },
            _ if cause.contains("os error 28") => Self::Full { path },
            _ => Self::Unavailable { what, path, cause },
        }
    }

    /// Whether trying again may help.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// The innermost causes say most; the whole chain in one line.
fn one_line(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string().replace('\n', " ");
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

impl From<Error> for SqlError {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Missing { .. } | Error::Corrupt { .. } => {
                Self::new(SqlState::DATA_CORRUPTED, message)
            }
            Error::Exists { .. } => Self::internal(message),
            Error::Unavailable { .. } => Self::new(SqlState::CANNOT_CONNECT_NOW, message),
            Error::Full { .. } => Self::new(SqlState::DISK_FULL, message),
            Error::Location(_) => Self::new(SqlState::INVALID_PARAMETER_VALUE, message),
        }
    }
}

//! What can go wrong with a file outside of the database, in PostgreSQL's words.

use std::io;

use crate::base::limits::COPY_FILES_MAX;
use crate::base::{SqlError, SqlState};
use crate::store::object::Error;

/// A result of reading or writing outside.
pub(super) type Result<T> = std::result::Result<T, OutsideError>;

/// Why something outside of the database can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum OutsideError {
    /// The name is none.
    #[error("invalid file name \"{name}\": {why}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A relative path of a file to write.
    #[error("relative path not allowed for COPY to file")]
    Relative {
        /// The path.
        name: String,
    },
    /// More files than one COPY reads.
    #[error("\"{name}\" stands for more than {COPY_FILES_MAX} files")]
    TooMany {
        /// The pattern.
        name: String,
    },
    /// A folder where a file was meant.
    #[error("\"{name}\" is a directory")]
    Directory {
        /// The name.
        name: String,
    },
    /// A pipe or device where a file was meant.
    #[error("\"{name}\" is not a regular file")]
    NotRegular {
        /// The name.
        name: String,
    },
    /// One of the database's own files.
    #[error("could not write \"{name}\": it is among the database's own files")]
    Own {
        /// The name.
        name: String,
    },
    /// It can't be opened.
    #[error("could not open file \"{name}\" for {}: {}", purpose(*.reading), cause(.error))]
    Open {
        /// The name.
        name: String,
        /// For reading rather than for writing.
        reading: bool,
        /// Why.
        error: io::Error,
    },
    /// It can't be read on, or written to.
    #[error("could not {what} file \"{name}\": {}", cause(.error))]
    Access {
        /// `read` or `write to`.
        what: &'static str,
        /// The name.
        name: String,
        /// Why.
        error: io::Error,
    },
    /// The object store says no.
    #[error(transparent)]
    Store(Error),
    /// It became shorter, or another one, while it was read.
    #[error("file \"{name}\" was changed while it was read")]
    Changed {
        /// The name.
        name: String,
    },
}

fn purpose(reading: bool) -> &'static str {
    if reading { "reading" } else { "writing" }
}

/// The operating system's words without the number that Rust puts behind them.
fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

impl OutsideError {
    pub(super) fn open(name: &str, reading: bool, error: io::Error) -> Self {
        Self::Open { name: name.to_owned(), reading, error }
    }

    pub(super) fn access(what: &'static str, name: &str, error: io::Error) -> Self {
        Self::Access { what, name: name.to_owned(), error }
    }

    /// There is no such file.
    pub(super) fn missing(name: &str) -> Self {
        Self::open(name, true, io::Error::from_raw_os_error(2))
    }

    /// What a bucket's server says of an object that is opened.
    pub(super) fn of_store(name: &str, reading: bool, error: &object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } if reading => Self::missing(name),
            object_store::Error::Precondition { .. } => Self::Changed { name: name.to_owned() },
            other => {
                Self::Store(Error::of_store(if reading { "read" } else { "write" }, name, other))
            }
        }
    }

    /// What a bucket's server says of an object that is written.
    pub(super) fn of_write(name: &str, error: Error) -> Self {
        match error {
            Error::Missing { .. } => {
                Self::access("write to", name, io::Error::other("no such bucket"))
            }
            other => Self::Store(other),
        }
    }

    /// Whether the client may have meant a file of its own.
    fn is_of_a_file(&self) -> Option<bool> {
        match self {
            Self::Open { name, reading, error } if !name.starts_with("s3://") => {
                let kind = error.kind();
                let client = [io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied];
                client.contains(&kind).then_some(*reading)
            }
            _ => None,
        }
    }

    fn state(&self) -> SqlState {
        match self {
            Self::Name { .. } | Self::Relative { .. } => SqlState::INVALID_NAME,
            Self::TooMany { .. } => SqlState::PROGRAM_LIMIT_EXCEEDED,
            Self::Directory { .. } | Self::NotRegular { .. } => SqlState::WRONG_OBJECT_TYPE,
            Self::Own { .. } => SqlState::INSUFFICIENT_PRIVILEGE,
            Self::Changed { .. } => SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            Self::Store(_) => SqlState::IO_ERROR,
            Self::Open { error, .. } | Self::Access { error, .. } => match error.kind() {
                io::ErrorKind::NotFound => SqlState::UNDEFINED_FILE,
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    SqlState::INSUFFICIENT_PRIVILEGE
                }
                io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => {
                    SqlState::WRONG_OBJECT_TYPE
                }
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SqlState::DISK_FULL,
                _ => SqlState::IO_ERROR,
            },
        }
    }
}

impl From<OutsideError> for SqlError {
    fn from(error: OutsideError) -> Self {
        let of_a_file = error.is_of_a_file();
        let told = Self::new(error.state(), error.to_string());
        let (direction, verb) = match of_a_file {
            None => return told,
            Some(true) => ("FROM", "read"),
            Some(false) => ("TO", "write"),
        };
        told.with_hint(format!(
            "COPY {direction} instructs the PostgreSQL server process to {verb} a file. You may \
             want a client-side facility such as psql's \\copy."
        ))
    }
}

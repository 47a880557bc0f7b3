//! What can go wrong with metadata, sorted by what the caller must do.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::{Revision, SqlError, SqlState};

use super::{KeyRange, Limits};

/// A result of the metadata store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the metadata store did not do what it was asked to.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Not reached, or refused before anything happened: **proven not applied**. Try again later.
    #[error("the metadata store is not available: {0}")]
    Unavailable(Cause),
    /// The write may have been applied, or may yet be: the caller must find out before it tells
    /// anyone anything.
    #[error("the outcome of a metadata write is not known: {0}")]
    Unknown(Cause),
    /// The history at this revision is gone: read all again.
    #[error("the metadata of revision {at} has been compacted")]
    Compacted {
        /// The revision that was asked for.
        at: Revision,
    },
    /// The store has not reached this revision.
    #[error("the metadata has not reached revision {at}")]
    Future {
        /// The revision that was asked for.
        at: Revision,
    },
    /// The lease has expired or was revoked: whoever held it must stop.
    #[error("the lease is gone")]
    LeaseGone,
    /// The transaction is beyond what the store takes; nothing was applied. Split it.
    #[error(
        "a metadata transaction of {operations} operations and {bytes} bytes is too large \
         (limits: {} and {})", limits.operations_max, limits.bytes_max
    )]
    TooLarge {
        /// The transaction's comparisons or operations, whichever are more.
        operations: usize,
        /// Bytes of its keys and values.
        bytes: usize,
        /// What the store takes.
        limits: Limits,
    },
    /// Two operations of one transaction name the same key: a mistake of the caller.
    #[error("two operations of a metadata transaction overlap at {0}")]
    Overlap(KeyRange),
    /// Another process has the embedded store.
    #[error("the metadata store {} is in use by another process", path.display())]
    Locked {
        /// The lock's file.
        path: PathBuf,
    },
    /// What is stored can't be right.
    #[error("the metadata is damaged: {0}")]
    Corrupt(Cause),
    /// The settings name no store that could work.
    #[error("the metadata store can't be used as configured: {0}")]
    Configuration(Cause),
}

/// The error underneath, shared so that all who wait for one answer can have it.
#[derive(Clone)]
pub struct Cause(Arc<dyn std::error::Error + Send + Sync>);

impl Cause {
    /// An error of a library, or a message of ours.
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(Arc::from(error.into()))
    }
}

impl fmt::Display for Cause {
    /// The error and what caused it, each once: libraries differ in whether they repeat it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        let mut source = self.0.source();
        while let Some(error) = source {
            let cause = error.to_string();
            if !text.contains(&cause) {
                text.push_str(": ");
                text.push_str(&cause);
            }
            source = error.source();
        }
        f.write_str(&text)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Error {
    /// Proven not applied.
    pub fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(Cause::new(cause))
    }

    /// May or may not have been applied.
    pub fn unknown(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unknown(Cause::new(cause))
    }

    /// What is stored can't be right.
    pub fn corrupt(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Corrupt(Cause::new(cause))
    }

    /// The settings can't work.
    pub fn configuration(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Configuration(Cause::new(cause))
    }

    fn code(&self) -> SqlState {
        match self {
            Self::Unavailable(_) | Self::LeaseGone => SqlState::CANNOT_CONNECT_NOW,
            Self::Unknown(_) => SqlState::TRANSACTION_RESOLUTION_UNKNOWN,
            Self::Compacted { .. } => SqlState::SERIALIZATION_FAILURE,
            Self::TooLarge { .. } => SqlState::PROGRAM_LIMIT_EXCEEDED,
            Self::Locked { .. } | Self::Configuration(_) => {
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE
            }
            Self::Corrupt(_) => SqlState::DATA_CORRUPTED,
            Self::Future { .. } | Self::Overlap(_) => SqlState::INTERNAL_ERROR,
        }
    }
}

impl From<Error> for SqlError {
    fn from(error: Error) -> Self {
        let code = error.code();
        match &error {
            Error::Unavailable(cause) => {
                Self::new(code, "the metadata store is not available").with_detail(sentence(cause))
            }
            Error::Unknown(cause) => {
                Self::new(code, "the outcome of a metadata write is not known")
                    .with_detail(sentence(cause))
            }
            Error::Compacted { .. } => Self::new(code, "snapshot too old")
                .with_detail(sentence(&error))
                .with_hint("Retry the transaction."),
            Error::LeaseGone => Self::new(code, "this node has lost its lease")
                .with_detail("It must not serve until it has joined its cluster again."),
            Error::Corrupt(cause) => {
                Self::new(code, "the metadata is damaged").with_detail(sentence(cause))
            }
            Error::Future { .. }
            | Error::TooLarge { .. }
            | Error::Overlap(_)
            | Error::Locked { .. }
            | Error::Configuration(_) => Self::new(code, error.to_string()),
        }
    }
}

/// PostgreSQL's details begin with a capital and end with a full stop.
fn sentence(text: &impl fmt::Display) -> String {
    let text = text.to_string();
    let mut letters = text.chars();
    let mut sentence: String = letters.next().iter().flat_map(|c| c.to_uppercase()).collect();
    sentence.push_str(letters.as_str());
    if !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}

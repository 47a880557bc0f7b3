//! What a statement comes to, in the words that the protocol needs.

use std::sync::Arc;

use datafusion::execution::SendableRecordBatchStream;

use crate::copy::CopyOptions;
use crate::plan::OutputColumn;

use super::copy::CopyIn;
use super::copy_progress::CopyProgress;

/// A statement's place in its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is a transaction of its own: it is committed, and run again after a lost race, before
    /// its outcome is known.
    Autocommit,
    /// It is a part of what the next sync commits, outside a block.
    Implicit,
}

/// What ReadyForQuery tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Outside a transaction block.
    Idle,
    /// Inside one.
    Block,
    /// Inside one that has failed.
    Failed,
}

/// What a statement comes to.
pub enum Outcome {
    /// There was nothing to run.
    Empty,
    /// Done.
    Command {
        /// CommandComplete's tag.
        tag: String,
    },
    /// Rows to send.
    Rows {
        /// Their columns.
        columns: Arc<[OutputColumn]>,
        /// The rows.
        stream: SendableRecordBatchStream,
        /// The tag before the number of rows.
        tag: &'static str,
    },
    /// The client's data are wanted.
    CopyIn(CopyIn),
    /// Rows to send as a COPY stream.
    CopyOut {
        /// Their columns.
        columns: Arc<[OutputColumn]>,
        /// How to write them.
        options: CopyOptions,
        /// The rows.
        stream: SendableRecordBatchStream,
        /// Is told how far they are.
        progress: Arc<CopyProgress>,
    },
}

impl Outcome {
    /// A command without rows.
    pub(super) fn command(tag: impl Into<String>) -> Self {
        Self::Command { tag: tag.into() }
    }
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Command { tag } => write!(f, "Command({tag})"),
            Self::Rows { tag, .. } => write!(f, "Rows({tag})"),
            Self::CopyIn(_) => f.write_str("CopyIn"),
            Self::CopyOut { .. } => f.write_str("CopyOut"),
        }
    }
}

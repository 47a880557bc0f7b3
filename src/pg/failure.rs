//! Why a step of the conversation did not go through.

use std::io;

use datafusion::common::DataFusionError;

use crate::base::{Severity, SqlError, SqlState};

/// What stands between a step and its end.
#[derive(Debug)]
pub(super) enum Failure {
    /// Something to tell the client. It ends the connection when its severity says so.
    Sql(SqlError),
    /// The client is gone: nobody is left to tell.
    Gone,
}

/// A step's result.
pub(super) type Step<T = ()> = Result<T, Failure>;

impl Failure {
    /// Whether the connection ends here.
    pub(super) fn ends_connection(&self) -> bool {
        match self {
            Self::Gone => true,
            Self::Sql(error) => {
                matches!(error.fields().severity, Severity::Fatal | Severity::Panic)
            }
        }
    }
}

/// What a client is told when a stream of rows fails: our own error as it went in.
pub(super) fn sql_error(error: DataFusionError) -> SqlError {
    match error.find_root() {
        DataFusionError::External(inner) => match inner.downcast_ref::<SqlError>() {
            Some(ours) => ours.clone(),
            None => SqlError::internal(inner.to_string()),
        },
        DataFusionError::ResourcesExhausted(message) => {
            SqlError::new(SqlState::OUT_OF_MEMORY, "out of memory").with_detail(message.clone())
        }
        other => SqlError::internal(other.strip_backtrace()),
    }
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl From<io::Error> for Failure {
    fn from(_: io::Error) -> Self {
        // Whatever broke the socket, there is nobody to tell it to.
        Self::Gone
    }
}

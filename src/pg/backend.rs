//! What the protocol needs of the layer below: a narrow seam, so that tests can put a double
//! behind it that fails, stalls and panics on demand.

mod session;

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::ArrayRef;
use bytes::BytesMut;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::scalar::ScalarValue;
use tokio_util::sync::CancellationToken;

use crate::base::{Oid, Result, SqlError};
pub(super) use crate::catalog::Notification;
use crate::copy::CopyOptions;
pub use crate::plan::OutputColumn;
use crate::session::CopyProgress;
pub use crate::session::{Authentication, Mode, Origin, Startup, Status};
use crate::types::{PgType, TextContext};

/// What a statement comes to; `C` is a COPY FROM that waits for data.
pub enum Outcome<C> {
    /// There was nothing to run.
    Empty,
    /// Done.
    Command {
        /// The whole tag.
        tag: String,
    },
    /// Rows to send.
    Rows {
        /// What they are made of.
        columns: Arc<[OutputColumn]>,
        /// The rows.
        stream: SendableRecordBatchStream,
        /// The tag without its count: `SELECT`, `INSERT 0`.
        tag: &'static str,
    },
    /// Data are wanted.
    CopyIn(C),
    /// Rows to send as a COPY stream.
    CopyOut {
        /// What they are made of.
        columns: Arc<[OutputColumn]>,
        /// The format and its options.
        options: CopyOptions,
        /// The rows.
        stream: SendableRecordBatchStream,
        /// Is told how far they are.
        progress: Arc<CopyProgress>,
    },
}

/// All connections' common ground.
pub trait Server: Send + Sync + 'static {
    /// One connection's state.
    type Session: Session;

    /// How this role proves itself.
    fn authentication(
        &self,
        user: &str,
        database: &str,
        origin: &Origin<'_>,
    ) -> Result<Authentication>;

    /// Lets in who has proved itself.
    fn connect(
        self: &Arc<Self>,
        startup: Startup,
    ) -> impl Future<Output = Result<Self::Session>> + Send;

    /// Stops what the connection with this key runs.
    fn cancel(self: &Arc<Self>, pid: i32, secret: &[u8]);
    /// Stops what all connections of this node run.
    fn stop_all(&self);
}

/// One connection. Dropped: everything that is not committed is discarded.
pub trait Session: Send {
    /// A statement's text, parsed.
    type Parsed: Send;
    /// A statement, planned.
    type Prepared: Send + Sync;
    /// A COPY FROM that waits for data.
    type CopyIn: Send;
    /// A statement whose executions may go together.
    type Together: Send + Sync;

    /// The process id and the secret (32 bytes, or 4 before protocol 3.2) that cancel requests
    /// name.
    fn backend_key(&self) -> (i32, Vec<u8>);
    /// The settings that a client is told when it starts.
    fn initial_parameters(&self) -> Vec<(String, String)>;
    /// Whether a transaction block is open.
    fn status(&self) -> Status;
    /// What was to be said since the last call.
    fn take_notices(&mut self) -> Vec<SqlError>;
    /// The settings that clients are told of and that have changed since the last call.
    fn take_parameter_changes(&mut self) -> Vec<(String, String)>;
    /// The settings that values' texts depend on.
    fn text_context(&self) -> TextContext;
    /// How long the client may be silent now.
    fn idle_timeout(&self, status: Status) -> Option<Duration>;

    /// Splits a query string into statements.
    fn parse(&self, sql: &str) -> Result<Vec<Self::Parsed>>;
    /// Plans a statement; parameter types that are zero are inferred.
    fn prepare(
        &mut self,
        parsed: Self::Parsed,
        parameters: &[Oid],
    ) -> impl Future<Output = Result<Arc<Self::Prepared>>> + Send;
    /// The types of its parameters.
    fn parameters(prepared: &Self::Prepared) -> &[PgType];

    /// The same types as they are now: an enum may have other labels than when the statement was
    /// prepared.
    fn parameters_now<'p>(&self, prepared: &'p Self::Prepared) -> Cow<'p, [PgType]> {
        Cow::Borrowed(Self::parameters(prepared))
    }
    /// What it returns; `None`: no rows.
    fn columns(prepared: &Self::Prepared) -> Option<&Arc<[OutputColumn]>>;
    /// The statement prepared under this name, by whichever protocol.
    fn statement(&self, name: &str) -> Option<Arc<Self::Prepared>>;
    /// Fails with 42P05 when the name is taken.
    fn put_statement(&mut self, name: &str, prepared: Arc<Self::Prepared>) -> Result<()>;
    /// Forgets the statement of this name, if there is one.
    fn remove_statement(&mut self, name: &str);

    /// The columns of the cursor that DECLARE made under this name.
    fn cursor_columns(&self, name: &str) -> Option<Arc<[OutputColumn]>>;
    /// Closes that cursor, if there is one.
    fn close_cursor(&mut self, name: &str);

    /// Runs a statement. Inside a block the mode does not matter.
    fn execute(
        &mut self,
        prepared: &Arc<Self::Prepared>,
        parameters: Vec<ScalarValue>,
        mode: Mode,
    ) -> impl Future<Output = Result<Outcome<Self::CopyIn>>> + Send;
    /// The same statement as one whose executions may go together; none where they can't.
    fn together(&self, prepared: &Arc<Self::Prepared>) -> Option<Self::Together>;
    /// The types in which the parameters of those executions are read, modifiers included.
    fn together_types(together: &Self::Together) -> &[PgType];
    /// Runs so many executions in [`Mode::Implicit`] or inside a block, a column of values for
    /// each parameter. False: nothing has changed, they must run one by one. An error is the first
    /// execution's.
    fn execute_together(
        &mut self,
        together: &Self::Together,
        columns: Vec<ArrayRef>,
        executions: usize,
    ) -> impl Future<Output = Result<bool>> + Send;
    /// What ended with a transaction is given back, before the client is told that it's its turn.
    fn settle(&mut self) -> impl Future<Output = ()> + Send;
    /// What other sessions have said to this one since the last call.
    fn take_notifications(&mut self) -> Vec<Notification>;
    /// Waits until there is such a thing.
    fn notified(&self) -> impl Future<Output = ()> + Send + 'static;
    /// The connection is about to end: what it has is given back before the client sees the end.
    fn end(&mut self) -> impl Future<Output = ()> + Send;
    /// Commits what has run in [`Mode::Implicit`].
    fn sync(&mut self) -> impl Future<Output = Result<()>> + Send;
    /// A stream or the protocol has failed: what is open is aborted.
    fn statement_failed(&mut self);
    /// The rest of an earlier statement's rows is about to be read.
    fn resume_statement(&mut self);
    /// A statement's outcome has been sent, or as much of it as was asked for.
    fn end_statement(&mut self);
    /// What ends this connection from outside.
    fn ends_by(&mut self, end: CancellationToken);
    /// Waits until the running statement is to stop: the error to stop it with.
    fn interrupted(&self) -> impl Future<Output = SqlError> + Send + 'static;

    /// Whether the data are binary, and how many columns a row has.
    fn copy_shape(copy: &Self::CopyIn) -> (bool, usize);
    /// Takes the body of one CopyData.
    fn copy_data(
        &mut self,
        copy: &mut Self::CopyIn,
        data: BytesMut,
    ) -> impl Future<Output = Result<()>> + Send;
    /// There are no more data: the command's whole tag.
    fn copy_done(
        &mut self,
        copy: Self::CopyIn,
        mode: Mode,
    ) -> impl Future<Output = Result<String>> + Send;
}

//! The real layer below, fitted to the seam.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::ArrayRef;
use bytes::BytesMut;
use datafusion::scalar::ScalarValue;
use tokio_util::sync::CancellationToken;

use crate::base::{Oid, Result, SqlError};
use crate::plan::{OutputColumn, Parsed};
use crate::session;
use crate::types::{PgType, TextContext};

use super::{Authentication, Mode, Notification, Origin, Outcome, Startup, Status};

impl super::Server for session::Server {
    type Session = session::Session;

    fn authentication(
        &self,
        user: &str,
        database: &str,
        origin: &Origin<'_>,
    ) -> Result<Authentication> {
        Self::authentication(self, user, database, origin)
    }

    async fn connect(self: &Arc<Self>, startup: Startup) -> Result<session::Session> {
        Self::connect(self, startup).await
    }

    fn cancel(self: &Arc<Self>, pid: i32, secret: &[u8]) {
        Self::cancel(self, pid, secret);
    }

    fn stop_all(&self) {
        Self::stop_all(self);
    }
}

impl super::Session for session::Session {
    type Parsed = Parsed;
    type Prepared = session::Prepared;
    type CopyIn = session::CopyIn;
    type Together = session::Together;

    fn backend_key(&self) -> (i32, Vec<u8>) {
        let (pid, secret) = Self::backend_key(self);
        (pid, secret.to_vec())
    }

    fn ends_by(&mut self, end: CancellationToken) {
        Self::ends_by(self, end);
    }

    fn initial_parameters(&self) -> Vec<(String, String)> {
        Self::initial_parameters(self)
    }

    fn status(&self) -> Status {
        Self::status(self)
    }

    fn take_notices(&mut self) -> Vec<SqlError> {
        Self::take_notices(self)
    }

    fn take_parameter_changes(&mut self) -> Vec<(String, String)> {
        Self::take_parameter_changes(self)
    }

    fn text_context(&self) -> TextContext {
        Self::text_context(self)
    }

    fn idle_timeout(&self, status: Status) -> Option<Duration> {
        Self::idle_timeout(self, status)
    }

    fn parse(&self, sql: &str) -> Result<Vec<Parsed>> {
        Self::parse(self, sql)
    }

    async fn prepare(
        &mut self,
        parsed: Parsed,
        parameters: &[Oid],
    ) -> Result<Arc<session::Prepared>> {
        Self::prepare(self, parsed, parameters).await
    }

    fn parameters(prepared: &session::Prepared) -> &[PgType] {
        prepared.parameters()
    }

    fn parameters_now<'p>(&self, prepared: &'p session::Prepared) -> Cow<'p, [PgType]> {
        Self::parameters_now(self, prepared)
    }

    fn columns(prepared: &session::Prepared) -> Option<&Arc<[OutputColumn]>> {
        prepared.columns()
    }

    fn statement(&self, name: &str) -> Option<Arc<session::Prepared>> {
        Self::statement(self, name)
    }

    fn put_statement(&mut self, name: &str, prepared: Arc<session::Prepared>) -> Result<()> {
        Self::put_statement(self, name, prepared)
    }

    fn remove_statement(&mut self, name: &str) {
        Self::remove_statement(self, name);
    }

    fn cursor_columns(&self, name: &str) -> Option<Arc<[OutputColumn]>> {
        Self::cursor_columns(self, name)
    }

    fn close_cursor(&mut self, name: &str) {
        Self::close_cursor(self, name);
    }

    async fn execute(
        &mut self,
        prepared: &Arc<session::Prepared>,
        parameters: Vec<ScalarValue>,
        mode: Mode,
    ) -> Result<Outcome<session::CopyIn>> {
        Ok(match Self::execute(self, prepared, parameters, mode).await? {
            session::Outcome::Empty => Outcome::Empty,
            session::Outcome::Command { tag } => Outcome::Command { tag },
            session::Outcome::Rows { columns, stream, tag } => {
                Outcome::Rows { columns, stream, tag }
            }
            session::Outcome::CopyIn(copy) => Outcome::CopyIn(copy),
            session::Outcome::CopyOut { columns, options, stream, progress } => {
                Outcome::CopyOut { columns, options, stream, progress }
            }
        })
    }

    fn together(&self, prepared: &Arc<session::Prepared>) -> Option<session::Together> {
        Self::together(self, prepared)
    }

    fn together_types(together: &session::Together) -> &[PgType] {
        together.types()
    }

    async fn execute_together(
        &mut self,
        together: &session::Together,
        columns: Vec<ArrayRef>,
        executions: usize,
    ) -> Result<bool> {
        Self::execute_together(self, together, &columns, executions).await
    }

    async fn settle(&mut self) {
        Self::settle(self).await;
    }

    fn take_notifications(&mut self) -> Vec<Notification> {
        Self::take_notifications(self)
    }

    fn notified(&self) -> impl Future<Output = ()> + Send + 'static {
        Self::notified(self)
    }

    async fn end(&mut self) {
        Self::end(self).await;
    }

    async fn sync(&mut self) -> Result<()> {
        Self::sync(self).await
    }

    fn statement_failed(&mut self) {
        Self::statement_failed(self);
    }

    fn resume_statement(&mut self) {
        Self::resume_statement(self);
    }

    fn end_statement(&mut self) {
        Self::end_statement(self);
    }

    fn interrupted(&self) -> impl Future<Output = SqlError> + Send + 'static {
        let interrupt = self.interrupt();
        async move { interrupt.raised().await }
    }

    fn copy_shape(copy: &session::CopyIn) -> (bool, usize) {
        copy.shape()
    }

    async fn copy_data(&mut self, copy: &mut session::CopyIn, data: BytesMut) -> Result<()> {
        Self::copy_data(self, copy, data).await
    }

    async fn copy_done(&mut self, copy: session::CopyIn, mode: Mode) -> Result<String> {
        Self::copy_done(self, copy, mode).await
    }
}

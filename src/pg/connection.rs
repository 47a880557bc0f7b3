//! One client's conversation after it is let in: read a message, do it, answer.
//!
//! Three rules keep it sound. Output is flushed before every wait for the client, so neither
//! side ever waits for the other. A statement runs as its own transaction only when nothing
//! else can join it: a lone statement of a simple query, or an Execute whose next message is
//! Sync. And an error of the extended protocol skips everything up to the next Sync.

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use datafusion::scalar::ScalarValue;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::backend::{Mode, Outcome, Server, Session, Status};
use super::copy_out;
use super::failure::{Failure, Step};
use super::message::backend;
use super::message::frontend::{self, Message};
use super::portal::{Portals, ResultFormats, Statement};
use super::rows::{Rows, Sent};
use super::wire::{Frame, Wire};
use crate::base::{SqlError, SqlState};
use crate::copy::Encoder;

/// A client that is in.
pub(super) struct Connection<S, B: Server> {
    pub(super) wire: Wire<S>,
    pub(super) server: Arc<B>,
    pub(super) session: B::Session,
    pub(super) portals: Portals<<B::Session as Session>::Prepared>,
    pub(super) unnamed: Option<Statement<<B::Session as Session>::Prepared>>,
    /// Named statements without a command in them, which the session can't hold.
    pub(super) empty: Vec<String>,
    /// After an error, messages are skipped until Sync.
    pub(super) skipping: bool,
    /// Statements have run since the last Sync that it will commit.
    pub(super) implicit: bool,
    /// The client has been told that it's its turn.
    pub(super) ready: bool,
    /// So many executions were looked at together and have to run one by one.
    pub(super) one_by_one: usize,
    key: (i32, Vec<u8>),
    shutdown: CancellationToken,
}

/// Whether the conversation goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Message,
    End,
}

impl<S, B> Connection<S, B>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    B: Server,
{
    /// A connection whose client has not been told yet that it may begin.
    pub(super) fn new(
        wire: Wire<S>,
        server: Arc<B>,
        mut session: B::Session,
        shutdown: CancellationToken,
    ) -> Self {
        let shutdown = shutdown.child_token();
        session.ends_by(shutdown.clone());
        let key = session.backend_key();
        Self {
            wire,
            server,
            session,
            portals: Portals::new(),
            unnamed: None,
            empty: Vec::new(),
            skipping: false,
            implicit: false,
            ready: false,
            one_by_one: 0,
            key,
            shutdown,
        }
    }

    /// Talks until one side ends it. A failure is the last word, not said yet.
    pub(super) async fn run(&mut self) -> Step {
        self.ready().await?;
        loop {
            match self.step().await {
                Ok(Next::Message) => {}
                Ok(Next::End) => return Ok(()),
                Err(failure) => self.report(failure)?,
            }
        }
    }

    /// Does what the next message says, or several where they go together.
    async fn step(&mut self) -> Step<Next> {
        self.arrival().await?;
        if !self.skipping && self.wire.peek() == Some(b'B') && self.run_together().await? {
            return Ok(Next::Message);
        }
        match self.wire.take_frame()? {
            Some(frame) => self.handle(frame).await,
            None => Ok(Next::Message),
        }
    }

    /// The next message has arrived. All output is written before the client is waited for.
    async fn arrival(&mut self) -> Step {
        if self.ready && self.shutdown.is_cancelled() {
            return Err(shutting_down());
        }
        if self.wire.is_gone() {
            // Found out while a statement ran, which was stopped: those behind it don't run.
            return Err(Failure::Gone);
        }
        if self.wire.has_arrived()? {
            return Ok(());
        }
        self.wire.flush().await?;
        let status = self.session.status();
        let limit = if self.ready { self.session.idle_timeout(status) } else { None };
        let mut idle_too_long = pin!(after(limit, idle_too_long(status)));
        let listens = self.ready && status == Status::Idle;
        loop {
            tokio::select! {
                biased;
                arrived = self.wire.arrival() => return arrived.map(|_| ()),
                () = self.shutdown.cancelled() => return Err(shutting_down()),
                failure = &mut idle_too_long => return Err(failure),
                () = self.session.notified(), if listens => {
                    self.put_notifications();
                    self.wire.flush().await?;
                }
            }
        }
    }

    /// What other sessions have said to this one.
    fn put_notifications(&mut self) {
        for said in self.session.take_notifications() {
            let out = &mut self.wire.output;
            backend::notification_response(out, said.pid, &said.channel, &said.payload);
        }
        self.wire.mark_whole();
    }

    async fn handle(&mut self, frame: Frame) -> Step<Next> {
        self.ready = false;
        if self.skipping && !matches!(frame.kind, b'S' | b'X') {
            return Ok(Next::Message);
        }
        let message = match frontend::decode(frame.kind, &frame.body) {
            Ok(message) => message,
            Err(error) => {
                self.report(error.into())?;
                self.skipping = is_extended(frame.kind);
                if !self.skipping {
                    self.ready().await?;
                }
                return Ok(Next::Message);
            }
        };
        match message {
            Message::Query { sql } => self.query(sql).await?,
            Message::Sync => self.sync().await?,
            Message::Flush => self.wire.flush().await?,
            Message::Terminate => return Ok(Next::End),
            Message::Copy => {} // late for a COPY that has failed
            Message::FunctionCall => {
                let error = SqlError::unsupported("function calls by message are not supported");
                self.report(error.into())?;
                self.ready().await?;
            }
            extended => {
                if let Err(failure) = self.extended(extended).await {
                    self.report(failure)?;
                    self.skipping = true;
                }
            }
        }
        Ok(Next::Message)
    }

    async fn extended(&mut self, message: Message<'_>) -> Step {
        match message {
            Message::Parse(parse) => self.parse(parse).await,
            Message::Bind(bind) => self.bind(bind),
            Message::Describe(target) => self.describe(target),
            Message::Execute { portal, rows_max } => self.execute(portal, rows_max).await,
            Message::Close(target) => {
                self.close(target);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Tells the client and aborts what is open; hands on what ends the connection.
    pub(super) fn report(&mut self, failure: Failure) -> Step {
        if failure.ends_connection() {
            return Err(failure);
        }
        if let Failure::Sql(error) = &failure {
            self.wire.discard_partial();
            self.fail_statement();
            self.put_notices();
            self.wire.put_error(error);
        }
        Ok(())
    }

    fn fail_statement(&mut self) {
        self.session.statement_failed();
        self.implicit = false;
        // Their transaction is aborted, and with it the rows they would have given.
        self.portals.clear();
    }

    /// ReadyForQuery, with what the client should know by then.
    pub(super) async fn ready(&mut self) -> Step {
        self.session.settle().await;
        self.put_notices();
        for (name, value) in self.session.take_parameter_changes() {
            backend::parameter_status(&mut self.wire.output, &name, &value);
        }
        if self.session.status() == Status::Idle {
            self.put_notifications();
        }
        let status = match self.session.status() {
            Status::Idle => b'I',
            Status::Block => b'T',
            Status::Failed => b'E',
        };
        backend::ready_for_query(&mut self.wire.output, status);
        self.wire.mark_whole();
        self.ready = true;
        self.wire.flush().await
    }

    pub(super) fn put_notices(&mut self) {
        for notice in self.session.take_notices() {
            self.wire.put_error(&notice);
        }
    }

    /// Drops the portals when their transaction has ended.
    pub(super) fn end_portals(&mut self) {
        if !self.implicit && self.session.status() == Status::Idle {
            self.portals.clear();
        }
    }

    /// Sync: commits what has run outside a block; an error there is told like any other.
    async fn sync(&mut self) -> Step {
        self.skipping = false;
        self.one_by_one = 0;
        self.wire.expect_bulk(false);
        if let Err(failure) = self.commit_implicit().await {
            self.report(failure)?;
        }
        self.end_portals();
        self.ready().await
    }

    pub(super) async fn commit_implicit(&mut self) -> Step {
        if !std::mem::take(&mut self.implicit) {
            return Ok(());
        }
        let stop = stopper(&self.server, &self.key);
        self.wire.attend(stop, self.session.sync()).await?;
        Ok(())
    }

    /// Does `work` with the session while watching for the client's end.
    pub(super) async fn attend<'a, T, F>(
        &'a mut self,
        work: impl FnOnce(&'a mut B::Session) -> F,
    ) -> Step<T>
    where
        F: Future<Output = crate::base::Result<T>> + 'a,
    {
        let stop = stopper(&self.server, &self.key);
        Ok(self.wire.attend(stop, work(&mut self.session)).await?)
    }

    /// Query: every statement's result is sent when it is made, an error stops the rest.
    async fn query(&mut self, sql: &str) -> Step {
        self.unnamed = None;
        self.portals.close("");
        let result = match self.statements(sql).await {
            Ok(()) => self.commit_implicit().await,
            failed => failed,
        };
        if let Err(failure) = result {
            self.report(failure)?;
        }
        self.end_portals();
        self.ready().await
    }

    async fn statements(&mut self, sql: &str) -> Step {
        let parsed = self.session.parse(sql)?;
        if parsed.is_empty() {
            backend::empty_query_response(&mut self.wire.output);
            return Ok(());
        }
        let mut left = parsed.len();
        let alone = left == 1 && !self.implicit;
        for statement in parsed {
            left -= 1;
            let prepared = self.attend(|session| session.prepare(statement, &[])).await?;
            let (outcome, mode) = self.run_statement(&prepared, Vec::new(), alone).await?;
            let tag = self.simple_outcome(outcome, mode).await?;
            if left == 0 {
                // The commit may still fail: then it is the error that the client gets.
                self.commit_implicit().await?;
            }
            self.complete(tag);
        }
        Ok(())
    }

    /// Executes a statement in its place: as a transaction of its own when it is `alone` and
    /// outside a block, or else as a part of what is open.
    pub(super) async fn run_statement(
        &mut self,
        prepared: &Arc<<B::Session as Session>::Prepared>,
        values: Vec<ScalarValue>,
        alone: bool,
    ) -> Step<(Outcome<<B::Session as Session>::CopyIn>, Mode)> {
        let outside = self.session.status() == Status::Idle;
        let mode = if alone && outside { Mode::Autocommit } else { Mode::Implicit };
        self.implicit |= outside && !alone;
        let outcome = self.attend(|session| session.execute(prepared, values, mode)).await?;
        if self.session.status() != Status::Idle {
            // BEGIN: what has run so far belongs to the block, and Sync does not end it.
            self.implicit = false;
        }
        Ok((outcome, mode))
    }

    async fn simple_outcome(
        &mut self,
        outcome: Outcome<<B::Session as Session>::CopyIn>,
        mode: Mode,
    ) -> Step<Option<String>> {
        match outcome {
            Outcome::Rows { columns, stream, tag } => {
                let context = self.session.text_context();
                let mut rows = Rows::new(columns, ResultFormats::TEXT, stream, tag, context)?;
                rows.describe(&mut self.wire.output);
                match self.send_rows(&mut rows, None).await? {
                    Sent::All(count) => Ok(Some(counted(tag, count))),
                    Sent::Limit => Ok(None),
                }
            }
            other => self.other_outcome(other, mode).await,
        }
    }

    /// What a statement without rows, or a COPY, comes to: its tag, `None` for an empty one.
    pub(super) async fn other_outcome(
        &mut self,
        outcome: Outcome<<B::Session as Session>::CopyIn>,
        mode: Mode,
    ) -> Step<Option<String>> {
        match outcome {
            Outcome::Empty => Ok(None),
            Outcome::Command { tag } => Ok(Some(tag)),
            Outcome::CopyIn(copy) => {
                self.wire.expect_bulk(true);
                let copied = self.copy_in(copy, mode).await;
                self.wire.expect_bulk(false);
                copied.map(Some)
            }
            Outcome::CopyOut { columns, options, stream, progress } => {
                let context = self.session.text_context();
                let stop = stopper(&self.server, &self.key);
                let columns = columns.iter().map(|column| (column.name.as_str(), &column.ty));
                let mut encoder = Encoder::new(columns, &options, context)?;
                let rows =
                    copy_out::send(&mut self.wire, &mut encoder, stream, &progress, stop).await?;
                Ok(Some(format!("COPY {rows}")))
            }
            Outcome::Rows { .. } => Err(SqlError::internal("rows where none were expected").into()),
        }
    }

    pub(super) async fn send_rows(&mut self, rows: &mut Rows, limit: Option<u64>) -> Step<Sent> {
        let stop = stopper(&self.server, &self.key);
        let sent = rows.send(&mut self.wire, limit, stop).await?;
        Ok(sent)
    }

    /// CommandComplete with the notices before it; EmptyQueryResponse when there was nothing.
    pub(super) fn complete(&mut self, tag: Option<String>) {
        self.session.end_statement();
        self.put_notices();
        match tag {
            Some(tag) => backend::command_complete(&mut self.wire.output, &tag),
            None => backend::empty_query_response(&mut self.wire.output),
        }
        self.wire.mark_whole();
    }

    /// The type of the message after this one: what tells whether a statement is alone.
    /// Messages that only close something are looked past.
    pub(super) async fn next_is_sync(&mut self) -> Step<bool> {
        loop {
            match self.wire.peek_past_closes()? {
                Some(kind) => return Ok(kind == b'S'),
                None => {
                    self.wire.flush().await?;
                    tokio::select! {
                        biased;
                        read = self.wire.read_more() => read?,
                        () = self.shutdown.cancelled() => return Err(shutting_down()),
                    }
                }
            }
        }
    }

    /// COPY FROM STDIN: takes rows until the client says that there are no more.
    async fn copy_in(
        &mut self,
        mut copy: <B::Session as Session>::CopyIn,
        mode: Mode,
    ) -> Step<String> {
        let (binary, columns) = B::Session::copy_shape(&copy);
        backend::copy_response(&mut self.wire.output, b'G', binary, columns);
        self.wire.flush().await?;
        let mut interrupted = pin!(self.session.interrupted());
        loop {
            let frame = tokio::select! {
                biased;
                error = &mut interrupted => return Err(error.into()),
                frame = self.wire.frame() => frame?,
                () = self.shutdown.cancelled() => return Err(shutting_down()),
            };
            match frame.kind {
                b'd' => self.session.copy_data(&mut copy, frame.body).await?,
                b'c' => break,
                b'f' => return Err(copy_failed(&frame.body)),
                // The protocol allows these: they were sent before the client knew of the COPY.
                b'H' | b'S' => {}
                kind => {
                    return Err(SqlError::fatal(
                        SqlState::PROTOCOL_VIOLATION,
                        format!("unexpected message type 0x{kind:02X} during COPY from stdin"),
                    )
                    .into());
                }
            }
        }
        self.attend(|session| session.copy_done(copy, mode)).await
    }
}

/// Stops what this connection runs, as a CancelRequest would.
fn stopper<'a, B: Server>(server: &'a Arc<B>, key: &'a (i32, Vec<u8>)) -> impl Fn() + 'a {
    || server.cancel(key.0, &key.1)
}

async fn after(limit: Option<Duration>, failure: Failure) -> Failure {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => pending().await,
    }
    failure
}

fn is_extended(kind: u8) -> bool {
    matches!(kind, b'P' | b'B' | b'D' | b'E' | b'C' | b'H')
}

/// The command's tag; those of commands that return or change rows carry their number.
pub(super) fn counted(tag: &str, rows: u64) -> String {
    match tag {
        "SELECT" | "INSERT 0" | "UPDATE" | "DELETE" | "MERGE" | "FETCH" | "MOVE" | "COPY" => {
            format!("{tag} {rows}")
        }
        tag => tag.to_owned(),
    }
}

fn copy_failed(body: &[u8]) -> Failure {
    let message = String::from_utf8_lossy(body.strip_suffix(&[0]).unwrap_or(body));
    SqlError::new(SqlState::QUERY_CANCELED, format!("COPY from stdin failed: {message}")).into()
}

fn shutting_down() -> Failure {
    SqlError::fatal(SqlState::ADMIN_SHUTDOWN, "terminating connection due to administrator command")
        .into()
}

fn idle_too_long(status: Status) -> Failure {
    match status {
        Status::Idle => SqlError::fatal(
            SqlState::IDLE_SESSION_TIMEOUT,
            "terminating connection due to idle-session timeout",
        ),
        Status::Block | Status::Failed => SqlError::fatal(
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            "terminating connection due to idle-in-transaction timeout",
        ),
    }
    .into()
}

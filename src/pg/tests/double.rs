//! A session whose statements are words: `rows 3`, `sleep`, `panic`. It logs what it executes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{Schema, SchemaRef};
use bytes::BytesMut;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::scalar::ScalarValue;
use futures::{StreamExt, stream};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::base::{ColumnId, Oid, Result, Severity, SqlError, SqlState};
use crate::copy::{CopyFormat, CopyHeader, CopyOptions, Decoder};
use crate::pg::backend::{
    Authentication, Mode, Origin, Outcome, OutputColumn, Server, Session, Startup, Status,
};
use crate::session::CopyProgress;
use crate::types::{PgType, TextContext};

/// What all connections of a test share.
#[derive(Debug)]
pub(super) struct TestServer {
    pub(super) authentication: Authentication,
    pub(super) log: Mutex<Vec<String>>,
    /// When statements run: the time between these counts for their time-out.
    pub(super) spans: Mutex<Vec<&'static str>>,
    pub(super) startups: Mutex<Vec<Startup>>,
    pub(super) tokens: Mutex<HashMap<i32, CancellationToken>>,
    pub(super) idle: Option<Duration>,
    pub(super) refuse: Option<SqlError>,
    /// Sessions that have not been dropped.
    pub(super) alive: Arc<()>,
    /// What COPY has stored: a line for each row.
    pub(super) stored: Mutex<Vec<String>>,
}

impl TestServer {
    pub(super) fn plain() -> Self {
        Self {
            authentication: Authentication::Trust,
            log: Mutex::default(),
            spans: Mutex::default(),
            startups: Mutex::default(),
            tokens: Mutex::default(),
            idle: None,
            refuse: None,
            alive: Arc::new(()),
            stored: Mutex::default(),
        }
    }

    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self::plain())
    }

    pub(super) fn log(&self) -> Vec<String> {
        self.log.lock().clone()
    }

    /// Cancels what runs, as soon as something does.
    pub(super) fn sessions(&self) -> usize {
        Arc::strong_count(&self.alive) - 1
    }
}

impl Server for TestServer {
    type Session = TestSession;

    fn authentication(
        &self,
        _user: &str,
        _database: &str,
        _origin: &Origin<'_>,
    ) -> Result<Authentication> {
        Ok(self.authentication.clone())
    }

    async fn connect(self: &Arc<Self>, startup: Startup) -> Result<TestSession> {
        self.startups.lock().push(startup);
        if let Some(error) = &self.refuse {
            return Err(error.clone());
        }
        Ok(TestSession {
            server: Arc::clone(self),
            status: Status::Idle,
            statements: HashMap::new(),
            notices: Vec::new(),
            sync_fails: false,
            token: CancellationToken::new(),
            _alive: Arc::clone(&self.alive),
        })
    }

    fn stop_all(&self) {
        self.tokens.lock().values().for_each(CancellationToken::cancel);
    }

    fn cancel(self: &Arc<Self>, pid: i32, secret: &[u8]) {
        self.log.lock().push(format!("cancel {pid} {}", secret.len()));
        if let Some(token) = self.tokens.lock().get(&pid) {
            token.cancel();
        }
    }
}

/// One connection.
pub(super) struct TestSession {
    server: Arc<TestServer>,
    status: Status,
    statements: HashMap<String, Arc<TestPrepared>>,
    notices: Vec<SqlError>,
    sync_fails: bool,
    token: CancellationToken,
    _alive: Arc<()>,
}

pub(super) struct TestPrepared {
    sql: String,
    parameters: Vec<PgType>,
    columns: Option<Arc<[OutputColumn]>>,
}

/// `together`: its executions are logged as one; a 13 among the values makes them run one by
/// one, a 99 is an error of the first.
pub(super) struct TestTogether;

pub(super) struct TestCopy {
    decoder: Decoder,
    binary: bool,
    rows: usize,
}

fn column(name: &str, ty: PgType) -> OutputColumn {
    OutputColumn { name: name.to_owned(), ty, table: Some((Oid(16_400), ColumnId(1))) }
}

fn error() -> SqlError {
    SqlError::new(SqlState::DIVISION_BY_ZERO, "division by zero")
}

pub(super) fn canceled() -> SqlError {
    SqlError::new(SqlState::QUERY_CANCELED, "canceling statement due to user request")
}

fn external(error: SqlError) -> datafusion::error::DataFusionError {
    datafusion::error::DataFusionError::External(Box::new(error))
}

fn schema(columns: &[OutputColumn]) -> SchemaRef {
    let fields: Vec<_> = columns.iter().map(|c| c.ty.field(c.name.as_str(), true)).collect();
    Arc::new(Schema::new(fields))
}

/// Rows `0 .. count` in batches of 100, each waited for, then an error if asked for.
fn numbers(
    columns: &[OutputColumn],
    count: i32,
    fail: bool,
    token: CancellationToken,
) -> SendableRecordBatchStream {
    let schema = schema(columns);
    let width = columns.len();
    let batch_schema = Arc::clone(&schema);
    let batches = stream::iter((0..count).step_by(100)).then(move |start| {
        let (schema, token) = (Arc::clone(&batch_schema), token.clone());
        async move {
            tokio::task::yield_now().await;
            if token.is_cancelled() {
                return Err(external(canceled()));
            }
            let numbers = Int32Array::from_iter_values(start..count.min(start + 100));
            let columns = (0..width).map(|_| Arc::new(numbers.clone()) as ArrayRef).collect();
            Ok(RecordBatch::try_new(schema, columns)?)
        }
    });
    let failure = stream::iter(fail.then(|| Err(external(error()))));
    Box::pin(RecordBatchStreamAdapter::new(schema, batches.chain(failure)))
}

fn copy_options(words: &[&str]) -> CopyOptions {
    let mut options = CopyOptions::default();
    match words.get(1) {
        Some(&"csv") => {
            options.format = CopyFormat::Csv;
            (options.delimiter, options.null) = (b',', String::new());
        }
        Some(&"binary") => options.format = CopyFormat::Binary,
        _ => {}
    }
    for word in words {
        match *word {
            "header" => options.header = CopyHeader::Line,
            "match" => options.header = CopyHeader::Match,
            "ignore" => options.ignore_errors = true,
            _ => {}
        }
    }
    options
}

impl Session for TestSession {
    type Parsed = String;
    type Prepared = TestPrepared;
    type CopyIn = TestCopy;
    type Together = TestTogether;

    fn backend_key(&self) -> (i32, Vec<u8>) {
        (7, (0..32).collect())
    }

    fn ends_by(&mut self, _: CancellationToken) {}

    fn initial_parameters(&self) -> Vec<(String, String)> {
        // psycopg2 and asyncpg don't go on without these.
        [("server_version", "17.0"), ("client_encoding", "UTF8"), ("DateStyle", "ISO, MDY")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec()
    }

    fn status(&self) -> Status {
        self.status
    }

    fn take_notices(&mut self) -> Vec<SqlError> {
        std::mem::take(&mut self.notices)
    }

    fn take_parameter_changes(&mut self) -> Vec<(String, String)> {
        Vec::new()
    }

    fn text_context(&self) -> TextContext {
        TextContext::default()
    }

    fn idle_timeout(&self, _status: Status) -> Option<Duration> {
        self.server.idle
    }

    fn parse(&self, sql: &str) -> Result<Vec<String>> {
        if sql.contains("syntax") {
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, "syntax error").with_position(1));
        }
        let statements = sql.split(';').map(str::trim).filter(|part| !part.is_empty());
        Ok(statements.map(str::to_lowercase).collect())
    }

    async fn prepare(&mut self, sql: String, _types: &[Oid]) -> Result<Arc<TestPrepared>> {
        let first = sql.split(' ').next().unwrap_or_default();
        let (parameters, columns): (_, &[OutputColumn]) = match first {
            "rows" | "forever" => (vec![], &[column("n", PgType::Int4)]),
            "three" => (
                vec![],
                &[column("a", PgType::Int4), column("b", PgType::Int4), column("c", PgType::Int4)],
            ),
            "param" => (vec![PgType::Int4], &[column("n", PgType::Int4)]),
            "together" => (vec![PgType::Int4], &[]),
            _ => (vec![], &[]),
        };
        let columns = (!columns.is_empty()).then(|| Arc::from(columns));
        Ok(Arc::new(TestPrepared { sql, parameters, columns }))
    }

    fn parameters(prepared: &TestPrepared) -> &[PgType] {
        &prepared.parameters
    }

    fn columns(prepared: &TestPrepared) -> Option<&Arc<[OutputColumn]>> {
        prepared.columns.as_ref()
    }

    fn statement(&self, name: &str) -> Option<Arc<TestPrepared>> {
        self.statements.get(name).cloned()
    }

    fn put_statement(&mut self, name: &str, prepared: Arc<TestPrepared>) -> Result<()> {
        self.statements.insert(name.to_owned(), prepared);
        Ok(())
    }

    fn remove_statement(&mut self, name: &str) {
        self.statements.remove(name);
    }

    fn cursor_columns(&self, name: &str) -> Option<Arc<[OutputColumn]>> {
        (name == "declared").then(|| Arc::from([column("n", PgType::Int4)]))
    }

    fn close_cursor(&mut self, name: &str) {
        self.server.log.lock().push(format!("close {name}"));
    }

    async fn execute(
        &mut self,
        prepared: &Arc<TestPrepared>,
        values: Vec<ScalarValue>,
        mode: Mode,
    ) -> Result<Outcome<TestCopy>> {
        self.server.log.lock().push(format!("{} {mode:?}", prepared.sql));
        self.server.spans.lock().push("run");
        self.token = CancellationToken::new();
        self.server.tokens.lock().insert(7, self.token.clone());
        let words: Vec<_> = prepared.sql.split(' ').collect();
        let number = || words.get(1).and_then(|word| word.parse().ok()).unwrap_or(1);
        let columns = prepared.columns.clone();
        let rows = |count: i32, fail: bool, tag| {
            let columns = columns.unwrap_or_else(|| Arc::from([]));
            let stream = numbers(&columns, count, fail, self.token.clone());
            Ok(Outcome::Rows { columns, stream, tag })
        };
        let command = |tag: &str| Ok(Outcome::Command { tag: tag.to_owned() });
        if self.status == Status::Failed && !matches!(words[0], "rollback" | "commit") {
            return Err(SqlError::new(SqlState::IN_FAILED_SQL_TRANSACTION, "aborted"));
        }
        match words[0] {
            "rows" | "three" => rows(number(), words.contains(&"fail"), "SELECT"),
            "forever" => rows(i32::MAX, false, "SELECT"),
            "param" => match values[..] {
                [ScalarValue::Int32(Some(value))] => rows(value, false, "SELECT"),
                _ => command("NULL"),
            },
            "together" => {
                let value = values.iter().map(ToString::to_string).collect::<String>();
                self.server.stored.lock().push(value);
                match values[..] {
                    [ScalarValue::Int32(Some(13))] => Err(error()),
                    _ => command("INSERT 0 1"),
                }
            }
            "sleep" => {
                self.token.cancelled().await;
                Err(canceled())
            }
            "begin" => {
                self.status = Status::Block;
                command("BEGIN")
            }
            "commit" | "rollback" => {
                let tag = if self.status == Status::Failed { "ROLLBACK" } else { "COMMIT" };
                self.status = Status::Idle;
                command(tag)
            }
            "panic" => panic!("on demand"),
            "error" => Err(error()),
            "syncfail" => {
                self.sync_fails = true;
                command("INSERT 0 1")
            }
            "notice" => {
                let notice = SqlError::new(SqlState::SUCCESSFUL_COMPLETION, "hear, hear");
                self.notices.push(notice.with_severity(Severity::Notice));
                command("DO")
            }
            "copyin" => {
                let columns = [("id".to_owned(), PgType::Int4), ("name".to_owned(), PgType::Text)];
                let options = copy_options(&words);
                let binary = options.format == CopyFormat::Binary;
                let decoder = Decoder::new("items", &columns, &options, TextContext::default())?;
                Ok(Outcome::CopyIn(TestCopy { decoder, binary, rows: 0 }))
            }
            "copyout" => {
                let columns: Arc<[OutputColumn]> =
                    Arc::from([column("id", PgType::Int4), column("name", PgType::Text)]);
                let names = vec![Some("a\tb"), None, Some("say \"hi\", x"), Some("")];
                let batch = RecordBatch::try_new(
                    schema(&columns),
                    vec![
                        Arc::new(Int32Array::from(vec![1, 2, 3, 4])),
                        Arc::new(StringArray::from(names)),
                    ],
                )
                .unwrap();
                let items = if words.contains(&"fail") {
                    vec![Ok(batch), Err(external(error()))]
                } else {
                    vec![Ok(batch)]
                };
                let stream = RecordBatchStreamAdapter::new(schema(&columns), stream::iter(items));
                Ok(Outcome::CopyOut {
                    columns,
                    options: copy_options(&words),
                    stream: Box::pin(stream),
                    progress: Arc::new(CopyProgress::new(Oid(16_400), false, "PIPE")),
                })
            }
            word => command(&word.to_uppercase()),
        }
    }

    fn together(&self, prepared: &Arc<TestPrepared>) -> Option<TestTogether> {
        (prepared.sql == "together").then_some(TestTogether)
    }

    fn together_types(_together: &TestTogether) -> &[PgType] {
        &[PgType::Int4]
    }

    async fn execute_together(
        &mut self,
        _together: &TestTogether,
        columns: Vec<ArrayRef>,
        executions: usize,
    ) -> Result<bool> {
        let values = columns[0].as_any().downcast_ref::<Int32Array>().unwrap().values();
        assert_eq!(values.len(), executions);
        if values.contains(&13) {
            return Ok(false);
        }
        self.server.log.lock().push(format!("{executions} together"));
        if values.contains(&99) {
            return Err(error());
        }
        self.server.stored.lock().extend(values.iter().map(ToString::to_string));
        Ok(true)
    }

    async fn settle(&mut self) {}

    async fn end(&mut self) {}

    fn take_notifications(&mut self) -> Vec<crate::pg::backend::Notification> {
        Vec::new()
    }

    fn notified(&self) -> impl Future<Output = ()> + Send + 'static {
        std::future::pending()
    }

    async fn sync(&mut self) -> Result<()> {
        self.server.log.lock().push("sync".to_owned());
        if std::mem::take(&mut self.sync_fails) {
            return Err(SqlError::new(SqlState::UNIQUE_VIOLATION, "duplicate key"));
        }
        Ok(())
    }

    fn statement_failed(&mut self) {
        self.server.log.lock().push("failed".to_owned());
        self.sync_fails = false;
        if self.status == Status::Block {
            self.status = Status::Failed;
        }
    }

    fn resume_statement(&mut self) {
        self.server.spans.lock().push("resume");
    }

    fn end_statement(&mut self) {
        self.server.spans.lock().push("end");
    }

    fn interrupted(&self) -> impl Future<Output = SqlError> + Send + 'static {
        let token = self.token.clone();
        async move {
            token.cancelled().await;
            canceled()
        }
    }

    fn copy_shape(copy: &TestCopy) -> (bool, usize) {
        (copy.binary, 2)
    }

    async fn copy_data(&mut self, copy: &mut TestCopy, data: BytesMut) -> Result<()> {
        copy.decoder.push(data)?;
        while let Some(rows) = copy.decoder.next_batch(false)? {
            copy.rows += self.store(&rows);
        }
        Ok(())
    }

    async fn copy_done(&mut self, mut copy: TestCopy, mode: Mode) -> Result<String> {
        while let Some(rows) = copy.decoder.next_batch(true)? {
            copy.rows += self.store(&rows);
        }
        if let Some(rows) = copy.decoder.last_batch()? {
            copy.rows += self.store(&rows);
        }
        self.notices.extend(copy.decoder.skipped_notice());
        self.server.log.lock().push(format!("copied {mode:?}"));
        Ok(format!("COPY {}", copy.rows))
    }
}

impl TestSession {
    /// Keeps the rows of a COPY; how many they are.
    fn store(&self, rows: &RecordBatch) -> usize {
        let mut stored = self.server.stored.lock();
        let (ids, names) = (rows.column(0), rows.column(1));
        let ids = ids.as_any().downcast_ref::<Int32Array>().unwrap();
        let names = names.as_any().downcast_ref::<StringArray>().unwrap();
        for row in 0..rows.num_rows() {
            let id = if ids.is_null(row) { "null".into() } else { ids.value(row).to_string() };
            let name = if names.is_null(row) { "null" } else { names.value(row) };
            stored.push(format!("{id}|{name}"));
        }
        rows.num_rows()
    }
}

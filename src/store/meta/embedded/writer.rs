//! The thread that writes: one record of the log for all transactions that have arrived.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::super::state::{Published, Staged};
use super::super::{Cause, Error, LeaseId, Outcome, Result, Transaction};
use super::disk::Disks;
use super::file::MetaFile;
use crate::base::Revision;

/// Bytes of transactions that one record takes, about.
const BATCH_BYTES_MAX: usize = 16 << 20;
/// How often the clock is looked at while there are leases, and otherwise.
const LEASE_TICK: Duration = Duration::from_millis(50);
const IDLE_TICK: Duration = Duration::from_millis(500);

/// How long a batch waits for as many as the last one had: the callers that were just answered
/// are about to come back, and each fsync costs more than this.
const GATHER_TIME: Duration = Duration::from_micros(100);

/// What a caller wants written.
#[derive(Debug)]
pub(super) enum Ask {
    /// A transaction within the limits.
    Transact(Transaction),
    /// A lease's end, and its keys'.
    EndLease(LeaseId),
}

/// What a caller wants, and where it waits for the answer.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) ask: Ask,
    pub(super) reply: oneshot::Sender<Result<Outcome>>,
}

impl Request {
    fn bytes(&self) -> usize {
        match &self.ask {
            Ask::Transact(transaction) => transaction.bytes(),
            Ask::EndLease(_) => 0,
        }
    }
}

/// An answer that is decided and waits for the disk.
type Decided = (oneshot::Sender<Result<Outcome>>, Result<Outcome>);

/// What is written to.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) disks: Box<dyn Disks>,
    pub(super) file: MetaFile,
    pub(super) sync_failed: Arc<AtomicBool>,
    /// Bytes after which the log is folded.
    pub(super) log_bytes_max: u64,
}

/// The thread's state.
#[derive(Debug)]
pub(super) struct Writer {
    disks: Box<dyn Disks>,
    file: Disk,
    /// A sync has failed: nothing that the files say about what was being written proves
    /// anything.
    sync_failed: Arc<AtomicBool>,
    published: Arc<Published>,
    inbox: Receiver<Request>,
    log_bytes_max: u64,
    /// How many requests the last batch had.
    last_batch: usize,
}

/// Whether writes can be made durable.
#[derive(Debug)]
enum Disk {
    Good(MetaFile),
    /// A write failed; the file must be opened again, and tells then whether what was
    /// being written has arrived.
    Failed {
        in_doubt: Option<Staged>,
        cause: Cause,
    },
    /// A sync failed: only a new process can find out what is on the disk.
    Lost {
        cause: Cause,
    },
}

impl Writer {
    pub(super) fn new(files: Files, published: Arc<Published>, inbox: Receiver<Request>) -> Self {
        let Files { disks, file, sync_failed, log_bytes_max } = files;
        let file = Disk::Good(file);
        Self { disks, file, sync_failed, published, inbox, log_bytes_max, last_batch: 0 }
    }

    /// Serves until every sender is gone.
    pub(super) fn run(mut self) {
        loop {
            let tick = if self.published.has_leases() { LEASE_TICK } else { IDLE_TICK };
            match self.inbox.recv_timeout(tick) {
                Ok(first) => {
                    let batch = self.gather(first);
                    self.serve(batch);
                }
                Err(RecvTimeoutError::Timeout) => self.serve(Vec::new()),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.fold(self.log_bytes_max);
        }
        self.fold(0);
    }

    /// All that has arrived, and shortly as many as arrived together the last time.
    fn gather(&mut self, first: Request) -> Vec<Request> {
        let mut bytes = first.bytes();
        let mut batch = vec![first];
        while bytes < BATCH_BYTES_MAX {
            let next = match self.inbox.try_recv() {
                Err(_) if batch.len() < self.last_batch => {
                    self.inbox.recv_timeout(GATHER_TIME).ok()
                }
                arrived => arrived.ok(),
            };
            let Some(next) = next else { break };
            bytes += next.bytes();
            batch.push(next);
        }
        self.last_batch = batch.len();
        batch
    }

    /// Decides, writes down, publishes, answers.
    fn serve(&mut self, batch: Vec<Request>) {
        self.settle();
        let (staged, decided) = self.decide(batch);
        let written = match &mut self.file {
            Disk::Good(file) => file.append(&staged.commits),
            Disk::Failed { cause, .. } | Disk::Lost { cause } => {
                let refusal = Error::Unavailable(cause.clone());
                return answer(decided, |_| Err(refusal.clone()));
            }
        };
        match written {
            Ok(()) => {
                self.published.publish(staged);
                answer(decided, |outcome| outcome);
            }
            Err(error) => self.failed(error, Some(staged), decided),
        }
    }

    /// Decides a batch on the published state; leases whose time is over end first.
    fn decide(&self, batch: Vec<Request>) -> (Staged, Vec<Decided>) {
        let expired = self.published.expired_leases();
        let mut decided = Vec::with_capacity(batch.len());
        let staged = self.published.stage(|staging| {
            for lease in expired {
                // It was there a moment ago, and only this thread ends leases.
                let _there = staging.end_lease(lease);
            }
            for Request { ask, reply } in batch {
                let outcome = match ask {
                    Ask::Transact(transaction) => staging.transact(&transaction),
                    Ask::EndLease(lease) => {
                        staging.end_lease(lease).map(|()| Outcome::Committed(staging.revision()))
                    }
                };
                decided.push((reply, outcome));
            }
            Ok(())
        });
        (staged.unwrap_or_default(), decided)
    }

    /// A write did not succeed: opens the file again, which tells what of it has arrived.
    fn failed(&mut self, error: redb::Error, in_doubt: Option<Staged>, decided: Vec<Decided>) {
        tracing::error!(%error, "the embedded metadata store can't write");
        let cause = Cause::new(error);
        if self.sync_failed.load(Ordering::SeqCst) {
            self.file = Disk::Lost { cause: cause.clone() };
            return answer(decided, |outcome| doubtful(outcome, &cause));
        }
        let target = in_doubt.as_ref().and_then(last_revision);
        self.file = Disk::Failed { in_doubt, cause: cause.clone() };
        self.settle();
        let arrived = target.is_none_or(|target| self.published.read(|s| s.revision()) >= target);
        answer(decided, |outcome| match (&self.file, arrived) {
            (Disk::Good(_), true) => outcome,
            (Disk::Good(_), false) => Err(Error::Unavailable(cause.clone())),
            (Disk::Failed { .. } | Disk::Lost { .. }, _) => doubtful(outcome, &cause),
        });
    }

    /// Opens the file again after a failure, and publishes or drops what was in doubt.
    fn settle(&mut self) {
        let Disk::Failed { in_doubt, cause } = &mut self.file else { return };
        let (in_doubt, cause) = (in_doubt.take(), cause.clone());
        // The old file was closed when the failure was noted: redb's lock is free.
        let opened = MetaFile::open(self.disks.as_ref(), &self.sync_failed);
        let published = self.published.read(|state| state.revision());
        self.file = match opened {
            Ok((file, loaded)) if loaded.revision == published => Disk::Good(file),
            Ok((file, loaded))
                if Some(loaded.revision) == in_doubt.as_ref().and_then(last_revision) =>
            {
                self.published.publish(in_doubt.unwrap_or_default());
                Disk::Good(file)
            }
            Ok((_, loaded)) => {
                let (there, here) = (loaded.revision, published);
                let text = format!("the file is at revision {there}, the process at {here}");
                Disk::Lost { cause: Cause::new(text) }
            }
            Err(error) if self.sync_failed.load(Ordering::SeqCst) => {
                tracing::error!(%error, "the embedded metadata store can't be opened again");
                Disk::Lost { cause }
            }
            Err(error) => {
                tracing::warn!(%error, "the embedded metadata store can't be opened again yet");
                Disk::Failed { in_doubt, cause }
            }
        };
    }

    /// Empties a log that is larger than this.
    fn fold(&mut self, log_bytes_max: u64) {
        let Disk::Good(file) = &mut self.file else { return };
        if file.log_bytes() <= log_bytes_max {
            return;
        }
        let unfolded = self.published.read(|state| file.unfolded(state));
        if let Err(error) = file.fold(unfolded) {
            // What is in the file means the same before and after a fold.
            self.failed(error, None, Vec::new());
        }
    }
}

fn answer(decided: Vec<Decided>, mut with: impl FnMut(Result<Outcome>) -> Result<Outcome>) {
    for (reply, outcome) in decided {
        // A caller that has gone needs no answer.
        let _gone = reply.send(with(outcome));
    }
}

fn last_revision(staged: &Staged) -> Option<Revision> {
    staged.commits.last().map(|commit| commit.revision)
}

/// A commit may be on the disk; what was refused was not applied, though perhaps for a reason
/// that does not exist.
fn doubtful(outcome: Result<Outcome>, cause: &Cause) -> Result<Outcome> {
    match outcome {
        Ok(Outcome::Committed(_)) => Err(Error::Unknown(cause.clone())),
        Ok(Outcome::Refused(_)) => Err(Error::Unavailable(cause.clone())),
        Err(error) => Err(error),
    }
}

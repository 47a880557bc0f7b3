//! What all transactions of a node share: snapshots, the way to commit, identifiers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::base::{
    Clock, CommitId, Incarnation, Random, Result, Revision, RowIds, SegmentId, SqlError, SqlState,
};
use crate::catalog::{Edit, Keys, Snapshot};
use crate::cluster::Membership;
use crate::segment::{Drafts, Reader};
use crate::store::meta::{self, MetaStore, Mirror, Mirrored};

use super::index_builds::IndexBuilds;
use super::open_snapshots::{OpenSnapshots, Pin};
use super::publish::{Publisher, QUEUE_MAX, Submission, Verdict, Work};
use super::row_ids::RowIdAllocator;
use super::sequence::SequenceCache;
use super::warm::Warmer;

/// How fresh a snapshot must be (`redkite.consistency`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consistency {
    /// Everything that any node has committed before the statement came.
    #[default]
    Strong,
    /// At least what this connection has seen.
    Session,
    /// At most this much behind.
    Bounded(Duration),
    /// Whatever this node has.
    Eventual,
}

/// How long DDL is tried again while others change the same definitions.
const EDIT_PATIENCE: Duration = Duration::from_secs(30);
/// How long a snapshot waits for the mirror.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(30);

/// What an engine is made of.
#[derive(Debug)]
pub struct EngineParts {
    /// The metadata store.
    pub meta: Arc<dyn MetaStore>,
    /// Its mirror.
    pub mirror: Arc<Mirror<Snapshot>>,
    /// The key layout.
    pub keys: Keys,
    /// The segments.
    pub reader: Arc<Reader>,
    /// This start of this process.
    pub incarnation: Incarnation,
    /// The key under this node's lease that must be present for it to commit; none where no other
    /// node can be.
    pub fence: Option<Bytes>,
    /// This node's place in its cluster: it reads nothing any more once that is lost. None where
    /// no other node can be.
    pub membership: Option<Arc<Membership>>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// What all transactions of a node share. Its publisher ends when it is dropped.
#[derive(Debug)]
pub struct Engine {
    parts: EngineParts,
    publisher: mpsc::Sender<Submission>,
    pub(super) row_ids: RowIdAllocator,
    pub(super) sequences: SequenceCache,
    provisional: AtomicU64,
    open: Arc<OpenSnapshots>,
    /// Objects that this node has written and not published.
    drafts: Arc<Drafts>,
    pub(super) warmer: Warmer,
    index_builds: Arc<IndexBuilds>,
    /// When the mirror was last known to hold all, by the monotonic clock, in microseconds.
    last_fresh_us: AtomicU64,
}

impl Engine {
    /// Starts the publisher.
    pub fn start(parts: EngineParts) -> Arc<Self> {
        let (publisher, queue) = mpsc::channel(QUEUE_MAX);
        let task = Publisher {
            meta: Arc::clone(&parts.meta),
            mirror: Arc::clone(&parts.mirror),
            keys: parts.keys.clone(),
            incarnation: parts.incarnation,
            fence: parts.fence.clone(),
            random: Arc::clone(&parts.random),
            clock: Arc::clone(&parts.clock),
            settled: None,
        };
        tokio::spawn(task.run(queue));
        let (drafts, given_up) = Drafts::new(parts.incarnation);
        tokio::spawn(remove_given_up(Arc::clone(&parts.reader), given_up));
        let warmer = Warmer::start(Arc::clone(&parts.reader));
        Arc::new(Self {
            parts,
            publisher,
            row_ids: RowIdAllocator::default(),
            sequences: SequenceCache::default(),
            provisional: AtomicU64::new(u64::MAX / 2),
            open: Arc::default(),
            drafts,
            warmer,
            index_builds: Arc::default(),
            last_fresh_us: AtomicU64::new(0),
        })
    }

    /// The segments.
    pub fn reader(&self) -> &Arc<Reader> {
        &self.parts.reader
    }

    /// The key layout.
    pub fn keys(&self) -> &Keys {
        &self.parts.keys
    }

    /// The metadata store.
    pub fn meta(&self) -> &Arc<dyn MetaStore> {
        &self.parts.meta
    }

    /// This start of this process.
    pub fn incarnation(&self) -> Incarnation {
        self.parts.incarnation
    }

    /// Objects that this node has written and not published.
    pub fn drafts(&self) -> &Arc<Drafts> {
        &self.drafts
    }

    /// The indexes that this node builds now.
    pub fn index_builds(&self) -> &Arc<IndexBuilds> {
        &self.index_builds
    }

    /// Randomness.
    pub fn random(&self) -> &Arc<dyn Random> {
        &self.parts.random
    }

    /// Time.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.parts.clock
    }

    /// What this node has, without asking anyone.
    pub fn current(&self) -> Arc<Mirrored<Snapshot>> {
        self.open.hand_out(&self.parts.mirror, self.parts.mirror.current())
    }

    /// This node's place in its cluster; none where no other node can be.
    pub fn membership(&self) -> Option<&Arc<Membership>> {
        self.parts.membership.as_ref()
    }

    /// The key that must be present for this node to commit.
    pub fn fence(&self) -> Option<&Bytes> {
        self.parts.fence.as_ref()
    }

    /// The oldest revision that a statement or transaction of this node reads: what was removed
    /// before it is out of their reach.
    pub fn oldest_revision(&self) -> Revision {
        self.open.oldest(&self.parts.mirror)
    }

    /// What follows the metadata.
    pub(super) fn mirror(&self) -> &Mirror<Snapshot> {
        &self.parts.mirror
    }

    /// Keeps all that this node's snapshots can reach now.
    pub(super) fn pin(&self) -> Arc<Pin> {
        self.open.pin(&self.parts.mirror)
    }

    /// Others may remove what a node reads once its lease has ended: what can't prove that it
    /// lasts waits, and does not read.
    ///
    /// # Errors
    /// 57P03: the lease is gone (FATAL), or nobody can be asked.
    pub async fn must_be_alive(&self) -> Result<()> {
        let Some(membership) = &self.parts.membership else { return Ok(()) };
        match membership.proven(SNAPSHOT_PATIENCE).await {
            Ok(()) => Ok(()),
            Err(meta::Error::LeaseGone) => Err(super::publish::fenced()),
            Err(error) => Err(error.into()),
        }
    }

    /// A snapshot as fresh as asked for; `seen` is the newest revision that the connection knows
    /// of.
    ///
    /// # Errors
    /// 57P03 when the store can't be asked, the mirror can't follow, or this node can't prove
    /// that it has its lease.
    pub async fn snapshot(
        &self,
        consistency: Consistency,
        seen: Revision,
    ) -> Result<Arc<Mirrored<Snapshot>>> {
        let snapshot = self.snapshot_of_anyone(consistency, seen).await?;
        self.must_be_alive().await?;
        Ok(snapshot)
    }

    async fn snapshot_of_anyone(
        &self,
        consistency: Consistency,
        seen: Revision,
    ) -> Result<Arc<Mirrored<Snapshot>>> {
        match consistency {
            Consistency::Strong => self.fresh().await,
            Consistency::Session => self.at_least(seen).await,
            Consistency::Bounded(behind) => {
                let now = self.now_us();
                let age = now.saturating_sub(self.last_fresh_us.load(Ordering::Relaxed));
                if u128::from(age) <= behind.as_micros() {
                    Ok(self.current())
                } else {
                    self.fresh().await
                }
            }
            Consistency::Eventual => Ok(self.current()),
        }
    }

    async fn fresh(&self) -> Result<Arc<Mirrored<Snapshot>>> {
        let before = self.now_us();
        let fresh = self.parts.mirror.fresh().await?;
        self.last_fresh_us.fetch_max(before, Ordering::Relaxed);
        Ok(self.open.hand_out(&self.parts.mirror, fresh))
    }

    /// A snapshot that holds this revision.
    pub async fn at_least(&self, revision: Revision) -> Result<Arc<Mirrored<Snapshot>>> {
        let snapshot = self.parts.mirror.wait_for(revision, SNAPSHOT_PATIENCE).await?;
        Ok(self.open.hand_out(&self.parts.mirror, snapshot))
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.parts.clock.monotonic().as_micros()).unwrap_or(u64::MAX)
    }

    /// Publishes a change of definitions, made again from a newer snapshot as often as another
    /// change comes between. Returns what the last making returned, and the revision.
    ///
    /// # Errors
    /// What `make` says, or that the store is unavailable.
    pub async fn edit<T>(
        &self,
        mut make: impl FnMut(&Snapshot) -> Result<(Edit, T)>,
    ) -> Result<(T, Revision)> {
        let mut snapshot = self.fresh().await?;
        let end = self.parts.clock.monotonic() + EDIT_PATIENCE;
        while self.parts.clock.monotonic() < end {
            let (edit, value) = make(&snapshot.state)?;
            if edit.is_empty() {
                return Ok((value, snapshot.revision));
            }
            match self.try_edit(edit).await? {
                Ok(revision) => return Ok((value, revision)),
                Err(revision) => snapshot = self.at_least(revision).await?,
            }
        }
        Err(super::publish::serialization_failure("Definitions keep changing."))
    }

    /// Publishes a change of definitions once; the error inside is a revision that is newer than
    /// the snapshot which it was made from: it must be made again.
    ///
    /// # Errors
    /// That the store is unavailable.
    pub async fn try_edit(&self, edit: Edit) -> Result<Result<Revision, Revision>> {
        let (compares, operations) = edit.finish(self.keys().next_oid());
        match self.submit(Work::Edit { compares, operations }).await? {
            Verdict::Committed(revision) => Ok(Ok(revision)),
            Verdict::Stale(_, revision) => Ok(Err(revision)),
        }
    }

    /// Hands something to the publisher and waits for what becomes of it.
    pub(super) async fn submit(&self, work: Work) -> Result<Verdict> {
        let (reply, verdict) = oneshot::channel();
        let since = self.parts.clock.monotonic();
        let submission = Submission { work, reply, since };
        self.publisher.send(submission).await.map_err(|_| stopped())?;
        verdict.await.map_err(|_| super::resolve::lost())?
    }

    /// A new segment's name.
    pub(super) fn fresh_segment(&self) -> SegmentId {
        SegmentId(self.parts.random.uuid())
    }

    /// A new commit's name.
    pub(super) fn fresh_commit(&self) -> CommitId {
        CommitId(self.parts.random.uuid())
    }

    /// Row ids for rows that only their own transaction sees: they get others at commit.
    pub(super) fn provisional_row_ids(&self, rows: usize) -> RowIds {
        let count = rows as u64;
        RowIds { first: self.provisional.fetch_add(count, Ordering::Relaxed), count }
    }

    /// Row ids that no other row of the database has.
    pub async fn allocate_row_ids(&self, count: u64) -> Result<RowIds> {
        self.row_ids.allocate(self.parts.meta.as_ref(), &self.keys().row_ids(), count).await
    }
}

/// Removes objects that will never be published. What can't be removed is found by a sweep.
async fn remove_given_up(reader: Arc<Reader>, mut given_up: mpsc::UnboundedReceiver<String>) {
    while let Some(path) = given_up.recv().await {
        if let Err(error) = reader.objects().delete(&path).await {
            tracing::debug!(%path, %error, "an object that was given up is left to collect");
        }
    }
}

/// Nothing was handed to the publisher.
fn stopped() -> SqlError {
    SqlError::fatal(SqlState::ADMIN_SHUTDOWN, "the node is shutting down")
}

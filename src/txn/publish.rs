//! The commit point: the only compare-and-swap through which anything becomes visible.
//!
//! One task a node takes the commits that wait, validates them one by one, each against the
//! mirror's state plus its predecessors in the group, drops the losers, and publishes the rest
//! as one flat metadata transaction. A mismatch validates all of them again. Uploads have
//! happened before, in parallel; here nothing waits for an object.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::base::{
    Clock, CommitId, FailPoint, Incarnation, Oid, Random, Result, Revision, SqlError, SqlState,
};
use crate::catalog::{Keys, Snapshot, Table};
use crate::store::meta::{
    self, Change, Compare, KeyRange, KeyValue, MetaStore, Mirror, Mirrored, Operation, Outcome,
    Transaction,
};

use super::change_set;
use super::prepared::Prepared;
use super::resolve::{self, Asker, Settled};
use super::validate::{Check, validate};

/// Commits that wait for the publisher: enough for all connections, few enough to bound memory.
pub(super) const QUEUE_MAX: usize = 4096;
/// Commits of one metadata transaction.
const GROUP_MAX: usize = 256;
/// How long a commit waits for a metadata store that doesn't answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two tries at a store that doesn't answer.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a committed client waits for this node's own mirror.
const MIRROR_PATIENCE: Duration = Duration::from_secs(10);

/// A commit on its way, and whom to tell.
pub(super) struct Submission {
    pub(super) work: Work,
    pub(super) reply: oneshot::Sender<Result<Verdict>>,
    /// When it came, by the monotonic clock.
    pub(super) since: Duration,
}

/// What is to be published.
pub(super) enum Work {
    /// Rows.
    Commit(Box<Prepared>),
    /// Definitions.
    Edit { compares: Vec<Compare>, operations: Vec<Operation> },
}

/// What became of it.
pub(super) enum Verdict {
    /// It is visible to all.
    Committed(Revision),
    /// It must be looked at again, from a snapshot that is at least as new as this; nothing
    /// was changed.
    Stale(Option<Box<Prepared>>, Revision),
}

/// The task's state.
pub(super) struct Publisher {
    pub(super) meta: Arc<dyn MetaStore>,
    pub(super) mirror: Arc<Mirror<Snapshot>>,
    pub(super) keys: Keys,
    /// This start of this process.
    pub(super) incarnation: Incarnation,
    /// The key that must be present for this node to commit; none where the node is alone.
    pub(super) fence: Option<Bytes>,
    pub(super) random: Arc<dyn Random>,
    pub(super) clock: Arc<dyn Clock>,
    /// The record of the last commit whose outcome is known: of no more use.
    pub(super) settled: Option<CommitId>,
}

/// A transaction and the commits in it.
struct Group {
    id: CommitId,
    members: Vec<Submission>,
    compares: BTreeMap<Bytes, Compare>,
    operations: Vec<Operation>,
    /// What the operations take.
    bytes: usize,
    touched: Vec<Bytes>,
    /// Whether parts were written ahead for it.
    has_parts: bool,
}

impl Publisher {
    /// Publishes what comes until nobody can send any more.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Submission>) {
        let mut waiting = VecDeque::new();
        while let Some(first) = queue.recv().await {
            waiting.push_back(first);
            while !waiting.is_empty() {
                while waiting.len() < GROUP_MAX {
                    let Ok(next) = queue.try_recv() else { break };
                    waiting.push_back(next);
                }
                self.publish_some(&mut waiting).await;
            }
        }
    }

    async fn publish_some(&mut self, waiting: &mut VecDeque<Submission>) {
        let base = self.mirror.current();
        let mut group = Group::new(CommitId(self.random.uuid()));
        self.gather(&base, waiting, &mut group).await;
        if group.members.is_empty() {
            return;
        }
        let (id, has_parts) = (group.id, group.has_parts);
        let (transaction, members) = self.transaction(group);
        reach(FailPoint::BeforePublish, &members);
        let outcome = match self.meta.transact(transaction).await {
            Err(error @ meta::Error::Unknown(_)) => {
                tracing::warn!(commit = %id, %error, "the outcome of a commit is unknown");
                let asker = Asker {
                    meta: self.meta.as_ref(),
                    keys: &self.keys,
                    incarnation: self.incarnation,
                    fence: self.fence.as_ref(),
                };
                match asker.settle(id, PATIENCE).await {
                    Ok(Settled::Committed(revision)) => Ok(Outcome::Committed(revision)),
                    Ok(Settled::Never) => Err(error),
                    Err(error) => return reply_all(members, &error),
                }
            }
            outcome => outcome,
        };
        if has_parts && !matches!(outcome, Ok(Outcome::Committed(_))) {
            // Another try has another name, and parts of its own.
            change_set::discard(self.meta.as_ref(), &self.keys, id).await;
        }
        match outcome {
            Ok(Outcome::Committed(revision)) => self.committed(id, revision, members).await,
            Ok(Outcome::Refused(revision)) => self.refused(revision, members, waiting).await,
            Err(error @ (meta::Error::Unavailable(_) | meta::Error::Unknown(_))) => {
                self.again(members, waiting, &error).await;
            }
            Err(error) => reply_all(members, &error.into()),
        }
    }

    /// Takes commits off the queue's front as long as they fit one transaction and are valid.
    async fn gather(
        &mut self,
        base: &Arc<Mirrored<Snapshot>>,
        waiting: &mut VecDeque<Submission>,
        group: &mut Group,
    ) {
        let limits = self.meta.limits();
        let mut working: Option<Snapshot> = None;
        let provisional = Revision(base.revision.0 + 1);
        while let Some(submission) = waiting.pop_front() {
            let prepared = match &submission.work {
                Work::Edit { compares, operations } => {
                    if group.members.is_empty() {
                        group.edit(compares, operations);
                        group.members.push(submission);
                    } else {
                        waiting.push_front(submission);
                    }
                    return;
                }
                Work::Commit(prepared) => prepared,
            };
            let state = working.as_ref().unwrap_or(&base.state);
            match validate(prepared, state) {
                Check::Valid => {}
                Check::Stale => {
                    submission.stale(base.revision);
                    continue;
                }
                Check::Lost(error) => {
                    submission.fail(error);
                    continue;
                }
            }
            let mut step = match Step::of(prepared, &self.keys, &base.state) {
                Ok(step) => step,
                Err(error) => {
                    submission.fail(error);
                    continue;
                }
            };
            let mut alone = prepared.publishes_alone();
            if !group.fits(&step, limits) || (alone && !group.members.is_empty()) {
                if !group.members.is_empty() {
                    waiting.push_front(submission);
                    return;
                }
                if !group.fits(&step, limits) {
                    let owner = (self.incarnation, self.fence.as_ref());
                    let (meta, id) = (&*self.meta, group.id);
                    let written = change_set::write(meta, &self.keys, owner, id, &mut step).await;
                    if let Err(error) = written {
                        submission.fail(error);
                        continue;
                    }
                    group.has_parts = true;
                    // What it does is not to be seen in its operations any more.
                    alone = true;
                }
            }
            if !waiting.is_empty() && !alone {
                let next = working.get_or_insert_with(|| base.state.clone());
                if let Err(error) = apply(next, provisional, &step) {
                    submission.fail(error);
                    continue;
                }
            }
            group.add(step);
            group.members.push(submission);
            if alone {
                return;
            }
        }
    }

    /// The flat transaction of a group.
    fn transaction(&self, group: Group) -> (Transaction, Vec<Submission>) {
        let mut compares: Vec<Compare> = group.compares.into_values().collect();
        let mut operations = group.operations;
        operations.extend(group.touched.into_iter().map(|key| Operation::put(key, Bytes::new())));
        let record = self.keys.commit(group.id);
        compares.push(Compare::Absent(record.clone()));
        compares.extend(self.fence.clone().map(Compare::Present));
        operations.push(Operation::put(record, resolve::committed(self.incarnation)));
        operations.push(Operation::put(self.keys.head(), group.id.to_string()));
        if let Some(settled) = self.settled {
            operations.push(Operation::delete(self.keys.commit(settled)));
        }
        (Transaction { compares, operations }, group.members)
    }

    async fn committed(&mut self, id: CommitId, revision: Revision, members: Vec<Submission>) {
        self.settled = Some(id);
        reach(FailPoint::AfterPublish, &members);
        // The commit has happened. A mirror that lags is no reason to say otherwise: the next
        // statement, on this node as on any other, waits for it.
        if let Err(error) = self.mirror.wait_for(revision, MIRROR_PATIENCE).await {
            tracing::warn!(%revision, %error, "the mirror lags behind a commit of its own node");
        }
        reach(FailPoint::BeforeReply, &members);
        for member in members {
            let _client_gone = member.reply.send(Ok(Verdict::Committed(revision)));
        }
    }

    async fn refused(
        &self,
        revision: Revision,
        members: Vec<Submission>,
        waiting: &mut VecDeque<Submission>,
    ) {
        if let Some(fence) = &self.fence {
            match self.meta.range(KeyRange::key(fence.clone()), None).await {
                Ok((_, found)) if found.is_empty() => return reply_all(members, &fenced()),
                Ok(_) => {}
                Err(error) => return self.again(members, waiting, &error).await,
            }
        }
        if let Err(error) = self.mirror.wait_for(revision, MIRROR_PATIENCE).await {
            return self.again(members, waiting, &error).await;
        }
        let now = self.clock.monotonic();
        for member in members.into_iter().rev() {
            match &member.work {
                Work::Edit { .. } => member.stale(revision),
                Work::Commit(_) if now.saturating_sub(member.since) < PATIENCE => {
                    waiting.push_front(member);
                }
                Work::Commit(_) => member.fail(serialization_failure(
                    "Others have kept changing the same tables for too long.",
                )),
            }
        }
    }

    /// It is proven that nothing was committed: waits and tries again, or gives up.
    async fn again(
        &self,
        members: Vec<Submission>,
        waiting: &mut VecDeque<Submission>,
        error: &meta::Error,
    ) {
        tokio::time::sleep(PAUSE).await;
        let now = self.clock.monotonic();
        for member in members.into_iter().rev() {
            if now.saturating_sub(member.since) < PATIENCE {
                waiting.push_front(member);
            } else {
                member.fail(unavailable(error));
            }
        }
    }
}

impl Submission {
    fn fail(self, error: SqlError) {
        let _client_gone = self.reply.send(Err(error));
    }

    fn stale(self, revision: Revision) {
        let prepared = match self.work {
            Work::Commit(prepared) => Some(prepared),
            Work::Edit { .. } => None,
        };
        let _client_gone = self.reply.send(Ok(Verdict::Stale(prepared, revision)));
    }
}

/// What one commit adds to a transaction.
#[derive(Default)]
pub(super) struct Step {
    pub(super) compares: Vec<Compare>,
    /// Keys of its own.
    pub(super) operations: Vec<Operation>,
    /// Version keys, which all members of a group share.
    pub(super) touched: Vec<Bytes>,
}

impl Step {
    fn of(prepared: &Prepared, keys: &Keys, base: &Snapshot) -> Result<Self> {
        let mut step = Self::default();
        prepared.write(keys, base, &mut step)?;
        Ok(step)
    }

    /// Compares a version key with what the base has.
    pub(super) fn unchanged(&mut self, key: Bytes, at: Revision) {
        self.compares.push(Compare::Modified { key, at });
    }
}

impl Group {
    fn new(id: CommitId) -> Self {
        Self {
            id,
            members: Vec::new(),
            compares: BTreeMap::new(),
            operations: Vec::new(),
            bytes: 0,
            touched: Vec::new(),
            has_parts: false,
        }
    }

    fn edit(&mut self, compares: &[Compare], operations: &[Operation]) {
        for compare in compares {
            self.compares.insert(compare.key().clone(), compare.clone());
        }
        self.bytes += bytes(operations);
        self.operations.extend_from_slice(operations);
    }

    fn add(&mut self, step: Step) {
        for compare in step.compares {
            self.compares.insert(compare.key().clone(), compare);
        }
        self.bytes += bytes(&step.operations);
        self.operations.extend(step.operations);
        for key in step.touched {
            if !self.touched.contains(&key) {
                self.touched.push(key);
            }
        }
    }

    /// Whether a transaction with one more commit stays within the store's limits.
    fn fits(&self, step: &Step, limits: meta::Limits) -> bool {
        // The record, `head`, the fence and the last record come on top.
        const RESERVED_OPERATIONS: usize = 8;
        const RESERVED_BYTES: usize = 4096;
        let operations = self.operations.len() + self.touched.len();
        let operations = operations + step.operations.len() + step.touched.len();
        let compares = self.compares.len() + step.compares.len();
        let total = self.bytes + bytes(&step.operations);
        let keys = 256 * (compares + self.touched.len() + step.touched.len());
        operations.max(compares) + RESERVED_OPERATIONS <= limits.operations_max
            && total + keys + RESERVED_BYTES <= limits.bytes_max
    }
}

/// What operations take of a transaction's bytes.
fn bytes(operations: &[Operation]) -> usize {
    operations.iter().map(Operation::bytes).sum()
}

/// The state after one more member of the group.
fn apply(state: &mut Snapshot, revision: Revision, step: &Step) -> Result<()> {
    use crate::store::meta::Keyspace;
    let put = |key: &Bytes, value: &Bytes| {
        Change::Put(KeyValue {
            key: key.clone(),
            value: value.clone(),
            created: revision,
            modified: revision,
            lease: None,
        })
    };
    let mut changes: Vec<Change> = Vec::new();
    for operation in &step.operations {
        match operation {
            Operation::Put { key, value, .. } => changes.push(put(key, value)),
            Operation::Delete(range) => {
                let key = range.start().clone();
                changes.push(Change::Delete { key, modified: revision });
            }
        }
    }
    // The next member must see that something came; what the transaction compares are the
    // base's revisions.
    changes.extend(step.touched.iter().map(|key| put(key, &Bytes::new())));
    state.apply(revision, &changes).map_err(SqlError::from)
}

/// Says that a group with rows has come to a point.
fn reach(point: FailPoint, members: &[Submission]) {
    let has_rows =
        |member: &Submission| matches!(&member.work, Work::Commit(work) if work.merge.is_none());
    if members.iter().any(has_rows) {
        point.reach();
    }
}

fn reply_all(members: Vec<Submission>, error: &SqlError) {
    for member in members {
        member.fail(error.clone());
    }
}

pub(super) fn unavailable(error: &meta::Error) -> SqlError {
    SqlError::new(SqlState::CANNOT_CONNECT_NOW, "the metadata store is unavailable")
        .with_detail(format!("{error}. Nothing was committed."))
        .with_hint("Run the transaction again.")
}

/// This node is dead to the others.
pub(super) fn fenced() -> SqlError {
    SqlError::fatal(SqlState::CANNOT_CONNECT_NOW, "this node has lost its lease")
        .with_detail("Nothing was committed.")
        .with_hint("Connect again and run the transaction again.")
}

/// A transaction's table has another definition now.
pub(super) fn altered(table: &str) -> SqlError {
    serialization_failure(format!("Table \"{table}\" was altered meanwhile."))
}

/// A lost race.
pub(super) fn serialization_failure(detail: impl Into<String>) -> SqlError {
    SqlError::new(
        SqlState::SERIALIZATION_FAILURE,
        "could not serialize access due to concurrent update",
    )
    .with_detail(detail)
    .with_hint("Run the transaction again.")
}

/// A transaction's table is gone.
pub(super) fn dropped(oid: Oid, name: &str) -> SqlError {
    SqlError::new(SqlState::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist"))
        .with_detail(format!("Table {oid} was dropped while the transaction had changes for it."))
}

/// A table that a validation needs.
pub(super) fn current<'a>(state: &'a Snapshot, oid: Oid, name: &str) -> Result<&'a Arc<Table>> {
    state.tables.get(&oid).ok_or_else(|| dropped(oid, name))
}

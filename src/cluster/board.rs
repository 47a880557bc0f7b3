//! What the sessions of all nodes tell each other: keys that no other process may need once the one
//! that put them is gone, so they live under its lease.
//!
//! ```text
//! /redkite/<database>/sessions/numbers/<number>                     ->  the incarnation
//! /redkite/<database>/sessions/locks/<lock>/<incarnation>/<n>       ->  JSON of who wants it, and how
//! /redkite/<database>/sessions/questions/<to>/<from>/<n>            ->  what is asked
//! /redkite/<database>/sessions/answers/<from>/<n>                   ->  the answer to the question `n`
//! ```
//!
//! Every node mirrors them. A node that is alone has them in its own memory: nothing of them needs to
//! outlive it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::base::{Incarnation, Revision};
use crate::store::meta::{
    Change, Compare, Error, KeyRange, Keyspace, LeaseId, MetaStore, Mirror, MirrorConfig,
    Operation, Outcome, Result, Transaction,
};

use super::locks::{Lock, LockTag};

/// Nodes that have a number at once: what is left of a backend's 31 bits.
const NODES_MAX: u32 = 1 << (31 - CONNECTION_BITS);
/// Of a backend's number, those that tell the connections of one node apart.
const CONNECTION_BITS: u32 = 20;
/// How long what was put may take to arrive in this node's own mirror.
const MIRROR_PATIENCE: Duration = Duration::from_secs(30);
/// Between two tries to remove what is not wanted any more.
const PAUSE: Duration = Duration::from_millis(200);

/// What a board is made of.
#[derive(Clone, Debug)]
pub struct BoardConfig {
    /// The database.
    pub database: String,
    /// This start of this process.
    pub incarnation: Incarnation,
    /// The lease that the keys live under; none where no other process can be.
    pub lease: Option<LeaseId>,
}

/// What this node's sessions tell those of others, and the other way around.
#[derive(Debug)]
pub struct Board {
    store: Arc<dyn MetaStore>,
    mirror: Mirror<Notes>,
    config: BoardConfig,
    prefix: String,
    number: u32,
    next: AtomicU64,
}

/// The board at a revision.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    pub(super) numbers: imbl::OrdMap<u32, Incarnation>,
    pub(super) locks: imbl::OrdMap<(LockTag, Bytes), Arc<Lock>>,
    /// By key.
    pub(super) questions: imbl::OrdMap<Bytes, Bytes>,
    pub(super) answers: imbl::OrdMap<Bytes, Bytes>,
}

/// Who wants a lock, as it is stored.
#[derive(Serialize, Deserialize)]
pub(super) struct LockNote {
    pub(super) pid: i32,
    pub(super) exclusive: bool,
    /// Takes the place of this revision in the queue rather than its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<Revision>,
    pub(super) since_us: i64,
}

impl Keyspace for Notes {
    fn empty() -> Self {
        Self::default()
    }

    fn apply(&mut self, _: Revision, changes: &[Change]) -> Result<()> {
        for change in changes {
            let Ok(text) = std::str::from_utf8(change.key()) else { continue };
            let mut parts = text.split('/').skip(4);
            match (parts.next(), parts.next()) {
                (Some("numbers"), Some(number)) => {
                    let number = number.parse().map_err(Error::corrupt)?;
                    match change.after() {
                        Some(put) => {
                            let owner = String::from_utf8_lossy(&put.value).parse();
                            self.numbers.insert(number, owner.map_err(Error::corrupt)?);
                        }
                        None => drop(self.numbers.remove(&number)),
                    }
                }
                (Some("locks"), Some(tag)) => {
                    let at = (LockTag::parse(tag)?, change.key().clone());
                    match change.after() {
                        Some(put) => {
                            let note = serde_json::from_slice::<LockNote>(&put.value);
                            let note = note.map_err(Error::corrupt)?;
                            let place = note.place.unwrap_or(put.created);
                            let lock = Lock {
                                tag: at.0,
                                pid: note.pid,
                                exclusive: note.exclusive,
                                place,
                                since_us: note.since_us,
                            };
                            self.locks.insert(at, Arc::new(lock));
                        }
                        None => drop(self.locks.remove(&at)),
                    }
                }
                (Some(kind @ ("questions" | "answers")), _) => {
                    let letters =
                        if kind == "answers" { &mut self.answers } else { &mut self.questions };
                    match change.after() {
                        Some(put) => drop(letters.insert(put.key.clone(), put.value.clone())),
                        None => drop(letters.remove(change.key())),
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Board {
    /// Takes a number for this process, and follows what others put.
    ///
    /// # Errors
    /// When the store is unavailable, or all numbers are taken.
    pub async fn join(store: Arc<dyn MetaStore>, config: BoardConfig) -> Result<Arc<Self>> {
        let prefix = format!("/redkite/{}/sessions/", config.database);
        let number = take_number(store.as_ref(), &config, &prefix).await?;
        let range = KeyRange::prefix(prefix.clone());
        let mirror = MirrorConfig::new(range, format!("{prefix}head"));
        let mirror = Mirror::start(Arc::clone(&store), mirror).await?;
        Ok(Arc::new(Self { store, mirror, config, prefix, number, next: AtomicU64::new(1) }))
    }

    /// The numbers that this node's connections have as backends: no other node's have one of them.
    pub fn backend(&self, connection: u32) -> i32 {
        let connection = connection & ((1 << CONNECTION_BITS) - 1);
        i32::try_from((self.number << CONNECTION_BITS) | connection).unwrap_or(i32::MAX)
    }

    /// The node that a backend is a connection of; none where there is no such node.
    pub fn node_of(&self, backend: i32) -> Option<Incarnation> {
        let number = u32::try_from(backend).ok()? >> CONNECTION_BITS;
        self.mirror.current().state.numbers.get(&number).copied()
    }

    /// All nodes but this one.
    pub fn others(&self) -> Vec<Incarnation> {
        let ours = self.config.incarnation;
        let now = self.mirror.current();
        now.state.numbers.values().copied().filter(|node| *node != ours).collect()
    }

    pub(super) fn now(&self) -> Arc<crate::store::meta::Mirrored<Notes>> {
        self.mirror.current()
    }

    /// Tells of the next change after this call.
    pub fn changed(&self) -> impl Future<Output = Revision> + Send + use<> {
        self.mirror.changed()
    }

    pub(super) fn incarnation(&self) -> Incarnation {
        self.config.incarnation
    }

    /// A number that no other key of this process has.
    pub(super) fn fresh(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn key(&self, rest: std::fmt::Arguments<'_>) -> Bytes {
        Bytes::from(format!("{}{rest}", self.prefix))
    }

    /// The keys of a range as the store has them at a moment after this call began.
    pub(super) async fn read(&self, range: KeyRange) -> Result<Notes> {
        let (revision, keys) = self.store.range(range, None).await?;
        let changes: Vec<Change> = keys.into_iter().map(Change::Put).collect();
        let mut notes = Notes::empty();
        notes.apply(revision, &changes)?;
        Ok(notes)
    }

    /// Puts a key that lives as long as this process.
    pub(super) async fn put(&self, key: Bytes, value: Bytes) -> Result<Revision> {
        let operation = leased(key, value, self.config.lease);
        match self.store.transact(Transaction::new().then(operation)).await? {
            Outcome::Committed(revision) | Outcome::Refused(revision) => Ok(revision),
        }
    }

    /// Waits until this node's mirror has a revision.
    pub(super) async fn arrived(&self, revision: Revision) -> Result<()> {
        self.mirror.wait_for(revision, MIRROR_PATIENCE).await.map(|_| ())
    }

    /// Removes keys of this process; this node sees it once it has returned.
    pub(super) async fn remove(&self, keys: &[Bytes]) -> Result<()> {
        let limits = self.store.limits();
        for some in keys.chunks(limits.operations_max.max(1)) {
            let operations = some.iter().cloned().map(Operation::delete).collect();
            let removal = Transaction { compares: Vec::new(), operations };
            match self.store.transact(removal).await? {
                Outcome::Committed(at) | Outcome::Refused(at) => self.arrived(at).await?,
            }
        }
        Ok(())
    }

    /// The same, for as long as it takes: until the keys are gone, or this process's time is over
    /// and they go with its lease.
    pub(super) async fn remove_surely(self: &Arc<Self>, keys: Vec<Bytes>) {
        while !keys.is_empty() {
            match self.remove(&keys).await {
                Ok(()) => return,
                Err(error) => tracing::debug!(%error, "a session's keys are still there"),
            }
            // Nobody else has the board: the process has given it up.
            if Arc::strong_count(self) == 1 {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn leased(key: Bytes, value: Bytes, lease: Option<LeaseId>) -> Operation {
    Operation::Put { key, value, lease }
}

/// The lowest number that nobody has.
async fn take_number(store: &dyn MetaStore, config: &BoardConfig, prefix: &str) -> Result<u32> {
    let owner = Bytes::from(config.incarnation.to_string());
    let numbers = KeyRange::prefix(format!("{prefix}numbers/"));
    loop {
        let (_, taken) = store.range(numbers.clone(), None).await?;
        let named = |number: u32| Bytes::from(format!("{prefix}numbers/{number}"));
        // Ours by a lost answer.
        let ours = taken.iter().find(|taken| taken.value == owner);
        let is_free = |number: &u32| {
            let key = named(*number);
            ours.map_or_else(|| taken.iter().all(|taken| taken.key != key), |ours| ours.key == key)
        };
        let Some(number) = (0..NODES_MAX).find(is_free) else {
            return Err(Error::unavailable("there are too many nodes"));
        };
        if ours.is_some() {
            return Ok(number);
        }
        let key = named(number);
        let take = Transaction::new().when(Compare::Absent(key.clone())).then(leased(
            key,
            owner.clone(),
            config.lease,
        ));
        match store.transact(take).await {
            Ok(Outcome::Committed(_)) => return Ok(number),
            Ok(Outcome::Refused(_)) | Err(Error::Unknown(_)) => {}
            Err(error) => return Err(error),
        }
    }
}

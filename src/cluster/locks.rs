//! Locks that sessions take by name (advisory locks), over all nodes.
//!
//! Who wants a lock puts a key; the revision that made the key is its place in the lock's queue. A
//! session has the lock when no key of another session before its own conflicts with it: so there is
//! nothing to hand over, nobody is passed by, and a lock goes with its holder's lease. Every node sees
//! all queues, and with them whoever waits for whom.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use crate::base::Revision;
use crate::store::meta::{Error, KeyRange, Result};

use super::board::{Board, LockNote, Notes};

/// How long a session waits before it looks whether those it waits for wait for it (PostgreSQL's
/// `deadlock_timeout`).
const DEADLOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// How long who gives a lock back waits until it is gone: the store may be away.
const RELEASE_PATIENCE: Duration = Duration::from_secs(5);

/// What is locked: PostgreSQL's `classid`, `objid` and `objsubid` of an advisory lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockTag {
    /// The key's upper half, or the first of two keys.
    pub class: u32,
    /// The key's lower half, or the second of two keys.
    pub object: u32,
    /// 1 for one key, 2 for two.
    pub kind: u16,
}

impl LockTag {
    /// The lock of one key.
    pub fn of_key(key: i64) -> Self {
        let bits = u64::from_ne_bytes(key.to_ne_bytes());
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or_default();
        Self { class: half(bits >> 32), object: half(bits), kind: 1 }
    }

    /// The lock of two keys.
    pub fn of_keys(first: i32, second: i32) -> Self {
        let bits = |key: i32| u32::from_ne_bytes(key.to_ne_bytes());
        Self { class: bits(first), object: bits(second), kind: 2 }
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let corrupt = || Error::corrupt(format!("\"{text}\" names no lock"));
        let part = |range: std::ops::Range<usize>| text.get(range).ok_or_else(corrupt);
        let number = |text: &str| u32::from_str_radix(text, 16).map_err(Error::corrupt);
        let kind = part(16..text.len())?.parse().map_err(Error::corrupt)?;
        Ok(Self { class: number(part(0..8)?)?, object: number(part(8..16)?)?, kind })
    }
}

impl std::fmt::Display for LockTag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:08x}{:08x}{}", self.class, self.object, self.kind)
    }
}

/// A lock that a session has or waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Which one.
    pub tag: LockTag,
    /// The session's backend.
    pub pid: i32,
    /// Exclusive rather than shared.
    pub exclusive: bool,
    /// Its place in the queue.
    pub(super) place: Revision,
    /// When it was asked for, by its node's clock.
    pub since_us: i64,
}

impl Lock {
    /// Whether it must wait for another.
    fn waits_for(&self, other: &Self) -> bool {
        let before = other.tag == self.tag && other.place < self.place && other.pid != self.pid;
        before && (self.exclusive || other.exclusive)
    }
}

/// What a session wants.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Which lock.
    pub tag: LockTag,
    /// The session's backend.
    pub pid: i32,
    /// Exclusive rather than shared.
    pub exclusive: bool,
    /// The session has the lock already, by this: another mode of it comes with no wait.
    pub beside: Option<Revision>,
    /// Now, by this node's clock.
    pub now_us: i64,
    /// Whether to wait.
    pub wait: bool,
    /// Where to leave what takes the session out of the queue again, if it comes to that.
    pub leaving: Leaving,
}

/// Sessions' ways out of queues: who awaits them knows that the session is in none any more.
pub type Leaving = Arc<Mutex<Vec<JoinHandle<()>>>>;

/// A session's part of a lock, given back by [`Board::release`].
#[derive(Debug)]
pub struct Hold {
    key: Bytes,
    /// Its place in the queue.
    pub place: Revision,
}

/// One of those who wait for each other in a circle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Who waits.
    pub pid: i32,
    /// For which lock.
    pub tag: LockTag,
    /// In which mode.
    pub exclusive: bool,
    /// Who has it, or waits for it before.
    pub blocker: i32,
}

/// What became of a wish.
#[derive(Debug)]
pub enum Acquired {
    /// The session has the lock.
    Granted(Hold),
    /// Somebody else has it, and the session would not wait.
    Busy,
    /// To wait would be to wait for ever: the circle, from the session on.
    Deadlock(Vec<Edge>),
}

/// A key that has been put, or is about to be, and goes unless it is kept.
struct Place {
    board: Arc<Board>,
    key: Bytes,
    put: Option<JoinHandle<Result<Revision>>>,
    kept: bool,
    leaving: Leaving,
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        let (board, key, put) = (Arc::clone(&self.board), self.key.clone(), self.put.take());
        let leaves = tokio::spawn(async move {
            // What is still on its way would come after the removal.
            if let Some(put) = put {
                let _put = put.await;
            }
            board.remove_surely(vec![key]).await;
        });
        self.leaving.lock().push(leaves);
    }
}

impl Board {
    /// Takes a lock for a session. Dropped while it waits, it waits no longer, and leaves the queue.
    ///
    /// # Errors
    /// When the store is unavailable, or this process's lease is gone.
    pub async fn acquire(self: &Arc<Self>, wanted: Wanted) -> Result<Acquired> {
        let Wanted { tag, pid, exclusive, beside, now_us, wait, leaving } = wanted;
        if !wait && beside.is_none() {
            // A key that is put only to be taken away again would be in others' way.
            let all = KeyRange::prefix(self.key(format_args!("locks/{tag}/")));
            let queue = self.read(all).await?;
            let conflicts = |lock: &Arc<Lock>| lock.pid != pid && (exclusive || lock.exclusive);
            if queue.locks.values().any(conflicts) {
                return Ok(Acquired::Busy);
            }
        }
        let note = LockNote { pid, exclusive, place: beside, since_us: now_us };
        let value = serde_json::to_vec(&note).map(Bytes::from).map_err(Error::corrupt)?;
        let (incarnation, number) = (self.incarnation(), self.fresh());
        let key = self.key(format_args!("locks/{tag}/{incarnation}/{number}"));
        let board = Arc::clone(self);
        let mut place = Place { board, key: key.clone(), put: None, kept: false, leaving };
        let (board, at) = (Arc::clone(self), key.clone());
        let put = place.put.insert(tokio::spawn(async move { board.put(at, value).await }));
        let put = put.await.map_err(Error::unknown)??;
        place.put = None;
        self.arrived(put).await?;
        let acquired = self.granted(&(tag, key.clone()), beside.unwrap_or(put), wait).await?;
        place.kept = matches!(acquired, Acquired::Granted(_));
        Ok(acquired)
    }

    /// Waits until the lock of a key is its session's.
    async fn granted(&self, at: &(LockTag, Bytes), own: Revision, wait: bool) -> Result<Acquired> {
        let mut look_at = tokio::time::Instant::now() + DEADLOCK_TIMEOUT;
        loop {
            let changed = self.changed();
            let now = self.now();
            let notes = &now.state;
            // Keys of this process go with its lease only.
            let Some(lock) = notes.locks.get(at) else { return Err(Error::LeaseGone) };
            if notes.blockers(lock).next().is_none() {
                return Ok(Acquired::Granted(Hold { key: at.1.clone(), place: own }));
            }
            if !wait {
                return Ok(Acquired::Busy);
            }
            if tokio::time::Instant::now() >= look_at {
                if let Some(circle) = notes.circle(lock) {
                    return Ok(Acquired::Deadlock(circle));
                }
                look_at += DEADLOCK_TIMEOUT;
            }
            // Whether it was a change or the time, the loop looks.
            let _ = tokio::time::timeout_at(look_at, changed).await;
        }
    }

    /// Gives locks back. What takes long, or is not waited for, goes on in the background.
    pub async fn release(self: &Arc<Self>, holds: Vec<Hold>) {
        let keys: Vec<Bytes> = holds.into_iter().map(|hold| hold.key).collect();
        if keys.is_empty() {
            return;
        }
        let board = Arc::clone(self);
        let removal = tokio::spawn(async move { board.remove_surely(keys).await });
        let _removed = tokio::time::timeout(RELEASE_PATIENCE, removal).await;
    }

    /// All locks that sessions of all nodes have or wait for, and whether they have them.
    pub fn locks(&self) -> Vec<(Lock, bool)> {
        let now = self.now();
        let notes = &now.state;
        let with_state = |lock: &Arc<Lock>| {
            let granted = notes.blockers(lock).next().is_none();
            (Lock::clone(lock), granted)
        };
        notes.locks.values().map(with_state).collect()
    }
}

impl Notes {
    /// Whom a lock's session waits for.
    fn blockers<'a>(&'a self, lock: &'a Lock) -> impl Iterator<Item = &'a Arc<Lock>> + 'a {
        let of_tag = self.locks.range((lock.tag, Bytes::new())..).map(|(_, other)| other);
        let of_tag = of_tag.take_while(|other| other.tag == lock.tag);
        of_tag.filter(|other| lock.waits_for(other))
    }

    /// What a session waits for.
    fn waiting(&self, pid: i32) -> Option<&Arc<Lock>> {
        let mine = self.locks.values().filter(|lock| lock.pid == pid);
        mine.into_iter().find(|lock| self.blockers(lock).next().is_some())
    }

    /// The circle of waiting sessions that a waiting lock closes. Only the one that came last to it
    /// is told: its going is enough.
    fn circle(&self, lock: &Lock) -> Option<Vec<Edge>> {
        let mut seen = HashSet::new();
        let circle = self.path(lock, lock.pid, &mut seen)?;
        let last = circle.iter().filter_map(|edge| self.waiting(edge.pid)).map(|lock| lock.place);
        (last.max() == Some(lock.place)).then_some(circle)
    }

    /// The way from a waiting lock to a session, by those who wait.
    fn path(&self, lock: &Lock, to: i32, seen: &mut HashSet<i32>) -> Option<Vec<Edge>> {
        for other in self.blockers(lock) {
            let Lock { pid, tag, exclusive, .. } = *lock;
            let edge = Edge { pid, tag, exclusive, blocker: other.pid };
            if other.pid == to {
                return Some(vec![edge]);
            }
            if !seen.insert(other.pid) {
                continue;
            }
            let rest = self.waiting(other.pid).and_then(|next| self.path(next, to, seen));
            if let Some(rest) = rest {
                return Some([vec![edge], rest].concat());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;

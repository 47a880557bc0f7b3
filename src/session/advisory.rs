//! Advisory locks of a session: which it has, how often, and until when.
//!
//! Between the nodes a lock is one key on the board ([`crate::cluster::Board`]); how many times the
//! session took it, and whether for itself or for its transaction, only the session knows. What a
//! transaction took goes at its end, and is away before the client is told of it
//! ([`Session::settle`]); the rest at the session's.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::base::{Oid, Result, SqlError, SqlState};
use crate::cluster::{Acquired, Board, Edge, Hold, Leaving, LockTag, Wanted};
use crate::exec::AdvisoryLock;

use super::connection::Session;
use super::transaction::State;

/// How long a client waits for its session to leave a queue.
const LEAVING_PATIENCE: Duration = Duration::from_secs(5);

/// The locks that a session has.
#[derive(Debug, Default)]
pub(super) struct AdvisoryLocks {
    /// By what is locked, and whether exclusively.
    held: HashMap<(LockTag, bool), Held>,
    /// Those that are to be given back.
    ended: Vec<Hold>,
    /// The session's ways out of queues in which it waited in vain.
    leaving: Leaving,
}

#[derive(Debug)]
struct Held {
    hold: Hold,
    /// How often the session took it for itself.
    by_session: u64,
    /// How often for its transaction.
    by_transaction: u64,
}

impl Held {
    fn count(&mut self, transaction: bool) -> &mut u64 {
        if transaction { &mut self.by_transaction } else { &mut self.by_session }
    }
}

impl AdvisoryLocks {
    /// Takes a lock that the session has already once more; whether it has it.
    fn again(&mut self, lock: &AdvisoryLock) -> bool {
        let held = self.held.get_mut(&(lock.tag, lock.exclusive));
        held.map(|held| *held.count(lock.transaction) += 1).is_some()
    }

    /// Keeps a lock that has come.
    fn keep(&mut self, lock: &AdvisoryLock, hold: Hold) {
        if self.again(lock) {
            // Two calls of one statement took it at the same time.
            self.ended.push(hold);
            return;
        }
        let mut held = Held { hold, by_session: 0, by_transaction: 0 };
        *held.count(lock.transaction) += 1;
        self.held.insert((lock.tag, lock.exclusive), held);
    }

    /// Gives back what fits; whether a lock goes is told by what is left of it.
    fn give_back(&mut self, mut change: impl FnMut(&(LockTag, bool), &mut Held)) {
        self.held.iter_mut().for_each(|(at, held)| change(at, held));
        let gone = self.held.extract_if(|_, held| held.by_session + held.by_transaction == 0);
        self.ended.extend(gone.map(|(_, held)| held.hold));
    }

    /// The transaction has ended.
    pub(super) fn end_transaction(&mut self) {
        if !self.held.is_empty() {
            self.give_back(|_, held| held.by_transaction = 0);
        }
    }

    fn end_session(&mut self) -> Vec<Hold> {
        self.give_back(|_, held| (held.by_session, held.by_transaction) = (0, 0));
        std::mem::take(&mut self.ended)
    }
}

/// Who takes a lock.
#[derive(Debug)]
pub(super) struct Taker {
    pub(super) board: Arc<Board>,
    pub(super) locks: Arc<Mutex<AdvisoryLocks>>,
    pub(super) pid: i32,
    pub(super) database: Oid,
    /// `lock_timeout`.
    pub(super) patience: Option<Duration>,
    pub(super) now_us: i64,
}

impl Taker {
    /// Takes a lock; false: it is another's, and the call would not wait.
    ///
    /// # Errors
    /// 40P01 when waiting would not end, 55P03 after `lock_timeout`, 57P03.
    pub(super) async fn take(self, lock: AdvisoryLock) -> Result<bool> {
        let (beside, leaving) = {
            let mut locks = self.locks.lock();
            if locks.again(&lock) {
                return Ok(true);
            }
            let stronger = locks.held.get(&(lock.tag, true)).map(|held| held.hold.place);
            (stronger.filter(|_| !lock.exclusive), Arc::clone(&locks.leaving))
        };
        let AdvisoryLock { tag, exclusive, wait, .. } = lock;
        let (pid, now_us) = (self.pid, self.now_us);
        let wanted = Wanted { tag, exclusive, wait, beside, pid, now_us, leaving };
        let acquiring = self.board.acquire(wanted);
        let acquired = match self.patience {
            Some(patience) => tokio::time::timeout(patience, acquiring).await.map_err(|_| {
                let message = "canceling statement due to lock timeout";
                SqlError::new(SqlState::LOCK_NOT_AVAILABLE, message)
            })?,
            None => acquiring.await,
        };
        match acquired? {
            Acquired::Granted(hold) => {
                self.locks.lock().keep(&lock, hold);
                Ok(true)
            }
            Acquired::Busy => Ok(false),
            Acquired::Deadlock(circle) => Err(deadlock(&circle, self.database)),
        }
    }

    /// Gives a lock of the session back, once; whether it had it for itself.
    pub(super) async fn give_back(self, tag: LockTag, exclusive: bool) -> bool {
        let mut had = false;
        self.locks.lock().give_back(|at, held| {
            if *at == (tag, exclusive) && held.by_session > 0 {
                held.by_session -= 1;
                had = true;
            }
        });
        self.send_back().await;
        had
    }

    /// Gives all locks of the session back that its transaction doesn't need.
    pub(super) async fn give_all_back(self) {
        self.locks.lock().give_back(|_, held| held.by_session = 0);
        self.send_back().await;
    }

    async fn send_back(&self) {
        let ended = std::mem::take(&mut self.locks.lock().ended);
        self.board.release(ended).await;
    }
}

/// 40P01 in PostgreSQL's words.
fn deadlock(circle: &[Edge], database: Oid) -> SqlError {
    let line = |edge: &Edge| {
        let Edge { pid, tag, exclusive, blocker } = edge;
        let mode = mode(*exclusive);
        let LockTag { class, object, kind } = tag;
        format!(
            "Process {pid} waits for {mode} on advisory lock [{database},{class},{object},{kind}]; \
             blocked by process {blocker}."
        )
    };
    let lines: Vec<String> = circle.iter().map(line).collect();
    SqlError::new(SqlState::DEADLOCK_DETECTED, "deadlock detected").with_detail(lines.join("\n"))
}

/// The mode's name.
pub(super) fn mode(exclusive: bool) -> &'static str {
    if exclusive { "ExclusiveLock" } else { "ShareLock" }
}

impl Session {
    /// What ended with the transaction is given back, so that nobody who hears of its end finds it
    /// taken; and what was said up to it has arrived.
    pub async fn settle(&mut self) {
        let (ended, leaving) = {
            let mut locks = self.shared.locks.lock();
            // A query that was no transaction of its own had one as long as it ran.
            if let State::Idle = self.state {
                locks.end_transaction();
            }
            (std::mem::take(&mut locks.ended), std::mem::take(&mut *locks.leaving.lock()))
        };
        for leaves in leaving {
            // It may take as long as the store is away: the client is not kept waiting for that.
            let _left = tokio::time::timeout(LEAVING_PATIENCE, leaves).await;
        }
        if !ended.is_empty() {
            self.server.parts.board.release(ended).await;
        }
        self.hear_what_was_seen().await;
    }

    /// The connection is about to end: what the session has is given back.
    pub async fn end(&mut self) {
        let held = self.shared.locks.lock().end_session();
        self.server.parts.board.release(held).await;
    }

    /// The same where nobody can wait for it.
    pub(super) fn end_unseen(&self) {
        let held = self.shared.locks.lock().end_session();
        let board = Arc::clone(&self.server.parts.board);
        if !held.is_empty()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move { board.release(held).await });
        }
    }
}

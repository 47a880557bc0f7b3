//! What a node asks the others on behalf of its sessions: to stop what a connection of theirs runs, to
//! tell what their connections do, to drain.
//!
//! Backends have numbers that no other node's have ([`crate::cluster::Board::backend`]), so a number
//! tells whom to ask. Who may do what is decided by the node that does it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::base::{Incarnation, Oid, Result, SqlError, SqlState};
use crate::catalog::access::{Access, SIGNAL_BACKEND};
use crate::catalog::system::ActivityRow;
use crate::cluster::{Board, Question};

use super::server::Server;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// After a cancel request was passed on, before another one takes its place.
const PASSING_ON_PAUSE: Duration = Duration::from_millis(100);
/// Connections that a node tells others of: an answer must fit a metadata transaction.
const ACTIVITIES_MAX: usize = 1_000;
/// How much of a statement others are told.
const QUERY_BYTES_MAX: usize = 256;

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
enum Request {
    /// A client's CancelRequest, with the hash of its secret.
    Cancel { pid: i32, proof: Vec<u8> },
    /// `pg_cancel_backend` or, to end it, `pg_terminate_backend`, by a role.
    Signal { pid: i32, end: bool, role: Oid },
    /// What connections do.
    Activities,
    /// To take no more work, finish, and end.
    Drain,
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    /// Whether there was such a connection.
    Signalled(bool),
    /// The role may not.
    Denied,
    /// What connections do.
    Activities(Vec<ActivityRow>),
    /// It drains.
    Draining,
}

/// Answers what other nodes ask, for as long as it is polled.
pub async fn answer_others(server: Arc<Server>) {
    let mut answered: HashSet<Bytes> = HashSet::new();
    loop {
        let changed = server.parts.board.changed();
        let questions = server.parts.board.questions();
        answered.retain(|name| questions.iter().any(|question| question.name() == name));
        for question in questions {
            if answered.insert(question.name().clone()) {
                tokio::spawn(answer(Arc::clone(&server), question));
            }
        }
        changed.await;
    }
}

async fn answer(server: Arc<Server>, question: Question) {
    let request = match serde_json::from_slice(&question.text) {
        Ok(request) => request,
        // Of a newer version: who asks it waits in vain.
        Err(error) => return tracing::warn!(%error, "a question that makes no sense"),
    };
    let answer = match request {
        Request::Cancel { pid, proof } => Answer::Signalled(server.cancel_proved(pid, &proof)),
        Request::Signal { pid, end, role } => match server.signal_here(pid, end, role) {
            Ok(done) => Answer::Signalled(done),
            Err(_) => Answer::Denied,
        },
        Request::Activities => Answer::Activities(told(server.activities())),
        Request::Drain => {
            server.parts.drain.cancel();
            Answer::Draining
        }
    };
    let told = match encode(&answer) {
        Ok(text) => server.parts.board.answer(&question, text).await.map_err(SqlError::from),
        Err(error) => Err(error),
    };
    if let Err(error) = told {
        tracing::debug!(%error, "an answer to another node is lost");
    }
}

/// What others are told of connections.
fn told(mut activities: Vec<ActivityRow>) -> Vec<ActivityRow> {
    activities.truncate(ACTIVITIES_MAX);
    for activity in &mut activities {
        let mut end = activity.query.len().min(QUERY_BYTES_MAX);
        while !activity.query.is_char_boundary(end) {
            end -= 1;
        }
        activity.query.truncate(end);
    }
    activities
}

fn encode(value: &impl Serialize) -> Result<Bytes> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|e| SqlError::internal(e.to_string()))
}

/// What stands for a secret where others can see it.
fn proof(secret: &[u8]) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}

async fn ask(board: &Arc<Board>, node: Incarnation, request: &Request) -> Result<Option<Answer>> {
    let heard = board.ask(node, encode(request)?, PATIENCE).await?;
    let read = |text: Bytes| serde_json::from_slice(&text).ok();
    Ok(heard.and_then(read))
}

/// Asks a node to take no more work, to finish what it runs and to end; whether it said that it does.
///
/// # Errors
/// When the metadata store is unavailable.
pub async fn drain_node(board: &Arc<Board>, node: Incarnation) -> Result<bool> {
    let answer = ask(board, node, &Request::Drain).await?;
    Ok(matches!(answer, Some(Answer::Draining)))
}

impl Server {
    /// Stops what the connection with this key runs, whichever node's it is.
    pub fn cancel(self: &Arc<Self>, pid: i32, secret: &[u8]) {
        if self.has(pid) {
            self.cancel_proved(pid, &proof(secret));
            return;
        }
        let node = self.parts.board.node_of(pid);
        let Some(node) = node.filter(|node| *node != self.engine().incarnation()) else { return };
        // Anybody may send such requests: so many are passed on in a while, and others are not.
        let Ok(permit) = Arc::clone(&self.passing_on).try_acquire_owned() else { return };
        let (board, request) =
            (Arc::clone(&self.parts.board), Request::Cancel { pid, proof: proof(secret) });
        tokio::spawn(async move {
            if let Err(error) = ask(&board, node, &request).await {
                tracing::debug!(%error, "a cancel request to another node");
            }
            tokio::time::sleep(PASSING_ON_PAUSE).await;
            drop(permit);
        });
    }

    /// Stops what a connection of this node runs, if the hash is that of its secret.
    fn cancel_proved(&self, pid: i32, proved: &[u8]) -> bool {
        let is_its = self.secret_of(pid).is_some_and(|secret| proof(&secret) == proved);
        is_its && self.signal(pid, false)
    }

    /// `pg_cancel_backend` and `pg_terminate_backend`: whether there is such a connection, on
    /// whichever node.
    ///
    /// # Errors
    /// 42501, 57P03.
    pub(super) async fn signal_as(&self, pid: i32, end: bool, role: Oid) -> Result<bool> {
        let board = &self.parts.board;
        let elsewhere = board.node_of(pid).filter(|node| *node != self.engine().incarnation());
        let Some(node) = elsewhere else { return self.signal_here(pid, end, role) };
        match ask(board, node, &Request::Signal { pid, end, role }).await? {
            Some(Answer::Signalled(done)) => Ok(done),
            Some(Answer::Denied) => Err(denied(end)),
            Some(Answer::Activities(_) | Answer::Draining) | None => Ok(false),
        }
    }

    fn signal_here(&self, pid: i32, end: bool, role: Oid) -> Result<bool> {
        let Some(target) = self.role_of(pid) else { return Ok(false) };
        let newest = self.engine().current();
        let access = Access::new(&newest.state, role);
        let own = access.has_role(target) || access.has_role(SIGNAL_BACKEND);
        let above = Access::new(&newest.state, target).is_superuser() && !access.is_superuser();
        if !own || above {
            return Err(denied(end));
        }
        Ok(self.signal(pid, end))
    }

    /// What connections of all other nodes do now; of those that do not answer nothing is known.
    pub(super) async fn activities_elsewhere(&self) -> Vec<ActivityRow> {
        let board = &self.parts.board;
        let asked = board.others().into_iter().map(|node| ask(board, node, &Request::Activities));
        let mut activities = Vec::new();
        for answer in join_all(asked).await {
            match answer {
                Ok(Some(Answer::Activities(rows))) => activities.extend(rows),
                Ok(_) => tracing::debug!("a node does not tell what its connections do"),
                Err(error) => tracing::debug!(%error, "asking what other nodes' connections do"),
            }
        }
        activities.sort_by_key(|activity| activity.pid);
        activities
    }
}

fn denied(end: bool) -> SqlError {
    let what = if end { "terminate process" } else { "cancel query" };
    let message = format!("permission denied to {what}");
    SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
}

//! What NOTIFY has said, from its commit until every node has heard it.
//!
//! A transaction's notifications are one key that its commit puts: nobody hears of what was not
//! committed. Nodes hear them in the order of revisions, which is that of the commits.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::base::{CommitId, Revision};
use crate::store::meta::{Error, Result};

/// One notification.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Notification {
    /// The channel.
    pub channel: String,
    /// What is said.
    pub payload: String,
    /// The backend that said it.
    pub pid: i32,
}

impl Notification {
    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.channel.len() + self.payload.len()
    }
}

/// The notifications of a commit, as its key holds them.
///
/// # Errors
/// None that happens.
pub fn encode_notifications(notifications: &[Notification]) -> Result<Bytes> {
    serde_json::to_vec(notifications).map(Bytes::from).map_err(Error::corrupt)
}

/// What is still to be heard, by somebody.
#[derive(Clone, Debug, Default)]
pub struct Notifications {
    /// A commit's, by its revision.
    commits: imbl::OrdMap<(Revision, CommitId), Arc<[Notification]>>,
    revisions: imbl::HashMap<CommitId, Revision>,
    bytes: usize,
}

impl Notifications {
    /// Those that were committed after a revision, in order.
    pub fn after(&self, revision: Revision) -> impl Iterator<Item = (Revision, &Notification)> {
        let newer = self.commits.iter().rev().take_while(move |((at, _), _)| *at > revision);
        let newer: Vec<_> = newer.collect();
        newer.into_iter().rev().flat_map(|((at, _), commit)| {
            let at = *at;
            commit.iter().map(move |one| (at, one))
        })
    }

    /// The commits whose notifications all have heard who have seen a revision.
    pub fn heard_at(&self, revision: Revision) -> Vec<CommitId> {
        let old = self.commits.keys().take_while(|(at, _)| *at <= revision);
        old.map(|(_, commit)| *commit).collect()
    }

    /// Bytes that they take, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn put(&mut self, commit: CommitId, at: Revision, value: &Bytes) -> Result<()> {
        let notifications: Arc<[Notification]> =
            serde_json::from_slice(value).map_err(Error::corrupt)?;
        self.remove(commit);
        self.bytes += bytes_of(&notifications);
        self.commits.insert((at, commit), notifications);
        self.revisions.insert(commit, at);
        Ok(())
    }

    pub(super) fn remove(&mut self, commit: CommitId) {
        let Some(at) = self.revisions.remove(&commit) else { return };
        if let Some(gone) = self.commits.remove(&(at, commit)) {
            self.bytes = self.bytes.saturating_sub(bytes_of(&gone));
        }
    }
}

fn bytes_of(notifications: &[Notification]) -> usize {
    notifications.iter().map(Notification::bytes).sum()
}

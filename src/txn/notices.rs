//! What an open transaction has to say by NOTIFY, and what becomes of it after the commit.

use std::collections::HashSet;
use std::sync::Arc;

use crate::base::limits::{NOTIFICATION_BYTES_MAX, NOTIFICATIONS_BYTES_MAX};
use crate::base::{Result, Revision, SqlError, SqlState};
use crate::catalog::{Notification, Snapshot};
use crate::store::meta::{Operation, Transaction};

use super::engine::Engine;

/// Keys that one metadata transaction removes: within etcd's limits.
const KEYS_AT_ONCE: usize = 100;

/// What a transaction has to say, each thing once, in order.
#[derive(Debug, Default)]
pub(super) struct Notices {
    list: Vec<Arc<Notification>>,
    known: HashSet<Arc<Notification>>,
    bytes: usize,
}

impl Notices {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn add(&mut self, notification: Notification) -> Result<()> {
        let notification = Arc::new(notification);
        if self.known.contains(&notification) {
            return Ok(());
        }
        self.bytes += notification.bytes();
        if self.bytes > NOTIFICATION_BYTES_MAX {
            return Err(SqlError::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                "too many notifications in one transaction",
            ));
        }
        self.known.insert(Arc::clone(&notification));
        self.list.push(notification);
        Ok(())
    }

    pub(super) fn truncate(&mut self, count: usize) {
        for gone in self.list.drain(count.min(self.list.len())..) {
            self.bytes -= gone.bytes();
            self.known.remove(&gone);
        }
    }

    pub(super) fn into_vec(self) -> Vec<Notification> {
        drop(self.known);
        self.list.into_iter().map(Arc::unwrap_or_clone).collect()
    }
}

/// 54000 when a commit would say more than fits among what is not heard yet.
pub(super) fn check_queue(notifications: &[Notification], state: &Snapshot) -> Result<()> {
    let more: usize = notifications.iter().map(Notification::bytes).sum();
    if more > 0 && state.notifications.bytes() + more > NOTIFICATIONS_BYTES_MAX {
        let message = "too many notifications in the NOTIFY queue";
        return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
            .with_detail("Some node has not heard them yet.")
            .with_hint("A transaction that is open for long may keep them."));
    }
    Ok(())
}

impl Engine {
    /// Tells of the next revision after this call.
    pub fn changed(&self) -> impl Future<Output = Revision> + Send + use<> {
        self.mirror().changed()
    }

    /// Removes what all have heard who have seen a revision. Returns how many commits' notifications.
    ///
    /// # Errors
    /// When the metadata store is unavailable.
    pub async fn remove_heard(&self, horizon: Revision) -> Result<usize> {
        let heard = self.current().state.notifications.heard_at(horizon);
        for some in heard.chunks(KEYS_AT_ONCE) {
            let remove = |commit| Operation::delete(self.keys().notifications(commit));
            let operations = some.iter().copied().map(remove).collect();
            self.meta().transact(Transaction { compares: Vec::new(), operations }).await?;
        }
        Ok(heard.len())
    }
}

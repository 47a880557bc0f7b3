//! What NOTIFY has said to one connection and its client has not been told yet.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::base::limits::INBOX_BYTES_MAX;
use crate::catalog::Notification;

/// Filled by the node, emptied by the connection.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    notifications: VecDeque<Notification>,
    bytes: usize,
}

impl Inbox {
    /// Adds one; false where too many wait.
    pub(super) fn add(&self, notification: &Notification) -> bool {
        let mut waiting = self.waiting.lock();
        waiting.bytes += notification.bytes();
        if waiting.bytes > INBOX_BYTES_MAX {
            return false;
        }
        waiting.notifications.push_back(notification.clone());
        drop(waiting);
        self.arrived.notify_one();
        true
    }

    /// Takes all.
    pub(super) fn take(&self) -> VecDeque<Notification> {
        std::mem::take(&mut *self.waiting.lock()).notifications
    }

    /// Waits until there is something.
    pub(super) async fn filled(self: Arc<Self>) {
        while self.waiting.lock().notifications.is_empty() {
            self.arrived.notified().await;
        }
    }
}

//! LISTEN, UNLISTEN and NOTIFY.
//!
//! NOTIFY adds to the transaction's write set, so that what is said is a part of the commit. A task of
//! the node ([`hear`]) follows the metadata revision by revision and hands what was said to the
//! connections that listen. LISTEN takes effect at its transaction's commit; who listens is known to
//! its node only.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::base::limits::{IDENTIFIER_BYTES_MAX, NOTIFICATION_PAYLOAD_BYTES_MAX};
use crate::base::{Result, Revision, SqlError, SqlState};
use crate::catalog::Notification;

use super::connection::Session;
use super::inbox::Inbox;
use super::outcome::Outcome;
use super::server::Server;
use super::transaction::State;

/// How long a connection that listens waits for what was said up to its own last commit.
const HEARING_PATIENCE: Duration = Duration::from_secs(5);

/// What a transaction changes about what its session listens to.
#[derive(Clone, Debug)]
pub(super) enum Listening {
    /// LISTEN, and as of when.
    To(String, Revision),
    /// UNLISTEN.
    NotTo(String),
    /// UNLISTEN *.
    Nothing,
}

/// Who listens on this node.
#[derive(Debug)]
pub(super) struct Listeners {
    channels: Mutex<HashMap<String, HashMap<i32, Listener>>>,
    /// Everything up to this revision has been handed over.
    heard: watch::Sender<Revision>,
}

#[derive(Debug)]
struct Listener {
    /// What was said later is for it.
    since: Revision,
    inbox: Arc<Inbox>,
}

impl Default for Listeners {
    fn default() -> Self {
        Self { channels: Mutex::default(), heard: watch::Sender::new(Revision(0)) }
    }
}

impl Listeners {
    fn add(&self, channel: &str, pid: i32, listener: Listener) {
        let mut channels = self.channels.lock();
        // Who listens already goes on.
        channels.entry(channel.to_owned()).or_default().entry(pid).or_insert(listener);
    }

    fn remove(&self, channel: &str, pid: i32) {
        let mut channels = self.channels.lock();
        let Some(listeners) = channels.get_mut(channel) else { return };
        listeners.remove(&pid);
        if listeners.is_empty() {
            channels.remove(channel);
        }
    }

    /// Hands a notification over; the connections that have no room left for it.
    fn hand_over(&self, at: Revision, notification: &Notification) -> Vec<i32> {
        let channels = self.channels.lock();
        let Some(listeners) = channels.get(&notification.channel) else { return Vec::new() };
        let meant = listeners.iter().filter(|(_, listener)| listener.since < at);
        let full = meant.filter(|(_, listener)| !listener.inbox.add(notification));
        full.map(|(pid, _)| *pid).collect()
    }
}

/// Hands what is said to the connections of this node that listen, for as long as it is polled.
pub async fn hear(server: Arc<Server>) {
    // What is held is kept: nothing that is newer is removed before it was looked at.
    let mut last = server.engine().current();
    loop {
        let changed = server.engine().changed();
        let now = server.engine().current();
        for (at, notification) in now.state.notifications.after(last.revision) {
            for pid in server.listeners.hand_over(at, notification) {
                tracing::warn!(pid, "a client listens and does not read: its connection ends");
                server.signal(pid, true);
            }
        }
        server.listeners.heard.send_replace(now.revision);
        last = now;
        changed.await;
    }
}

/// A notification, checked.
///
/// # Errors
/// 22023.
pub(super) fn notification(channel: &str, payload: &str, pid: i32) -> Result<Notification> {
    let invalid = |message: &str| Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
    if channel.is_empty() {
        return invalid("channel name cannot be empty");
    }
    if channel.len() > IDENTIFIER_BYTES_MAX {
        return invalid("channel name too long");
    }
    if payload.len() > NOTIFICATION_PAYLOAD_BYTES_MAX {
        return invalid("payload string too long");
    }
    Ok(Notification { channel: channel.to_owned(), payload: payload.to_owned(), pid })
}

impl Session {
    /// NOTIFY.
    pub(super) fn notify(&mut self, channel: &str, payload: &str) -> Result<Outcome> {
        let notification = notification(channel, payload, self.backend_key().0)?;
        match self.transaction() {
            Some(open) => open.writes.notify(notification)?,
            None => return Err(SqlError::internal("NOTIFY without a transaction")),
        }
        Ok(Outcome::command("NOTIFY"))
    }

    /// What queries have done beside returning rows becomes a part of the transaction.
    pub(super) fn take_over_effects(&mut self) -> Result<()> {
        self.take_over_locked()?;
        self.take_over_notifications()
    }

    /// What `pg_notify` was called with becomes a part of the transaction.
    fn take_over_notifications(&mut self) -> Result<()> {
        let said = std::mem::take(&mut *self.shared.notifications.lock());
        if said.is_empty() {
            return Ok(());
        }
        if let Some(open) = self.transaction() {
            for notification in said {
                open.writes.notify(notification)?;
            }
        }
        Ok(())
    }

    /// LISTEN and UNLISTEN: at once, or when the open transaction is committed.
    pub(super) fn listen(&mut self, change: Listening, tag: &'static str) -> Outcome {
        match &mut self.state {
            State::Implicit(open) | State::Block(open) => open.listening.push(change),
            State::Idle | State::Failed(_) => self.apply_listening(vec![change]),
        }
        Outcome::command(tag)
    }

    /// A transaction that changed what the session listens to is committed.
    pub(super) fn apply_listening(&mut self, changes: Vec<Listening>) {
        let pid = self.backend_key().0;
        let listeners = &self.server.listeners;
        for change in changes {
            let mut channels = self.shared.channels.lock();
            match change {
                Listening::To(channel, since) => {
                    let inbox = Arc::clone(&self.inbox);
                    listeners.add(&channel, pid, Listener { since, inbox });
                    channels.insert(channel);
                }
                Listening::NotTo(channel) => {
                    listeners.remove(&channel, pid);
                    channels.remove(&channel);
                }
                Listening::Nothing => {
                    let all: BTreeSet<String> = std::mem::take(&mut channels);
                    all.iter().for_each(|channel| listeners.remove(channel, pid));
                }
            }
        }
    }

    /// What was said up to what this session has seen is in its inbox, if it listens.
    pub(super) async fn hear_what_was_seen(&self) {
        if self.shared.channels.lock().is_empty() {
            return;
        }
        let mut heard = self.server.listeners.heard.subscribe();
        let seen = self.seen;
        let all = heard.wait_for(|heard| *heard >= seen);
        if tokio::time::timeout(HEARING_PATIENCE, all).await.is_err() {
            tracing::debug!(%seen, "notifications come later");
        }
    }

    /// What the client is to be told now.
    pub fn take_notifications(&mut self) -> Vec<Notification> {
        self.inbox.take().into()
    }

    /// Waits until there is something to tell the client.
    pub fn notified(&self) -> impl Future<Output = ()> + Send + use<> {
        Arc::clone(&self.inbox).filled()
    }
}

//! A watch as a stream of whole revisions.
//!
//! Without fragments, etcd never splits a revision over two responses. Events come in the
//! order of their revisions; progress is told by etcd now and then on the watch itself, after the
//! events that it covers, and on request, where the version's word can be trusted. The requests
//! also tell whether the other side is still there: a connection that went silent looks
//! exactly like one on which nothing happens.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use etcd_client::{EventType, WatchClient, WatchOptions, WatchResponse, WatchStream};
use futures::stream::{self, BoxStream, StreamExt};

use super::super::{Change, Error, KeyRange, Result, WatchEvent};
use super::failure::Failure;
use super::{EtcdConfig, convert};
use crate::base::Revision;

/// Ticks without a word before a watch is given up.
const SILENT_TICKS_MAX: u32 = 4;

/// Starts a watch and waits until etcd has confirmed it.
pub(super) async fn watch(
    mut client: WatchClient,
    range: KeyRange,
    from: Revision,
    config: &EtcdConfig,
    progress_is_proof: bool,
) -> Result<BoxStream<'static, Result<WatchEvent>>> {
    if range.is_empty() {
        return Ok(stream::pending().boxed());
    }
    // One revision early: some versions of etcd lose a deletion at exactly the revision that was
    // compacted (etcd-io/etcd#19179), and let a watch start there.
    let start = Revision(from.0.saturating_sub(1).max(1));
    let mut options =
        WatchOptions::new().with_start_revision(convert::signed(start)?).with_progress_notify();
    if let Some(end) = convert::end(&range) {
        options = options.with_range(end);
    }
    let key = convert::start(&range);
    let watching = async {
        let mut stream = client
            .watch(key, Some(options))
            .await
            .map_err(|error| Failure::of_read(error).error)?;
        let created = message(&mut stream).await?;
        Ok((stream, created))
    };
    let (stream, created) = tokio::time::timeout(config.request_timeout, watching)
        .await
        .unwrap_or_else(|_| Err(Error::unavailable("etcd did not confirm a watch in time")))?;
    let mut watching = Watching {
        stream,
        next: from.max(Revision(1)),
        told: VecDeque::new(),
        tick: config.watch_tick,
        silent_ticks: 0,
        progress_is_proof,
    };
    watching.take(&created)?;
    let events = stream::unfold(Some(watching), |watching| async move {
        let mut watching = watching?;
        match watching.next().await {
            Ok(event) => Some((Ok(event), Some(watching))),
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok(events.boxed())
}

struct Watching {
    stream: WatchStream,
    /// The first revision that has not been told.
    next: Revision,
    told: VecDeque<WatchEvent>,
    tick: Duration,
    silent_ticks: u32,
    progress_is_proof: bool,
}

impl Watching {
    async fn next(&mut self) -> Result<WatchEvent> {
        loop {
            if let Some(event) = self.told.pop_front() {
                return Ok(event);
            }
            match tokio::time::timeout(self.tick, message(&mut self.stream)).await {
                Ok(response) => {
                    self.silent_ticks = 0;
                    self.take(&response?)?;
                }
                Err(_) => self.ask().await?,
            }
        }
    }

    /// Nothing has come for a while: asks whether anything would.
    async fn ask(&mut self) -> Result<()> {
        self.silent_ticks += 1;
        if self.silent_ticks > SILENT_TICKS_MAX {
            return Err(Error::unavailable("etcd has gone silent on a watch"));
        }
        self.stream.request_progress().await.map_err(|error| Failure::of_read(error).error)
    }

    fn take(&mut self, response: &WatchResponse) -> Result<()> {
        if response.compact_revision() > 0 {
            return Err(Error::Compacted { at: self.next });
        }
        if response.canceled() {
            return Err(Error::unavailable(format!(
                "etcd cancelled a watch: {}",
                response.cancel_reason()
            )));
        }
        if !response.events().is_empty() {
            return self.take_events(response);
        }
        // A requested notification is about all watches of the connection: it has no watch.
        let requested = response.watch_id() < 0;
        if !response.created() && (!requested || self.progress_is_proof) {
            let revision = convert::header_revision(response.header())?;
            if revision >= self.next {
                self.next = Revision(revision.0 + 1);
                self.told.push_back(WatchEvent::Progress(revision));
            }
        }
        Ok(())
    }

    fn take_events(&mut self, response: &WatchResponse) -> Result<()> {
        let mut changes: Vec<Change> = Vec::new();
        for event in response.events() {
            let kv = event.kv().ok_or_else(|| Error::corrupt("an event of etcd has no key"))?;
            let modified = convert::revision(kv.mod_revision())?;
            if modified < self.next {
                continue;
            }
            if changes.last().is_some_and(|last| last.modified() < modified) {
                self.tell(std::mem::take(&mut changes));
            }
            changes.push(match event.event_type() {
                EventType::Put => Change::Put(convert::key_value(kv.clone())?),
                EventType::Delete => {
                    Change::Delete { key: Bytes::copy_from_slice(kv.key()), modified }
                }
            });
        }
        self.tell(changes);
        Ok(())
    }

    fn tell(&mut self, mut changes: Vec<Change>) {
        let Some(revision) = changes.first().map(Change::modified) else { return };
        // etcd tells a transaction's changes in the order of its operations.
        changes.sort_by(|one, other| one.key().cmp(other.key()));
        self.next = Revision(revision.0 + 1);
        self.told.push_back(WatchEvent::Changes { revision, changes });
    }
}

async fn message(stream: &mut WatchStream) -> Result<WatchResponse> {
    let message = stream.message().await.map_err(|error| Failure::of_read(error).error)?;
    message.ok_or_else(|| Error::unavailable("etcd ended a watch"))
}

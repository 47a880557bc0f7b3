//! Leases: until when they last, and which keys go with them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;

use super::super::{Error, LeaseId, Result};

/// All leases. Time is the monotonic time of the store's clock.
#[derive(Debug, Default)]
pub(in super::super) struct Leases {
    leases: BTreeMap<LeaseId, Lease>,
    deadlines: BTreeSet<(Duration, LeaseId)>,
    last: i64,
}

#[derive(Debug)]
struct Lease {
    ttl: Duration,
    deadline: Duration,
    keys: BTreeSet<Bytes>,
}

impl Leases {
    /// A new one.
    pub(super) fn grant(&mut self, ttl: Duration, now: Duration) -> LeaseId {
        self.last += 1;
        let id = LeaseId(self.last);
        let deadline = now + ttl;
        self.leases.insert(id, Lease { ttl, deadline, keys: BTreeSet::new() });
        self.deadlines.insert((deadline, id));
        id
    }

    /// Lets it last its whole time again, unless it has ended.
    pub(super) fn keep_alive(&mut self, id: LeaseId, now: Duration) -> Result<Duration> {
        let lease = self.leases.get_mut(&id).filter(|lease| lease.deadline > now);
        let lease = lease.ok_or(Error::LeaseGone)?;
        self.deadlines.remove(&(lease.deadline, id));
        lease.deadline = now + lease.ttl;
        self.deadlines.insert((lease.deadline, id));
        Ok(lease.ttl)
    }

    /// Whether there is such a lease (its end may have come and not be published yet).
    pub(super) fn contains(&self, id: LeaseId) -> bool {
        self.leases.contains_key(&id)
    }

    /// The keys that go with it.
    pub(super) fn keys(&self, id: LeaseId) -> Option<&BTreeSet<Bytes>> {
        self.leases.get(&id).map(|lease| &lease.keys)
    }

    /// Forgets it; its keys must have been deleted.
    pub(super) fn remove(&mut self, id: LeaseId) {
        if let Some(lease) = self.leases.remove(&id) {
            debug_assert!(lease.keys.is_empty(), "a lease went before its keys");
            self.deadlines.remove(&(lease.deadline, id));
        }
    }

    /// The leases whose time is over.
    pub(super) fn expired(&self, now: Duration) -> Vec<LeaseId> {
        let due = self.deadlines.iter().take_while(|(deadline, _)| *deadline <= now);
        due.map(|(_, id)| *id).collect()
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.leases.is_empty()
    }

    /// A key was put or deleted: it goes with the new lease now.
    pub(super) fn move_key(&mut self, key: &Bytes, old: Option<LeaseId>, new: Option<LeaseId>) {
        if old == new {
            return;
        }
        if let Some(lease) = old.and_then(|old| self.leases.get_mut(&old)) {
            lease.keys.remove(key);
        }
        if let Some(lease) = new.and_then(|new| self.leases.get_mut(&new)) {
            lease.keys.insert(key.clone());
        }
    }
}

//! Transactions that are decided and not published yet.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::base::Revision;

use super::super::{
    Change, Compare, Error, KeyRange, KeyValue, LeaseId, Operation, Outcome, Result, Transaction,
};
use super::{Commit, State};

/// What a [`Staging`] decided.
#[derive(Debug, Default)]
pub(in super::super) struct Staged {
    /// Follow each other and the state's revision.
    pub(in super::super) commits: Vec<Commit>,
    /// Go with them.
    pub(in super::super) ended_leases: BTreeSet<LeaseId>,
}

/// Decides transactions one after another, each on the state plus those before it.
#[derive(Debug)]
pub(in super::super) struct Staging<'a> {
    state: &'a State,
    revision: Revision,
    /// What the staged commits leave under the keys that they change.
    changed: BTreeMap<Bytes, Change>,
    ended_leases: BTreeSet<LeaseId>,
    commits: Vec<Commit>,
}

impl<'a> Staging<'a> {
    /// Nothing staged.
    pub(in super::super) fn new(state: &'a State) -> Self {
        Self {
            state,
            revision: state.revision(),
            changed: BTreeMap::new(),
            ended_leases: BTreeSet::new(),
            commits: Vec::new(),
        }
    }

    /// What is to be published.
    pub(in super::super) fn finish(self) -> Staged {
        Staged { commits: self.commits, ended_leases: self.ended_leases }
    }

    /// The newest revision, staged ones included.
    pub(in super::super) fn revision(&self) -> Revision {
        self.revision
    }

    /// Decides a transaction. An error leaves everything as it was.
    pub(in super::super) fn transact(&mut self, transaction: &Transaction) -> Result<Outcome> {
        let holds = |compare: &Compare| {
            compare.holds(self.get(compare.key()).map(|current| current.modified))
        };
        if !transaction.compares.iter().all(holds) {
            return Ok(Outcome::Refused(self.revision));
        }
        let revision = Revision(self.revision.0 + 1);
        let mut changes = BTreeMap::new();
        for operation in &transaction.operations {
            match operation {
                Operation::Put { key, value, lease } => {
                    let put = self.put(key, value, *lease, revision)?;
                    changes.insert(key.clone(), Change::Put(put));
                }
                Operation::Delete(range) => self.delete(range, revision, &mut changes),
            }
        }
        self.stage(changes);
        Ok(Outcome::Committed(self.revision))
    }

    /// Ends a lease: deletes its keys at one revision.
    pub(in super::super) fn end_lease(&mut self, lease: LeaseId) -> Result<()> {
        if !self.has_lease(lease) {
            return Err(Error::LeaseGone);
        }
        let modified = Revision(self.revision.0 + 1);
        // The lease's keys as published, and those that staged commits put under it; either may
        // have been moved away since.
        let published = self.state.leases.keys(lease).into_iter().flatten();
        let keys: BTreeSet<&Bytes> = published.chain(self.changed.keys()).collect();
        let keys = keys
            .into_iter()
            .filter(|key| self.get(key).is_some_and(|current| current.lease == Some(lease)));
        let changes =
            keys.map(|key| (key.clone(), Change::Delete { key: key.clone(), modified })).collect();
        self.stage(changes);
        self.ended_leases.insert(lease);
        Ok(())
    }

    fn stage(&mut self, changes: BTreeMap<Bytes, Change>) {
        if changes.is_empty() {
            return;
        }
        self.revision = Revision(self.revision.0 + 1);
        let commit =
            Commit { revision: self.revision, changes: changes.values().cloned().collect() };
        self.commits.push(commit);
        self.changed.extend(changes);
    }

    fn get(&self, key: &[u8]) -> Option<&KeyValue> {
        match self.changed.get(key) {
            Some(change) => change.after(),
            None => self.state.get(key),
        }
    }

    fn has_lease(&self, lease: LeaseId) -> bool {
        self.state.leases.contains(lease) && !self.ended_leases.contains(&lease)
    }

    fn put(
        &self,
        key: &Bytes,
        value: &Bytes,
        lease: Option<LeaseId>,
        modified: Revision,
    ) -> Result<KeyValue> {
        if lease.is_some_and(|lease| !self.has_lease(lease)) {
            return Err(Error::LeaseGone);
        }
        let created = self.get(key).map_or(modified, |current| current.created);
        Ok(KeyValue { key: key.clone(), value: value.clone(), created, modified, lease })
    }

    fn delete(&self, range: &KeyRange, modified: Revision, changes: &mut BTreeMap<Bytes, Change>) {
        if range.is_empty() {
            return;
        }
        let mut delete = |key: &Bytes| {
            changes.insert(key.clone(), Change::Delete { key: key.clone(), modified });
        };
        let published = self.state.live(range).map(|current| &current.key);
        published.filter(|key| !self.changed.contains_key(*key)).for_each(&mut delete);
        let staged = self.changed.range::<[u8], _>(range);
        staged.filter(|(_, change)| change.after().is_some()).for_each(|(key, _)| delete(key));
    }
}

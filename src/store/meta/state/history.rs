//! Keys, every version of them since the last compaction, and the log of commits.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use crate::base::Revision;
use crate::base::limits::METADATA_HISTORY_BYTES_MAX;

use super::super::{Change, Error, KeyRange, KeyValue, Result};
use super::Staged;
use super::leases::Leases;

/// All changes of one revision, in the order of their keys.
#[derive(Debug)]
pub(in super::super) struct Commit {
    pub(in super::super) revision: Revision,
    pub(in super::super) changes: Vec<Change>,
}

/// Everything that is published.
#[derive(Debug)]
pub(in super::super) struct State {
    /// A key's versions, oldest first; never empty.
    keys: BTreeMap<Bytes, Vec<Change>>,
    /// The commits after `compacted`, without a gap up to `revision`.
    log: VecDeque<Arc<Commit>>,
    log_bytes: usize,
    revision: Revision,
    compacted: Revision,
    pub(super) leases: Leases,
}

impl State {
    /// An empty store: etcd's first revision is one as well.
    pub(in super::super) fn new() -> Self {
        Self::restore(Revision(1), Revision(0), Vec::new())
    }

    /// A store that holds these keys at this revision and remembers nothing before it.
    pub(in super::super) fn restore(
        revision: Revision,
        compacted: Revision,
        keys: Vec<KeyValue>,
    ) -> Self {
        let keys = keys.into_iter().map(|kv| (kv.key.clone(), vec![Change::Put(kv)])).collect();
        Self {
            keys,
            log: VecDeque::new(),
            log_bytes: 0,
            revision,
            compacted,
            leases: Leases::default(),
        }
    }

    /// The newest revision.
    pub(in super::super) fn revision(&self) -> Revision {
        self.revision
    }

    /// The newest version of a key, if it is there.
    pub(in super::super) fn get(&self, key: &[u8]) -> Option<&KeyValue> {
        self.keys.get(key)?.last()?.after()
    }

    /// The keys that go with a lease, whichever.
    pub(in super::super) fn leased_keys(&self) -> Vec<Bytes> {
        let all = KeyRange::all();
        let leased = self.live(&all).filter(|kv| kv.lease.is_some());
        leased.map(|kv| kv.key.clone()).collect()
    }

    /// The keys of a range, in order.
    pub(super) fn live<'a>(&'a self, range: &'a KeyRange) -> impl Iterator<Item = &'a KeyValue> {
        self.versions(range).filter_map(|versions| versions.last()?.after())
    }

    fn versions<'a>(&'a self, range: &'a KeyRange) -> impl Iterator<Item = &'a Vec<Change>> {
        // BTreeMap panics over a range that ends before it starts.
        let range = (!range.is_empty()).then_some(range);
        range.into_iter().flat_map(|range| self.keys.range::<[u8], _>(range)).map(|(_, v)| v)
    }

    /// The keys of a range as of a revision; the newest without one.
    pub(in super::super) fn range(
        &self,
        range: &KeyRange,
        at: Option<Revision>,
    ) -> Result<(Revision, Vec<KeyValue>)> {
        let Some(at) = at else {
            return Ok((self.revision, self.live(range).cloned().collect()));
        };
        if at < self.compacted {
            return Err(Error::Compacted { at });
        }
        if at > self.revision {
            return Err(Error::Future { at });
        }
        let version = |versions: &Vec<Change>| {
            let newer = versions.partition_point(|version| version.modified() <= at);
            versions[..newer].last()?.after().cloned()
        };
        Ok((at, self.versions(range).filter_map(version).collect()))
    }

    /// Makes what was staged on this state visible.
    pub(in super::super) fn publish(&mut self, staged: Staged) {
        for commit in staged.commits {
            debug_assert_eq!(commit.revision.0, self.revision.0 + 1, "a revision was skipped");
            debug_assert!(!commit.changes.is_empty(), "a revision without changes");
            self.revision = commit.revision;
            for change in &commit.changes {
                debug_assert_eq!(change.modified(), commit.revision);
                let old = self.get(change.key()).and_then(|kv| kv.lease);
                let new = change.after().and_then(|kv| kv.lease);
                self.leases.move_key(change.key(), old, new);
                self.log_bytes += change.bytes();
                self.keys.entry(change.key().clone()).or_default().push(change.clone());
            }
            self.log.push_back(Arc::new(commit));
        }
        staged.ended_leases.into_iter().for_each(|lease| self.leases.remove(lease));
        if self.log_bytes > METADATA_HISTORY_BYTES_MAX {
            self.forget_half();
        }
    }

    /// Commits from a revision on, at most so many.
    pub(super) fn commits_from(&self, from: Revision, max: usize) -> Result<Vec<Arc<Commit>>> {
        if from <= self.compacted {
            return Err(Error::Compacted { at: from });
        }
        // Without a gap, but not always from `compacted` on: a store's first revision has no commit.
        let first = self.log.front().map_or(from.0, |commit| commit.revision.0);
        let start = usize::try_from(from.0.saturating_sub(first)).unwrap_or(usize::MAX);
        Ok(self.log.iter().skip(start).take(max).cloned().collect())
    }

    /// Forgets the history before a revision.
    pub(in super::super) fn compact(&mut self, at: Revision) -> Result<()> {
        if at > self.revision {
            return Err(Error::Future { at });
        }
        if at > self.compacted {
            self.forget_before(at);
        }
        Ok(())
    }

    /// Half at once, so that the cost is spread over as many commits again.
    fn forget_half(&mut self) {
        let mut bytes = 0;
        let half = self.log.iter().find(|commit| {
            bytes += commit.changes.iter().map(Change::bytes).sum::<usize>();
            bytes >= METADATA_HISTORY_BYTES_MAX / 2
        });
        if let Some(at) = half.map(|commit| commit.revision) {
            self.forget_before(at);
        }
    }

    fn forget_before(&mut self, at: Revision) {
        let mut touched = BTreeSet::new();
        while let Some(commit) = self.log.pop_front_if(|commit| commit.revision <= at) {
            self.log_bytes -= commit.changes.iter().map(Change::bytes).sum::<usize>();
            touched.extend(commit.changes.iter().map(|change| change.key().clone()));
        }
        for key in touched {
            self.prune(&key, at);
        }
        self.compacted = at;
    }

    /// Drops the versions of a key that nobody can read any more.
    fn prune(&mut self, key: &Bytes, at: Revision) {
        let Some(versions) = self.keys.get_mut(key) else { return };
        let newer = versions.partition_point(|version| version.modified() <= at);
        let current = newer.saturating_sub(1);
        let deleted = versions.get(current).is_some_and(|version| version.after().is_none());
        versions.drain(..if deleted { newer } else { current });
        if versions.is_empty() {
            self.keys.remove(key);
        } else if versions.capacity() > 4 * versions.len() {
            versions.shrink_to_fit();
        }
    }
}

//! Removing metadata that says nothing any more:
//!
//! * keys of rows that a TRUNCATE has removed: they are older than their table's generation;
//! * change-sets of which nothing is left, and parts of those that were never committed;
//! * records of commits whose process is dead: nobody else asks for them.
//!
//! What is garbage here never becomes anything else again, so nothing has to be compared, and a
//! node that stops in the middle leaves what another finds. A mirror that has applied the reason
//! (the truncation, the merges) sees no difference.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::base::{Oid, Result, Revision};
use crate::catalog::{ChangeSetParts, Key, Snapshot};
use crate::store::meta::{KeyRange, Operation, Transaction};
use crate::txn::{Consistency, Engine};

use super::living::Living;

/// Keys that one metadata transaction removes: within etcd's limits.
const KEYS_AT_ONCE: usize = 100;

/// Removes metadata that nobody needs.
#[derive(Debug)]
pub(super) struct Tidier {
    engine: Arc<Engine>,
    /// By table: the generation whose predecessors' keys are gone.
    clean: Mutex<HashMap<Oid, Revision>>,
}

impl Tidier {
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        Self { engine, clean: Mutex::default() }
    }

    /// Whether a table was truncated since its older keys were last removed.
    pub(super) fn has_work(&self, snapshot: &Snapshot) -> bool {
        let mut clean = self.clean.lock();
        clean.retain(|oid, _| snapshot.tables.contains_key(oid));
        snapshot
            .tables
            .values()
            .any(|table| table.generation > clean.get(&table.oid()).copied().unwrap_or_default())
    }

    /// Removes what older generations of tables have left. Returns how many keys.
    pub(super) async fn remove_truncated(&self) -> Result<usize> {
        let snapshot = self.engine.current();
        let mut removed = 0;
        for table in snapshot.state.tables.values() {
            let (oid, generation) = (table.oid(), table.generation);
            if generation <= self.clean.lock().get(&oid).copied().unwrap_or_default() {
                continue;
            }
            for range in self.engine.keys().segment_data(oid) {
                let (_, keys) = self.engine.meta().range(range, None).await?;
                let old = keys.into_iter().filter(|key| key.created < generation);
                removed += self.remove(old.map(|key| key.key).collect()).await?;
            }
            self.clean.lock().insert(oid, generation);
        }
        Ok(removed)
    }

    /// Removes change-sets of which nothing is left, parts that dead processes have left, and
    /// records of dead processes. Returns how many keys.
    pub(super) async fn remove_spent(&self) -> Result<usize> {
        let meta = self.engine.meta();
        let (_, records) = meta.range(self.engine.keys().commits(), None).await?;
        let snapshot = self.engine.snapshot(Consistency::Strong, Revision(0)).await?;
        let sets = snapshot.state.change_sets()?;
        // In this order: who wrote any of these and is not among the living is dead.
        let alive = Living::now(&self.engine).await?;
        let mut removed = 0;
        for set in sets {
            let key = self.engine.keys().change_set(set.commit);
            let (_, found) = meta.range(KeyRange::key(key.clone()), None).await?;
            match found.first() {
                // As of the snapshot: what is not in effect any more never will be.
                Some(found) => {
                    let is_known = found.modified <= snapshot.revision;
                    if is_known && is_spent(&set, &snapshot.state) {
                        removed += self.remove_change_set(key, &set).await?;
                    }
                }
                // Its process can't commit it any more.
                None if !alive.contains(set.owner) => {
                    let parts = Operation::Delete(self.engine.keys().change_parts(set.commit));
                    meta.transact(Transaction::new().then(parts)).await?;
                    removed += 1;
                }
                None => {}
            }
        }
        let dead = records.into_iter().filter(|record| {
            Engine::recorded_by(&record.value).is_none_or(|owner| !alive.contains(owner))
        });
        removed += self.remove(dead.map(|record| record.key).collect()).await?;
        Ok(removed)
    }

    /// The key that makes the parts count goes no later than the keys that override them.
    async fn remove_change_set(&self, key: Bytes, set: &ChangeSetParts) -> Result<usize> {
        let keys = self.engine.keys();
        let parts = Operation::Delete(keys.change_parts(set.commit));
        let first = Transaction::new().then(Operation::delete(key)).then(parts);
        self.engine.meta().transact(first).await?;
        let overriding = set.keys.iter().filter_map(|key| match key {
            Key::Segment(table, id) | Key::Inline(table, id) => Some(keys.segment(*table, *id)),
            _ => None,
        });
        Ok(1 + self.remove(overriding.collect()).await?)
    }

    async fn remove(&self, keys: Vec<Bytes>) -> Result<usize> {
        for some in keys.chunks(KEYS_AT_ONCE) {
            let operations = some.iter().cloned().map(Operation::delete).collect();
            self.engine.meta().transact(Transaction { compares: Vec::new(), operations }).await?;
        }
        Ok(keys.len())
    }
}

/// Whether nothing that a change-set lists is in effect.
fn is_spent(set: &ChangeSetParts, state: &Snapshot) -> bool {
    set.keys.iter().all(|key| match key {
        Key::Segment(table, id) | Key::Inline(table, id) => {
            state.tables.get(table).is_none_or(|table| !table.listed.contains(id))
        }
        Key::Deleted(table, id, _) => {
            state.tables.get(table).is_none_or(|table| table.version.find(*id).is_none())
        }
        // Nothing else is ever written into parts.
        _ => false,
    })
}

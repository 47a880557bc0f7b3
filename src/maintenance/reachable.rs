//! Objects that were listed and are not any more: found by comparing each snapshot with the one
//! before, and kept until no snapshot in use, on any node, can reach them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::base::{Oid, Revision, SegmentId};
use crate::catalog::{Snapshot, Table};
use crate::segment::{Rows, SegmentMeta};
use crate::store::meta::Mirrored;

/// A table as it was last seen, with the segments that it listed.
type Seen = (Arc<Table>, HashMap<SegmentId, Arc<SegmentMeta>>);

/// Objects that no newer snapshot lists than the revision says.
#[derive(Debug, Default)]
pub(super) struct Removals {
    seen: HashMap<Oid, Seen>,
    /// By path: from this revision on, nothing lists the object.
    removed: BTreeMap<String, (Revision, Option<Arc<SegmentMeta>>)>,
}

/// Something to remove.
#[derive(Debug)]
pub(super) struct Unreachable {
    pub(super) path: String,
    /// What was known of it; nothing where it was found by its name.
    pub(super) meta: Option<Arc<SegmentMeta>>,
}

impl Removals {
    /// Compares a snapshot with the last one.
    pub(super) fn observe(&mut self, snapshot: &Mirrored<Snapshot>) {
        let tables = &snapshot.state.tables;
        let gone: Vec<Oid> =
            self.seen.keys().copied().filter(|oid| !tables.contains_key(oid)).collect();
        for oid in gone {
            let listed = self.seen.remove(&oid).map(|(_, listed)| listed).unwrap_or_default();
            self.note(snapshot.revision, listed.into_values());
        }
        for (oid, table) in tables {
            if self.seen.get(oid).is_some_and(|(seen, _)| Arc::ptr_eq(seen, table)) {
                continue;
            }
            let now: HashMap<_, _> = objects(table).map(|meta| (meta.id, meta)).collect();
            if let Some((_, before)) = self.seen.remove(oid) {
                let gone = before.into_iter().filter(|(id, _)| !now.contains_key(id));
                self.note(snapshot.revision, gone.map(|(_, meta)| meta));
            }
            self.seen.insert(*oid, (Arc::clone(table), now));
        }
    }

    fn note(&mut self, at: Revision, gone: impl Iterator<Item = Arc<SegmentMeta>>) {
        for meta in gone {
            self.removed.insert(meta.data.path.clone(), (at, Some(meta)));
        }
    }

    /// An object that this snapshot's revision doesn't list, and that nobody will ever list.
    pub(super) fn add(&mut self, path: String, at: Revision) {
        self.removed.entry(path).or_insert((at, None));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.removed.is_empty()
    }

    /// Takes what no snapshot that is as new as the horizon reaches.
    pub(super) fn take(&mut self, horizon: Revision) -> Vec<Unreachable> {
        let taken: Vec<String> = self
            .removed
            .iter()
            .filter(|(_, (at, _))| *at <= horizon)
            .map(|(path, _)| path.clone())
            .collect();
        let take = |path: String| {
            let (_, meta) = self.removed.remove(&path)?;
            Some(Unreachable { path, meta })
        };
        taken.into_iter().filter_map(take).collect()
    }
}

fn objects(table: &Table) -> impl Iterator<Item = Arc<SegmentMeta>> {
    table.version.objects().filter_map(|(_, segment)| match &segment.rows {
        Rows::Object(meta) => Some(Arc::clone(meta)),
        Rows::Memory(_) => None,
    })
}

/// The names of all objects that a snapshot lists.
pub(super) fn listed_paths(snapshot: &Snapshot) -> HashSet<String> {
    let tables = snapshot.tables.values();
    tables.flat_map(|table| objects(table)).map(|meta| meta.data.path.clone()).collect()
}

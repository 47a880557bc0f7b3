//! Objects that were listed and are not any more: found by comparing each snapshot with the one
//! before, and kept until no snapshot in use, on any node, can reach them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::base::{Oid, Revision};
use crate::catalog::{Snapshot, Table};
use crate::segment::{ObjectRef, Rows, SegmentMeta};
use crate::store::meta::Mirrored;

/// An object that metadata lists, with what the reader must forget with it.
#[derive(Clone, Debug)]
pub(super) enum Listed {
    /// A segment's rows.
    Segment(Arc<SegmentMeta>),
    /// What belongs to an index.
    Index(ObjectRef),
}

impl Listed {
    fn path(&self) -> &str {
        match self {
            Self::Segment(meta) => &meta.data.path,
            Self::Index(object) => &object.path,
        }
    }
}

/// A table as it was last seen, with the objects that it listed, by their names.
type Seen = (Arc<Table>, HashMap<String, Listed>);

/// Objects that no newer snapshot lists than the revision says.
#[derive(Debug, Default)]
pub(super) struct Removals {
    seen: HashMap<Oid, Seen>,
    /// By path: from this revision on, nothing lists the object.
    removed: BTreeMap<String, (Revision, Option<Listed>)>,
}

/// Something to remove.
#[derive(Debug)]
pub(super) struct Unreachable {
    pub(super) path: String,
    /// What was known of it; nothing where it was found by its name.
    pub(super) listed: Option<Listed>,
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
            let now: HashMap<_, _> =
                objects(table).map(|object| (object.path().to_owned(), object)).collect();
            if let Some((_, before)) = self.seen.remove(oid) {
                let gone = before.into_iter().filter(|(path, _)| !now.contains_key(path));
                self.note(snapshot.revision, gone.map(|(_, object)| object));
            }
            self.seen.insert(*oid, (Arc::clone(table), now));
        }
    }

    fn note(&mut self, at: Revision, gone: impl Iterator<Item = Listed>) {
        for object in gone {
            self.removed.insert(object.path().to_owned(), (at, Some(object)));
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
            let (_, listed) = self.removed.remove(&path)?;
            Some(Unreachable { path, listed })
        };
        taken.into_iter().filter_map(take).collect()
    }
}

fn objects(table: &Table) -> impl Iterator<Item = Listed> {
    let models = table.models.values().map(|model| Listed::Index(model.object.clone()));
    let segments = table.version.objects().flat_map(|(_, segment)| {
        let rows = match &segment.rows {
            Rows::Object(meta) => Some(Listed::Segment(Arc::clone(meta))),
            Rows::Memory(_) => None,
        };
        let parts = segment.indexes.iter().flat_map(|part| part.objects());
        rows.into_iter().chain(parts.map(|object| Listed::Index(object.clone())))
    });
    models.chain(segments)
}

/// The names of all objects that a snapshot lists.
pub(super) fn listed_paths(snapshot: &Snapshot) -> HashSet<String> {
    let tables = snapshot.tables.values();
    tables.flat_map(|table| objects(table)).map(|object| object.path().to_owned()).collect()
}

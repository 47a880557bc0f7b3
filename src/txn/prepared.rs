//! A commit whose objects are durable and which nobody can see yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::ArrayRef;
use bytes::Bytes;
use roaring::{RoaringBitmap, RoaringTreemap};

use crate::base::{CommitId, Oid, Revision, SegmentId, SqlError};
use crate::catalog::{Notification, Snapshot, Table};
use crate::segment::{Draft, IndexPart, Segment, SegmentMeta};
use crate::store::meta::Mirrored;

use super::key_code::{KeyCode, KeyCoder, KeyCodes};
use super::publish::serialization_failure;

/// A flush, ready to be published.
#[derive(Debug)]
pub struct Prepared {
    /// The commit.
    pub id: CommitId,
    /// The snapshot that it was validated against.
    pub(super) checked: Arc<Mirrored<Snapshot>>,
    /// Table by table, by oid.
    pub(super) tables: Vec<PreparedTable>,
    /// What is said with it.
    pub(super) notifications: Vec<Notification>,
    /// Who wrote the objects, so that they go when this commit fails.
    pub(super) drafts: Vec<Arc<Draft>>,
    /// A merge of segments rather than a user's changes.
    pub(super) merge: Option<MergeCommit>,
}

/// What a flush does to one table.
#[derive(Debug, Default)]
pub(super) struct PreparedTable {
    pub(super) oid: Oid,
    /// The table's name, for messages.
    pub(super) name: String,
    /// The definition that the rows were made by.
    pub(super) schema_version: Revision,
    /// New segments in objects, and who wrote them.
    pub(super) segments: Vec<Arc<SegmentMeta>>,
    pub(super) drafts: Vec<Arc<Draft>>,
    /// New rows that ride in metadata.
    pub(super) inline: Option<Inline>,
    /// The committed segments that rows go from, as the statements saw them.
    pub(super) sources: BTreeMap<SegmentId, Segment>,
    /// Rows of committed segments that go.
    pub(super) deleted: BTreeMap<SegmentId, RoaringBitmap>,
    /// Rows of committed segments that must be there.
    pub(super) locked: BTreeMap<SegmentId, RoaringBitmap>,
    /// Those of them, by id, that nobody else may have locked since they were read.
    pub(super) marks: RoaringTreemap,
    pub(super) locked_since: Revision,
    /// Rows of this commit's own segments that go.
    pub(super) own_deleted: BTreeMap<SegmentId, RoaringBitmap>,
    /// All that was committed before goes.
    pub(super) truncate: bool,
    /// Keys that come, constraint by constraint.
    pub(super) keys: Vec<NewKeys>,
    /// When rows had last been added as the statements checked these keys.
    pub(super) keys_checked_at: Option<Revision>,
    /// Values of foreign keys that come, in the order of the definition's.
    pub(super) references: Vec<Vec<Vec<ArrayRef>>>,
    /// The same of rows that the transaction took back.
    pub(super) taken_back: Vec<Vec<Vec<ArrayRef>>>,
    /// The commit holds only as long as nobody deletes from, or adds to, these tables: foreign
    /// keys were checked against them.
    pub(super) relies_on_deletes: Vec<Oid>,
    pub(super) relies_on_appends: Vec<Oid>,
}

/// A small commit's rows.
#[derive(Debug)]
pub(super) struct Inline {
    pub(super) id: SegmentId,
    pub(super) encoded: Bytes,
}

/// The keys of one constraint that a commit adds.
#[derive(Debug)]
pub(super) struct NewKeys {
    pub(super) constraint: String,
    pub(super) coder: Arc<KeyCoder>,
    pub(super) codes: Arc<KeyCodes>,
    /// Those that ON CONFLICT decides about.
    pub(super) arbitrated: Arc<KeyCodes>,
    /// The same as values, batch by batch, with those that the transaction took back.
    pub(super) columns: Vec<Vec<ArrayRef>>,
}

impl NewKeys {
    /// Whether another transaction's row with this key is no duplicate but one that ON CONFLICT
    /// would have seen, had it been there.
    pub(super) fn lost_race(&self, code: KeyCode, table: &str) -> Option<SqlError> {
        self.arbitrated.contains(&code).then(|| {
            serialization_failure(format!(
                "Another transaction has added a row with the same key to table \"{table}\" \
                 meanwhile."
            ))
        })
    }
}

impl PreparedTable {
    pub(super) fn appends(&self) -> bool {
        !self.segments.is_empty() || self.inline.is_some()
    }

    pub(super) fn deletes(&self) -> bool {
        self.truncate || !self.deleted.is_empty()
    }

    pub(super) fn has_new_keys(&self) -> bool {
        self.keys.iter().any(|keys| !keys.codes.is_empty())
    }
}

impl Prepared {
    /// Whether there is nothing to publish.
    pub(super) fn is_empty(&self) -> bool {
        self.merge.is_none()
            && self.notifications.is_empty()
            && self.tables.iter().all(|table| !table.appends() && !table.deletes())
    }

    /// The table as it was when the commit was validated.
    pub(super) fn checked_table(&self, oid: Oid) -> Option<&Arc<Table>> {
        self.checked.state.tables.get(&oid)
    }
}

/// Segments that are replaced by others with the same rows.
#[derive(Debug)]
pub struct MergeCommit {
    /// The table.
    pub table: Oid,
    /// The snapshot's version of the table that was merged.
    pub source: Arc<Table>,
    /// What goes.
    pub inputs: Vec<SegmentId>,
    /// What comes.
    pub outputs: Vec<Arc<SegmentMeta>>,
    /// The indexes over what comes.
    pub indexes: Vec<IndexPart>,
    /// Who wrote it.
    pub draft: Arc<Draft>,
    /// Where each row went.
    pub moved: crate::segment::MergeMap,
}

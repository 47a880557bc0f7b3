//! The key layout of the metadata store (`docs/format.md`): the one place that makes keys and
//! takes them apart.

use bytes::Bytes;

use crate::base::{CommitId, Incarnation, Oid, SegmentId};
use crate::store::meta::KeyRange;

/// Makes the keys of one database.
#[derive(Clone, Debug)]
pub struct Keys {
    prefix: String,
}

/// What a key below the database's prefix names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// `head`.
    Head,
    /// `catalog/oid`: the next oid.
    NextOid,
    /// `catalog/database`.
    Database,
    /// `catalog/schemas/<oid>`.
    Schema(Oid),
    /// `catalog/tables/<oid>`.
    Table(Oid),
    /// `catalog/views/<oid>`.
    View(Oid),
    /// `catalog/sequences/<oid>`.
    Sequence(Oid),
    /// `catalog/types/<oid>`.
    Type(Oid),
    /// `catalog/functions/<oid>`.
    Function(Oid),
    /// `catalog/roles/<oid>`.
    Role(Oid),
    /// `catalog/grants/<oid>`: what an object grants.
    Grants(Oid),
    /// `sequences/<oid>`: the next value that no node has taken.
    SequenceValue(Oid),
    /// `tables/<oid>/schema`.
    SchemaVersion(Oid),
    /// `tables/<oid>/appends`.
    Appends(Oid),
    /// `tables/<oid>/deletes`.
    Deletes(Oid),
    /// `tables/<oid>/generation`.
    Generation(Oid),
    /// `tables/<oid>/segments/<segment>`.
    Segment(Oid, SegmentId),
    /// `tables/<oid>/deleted/<segment>/<commit>`.
    Deleted(Oid, SegmentId, CommitId),
    /// `tables/<oid>/inline/<segment>`.
    Inline(Oid, SegmentId),
    /// `tables/<oid>/indexes/<index>/<segment>`.
    IndexPart(Oid, Oid, SegmentId),
    /// `tables/<oid>/indexes/<index>/model`.
    IndexModel(Oid, Oid),
    /// `changes/<commit>/<number>`: a part of a change-set.
    ChangePart(CommitId, u32),
    /// `changes/<commit>`: the change-set is committed.
    ChangeSet(CommitId),
    /// `tables/<oid>/locks/<commit>`.
    RowLock(Oid, CommitId),
    /// `notifications/<commit>`.
    Notifications(CommitId),
    /// Keys that the mirror has no use for: `commits/`, `clusters/`, `row_ids`, indexes' own keys,
    /// and names, which definitions carry as well.
    Other,
}

impl Keys {
    /// The keys of this database.
    pub fn new(database: &str) -> Self {
        Self { prefix: format!("/redkite/{database}/") }
    }

    /// The database's name.
    pub fn database_name(&self) -> &str {
        self.prefix.trim_start_matches("/redkite/").trim_end_matches('/')
    }

    fn key(&self, rest: std::fmt::Arguments<'_>) -> Bytes {
        Bytes::from(format!("{}{rest}", self.prefix))
    }

    /// All keys of the database.
    pub fn all(&self) -> KeyRange {
        KeyRange::prefix(self.key(format_args!("")))
    }

    /// The freshness key.
    pub fn head(&self) -> Bytes {
        self.key(format_args!("head"))
    }

    /// The next oid.
    pub fn next_oid(&self) -> Bytes {
        self.key(format_args!("catalog/oid"))
    }

    /// The database's own definition.
    pub fn database(&self) -> Bytes {
        self.key(format_args!("catalog/database"))
    }

    /// Claimed by whoever makes the database: only one first start does.
    pub fn database_claim(&self) -> Bytes {
        self.key(format_args!("catalog/claim"))
    }

    /// The next row id that no node has taken.
    pub fn row_ids(&self) -> Bytes {
        self.key(format_args!("row_ids"))
    }

    /// Claims a name: `kind` is `schema`, `relation`, `type` or `role`.
    pub fn name(&self, kind: &str, schema: Oid, name: &str) -> Bytes {
        self.key(format_args!("catalog/names/{kind}/{schema}/{name}"))
    }

    /// A schema's definition.
    pub fn schema(&self, oid: Oid) -> Bytes {
        self.key(format_args!("catalog/schemas/{oid}"))
    }

    /// A table's definition.
    pub fn table(&self, oid: Oid) -> Bytes {
        self.key(format_args!("catalog/tables/{oid}"))
    }

    /// A view's definition.
    pub fn view(&self, oid: Oid) -> Bytes {
        self.key(format_args!("catalog/views/{oid}"))
    }

    /// A sequence's definition.
    pub fn sequence(&self, oid: Oid) -> Bytes {
        self.key(format_args!("catalog/sequences/{oid}"))
    }

    /// The definition of a user's type.
    pub fn user_type(&self, oid: Oid) -> Bytes {
        self.key(format_args!("catalog/types/{oid}"))
    }

    /// The definition of a user's function.
    pub fn function(&self, oid: Oid) -> Bytes {
        self.key(format_args!("catalog/functions/{oid}"))
    }

    /// A role's definition.
    pub fn role(&self, oid: Oid) -> Bytes {
        self.key(format_args!("catalog/roles/{oid}"))
    }

    /// What an object grants.
    pub fn grants(&self, oid: Oid) -> Bytes {
        self.key(format_args!("catalog/grants/{oid}"))
    }

    /// A sequence's next value.
    pub fn sequence_value(&self, oid: Oid) -> Bytes {
        self.key(format_args!("sequences/{oid}"))
    }

    /// Everything that a table's rows consist of.
    pub fn table_data(&self, oid: Oid) -> KeyRange {
        KeyRange::prefix(self.key(format_args!("tables/{oid}/")))
    }

    /// The version key of a table's definition.
    pub fn schema_version(&self, oid: Oid) -> Bytes {
        self.key(format_args!("tables/{oid}/schema"))
    }

    /// The version key of a table's appends.
    pub fn appends(&self, oid: Oid) -> Bytes {
        self.key(format_args!("tables/{oid}/appends"))
    }

    /// The version key of a table's deletes.
    pub fn deletes(&self, oid: Oid) -> Bytes {
        self.key(format_args!("tables/{oid}/deletes"))
    }

    /// The key that TRUNCATE writes.
    pub fn generation(&self, oid: Oid) -> Bytes {
        self.key(format_args!("tables/{oid}/generation"))
    }

    /// A segment's metadata.
    pub fn segment(&self, table: Oid, segment: SegmentId) -> Bytes {
        self.key(format_args!("tables/{table}/segments/{segment}"))
    }

    /// A commit's deletes in one segment.
    pub fn deleted(&self, table: Oid, segment: SegmentId, commit: CommitId) -> Bytes {
        self.key(format_args!("tables/{table}/deleted/{segment}/{commit}"))
    }

    /// All deletes in one segment.
    pub fn all_deleted(&self, table: Oid, segment: SegmentId) -> KeyRange {
        KeyRange::prefix(self.key(format_args!("tables/{table}/deleted/{segment}/")))
    }

    /// Rows that a commit has locked and not changed.
    pub fn row_lock(&self, table: Oid, commit: CommitId) -> Bytes {
        self.key(format_args!("tables/{table}/locks/{commit}"))
    }

    /// The rows of a small commit.
    pub fn inline(&self, table: Oid, segment: SegmentId) -> Bytes {
        self.key(format_args!("tables/{table}/inline/{segment}"))
    }

    /// Everything that an index consists of.
    pub fn index_data(&self, table: Oid, index: Oid) -> KeyRange {
        KeyRange::prefix(self.key(format_args!("tables/{table}/indexes/{index}/")))
    }

    /// What was built and learnt for an index: all but that it is defined. Segments' names sort on both
    /// sides of that.
    pub fn index_built(&self, table: Oid, index: Oid) -> [KeyRange; 2] {
        let all = self.index_data(table, index);
        let exists = KeyRange::key(self.index_exists(table, index));
        let behind = exists.end().cloned().unwrap_or_default();
        let end = all.end().cloned().unwrap_or_default();
        [KeyRange::new(all.start().clone(), exists.start().clone()), KeyRange::new(behind, end)]
    }

    /// There as long as the index is defined: what is built for it is published only then.
    pub fn index_exists(&self, table: Oid, index: Oid) -> Bytes {
        self.key(format_args!("tables/{table}/indexes/{index}/exists"))
    }

    /// What an index has learnt from its table.
    pub fn index_model(&self, table: Oid, index: Oid) -> Bytes {
        self.key(format_args!("tables/{table}/indexes/{index}/model"))
    }

    /// An index over one segment.
    pub fn index_part(&self, table: Oid, index: Oid, segment: SegmentId) -> Bytes {
        self.key(format_args!("tables/{table}/indexes/{index}/{segment}"))
    }

    /// A commit's record.
    pub fn commit(&self, id: CommitId) -> Bytes {
        self.key(format_args!("commits/{id}"))
    }

    /// What a commit has to say (NOTIFY).
    pub fn notifications(&self, id: CommitId) -> Bytes {
        self.key(format_args!("notifications/{id}"))
    }

    /// The record that commits a change-set.
    pub fn change_set(&self, id: CommitId) -> Bytes {
        self.key(format_args!("changes/{id}"))
    }

    /// A part of a change-set.
    pub fn change_part(&self, id: CommitId, number: u32) -> Bytes {
        self.key(format_args!("changes/{id}/{number:08}"))
    }

    /// All parts of a change-set.
    pub fn change_parts(&self, id: CommitId) -> KeyRange {
        KeyRange::prefix(self.key(format_args!("changes/{id}/")))
    }

    /// Everything that the segments of a table consist of, without its version keys.
    pub fn segment_data(&self, oid: Oid) -> [KeyRange; 3] {
        ["segments", "inline", "deleted"]
            .map(|kind| KeyRange::prefix(self.key(format_args!("tables/{oid}/{kind}/"))))
    }

    /// The claim, under a node's lease, of background work on a table (`0`: on all).
    pub fn task(&self, table: Oid, task: &str) -> Bytes {
        self.key(format_args!("tasks/{table}/{task}"))
    }

    /// Whose objects are in the object store: the same as an object there says.
    pub fn objects_owner(&self) -> Bytes {
        self.key(format_args!("objects"))
    }

    /// All records of commits.
    pub fn commits(&self) -> KeyRange {
        KeyRange::prefix(self.key(format_args!("commits/")))
    }

    /// Everything that any table's rows consist of.
    pub fn all_table_data(&self) -> KeyRange {
        KeyRange::prefix(self.key(format_args!("tables/")))
    }

    /// A node's registration under its lease: what fences its commits.
    pub fn node(&self, cluster: &str, incarnation: Incarnation) -> Bytes {
        self.key(format_args!("clusters/{cluster}/nodes/{incarnation}"))
    }
}

impl Key {
    /// Takes a key of any database apart.
    pub fn parse(key: &[u8]) -> Self {
        Self::try_parse(key).unwrap_or(Self::Other)
    }

    fn try_parse(key: &[u8]) -> Option<Self> {
        let rest = std::str::from_utf8(key).ok()?.strip_prefix("/redkite/")?;
        let (_database, rest) = rest.split_once('/')?;
        let mut parts = rest.split('/');
        let oid = |text: Option<&str>| text?.parse().ok().map(Oid);
        let id = |text: Option<&str>| text?.parse::<uuid::Uuid>().ok();
        Some(match parts.next()? {
            "head" => Key::Head,
            "catalog" => match parts.next()? {
                "oid" => Key::NextOid,
                "database" => Key::Database,
                "schemas" => Key::Schema(oid(parts.next())?),
                "tables" => Key::Table(oid(parts.next())?),
                "views" => Key::View(oid(parts.next())?),
                "sequences" => Key::Sequence(oid(parts.next())?),
                "types" => Key::Type(oid(parts.next())?),
                "functions" => Key::Function(oid(parts.next())?),
                "roles" => Key::Role(oid(parts.next())?),
                "grants" => Key::Grants(oid(parts.next())?),
                _ => Key::Other,
            },
            "sequences" => Key::SequenceValue(oid(parts.next())?),
            "tables" => {
                let table = oid(parts.next())?;
                match parts.next()? {
                    "schema" => Key::SchemaVersion(table),
                    "appends" => Key::Appends(table),
                    "deletes" => Key::Deletes(table),
                    "generation" => Key::Generation(table),
                    "segments" => Key::Segment(table, SegmentId(id(parts.next())?)),
                    "locks" => Key::RowLock(table, CommitId(id(parts.next())?)),
                    "inline" => Key::Inline(table, SegmentId(id(parts.next())?)),
                    "indexes" => {
                        let index = oid(parts.next())?;
                        match parts.next()? {
                            "model" => Key::IndexModel(table, index),
                            segment => Key::IndexPart(table, index, SegmentId(id(Some(segment))?)),
                        }
                    }
                    "deleted" => Key::Deleted(
                        table,
                        SegmentId(id(parts.next())?),
                        CommitId(id(parts.next())?),
                    ),
                    _ => Key::Other,
                }
            }
            "notifications" => Key::Notifications(CommitId(id(parts.next())?)),
            "changes" => {
                let commit = CommitId(id(parts.next())?);
                match parts.next() {
                    Some(number) => Key::ChangePart(commit, number.parse().ok()?),
                    None => Key::ChangeSet(commit),
                }
            }
            _ => Key::Other,
        })
    }
}

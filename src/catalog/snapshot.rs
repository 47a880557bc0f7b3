//! The whole keyspace as one immutable value, and how metadata changes make the next one.
//!
//! Within a revision, definitions are applied first, then truncations, then segments, then
//! deletes, whatever the order of the keys, so that a full read and a watch give the same state.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use roaring::{RoaringBitmap, RoaringTreemap};
use serde::de::DeserializeOwned;

use crate::base::{CommitId, Incarnation, Oid, Revision, SegmentId};
use crate::segment::{self, IndexModel, IndexPart, Segment, SegmentMeta, TableVersion};
use crate::store::meta::{self, Change, Keyspace};
use crate::types::NamedType;

use super::access::predefined_roles;
use super::definition::{
    DatabaseDef, GrantsDef, RoleDef, SchemaDef, SequenceDef, TableDef, ViewDef,
};
use super::function::FunctionDef;
use super::inline::InlineSegments;
use super::keys::Key;
use super::lookup::Relation;
use super::notification::Notifications;
use super::table::Table;
use super::user_type::UserTypeDef;

/// What exists at a revision.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The database's own definition; none before the first start.
    pub database: Option<Arc<DatabaseDef>>,
    /// Schemas.
    pub schemas: imbl::HashMap<Oid, Arc<SchemaDef>>,
    /// Tables.
    pub tables: imbl::HashMap<Oid, Arc<Table>>,
    /// Views.
    pub views: imbl::HashMap<Oid, Arc<ViewDef>>,
    /// Sequences.
    pub sequences: imbl::HashMap<Oid, Arc<SequenceDef>>,
    /// Types that users defined.
    pub types: imbl::HashMap<Oid, Arc<UserTypeDef>>,
    /// What the types and their arrays are, by their oids.
    pub(super) described: imbl::HashMap<Oid, NamedType>,
    /// Functions that users defined.
    pub functions: imbl::HashMap<Oid, Arc<FunctionDef>>,
    /// Roles.
    pub roles: imbl::HashMap<Oid, Arc<RoleDef>>,
    /// What objects grant, where something was said.
    pub grants: imbl::HashMap<Oid, Arc<GrantsDef>>,
    /// Tables, views, sequences and keys' indexes by schema and name.
    pub(super) relations: imbl::OrdMap<(Oid, Arc<str>), Relation>,
    /// The next oid, with the revision at which it was written.
    pub next_oid: (u32, Revision),
    /// When the definition of anything last changed.
    pub catalog_version: Revision,
    /// What was said by NOTIFY and may not have been heard yet.
    pub notifications: Notifications,
    parts: imbl::OrdMap<(CommitId, u32), Bytes>,
}

/// A change-set's parts, whether it was committed or not.
#[derive(Clone, Debug)]
pub struct ChangeSetParts {
    /// The commit.
    pub commit: CommitId,
    /// Who wrote them.
    pub owner: Incarnation,
    /// The keys that they list.
    pub keys: Vec<Key>,
}

/// Bytes of a part's head: the incarnation that wrote it.
const PART_HEAD: usize = 16;

/// A change-set's part: a list of keys and values, each after its length (`docs/format.md`).
fn part_pairs(part: &Bytes) -> meta::Result<Vec<(Bytes, Bytes)>> {
    let mut pairs = Vec::new();
    let mut at = PART_HEAD;
    let field = |at: &mut usize| -> meta::Result<Bytes> {
        let cut = || meta::Error::corrupt("a change-set's part ends in the middle of a field");
        let length = part.get(*at..*at + 4).ok_or_else(cut)?;
        let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
        *at += 4;
        if part.len() - *at < length {
            return Err(cut());
        }
        let bytes = part.slice(*at..*at + length);
        *at += length;
        Ok(bytes)
    };
    while at < part.len() {
        pairs.push((field(&mut at)?, field(&mut at)?));
    }
    Ok(pairs)
}

/// One change with its key taken apart.
struct Parsed {
    key: Key,
    /// The value and when the key was created and modified; none: deleted.
    put: Option<(Bytes, Revision, Revision)>,
    /// From a change-set.
    listed: bool,
}

impl Keyspace for Snapshot {
    fn empty() -> Self {
        Self { roles: predefined_roles().collect(), ..Self::default() }
    }

    fn apply(&mut self, revision: Revision, changes: &[Change]) -> meta::Result<()> {
        let mut parsed = Vec::with_capacity(changes.len());
        for change in changes {
            parsed.push(match change {
                Change::Put(pair) => Parsed {
                    key: Key::parse(&pair.key),
                    put: Some((pair.value.clone(), pair.created, pair.modified)),
                    listed: false,
                },
                Change::Delete { key, .. } => {
                    Parsed { key: Key::parse(key), put: None, listed: false }
                }
            });
        }
        parsed.retain(|change| change.key != Key::Other);
        self.apply_parts(&parsed);
        self.expand_change_sets(&mut parsed)?;
        parsed.sort_by_key(|change| rank(&change.key));
        let first = parsed.partition_point(|change| rank(&change.key) == 0);
        for change in &parsed[..first] {
            self.apply_one(revision, change)?;
        }
        let typed = |change: &Parsed| matches!(change.key, Key::Type(_) | Key::Schema(_));
        let types_change = parsed[..first].iter().any(typed);
        if types_change {
            self.describe_types();
        }
        for change in &parsed[first..] {
            self.apply_one(revision, change)?;
        }
        if types_change {
            self.follow_types()?;
        }
        if self.catalog_version == revision {
            self.index_names();
        }
        Ok(())
    }
}

/// Whether a key of its own stands for what a change-set lists: an emptied segment's key also for
/// rows that the change-set lists as inline.
fn is_overridden(own: &HashSet<&Key>, listed: &Key) -> bool {
    own.contains(listed)
        || matches!(listed, Key::Inline(table, id) if own.contains(&Key::Segment(*table, *id)))
}

/// The order within a revision.
fn rank(key: &Key) -> u8 {
    match key {
        Key::Schema(_)
        | Key::Database
        | Key::Type(_)
        | Key::Role(_)
        | Key::Grants(_)
        | Key::NextOid => 0,
        Key::Table(_)
        | Key::View(_)
        | Key::Function(_)
        | Key::Sequence(_)
        | Key::SequenceValue(_) => 1,
        Key::SchemaVersion(_) | Key::Appends(_) | Key::Deletes(_) | Key::Generation(_) => 2,
        Key::Segment(..) | Key::Inline(..) => 3,
        Key::Deleted(..) | Key::RowLock(..) | Key::IndexPart(..) | Key::IndexModel(..) => 4,
        Key::Head
        | Key::Notifications(_)
        | Key::ChangePart(..)
        | Key::ChangeSet(_)
        | Key::Other => 5,
    }
}

impl Snapshot {
    /// All change-sets whose parts are there.
    ///
    /// # Errors
    /// When a part can't be read.
    pub fn change_sets(&self) -> meta::Result<Vec<ChangeSetParts>> {
        let mut sets: Vec<ChangeSetParts> = Vec::new();
        for ((commit, _), part) in &self.parts {
            let head = part.get(..PART_HEAD).and_then(|head| uuid::Uuid::from_slice(head).ok());
            let owner = head.map(Incarnation);
            let owner = owner.ok_or_else(|| meta::Error::corrupt("a part without its head"))?;
            if sets.last().is_none_or(|last| last.commit != *commit) {
                sets.push(ChangeSetParts { commit: *commit, owner, keys: Vec::new() });
            }
            if let Some(last) = sets.last_mut() {
                last.keys.extend(part_pairs(part)?.iter().map(|(key, _)| Key::parse(key)));
            }
        }
        Ok(sets)
    }

    fn apply_parts(&mut self, parsed: &[Parsed]) {
        for change in parsed {
            if let Key::ChangePart(commit, number) = change.key {
                match &change.put {
                    Some((value, ..)) => self.parts.insert((commit, number), value.clone()),
                    None => self.parts.remove(&(commit, number)),
                };
            }
        }
    }

    /// A change-set stands for the puts in its parts, as of its own revision. A key of its own
    /// overrides it: that is how a segment which a change-set lists is removed.
    fn expand_change_sets(&self, parsed: &mut Vec<Parsed>) -> meta::Result<()> {
        let mut listed = Vec::new();
        let own: HashSet<&Key> = parsed.iter().map(|change| &change.key).collect();
        for change in parsed.iter() {
            let (Key::ChangeSet(commit), Some((_, created, modified))) = (&change.key, &change.put)
            else {
                continue;
            };
            for (_, part) in self.parts.range((*commit, 0)..=(*commit, u32::MAX)) {
                for (key, value) in part_pairs(part)? {
                    let key = Key::parse(&key);
                    if !is_overridden(&own, &key) {
                        let put = Some((value, *created, *modified));
                        listed.push(Parsed { key, put, listed: true });
                    }
                }
            }
        }
        parsed.extend(listed);
        Ok(())
    }

    fn apply_one(&mut self, revision: Revision, change: &Parsed) -> meta::Result<()> {
        let value = change.put.as_ref().map(|(value, ..)| value);
        match &change.key {
            Key::Table(oid) => return self.apply_table(revision, *oid, value),
            Key::Schema(oid) => set(&mut self.schemas, *oid, value)?,
            Key::View(oid) => {
                let mut view: Option<ViewDef> = value.map(json).transpose()?;
                if let Some(view) = &mut view {
                    self.resolve_view(view);
                }
                match view {
                    Some(view) => self.views.insert(*oid, Arc::new(view)),
                    None => self.views.remove(oid),
                };
            }
            Key::Function(oid) => {
                let mut function: Option<FunctionDef> = value.map(json).transpose()?;
                if let Some(function) = &mut function {
                    self.resolve_function(function);
                }
                match function {
                    Some(function) => self.functions.insert(*oid, Arc::new(function)),
                    None => self.functions.remove(oid),
                };
            }
            Key::Type(oid) => set(&mut self.types, *oid, value)?,
            Key::Sequence(oid) => set(&mut self.sequences, *oid, value)?,
            Key::Role(oid) => set(&mut self.roles, *oid, value)?,
            Key::Grants(oid) => set(&mut self.grants, *oid, value)?,
            Key::Database => self.database = value.map(json).transpose()?,
            Key::NextOid => {
                let (value, _, modified) = change
                    .put
                    .as_ref()
                    .ok_or_else(|| meta::Error::corrupt("the key of the next oid was removed"))?;
                self.next_oid = (json(value)?, *modified);
                return Ok(());
            }
            Key::SchemaVersion(table)
            | Key::Appends(table)
            | Key::Deletes(table)
            | Key::Generation(table)
            | Key::Segment(table, _)
            | Key::Inline(table, _)
            | Key::IndexPart(table, ..)
            | Key::IndexModel(table, _)
            | Key::RowLock(table, _)
            | Key::Deleted(table, ..) => return self.apply_rows(*table, change),
            Key::Notifications(commit) => {
                match &change.put {
                    Some((value, created, _)) => {
                        self.notifications.put(*commit, *created, value)?;
                    }
                    None => self.notifications.remove(*commit),
                }
                return Ok(());
            }
            Key::SequenceValue(_)
            | Key::Head
            | Key::ChangePart(..)
            | Key::ChangeSet(_)
            | Key::Other => return Ok(()),
        }
        self.catalog_version = revision;
        Ok(())
    }

    fn apply_table(
        &mut self,
        revision: Revision,
        oid: Oid,
        value: Option<&Bytes>,
    ) -> meta::Result<()> {
        match value {
            None => {
                self.tables.remove(&oid);
            }
            Some(value) => {
                let mut definition: TableDef = json(value)?;
                self.resolve_table(&mut definition);
                self.define_table(Arc::new(definition))?;
            }
        }
        self.catalog_version = revision;
        Ok(())
    }

    fn define_table(&mut self, definition: Arc<TableDef>) -> meta::Result<()> {
        let fresh = Table::new(Arc::clone(&definition)).map_err(meta::Error::corrupt)?;
        match self.tables.get_mut(&definition.oid) {
            Some(table) => {
                let table = Arc::make_mut(table);
                table.definition = definition;
                table.schema = fresh.schema;
            }
            None => {
                self.tables.insert(definition.oid, Arc::new(fresh));
            }
        }
        Ok(())
    }

    /// Tells tables, views and functions what their types are now.
    fn follow_types(&mut self) -> meta::Result<()> {
        let tables: Vec<Arc<TableDef>> =
            self.tables.values().map(|table| Arc::clone(&table.definition)).collect();
        for table in tables {
            if self.is_outdated(table.columns.iter().map(|column| &column.ty)) {
                let mut definition = (*table).clone();
                self.resolve_table(&mut definition);
                self.define_table(Arc::new(definition))?;
            }
        }
        let views: Vec<Arc<ViewDef>> = self.views.values().cloned().collect();
        for view in views {
            if self.is_outdated(view.columns.iter().map(|(_, ty)| ty)) {
                let mut view = (*view).clone();
                self.resolve_view(&mut view);
                self.views.insert(view.oid, Arc::new(view));
            }
        }
        let functions: Vec<Arc<FunctionDef>> = self.functions.values().cloned().collect();
        for function in functions {
            if self.is_outdated(function.types()) {
                let mut function = (*function).clone();
                self.resolve_function(&mut function);
                self.functions.insert(function.oid, Arc::new(function));
            }
        }
        Ok(())
    }

    /// Applies a change to a table's rows; of a table that is gone there are none.
    fn apply_rows(&mut self, table: Oid, change: &Parsed) -> meta::Result<()> {
        let Some(table) = self.tables.get_mut(&table) else { return Ok(()) };
        let table = Arc::make_mut(table);
        match (&change.key, &change.put) {
            (Key::SchemaVersion(_), Some((.., modified))) => table.schema_version = *modified,
            (Key::Appends(_), Some((.., modified))) => table.appends = *modified,
            (Key::Deletes(_), Some((.., modified))) => table.deletes = *modified,
            (Key::Generation(_), Some((.., modified))) => {
                if *modified > table.generation {
                    table.generation = *modified;
                    table.version = Arc::new(TableVersion::empty(table.definition.oid));
                    table.inline = InlineSegments::default();
                    table.listed = imbl::HashSet::new();
                    table.deltas = imbl::HashMap::new();
                    table.models = imbl::HashMap::new();
                }
            }
            (Key::Segment(_, id), Some((value, created, _))) => {
                if value.is_empty() {
                    table.remove_segment(*id);
                } else if *created >= table.generation {
                    let meta: Arc<SegmentMeta> = segment_meta(value)?;
                    table.add_segment(Segment::object(meta), 0, change.listed);
                }
            }
            (Key::Inline(_, id), Some((value, created, _))) => {
                if *created >= table.generation {
                    let rows = segment::decode_inline(&id.to_string(), value)
                        .map_err(meta::Error::corrupt)?;
                    let segment = Segment::memory(*id, Arc::new(rows));
                    table.add_segment(segment, value.len(), change.listed);
                }
            }
            (Key::IndexPart(..), Some((value, ..))) => {
                let part = IndexPart::decode(value).map_err(meta::Error::corrupt)?;
                // Of a segment that is gone, it says nothing.
                let _there = Arc::make_mut(&mut table.version).add_index(Arc::new(part));
            }
            (Key::IndexPart(_, index, segment), None) => {
                let _there = Arc::make_mut(&mut table.version).remove_index(*segment, *index);
            }
            (Key::IndexModel(_, index), Some((value, created, _))) => {
                if *created >= table.generation {
                    let model = IndexModel::decode(value).map_err(meta::Error::corrupt)?;
                    table.models.insert(*index, Arc::new(model));
                }
            }
            (Key::IndexModel(_, index), None) => {
                table.models.remove(index);
            }
            (Key::Segment(_, id) | Key::Inline(_, id), None) => table.remove_segment(*id),
            (Key::Deleted(_, id, _), Some((value, ..))) => {
                let deleted = segment::decode_deletes(&id.to_string(), value)
                    .map_err(meta::Error::corrupt)?;
                table.delete_rows(*id, &deleted, change.listed);
            }
            (Key::RowLock(_, commit), Some((value, created, _))) => {
                let rows = RoaringTreemap::deserialize_from(&value[..]);
                let rows = rows.map_err(meta::Error::corrupt)?;
                table.locks.insert((*created, *commit), Arc::new(rows));
            }
            (Key::RowLock(_, commit), None) => {
                let known = table.locks.keys().find(|(_, known)| known == commit).copied();
                known.map(|known| table.locks.remove(&known));
            }
            // Deltas are removed together with their segment, or after they were folded.
            (Key::Deleted(_, id, _), None) => table.forget_delta(*id),
            (_, _) => {}
        }
        Ok(())
    }

    /// Rebuilds the index of names. Definitions change seldom, and there are few.
    fn index_names(&mut self) {
        let mut relations = imbl::OrdMap::new();
        for table in self.tables.values() {
            let definition = &table.definition;
            let mut add = |name: &str, relation| {
                relations.insert((definition.schema, Arc::from(name)), relation);
            };
            add(&definition.name, Relation::Table(definition.oid));
            for (key, name) in definition.index_names() {
                add(name, Relation::Index { table: definition.oid, key });
            }
        }
        for view in self.views.values() {
            relations.insert((view.schema, Arc::from(&*view.name)), Relation::View(view.oid));
        }
        for sequence in self.sequences.values() {
            let key = (sequence.schema, Arc::from(&*sequence.name));
            relations.insert(key, Relation::Sequence(sequence.oid));
        }
        self.relations = relations;
    }
}

impl Table {
    fn add_segment(&mut self, segment: Segment, inline_bytes: usize, listed: bool) {
        let id = segment.id;
        if inline_bytes > 0 {
            self.inline.insert(id, inline_bytes);
        }
        if listed {
            self.listed.insert(id);
        }
        Arc::make_mut(&mut self.version).insert(segment);
    }

    fn remove_segment(&mut self, id: SegmentId) {
        self.inline.remove(&id);
        self.listed.remove(&id);
        self.deltas.remove(&id);
        Arc::make_mut(&mut self.version).remove(id);
    }

    fn delete_rows(&mut self, id: SegmentId, deleted: &RoaringBitmap, listed: bool) {
        if Arc::make_mut(&mut self.version).delete(id, deleted) && !listed {
            *self.deltas.entry(id).or_default() += 1;
        }
    }

    fn forget_delta(&mut self, id: SegmentId) {
        if let Some(count) = self.deltas.get_mut(&id) {
            *count = count.saturating_sub(1);
        }
    }
}

fn json<T: DeserializeOwned>(value: &Bytes) -> meta::Result<T> {
    serde_json::from_slice(value).map_err(meta::Error::corrupt)
}

fn segment_meta(value: &Bytes) -> meta::Result<Arc<SegmentMeta>> {
    SegmentMeta::decode(value).map(Arc::new).map_err(meta::Error::corrupt)
}

fn set<T: DeserializeOwned>(
    map: &mut imbl::HashMap<Oid, Arc<T>>,
    oid: Oid,
    value: Option<&Bytes>,
) -> meta::Result<()> {
    match value {
        Some(value) => map.insert(oid, json(value)?),
        None => map.remove(&oid),
    };
    Ok(())
}

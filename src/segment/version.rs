//! A table at a snapshot: an immutable value that is cheap to clone and to edit.
//!
//! Maps are persistent (structurally shared): an edit costs O(log segments) whatever the
//! table's size, and versions of neighbouring snapshots share all that didn't change. Each
//! segment has an ordinal, unique within a version and kept by later ones; a row's address is
//! `ordinal << 32 | position`. Segments in memory are also kept in a tree ([`super::memory`])
//! that gives neighbours to a scan as one batch.

use std::sync::Arc;

use imbl::{HashMap, OrdMap};
use roaring::RoaringBitmap;

use super::memory::{MemoryRun, MemoryTree};
use super::{IndexPart, IndexParts, RowIdMap, Rows, Segment, SegmentMeta};
use crate::base::{Oid, SegmentId};

/// The address of a row.
pub const fn address(ordinal: u32, position: u32) -> u64 {
    ((ordinal as u64) << 32) | position as u64
}

/// The ordinal and the position of an address.
#[expect(clippy::cast_possible_truncation, reason = "the two halves of 64 bits")]
pub const fn split_address(address: u64) -> (u32, u32) {
    ((address >> 32) as u32, address as u32)
}

/// A table at a snapshot.
#[derive(Debug, Clone)]
pub struct TableVersion {
    /// The table.
    pub oid: Oid,
    next_ordinal: u32,
    ordinals: HashMap<SegmentId, u32>,
    objects: OrdMap<u32, Segment>,
    memory: OrdMap<u32, Segment>,
    /// The deleted rows of segments in memory, those that have any.
    memory_deletes: OrdMap<u32, Arc<RoaringBitmap>>,
    tree: MemoryTree,
    total_rows: u64,
    deleted_rows: u64,
}

/// What a scan reads at once: a segment's object, or neighbouring segments in memory.
#[derive(Debug, Clone)]
pub enum Unit {
    /// A segment in an object.
    Object(ObjectUnit),
    /// Segments in memory, as one batch.
    Memory(MemoryRun),
}

/// A segment in an object, within a version.
#[derive(Debug, Clone)]
pub struct ObjectUnit {
    /// Its ordinal.
    pub ordinal: u32,
    /// Its metadata.
    pub meta: Arc<SegmentMeta>,
    /// The positions of its deleted rows.
    pub deleted: Arc<RoaringBitmap>,
    /// The indexes over it.
    pub indexes: IndexParts,
}

impl Unit {
    /// How many rows, the deleted ones included.
    pub fn total_rows(&self) -> u32 {
        match self {
            Self::Object(unit) => unit.meta.rows,
            Self::Memory(run) => run.total_rows(),
        }
    }

    /// The positions within the unit of deleted rows.
    pub fn deleted(&self) -> &RoaringBitmap {
        match self {
            Self::Object(unit) => &unit.deleted,
            Self::Memory(run) => run.deleted(),
        }
    }

    /// How many rows are left.
    pub fn live_rows(&self) -> u64 {
        u64::from(self.total_rows()).saturating_sub(self.deleted().len())
    }

    /// The address of the row at this position of the unit, which must be one.
    pub fn address(&self, position: u32) -> u64 {
        match self {
            Self::Object(unit) => address(unit.ordinal, position),
            Self::Memory(run) => run.address(position),
        }
    }

    /// The hidden row ids, where they are known without I/O (see [`super::Reader::row_ids`]).
    pub fn row_ids(&self) -> Option<RowIdMap> {
        match self {
            Self::Object(unit) => unit.meta.row_ids.map(RowIdMap::Contiguous),
            Self::Memory(run) => Some(run.row_ids().clone()),
        }
    }
}

impl TableVersion {
    /// A table without rows.
    pub fn empty(oid: Oid) -> Self {
        Self {
            oid,
            next_ordinal: 0,
            ordinals: HashMap::new(),
            objects: OrdMap::new(),
            memory: OrdMap::new(),
            memory_deletes: OrdMap::new(),
            tree: MemoryTree::default(),
            total_rows: 0,
            deleted_rows: 0,
        }
    }

    /// A table of these segments.
    pub fn of(oid: Oid, segments: impl IntoIterator<Item = Segment>) -> Self {
        let mut version = Self::empty(oid);
        for segment in segments {
            version.insert(segment);
        }
        version
    }

    /// Adds a segment, behind all others; one of the same id is replaced.
    pub fn insert(&mut self, segment: Segment) {
        self.remove(segment.id);
        if self.next_ordinal == u32::MAX {
            self.renumber();
        }
        let ordinal = self.next_ordinal;
        self.next_ordinal += 1;
        self.insert_at(ordinal, segment);
    }

    fn insert_at(&mut self, ordinal: u32, segment: Segment) {
        self.ordinals.insert(segment.id, ordinal);
        self.total_rows += u64::from(segment.total_rows());
        self.deleted_rows += segment.deleted.len();
        match &segment.rows {
            Rows::Object(_) => {
                self.objects.insert(ordinal, segment);
            }
            Rows::Memory(rows) => {
                self.tree.insert(ordinal, Arc::clone(rows));
                if !segment.deleted.is_empty() {
                    self.memory_deletes.insert(ordinal, Arc::clone(&segment.deleted));
                }
                self.memory.insert(ordinal, segment);
            }
        }
    }

    /// Removes a segment; returns it if it was there.
    pub fn remove(&mut self, id: SegmentId) -> Option<Segment> {
        let ordinal = self.ordinals.remove(&id)?;
        let segment = match self.objects.remove(&ordinal) {
            Some(segment) => segment,
            None => {
                self.tree.remove(ordinal);
                self.memory_deletes.remove(&ordinal);
                self.memory.remove(&ordinal)?
            }
        };
        self.total_rows -= u64::from(segment.total_rows());
        self.deleted_rows -= segment.deleted.len();
        Some(segment)
    }

    /// Marks more rows of a segment as deleted; false when the version has no such segment.
    pub fn delete(&mut self, id: SegmentId, positions: &RoaringBitmap) -> bool {
        let Some(&ordinal) = self.ordinals.get(&id) else { return false };
        let segment = match self.objects.get_mut(&ordinal) {
            Some(segment) => segment,
            None => match self.memory.get_mut(&ordinal) {
                Some(segment) => segment,
                None => return false,
            },
        };
        let before = segment.deleted.len();
        *Arc::make_mut(&mut segment.deleted) |= positions;
        self.deleted_rows += segment.deleted.len() - before;
        if let Rows::Memory(_) = segment.rows
            && !segment.deleted.is_empty()
        {
            self.memory_deletes.insert(ordinal, Arc::clone(&segment.deleted));
        }
        true
    }

    /// Adds an index over a segment, in the place of one of the same oid; false when the version
    /// has no such segment.
    pub fn add_index(&mut self, part: Arc<IndexPart>) -> bool {
        self.edit_indexes(part.segment, |parts| {
            parts.retain(|known| known.index != part.index);
            parts.push(Arc::clone(&part));
            parts.sort_by_key(|part| part.index);
        })
    }

    /// Forgets an index over a segment; false when the version has no such segment.
    pub fn remove_index(&mut self, segment: SegmentId, index: Oid) -> bool {
        self.edit_indexes(segment, |parts| parts.retain(|known| known.index != index))
    }

    fn edit_indexes(
        &mut self,
        segment: SegmentId,
        edit: impl FnOnce(&mut Vec<Arc<IndexPart>>),
    ) -> bool {
        let ordinal = self.ordinals.get(&segment);
        let Some(segment) = ordinal.and_then(|ordinal| self.objects.get_mut(ordinal)) else {
            return false;
        };
        let mut parts = segment.indexes.to_vec();
        edit(&mut parts);
        segment.indexes = parts.into();
        true
    }

    /// The version with one more segment.
    #[must_use]
    pub fn with_segment(&self, segment: Segment) -> Self {
        let mut version = self.clone();
        version.insert(segment);
        version
    }

    /// The version without a segment.
    #[must_use]
    pub fn without_segment(&self, id: SegmentId) -> Self {
        let mut version = self.clone();
        version.remove(id);
        version
    }

    /// The version with more rows of a segment deleted.
    #[must_use]
    pub fn with_deleted(&self, id: SegmentId, positions: &RoaringBitmap) -> Self {
        let mut version = self.clone();
        version.delete(id, positions);
        version
    }

    /// The segment of an ordinal.
    pub fn segment(&self, ordinal: u32) -> Option<&Segment> {
        self.objects.get(&ordinal).or_else(|| self.memory.get(&ordinal))
    }

    /// A segment and its ordinal.
    pub fn find(&self, id: SegmentId) -> Option<(u32, &Segment)> {
        let ordinal = *self.ordinals.get(&id)?;
        Some((ordinal, self.segment(ordinal)?))
    }

    /// All segments with their ordinals: those in objects, then those in memory, each in
    /// order.
    pub fn segments(&self) -> impl Iterator<Item = (u32, &Segment)> {
        self.objects.iter().chain(self.memory.iter()).map(|(&ordinal, segment)| (ordinal, segment))
    }

    /// The segments in objects, with their ordinals, in order.
    pub fn objects(&self) -> impl Iterator<Item = (u32, &Segment)> {
        self.objects.iter().map(|(&ordinal, segment)| (ordinal, segment))
    }

    /// The segments that an earlier version of the same table doesn't have.
    ///
    /// Later segments have higher ordinals as long as both versions come from one line of
    /// edits; where the earlier one has ordinals that this one doesn't reach, all are compared.
    pub fn added_since<'a>(&'a self, earlier: &'a Self) -> impl Iterator<Item = &'a Segment> {
        let first = if earlier.next_ordinal <= self.next_ordinal && earlier.follows(self) {
            earlier.next_ordinal
        } else {
            0
        };
        let objects = self.objects.range(first..);
        let memory = self.memory.range(first..);
        objects
            .chain(memory)
            .map(|(_, segment)| segment)
            .filter(|segment| !earlier.ordinals.contains_key(&segment.id))
    }

    /// Whether the newest segment that both have stands at the same ordinal in both: false
    /// after one of them was read anew or renumbered.
    fn follows(&self, other: &Self) -> bool {
        let newest =
            self.objects.iter().next_back().into_iter().chain(self.memory.iter().next_back());
        newest.into_iter().all(|(ordinal, segment)| {
            other.ordinals.get(&segment.id).is_none_or(|there| there == ordinal)
        })
    }

    /// How many segments.
    pub fn segment_count(&self) -> usize {
        self.ordinals.len()
    }

    /// How many segments are in memory.
    pub fn memory_segment_count(&self) -> usize {
        self.memory.len()
    }

    /// How many rows, without the deleted ones.
    pub fn row_count(&self) -> u64 {
        self.total_rows - self.deleted_rows
    }

    /// How many rows, the deleted ones included.
    pub fn total_row_count(&self) -> u64 {
        self.total_rows
    }

    /// What a scan reads: each segment in an object, and the segments in memory in few
    /// batches, however many they are. Together they have each row once.
    pub fn units(&self) -> Vec<Unit> {
        let mut units: Vec<Unit> = self
            .objects
            .iter()
            .filter_map(|(&ordinal, segment)| object_unit(ordinal, segment))
            .map(Unit::Object)
            .collect();
        units.extend(self.memory_runs().into_iter().map(Unit::Memory));
        units
    }

    /// The segments in memory, in few batches.
    pub fn memory_runs(&self) -> Vec<MemoryRun> {
        self.tree.runs(self.next_ordinal, &self.memory_deletes)
    }

    /// Ordinals are given once; after four billion commits they are given anew, which
    /// changes addresses between this version and older ones, never within one.
    fn renumber(&mut self) {
        let mut segments: Vec<(u32, Segment)> =
            self.segments().map(|(ordinal, segment)| (ordinal, segment.clone())).collect();
        segments.sort_by_key(|(ordinal, _)| *ordinal);
        *self = Self::of(self.oid, segments.into_iter().map(|(_, segment)| segment));
    }
}

pub(super) fn object_unit(ordinal: u32, segment: &Segment) -> Option<ObjectUnit> {
    match &segment.rows {
        Rows::Object(meta) => Some(ObjectUnit {
            ordinal,
            meta: Arc::clone(meta),
            deleted: Arc::clone(&segment.deleted),
            indexes: Arc::clone(&segment.indexes),
        }),
        Rows::Memory(_) => None,
    }
}

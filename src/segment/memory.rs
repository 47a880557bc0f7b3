//! Segments in memory, coalesced. Thousands of one-row commits may wait to become an object;
//! a scan must not pay a batch for each, nor a key check a look into each.
//!
//! They are the leaves of a persistent radix tree over ordinals, four children a node.
//! An edit copies the path to its leaf. A node all of whose ordinals are given is *settled*:
//! it changes only by removals. A settled node of moderate size gives its rows as one
//! [`CoalescedRows`], concatenated when first asked for and kept, shared by all versions that
//! share the node. What is not settled is the path to the next ordinal: at most three
//! siblings a level. So a scan of n one-row segments sees about `n / 8192 + 3 log4(n)` batches,
//! and each row is copied `log4(8192)` times at most, lazily. Deletes are kept beside the
//! tree, so that they don't undo any of that.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use imbl::OrdMap;
use parking_lot::Mutex;
use roaring::RoaringBitmap;

use super::key_index::KeyIndexes;
use super::{InMemory, RowIdMap, address};
use crate::base::ColumnId;
use crate::base::limits::BATCH_ROWS;

const FANOUT: usize = 4;
const FANOUT_BITS: u32 = 2;
/// Coalescing copies: beyond this much there is little to win.
const COALESCED_BYTES_MAX: usize = 8 << 20;

/// Rows of neighbouring segments in memory, as one batch.
#[derive(Debug)]
pub(super) struct CoalescedRows {
    pub(super) columns: Arc<[ColumnId]>,
    pub(super) batch: RecordBatch,
    pub(super) row_ids: RowIdMap,
    /// Where each segment's rows begin, and its ordinal; both ascending.
    starts: Vec<(u32, u32)>,
    pub(super) indexes: KeyIndexes,
}

/// Rows of segments in memory, some of them deleted. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MemoryRun {
    pub(super) rows: Arc<CoalescedRows>,
    deleted: Arc<RoaringBitmap>,
}

impl MemoryRun {
    /// How many rows, the deleted ones included.
    pub fn total_rows(&self) -> u32 {
        self.rows.len()
    }

    /// The positions within the run of deleted rows.
    pub fn deleted(&self) -> &RoaringBitmap {
        &self.deleted
    }

    /// The rows, the deleted ones included.
    pub fn batch(&self) -> &RecordBatch {
        &self.rows.batch
    }

    /// The ids of the batch's columns.
    pub fn columns(&self) -> &Arc<[ColumnId]> {
        &self.rows.columns
    }

    /// The hidden ids of the rows.
    pub fn row_ids(&self) -> &RowIdMap {
        &self.rows.row_ids
    }

    /// The address of the row at this position of the run, which must be one.
    pub fn address(&self, position: u32) -> u64 {
        self.rows.address(position)
    }
}

impl CoalescedRows {
    fn leaf(ordinal: u32, rows: &InMemory) -> Self {
        Self {
            columns: Arc::clone(rows.columns()),
            batch: rows.batch().clone(),
            row_ids: rows.row_ids().clone(),
            starts: vec![(0, ordinal)],
            indexes: rows.indexes.clone(),
        }
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.batch.num_rows()).unwrap_or(u32::MAX)
    }

    fn ordinals(&self) -> Option<(u32, u32)> {
        Some((self.starts.first()?.1, self.starts.last()?.1))
    }

    pub(super) fn address(&self, position: u32) -> u64 {
        let after = self.starts.partition_point(|(start, _)| *start <= position);
        match after.checked_sub(1).and_then(|index| self.starts.get(index)) {
            Some((start, ordinal)) => address(*ordinal, position - start),
            None => u64::MAX,
        }
    }

    /// The addresses of a range of rows.
    pub(super) fn addresses(&self, from: u32, rows: u32) -> Vec<u64> {
        let mut addresses = Vec::with_capacity(rows as usize);
        let mut index = self.starts.partition_point(|(start, _)| *start <= from).max(1) - 1;
        for position in from..from + rows {
            while self.starts.get(index + 1).is_some_and(|(start, _)| *start <= position) {
                index += 1;
            }
            let (start, ordinal) = self.starts[index];
            addresses.push(address(ordinal, position - start));
        }
        addresses
    }

    /// The position within the run of a segment's row.
    fn starts_of(&self, ordinal: u32) -> Option<u32> {
        let index = self.starts.binary_search_by_key(&ordinal, |(_, ordinal)| *ordinal).ok()?;
        Some(self.starts[index].0)
    }

    /// Parts of one shape, in order.
    fn concat(parts: &[Arc<Self>]) -> Option<Self> {
        let first = parts.first()?;
        let batches = parts.iter().map(|part| &part.batch);
        let batch = concat_batches(&first.batch.schema(), batches).ok()?;
        let mut starts = Vec::with_capacity(parts.iter().map(|part| part.starts.len()).sum());
        let mut before = 0;
        for part in parts {
            starts.extend(part.starts.iter().map(|(start, ordinal)| (before + start, *ordinal)));
            before += part.len();
        }
        let ids: Arc<[u64]> = parts
            .iter()
            .flat_map(|part| (0..part.len()).map(|position| part.row_ids.get(position)))
            .collect();
        Some(Self {
            columns: Arc::clone(&first.columns),
            batch,
            row_ids: RowIdMap::Listed(ids),
            starts,
            indexes: KeyIndexes::default(),
        })
    }
}

/// What must be equal for rows to be concatenated.
#[derive(Debug, Clone)]
struct Shape {
    columns: Arc<[ColumnId]>,
    schema: SchemaRef,
}

impl Shape {
    fn same(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.columns, &other.columns) || self.columns == other.columns)
            && (Arc::ptr_eq(&self.schema, &other.schema) || self.schema == other.schema)
    }
}

#[derive(Debug, Clone)]
enum Node {
    Leaf(Arc<InMemory>, Arc<CoalescedRows>),
    Inner(Arc<Inner>),
}

#[derive(Debug)]
struct Inner {
    children: [Option<Node>; FANOUT],
    rows: usize,
    bytes: usize,
    /// `None` when the children have different ones.
    shape: Option<Shape>,
    coalesced: Mutex<Option<Arc<CoalescedRows>>>,
}

/// The tree: `height` levels of inner nodes cover the ordinals below `4 ^ height`.
#[derive(Debug, Clone, Default)]
pub(super) struct MemoryTree {
    height: u32,
    root: Option<Node>,
}

impl Node {
    fn size(&self) -> (usize, usize) {
        match self {
            Self::Leaf(rows, _) => (rows.batch().num_rows(), rows.bytes()),
            Self::Inner(inner) => (inner.rows, inner.bytes),
        }
    }

    fn shape(&self) -> Option<Shape> {
        match self {
            Self::Leaf(rows, _) => {
                let (columns, schema) = (Arc::clone(rows.columns()), rows.batch().schema());
                Some(Shape { columns, schema })
            }
            Self::Inner(inner) => inner.shape.clone(),
        }
    }

    fn of_children(children: [Option<Node>; FANOUT]) -> Option<Self> {
        let mut present = children.iter().flatten();
        let first = present.next()?;
        let (mut rows, mut bytes) = first.size();
        let mut shape = first.shape();
        for child in present {
            let (child_rows, child_bytes) = child.size();
            rows += child_rows;
            bytes += child_bytes;
            shape = match (shape, child.shape()) {
                (Some(shape), Some(other)) if shape.same(&other) => Some(shape),
                _ => None,
            };
        }
        let coalesced = Mutex::new(None);
        Some(Self::Inner(Arc::new(Inner { children, rows, bytes, shape, coalesced })))
    }

    fn edit(node: Option<&Self>, height: u32, ordinal: u32, leaf: Option<Self>) -> Option<Self> {
        if height == 0 {
            return leaf;
        }
        let mut children = match node {
            Some(Self::Inner(inner)) => inner.children.clone(),
            _ => [const { None }; FANOUT],
        };
        let slot = slot(ordinal, height);
        children[slot] = Self::edit(children[slot].as_ref(), height - 1, ordinal, leaf);
        Self::of_children(children)
    }

    /// All rows as one batch, made when first asked for. The children's are then forgotten:
    /// nobody asks for them again but versions that are older.
    fn coalesce(&self) -> Option<Arc<CoalescedRows>> {
        let inner = match self {
            Self::Leaf(_, rows) => return Some(Arc::clone(rows)),
            Self::Inner(inner) => inner,
        };
        let mut kept = inner.coalesced.lock();
        if let Some(rows) = kept.as_ref() {
            return Some(Arc::clone(rows));
        }
        let parts: Option<Vec<_>> = inner.children.iter().flatten().map(Self::coalesce).collect();
        let mut parts = parts?;
        let rows = match parts.len() {
            1 => parts.pop()?,
            _ => Arc::new(CoalescedRows::concat(&parts)?),
        };
        for child in inner.children.iter().flatten() {
            if let Self::Inner(child) = child {
                child.coalesced.lock().take();
            }
        }
        *kept = Some(Arc::clone(&rows));
        Some(rows)
    }

    fn collect(&self, height: u32, first: u64, settled: u64, to: &mut Vec<Arc<CoalescedRows>>) {
        let inner = match self {
            Self::Leaf(_, rows) => return to.push(Arc::clone(rows)),
            Self::Inner(inner) => inner,
        };
        let fits = inner.rows <= BATCH_ROWS && inner.bytes <= COALESCED_BYTES_MAX;
        let is_settled = first + span(height) <= settled;
        if fits
            && is_settled
            && inner.shape.is_some()
            && let Some(rows) = self.coalesce()
        {
            return to.push(rows);
        }
        for (slot, child) in (0..).zip(&inner.children) {
            if let Some(child) = child {
                child.collect(height - 1, first + slot * span(height - 1), settled, to);
            }
        }
    }
}

/// How many ordinals a node of this height covers.
fn span(height: u32) -> u64 {
    1 << (FANOUT_BITS * height)
}

fn slot(ordinal: u32, height: u32) -> usize {
    (ordinal >> (FANOUT_BITS * (height - 1))) as usize % FANOUT
}

impl MemoryTree {
    pub(super) fn insert(&mut self, ordinal: u32, rows: Arc<InMemory>) {
        while span(self.height) <= u64::from(ordinal) {
            if let Some(root) = self.root.take() {
                self.root = Node::of_children([Some(root), None, None, None]);
            }
            self.height += 1;
        }
        let coalesced = Arc::new(CoalescedRows::leaf(ordinal, &rows));
        let leaf = Node::Leaf(rows, coalesced);
        self.root = Node::edit(self.root.as_ref(), self.height, ordinal, Some(leaf));
    }

    pub(super) fn remove(&mut self, ordinal: u32) {
        if span(self.height) > u64::from(ordinal) {
            self.root = Node::edit(self.root.as_ref(), self.height, ordinal, None);
        }
    }

    /// All rows in few batches. Ordinals from `settled` on are not given yet.
    pub(super) fn runs(
        &self,
        settled: u32,
        deletes: &OrdMap<u32, Arc<RoaringBitmap>>,
    ) -> Vec<MemoryRun> {
        let mut rows = Vec::new();
        if let Some(root) = &self.root {
            root.collect(self.height, 0, u64::from(settled), &mut rows);
        }
        rows.into_iter()
            .map(|rows| {
                let deleted = Arc::new(deleted_of(&rows, deletes));
                MemoryRun { rows, deleted }
            })
            .collect()
    }
}

fn deleted_of(rows: &CoalescedRows, deletes: &OrdMap<u32, Arc<RoaringBitmap>>) -> RoaringBitmap {
    let mut deleted = RoaringBitmap::new();
    let Some((first, last)) = rows.ordinals() else { return deleted };
    for (&ordinal, positions) in deletes.range(first..=last) {
        if let Some(start) = rows.starts_of(ordinal) {
            deleted.extend(positions.iter().map(|position| start + position));
        }
    }
    deleted
}

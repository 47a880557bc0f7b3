//! What `redkite status` and `redkite check` look at: a snapshot's tables and their objects.

use std::sync::Arc;

use futures::{StreamExt, stream};

use crate::catalog::{Snapshot, Table};
use crate::segment::{Rows, SegmentMeta};
use crate::store::object::Objects;

/// Objects that are read at once.
const READS_MAX: usize = 4;

/// A table in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSummary {
    /// `schema.table`.
    pub name: String,
    /// Rows, without the deleted ones.
    pub rows: u64,
    /// Rows that are deleted and still take room.
    pub deleted_rows: u64,
    /// Segments in objects.
    pub segments: usize,
    /// Their objects' bytes.
    pub object_bytes: u64,
    /// Commits whose rows are in metadata.
    pub inline_segments: usize,
    /// Their bytes there.
    pub inline_bytes: usize,
}

/// An object that is not as the metadata says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// `schema.table`.
    pub table: String,
    /// The object.
    pub path: String,
    /// What is wrong with it.
    pub what: String,
}

/// The tables in order of their names.
pub fn summarize(snapshot: &Snapshot) -> Vec<TableSummary> {
    let mut tables: Vec<TableSummary> =
        snapshot.tables.values().map(|table| summary(snapshot, table)).collect();
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    tables
}

fn name_of(snapshot: &Snapshot, table: &Table) -> String {
    let schema = snapshot.schemas.get(&table.definition.schema);
    let schema = schema.map_or("?", |schema| schema.name.as_str());
    format!("{schema}.{}", table.definition.name)
}

fn summary(snapshot: &Snapshot, table: &Table) -> TableSummary {
    let version = &table.version;
    TableSummary {
        name: name_of(snapshot, table),
        rows: version.row_count(),
        deleted_rows: version.total_row_count() - version.row_count(),
        segments: version.segment_count() - version.memory_segment_count(),
        object_bytes: objects_of(table).map(|meta| meta.data.length).sum(),
        inline_segments: table.inline.len(),
        inline_bytes: table.inline_bytes(),
    }
}

fn objects_of(table: &Table) -> impl Iterator<Item = Arc<SegmentMeta>> {
    table.version.objects().filter_map(|(_, segment)| match &segment.rows {
        Rows::Object(meta) => Some(Arc::clone(meta)),
        Rows::Memory(_) => None,
    })
}

/// Reads every object that a snapshot lists and compares length and checksum with what the
/// metadata says. Returns how many objects and bytes were right, and what was not.
pub async fn check_objects(snapshot: &Snapshot, objects: &Objects) -> (usize, u64, Vec<Damage>) {
    let listed = snapshot.tables.values().flat_map(|table| {
        let name = name_of(snapshot, table);
        objects_of(table).map(move |meta| (name.clone(), meta))
    });
    let reads = listed.collect::<Vec<_>>().into_iter().map(|(table, meta)| async move {
        match objects.get(&meta.data).await {
            Ok(_) => Ok(meta.data.length),
            Err(error) => {
                Err(Damage { table, path: meta.data.path.clone(), what: error.to_string() })
            }
        }
    });
    let (mut right, mut bytes, mut damage) = (0, 0, Vec::new());
    let mut reads = stream::iter(reads).buffer_unordered(READS_MAX);
    while let Some(read) = reads.next().await {
        match read {
            Ok(length) => {
                right += 1;
                bytes += length;
            }
            Err(found) => damage.push(found),
        }
    }
    damage.sort_by(|a, b| (&a.table, &a.path).cmp(&(&b.table, &b.path)));
    (right, bytes, damage)
}

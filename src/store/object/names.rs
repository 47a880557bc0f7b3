//! The names of objects: `data/<table oid>/<incarnation>/<segment>.parquet`, and `<id>.index`
//! beside it for what belongs to an index, below the location's prefix. Names are never reused; garbage collection reads the incarnation from
//! them.

use uuid::Uuid;

use crate::base::{Incarnation, Oid, SegmentId};

/// The name of a segment's data object.
pub fn data_path(table: Oid, incarnation: Incarnation, segment: SegmentId) -> String {
    format!("data/{table}/{incarnation}/{segment}.parquet")
}

/// The name of an object of an index of a table.
pub fn index_path(table: Oid, incarnation: Incarnation, id: Uuid) -> String {
    format!("data/{table}/{incarnation}/{id}.index")
}

/// The folder of the objects of a table that one start of a process has written.
pub fn process_folder(table: Oid, incarnation: Incarnation) -> String {
    format!("data/{table}/{incarnation}")
}

/// The folder of a table's objects.
pub fn table_folder(table: Oid) -> String {
    format!("data/{table}")
}

/// Who wrote the object of this name; `None` when it is not one of our names.
pub fn incarnation_of(path: &str) -> Option<(Oid, Incarnation)> {
    let mut parts = path.strip_prefix("data/")?.split('/');
    let table = Oid(parts.next()?.parse().ok()?);
    let incarnation = parts.next()?.parse().ok()?;
    let name = parts.next()?;
    (parts.next().is_none() && !name.is_empty()).then_some((table, incarnation))
}

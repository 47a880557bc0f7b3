//! A table at a revision: its definition, its rows, and the revisions that commits compare.

use std::sync::Arc;

use roaring::RoaringTreemap;

use crate::base::{CommitId, Oid, Result, Revision, SegmentId};
use crate::segment::{Column, IndexModel, TableSchema, TableVersion};
use crate::types::{PgType, TextContext, parse_text};

use super::definition::{ColumnDef, TableDef};
use super::inline::InlineSegments;

/// A table at a revision.
#[derive(Clone, Debug)]
pub struct Table {
    /// What DDL defined.
    pub definition: Arc<TableDef>,
    /// The same for the layers that know Arrow only.
    pub schema: Arc<TableSchema>,
    /// Its rows.
    pub version: Arc<TableVersion>,
    /// When the definition last changed.
    pub schema_version: Revision,
    /// When rows were last added.
    pub appends: Revision,
    /// When rows were last deleted.
    pub deletes: Revision,
    /// When the table was last truncated: segments that are older are gone.
    pub generation: Revision,
    /// Segments that live in metadata.
    pub inline: InlineSegments,
    /// Segments listed by a change-set rather than by a key of their own.
    pub listed: imbl::HashSet<SegmentId>,
    /// How many keys say what is deleted in a segment.
    pub deltas: imbl::HashMap<SegmentId, u32>,
    /// Rows, by their ids, that commits have locked and not changed.
    pub(super) locks: imbl::OrdMap<(Revision, CommitId), Arc<RoaringTreemap>>,
    /// What its indexes have learnt, by their oids.
    pub models: imbl::HashMap<Oid, Arc<IndexModel>>,
}

impl Table {
    /// An empty table.
    pub fn new(definition: Arc<TableDef>) -> Result<Self> {
        let schema = Arc::new(table_schema(&definition)?);
        let version = Arc::new(TableVersion::empty(definition.oid));
        Ok(Self {
            definition,
            schema,
            version,
            schema_version: Revision::default(),
            appends: Revision::default(),
            deletes: Revision::default(),
            generation: Revision::default(),
            inline: InlineSegments::default(),
            listed: imbl::HashSet::new(),
            deltas: imbl::HashMap::new(),
            locks: imbl::OrdMap::new(),
            models: imbl::HashMap::new(),
        })
    }

    /// Whether a commit after a revision has locked one of these rows.
    pub fn is_locked_since(&self, revision: Revision, rows: &RoaringTreemap) -> bool {
        let newer = self.locks.iter().rev().take_while(|((at, _), _)| *at > revision);
        newer.into_iter().any(|(_, locked)| !locked.is_disjoint(rows))
    }

    /// The commits up to a revision that have locked rows.
    pub fn locked_until(&self, revision: Revision) -> Vec<CommitId> {
        let older = self.locks.keys().take_while(|(at, _)| *at <= revision);
        older.map(|(_, commit)| *commit).collect()
    }

    /// Whether any commit has locked rows, as far as it is known.
    pub fn has_row_locks(&self) -> bool {
        !self.locks.is_empty()
    }

    /// Its oid.
    pub fn oid(&self) -> Oid {
        self.definition.oid
    }

    /// Bytes of rows that are in metadata and not yet in an object.
    pub fn inline_bytes(&self) -> usize {
        self.inline.bytes()
    }
}

/// The columns, sort order and keys of a table, in Arrow's terms.
///
/// # Errors
/// When a stored `missing` value is not of its column's type: the metadata is damaged.
pub fn table_schema(definition: &TableDef) -> Result<TableSchema> {
    let columns = definition.columns.iter().map(column).collect::<Result<Vec<_>>>()?;
    let sort = definition.primary_key().map(|key| key.columns.clone()).unwrap_or_default();
    let keys = definition.keys.iter().map(|key| key.columns.clone()).collect();
    Ok(TableSchema { columns, sort, keys })
}

fn column(column: &ColumnDef) -> Result<Column> {
    let ty = column.ty.pg_type();
    let missing = match &column.missing {
        Some(text) => parse_text(&ty, text, &TextContext::default())?,
        None => null(&ty)?,
    };
    // NOT NULL is checked where rows come in: a segment may be older than the constraint.
    Ok(Column { id: column.id, field: Arc::new(ty.field(&column.name, true)), missing })
}

fn null(ty: &PgType) -> Result<datafusion::scalar::ScalarValue> {
    datafusion::scalar::ScalarValue::try_from(&ty.arrow())
        .map_err(|error| crate::base::SqlError::internal(error.to_string()))
}

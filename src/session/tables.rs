//! A statement's view of the catalog and of tables' rows.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::Oid;
use crate::catalog::{self, RelationName, Snapshot};
use crate::exec::Tables;
use crate::plan::{Relation, Relations};
use crate::segment::{Reader, TableVersion};
use crate::store::meta::Mirrored;

/// A statement's snapshot, with its transaction's own rows where the session sees them.
#[derive(Debug)]
pub(super) struct StatementTables {
    pub(super) snapshot: Arc<Mirrored<Snapshot>>,
    pub(super) own: HashMap<Oid, Arc<TableVersion>>,
    pub(super) reader: Arc<Reader>,
}

impl Tables for StatementTables {
    fn version(&self, table: Oid) -> Option<Arc<TableVersion>> {
        let own = self.own.get(&table).cloned();
        own.or_else(|| self.snapshot.state.tables.get(&table).map(|t| Arc::clone(&t.version)))
    }

    fn reader(&self) -> &Arc<Reader> {
        &self.reader
    }
}

/// The catalog at a statement's snapshot.
#[derive(Debug)]
pub(super) struct StatementRelations(pub(super) Arc<Mirrored<Snapshot>>);

impl Relations for StatementRelations {
    fn relation(&self, schema: Option<&str>, name: &str, path: &[String]) -> Option<Relation> {
        let state = &self.0.state;
        match state.relation(RelationName { schema, name }, path)? {
            catalog::Relation::Table(oid) => {
                Some(Relation::Table { oid, schema: Arc::clone(&state.tables.get(&oid)?.schema) })
            }
            catalog::Relation::View(oid) => {
                let view = state.views.get(&oid)?;
                let (query, search_path) = (view.query.clone(), view.search_path.clone());
                Some(Relation::View { oid, query, search_path })
            }
            catalog::Relation::Sequence(_) | catalog::Relation::Index { .. } => None,
        }
    }

    fn has_schema(&self, name: &str) -> bool {
        self.0.state.schema(name).is_some()
    }

    fn oid_of(&self, text: &str, path: &[String]) -> Option<Oid> {
        super::values::find_relation(&self.0.state, text, path).map(catalog::Relation::oid)
    }

    fn schema_of(&self, table: Oid) -> Option<String> {
        let state = &self.0.state;
        let schema = state.tables.get(&table)?.definition.schema;
        state.schemas.get(&schema).map(|schema| schema.name.clone())
    }
}

//! A statement's view of the catalog and of tables' rows.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::logical_expr::ScalarUDF;

use crate::base::{Oid, Result, SqlError, SqlState};
use crate::catalog::access::{Access, RowRule};
use crate::catalog::{self, FunctionDef, Snapshot, system};
use crate::cluster::Lock;
use crate::exec::Tables;
use crate::plan::ddl::PG_TEMP;
use crate::plan::{Relation, Relations};
use crate::segment::{Reader, TableVersion};
use crate::store::meta::Mirrored;
use crate::txn::IndexBuild;
use crate::types::{NamedType, PgType};

use super::server::Server;
use super::settings::Settings;
use super::temporary::is_others;

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
pub(super) struct StatementRelations {
    snapshot: Arc<Mirrored<Snapshot>>,
    facts: Arc<system::Facts>,
    role: Oid,
    /// `row_security`.
    row_security: bool,
    /// The schema of the session's temporary objects.
    temporary: Option<String>,
}

impl StatementRelations {
    pub(super) fn new(snapshot: &Arc<Mirrored<Snapshot>>, session: SessionView) -> Self {
        let (role, row_security) = (session.role, session.settings.is_on("row_security"));
        let temporary = session.settings.temporary().map(str::to_owned);
        let facts = system::Facts::new(Arc::clone(snapshot), Arc::new(session));
        let facts = Arc::new(facts);
        Self { snapshot: Arc::clone(snapshot), facts, role, row_security, temporary }
    }

    /// The schema of the session's temporary objects.
    pub(super) fn temporary(&self) -> Option<&str> {
        self.temporary.as_deref()
    }

    /// The role whose rights the statement has.
    pub(super) fn role(&self) -> Oid {
        self.role
    }
}

/// The name of the schema that a table is in.
pub(super) fn schema_of(state: &Snapshot, table: Oid) -> Option<&str> {
    let schema = state.tables.get(&table)?.definition.schema;
    state.schemas.get(&schema).map(|schema| schema.name.as_str())
}

/// What system relations show of a session.
#[derive(Debug)]
pub(super) struct SessionView {
    pub(super) settings: Settings,
    pub(super) search_path: Vec<String>,
    pub(super) role: Oid,
    pub(super) server: Arc<Server>,
    pub(super) elsewhere: Arc<[system::ActivityRow]>,
    pub(super) cursors: Vec<system::CursorRow>,
    pub(super) listed: Arc<[system::PreparedRow]>,
}

impl system::SessionFacts for SessionView {
    fn qualified(&self, query: &str, catalog: &Snapshot, path: &[String]) -> Option<String> {
        crate::plan::ddl::qualified(query, catalog, path).ok()
    }

    fn settings(&self) -> Vec<(String, String)> {
        self.settings.all().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn search_path(&self) -> &[String] {
        &self.search_path
    }

    fn role(&self) -> Oid {
        self.role
    }

    fn activities(&self) -> Vec<system::ActivityRow> {
        let mut all = self.server.activities();
        all.extend_from_slice(&self.elsewhere);
        all
    }

    fn statements(&self) -> Vec<system::StatementRow> {
        self.server.statistics.rows()
    }

    fn prepared_statements(&self) -> &[system::PreparedRow] {
        &self.listed
    }

    fn locks(&self) -> Vec<(Lock, bool)> {
        self.server.parts.board.locks()
    }

    fn cursors(&self) -> Vec<system::CursorRow> {
        self.cursors.clone()
    }

    fn index_builds(&self) -> Vec<system::IndexProgress> {
        let engine = self.server.engine();
        let now = engine.clock().monotonic();
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let progress = |build: Arc<IndexBuild>| system::IndexProgress {
            table: build.table,
            index: build.index,
            phase: build.phase().name(),
            segments: (load(&build.segments), load(&build.segments_done)),
            rows: (load(&build.rows), load(&build.done)),
            bytes: load(&build.bytes),
            seconds: now.saturating_sub(build.since).as_secs_f64(),
        };
        engine.index_builds().running().into_iter().map(progress).collect()
    }
}

impl Relations for StatementRelations {
    fn relation(&self, schema: Option<&str>, name: &str, path: &[String]) -> Option<Relation> {
        // Temporary objects are the session's own.
        let schema = match schema {
            Some(PG_TEMP) => self.temporary.as_deref().or(schema),
            Some(other) if is_others(other, self.temporary.as_deref()) => return None,
            schema => schema,
        };
        if let Some((oid, provider)) = system::relation(schema, name, path, &self.facts) {
            return Some(Relation::Provider { oid, provider });
        }
        Relations::relation(&self.snapshot.state, schema, name, path)
    }

    fn row_condition(
        &self,
        table: Oid,
        role: Option<Oid>,
        rule: RowRule,
    ) -> Result<Option<String>> {
        let state = &self.snapshot.state;
        let Some(table) = state.tables.get(&table) else { return Ok(None) };
        if table.definition.materialized.as_ref().is_some_and(|view| !view.populated) {
            let name = &table.definition.name;
            let message = format!("materialized view \"{name}\" has not been populated");
            let error = SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message);
            return Err(error.with_hint("Use the REFRESH MATERIALIZED VIEW command."));
        }
        let access = Access::new(state, role.unwrap_or(self.role));
        let condition = access.row_condition(&table.definition, rule);
        if condition.is_some() && !self.row_security {
            let message = format!(
                "query would be affected by row-level security policy for table \"{}\"",
                table.definition.name
            );
            return Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        Ok(condition)
    }

    fn schema_oid(&self, relation: Oid) -> Option<Oid> {
        let state = &self.snapshot.state;
        let table = state.tables.get(&relation).map(|table| table.definition.schema);
        table.or_else(|| state.views.get(&relation).map(|view| view.schema))
    }

    fn has_schema(&self, name: &str) -> bool {
        self.snapshot.state.schema(name).is_some()
    }

    fn user_functions(
        &self,
        schema: Option<&str>,
        name: &str,
        path: &[String],
    ) -> Vec<Arc<FunctionDef>> {
        self.snapshot.state.functions_named(schema, name, path)
    }

    fn columns_of(&self, relation: Oid) -> Option<Vec<(String, PgType)>> {
        Relations::columns_of(&self.snapshot.state, relation)
    }

    fn user_type(&self, schema: Option<&str>, name: &str, path: &[String]) -> Option<NamedType> {
        self.snapshot.state.type_named(schema, name, path)
    }

    fn oid_of(&self, text: &str, path: &[String]) -> Option<Oid> {
        let found = super::values::find_relation(&self.snapshot.state, text, path);
        found
            .map(catalog::Relation::oid)
            .or_else(|| system::named_oid(text, &PgType::Regclass, &self.facts))
    }

    fn schema_of(&self, table: Oid) -> Option<String> {
        schema_of(&self.snapshot.state, table).map(str::to_owned)
    }

    fn function(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        system::function(name, &self.facts)
    }

    fn name_function(&self, ty: &PgType) -> Option<Arc<ScalarUDF>> {
        system::name_function(ty, &self.facts)
    }

    fn named_oid(&self, text: &str, ty: &PgType) -> Option<Oid> {
        system::named_oid(text, ty, &self.facts)
    }
}

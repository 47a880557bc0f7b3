//! What system relations are made from.

use std::fmt::Debug;
use std::sync::Arc;

use super::cell::Cell;
use super::describe::quoted;
use super::pg_cursors::CursorRow;
use super::pg_prepared_statements::PreparedRow;
use super::pg_stat_activity::ActivityRow;
use super::pg_stat_progress::IndexProgress;
use super::pg_stat_statements::StatementRow;
use crate::base::{ColumnId, Oid};
use crate::catalog::access::{Access, Acl};
use crate::catalog::{RoleDef, SequenceDef, Snapshot, Table, UserTypeDef, ViewDef};
use crate::cluster::Lock;
use crate::store::meta::Mirrored;

/// What a session adds to the catalog.
pub trait SessionFacts: Debug + Send + Sync {
    /// All settings: name and value.
    fn settings(&self) -> Vec<(String, String)>;
    /// The role whose rights statements have.
    fn role(&self) -> Oid;
    /// The schemas where names without one are looked for, in order.
    fn search_path(&self) -> &[String];
    /// A view's query with relations named by their schemas too; `path` is where its names are looked up.
    fn qualified(&self, query: &str, catalog: &Snapshot, path: &[String]) -> Option<String>;
    /// What the connections of all nodes do.
    fn activities(&self) -> Vec<ActivityRow>;
    /// How statements ran on this node.
    fn statements(&self) -> Vec<StatementRow>;
    /// The locks that sessions of all nodes have (true) or wait for.
    fn locks(&self) -> Vec<(Lock, bool)>;
    /// The session's cursors.
    fn cursors(&self) -> Vec<CursorRow>;
    /// What the session has prepared.
    fn prepared_statements(&self) -> &[PreparedRow];
    /// The indexes that this node builds now.
    fn index_builds(&self) -> Vec<IndexProgress>;
}

/// The catalog at a statement's snapshot, and the session's part.
#[derive(Debug)]
pub struct Facts {
    snapshot: Arc<Mirrored<Snapshot>>,
    session: Arc<dyn SessionFacts>,
}

/// The superuser, who owns what the system brings along.
pub(super) const SUPERUSER: Oid = Oid(10);

impl Facts {
    /// Facts at a snapshot.
    pub fn new(snapshot: Arc<Mirrored<Snapshot>>, session: Arc<dyn SessionFacts>) -> Self {
        Self { snapshot, session }
    }

    pub(super) fn catalog(&self) -> &Snapshot {
        &self.snapshot.state
    }

    pub(super) fn session(&self) -> &dyn SessionFacts {
        self.session.as_ref()
    }

    /// The tables in the order of their oids.
    pub(super) fn tables(&self) -> Vec<&Table> {
        let mut tables: Vec<&Table> = self.catalog().tables.values().map(Arc::as_ref).collect();
        tables.sort_by_key(|table| table.oid());
        tables
    }

    /// The views in the order of their oids.
    pub(super) fn views(&self) -> Vec<&ViewDef> {
        let mut views: Vec<&ViewDef> = self.catalog().views.values().map(Arc::as_ref).collect();
        views.sort_by_key(|view| view.oid);
        views
    }

    /// The sequences in the order of their oids.
    pub(super) fn sequences(&self) -> Vec<&SequenceDef> {
        let mut sequences: Vec<&SequenceDef> =
            self.catalog().sequences.values().map(Arc::as_ref).collect();
        sequences.sort_by_key(|sequence| sequence.oid);
        sequences
    }

    /// The users' types in the order of their oids.
    pub(super) fn user_types(&self) -> Vec<&UserTypeDef> {
        let mut types: Vec<&UserTypeDef> = self.catalog().types.values().map(Arc::as_ref).collect();
        types.sort_by_key(|ty| ty.oid);
        types
    }

    /// The type of an oid, as `format_type` shows it without a modifier: with its schema where its
    /// name alone means something else.
    pub(super) fn type_shown(&self, oid: Oid) -> Option<String> {
        let ty = self.catalog().type_of(oid)?;
        let element = match self.catalog().user_type(oid) {
            Some(own) => own.oid,
            None => ty.element().unwrap_or(&ty).oid(),
        };
        let Some(own) = self.catalog().user_type(element) else { return Some(ty.sql_name()) };
        let mut shown = quoted(&own.name);
        if !self.is_visible_type(own) {
            shown = format!("{}.{shown}", quoted(self.catalog().schema_name(own.schema)));
        }
        Some(if oid == own.oid { shown } else { shown + "[]" })
    }

    /// `public.`, where what pgvector's extension brings is found by its schema only.
    pub(super) fn prefix_of_vector(&self) -> &'static str {
        let visible = self.session.search_path().iter().any(|schema| schema == "public");
        if visible { "" } else { "public." }
    }

    /// What stands before the name of an operator class.
    pub(super) fn prefix_of_class(&self, class: &str) -> &'static str {
        let vectors = ["vector_", "halfvec_", "sparsevec_", "bit_hamming_", "bit_jaccard_"];
        let own = vectors.iter().any(|start| class.starts_with(start));
        if own { self.prefix_of_vector() } else { "" }
    }

    /// Whether a type's name alone means it.
    pub(super) fn is_visible_type(&self, ty: &UserTypeDef) -> bool {
        let path = self.session.search_path();
        let found = self.catalog().user_type_named(None, &ty.name, path);
        found.is_some_and(|found| found.oid == ty.oid)
    }

    /// The roles in the order of their oids.
    pub(super) fn roles(&self) -> Vec<&RoleDef> {
        let mut roles: Vec<&RoleDef> = self.catalog().roles.values().map(Arc::as_ref).collect();
        roles.sort_by_key(|role| role.oid);
        roles
    }

    /// What the session's role may do.
    pub(super) fn access(&self) -> Access<'_> {
        Access::new(self.catalog(), self.session.role())
    }

    /// What was said that an object grants, as `relacl` and its kin show it.
    pub(super) fn acl(&self, oid: Oid) -> Cell {
        let grants = self.catalog().grants.get(&oid)?;
        Some(self.acl_text(grants.acl.as_ref()?))
    }

    /// What was said that a column grants.
    pub(super) fn column_acl(&self, relation: Oid, column: ColumnId) -> Cell {
        let columns = &self.catalog().grants.get(&relation)?.columns;
        let (_, acl) = columns.iter().find(|(id, _)| *id == column)?;
        Some(self.acl_text(acl))
    }

    /// A list of grants as PostgreSQL shows it.
    pub(super) fn acl_text(&self, acl: &Acl) -> String {
        acl.text(|role| match self.catalog().roles.get(&role) {
            Some(role) => role.name.clone(),
            None => role.to_string(),
        })
    }

    /// The name of a role, or `unknown (OID=..)` as PostgreSQL has it.
    pub(super) fn role_name(&self, oid: Oid) -> String {
        let role = self.catalog().roles.get(&oid);
        role.map_or_else(|| format!("unknown (OID={oid})"), |role| role.name.clone())
    }

    /// The database's name.
    pub(super) fn database(&self) -> &str {
        self.catalog().database.as_ref().map_or("", |database| &database.name)
    }
}

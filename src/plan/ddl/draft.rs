//! What one statement changes, gathered so that no key is written twice however many parts of
//! the statement touch it.
//!
//! Every draft that changes anything takes an oid, and with it compares the counter of oids:
//! definitions are made one after the other, each from a snapshot that has the one before. So
//! nothing that a definition looked at (a schema, a parent table, a role) can go meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::{ColumnId, Oid, Result, Severity, SqlError, SqlState};
use crate::catalog::access::Grantable;
use crate::catalog::{
    Edit, GrantsDef, Relation, RelationName, SequenceDef, Snapshot, TableDef, ViewDef,
};
use crate::plan::{Name, quote_identifier};

use super::{Ddl, DdlContext, Effect, type_text};

/// Kinds of names that are claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NameKind {
    Relation,
    Type,
    Schema,
    Role,
}

impl NameKind {
    fn key(self) -> &'static str {
        match self {
            Self::Relation => "relation",
            Self::Type => "type",
            Self::Schema => "schema",
            Self::Role => "role",
        }
    }
}

/// A table that changes.
struct ChangedTable {
    definition: TableDef,
    /// Rows written under the old definition would be wrong.
    rows: bool,
}

/// The columns of a table whose values are made anew, with the expressions over the old rows; none
/// for a default.
type NewValues = BTreeMap<ColumnId, Option<String>>;

/// What the rows of a table as it will be must do.
enum Demand {
    Check(String),
    Unique(String),
    ForeignKey(String),
}

/// A change in the making.
pub(super) struct Draft<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) context: &'a DdlContext<'a>,
    pub(super) edit: Edit,
    pub(super) notices: Vec<SqlError>,
    pub(super) effects: Vec<Effect>,
    demands: Vec<(Oid, Demand)>,
    tables: BTreeMap<Oid, ChangedTable>,
    sequences: BTreeMap<Oid, SequenceDef>,
    views: BTreeMap<Oid, ViewDef>,
    names: BTreeMap<(NameKind, Oid, String), Option<Oid>>,
    dropped: BTreeSet<Oid>,
    pub(super) grants: BTreeMap<Oid, GrantsDef>,
    compared_appends: BTreeSet<Oid>,
    rewrites: BTreeMap<Oid, NewValues>,
    pub(super) made_temporary: Option<String>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, context: &'a DdlContext<'a>) -> Self {
        Self {
            snapshot,
            context,
            edit: Edit::new(snapshot),
            notices: Vec::new(),
            effects: Vec::new(),
            demands: Vec::new(),
            tables: BTreeMap::new(),
            sequences: BTreeMap::new(),
            views: BTreeMap::new(),
            names: BTreeMap::new(),
            dropped: BTreeSet::new(),
            grants: BTreeMap::new(),
            compared_appends: BTreeSet::new(),
            rewrites: BTreeMap::new(),
            made_temporary: None,
        }
    }

    /// Tells the client something. That nothing is there to be changed has no code of its own.
    pub(super) fn notice(&mut self, code: SqlState, message: impl Into<String>) {
        let message = message.into();
        let code = match message.ends_with("does not exist, skipping") {
            true => SqlState::SUCCESSFUL_COMPLETION,
            false => code,
        };
        self.notices.push(SqlError::new(code, message).with_severity(Severity::Notice));
    }

    /// Warns the client.
    pub(super) fn warning(&mut self, code: SqlState, message: impl Into<String>) {
        self.notices.push(SqlError::new(code, message).with_severity(Severity::Warning));
    }

    /// Who has a name, with what this statement has done already.
    pub(super) fn holder(&self, kind: NameKind, schema: Oid, name: &str) -> Option<Oid> {
        match self.names.get(&(kind, schema, name.to_owned())) {
            Some(now) => *now,
            None => self.holder_before(kind, schema, name),
        }
    }

    fn holder_before(&self, kind: NameKind, schema: Oid, name: &str) -> Option<Oid> {
        match kind {
            NameKind::Relation => self.snapshot.relation_in(schema, name).map(Relation::oid),
            NameKind::Type => {
                let own = self.snapshot.user_type_in(schema, name).map(|ty| ty.oid);
                own.or_else(|| {
                    let element = self.snapshot.user_type_in(schema, name.strip_prefix('_')?)?;
                    (element.array_name() == name).then_some(element.array)
                })
            }
            NameKind::Schema => self.snapshot.schema(name).map(|schema| schema.oid),
            NameKind::Role => self.snapshot.role(name).map(|role| role.oid),
        }
    }

    /// Gives a name to an object.
    pub(super) fn claim(&mut self, kind: NameKind, schema: Oid, name: &str, oid: Oid) {
        self.names.insert((kind, schema, name.to_owned()), Some(oid));
    }

    /// Claims the name of a relation, or 42P07.
    pub(super) fn claim_relation(&mut self, schema: Oid, name: &str, oid: Oid) -> Result<()> {
        if self.holder(NameKind::Relation, schema, name).is_some() {
            return Err(SqlError::new(
                SqlState::DUPLICATE_TABLE,
                format!("relation \"{name}\" already exists"),
            ));
        }
        self.claim(NameKind::Relation, schema, name, oid);
        Ok(())
    }

    /// Gives a name up.
    pub(super) fn release(&mut self, kind: NameKind, schema: Oid, name: &str) {
        self.names.insert((kind, schema, name.to_owned()), None);
    }

    /// What a name stands for, with objects that this statement drops left out.
    pub(super) fn find(&self, name: &Name) -> Option<Relation> {
        let name = self.resolved(name);
        let relation = self.snapshot.relation(relation_name(&name), self.context.search_path)?;
        (!self.dropped.contains(&relation.oid())).then_some(relation)
    }

    /// A table as it is now within this statement.
    pub(super) fn table(&self, oid: Oid) -> Option<&TableDef> {
        if self.dropped.contains(&oid) {
            return None;
        }
        match self.tables.get(&oid) {
            Some(changed) => Some(&changed.definition),
            None => self.snapshot.tables.get(&oid).map(|table| &*table.definition),
        }
    }

    /// Oids of all tables as they are within this statement, in order.
    pub(super) fn table_oids(&self) -> Vec<Oid> {
        let mut oids: BTreeSet<Oid> = self.snapshot.tables.keys().copied().collect();
        oids.extend(self.tables.keys());
        oids.retain(|oid| !self.dropped.contains(oid));
        oids.into_iter().collect()
    }

    /// A table to change; its definition is written once, at the end.
    pub(super) fn table_mut(&mut self, oid: Oid) -> Result<&mut TableDef> {
        if !self.tables.contains_key(&oid) {
            let definition = (*self.snapshot.require_table_by_oid(oid)?.definition).clone();
            self.tables.insert(oid, ChangedTable { definition, rows: false });
        }
        self.tables
            .get_mut(&oid)
            .map(|changed| &mut changed.definition)
            .ok_or_else(|| SqlError::internal("a table that changes is gone"))
    }

    /// Rows written under the old definition would be wrong: writers must look again.
    pub(super) fn touch(&mut self, oid: Oid) -> Result<()> {
        self.table_mut(oid)?;
        if let Some(changed) = self.tables.get_mut(&oid) {
            changed.rows = true;
        }
        Ok(())
    }

    /// Adds a table.
    pub(super) fn add_table(&mut self, definition: TableDef) {
        self.tables.insert(definition.oid, ChangedTable { definition, rows: true });
    }

    /// Whether a table is made by this statement.
    pub(super) fn is_new(&self, table: Oid) -> bool {
        !self.snapshot.tables.contains_key(&table)
    }

    /// Whether a table has no rows; if so the change relies on it.
    pub(super) fn is_empty(&mut self, table: Oid) -> bool {
        let Some(now) = self.snapshot.tables.get(&table) else { return true };
        let empty = now.version.row_count() == 0;
        if empty && self.compared_appends.insert(table) {
            self.edit.unchanged(self.context.keys.appends(table), now.appends);
        }
        empty
    }

    /// Rows that exist must satisfy a new CHECK constraint.
    pub(super) fn demand_check(&mut self, table: Oid, name: &str) {
        self.demands.push((table, Demand::Check(name.to_owned())));
    }

    /// Rows that exist must satisfy a new key.
    pub(super) fn demand_unique(&mut self, table: Oid, name: &str) {
        self.demands.push((table, Demand::Unique(name.to_owned())));
    }

    /// Rows that exist get a new value in a column: what an expression over them gives, or the
    /// default.
    pub(super) fn rewrite(&mut self, table: Oid, column: ColumnId, value: Option<String>) {
        self.rewrites.entry(table).or_default().insert(column, value);
    }

    /// The rows of a table made anew.
    fn rewritten(&self, oid: Oid, values: &NewValues) -> Option<Effect> {
        let now = &self.tables.get(&oid)?.definition;
        let before = &self.snapshot.tables.get(&oid)?.definition;
        let (mut names, mut items) = (Vec::new(), Vec::new());
        for column in now.columns.iter().filter(|column| !column.generated) {
            let item = match (values.get(&column.id), before.column_by_id(column.id)) {
                (Some(Some(text)), _) => format!("({text})"),
                (None, Some(old)) => quote_identifier(&old.name).to_string(),
                _ => continue,
            };
            names.push(column.name.clone());
            items.push(item);
        }
        let schema = quote_identifier(self.snapshot.schema_name(before.schema)).to_string();
        let name = quote_identifier(&before.name);
        let query = format!("SELECT {} FROM {schema}.{name}", items.join(", "));
        Some(Effect::Rewrite(Arc::new(now.clone()), names, query))
    }

    /// Rows that exist must satisfy a new foreign key.
    pub(super) fn demand_foreign_key(&mut self, table: Oid, name: &str) {
        self.demands.push((table, Demand::ForeignKey(name.to_owned())));
    }

    /// A sequence as it is within this statement.
    pub(super) fn sequence(&self, oid: Oid) -> Option<&SequenceDef> {
        if self.dropped.contains(&oid) {
            return None;
        }
        match self.sequences.get(&oid) {
            Some(sequence) => Some(sequence),
            None => self.snapshot.sequences.get(&oid).map(|sequence| &**sequence),
        }
    }

    /// All sequences as they are within this statement, in the order of their oids.
    pub(super) fn all_sequences(&self) -> Vec<SequenceDef> {
        let mut oids: BTreeSet<Oid> = self.snapshot.sequences.keys().copied().collect();
        oids.extend(self.sequences.keys());
        oids.into_iter().filter_map(|oid| self.sequence(oid).cloned()).collect()
    }

    /// Adds or changes a sequence.
    pub(super) fn put_sequence(&mut self, sequence: SequenceDef) {
        self.sequences.insert(sequence.oid, sequence);
    }

    /// A view as it is within this statement.
    pub(super) fn view(&self, oid: Oid) -> Option<&ViewDef> {
        if self.dropped.contains(&oid) {
            return None;
        }
        match self.views.get(&oid) {
            Some(view) => Some(view),
            None => self.snapshot.views.get(&oid).map(|view| &**view),
        }
    }

    /// The views that read a relation themselves, materialized ones too, in the order of their
    /// oids.
    pub(super) fn views_over(&self, relation: Oid) -> Vec<ViewDef> {
        let mut views = self.all_views();
        views.retain(|view| view.depends_on.contains(&relation));
        views
    }

    /// What a view is: materialized ones are tables.
    pub(super) fn relation_of(&self, view: &ViewDef) -> Relation {
        match self.table(view.oid) {
            Some(table) => Relation::Table(table.oid),
            None => Relation::View(view.oid),
        }
    }

    /// What PostgreSQL calls a relation in messages.
    pub(super) fn kind_of(&self, relation: Relation) -> &'static str {
        match relation {
            Relation::Table(oid) => self.table(oid).map_or("table", TableDef::kind),
            other => other.kind(),
        }
    }

    /// All views as they are within this statement, materialized ones too, in the order of their
    /// oids.
    pub(super) fn all_views(&self) -> Vec<ViewDef> {
        let mut oids: BTreeSet<Oid> = self.snapshot.views.keys().copied().collect();
        oids.extend(self.views.keys());
        let mut views: Vec<ViewDef> =
            oids.into_iter().filter_map(|oid| self.view(oid).cloned()).collect();
        let tables = self.table_oids().into_iter().filter_map(|oid| self.table(oid)?.as_view());
        views.extend(tables);
        views.sort_by_key(|view| view.oid);
        views
    }

    /// Adds or changes a view; of a materialized one its query.
    pub(super) fn put_view(&mut self, view: ViewDef) {
        let materialized = self.table(view.oid).is_some_and(|table| table.materialized.is_some());
        if !materialized {
            self.views.insert(view.oid, view);
        } else if let Ok(table) = self.table_mut(view.oid)
            && let Some(materialized) = &mut table.materialized
        {
            (materialized.query, materialized.search_path) = (view.query, view.search_path);
        }
    }

    /// Whether this statement drops an object.
    pub(super) fn is_dropped(&self, oid: Oid) -> bool {
        self.dropped.contains(&oid)
    }

    /// Marks an object as dropped; false where it was already.
    pub(super) fn mark_dropped(&mut self, oid: Oid) -> bool {
        self.dropped.insert(oid)
    }

    /// The schema in which something of this name is made.
    pub(super) fn creation_schema(&self, name: &Name) -> Result<Oid> {
        let schema = match &name.schema {
            Some(schema) => {
                if is_system_schema(schema) {
                    return Err(SqlError::new(
                        SqlState::INSUFFICIENT_PRIVILEGE,
                        format!("permission denied for schema {schema}"),
                    ));
                }
                self.snapshot.require_schema(schema)?
            }
            None => self
                .context
                .search_path
                .iter()
                .filter(|schema| !is_system_schema(schema))
                .find_map(|schema| self.snapshot.schema(schema))
                .ok_or_else(|| {
                    SqlError::new(
                        SqlState::INVALID_SCHEMA_NAME,
                        "no schema has been selected to create in",
                    )
                })?,
        };
        self.must_create_in(schema.oid)?;
        Ok(schema.oid)
    }

    /// The change, ready to be published.
    pub(super) fn finish(mut self) -> Result<Ddl> {
        let keys = self.context.keys;
        for (table, demand) in std::mem::take(&mut self.demands) {
            let Some(changed) = self.tables.get(&table) else { continue };
            if self.dropped.contains(&table) || self.is_new(table) {
                continue;
            }
            let definition = Arc::new(changed.definition.clone());
            self.effects.push(match demand {
                Demand::Check(name) => Effect::Check(definition, name),
                Demand::Unique(name) => Effect::Unique(definition, name),
                Demand::ForeignKey(name) => Effect::ForeignKey(definition, name),
            });
        }
        for (oid, values) in std::mem::take(&mut self.rewrites) {
            if !self.dropped.contains(&oid)
                && let Some(effect) = self.rewritten(oid, &values)
            {
                self.effects.push(effect);
            }
        }
        for (oid, mut changed) in std::mem::take(&mut self.tables) {
            if self.dropped.contains(&oid) {
                continue;
            }
            let path = self.context.search_path;
            type_text::make_definite(&mut changed.definition, self.snapshot, path);
            changed.definition.drop_lost_comments();
            if let Some(materialized) = &mut changed.definition.materialized {
                let (query, path) = (&mut materialized.query, &materialized.search_path);
                if let Some(definite) = type_text::definite(query, self.snapshot, path) {
                    *query = definite;
                }
            }
            let (owner, schema) = (changed.definition.owner, changed.definition.schema);
            if !self.snapshot.tables.contains_key(&oid) {
                self.grant_by_default((oid, Grantable::Table), owner, Some(schema));
            }
            self.edit.put(keys.table(oid), &changed.definition)?;
            if changed.rows {
                self.edit.touch(keys.schema_version(oid));
            }
            let before = self.snapshot.tables.get(&oid);
            if let Some(before) = before {
                self.edit.unchanged(keys.schema_version(oid), before.schema_version);
            }
            self.define_indexes(&changed.definition, before.map(|table| &*table.definition));
        }
        for (oid, sequence) in std::mem::take(&mut self.sequences) {
            if self.dropped.contains(&oid) {
                continue;
            }
            if !self.snapshot.sequences.contains_key(&oid) {
                let schema = Some(sequence.schema);
                self.grant_by_default((oid, Grantable::Sequence), sequence.owner, schema);
            }
            self.edit.put(keys.sequence(oid), &sequence)?;
        }
        for (oid, mut view) in std::mem::take(&mut self.views) {
            if self.dropped.contains(&oid) {
                continue;
            }
            let definite = type_text::definite(&view.query, self.snapshot, &view.search_path);
            if let Some(query) = definite {
                view.query = query;
            }
            if !self.snapshot.views.contains_key(&oid) {
                self.grant_by_default((oid, Grantable::Table), view.owner, Some(view.schema));
            }
            self.edit.put(keys.view(oid), &view)?;
        }
        for (oid, grants) in std::mem::take(&mut self.grants) {
            if !self.dropped.contains(&oid) {
                self.edit.put(keys.grants(oid), &grants)?;
            }
        }
        for oid in std::mem::take(&mut self.dropped) {
            self.drop_keys(oid);
        }
        for ((kind, schema, name), now) in std::mem::take(&mut self.names) {
            let key = keys.name(kind.key(), schema, &name);
            match (self.holder_before(kind, schema, &name), now) {
                (None, Some(oid)) => self.edit.claim(key, oid),
                (Some(_), None) => self.edit.remove(key),
                (Some(before), Some(oid)) if before != oid => {
                    self.edit.put(key, &oid)?;
                }
                (Some(_), Some(_)) | (None, None) => {}
            }
        }
        if !self.edit.is_empty() {
            let _ = self.edit.oid();
        }
        let Self { edit, notices, effects, made_temporary, .. } = self;
        Ok(Ddl { edit, notices, effects, made_temporary })
    }

    /// Says which vector indexes there are, and removes what was built for those that go.
    fn define_indexes(&mut self, now: &TableDef, before: Option<&TableDef>) {
        let (keys, oid) = (self.context.keys, now.oid);
        let had = |index: Oid| before.is_some_and(|t| t.vector_indexes().any(|i| i.oid == index));
        for index in now.vector_indexes().filter(|index| !had(index.oid)) {
            self.edit.touch(keys.index_exists(oid, index.oid));
        }
        for gone in before.into_iter().flat_map(TableDef::vector_indexes) {
            if now.vector_indexes().all(|index| index.oid != gone.oid) {
                self.edit.remove_all(keys.index_data(oid, gone.oid));
            }
        }
    }

    /// Removes the keys of an object that exists.
    fn drop_keys(&mut self, oid: Oid) {
        let keys = self.context.keys;
        if self.snapshot.grants.contains_key(&oid) {
            self.edit.remove(keys.grants(oid));
        }
        if let Some(table) = self.snapshot.tables.get(&oid) {
            self.edit.unchanged(keys.schema_version(oid), table.schema_version);
            self.edit.remove(keys.table(oid));
            self.edit.remove_all(keys.table_data(oid));
        } else if self.snapshot.sequences.contains_key(&oid) {
            self.edit.remove(keys.sequence(oid));
            self.edit.remove(keys.sequence_value(oid));
        } else if self.snapshot.views.contains_key(&oid) {
            self.edit.remove(keys.view(oid));
        } else if self.snapshot.types.contains_key(&oid) {
            self.edit.remove(keys.user_type(oid));
        } else if self.snapshot.functions.contains_key(&oid) {
            self.edit.remove(keys.function(oid));
        } else if self.snapshot.schemas.contains_key(&oid) {
            self.edit.remove(keys.schema(oid));
        } else if self.snapshot.roles.contains_key(&oid) {
            self.edit.remove(keys.role(oid));
        }
    }
}

/// A name as the catalog looks it up.
pub(super) fn relation_name(name: &Name) -> RelationName<'_> {
    RelationName { schema: name.schema.as_deref(), name: &name.name }
}

/// Schemas that no one may add to.
pub(super) fn is_system_schema(name: &str) -> bool {
    name == "information_schema" || name.starts_with("pg_")
}

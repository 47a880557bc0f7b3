//! What a plan looked up in the catalog while it was made, so that it can be told later whether
//! the same look-ups would still find the same.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;
use parking_lot::Mutex;

use crate::base::{Oid, Result};
use crate::catalog::access::{Access, RowRule};
use crate::catalog::{self, FunctionDef, RelationName, Snapshot, Table, TableDef, ViewDef};
use crate::plan::{Name, Relation, Relations};
use crate::store::meta::Mirrored;
use crate::types::{NamedType, PgType};

use super::tables::StatementRelations;
use super::temporary::own_schema;

/// What a plan depends on.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// It reads the system's relations or calls functions that do: those were bound to a snapshot
    /// and to a session when the plan was made.
    pub(super) momentary: bool,
    /// It shows what sessions do: true of no moment but that of its making.
    pub(super) fleeting: bool,
    /// It shows what connections of all nodes do: those are asked before it runs.
    pub(super) asks: bool,
    /// It shows what the session has prepared.
    pub(super) lists: bool,
    lookups: Vec<Lookup>,
}

#[derive(Debug)]
enum Lookup {
    /// A relation by name.
    Relation { schema: Option<String>, name: String, path: Vec<String>, found: Found },
    /// The oid behind a name, as `regclass` reads it.
    Oid { text: String, path: Vec<String>, found: Option<Oid> },
    /// A user's type by name.
    Type { schema: Option<String>, name: String, path: Vec<String>, found: NamedType },
    /// Users' functions by name.
    Functions {
        schema: Option<String>,
        name: String,
        path: Vec<String>,
        found: Vec<Arc<FunctionDef>>,
    },
    /// The columns of a relation whose rows a function returns.
    Columns { relation: Oid, found: Option<Vec<(String, PgType)>> },
    /// The schema that a table is in.
    Schema { table: Oid, found: Option<String> },
    /// The rows of a table that a role may see or write.
    Rows { table: Oid, role: Oid, rule: RowRule, found: Option<String> },
}

/// Definitions are replaced when they change, never written over: the same one means that
/// nothing has changed.
#[derive(Debug)]
enum Found {
    Table(Arc<TableDef>),
    View(Arc<ViewDef>),
}

impl Uses {
    /// Whether the look-ups find the same at a snapshot.
    pub(super) fn hold_at(&self, snapshot: &Snapshot) -> bool {
        !self.momentary && self.lookups.iter().all(|lookup| lookup.holds_at(snapshot))
    }
}

impl Lookup {
    fn holds_at(&self, snapshot: &Snapshot) -> bool {
        match self {
            Self::Relation { schema, name, path, found } => {
                let name = RelationName { schema: schema.as_deref(), name };
                match (snapshot.relation(name, path), found) {
                    (Some(catalog::Relation::Table(oid)), Found::Table(definition)) => {
                        let table = snapshot.tables.get(&oid);
                        table.is_some_and(|table| Arc::ptr_eq(&table.definition, definition))
                    }
                    (Some(catalog::Relation::View(oid)), Found::View(definition)) => {
                        let view = snapshot.views.get(&oid);
                        view.is_some_and(|view| Arc::ptr_eq(view, definition))
                    }
                    _ => false,
                }
            }
            Self::Oid { text, path, found } => {
                let now = super::values::find_relation(snapshot, text, path);
                now.map(catalog::Relation::oid) == *found
            }
            Self::Rows { table, role, rule, found } => {
                let table = snapshot.tables.get(table);
                table.is_some_and(|table| {
                    let access = Access::new(snapshot, *role);
                    access.row_condition(&table.definition, *rule) == *found
                })
            }
            Self::Type { schema, name, path, found } => {
                snapshot.type_named(schema.as_deref(), name, path).as_ref() == Some(found)
            }
            Self::Functions { schema, name, path, found } => {
                let now = snapshot.functions_named(schema.as_deref(), name, path);
                now.len() == found.len() && now.iter().zip(found).all(|(a, b)| Arc::ptr_eq(a, b))
            }
            Self::Columns { relation, found } => {
                Relations::columns_of(snapshot, *relation) == *found
            }
            Self::Schema { table, found } => {
                super::tables::schema_of(snapshot, *table) == found.as_deref()
            }
        }
    }
}

/// The catalog at a snapshot, which notes what is asked of it.
#[derive(Debug)]
pub(super) struct Recorder {
    relations: StatementRelations,
    snapshot: Arc<Mirrored<Snapshot>>,
    uses: Mutex<Uses>,
}

impl Recorder {
    pub(super) fn new(relations: StatementRelations, snapshot: &Arc<Mirrored<Snapshot>>) -> Self {
        Self { relations, snapshot: Arc::clone(snapshot), uses: Mutex::default() }
    }

    /// What was asked until now; the notes begin anew.
    pub(super) fn take(&self) -> Uses {
        std::mem::take(&mut *self.uses.lock())
    }

    /// The table of this name, which a statement changes as it says.
    ///
    /// # Errors
    /// 42P01, and what is no table.
    pub(super) fn table(&self, name: &Name, path: &[String], change: &str) -> Result<Arc<Table>> {
        let schema = own_schema(name.schema.as_deref(), self.relations.temporary())?;
        let relation = RelationName { schema, name: &name.name };
        let table = self.snapshot.state.require_changeable(relation, path, change)?;
        let found = Found::Table(Arc::clone(&table.definition));
        self.note_relation(schema, &name.name, path, found);
        Ok(Arc::clone(table))
    }

    fn note_relation(&self, schema: Option<&str>, name: &str, path: &[String], found: Found) {
        self.uses.lock().lookups.push(Lookup::Relation {
            schema: schema.map(str::to_owned),
            name: name.to_owned(),
            path: path.to_vec(),
            found,
        });
    }

    /// The plan that is made now holds at this moment only, if something was found.
    fn momentary<T>(&self, found: Option<T>) -> Option<T> {
        self.uses.lock().momentary |= found.is_some();
        found
    }
}

impl Relations for Recorder {
    fn relation(&self, schema: Option<&str>, name: &str, path: &[String]) -> Option<Relation> {
        let relation = self.relations.relation(schema, name, path)?;
        if let Relation::Provider { oid, .. } = &relation {
            let mut uses = self.uses.lock();
            uses.fleeting |= catalog::system::is_fleeting(*oid);
            uses.asks |= catalog::system::is_told_by_all(*oid);
            uses.lists |= catalog::system::is_of_session(*oid);
        }
        // What is noted is looked for in the catalog alone.
        let schema = own_schema(schema, self.relations.temporary()).ok()?;
        let state = &self.snapshot.state;
        let found = match &relation {
            Relation::Table { oid, .. } => {
                state.tables.get(oid).map(|table| Found::Table(Arc::clone(&table.definition)))
            }
            Relation::View { oid, .. } => state.views.get(oid).cloned().map(Found::View),
            Relation::Unguarded { .. } => None,
            Relation::Provider { .. } => None,
        };
        match found {
            Some(found) => self.note_relation(schema, name, path, found),
            None => self.uses.lock().momentary = true,
        }
        Some(relation)
    }

    fn row_condition(
        &self,
        table: Oid,
        role: Option<Oid>,
        rule: RowRule,
    ) -> Result<Option<String>> {
        let found = self.relations.row_condition(table, role, rule)?;
        let known = self.snapshot.state.tables.get(&table);
        // Without row-level security there is nothing that another definition would not change.
        if known.is_some_and(|table| table.definition.row_security) {
            let role = role.unwrap_or(self.relations.role());
            let lookup = Lookup::Rows { table, role, rule, found: found.clone() };
            self.uses.lock().lookups.push(lookup);
        }
        Ok(found)
    }

    fn schema_oid(&self, relation: Oid) -> Option<Oid> {
        self.relations.schema_oid(relation)
    }

    fn user_type(&self, schema: Option<&str>, name: &str, path: &[String]) -> Option<NamedType> {
        let found = self.relations.user_type(schema, name, path)?;
        self.uses.lock().lookups.push(Lookup::Type {
            schema: schema.map(str::to_owned),
            name: name.to_owned(),
            path: path.to_vec(),
            found: found.clone(),
        });
        Some(found)
    }

    fn user_functions(
        &self,
        schema: Option<&str>,
        name: &str,
        path: &[String],
    ) -> Vec<Arc<FunctionDef>> {
        let found = self.relations.user_functions(schema, name, path);
        // A name that no function has is that of one of the system's, or the plan fails.
        if !found.is_empty() {
            let (schema, name) = (schema.map(str::to_owned), name.to_owned());
            let (path, found) = (path.to_vec(), found.clone());
            self.uses.lock().lookups.push(Lookup::Functions { schema, name, path, found });
        }
        found
    }

    fn columns_of(&self, relation: Oid) -> Option<Vec<(String, PgType)>> {
        let found = self.relations.columns_of(relation);
        self.uses.lock().lookups.push(Lookup::Columns { relation, found: found.clone() });
        found
    }

    fn has_schema(&self, name: &str) -> bool {
        self.relations.has_schema(name)
    }

    fn oid_of(&self, text: &str, path: &[String]) -> Option<Oid> {
        let oid = self.relations.oid_of(text, path)?;
        let state = &self.snapshot.state;
        let found = super::values::find_relation(state, text, path).map(catalog::Relation::oid);
        if found == Some(oid) {
            let (text, path) = (text.to_owned(), path.to_vec());
            self.uses.lock().lookups.push(Lookup::Oid { text, path, found });
        } else {
            self.uses.lock().momentary = true;
        }
        Some(oid)
    }

    fn schema_of(&self, table: Oid) -> Option<String> {
        let found = self.relations.schema_of(table);
        self.uses.lock().lookups.push(Lookup::Schema { table, found: found.clone() });
        found
    }

    fn function(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.momentary(self.relations.function(name))
    }

    fn name_function(&self, ty: &PgType) -> Option<Arc<ScalarUDF>> {
        self.momentary(self.relations.name_function(ty))
    }

    fn named_oid(&self, text: &str, ty: &PgType) -> Option<Oid> {
        self.momentary(self.relations.named_oid(text, ty))
    }
}

//! What names mean: the planner's window on the catalog.

use std::fmt::Debug;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::logical_expr::ScalarUDF;

use crate::base::{Oid, Result};
use crate::catalog::access::RowRule;
use crate::catalog::{self, FunctionDef, RelationName, SequenceDef, Snapshot, ViewDef};
use crate::segment::TableSchema;
use crate::types::{NamedType, PgType};

/// A relation that a name stands for.
#[derive(Clone, Debug)]
pub enum Relation {
    /// A table.
    Table {
        /// Its oid.
        oid: Oid,
        /// Its columns and keys.
        schema: Arc<TableSchema>,
    },
    /// A table, whatever its policies say.
    Unguarded {
        /// Its oid.
        oid: Oid,
        /// Its columns and keys.
        schema: Arc<TableSchema>,
    },
    /// A view: its query is planned in its place.
    View {
        /// Its oid.
        oid: Oid,
        /// The query, as SQL.
        query: String,
        /// The search path under which the query's names are looked up.
        search_path: Vec<String>,
        /// Whose rights the query has; none: those of who uses the view.
        rights: Option<Oid>,
    },
    /// A relation of the system whose rows are made when they are asked for.
    Provider {
        /// Its oid.
        oid: Oid,
        /// What makes the rows.
        provider: Arc<dyn TableProvider>,
    },
}

impl Relation {
    /// A sequence as the one row that PostgreSQL keeps it in. No value above
    /// `last_value` was given.
    pub fn of_sequence(sequence: &SequenceDef) -> Self {
        let SequenceDef { oid, increment, min, max, .. } = sequence;
        let end = if *increment > 0 { max } else { min };
        let query = format!(
            "SELECT CASE WHEN called THEN coalesce((n::numeric - ({increment}))::int8, {end}) ELSE n \
             END AS last_value, 0::int8 AS log_cnt, called AS is_called FROM (SELECT n, \
             coalesce(n::numeric - ({increment}) BETWEEN ({min}) AND ({max}), true) AS called \
             FROM (SELECT redkite_untaken_value({oid}::oid) AS n) a) b"
        );
        Self::View { oid: *oid, query, search_path: Vec::new(), rights: None }
    }

    /// A view.
    pub fn of_view(view: &ViewDef) -> Self {
        Self::View {
            oid: view.oid,
            query: view.query.clone(),
            search_path: view.search_path.clone(),
            rights: (!view.security_invoker).then_some(view.owner),
        }
    }

    /// Its oid.
    pub fn oid(&self) -> Oid {
        match self {
            Self::Table { oid, .. }
            | Self::Unguarded { oid, .. }
            | Self::View { oid, .. }
            | Self::Provider { oid, .. } => *oid,
        }
    }
}

/// Looks names up, at one snapshot of the catalog.
pub trait Relations: Debug + Send + Sync {
    /// The relation of this name: in the schema if one is named, otherwise along the path.
    fn relation(&self, schema: Option<&str>, name: &str, path: &[String]) -> Option<Relation>;

    /// The relations that these are laid over: they answer what these don't, policies above all.
    fn beneath(&self) -> Option<&dyn Relations> {
        None
    }

    /// Which rows of a table policies let a role find or write, as SQL; none: all. The role of who
    /// runs the statement, where none is given.
    ///
    /// # Errors
    /// 42501 with `row_security` off.
    fn row_condition(
        &self,
        table: Oid,
        role: Option<Oid>,
        rule: RowRule,
    ) -> Result<Option<String>> {
        self.beneath().map_or(Ok(None), |beneath| beneath.row_condition(table, role, rule))
    }

    /// The relations without those that a statement's own rows are: what views and policies are
    /// written in terms of. None where there are no others.
    fn stored(&self) -> Option<Arc<dyn Relations>> {
        self.beneath()?.stored()
    }

    /// The schema of a table or view, for whoever must be allowed to look into it.
    fn schema_oid(&self, relation: Oid) -> Option<Oid> {
        self.beneath()?.schema_oid(relation)
    }

    /// Whether there is such a schema: decides which error a wrong name gives.
    fn has_schema(&self, name: &str) -> bool {
        self.beneath().is_some_and(|beneath| beneath.has_schema(name))
    }

    /// The schema that a table is in; `None` looks it up along the path.
    fn schema_of(&self, table: Oid) -> Option<String> {
        self.beneath()?.schema_of(table)
    }

    /// A function that looks into the catalog.
    fn function(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.beneath()?.function(name)
    }

    /// The functions of this name that users defined, in the order of the path.
    fn user_functions(
        &self,
        schema: Option<&str>,
        name: &str,
        path: &[String],
    ) -> Vec<Arc<FunctionDef>> {
        self.beneath().map(|beneath| beneath.user_functions(schema, name, path)).unwrap_or_default()
    }

    /// The columns of a table or view, whose rows a function returns.
    fn columns_of(&self, relation: Oid) -> Option<Vec<(String, PgType)>> {
        self.beneath()?.columns_of(relation)
    }

    /// The type of this name that a user defined.
    fn user_type(&self, schema: Option<&str>, name: &str, path: &[String]) -> Option<NamedType> {
        self.beneath()?.user_type(schema, name, path)
    }

    /// What turns oids of a type such as `regclass` into names.
    fn name_function(&self, ty: &PgType) -> Option<Arc<ScalarUDF>> {
        self.beneath()?.name_function(ty)
    }

    /// The oid behind a name as a type such as `regtype` reads it.
    fn named_oid(&self, text: &str, ty: &PgType) -> Option<Oid> {
        self.beneath()?.named_oid(text, ty)
    }

    /// The oid behind a name as `regclass` reads it.
    fn oid_of(&self, text: &str, path: &[String]) -> Option<Oid> {
        if let Some(beneath) = self.beneath() {
            return beneath.oid_of(text, path);
        }
        let mut parts: Vec<&str> = text.split('.').map(|part| part.trim_matches('"')).collect();
        let name = parts.pop()?;
        self.relation(parts.pop(), name, path).map(|relation| relation.oid())
    }
}

impl Relations for Snapshot {
    fn relation(&self, schema: Option<&str>, name: &str, path: &[String]) -> Option<Relation> {
        match self.relation(RelationName { schema, name }, path)? {
            catalog::Relation::Table(oid) => {
                let table = self.require_table_by_oid(oid).ok()?;
                Some(Relation::Table { oid, schema: Arc::clone(&table.schema) })
            }
            catalog::Relation::View(oid) => self.view(oid).map(|view| Relation::of_view(view)),
            catalog::Relation::Sequence(oid) => {
                self.sequences.get(&oid).map(|sequence| Relation::of_sequence(sequence))
            }
            catalog::Relation::Index { .. } => None,
        }
    }

    fn has_schema(&self, name: &str) -> bool {
        self.schema(name).is_some()
    }

    fn user_type(&self, schema: Option<&str>, name: &str, path: &[String]) -> Option<NamedType> {
        self.type_named(schema, name, path)
    }

    fn user_functions(
        &self,
        schema: Option<&str>,
        name: &str,
        path: &[String],
    ) -> Vec<Arc<FunctionDef>> {
        self.functions_named(schema, name, path)
    }

    fn columns_of(&self, relation: Oid) -> Option<Vec<(String, PgType)>> {
        if let Some(table) = self.tables.get(&relation) {
            let columns = table.definition.columns.iter();
            return Some(columns.map(|c| (c.name.clone(), c.ty.pg_type())).collect());
        }
        let columns = &self.views.get(&relation)?.columns;
        Some(columns.iter().map(|(name, ty)| (name.clone(), ty.pg_type())).collect())
    }

    fn schema_of(&self, table: Oid) -> Option<String> {
        let table = self.require_table_by_oid(table).ok()?;
        Some(self.schema_name(table.definition.schema).to_owned())
    }
}

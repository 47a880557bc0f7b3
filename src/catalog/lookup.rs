//! Names to objects, by PostgreSQL's rules (chapter 5.10, "Schemas").

use std::sync::Arc;

use crate::base::{Oid, Result, SqlError, SqlState};

use super::definition::{RoleDef, SchemaDef, SequenceDef, ViewDef};
use super::snapshot::Snapshot;
use super::table::Table;

/// What a relation's name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// A table.
    Table(Oid),
    /// A view.
    View(Oid),
    /// A sequence.
    Sequence(Oid),
    /// An index of a table: behind a key, or by itself.
    Index {
        /// The table.
        table: Oid,
        /// The index.
        key: Oid,
    },
}

impl Relation {
    /// Its oid in `pg_class`.
    pub fn oid(self) -> Oid {
        match self {
            Self::Table(oid) | Self::View(oid) | Self::Sequence(oid) => oid,
            Self::Index { key, .. } => key,
        }
    }

    /// What PostgreSQL calls it in messages.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Table(_) => "table",
            Self::View(_) => "view",
            Self::Sequence(_) => "sequence",
            Self::Index { .. } => "index",
        }
    }
}

/// A relation's name as a statement gives it.
#[derive(Clone, Copy, Debug)]
pub struct RelationName<'a> {
    /// The schema, where one was written.
    pub schema: Option<&'a str>,
    /// The name.
    pub name: &'a str,
}

impl std::fmt::Display for RelationName<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(schema) = self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(self.name)
    }
}

impl Snapshot {
    /// The schema of this name.
    pub fn schema(&self, name: &str) -> Option<&Arc<SchemaDef>> {
        self.schemas.values().find(|schema| schema.name == name)
    }

    /// The schema of this name, or 3F000.
    pub fn require_schema(&self, name: &str) -> Result<&Arc<SchemaDef>> {
        self.schema(name).ok_or_else(|| {
            let message = format!("schema \"{name}\" does not exist");
            SqlError::new(SqlState::INVALID_SCHEMA_NAME, message)
        })
    }

    /// The role of this name.
    pub fn role(&self, name: &str) -> Option<&Arc<RoleDef>> {
        self.roles.values().find(|role| role.name == name)
    }

    /// The role of this name, or 42704.
    pub fn require_role(&self, name: &str) -> Result<&Arc<RoleDef>> {
        self.role(name).ok_or_else(|| {
            let message = format!("role \"{name}\" does not exist");
            SqlError::new(SqlState::UNDEFINED_OBJECT, message)
        })
    }

    /// What a name in one schema stands for.
    pub fn relation_in(&self, schema: Oid, name: &str) -> Option<Relation> {
        self.relations.get(&(schema, Arc::from(name))).copied()
    }

    /// The schema and the name of a relation.
    pub fn relation_name(&self, oid: Oid) -> Option<(Oid, &str)> {
        let mut relations = self.relations.iter();
        let ((schema, name), _) = relations.find(|(_, relation)| relation.oid() == oid)?;
        Some((*schema, name))
    }

    /// The relation of an oid.
    pub fn relation_of(&self, oid: Oid) -> Option<Relation> {
        self.relations.values().copied().find(|relation| relation.oid() == oid)
    }

    /// What a name stands for: in its schema, or in the first schema of the path that has it.
    pub fn relation(&self, name: RelationName<'_>, search_path: &[String]) -> Option<Relation> {
        let find = |schema: &str| self.relation_in(self.schema(schema)?.oid, name.name);
        match name.schema {
            Some(schema) => find(schema),
            None => search_path.iter().find_map(|schema| find(schema)),
        }
    }

    /// The table of this name whose rows a statement changes, as it says (`insert into`); 42809 and
    /// 55000 for what is no table.
    pub fn require_changeable(
        &self,
        name: RelationName<'_>,
        search_path: &[String],
        change: &str,
    ) -> Result<&Arc<Table>> {
        let refused = |state, message: String| Err(SqlError::new(state, message));
        let (wrong, shown) = (SqlState::WRONG_OBJECT_TYPE, name.name);
        let relation = self.require_relation(name, search_path)?;
        if change == "truncate" && !matches!(relation, Relation::Table(_)) {
            return refused(wrong, format!("\"{shown}\" is not a table"));
        }
        match relation {
            Relation::View(_) if change == "copy to" => {
                refused(wrong, format!("cannot copy to view \"{shown}\""))
            }
            Relation::View(_) => {
                let state = SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE;
                refused(state, format!("cannot {change} view \"{shown}\""))
            }
            Relation::Sequence(_) => refused(wrong, format!("cannot change sequence \"{shown}\"")),
            Relation::Index { .. } => refused(wrong, format!("cannot open relation \"{shown}\"")),
            Relation::Table(oid) => {
                let table = self.require_table_by_oid(oid)?;
                match (&table.definition.materialized, change) {
                    (None, _) => Ok(table),
                    (Some(_), "truncate") => refused(wrong, format!("\"{shown}\" is not a table")),
                    (Some(_), _) => {
                        refused(wrong, format!("cannot change materialized view \"{shown}\""))
                    }
                }
            }
        }
    }

    /// The table of this name; 42P01 where there is nothing, 42809 where it is something else.
    pub fn require_table(
        &self,
        name: RelationName<'_>,
        search_path: &[String],
    ) -> Result<&Arc<Table>> {
        match self.require_relation(name, search_path)? {
            Relation::Table(oid) => self.require_table_by_oid(oid),
            Relation::View(_) | Relation::Sequence(_) | Relation::Index { .. } => {
                let message = format!("\"{}\" is not a table", name.name);
                Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
        }
    }

    /// The table of this oid, or 42P01: it was dropped since its name was looked up.
    pub fn require_table_by_oid(&self, oid: Oid) -> Result<&Arc<Table>> {
        self.tables.get(&oid).ok_or_else(|| {
            let message = format!("relation with OID {oid} does not exist");
            SqlError::new(SqlState::UNDEFINED_TABLE, message)
        })
    }

    /// The sequence of this name; 42P01 or 42809.
    pub fn require_sequence(
        &self,
        name: RelationName<'_>,
        search_path: &[String],
    ) -> Result<&Arc<SequenceDef>> {
        let relation = self.require_relation(name, search_path)?;
        self.sequences.get(&relation.oid()).ok_or_else(|| {
            let message = format!("\"{}\" is not a sequence", name.name);
            SqlError::new(SqlState::WRONG_OBJECT_TYPE, message)
        })
    }

    /// The view of this oid.
    pub fn view(&self, oid: Oid) -> Option<&Arc<ViewDef>> {
        self.views.get(&oid)
    }

    /// What a name stands for, or 42P01.
    pub fn require_relation(
        &self,
        name: RelationName<'_>,
        search_path: &[String],
    ) -> Result<Relation> {
        if let Some(schema) = name.schema {
            self.require_schema(schema)?;
        }
        self.relation(name, search_path).ok_or_else(|| {
            let message = format!("relation \"{name}\" does not exist");
            SqlError::new(SqlState::UNDEFINED_TABLE, message)
        })
    }

    /// A schema's name; for messages and the catalog.
    pub fn schema_name(&self, oid: Oid) -> &str {
        self.schemas.get(&oid).map_or("", |schema| &schema.name)
    }
}

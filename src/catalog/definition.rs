//! What DDL defines, as metadata stores it: JSON values, one key each (`docs/format.md`).
//!
//! Columns are named by [`ColumnId`] everywhere but in their own definition, so that a rename
//! touches one key. Expressions are kept as the SQL text that was written.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::access::{Acl, Grantable, PolicyDef};
use super::comments::Comments;
use super::foreign_key::ForeignKeyDef;
use crate::base::limits::INDEX_BUILD_BYTES_DEFAULT;
use crate::base::{ColumnId, Incarnation, Oid};
use crate::index::IndexSpec;
use crate::types::{DomainType, NamedType, PgType};

/// A type with its modifier, as PostgreSQL's `atttypid` and `atttypmod`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeDef {
    /// `pg_type.oid`.
    pub oid: Oid,
    /// The modifier; -1 for none.
    pub modifier: i32,
    /// What a user's type is: not stored here, the snapshot tells.
    #[serde(skip)]
    pub(super) described: Option<PgType>,
    /// The domain, where it is one; the type is then the one beneath it.
    #[serde(skip)]
    pub(super) domain: Option<Arc<DomainType>>,
}

impl From<&PgType> for TypeDef {
    fn from(ty: &PgType) -> Self {
        let described = ty.is_user_defined().then(|| ty.clone());
        Self { oid: ty.oid(), modifier: ty.typmod(), described, domain: None }
    }
}

impl From<NamedType> for TypeDef {
    fn from(named: NamedType) -> Self {
        match named {
            NamedType::Type(ty) => Self::from(&ty),
            NamedType::Domain(domain) => Self {
                oid: domain.oid,
                modifier: -1,
                described: Some(domain.base.clone()),
                domain: Some(domain),
            },
        }
    }
}

impl TypeDef {
    /// The domain, where it is one.
    pub fn domain(&self) -> Option<&Arc<DomainType>> {
        self.domain.as_ref()
    }

    /// The type, a domain's that beneath it; `Text` for one that a newer version wrote and this one doesn't know.
    pub fn pg_type(&self) -> PgType {
        if let Some(described) = &self.described {
            return described.clone();
        }
        PgType::from_oid(self.oid).map_or(PgType::Text, |ty| ty.with_typmod(self.modifier))
    }
}

/// A schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaDef {
    /// Its oid.
    pub oid: Oid,
    /// Its name.
    pub name: String,
    /// The role that owns it.
    pub owner: Oid,
    /// It holds the temporary objects of a session in this process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temporary: Option<Incarnation>,
    /// COMMENT ON SCHEMA.
    #[serde(default, skip_serializing_if = "Comments::is_empty")]
    pub comments: Comments,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableDef {
    /// Its oid; also of its row type.
    pub oid: Oid,
    /// The schema it is in.
    pub schema: Oid,
    /// Its name.
    pub name: String,
    /// The role that owns it.
    pub owner: Oid,
    /// Its columns in order, without those that were dropped.
    pub columns: Vec<ColumnDef>,
    /// The number that the next new column gets.
    pub next_column: ColumnId,
    /// Primary key and unique constraints.
    pub keys: Vec<KeyDef>,
    /// Indexes that are no keys.
    #[serde(default)]
    pub indexes: Vec<IndexDef>,
    /// CHECK constraints.
    pub checks: Vec<CheckDef>,
    /// Foreign keys of this table.
    pub foreign_keys: Vec<ForeignKeyDef>,
    /// COMMENT ON TABLE.
    pub comment: Option<String>,
    /// COMMENT ON its indexes and constraints.
    #[serde(default, skip_serializing_if = "Comments::is_empty")]
    pub comments: Comments,
    /// ENABLE ROW LEVEL SECURITY.
    #[serde(default)]
    pub row_security: bool,
    /// FORCE ROW LEVEL SECURITY: for the owner too.
    #[serde(default)]
    pub force_row_security: bool,
    /// CREATE POLICY.
    #[serde(default)]
    pub policies: Vec<PolicyDef>,
    /// DISABLE TRIGGER ALL: its foreign keys, and those to it, are not checked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchecked: bool,
    /// ON COMMIT DELETE ROWS.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deletes_on_commit: bool,
    /// What fills it, where it is a materialized view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub materialized: Option<MaterializedDef>,
}

/// What a materialized view is besides a table whose rows only REFRESH changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaterializedDef {
    /// The query, as SQL.
    pub query: String,
    /// The search path under which the query's names were looked up.
    pub search_path: Vec<String>,
    /// The relations that the query reads.
    pub depends_on: Vec<Oid>,
    /// Whether it has the rows of its query: until then it can't be read.
    pub populated: bool,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnDef {
    /// Its number.
    pub id: ColumnId,
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: TypeDef,
    /// NOT NULL.
    pub not_null: bool,
    /// DEFAULT, as SQL, or the expression of a generated column.
    pub default: Option<String>,
    /// GENERATED ALWAYS AS (default) STORED: computed from the row's other columns.
    #[serde(default)]
    pub generated: bool,
    /// GENERATED .. AS IDENTITY.
    pub identity: Option<IdentityDef>,
    /// The value that rows have which are older than the column, in the type's text form;
    /// none: NULL.
    pub missing: Option<String>,
    /// COMMENT ON COLUMN.
    pub comment: Option<String>,
}

/// An identity column's generator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityDef {
    /// ALWAYS rather than BY DEFAULT.
    pub always: bool,
    /// The sequence behind it.
    pub sequence: Oid,
}

/// A primary key or unique constraint, with the index that PostgreSQL shows for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyDef {
    /// The constraint's oid.
    pub oid: Oid,
    /// Its name; also the index's.
    pub name: String,
    /// Its columns in order.
    pub columns: Vec<ColumnId>,
    /// PRIMARY KEY.
    pub primary: bool,
    /// NULLS NOT DISTINCT.
    pub nulls_not_distinct: bool,
    /// Made by CREATE UNIQUE INDEX rather than as a constraint.
    pub index_only: bool,
    /// INCLUDE: shown, and nothing else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<ColumnId>,
}

/// An index that is no key. One over scalars is shown, renamed and dropped, and has no work to do:
/// segments' statistics do it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexDef {
    /// Its oid.
    pub oid: Oid,
    /// Its name.
    pub name: String,
    /// The access method that was asked for.
    pub method: String,
    /// What it indexes.
    pub columns: Vec<IndexColumnDef>,
    /// INCLUDE: shown, and nothing else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<ColumnId>,
    /// WHERE, as SQL.
    pub filter: Option<String>,
    /// `WITH (..)`, as it was written.
    #[serde(default)]
    pub options: Vec<(String, String)>,
    /// What is built over segments; none where nothing is.
    #[serde(default)]
    pub vector: Option<VectorIndexDef>,
}

/// What a vector index builds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VectorIndexDef {
    /// Over the vectors of this column
    pub column: ColumnId,
    /// What searches cast the column to, where the index was made over such a cast. What is built
    /// is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cast: Option<TypeDef>,
    /// How.
    pub spec: IndexSpec,
    /// Bytes of memory that a build may take: `maintenance_work_mem` of who made the index.
    #[serde(default = "VectorIndexDef::default_memory")]
    pub memory: u64,
}

impl VectorIndexDef {
    fn default_memory() -> u64 {
        INDEX_BUILD_BYTES_DEFAULT
    }

    /// Over how many rows a part is built at most.
    pub fn part_rows_max(&self) -> u64 {
        self.spec.rows_within(self.memory)
    }
}

/// A column or an expression of an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexColumnDef {
    /// The column, where it is one.
    pub column: Option<ColumnId>,
    /// The expression, as SQL, where it is none.
    pub expression: Option<String>,
    /// The operator class, where it was named.
    #[serde(default)]
    pub operator_class: Option<String>,
    /// What comes after it: ` DESC NULLS LAST`.
    pub options: String,
}

/// A CHECK constraint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckDef {
    /// Its oid.
    pub oid: Oid,
    /// Its name.
    pub name: String,
    /// The condition, as SQL.
    pub expression: String,
}

impl ColumnDef {
    /// What a row that says nothing of the column gets, as SQL: its default, or its domain's.
    pub fn default_text(&self) -> Option<&str> {
        let of_domain = || self.ty.domain().and_then(|domain| domain.default.as_deref());
        self.default.as_deref().or_else(of_domain)
    }
}

impl TableDef {
    /// What PostgreSQL calls it in messages.
    pub fn kind(&self) -> &'static str {
        if self.materialized.is_some() { "materialized view" } else { "table" }
    }

    /// A materialized view's query, as that of a view.
    pub fn as_view(&self) -> Option<ViewDef> {
        let materialized = self.materialized.as_ref()?;
        let columns = self.columns.iter().map(|column| (column.name.clone(), column.ty.clone()));
        Some(ViewDef {
            oid: self.oid,
            schema: self.schema,
            name: self.name.clone(),
            owner: self.owner,
            columns: columns.collect(),
            query: materialized.query.clone(),
            search_path: materialized.search_path.clone(),
            depends_on: materialized.depends_on.clone(),
            security_invoker: false,
            comments: Comments::default(),
        })
    }

    /// The columns of domains.
    pub fn domains(&self) -> impl Iterator<Item = (&ColumnDef, &DomainType)> {
        let domain = |column: &'_ ColumnDef| column.ty.domain.is_some();
        let columns = self.columns.iter().filter(move |column| domain(column));
        columns.filter_map(|column| Some((column, column.ty.domain.as_deref()?)))
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&ColumnDef> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The column of this number.
    pub fn column_by_id(&self, id: ColumnId) -> Option<&ColumnDef> {
        self.columns.iter().find(|column| column.id == id)
    }

    /// The column's place in the table's order.
    pub fn column_index(&self, id: ColumnId) -> Option<usize> {
        self.columns.iter().position(|column| column.id == id)
    }

    /// The oids and names of all indexes, those behind keys first.
    pub fn index_names(&self) -> impl Iterator<Item = (Oid, &str)> {
        let keys = self.keys.iter().map(|key| (key.oid, key.name.as_str()));
        keys.chain(self.indexes.iter().map(|index| (index.oid, index.name.as_str())))
    }

    /// The name of an index.
    pub fn index_name(&self, oid: Oid) -> Option<&str> {
        self.index_names().find(|(known, _)| *known == oid).map(|(_, name)| name)
    }

    /// The indexes that are built over segments.
    pub fn vector_indexes(&self) -> impl Iterator<Item = &IndexDef> {
        self.indexes.iter().filter(|index| index.vector.is_some())
    }

    /// The columns that are computed from others.
    pub fn generated(&self) -> impl Iterator<Item = &ColumnDef> {
        self.columns.iter().filter(|column| column.generated)
    }

    /// The names of the columns that are written.
    pub fn written(&self) -> Vec<String> {
        let written = self.columns.iter().filter(|column| !column.generated);
        written.map(|column| column.name.clone()).collect()
    }

    /// The primary key.
    pub fn primary_key(&self) -> Option<&KeyDef> {
        self.keys.iter().find(|key| key.primary)
    }
}

/// A view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewDef {
    /// Its oid.
    pub oid: Oid,
    /// The schema it is in.
    pub schema: Oid,
    /// Its name.
    pub name: String,
    /// The role that owns it.
    pub owner: Oid,
    /// The names and types of its columns.
    pub columns: Vec<(String, TypeDef)>,
    /// The query, as SQL.
    pub query: String,
    /// The search path under which the query's names were looked up.
    pub search_path: Vec<String>,
    /// The relations that the query reads.
    pub depends_on: Vec<Oid>,
    /// `security_invoker`: what the query reads, who uses the view must be allowed to read.
    #[serde(default)]
    pub security_invoker: bool,
    /// COMMENT ON VIEW and on its columns.
    #[serde(default, skip_serializing_if = "Comments::is_empty")]
    pub comments: Comments,
}

/// A sequence. Its value is kept under a key of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceDef {
    /// Its oid.
    pub oid: Oid,
    /// The schema it is in.
    pub schema: Oid,
    /// Its name.
    pub name: String,
    /// The role that owns it.
    pub owner: Oid,
    /// The type of its values.
    #[serde(rename = "type")]
    pub ty: TypeDef,
    /// START.
    pub start: i64,
    /// INCREMENT.
    pub increment: i64,
    /// MINVALUE.
    pub min: i64,
    /// MAXVALUE.
    pub max: i64,
    /// CYCLE.
    pub cycle: bool,
    /// CACHE: how many values a node takes at once; none: ours to choose.
    pub cache: Option<i64>,
    /// The column that owns it: dropped with it.
    pub owned_by: Option<(Oid, ColumnId)>,
    /// Goes up with each ALTER: values that a node has taken before are not given any more.
    #[serde(default)]
    pub changes: u64,
    /// COMMENT ON SEQUENCE.
    #[serde(default, skip_serializing_if = "Comments::is_empty")]
    pub comments: Comments,
}

/// A role. Passwords are kept as SCRAM verifiers only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "they are PostgreSQL's attributes")]
pub struct RoleDef {
    /// Its oid.
    pub oid: Oid,
    /// Its name.
    pub name: String,
    /// SUPERUSER.
    pub superuser: bool,
    /// LOGIN.
    pub login: bool,
    /// CREATEROLE.
    pub create_role: bool,
    /// CREATEDB.
    pub create_database: bool,
    /// CONNECTION LIMIT; -1 for none.
    pub connection_limit: i32,
    /// `SCRAM-SHA-256$iterations:salt$stored key:server key`; none: can't log in by password.
    pub verifier: Option<String>,
    /// VALID UNTIL: when the password ends, in microseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until_us: Option<i64>,
    /// ALTER ROLE .. SET.
    pub settings: Vec<(String, String)>,
    /// NOINHERIT: the default for memberships that it gets.
    #[serde(default)]
    pub no_inherit: bool,
    /// BYPASSRLS.
    #[serde(default)]
    pub bypass_row_security: bool,
    /// The roles of which it is a member.
    #[serde(default)]
    pub member_of: Vec<Membership>,
    /// ALTER DEFAULT PRIVILEGES for what it will make.
    #[serde(default)]
    pub default_grants: Vec<DefaultGrants>,
}

/// A role's membership in another, as granted by somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// In which role.
    pub role: Oid,
    /// By whom.
    pub grantor: Oid,
    /// ADMIN: may grant it on.
    pub admin: bool,
    /// INHERIT: has its privileges.
    pub inherit: bool,
    /// SET: may become it.
    pub set: bool,
}

/// What objects grant from the moment when they are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultGrants {
    /// In this schema, added to the rest; none: anywhere, in the place of what is built in.
    pub schema: Option<Oid>,
    /// For these objects.
    pub kind: Grantable,
    /// What they grant.
    pub acl: Acl,
}

/// What an object grants, beside its definition. None is kept where nothing was said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantsDef {
    /// The object.
    pub oid: Oid,
    /// What it grants as a whole; none: what is built in.
    pub acl: Option<Acl>,
    /// What single columns grant.
    #[serde(default)]
    pub columns: Vec<(ColumnId, Acl)>,
}

impl GrantsDef {
    /// All lists.
    pub fn lists(&self) -> impl Iterator<Item = &Acl> {
        self.acl.iter().chain(self.columns.iter().map(|(_, acl)| acl))
    }
}

/// The database itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseDef {
    /// Its oid.
    pub oid: Oid,
    /// Its name.
    pub name: String,
    /// The role that owns it.
    pub owner: Oid,
    /// ALTER DATABASE .. SET.
    pub settings: Vec<(String, String)>,
    /// Extensions that were created.
    pub extensions: Vec<ExtensionDef>,
}

/// An extension that was created: what it adds is always there, this says that it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtensionDef {
    /// Its oid.
    pub oid: Oid,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The schema it was put in.
    pub schema: Oid,
}

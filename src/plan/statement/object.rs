//! Statements about schemas, views, sequences, indexes, extensions.

use super::{Expression, FunctionName, Persistence, Query, StorageOption};
use crate::plan::Name;
use crate::types::PgType;

/// `CREATE SCHEMA`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateSchema {
    /// Its name; none: the owner's.
    pub name: Option<String>,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// `AUTHORIZATION`.
    pub owner: Option<String>,
}

/// `CREATE VIEW`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateView {
    /// Its name.
    pub name: Name,
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// `TEMPORARY`.
    pub temporary: bool,
    /// New names for the query's columns, from the left.
    pub columns: Vec<String>,
    /// `WITH (..)`.
    pub options: Vec<StorageOption>,
    /// The query; its text is what the catalog keeps.
    pub query: Query,
}

/// `REFRESH MATERIALIZED VIEW`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// Its name.
    pub name: Name,
    /// `CONCURRENTLY`.
    pub concurrently: bool,
    /// Not `WITH NO DATA`.
    pub with_data: bool,
}

/// `CREATE SEQUENCE`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateSequence {
    /// Its name.
    pub name: Name,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// `TEMPORARY`, `UNLOGGED`.
    pub persistence: Persistence,
    /// Its options.
    pub options: SequenceOptions,
}

/// `ALTER SEQUENCE` with options.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterSequence {
    /// Its name.
    pub name: Name,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// What changes.
    pub options: SequenceOptions,
}

/// A sequence's options: only those that were written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SequenceOptions {
    /// `AS type`.
    pub ty: Option<PgType>,
    /// `INCREMENT BY`.
    pub increment: Option<i64>,
    /// `MINVALUE n`; inner none: `NO MINVALUE`.
    pub min: Option<Option<i64>>,
    /// `MAXVALUE n`; inner none: `NO MAXVALUE`.
    pub max: Option<Option<i64>>,
    /// `START WITH`.
    pub start: Option<i64>,
    /// `RESTART [WITH n]`; inner none: at its start.
    pub restart: Option<Option<i64>>,
    /// `CACHE`.
    pub cache: Option<i64>,
    /// `CYCLE`, `NO CYCLE`.
    pub cycle: Option<bool>,
    /// `OWNED BY table.column`; inner none: `OWNED BY NONE`.
    pub owned_by: Option<Option<(Name, String)>>,
    /// `SEQUENCE NAME`, in identity columns (pg_dump writes it).
    pub name: Option<Name>,
}

/// `CREATE INDEX`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateIndex {
    /// Its name (its schema is its table's).
    pub name: Option<String>,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// `UNIQUE`.
    pub unique: bool,
    /// `CONCURRENTLY`.
    pub concurrently: bool,
    /// The table.
    pub table: Name,
    /// `USING`: `btree` where none is written.
    pub method: String,
    /// What is indexed.
    pub columns: Vec<IndexColumn>,
    /// `INCLUDE`.
    pub include: Vec<String>,
    /// `NULLS DISTINCT`, the default.
    pub nulls_distinct: bool,
    /// `WITH (..)`.
    pub options: Vec<StorageOption>,
    /// `WHERE`.
    pub filter: Option<Expression>,
}

/// One column or expression of an index.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexColumn {
    /// What is indexed; a plain column has its name here too.
    pub expression: Expression,
    /// The column's name where it is one.
    pub column: Option<String>,
    /// The operator class.
    pub operator_class: Option<Name>,
    /// `DESC`.
    pub descending: bool,
    /// `NULLS FIRST | LAST`, where written.
    pub nulls_first: Option<bool>,
}

/// `CREATE EXTENSION`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateExtension {
    /// Its name.
    pub name: String,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// `SCHEMA`.
    pub schema: Option<String>,
    /// `VERSION`.
    pub version: Option<String>,
    /// `CASCADE`.
    pub cascade: bool,
}

/// Kinds of objects that have a name of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A table.
    Table,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// A sequence.
    Sequence,
    /// An index.
    Index,
    /// A schema (in [`Name::name`]).
    Schema,
    /// An extension (in [`Name::name`]).
    Extension,
    /// A type.
    Type,
    /// A domain.
    Domain,
}

impl ObjectKind {
    /// The kind in messages: `table "t" does not exist`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::View => "view",
            Self::MaterializedView => "materialized view",
            Self::Sequence => "sequence",
            Self::Index => "index",
            Self::Schema => "schema",
            Self::Extension => "extension",
            // In messages, a domain is a type.
            Self::Type | Self::Domain => "type",
        }
    }
}

/// `ALTER kind name ...` for what all kinds have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterObject {
    /// The kind that was written: another kind of that name is 42809.
    pub kind: ObjectKind,
    /// Its name.
    pub name: Name,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// What changes.
    pub action: ObjectAction,
}

/// What ALTER changes of any object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectAction {
    /// `RENAME TO`.
    RenameTo(String),
    /// `OWNER TO`.
    OwnerTo(String),
    /// `SET SCHEMA`.
    SetSchema(String),
    /// `ALTER INDEX .. SET (..)`, `ALTER VIEW .. SET (..)`.
    SetOptions(Vec<StorageOption>),
    /// `RESET (..)`.
    ResetOptions(Vec<String>),
    /// `ALTER EXTENSION .. UPDATE [TO version]`.
    Update(Option<String>),
    /// Nothing to do: `SET TABLESPACE`, `SET LOGGED`.
    Nothing,
}

/// `DROP kind name, ...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    /// The kind.
    pub kind: ObjectKind,
    /// The names.
    pub names: Vec<Name>,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// `CASCADE`.
    pub cascade: bool,
}

/// `COMMENT ON target IS text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// On what.
    pub target: CommentTarget,
    /// The comment; none: removes it.
    pub text: Option<String>,
}

/// What a comment is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommentTarget {
    /// A table, view, sequence, index, schema, extension or type.
    Object(ObjectKind, Name),
    /// A function.
    Function(FunctionName),
    /// `COLUMN table.column`.
    Column(Name, String),
    /// `CONSTRAINT name ON table`.
    Constraint(String, Name),
    /// `DATABASE`.
    Database(String),
    /// `ROLE`.
    Role(String),
}

/// `REINDEX`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reindex {
    /// Whose indexes are built anew.
    pub target: ReindexTarget,
    /// Does not wait for them.
    pub concurrently: bool,
}

/// Whose indexes `REINDEX` builds anew.
#[derive(Clone, Debug, PartialEq)]
pub enum ReindexTarget {
    /// One index.
    Index(Name),
    /// All of a table.
    Table(Name),
    /// All of a schema's tables.
    Schema(String),
    /// All there are.
    Database,
}

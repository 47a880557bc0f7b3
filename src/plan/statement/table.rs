//! Statements about tables.

use super::{Expression, Query, RowSecurity, SequenceOptions};
use crate::plan::{Name, TypeName};

/// Triggers of a table. There are none but those that foreign keys are in PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Triggers {
    /// `ALL`: those of foreign keys too.
    All,
    /// `USER`: all others.
    User,
    /// One by name.
    Named(String),
}

/// Whether a table outlives its session, and a crash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Persistence {
    /// The usual.
    #[default]
    Permanent,
    /// `UNLOGGED`.
    Unlogged,
    /// `TEMPORARY`.
    Temporary,
}

/// What happens with a temporary table at COMMIT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnCommit {
    /// Nothing.
    #[default]
    PreserveRows,
    /// It is emptied.
    DeleteRows,
    /// It is dropped.
    Drop,
}

/// `CREATE TABLE`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTable {
    /// Its name.
    pub name: Name,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// `TEMPORARY`, `UNLOGGED`.
    pub persistence: Persistence,
    /// Columns, constraints and `LIKE`, in the order written.
    pub elements: Vec<TableElement>,
    /// `WITH (..)`.
    pub options: Vec<StorageOption>,
    /// `ON COMMIT`.
    pub on_commit: OnCommit,
}

/// One element between the parentheses of CREATE TABLE.
#[derive(Clone, Debug, PartialEq)]
pub enum TableElement {
    /// A column.
    Column(Box<ColumnDefinition>),
    /// A constraint of the table.
    Constraint(Constraint),
    /// `LIKE other INCLUDING ..`.
    Like(LikeTable),
}

/// `LIKE table`: takes over columns with their types and NOT NULL; each flag takes over more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are PostgreSQL's flags")]
pub struct LikeTable {
    /// The other table.
    pub table: Name,
    /// `INCLUDING COMMENTS`.
    pub comments: bool,
    /// `INCLUDING CONSTRAINTS`: CHECK constraints.
    pub constraints: bool,
    /// `INCLUDING DEFAULTS`.
    pub defaults: bool,
    /// `INCLUDING GENERATED`.
    pub generated: bool,
    /// `INCLUDING IDENTITY`.
    pub identity: bool,
    /// `INCLUDING INDEXES`: primary key and UNIQUE too.
    pub indexes: bool,
}

/// A column of CREATE TABLE or ADD COLUMN.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDefinition {
    /// Its name.
    pub name: String,
    /// Its type; for `serial` and the like the integer type.
    pub ty: TypeName,
    /// `serial`, `bigserial`, `smallserial`: owns a sequence and is NOT NULL.
    pub serial: Option<Serial>,
    /// `NOT NULL` was written (a primary key implies it, and doesn't set this).
    pub not_null: bool,
    /// `DEFAULT`.
    pub default: Option<Expression>,
    /// `GENERATED ... AS IDENTITY`.
    pub identity: Option<Identity>,
    /// `GENERATED ALWAYS AS (..) STORED`.
    pub generated: Option<Expression>,
    /// `PRIMARY KEY`, `UNIQUE`, `CHECK`, `REFERENCES` written at the column, as constraints of
    /// the table on this one column.
    pub constraints: Vec<Constraint>,
}

/// The pseudo-types that make a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serial {
    /// `smallserial`, `serial2`.
    Small,
    /// `serial`, `serial4`.
    Normal,
    /// `bigserial`, `serial8`.
    Big,
}

/// `GENERATED ALWAYS | BY DEFAULT AS IDENTITY (options)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// Who decides.
    pub generated: Generated,
    /// The sequence's options.
    pub options: SequenceOptions,
}

/// Whether a written value may replace the generated one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generated {
    /// Only with `OVERRIDING SYSTEM VALUE`.
    Always,
    /// Yes.
    ByDefault,
}

/// A constraint of a table.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "they are PostgreSQL's flags")]
pub struct Constraint {
    /// `CONSTRAINT name`.
    pub name: Option<String>,
    /// What it demands.
    pub kind: ConstraintKind,
    /// `DEFERRABLE`.
    pub deferrable: bool,
    /// `INITIALLY DEFERRED`.
    pub initially_deferred: bool,
    /// `NOT VALID`: rows that exist are not checked.
    pub not_valid: bool,
    /// `NO INHERIT` (tables have no children here).
    pub no_inherit: bool,
}

/// What a constraint demands.
#[derive(Clone, Debug, PartialEq)]
pub enum ConstraintKind {
    /// `PRIMARY KEY (columns)`.
    PrimaryKey {
        /// The key.
        columns: Vec<String>,
    },
    /// `UNIQUE (columns)`.
    Unique {
        /// The key.
        columns: Vec<String>,
        /// `NULLS DISTINCT`, the default.
        nulls_distinct: bool,
    },
    /// `CHECK (expression)`.
    Check(Expression),
    /// `FOREIGN KEY (columns) REFERENCES ..`.
    ForeignKey(ForeignKey),
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// The referencing columns.
    pub columns: Vec<String>,
    /// The referenced table.
    pub table: Name,
    /// The referenced columns; none: its primary key.
    pub referenced: Vec<String>,
    /// `MATCH`.
    pub matching: MatchKind,
    /// `ON DELETE`.
    pub on_delete: ReferentialAction,
    /// `ON UPDATE`.
    pub on_update: ReferentialAction,
}

/// How a key with NULLs matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MatchKind {
    /// A NULL in any column: no check.
    #[default]
    Simple,
    /// All columns NULL, or none.
    Full,
}

/// What happens with the children of a row that goes or changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ReferentialAction {
    /// Checked at the end.
    #[default]
    NoAction,
    /// Refused at once.
    Restrict,
    /// They follow.
    Cascade,
    /// These columns (none: all of the key) become NULL.
    SetNull(Vec<String>),
    /// These columns (none: all of the key) get their default.
    SetDefault(Vec<String>),
}

/// One `name = value` of `WITH (..)`; `name` may be qualified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageOption {
    /// Its name, folded.
    pub name: String,
    /// Its value as text; none: `true`.
    pub value: Option<String>,
}

/// `CREATE TABLE name AS query`, `SELECT .. INTO name`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTableAs {
    /// Its name.
    pub name: Name,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// `TEMPORARY`, `UNLOGGED`.
    pub persistence: Persistence,
    /// New names for the query's columns, from the left.
    pub columns: Vec<String>,
    /// `WITH (..)`.
    pub options: Vec<StorageOption>,
    /// `ON COMMIT`.
    pub on_commit: OnCommit,
    /// The rows.
    pub query: Query,
    /// `WITH NO DATA`: the columns only.
    pub with_data: bool,
    /// `CREATE MATERIALIZED VIEW`.
    pub materialized: bool,
}

/// `ALTER TABLE`: all actions, or none.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterTable {
    /// The table.
    pub table: Name,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// What to change, in the order written.
    pub actions: Vec<AlterAction>,
}

/// One change of an ALTER TABLE.
#[derive(Clone, Debug, PartialEq)]
pub enum AlterAction {
    /// `ENABLE ROW LEVEL SECURITY` and its kin.
    RowSecurity(RowSecurity),
    /// `ENABLE TRIGGER`, `DISABLE TRIGGER`.
    Triggers {
        /// `ENABLE`.
        enabled: bool,
        /// Which ones.
        which: Triggers,
    },
    /// `ADD COLUMN`.
    AddColumn {
        /// The column.
        column: Box<ColumnDefinition>,
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
    },
    /// `DROP COLUMN`.
    DropColumn {
        /// The column.
        column: String,
        /// `IF EXISTS`.
        if_exists: bool,
        /// `CASCADE`.
        cascade: bool,
    },
    /// `RENAME COLUMN a TO b`.
    RenameColumn {
        /// Its name now.
        from: String,
        /// Its name then.
        to: String,
    },
    /// `RENAME TO`.
    RenameTable(String),
    /// `RENAME CONSTRAINT a TO b`.
    RenameConstraint {
        /// Its name now.
        from: String,
        /// Its name then.
        to: String,
    },
    /// `SET SCHEMA`.
    SetSchema(String),
    /// `OWNER TO`.
    OwnerTo(String),
    /// `ALTER COLUMN .. SET DEFAULT`.
    SetDefault {
        /// The column.
        column: String,
        /// Its default.
        default: Expression,
    },
    /// `ALTER COLUMN .. DROP DEFAULT`.
    DropDefault {
        /// The column.
        column: String,
    },
    /// `ALTER COLUMN .. SET NOT NULL` and `DROP NOT NULL`.
    SetNotNull {
        /// The column.
        column: String,
        /// `SET` rather than `DROP`.
        not_null: bool,
    },
    /// `ALTER COLUMN .. [SET DATA] TYPE`.
    SetType {
        /// The column.
        column: String,
        /// Its new type.
        ty: TypeName,
        /// `USING`.
        using: Option<Expression>,
    },
    /// `ALTER COLUMN .. ADD GENERATED .. AS IDENTITY`.
    AddIdentity {
        /// The column.
        column: String,
        /// Its sequence.
        identity: Identity,
    },
    /// `ALTER COLUMN .. SET GENERATED .. | SET sequence option | RESTART`.
    SetIdentity {
        /// The column.
        column: String,
        /// Who decides, where it changes.
        generated: Option<Generated>,
        /// The sequence's options that change.
        options: SequenceOptions,
    },
    /// `ALTER COLUMN .. DROP IDENTITY`.
    DropIdentity {
        /// The column.
        column: String,
        /// `IF EXISTS`.
        if_exists: bool,
    },
    /// `ALTER COLUMN .. DROP EXPRESSION`.
    DropExpression {
        /// The column.
        column: String,
        /// `IF EXISTS`.
        if_exists: bool,
    },
    /// `ADD CONSTRAINT`.
    AddConstraint(Constraint),
    /// `DROP CONSTRAINT`.
    DropConstraint {
        /// Its name.
        name: String,
        /// `IF EXISTS`.
        if_exists: bool,
        /// `CASCADE`.
        cascade: bool,
    },
    /// `VALIDATE CONSTRAINT`.
    ValidateConstraint(String),
    /// `SET (..)`.
    SetOptions(Vec<StorageOption>),
    /// `RESET (..)`.
    ResetOptions(Vec<String>),
    /// What has no meaning here and does no harm: `SET STATISTICS`, `SET STORAGE`, `CLUSTER ON`,
    /// `SET LOGGED`, `REPLICA IDENTITY`, `SET TABLESPACE`, ...
    Nothing,
}

//! A parsed statement as plain owned data: what a layer above needs in order to act, with
//! sqlparser's trees only where DataFusion will plan them ([`Query`], [`Expression`]).
//!
//! Names are folded and cut, not looked up; types are [`PgType`](crate::types::PgType)s, or names
//! where users may have defined them;
//! options that PostgreSQL checks while parsing are checked. What PostgreSQL accepts and
//! Redkite has no use for (`TABLESPACE`, `STORAGE PLAIN`) is accepted and dropped; what it
//! would be wrong to drop is 0A000.

mod data;
mod function;
mod grant;
mod object;
pub mod plpgsql;
mod policy;
mod role;
mod session;
mod table;
mod user_type;

pub use data::{
    Assignment, AssignmentSource, Cell, ConflictAction, ConflictTarget, Copy, CopyDirection,
    CopyEndpoint, CopySource, Delete, Expression, Insert, InsertSource, LiteralKind, LockClause,
    LockStrength, Merge, MergeAction, MergeBranch, MergeWhen, NamedChange, OnConflict, Overriding,
    Query, Returning, RowSource, Target, Truncate, Update, WithChanges,
};
pub use function::{
    AlterFunction, CreateFunction, Do, DropFunction, FunctionAction, FunctionArgument,
    FunctionBody, FunctionName, FunctionOptions,
};
pub use grant::{
    DefaultPrivileges, Grant, GrantObjects, GrantPrivileges, GrantRoles, MembershipOptions,
    NamedPrivilege, Owned,
};
pub use object::{
    AlterObject, AlterSequence, Comment, CommentTarget, CreateExtension, CreateIndex, CreateSchema,
    CreateSequence, CreateView, Drop, IndexColumn, ObjectAction, ObjectKind, Refresh, Reindex,
    ReindexTarget, SequenceOptions,
};
pub use policy::{AlterPolicy, CreatePolicy, Policy, RowSecurity};
pub use role::{
    AlterDatabase, AlterRole, AlterSetting, CreateDatabase, CreateRole, DatabaseAction,
    DropDatabase, DropRole, RoleOptions,
};
pub use session::{
    Declare, Discard, Explain, ExplainFormat, Fetch, FetchDirection, Isolation, Prepare, Set,
    SetScope, SetValue, TransactionModes,
};
pub use table::{
    AlterAction, AlterTable, ColumnDefinition, Constraint, ConstraintKind, CreateTable,
    CreateTableAs, ForeignKey, Generated, Identity, LikeTable, MatchKind, OnCommit, Persistence,
    ReferentialAction, Serial, StorageOption, TableElement, Triggers,
};
pub use user_type::{
    AlterDomain, AlterEnum, CreateDomain, CreateEnum, DomainAction, EnumAction, EnumPlace,
};

use super::Name;

/// One statement of a query string.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The statement's own source text, without the semicolon and the space around it.
    pub text: String,
    /// Characters of the query string before `text`.
    pub offset: usize,
    /// The highest `$n` in it.
    pub parameters: u16,
    /// What it says.
    pub statement: Statement,
    /// The command's name as CommandComplete and `pg_stat_activity` give it: `SELECT`,
    /// `CREATE TABLE`. Row counts and `INSERT`'s oid come after it where the command has them.
    pub tag: &'static str,
}

/// Everything that can be said to Redkite.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// `SELECT`, `VALUES`, `TABLE`, with or without `WITH`.
    Query(Query),
    /// `INSERT`.
    Insert(Box<Insert>),
    /// `UPDATE`.
    Update(Box<Update>),
    /// `DELETE`.
    Delete(Box<Delete>),
    /// `MERGE`.
    Merge(Box<Merge>),
    /// A statement whose WITH changes rows.
    WithChanges(Box<WithChanges>),
    /// `TRUNCATE`.
    Truncate(Truncate),
    /// `COPY`, both ways.
    Copy(Box<Copy>),

    /// `CREATE TABLE`.
    CreateTable(Box<CreateTable>),
    /// `CREATE TABLE ... AS`, `CREATE MATERIALIZED VIEW` and `SELECT ... INTO`.
    CreateTableAs(Box<CreateTableAs>),
    /// `ALTER TABLE`.
    AlterTable(AlterTable),
    /// `CREATE VIEW`.
    CreateView(Box<CreateView>),
    /// `REFRESH MATERIALIZED VIEW`.
    Refresh(Refresh),
    /// `CREATE SEQUENCE`.
    CreateSequence(Box<CreateSequence>),
    /// `ALTER SEQUENCE` with options.
    AlterSequence(Box<AlterSequence>),
    /// `CREATE INDEX`.
    CreateIndex(Box<CreateIndex>),
    /// `CREATE SCHEMA`.
    CreateSchema(CreateSchema),
    /// `CREATE EXTENSION`.
    CreateExtension(CreateExtension),
    /// `ALTER VIEW | SEQUENCE | INDEX | SCHEMA | EXTENSION | ...`: rename, owner, schema.
    AlterObject(AlterObject),
    /// `DROP TABLE | VIEW | SEQUENCE | INDEX | SCHEMA | EXTENSION | TYPE`.
    Drop(Drop),
    /// `COMMENT ON`.
    Comment(Comment),
    /// `CREATE TYPE .. AS ENUM`.
    CreateEnum(CreateEnum),
    /// `ALTER TYPE .. ADD VALUE`, `RENAME VALUE`.
    AlterEnum(AlterEnum),
    /// `CREATE DOMAIN`.
    CreateDomain(Box<CreateDomain>),
    /// `ALTER DOMAIN`: defaults and constraints.
    AlterDomain(Box<AlterDomain>),
    /// `CREATE FUNCTION`.
    CreateFunction(Box<CreateFunction>),
    /// `ALTER FUNCTION`.
    AlterFunction(AlterFunction),
    /// `DROP FUNCTION`.
    DropFunction(DropFunction),

    /// `CREATE ROLE | USER | GROUP`.
    CreateRole(CreateRole),
    /// `ALTER ROLE | USER` with options or `SET`.
    AlterRole(AlterRole),
    /// `DROP ROLE | USER | GROUP`.
    DropRole(DropRole),
    /// `GRANT`.
    Grant(Grant),
    /// `REVOKE`.
    Revoke(Grant),
    /// `CREATE POLICY`, `ALTER POLICY`, `DROP POLICY`.
    Policy(Box<Policy>),
    /// `REASSIGN OWNED`, `DROP OWNED`.
    Owned(Owned),
    /// `CREATE DATABASE`.
    CreateDatabase(CreateDatabase),
    /// `ALTER DATABASE`.
    AlterDatabase(AlterDatabase),
    /// `DROP DATABASE`.
    DropDatabase(DropDatabase),

    /// `BEGIN`, `START TRANSACTION`.
    Begin(TransactionModes),
    /// `COMMIT`, `END`.
    Commit {
        /// `AND CHAIN`: the next transaction starts at once, with the same modes.
        chain: bool,
    },
    /// `ROLLBACK`, `ABORT`.
    Rollback {
        /// `AND CHAIN`.
        chain: bool,
    },
    /// `SAVEPOINT`.
    Savepoint(String),
    /// `RELEASE SAVEPOINT`.
    Release(String),
    /// `ROLLBACK TO SAVEPOINT`.
    RollbackTo(String),
    /// `SET TRANSACTION`, and `SET SESSION CHARACTERISTICS AS TRANSACTION`.
    SetTransaction {
        /// For the session's later transactions rather than for this one.
        session: bool,
        /// What to set.
        modes: TransactionModes,
    },
    /// `SET TRANSACTION SNAPSHOT`.
    SetTransactionSnapshot(String),
    /// `SET CONSTRAINTS ALL | name, ... DEFERRED | IMMEDIATE`.
    SetConstraints {
        /// Which ones; none: all.
        names: Vec<Name>,
        /// `DEFERRED`.
        deferred: bool,
    },
    /// `FLUSH`: commits the open transaction and starts the next.
    Flush,
    /// `LOCK TABLE`.
    Lock(Vec<Name>),

    /// `SET`.
    Set(Set),
    /// `RESET`; none: `ALL`.
    Reset(Option<String>),
    /// `SHOW`; none: `ALL`.
    Show(Option<String>),
    /// `DISCARD`.
    Discard(Discard),

    /// `PREPARE`.
    Prepare(Box<Prepare>),
    /// `EXECUTE`.
    Execute {
        /// The prepared statement.
        name: String,
        /// Its arguments.
        arguments: Vec<Cell>,
    },
    /// `DEALLOCATE`; none: `ALL`.
    Deallocate(Option<String>),
    /// `DECLARE ... CURSOR`.
    Declare(Box<Declare>),
    /// `FETCH` and `MOVE`.
    Fetch(Fetch),
    /// `CLOSE`; none: `ALL`.
    Close(Option<String>),

    /// `DO`.
    Do(Do),
    /// `EXPLAIN`.
    Explain(Box<Explain>),
    /// `ANALYZE`: the tables named, none for all.
    Analyze(Vec<Name>),
    /// `VACUUM`: the tables named, none for all.
    Vacuum(Vec<Name>),
    /// `REINDEX`.
    Reindex(Reindex),
    /// `CLUSTER`: nothing to do, since segments keep their own order.
    Cluster,
    /// `CHECKPOINT`: nothing to do, since every commit is durable.
    Checkpoint,
    /// `LISTEN`.
    Listen(String),
    /// `UNLISTEN`; none: `*`.
    Unlisten(Option<String>),
    /// `NOTIFY`.
    Notify {
        /// The channel.
        channel: String,
        /// The payload; empty where none is given.
        payload: String,
    },
}

impl Statement {
    /// Whether it begins, divides or ends a transaction, or says what it reads.
    pub fn controls_transaction(&self) -> bool {
        matches!(
            self,
            Self::Begin(_)
                | Self::Commit { .. }
                | Self::Rollback { .. }
                | Self::Savepoint(_)
                | Self::Release(_)
                | Self::RollbackTo(_)
                | Self::Flush
                | Self::SetTransactionSnapshot(_)
        )
    }
}

//! Statements that define things, as changes of the catalog: pure functions of a snapshot.
//!
//! [`define`] turns one statement into an [`Edit`], which `txn` publishes and makes again when
//! another change comes between. What a definition demands of rows that exist is an [`Effect`]:
//! the session looks at the rows, under the very snapshot that the edit compares, before it
//! publishes.

pub(in crate::plan) use domain::VALUE;
pub(crate) use temporary::PG_TEMP;
pub use temporary::{drop_tables, drop_temporary};
pub(in crate::plan) use text::replace_column;
pub use verifier::verifier;

use std::sync::Arc;

use crate::base::{ColumnId, Incarnation, Oid, Random, Result, SqlError};
use crate::catalog::{Edit, FunctionDef, Keys, SequenceDef, Snapshot, TableDef, ViewDef};
use crate::types::PgType;

use super::Statement;
use super::statement::{Grant, Query};

mod alter;
mod alter_column;
mod column;
mod comment;
mod constraint;
mod domain;
mod draft;
mod drop;
mod extension;
mod function;
mod function_uses;
mod grant;
mod index;
mod index_checks;
mod membership;
mod naming;
mod owned;
mod policy;
mod refuse;
mod reindex;
mod rename;
mod rights;
mod role;
mod schema;
mod sequence;
mod table;
mod temporary;
#[cfg(test)]
mod tests;
mod text;
mod type_text;
mod user_type;
mod vector_index;
mod verifier;
mod view;
mod view_query;

pub use view_query::qualified;

use draft::Draft;

/// What a definition is made under.
#[derive(Clone)]
pub struct DdlContext<'a> {
    /// The key layout.
    pub keys: &'a Keys,
    /// The schemas in which names are looked up; the first that exists is where things are made.
    pub search_path: &'a [String],
    /// Who owns what is made.
    pub role: Oid,
    /// `session_user`.
    pub session_role: Oid,
    /// Bytes of memory that building an index may take.
    pub maintenance_bytes: u64,
    /// For the salts of passwords.
    pub random: &'a Arc<dyn Random>,
    /// Tells what a query gives and reads, for CREATE VIEW and CREATE TABLE AS.
    pub query_facts: Option<&'a QueryFactsOf<'a>>,
    /// Tells whether a function's body gives what it must; none: nobody is to look.
    pub check_function: Option<&'a CheckFunction<'a>>,
    /// Tells whether a view can't do without a table's column.
    pub view_needs: Option<&'a ViewNeeds<'a>>,
    /// The schema of the session's temporary objects, where there are some.
    pub temporary: Option<&'a str>,
    /// The process that the session is in; none: there is no session.
    pub incarnation: Option<Incarnation>,
}

/// What a definition must know of a query.
#[derive(Clone, Debug, Default)]
pub struct QueryFacts {
    /// Its columns: names and types.
    pub columns: Vec<(String, PgType)>,
    /// The relations that it reads, those below views too.
    pub relations: Vec<Oid>,
}

/// Tells the facts of a query.
pub type QueryFactsOf<'a> = dyn Fn(&Query) -> Result<QueryFacts> + 'a;

/// Refuses a function whose body can't be planned, or gives something else than it must.
pub type CheckFunction<'a> = dyn Fn(&FunctionDef) -> Result<()> + 'a;

/// Tells whether a view can't do without a table's column.
pub type ViewNeeds<'a> = dyn Fn(&ViewDef, Oid, ColumnId) -> bool + 'a;

impl std::fmt::Debug for DdlContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DdlContext")
            .field("search_path", &self.search_path)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// What rows that exist must do for a definition.
#[derive(Clone, Debug)]
pub enum Effect {
    /// No NULL in a column.
    NotNull(Oid, ColumnId),
    /// A CHECK constraint holds: the table as it will be, the constraint's name.
    Check(Arc<TableDef>, String),
    /// No row of a table fulfils a condition; the error otherwise.
    NoRow {
        /// The table, as it is.
        table: Oid,
        /// The condition, as SQL.
        condition: String,
        /// What is wrong with such a row.
        error: SqlError,
    },
    /// A key is unique: the table as it will be, the constraint's name.
    Unique(Arc<TableDef>, String),
    /// A foreign key holds: the table as it will be, the constraint's name.
    ForeignKey(Arc<TableDef>, String),
    /// Rows are made anew: the table as it will be, the columns that a query over the table as it
    /// is gives, and that query. The others get their defaults.
    Rewrite(Arc<TableDef>, Vec<String>, String),
    /// The new table's rows come from a query.
    Fill(Oid, Box<Query>),
    /// The new materialized view's rows come from its query.
    Populate(Oid),
    /// A table's new index is built over the rows that there are before the statement returns.
    AwaitIndex(Oid, Oid),
    /// The new table goes with the transaction.
    DropAtEnd(Oid),
    /// A changed sequence, here as it was, goes on after the last value that it has given.
    GoOn(Box<SequenceDef>),
}

/// A definition, ready to be published.
#[derive(Debug)]
pub struct Ddl {
    /// The change; empty where there is nothing to do (`IF NOT EXISTS`).
    pub edit: Edit,
    /// What to tell the client.
    pub notices: Vec<SqlError>,
    /// What rows that exist must do.
    pub effects: Vec<Effect>,
    /// The schema of the session's temporary objects, where this makes it.
    pub made_temporary: Option<String>,
}

/// Turns a statement into a change of the catalog.
///
/// # Errors
/// PostgreSQL's, for what can't be defined like that; 0A000 for what Redkite doesn't define.
pub fn define(statement: &Statement, snapshot: &Snapshot, context: &DdlContext<'_>) -> Result<Ddl> {
    let mut draft = Draft::new(snapshot, context);
    let draft_ref = &mut draft;
    match statement {
        Statement::CreateTable(create) => table::create(draft_ref, create)?,
        Statement::CreateSequence(create) => sequence::create(draft_ref, create)?,
        Statement::AlterSequence(alter) => sequence::alter(draft_ref, alter)?,
        Statement::CreateSchema(create) => schema::create(draft_ref, create)?,
        Statement::CreateExtension(create) => extension::create(draft_ref, create)?,
        Statement::Drop(drop) => drop::run(draft_ref, drop)?,
        Statement::CreateTableAs(create) => view::create_table_as(draft_ref, create)?,
        Statement::AlterTable(alter) => alter::run(draft_ref, alter)?,
        Statement::AlterObject(alter) => rename::run(draft_ref, alter)?,
        Statement::CreateView(create) => view::create(draft_ref, create)?,
        Statement::CreateIndex(create) => index::create(draft_ref, create)?,
        Statement::Reindex(reindex) => reindex::run(draft_ref, reindex)?,
        Statement::CreateEnum(create) => user_type::create_enum(draft_ref, create)?,
        Statement::AlterEnum(alter) => user_type::alter_enum(draft_ref, alter)?,
        Statement::CreateDomain(create) => domain::create(draft_ref, create)?,
        Statement::AlterDomain(alter) => domain::alter(draft_ref, alter)?,
        Statement::CreateFunction(create) => function::create(draft_ref, create)?,
        Statement::AlterFunction(alter) => function::alter(draft_ref, alter)?,
        Statement::DropFunction(drop) => function_uses::run(draft_ref, drop)?,
        Statement::Comment(comment) => comment::run(draft_ref, comment)?,
        Statement::CreateRole(create) => role::create(draft_ref, create)?,
        Statement::AlterRole(alter) => role::alter(draft_ref, alter)?,
        Statement::DropRole(drop) => role::drop(draft_ref, drop)?,
        Statement::AlterDatabase(alter) => role::alter_database(draft_ref, alter)?,
        Statement::Grant(Grant::Privileges(grant)) => grant::privileges(draft_ref, grant, false)?,
        Statement::Grant(Grant::Roles(grant)) => membership::run(draft_ref, grant, false)?,
        Statement::Revoke(Grant::Privileges(grant)) => grant::privileges(draft_ref, grant, true)?,
        Statement::Revoke(Grant::Roles(grant)) => membership::run(draft_ref, grant, true)?,
        Statement::Grant(Grant::Defaults(defaults))
        | Statement::Revoke(Grant::Defaults(defaults)) => grant::defaults(draft_ref, defaults)?,
        Statement::Policy(statement) => policy::run(draft_ref, statement)?,
        Statement::Owned(statement) => owned::run(draft_ref, statement)?,
        Statement::CreateDatabase(_) => {
            return Err(SqlError::unsupported("CREATE DATABASE is not supported")
                .with_hint("A cluster has one database."));
        }
        Statement::DropDatabase(_) => {
            return Err(SqlError::unsupported("DROP DATABASE is not supported"));
        }
        _ => return Err(SqlError::unsupported("this statement is not supported")),
    }
    draft.finish()
}

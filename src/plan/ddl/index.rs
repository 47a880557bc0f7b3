//! CREATE INDEX. A unique index is a key that PostgreSQL shows without a constraint; others
//! have no work to do, since segments' statistics do it, and nothing is stored for them.

use crate::base::{Result, SqlError, SqlState};
use crate::catalog::Relation;
use crate::plan::statement::CreateIndex;

use super::constraint::{NewKey, add_key};
use super::draft::{Draft, NameKind};
use super::refuse;

/// CREATE INDEX.
pub(super) fn create(draft: &mut Draft<'_>, statement: &CreateIndex) -> Result<()> {
    let oid = match draft.find(&statement.table) {
        Some(Relation::Table(oid)) => oid,
        Some(_) => {
            let name = &statement.table.name;
            let message = format!("cannot create index on relation \"{name}\"");
            return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        None => return Err(refuse::no_relation(&statement.table)),
    };
    let table = draft.table_mut(oid)?.clone();
    draft.must_own(table.owner, "table", &table.name)?;
    match statement.method.as_str() {
        "btree" => {}
        "hash" | "gin" | "gist" | "spgist" | "brin" if statement.unique => {
            let message =
                format!("access method \"{}\" does not support unique indexes", statement.method);
            return Err(SqlError::unsupported(message));
        }
        "hash" | "gin" | "gist" | "spgist" | "brin" => {}
        "hnsw" | "ivfflat" => {
            let message = format!("access method \"{}\" is not supported", statement.method);
            return Err(SqlError::unsupported(message)
                .with_hint("Vectors are searched exactly, which needs no index."));
        }
        method => {
            let message = format!("access method \"{method}\" does not exist");
            return Err(SqlError::new(SqlState::UNDEFINED_OBJECT, message));
        }
    }
    for column in statement.columns.iter().filter_map(|column| column.column.as_ref()) {
        if table.column(column).is_none() {
            let message = format!("column \"{column}\" does not exist");
            return Err(SqlError::new(SqlState::UNDEFINED_COLUMN, message));
        }
    }
    if let Some(name) = &statement.name
        && draft.holder(NameKind::Relation, table.schema, name).is_some()
    {
        let message = format!("relation \"{name}\" already exists");
        if statement.if_not_exists {
            draft.notice(SqlState::DUPLICATE_TABLE, format!("{message}, skipping"));
            return Ok(());
        }
        return Err(SqlError::new(SqlState::DUPLICATE_TABLE, message));
    }
    if !statement.unique {
        draft.forget_table(oid);
        draft.notice(
            SqlState::SUCCESSFUL_COMPLETION,
            "statistics of segments do the work of this index: nothing is stored for it",
        );
        return Ok(());
    }
    if statement.filter.is_some() {
        return Err(SqlError::unsupported("partial unique indexes are not supported"));
    }
    let columns: Vec<String> =
        statement.columns.iter().filter_map(|column| column.column.clone()).collect();
    if columns.len() != statement.columns.len() {
        return Err(SqlError::unsupported("unique indexes on expressions are not supported"));
    }
    let key = NewKey {
        name: statement.name.as_deref(),
        columns: &columns,
        primary: false,
        nulls_not_distinct: !statement.nulls_distinct,
        index_only: true,
    };
    add_key(draft, oid, key)
}

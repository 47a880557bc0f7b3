//! CREATE INDEX. A unique index is a key that PostgreSQL shows without a constraint. One over vectors
//! is built over the table's segments in the background. Others have no work to do, since segments'
//! statistics do it: their definitions are kept, so that they can be shown, renamed and dropped, and
//! nothing else is stored for them.

use crate::base::{ColumnId, Oid, Result, SqlError, SqlState};
use crate::catalog::{IndexColumnDef, IndexDef, Relation, TableDef, VectorIndexDef};
use crate::plan::statement::{CreateIndex, IndexColumn};
use crate::types::PgType;

use super::Effect;
use super::constraint::{NewKey, add_key};
use super::draft::{Draft, NameKind};
use super::index_checks;
use super::naming::columns_part;
use super::refuse;
use super::vector_index::{VectorMethod, cast_of_column};

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
        "hash" | "gin" | "brin" if !statement.include.is_empty() => {
            let method = &statement.method;
            let message = format!("access method \"{method}\" does not support included columns");
            return Err(SqlError::unsupported(message));
        }
        "hash" | "gin" | "gist" | "spgist" | "brin" => {}
        method if VectorMethod::of(method).is_some() => {}
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
    if let Some(method) = VectorMethod::of(&statement.method) {
        let vector = method.define(&table, statement, draft.context.maintenance_bytes)?;
        if vector.is_none() {
            let message = "nothing is built over this expression: searches by it are exact";
            draft.warning(SqlState::WARNING, message.to_owned());
        }
        return add_index(draft, &table, statement, vector);
    }
    index_checks::check(draft, &table, statement)?;
    if !statement.unique {
        return add_index(draft, &table, statement, None);
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
        include: &statement.include,
    };
    add_key(draft, oid, key)
}

/// An index that is no key.
fn add_index(
    draft: &mut Draft<'_>,
    table: &TableDef,
    statement: &CreateIndex,
    vector: Option<VectorIndexDef>,
) -> Result<()> {
    let name = match &statement.name {
        Some(name) => name.clone(),
        None => {
            let part = |part| match cast_of_column(table, part) {
                Some((_, PgType::Bit(_))) if vector.is_some() => "binary_quantize".to_owned(),
                Some((column, _)) if vector.is_some() => column.name.clone(),
                _ => name_part(part),
            };
            let parts: Vec<String> = statement.columns.iter().map(part).collect();
            let part = columns_part(&parts);
            draft.choose_relation_name(table.schema, &table.name, Some(&part), "idx")
        }
    };
    let oid = draft.edit.oid();
    draft.claim_relation(table.schema, &name, oid)?;
    let columns = statement.columns.iter().map(|part| {
        let mut column = indexed(table, part);
        if let Some(vector) = &vector {
            // A cast of a column depends on it, and is shown by its name, as the column does.
            (column.column, column.expression) = (Some(vector.column), None);
        }
        column
    });
    let columns = columns.collect();
    let filter = statement.filter.as_ref().map(|filter| filter.text.clone());
    if vector.is_some() && !statement.concurrently {
        draft.effects.push(Effect::AwaitIndex(table.oid, oid));
    }
    let options = statement.options.iter().map(|option| {
        let value = option.value.clone().unwrap_or_else(|| "true".to_owned());
        (option.name.clone(), value)
    });
    let options = options.collect();
    let method = statement.method.clone();
    let include = included(table, &statement.include)?;
    let index = IndexDef { oid, name, method, columns, include, filter, options, vector };
    draft.table_mut(table.oid)?.indexes.push(index);
    Ok(())
}

/// The columns that an index has besides those that it goes by.
pub(super) fn included(table: &TableDef, names: &[String]) -> Result<Vec<ColumnId>> {
    let number = |name: &String| {
        let message = format!("column \"{name}\" does not exist");
        let column = table.column(name).map(|column| column.id);
        column.ok_or_else(|| SqlError::new(SqlState::UNDEFINED_COLUMN, message))
    };
    names.iter().map(number).collect()
}

/// The index of a table that another one is made like.
pub(super) fn copy(
    draft: &mut Draft<'_>,
    table: Oid,
    source: &TableDef,
    index: &IndexDef,
) -> Result<()> {
    let mut index = index.clone();
    let target = draft.table_mut(table)?;
    let (schema, table_name) = (target.schema, target.name.clone());
    let mut parts = Vec::with_capacity(index.columns.len());
    for part in &mut index.columns {
        let column = part.column.and_then(|id| source.column_by_id(id));
        parts.push(column.map_or_else(|| "expr".to_owned(), |column| column.name.clone()));
        let same = column.and_then(|column| draft.table(table)?.column(&column.name));
        part.column = same.map(|column| column.id);
        if let (Some(vector), Some(id)) = (&mut index.vector, part.column) {
            vector.column = id;
        }
    }
    for id in &mut index.include {
        let column = source.column_by_id(*id);
        let same = column.and_then(|column| draft.table(table)?.column(&column.name));
        *id = same.map_or(*id, |same| same.id);
    }
    let part = columns_part(&parts);
    index.name = draft.choose_relation_name(schema, &table_name, Some(&part), "idx");
    index.oid = draft.edit.oid();
    draft.claim_relation(schema, &index.name, index.oid)?;
    draft.table_mut(table)?.indexes.push(index);
    Ok(())
}

/// What a part adds to a name that is made up: a column's name, a function's name, or `expr`.
fn name_part(part: &IndexColumn) -> String {
    if let Some(column) = &part.column {
        return column.clone();
    }
    let text = part.expression.text.trim_start_matches(['(', ' ']);
    let function = text.split('(').next().unwrap_or_default().trim();
    let is_name = !function.is_empty()
        && function.len() < text.len()
        && function.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if is_name { function.to_ascii_lowercase() } else { "expr".to_owned() }
}

fn indexed(table: &TableDef, part: &IndexColumn) -> IndexColumnDef {
    let column = part.column.as_ref().and_then(|name| table.column(name)).map(|column| column.id);
    let mut options = String::new();
    if part.descending {
        options.push_str(" DESC");
    }
    match part.nulls_first {
        Some(true) if !part.descending => options.push_str(" NULLS FIRST"),
        Some(false) if part.descending => options.push_str(" NULLS LAST"),
        _ => {}
    }
    let expression = match column {
        Some(_) => None,
        None => Some(part.expression.text.clone()),
    };
    let operator_class = part.operator_class.as_ref().map(|class| class.name.clone());
    IndexColumnDef { column, expression, operator_class, options }
}

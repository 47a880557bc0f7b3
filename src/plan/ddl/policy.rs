//! CREATE, ALTER and DROP POLICY, and ALTER TABLE .. ROW LEVEL SECURITY.

use crate::base::{Oid, Result, SqlError, SqlState};
use crate::catalog::access::{PUBLIC, PolicyCommand, PolicyDef};
use crate::catalog::{Relation, TableDef};
use crate::plan::statement::{AlterPolicy, CreatePolicy, Expression, Policy, RowSecurity};
use crate::plan::{Name, parse_query, quote_identifier};
use crate::types::PgType;

use super::draft::Draft;
use super::refuse;
use super::view_query;

/// CREATE, ALTER, DROP POLICY.
pub(super) fn run(draft: &mut Draft<'_>, statement: &Policy) -> Result<()> {
    match statement {
        Policy::Create(create) => self::create(draft, create),
        Policy::Alter(alter) => self::alter(draft, alter),
        Policy::Drop { name, table, if_exists } => drop(draft, name, table, *if_exists),
    }
}

fn owned_table(draft: &Draft<'_>, name: &Name) -> Result<Oid> {
    let oid = match draft.find(name) {
        Some(Relation::Table(oid)) => oid,
        Some(_) => return Err(refuse::wrong_kind(&name.name, "table")),
        None => return Err(refuse::no_relation(name)),
    };
    if let Some(table) = draft.table(oid) {
        draft.must_own(table.owner, "relation", &table.name)?;
    }
    Ok(oid)
}

fn create(draft: &mut Draft<'_>, statement: &CreatePolicy) -> Result<()> {
    let table = owned_table(draft, &statement.table)?;
    let invalid = |message: &str| Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
    match statement.command {
        PolicyCommand::Insert if statement.using.is_some() => {
            return invalid("only WITH CHECK expression allowed for INSERT");
        }
        PolicyCommand::Select | PolicyCommand::Delete if statement.check.is_some() => {
            return invalid("WITH CHECK cannot be applied to SELECT or DELETE");
        }
        _ => {}
    }
    if draft.table(table).is_some_and(|table| named(table, &statement.name).is_some()) {
        return Err(exists(&statement.name, &statement.table.name));
    }
    let policy = PolicyDef {
        oid: draft.edit.oid(),
        name: statement.name.clone(),
        permissive: statement.permissive,
        command: statement.command,
        roles: roles(draft, &statement.roles)?,
        using: condition(draft, table, statement.using.as_ref())?,
        check: condition(draft, table, statement.check.as_ref())?,
    };
    draft.table_mut(table)?.policies.push(policy);
    Ok(())
}

fn alter(draft: &mut Draft<'_>, statement: &AlterPolicy) -> Result<()> {
    let table = owned_table(draft, &statement.table)?;
    let Some(mut policy) = draft.table(table).and_then(|table| named(table, &statement.name))
    else {
        return Err(missing(&statement.name, &statement.table.name));
    };
    if let Some(to) = &statement.rename {
        if draft.table(table).is_some_and(|table| named(table, to).is_some()) {
            return Err(exists(to, &statement.table.name));
        }
        to.clone_into(&mut policy.name);
    }
    if !statement.roles.is_empty() {
        policy.roles = roles(draft, &statement.roles)?;
    }
    if statement.using.is_some() {
        policy.using = condition(draft, table, statement.using.as_ref())?;
    }
    if statement.check.is_some() {
        policy.check = condition(draft, table, statement.check.as_ref())?;
    }
    for known in &mut draft.table_mut(table)?.policies {
        if known.oid == policy.oid {
            known.clone_from(&policy);
        }
    }
    Ok(())
}

fn drop(draft: &mut Draft<'_>, name: &str, table: &Name, if_exists: bool) -> Result<()> {
    if if_exists && draft.find(table).is_none() {
        let message = format!("relation \"{table}\" does not exist, skipping");
        draft.notice(SqlState::UNDEFINED_TABLE, message);
        return Ok(());
    }
    let oid = owned_table(draft, table)?;
    if draft.table(oid).is_some_and(|table| named(table, name).is_none()) {
        let error = missing(name, &table.name);
        if !if_exists {
            return Err(error);
        }
        draft.notice(SqlState::UNDEFINED_OBJECT, format!("{error}, skipping"));
        return Ok(());
    }
    draft.table_mut(oid)?.policies.retain(|policy| policy.name != name);
    Ok(())
}

/// ALTER TABLE .. ROW LEVEL SECURITY.
pub(super) fn row_security(draft: &mut Draft<'_>, oid: Oid, change: RowSecurity) -> Result<()> {
    let table = draft.table_mut(oid)?;
    match change {
        RowSecurity::Enabled(on) => table.row_security = on,
        RowSecurity::Forced(on) => table.force_row_security = on,
    }
    Ok(())
}

fn named(table: &TableDef, name: &str) -> Option<PolicyDef> {
    table.policies.iter().find(|policy| policy.name == name).cloned()
}

fn roles(draft: &Draft<'_>, names: &[String]) -> Result<Vec<Oid>> {
    if names.is_empty() {
        return Ok(vec![PUBLIC]);
    }
    let role = |name: &String| match name.as_str() {
        "public" => Ok(PUBLIC),
        name => draft.role_named(name).map(|role| role.oid),
    };
    names.iter().map(role).collect()
}

/// A condition as it is kept: one that can be planned, with the relations that it reads named with
/// their schemas, so that nobody's search path makes others of them.
fn condition(
    draft: &Draft<'_>,
    table: Oid,
    expression: Option<&Expression>,
) -> Result<Option<String>> {
    let (Some(expression), Some(table)) = (expression, draft.table(table)) else { return Ok(None) };
    let schema = draft.snapshot.schema_name(table.schema);
    let from = format!("{}.{}", quote_identifier(schema), quote_identifier(&table.name));
    let select = format!("SELECT ({})", expression.text);
    let select = view_query::qualified(&select, draft.snapshot, draft.context.search_path)?;
    let condition = select.strip_prefix("SELECT ").unwrap_or(&select);
    if let Some(query_facts) = draft.context.query_facts {
        // A subquery can stand in more conditions than values.
        let query = match expression.text.to_lowercase().contains("select") {
            true => format!("SELECT true FROM {from} WHERE {condition}"),
            false => format!("{select} FROM {from}"),
        };
        let facts = query_facts(&parse_query(&query)?)?;
        if let Some((_, ty)) = facts.columns.first()
            && !matches!(ty, PgType::Bool | PgType::Unknown)
        {
            let message =
                format!("argument of POLICY must be type boolean, not type {}", ty.sql_name());
            return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message));
        }
    }
    Ok(Some(condition.to_owned()))
}

fn exists(name: &str, table: &str) -> SqlError {
    let message = format!("policy \"{name}\" for table \"{table}\" already exists");
    SqlError::new(SqlState::DUPLICATE_OBJECT, message)
}

fn missing(name: &str, table: &str) -> SqlError {
    let message = format!("policy \"{name}\" for table \"{table}\" does not exist");
    SqlError::new(SqlState::UNDEFINED_OBJECT, message)
}

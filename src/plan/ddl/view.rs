//! Views, and tables made from queries: both have the columns of a query, which the session's
//! planner tells.

use crate::base::{ColumnId, Result, SqlError, SqlState};
use crate::catalog::{ColumnDef, MaterializedDef, Relation, TypeDef, ViewDef};
use crate::plan::quote_identifier;
use crate::plan::statement::{CreateTableAs, CreateView, Persistence, Query, StorageOption};
use crate::types::PgType;

use super::column;
use super::draft::{Draft, NameKind};
use super::function_uses;
use super::refuse;
use super::table;
use super::view_query;
use super::{Effect, QueryFacts};

/// CREATE VIEW.
pub(super) fn create(draft: &mut Draft<'_>, statement: &CreateView) -> Result<()> {
    let name = &statement.name.name;
    let facts = facts(draft, &statement.query)?.unwrap_or_default();
    let reads_temporary = reads_temporary(draft, &facts);
    if reads_temporary && !statement.temporary {
        let message = format!("view \"{name}\" will be a temporary view");
        draft.notice(SqlState::SUCCESSFUL_COMPLETION, message);
    }
    let persistence = match statement.temporary || reads_temporary {
        true => Persistence::Temporary,
        false => Persistence::Permanent,
    };
    let schema = draft.schema_for(&statement.name, persistence)?;
    let before = match draft.snapshot.relation_in(schema, name) {
        Some(Relation::View(oid)) if statement.or_replace => draft.snapshot.view(oid).cloned(),
        Some(_) if statement.or_replace => return Err(refuse::wrong_kind(name, "view")),
        _ => None,
    };
    let too_many = "CREATE VIEW specifies more column names than columns";
    let columns = match facts.columns.is_empty() {
        true => Vec::new(),
        false => renamed(facts.columns, &statement.columns, too_many)?,
    };
    for (column, ty) in &columns {
        if columns.iter().filter(|(other, _)| other == column).count() > 1 {
            let message = format!("column \"{column}\" specified more than once");
            return Err(SqlError::new(SqlState::DUPLICATE_COLUMN, message));
        }
        column::check_type(column, ty)?;
    }
    let columns: Vec<(String, TypeDef)> =
        columns.into_iter().map(|(column, ty)| (column, TypeDef::from(&ty))).collect();
    let oid = match &before {
        Some(before) => {
            draft.must_own(before.owner, "view", name)?;
            refuse_other_columns(&before.columns, &columns)?;
            before.oid
        }
        None => {
            let oid = draft.edit.oid();
            draft.claim_relation(schema, name, oid)?;
            oid
        }
    };
    if facts.relations.contains(&oid) {
        let message = format!("infinite recursion detected in rules for relation \"{name}\"");
        return Err(SqlError::new(SqlState::INVALID_OBJECT_DEFINITION, message));
    }
    let path = draft.context.search_path;
    let query = query_text(statement, &columns);
    let mut depends_on = view_query::mentioned(&query, draft.snapshot, path)?;
    depends_on.retain(|relation| facts.relations.contains(relation));
    depends_on.extend(function_uses::called(draft, &query, &facts.relations));
    let view = ViewDef {
        oid,
        schema,
        name: name.clone(),
        owner: before.as_ref().map_or(draft.context.role, |before| before.owner),
        query: view_query::definite(&query, draft.snapshot, path)?,
        columns,
        search_path: path.to_vec(),
        depends_on,
        security_invoker: security_invoker(&statement.options)?.unwrap_or(false),
        comments: before.as_ref().map(|before| before.comments.clone()).unwrap_or_default(),
    };
    draft.put_view(view);
    Ok(())
}

/// Whether a query reads temporary objects.
fn reads_temporary(draft: &Draft<'_>, facts: &QueryFacts) -> bool {
    facts.relations.iter().any(|relation| {
        let schema = draft.snapshot.relation_name(*relation).map(|(schema, _)| schema);
        schema.is_some_and(|schema| draft.is_temporary(schema))
    })
}

/// The option of a view that reads with the rights of who uses it.
pub(super) const SECURITY_INVOKER: &str = "security_invoker";

/// What a view's options say of whose rights it has; none: nothing.
pub(super) fn security_invoker(options: &[StorageOption]) -> Result<Option<bool>> {
    let Some(option) = options.iter().find(|option| option.name == SECURITY_INVOKER) else {
        return Ok(None);
    };
    let value = option.value.as_deref().unwrap_or("true").to_lowercase();
    match value.as_str() {
        "true" | "on" | "yes" | "1" => Ok(Some(true)),
        "false" | "off" | "no" | "0" => Ok(Some(false)),
        _ => {
            let message =
                format!("invalid value for boolean option \"{SECURITY_INVOKER}\": {value}");
            Err(refuse::invalid(message))
        }
    }
}

/// The query as the catalog keeps it: with the view's own names for its columns.
fn query_text(statement: &CreateView, columns: &[(String, TypeDef)]) -> String {
    let text = statement.query.text.trim();
    if statement.columns.is_empty() {
        return text.to_owned();
    }
    let names: Vec<String> = if columns.is_empty() {
        statement.columns.iter().map(|name| quote_identifier(name)).collect()
    } else {
        columns.iter().map(|(name, _)| quote_identifier(name)).collect()
    };
    let alias = quote_identifier(&statement.name.name);
    format!("SELECT * FROM (\n{text}\n) AS {alias} ({})", names.join(", "))
}

fn refuse_other_columns(before: &[(String, TypeDef)], after: &[(String, TypeDef)]) -> Result<()> {
    let refused = |message: String| Err(SqlError::new(SqlState::INVALID_TABLE_DEFINITION, message));
    if after.is_empty() {
        return Ok(());
    }
    if after.len() < before.len() {
        return refused("cannot drop columns from view".to_owned());
    }
    for ((old, old_ty), (new, new_ty)) in before.iter().zip(after) {
        if old != new {
            let message = format!("cannot change name of view column \"{old}\" to \"{new}\"");
            return refused(message).map_err(|error| {
                error.with_hint(
                    "Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.",
                )
            });
        }
        if old_ty != new_ty {
            let (old_ty, new_ty) = (old_ty.pg_type().sql_name(), new_ty.pg_type().sql_name());
            return refused(format!(
                "cannot change data type of view column \"{old}\" from {old_ty} to {new_ty}"
            ));
        }
    }
    Ok(())
}

/// A query's facts; none where nobody can tell. What nothing has given a type is text.
fn facts(draft: &Draft<'_>, query: &Query) -> Result<Option<QueryFacts>> {
    let Some(query_facts) = draft.context.query_facts else { return Ok(None) };
    let mut facts = query_facts(query)?;
    for (_, ty) in &mut facts.columns {
        if *ty == PgType::Unknown {
            *ty = PgType::Text;
        }
    }
    Ok(Some(facts))
}

fn renamed(
    mut columns: Vec<(String, PgType)>,
    names: &[String],
    too_many: &str,
) -> Result<Vec<(String, PgType)>> {
    if names.len() > columns.len() {
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, too_many));
    }
    for ((column, _), name) in columns.iter_mut().zip(names) {
        name.clone_into(column);
    }
    Ok(columns)
}

/// CREATE TABLE AS.
pub(super) fn create_table_as(draft: &mut Draft<'_>, statement: &CreateTableAs) -> Result<()> {
    let start = table::begin(
        draft,
        &statement.name,
        statement.if_not_exists,
        statement.persistence,
        statement.on_commit,
    )?;
    let Some(mut made) = start else { return Ok(()) };
    table::check_options(&statement.options)?;
    let facts = facts(draft, &statement.query)?
        .ok_or_else(|| SqlError::unsupported("CREATE TABLE AS is not supported"))?;
    if statement.materialized && reads_temporary(draft, &facts) {
        let message = "materialized views must not use temporary tables or views";
        return Err(SqlError::unsupported(message));
    }
    if statement.materialized {
        let path = draft.context.search_path;
        let query = &statement.query.text;
        let mut depends_on = view_query::mentioned(query, draft.snapshot, path)?;
        depends_on.retain(|relation| facts.relations.contains(relation));
        depends_on.extend(function_uses::called(draft, query, &facts.relations));
        made.materialized = Some(MaterializedDef {
            query: view_query::definite(query.trim(), draft.snapshot, path)?,
            search_path: path.to_vec(),
            depends_on,
            populated: false,
        });
    }
    let columns =
        renamed(facts.columns, &statement.columns, "too many column names were specified")?;
    for (name, ty) in columns {
        table::check_free(&made, &name)?;
        column::check_name(&name)?;
        column::check_type(&name, &ty)?;
        let id = made.next_column;
        made.next_column = ColumnId(id.0 + 1);
        made.columns.push(ColumnDef {
            id,
            name,
            ty: TypeDef::from(&ty),
            not_null: false,
            default: None,
            generated: false,
            identity: None,
            missing: None,
            comment: None,
        });
    }
    debug_assert!(draft.holder(NameKind::Relation, made.schema, &made.name).is_some());
    let oid = made.oid;
    draft.add_table(made);
    if statement.with_data && statement.materialized {
        draft.effects.push(Effect::Populate(oid));
    } else if statement.with_data {
        draft.effects.push(Effect::Fill(oid, Box::new(statement.query.clone())));
    }
    Ok(())
}

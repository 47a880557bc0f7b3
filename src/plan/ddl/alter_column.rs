//! Dropping and renaming columns, and dropping constraints, with what depends on them.

use crate::base::{ColumnId, Oid, Result, SqlError, SqlState};
use crate::catalog::access::PolicyDef;
use crate::catalog::{ColumnDef, IndexDef, KeyDef, TableDef, ViewDef};
use crate::plan::quote_identifier;

use super::column;
use super::draft::{Draft, NameKind};
use super::refuse;
use super::rename;
use super::text::{mentions, mentions_column, replace_column};
use super::view_query::Renamed;

/// A column, or 42703.
pub(super) fn find<'t>(table: &'t mut TableDef, column: &str) -> Result<&'t mut ColumnDef> {
    let name = &table.name;
    table
        .columns
        .iter_mut()
        .find(|known| known.name == column)
        .ok_or_else(|| refuse::no_column(column, name))
}

/// DROP COLUMN.
pub(super) fn drop(
    draft: &mut Draft<'_>,
    oid: Oid,
    column: &str,
    if_exists: bool,
    cascade: bool,
) -> Result<()> {
    let table = draft.table_mut(oid)?.clone();
    let Some(found) = table.column(column) else {
        let error = refuse::no_column(column, &table.name);
        if !if_exists {
            return Err(error);
        }
        draft.notice(SqlState::UNDEFINED_COLUMN, format!("{error}, skipping"));
        return Ok(());
    };
    let id = found.id;
    let target = format!("column {column} of table {}", table.name);
    let users = foreign_users(draft, oid, &|columns| columns.contains(&id));
    drop_users(draft, users, &target, &target, cascade)?;
    let views = views_needing(draft, oid, id);
    super::drop::views(draft, &views, &target, cascade)?;
    // As in PostgreSQL, a CHECK on this column alone goes with it; one on others too needs
    // CASCADE.
    let mut checks = Vec::new();
    for check in table.checks.iter().filter(|check| mentions_column(&check.expression, column)) {
        let others = mentions(&check.expression)
            .iter()
            .any(|mention| mention.name != column && table.column(&mention.name).is_some());
        checks.push((check.oid, check.name.clone(), others));
    }
    let needing: Vec<&str> =
        checks.iter().filter(|(.., others)| *others).map(|(_, name, _)| name.as_str()).collect();
    if !needing.is_empty() {
        let lines: Vec<String> = needing
            .iter()
            .map(|name| format!("constraint {name} on table {}", table.name))
            .collect();
        require_cascade(draft, &target, &target, &lines, cascade)?;
    }
    let policies = table.policies.iter().filter(|policy| mentions_policy(policy, column));
    let policies: Vec<String> = policies.map(|policy| policy.name.clone()).collect();
    if !policies.is_empty() {
        let line = |policy: &String| format!("policy {policy} on table {}", table.name);
        let lines: Vec<String> = policies.iter().map(line).collect();
        require_cascade(draft, &target, &target, &lines, cascade)?;
    }
    let computed: Vec<String> = table
        .generated()
        .filter(|other| other.default.as_deref().is_some_and(|text| mentions_column(text, column)))
        .map(|other| other.name.clone())
        .collect();
    if !computed.is_empty() {
        let line = |name: &String| format!("column {name} of table {}", table.name);
        let lines: Vec<String> = computed.iter().map(line).collect();
        require_cascade(draft, &target, &target, &lines, cascade)?;
        for other in &computed {
            drop(draft, oid, other, false, cascade)?;
        }
    }
    let table = draft.table_mut(oid)?.clone();
    for sequence in draft.all_sequences() {
        if sequence.owned_by == Some((oid, id)) {
            super::drop::remove_sequence(draft, sequence.oid);
        }
    }
    let holds = |key: &KeyDef| key.columns.contains(&id) || key.include.contains(&id);
    for key in table.keys.iter().filter(|key| holds(key)) {
        draft.release(NameKind::Relation, table.schema, &key.name);
    }
    let uses = |index: &IndexDef| {
        let in_text =
            |text: &Option<String>| text.as_ref().is_some_and(|text| mentions_column(text, column));
        in_text(&index.filter)
            || index.include.contains(&id)
            || index.columns.iter().any(|part| part.column == Some(id) || in_text(&part.expression))
    };
    for index in table.indexes.iter().filter(|index| uses(index)) {
        draft.release(NameKind::Relation, table.schema, &index.name);
    }
    let changed = draft.table_mut(oid)?;
    changed.columns.retain(|column| column.id != id);
    changed.keys.retain(|key| !holds(key));
    changed.indexes.retain(|index| !uses(index));
    changed.foreign_keys.retain(|foreign| !foreign.columns.contains(&id));
    changed.checks.retain(|check| !checks.iter().any(|(oid, ..)| *oid == check.oid));
    changed.policies.retain(|policy| !policies.contains(&policy.name));
    draft.touch(oid)
}

/// The views that can't do without a column.
pub(super) fn views_needing(draft: &Draft<'_>, table: Oid, column: ColumnId) -> Vec<ViewDef> {
    let mut views = draft.views_over(table);
    if let Some(view_needs) = draft.context.view_needs {
        views.retain(|view| view_needs(view, table, column));
    }
    views
}

/// Foreign keys of any table that refer to columns of this one.
fn foreign_users(
    draft: &Draft<'_>,
    parent: Oid,
    uses: &dyn Fn(&[ColumnId]) -> bool,
) -> Vec<(Oid, Oid)> {
    let mut users = Vec::new();
    for oid in draft.table_oids() {
        let foreign_keys = draft.table(oid).map(|table| table.foreign_keys.iter());
        for foreign in foreign_keys.into_iter().flatten() {
            if foreign.table == parent && uses(&foreign.referenced) {
                users.push((oid, foreign.oid));
            }
        }
    }
    users
}

fn drop_users(
    draft: &mut Draft<'_>,
    users: Vec<(Oid, Oid)>,
    target: &str,
    on: &str,
    cascade: bool,
) -> Result<()> {
    if users.is_empty() {
        return Ok(());
    }
    let mut lines = Vec::with_capacity(users.len());
    for (table, foreign) in &users {
        let Some(table) = draft.table(*table) else { continue };
        let foreign = table.foreign_keys.iter().find(|known| known.oid == *foreign);
        let name = foreign.map_or("", |foreign| &foreign.name);
        lines.push(format!("constraint {name} on table {}", table.name));
    }
    require_cascade(draft, target, on, &lines, cascade)?;
    for (table, foreign) in users {
        draft.table_mut(table)?.foreign_keys.retain(|known| known.oid != foreign);
        draft.touch(table)?;
    }
    Ok(())
}

fn require_cascade(
    draft: &mut Draft<'_>,
    target: &str,
    on: &str,
    lines: &[String],
    cascade: bool,
) -> Result<()> {
    if cascade {
        for line in lines {
            draft.notice(SqlState::SUCCESSFUL_COMPLETION, format!("drop cascades to {line}"));
        }
        return Ok(());
    }
    let details: Vec<String> = lines.iter().map(|line| format!("{line} depends on {on}")).collect();
    Err(SqlError::new(
        SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
        format!("cannot drop {target} because other objects depend on it"),
    )
    .with_detail(details.join("\n"))
    .with_hint("Use DROP ... CASCADE to drop the dependent objects too."))
}

/// Whether a policy's conditions name a column.
fn mentions_policy(policy: &PolicyDef, column: &str) -> bool {
    let conditions = policy.using.iter().chain(&policy.check);
    conditions.into_iter().any(|condition| mentions_column(condition, column))
}

/// RENAME COLUMN.
pub(super) fn rename(draft: &mut Draft<'_>, oid: Oid, from: &str, to: &str) -> Result<()> {
    let table = draft.table_mut(oid)?;
    if table.column(from).is_none() {
        let message = format!("column \"{from}\" does not exist");
        return Err(SqlError::new(SqlState::UNDEFINED_COLUMN, message));
    }
    if table.column(to).is_some() {
        return Err(refuse::duplicate_column(to, &table.name));
    }
    column::check_name(to)?;
    let check = table.checks.iter().find(|check| mentions_column(&check.expression, from));
    if let Some(check) = check {
        return Err(SqlError::unsupported(format!(
            "column \"{from}\" can't be renamed while constraint \"{}\" mentions it",
            check.name
        ))
        .with_hint("Drop the constraint, rename the column, and add the constraint again."));
    }
    if let Some(policy) = table.policies.iter().find(|policy| mentions_policy(policy, from)) {
        return Err(SqlError::unsupported(format!(
            "column \"{from}\" can't be renamed while policy \"{}\" mentions it",
            policy.name
        ))
        .with_hint("Drop the policy, rename the column, and create the policy again."));
    }
    let quoted = quote_identifier(to);
    for column in table.columns.iter_mut().filter(|column| column.generated) {
        if let Some(text) = &mut column.default {
            *text = replace_column(text, from, &quoted);
        }
    }
    for index in &mut table.indexes {
        let expressions = index.columns.iter_mut().map(|part| &mut part.expression);
        for text in expressions.chain([&mut index.filter]).flatten() {
            *text = replace_column(text, from, &quoted);
        }
    }
    let (name, schema) = (table.name.clone(), table.schema);
    to.clone_into(&mut find(table, from)?.name);
    let schema = draft.snapshot.schema_name(schema);
    let renamed = Renamed { oid, name: (schema, &name), column: Some((from, to)) };
    rename::follow_renamed(draft, &renamed)?;
    // Rows in flight are matched with columns by number, statements by name.
    draft.touch(oid)
}

/// DROP CONSTRAINT.
pub(super) fn drop_constraint(
    draft: &mut Draft<'_>,
    oid: Oid,
    name: &str,
    if_exists: bool,
    cascade: bool,
) -> Result<()> {
    let table = draft.table_mut(oid)?.clone();
    let key = table.keys.iter().find(|key| key.name == name && !key.index_only);
    let known = key.is_some()
        || table.checks.iter().any(|check| check.name == name)
        || table.foreign_keys.iter().any(|foreign| foreign.name == name);
    if !known {
        let error = refuse::no_constraint(name, &table.name);
        if !if_exists {
            return Err(error);
        }
        draft.notice(SqlState::UNDEFINED_OBJECT, format!("{error}, skipping"));
        return Ok(());
    }
    if let Some(key) = key {
        let same = |columns: &[ColumnId]| {
            columns.len() == key.columns.len() && columns.iter().all(|c| key.columns.contains(c))
        };
        let another = table.keys.iter().any(|other| other.oid != key.oid && same(&other.columns));
        if !another {
            let target = format!("constraint {name} on table {}", table.name);
            let on = format!("index {name}");
            let users = foreign_users(draft, oid, &same);
            drop_users(draft, users, &target, &on, cascade)?;
        }
        draft.release(NameKind::Relation, table.schema, name);
    }
    let changed = draft.table_mut(oid)?;
    changed.keys.retain(|key| key.name != name || key.index_only);
    changed.checks.retain(|check| check.name != name);
    changed.foreign_keys.retain(|foreign| foreign.name != name);
    draft.touch(oid)
}

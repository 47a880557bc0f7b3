//! What all kinds of objects have in common: RENAME TO, SET SCHEMA, OWNER TO.

use crate::base::{Oid, Result, SqlError, SqlState};
use crate::catalog::{Relation, SchemaDef};
use crate::plan::statement::{AlterObject, ObjectAction, ObjectKind, StorageOption};

use super::draft::{Draft, NameKind};
use super::refuse;
use super::schema::{self, NO_SCHEMA};
use super::sequence;
use super::type_text;
use super::user_type;
use super::view;
use super::view_query::{self, Renamed};

/// `ALTER kind name ...`.
pub(super) fn run(draft: &mut Draft<'_>, statement: &AlterObject) -> Result<()> {
    match statement.kind {
        ObjectKind::Schema => return alter_schema(draft, statement),
        ObjectKind::Extension => return alter_extension(draft, statement),
        ObjectKind::Type | ObjectKind::Domain => return user_type::alter(draft, statement),
        ObjectKind::Table
        | ObjectKind::View
        | ObjectKind::MaterializedView
        | ObjectKind::Sequence
        | ObjectKind::Index => {}
    }
    let Some(relation) = draft.find(&statement.name) else {
        let error = refuse::no_relation(&statement.name);
        if !statement.if_exists {
            return Err(error);
        }
        draft.notice(SqlState::UNDEFINED_TABLE, format!("{error}, skipping"));
        return Ok(());
    };
    if draft.kind_of(relation) != statement.kind.as_str() {
        return Err(refuse::wrong_kind(&statement.name.name, statement.kind.as_str()));
    }
    match &statement.action {
        ObjectAction::RenameTo(to) => self::relation(draft, relation, to),
        ObjectAction::OwnerTo(role) => set_owner(draft, relation, role),
        ObjectAction::SetSchema(to) => set_schema(draft, relation, to),
        ObjectAction::SetOptions(options) => set_options(draft, relation, options),
        ObjectAction::ResetOptions(names) => reset_options(draft, relation, names),
        ObjectAction::Update(_) | ObjectAction::Nothing => Ok(()),
    }
}

/// `ALTER VIEW .. SET (security_invoker = ..)`; other options have nothing to do here.
fn set_options(draft: &mut Draft<'_>, relation: Relation, options: &[StorageOption]) -> Result<()> {
    let Some(invoker) = view::security_invoker(options)? else { return Ok(()) };
    set_security_invoker(draft, relation, invoker)
}

fn reset_options(draft: &mut Draft<'_>, relation: Relation, names: &[String]) -> Result<()> {
    match names.iter().any(|name| name == view::SECURITY_INVOKER) {
        true => set_security_invoker(draft, relation, false),
        false => Ok(()),
    }
}

fn set_security_invoker(draft: &mut Draft<'_>, relation: Relation, invoker: bool) -> Result<()> {
    let Relation::View(oid) = relation else { return Ok(()) };
    let Some(view) = draft.view(oid).cloned() else { return Ok(()) };
    draft.must_own(view.owner, "view", &view.name)?;
    draft.put_view(crate::catalog::ViewDef { security_invoker: invoker, ..view });
    Ok(())
}

/// RENAME TO, of any relation.
pub(super) fn relation(draft: &mut Draft<'_>, relation: Relation, to: &str) -> Result<()> {
    let Some((schema, from, owner)) = facts(draft, relation) else { return Ok(()) };
    draft.must_own(owner, draft.kind_of(relation), &from)?;
    draft.claim_relation(schema, to, relation.oid())?;
    draft.release(NameKind::Relation, schema, &from);
    match relation {
        Relation::Table(oid) => {
            to.clone_into(&mut draft.table_mut(oid)?.name);
            follow(draft, oid, (schema, to))?;
            // Statements that were planned look the table up by name.
            draft.touch(oid)
        }
        Relation::Index { table, key } => {
            let table = draft.table_mut(table)?;
            let keys = table.keys.iter_mut().map(|known| (known.oid, &mut known.name));
            let others = table.indexes.iter_mut().map(|known| (known.oid, &mut known.name));
            if let Some((_, name)) = keys.chain(others).find(|(oid, _)| *oid == key) {
                to.clone_into(name);
            }
            Ok(())
        }
        Relation::View(oid) => {
            let Some(mut view) = draft.view(oid).cloned() else { return Ok(()) };
            to.clone_into(&mut view.name);
            draft.put_view(view);
            follow(draft, oid, (schema, to))
        }
        Relation::Sequence(oid) => {
            let mut definition = sequence::existing(draft, oid)?;
            let before = sequence::nextval(draft, &definition);
            to.clone_into(&mut definition.name);
            let after = sequence::nextval(draft, &definition);
            draft.put_sequence(definition);
            sequence::follow_rename(draft, &before, &after)
        }
    }
}

/// Views go on reading a table or view that has a new name.
fn follow(draft: &mut Draft<'_>, oid: Oid, (schema, name): (Oid, &str)) -> Result<()> {
    let snapshot = draft.snapshot;
    let name = (snapshot.schema_name(schema), name);
    follow_renamed(draft, &Renamed { oid, name, column: None })
}

/// Views go on reading a relation whose names change.
pub(super) fn follow_renamed(draft: &mut Draft<'_>, renamed: &Renamed<'_>) -> Result<()> {
    for mut view in draft.views_over(renamed.oid) {
        if let Some(query) = view_query::follow(&view, draft.snapshot, renamed)? {
            view.query = query;
            draft.put_view(view);
        }
    }
    Ok(())
}

/// SET SCHEMA, of any relation.
pub(super) fn set_schema(draft: &mut Draft<'_>, relation: Relation, to: &str) -> Result<()> {
    let Some((from, name, owner)) = facts(draft, relation) else { return Ok(()) };
    draft.must_own(owner, draft.kind_of(relation), &name)?;
    let target = crate::plan::Name::qualified(to, &*name);
    let schema = draft.creation_schema(&target)?;
    if schema == from {
        return Ok(());
    }
    if let Relation::Index { .. } = relation {
        return Err(refuse::wrong_kind(&name, "table, view, or sequence"));
    }
    if let Relation::Sequence(oid) = relation
        && let Some((table, _)) = draft.sequence(oid).and_then(|sequence| sequence.owned_by)
    {
        let table = draft.table(table).map_or("", |table| &table.name);
        return Err(SqlError::unsupported("cannot move an owned sequence into another schema")
            .with_detail(format!("Sequence \"{name}\" is linked to table \"{table}\".")));
    }
    move_name(draft, (from, schema), &name, relation.oid(), to)?;
    match relation {
        Relation::Table(oid) => {
            let table = draft.table_mut(oid)?;
            table.schema = schema;
            let indexes: Vec<(Oid, String)> =
                table.index_names().map(|(oid, name)| (oid, name.to_owned())).collect();
            for (oid, name) in indexes {
                move_name(draft, (from, schema), &name, oid, to)?;
            }
            for owned in draft.all_sequences() {
                if owned.owned_by.is_some_and(|(table, _)| table == oid) {
                    move_name(draft, (owned.schema, schema), &owned.name, owned.oid, to)?;
                    move_sequence(draft, owned.oid, schema)?;
                }
            }
            follow(draft, oid, (schema, &name))?;
            draft.touch(oid)
        }
        Relation::View(oid) => {
            let Some(view) = draft.view(oid).cloned() else { return Ok(()) };
            draft.put_view(crate::catalog::ViewDef { schema, ..view });
            follow(draft, oid, (schema, &name))
        }
        Relation::Sequence(oid) => move_sequence(draft, oid, schema),
        Relation::Index { .. } => Ok(()),
    }
}

fn move_name(
    draft: &mut Draft<'_>,
    (from, to): (Oid, Oid),
    name: &str,
    oid: Oid,
    schema: &str,
) -> Result<()> {
    if draft.holder(NameKind::Relation, to, name).is_some() {
        let message = format!("relation \"{name}\" already exists in schema \"{schema}\"");
        return Err(SqlError::new(SqlState::DUPLICATE_TABLE, message));
    }
    draft.release(NameKind::Relation, from, name);
    draft.claim(NameKind::Relation, to, name, oid);
    Ok(())
}

fn move_sequence(draft: &mut Draft<'_>, oid: Oid, schema: Oid) -> Result<()> {
    let mut definition = sequence::existing(draft, oid)?;
    let before = sequence::nextval(draft, &definition);
    definition.schema = schema;
    let after = sequence::nextval(draft, &definition);
    draft.put_sequence(definition);
    sequence::follow_rename(draft, &before, &after)
}

/// OWNER TO, of any relation.
pub(super) fn set_owner(draft: &mut Draft<'_>, relation: Relation, role: &str) -> Result<()> {
    let Some((schema, name, owner)) = facts(draft, relation) else { return Ok(()) };
    draft.must_own(owner, draft.kind_of(relation), &name)?;
    let role = draft.role_named(role)?.oid;
    if role != owner {
        draft.must_give(role, Some(schema))?;
    }
    give(draft, relation, role)
}

/// Gives a relation to a new owner.
pub(super) fn give(draft: &mut Draft<'_>, relation: Relation, role: Oid) -> Result<()> {
    let Some((_, _, before)) = facts(draft, relation) else { return Ok(()) };
    if !matches!(relation, Relation::Index { .. }) {
        draft.change_owner_of_grants(relation.oid(), before, role);
    }
    match relation {
        Relation::Table(oid) => {
            draft.table_mut(oid)?.owner = role;
            for mut owned in draft.all_sequences() {
                if owned.owned_by.is_some_and(|(table, _)| table == oid) {
                    draft.change_owner_of_grants(owned.oid, owned.owner, role);
                    owned.owner = role;
                    draft.put_sequence(owned);
                }
            }
            Ok(())
        }
        Relation::View(oid) => {
            let Some(view) = draft.view(oid).cloned() else { return Ok(()) };
            draft.put_view(crate::catalog::ViewDef { owner: role, ..view });
            Ok(())
        }
        Relation::Sequence(oid) => {
            let mut definition = sequence::existing(draft, oid)?;
            definition.owner = role;
            draft.put_sequence(definition);
            Ok(())
        }
        Relation::Index { .. } => Ok(()),
    }
}

/// Schema, name and owner.
fn facts(draft: &Draft<'_>, relation: Relation) -> Option<(Oid, String, Oid)> {
    Some(match relation {
        Relation::Table(oid) => {
            let table = draft.table(oid)?;
            (table.schema, table.name.clone(), table.owner)
        }
        Relation::Index { table, key } => {
            let table = draft.table(table)?;
            (table.schema, table.index_name(key)?.to_owned(), table.owner)
        }
        Relation::View(oid) => {
            let view = draft.view(oid)?;
            (view.schema, view.name.clone(), view.owner)
        }
        Relation::Sequence(oid) => {
            let sequence = draft.sequence(oid)?;
            (sequence.schema, sequence.name.clone(), sequence.owner)
        }
    })
}

fn alter_schema(draft: &mut Draft<'_>, statement: &AlterObject) -> Result<()> {
    let name = &statement.name.name;
    let before = (**draft.snapshot.require_schema(name)?).clone();
    draft.must_own(before.owner, "schema", name)?;
    let after = match &statement.action {
        ObjectAction::RenameTo(to) => {
            schema::check_name(to)?;
            if draft.holder(NameKind::Schema, NO_SCHEMA, to).is_some() {
                return Err(schema::exists(to));
            }
            draft.claim(NameKind::Schema, NO_SCHEMA, to, before.oid);
            draft.release(NameKind::Schema, NO_SCHEMA, name);
            for sequence in draft.all_sequences() {
                if sequence.schema == before.oid {
                    let old = sequence::nextval_text(name, &sequence.name);
                    let new = sequence::nextval_text(to, &sequence.name);
                    sequence::follow_rename(draft, &old, &new)?;
                }
            }
            follow_schema(draft, &before, to)?;
            SchemaDef { name: to.clone(), ..before }
        }
        ObjectAction::OwnerTo(role) => {
            let owner = draft.role_named(role)?.oid;
            if owner != before.owner {
                draft.must_give(owner, None)?;
                draft.must_create_in_database()?;
            }
            draft.change_owner_of_grants(before.oid, before.owner, owner);
            SchemaDef { owner, ..before }
        }
        _ => return Err(SqlError::unsupported("this change of a schema is not supported")),
    };
    let key = draft.context.keys.schema(after.oid);
    draft.edit.put(key, &after)
}

/// Views go on reading what is in a schema that has a new name.
fn follow_schema(draft: &mut Draft<'_>, before: &SchemaDef, to: &str) -> Result<()> {
    let snapshot = draft.snapshot;
    let tables = snapshot.tables.values().map(|table| &table.definition);
    let tables = tables.filter(|table| table.schema == before.oid);
    let mut inside: Vec<(Oid, &str)> = tables.map(|table| (table.oid, &*table.name)).collect();
    let views = snapshot.views.values().filter(|view| view.schema == before.oid);
    inside.extend(views.map(|view| (view.oid, &*view.name)));
    for (oid, name) in inside {
        follow_renamed(draft, &Renamed { oid, name: (to, name), column: None })?;
    }
    for ty in snapshot.types.values().filter(|ty| ty.schema == before.oid) {
        type_text::rename(draft, ty, &crate::plan::Name::qualified(to, &*ty.name))?;
        draft.touch_users(ty)?;
    }
    for mut view in draft.all_views() {
        if view.search_path.contains(&before.name) {
            for schema in view.search_path.iter_mut().filter(|schema| **schema == before.name) {
                to.clone_into(schema);
            }
            draft.put_view(view);
        }
    }
    for function in snapshot.functions.values() {
        let mut function = (**function).clone();
        let schemas = function.search_path.iter_mut().flatten();
        let mut named = schemas.filter(|schema| **schema == before.name).peekable();
        if named.peek().is_some() {
            named.for_each(|schema| to.clone_into(schema));
            draft.put_function(&function)?;
        }
    }
    Ok(())
}

fn alter_extension(draft: &mut Draft<'_>, statement: &AlterObject) -> Result<()> {
    let name = &statement.name.name;
    let database = super::extension::database(draft)?;
    let Some(extension) = database.extensions.iter().find(|known| known.name == *name) else {
        let message = format!("extension \"{name}\" does not exist");
        return Err(SqlError::new(SqlState::UNDEFINED_OBJECT, message));
    };
    match &statement.action {
        ObjectAction::Update(version) => {
            let version = version.as_ref().unwrap_or(&extension.version);
            let message =
                format!("version \"{version}\" of extension \"{name}\" is already installed");
            draft.notice(SqlState::SUCCESSFUL_COMPLETION, message);
            Ok(())
        }
        _ => Err(SqlError::unsupported("this change of an extension is not supported")),
    }
}

//! What all kinds of objects have in common: RENAME TO, SET SCHEMA, OWNER TO.

use crate::base::{Oid, Result, SqlError, SqlState};
use crate::catalog::{Relation, SchemaDef};
use crate::plan::statement::{AlterObject, ObjectAction, ObjectKind};

use super::draft::{Draft, NameKind};
use super::refuse;
use super::schema::{self, NO_SCHEMA};
use super::sequence;

/// `ALTER kind name ...`.
pub(super) fn run(draft: &mut Draft<'_>, statement: &AlterObject) -> Result<()> {
    match statement.kind {
        ObjectKind::Schema => return alter_schema(draft, statement),
        ObjectKind::Extension => return alter_extension(draft, statement),
        ObjectKind::MaterializedView | ObjectKind::Type | ObjectKind::Function => {
            let kind = statement.kind.as_str();
            let message = format!("{kind} \"{}\" does not exist", statement.name);
            return Err(SqlError::new(SqlState::UNDEFINED_OBJECT, message));
        }
        ObjectKind::Table | ObjectKind::View | ObjectKind::Sequence | ObjectKind::Index => {}
    }
    let Some(relation) = draft.find(&statement.name) else {
        let error = refuse::no_relation(&statement.name);
        if !statement.if_exists {
            return Err(error);
        }
        draft.notice(SqlState::UNDEFINED_TABLE, format!("{error}, skipping"));
        return Ok(());
    };
    if relation.kind() != statement.kind.as_str() {
        return Err(refuse::wrong_kind(&statement.name.name, statement.kind.as_str()));
    }
    match &statement.action {
        ObjectAction::RenameTo(to) => self::relation(draft, relation, to),
        ObjectAction::OwnerTo(role) => set_owner(draft, relation, role),
        ObjectAction::SetSchema(to) => set_schema(draft, relation, to),
        ObjectAction::SetOptions(_)
        | ObjectAction::ResetOptions(_)
        | ObjectAction::Update(_)
        | ObjectAction::Nothing => Ok(()),
    }
}

/// RENAME TO, of any relation.
pub(super) fn relation(draft: &mut Draft<'_>, relation: Relation, to: &str) -> Result<()> {
    let Some((schema, from, owner)) = facts(draft, relation) else { return Ok(()) };
    draft.must_own(owner, relation.kind(), &from)?;
    draft.claim_relation(schema, to, relation.oid())?;
    draft.release(NameKind::Relation, schema, &from);
    match relation {
        Relation::Table(oid) => {
            to.clone_into(&mut draft.table_mut(oid)?.name);
            // Statements that were planned look the table up by name.
            draft.touch(oid)
        }
        Relation::Index { table, key } => {
            let keys = &mut draft.table_mut(table)?.keys;
            if let Some(key) = keys.iter_mut().find(|known| known.oid == key) {
                to.clone_into(&mut key.name);
            }
            Ok(())
        }
        Relation::View(oid) => {
            let Some(view) = draft.snapshot.view(oid) else { return Ok(()) };
            let mut view = (**view).clone();
            to.clone_into(&mut view.name);
            let key = draft.context.keys.view(oid);
            draft.edit.put(key, &view)
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

/// SET SCHEMA, of any relation.
pub(super) fn set_schema(draft: &mut Draft<'_>, relation: Relation, to: &str) -> Result<()> {
    let Some((from, name, owner)) = facts(draft, relation) else { return Ok(()) };
    draft.must_own(owner, relation.kind(), &name)?;
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
            for key in table.keys.clone() {
                move_name(draft, (from, schema), &key.name, key.oid, to)?;
            }
            for owned in draft.all_sequences() {
                if owned.owned_by.is_some_and(|(table, _)| table == oid) {
                    move_name(draft, (owned.schema, schema), &owned.name, owned.oid, to)?;
                    move_sequence(draft, owned.oid, schema)?;
                }
            }
            draft.touch(oid)
        }
        Relation::View(oid) => {
            let Some(view) = draft.snapshot.view(oid) else { return Ok(()) };
            let view = crate::catalog::ViewDef { schema, ..(**view).clone() };
            let key = draft.context.keys.view(oid);
            draft.edit.put(key, &view)
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
    let Some((_, name, owner)) = facts(draft, relation) else { return Ok(()) };
    draft.must_own(owner, relation.kind(), &name)?;
    let role = draft.snapshot.require_role(role)?.oid;
    if role != draft.context.role && !draft.is_superuser() {
        return Err(must_be_able_to_set(draft, role));
    }
    match relation {
        Relation::Table(oid) => {
            draft.table_mut(oid)?.owner = role;
            for mut owned in draft.all_sequences() {
                if owned.owned_by.is_some_and(|(table, _)| table == oid) {
                    owned.owner = role;
                    draft.put_sequence(owned);
                }
            }
            Ok(())
        }
        Relation::View(oid) => {
            let Some(view) = draft.snapshot.view(oid) else { return Ok(()) };
            let view = crate::catalog::ViewDef { owner: role, ..(**view).clone() };
            let key = draft.context.keys.view(oid);
            draft.edit.put(key, &view)
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

fn must_be_able_to_set(draft: &Draft<'_>, role: Oid) -> SqlError {
    let name = draft.snapshot.roles.get(&role).map_or("", |role| &role.name);
    let message = format!("must be able to SET ROLE \"{name}\"");
    SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
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
            let key = table.keys.iter().find(|known| known.oid == key)?;
            (table.schema, key.name.clone(), table.owner)
        }
        Relation::View(oid) => {
            let view = draft.snapshot.view(oid)?;
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
            SchemaDef { name: to.clone(), ..before }
        }
        ObjectAction::OwnerTo(role) => {
            let owner = draft.snapshot.require_role(role)?.oid;
            if owner != draft.context.role && !draft.is_superuser() {
                return Err(must_be_able_to_set(draft, owner));
            }
            SchemaDef { owner, ..before }
        }
        _ => return Err(SqlError::unsupported("this change of a schema is not supported")),
    };
    let key = draft.context.keys.schema(after.oid);
    draft.edit.put(key, &after)
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

//! REASSIGN OWNED and DROP OWNED.

use crate::base::{Oid, Result, SqlError, SqlState};
use crate::catalog::access::Access;
use crate::catalog::{Relation, SchemaDef, UserTypeDef};
use crate::plan::Name;
use crate::plan::statement::{Drop, ObjectKind, Owned};

use super::draft::Draft;
use super::{drop, extension, function, function_uses, rename, type_text, user_type};

/// REASSIGN OWNED, DROP OWNED.
pub(super) fn run(draft: &mut Draft<'_>, statement: &Owned) -> Result<()> {
    let mut roles = Vec::new();
    for name in &statement.roles {
        let role = draft.role_named(name)?;
        if !Access::new(draft.snapshot, draft.context.role).has_role(role.oid) {
            let what = if statement.to.is_some() { "reassign" } else { "drop" };
            let message = format!("permission denied to {what} objects");
            return Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_detail(
                format!(
                    "Only roles with privileges of role \"{}\" may {what} objects owned by it.",
                    role.name
                ),
            ));
        }
        roles.push(role.oid);
    }
    match &statement.to {
        Some(to) => reassign(draft, &roles, to),
        None => drop_owned(draft, &roles, statement.cascade),
    }
}

fn reassign(draft: &mut Draft<'_>, roles: &[Oid], to: &str) -> Result<()> {
    let owner = draft.role_named(to)?.oid;
    if !Access::new(draft.snapshot, draft.context.role).has_role(owner) {
        let message = "permission denied to reassign objects";
        return Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_detail(format!(
            "Only roles with privileges of role \"{to}\" may reassign objects to it."
        )));
    }
    for relation in relations(draft, roles) {
        // Those of columns follow their tables.
        let follows = match relation {
            Relation::Sequence(oid) => draft.sequence(oid).is_some_and(|s| s.owned_by.is_some()),
            _ => false,
        };
        if !follows {
            rename::give(draft, relation, owner)?;
        }
    }
    for ty in types(draft, roles) {
        user_type::give(draft, &ty, owner)?;
    }
    for function in function_uses::owned_by(draft, roles) {
        function::give(draft, &function, owner)?;
    }
    for schema in schemas(draft, roles) {
        draft.change_owner_of_grants(schema.oid, schema.owner, owner);
        let key = draft.context.keys.schema(schema.oid);
        draft.edit.put(key, &SchemaDef { owner, ..schema })?;
    }
    let mut database = (*extension::database(draft)?).clone();
    if roles.contains(&database.owner) {
        draft.change_owner_of_grants(database.oid, database.owner, owner);
        database.owner = owner;
        extension::put(draft, &database)?;
    }
    Ok(())
}

/// What the roles own goes, and what was granted to them.
fn drop_owned(draft: &mut Draft<'_>, roles: &[Oid], cascade: bool) -> Result<()> {
    for function in function_uses::owned_by(draft, roles) {
        function_uses::drop_with_users(draft, &function, cascade)?;
    }
    let owned = relations(draft, roles);
    drop::owned(draft, &owned, cascade)?;
    for ty in types(draft, roles) {
        type_text::drop_users(draft, &ty, cascade)?;
        user_type::remove(draft, &ty);
    }
    let names: Vec<Name> =
        schemas(draft, roles).into_iter().map(|schema| Name::bare(schema.name)).collect();
    if !names.is_empty() {
        let kind = ObjectKind::Schema;
        drop::run(draft, &Drop { kind, names, if_exists: true, cascade })?;
    }
    let mentioned = draft.snapshot.grants.values();
    let mentioned: Vec<Oid> = mentioned
        .filter(|grants| grants.lists().any(|acl| roles.iter().any(|role| acl.mentions(*role))))
        .map(|grants| grants.oid)
        .collect();
    for oid in mentioned {
        let mut grants = draft.grants(oid);
        let lists = grants.acl.iter_mut().chain(grants.columns.iter_mut().map(|(_, acl)| acl));
        for acl in lists {
            acl.0.retain(|item| !roles.contains(&item.grantee) && !roles.contains(&item.grantor));
        }
        draft.put_grants(grants);
    }
    for role in draft.snapshot.roles.values() {
        let mut after = (**role).clone();
        if roles.contains(&role.oid) {
            after.default_grants.clear();
        }
        for default in &mut after.default_grants {
            default.acl.0.retain(|item| !roles.contains(&item.grantee));
        }
        if after != **role {
            let key = draft.context.keys.role(role.oid);
            draft.edit.put(key, &after)?;
        }
    }
    Ok(())
}

/// The tables, views and sequences that roles own, in the order of their oids.
fn relations(draft: &Draft<'_>, roles: &[Oid]) -> Vec<Relation> {
    let state = draft.snapshot;
    let owned = |owner: Oid| roles.contains(&owner);
    let tables = state.tables.values().filter(|table| owned(table.definition.owner));
    let views = state.views.values().filter(|view| owned(view.owner));
    let sequences = state.sequences.values().filter(|sequence| owned(sequence.owner));
    let mut found: Vec<Relation> = tables.map(|table| Relation::Table(table.oid())).collect();
    found.extend(views.map(|view| Relation::View(view.oid)));
    found.extend(sequences.map(|sequence| Relation::Sequence(sequence.oid)));
    found.sort_by_key(|relation| relation.oid());
    found
}

fn types(draft: &Draft<'_>, roles: &[Oid]) -> Vec<UserTypeDef> {
    let owned = draft.snapshot.types.values().filter(|ty| roles.contains(&ty.owner));
    owned.map(|ty| (**ty).clone()).collect()
}

fn schemas(draft: &Draft<'_>, roles: &[Oid]) -> Vec<SchemaDef> {
    let owned = draft.snapshot.schemas.values().filter(|schema| roles.contains(&schema.owner));
    owned.map(|schema| (**schema).clone()).collect()
}

//! GRANT and REVOKE of privileges on objects, and ALTER DEFAULT PRIVILEGES.
//!
//! By PostgreSQL's rules: owners and superusers grant as the owner, others by their grant options;
//! who may grant only some of what was asked grants that and is warned.

use crate::base::{ColumnId, Oid, Result, SqlError, SqlState};
use crate::catalog::access::{
    Access, Acl, Dependents, Grantable, Object, PUBLIC, Privileges, Securable,
};
use crate::catalog::system::signatures;
use crate::catalog::{DefaultGrants, GrantsDef, Relation};
use crate::plan::Name;
use crate::plan::statement::{
    DefaultPrivileges, FunctionName, GrantObjects, GrantPrivileges, NamedPrivilege,
};

use super::draft::Draft;
use super::function_uses;
use super::refuse;

/// An object of a GRANT.
struct Target {
    oid: Oid,
    object: Object,
    kind: Grantable,
}

/// What is granted or revoked, and how.
struct Change {
    revoke: bool,
    grant_option: bool,
    dependents: Dependents,
    grantees: Vec<Oid>,
}

/// GRANT and REVOKE.
pub(super) fn privileges(
    draft: &mut Draft<'_>,
    statement: &GrantPrivileges,
    revoke: bool,
) -> Result<()> {
    if let Some(grantor) = &statement.granted_by
        && draft.role_named(grantor)?.oid != draft.context.role
    {
        let message = "grantor must be current user";
        return Err(SqlError::new(SqlState::INVALID_GRANT_OPERATION, message));
    }
    let change = Change {
        revoke,
        grant_option: statement.grant_option,
        dependents: dependents(statement.cascade),
        grantees: grantees(draft, &statement.roles)?,
    };
    if let GrantObjects::NotKept(kind) = &statement.objects {
        let message = format!("privileges on {} are not kept", kind.to_lowercase());
        draft.warning(SqlState::WARNING, message);
        return Ok(());
    }
    if let GrantObjects::Functions(names) = &statement.objects
        && names.iter().any(|name| is_built_in(draft, name))
    {
        let message = "privileges on functions of the system are not kept";
        draft.warning(SqlState::WARNING, message);
    }
    let as_tables = matches!(statement.objects, GrantObjects::Tables(_));
    for target in targets(draft, &statement.objects)? {
        for privilege in &statement.privileges {
            let wanted = match privilege.columns.is_empty() {
                false => named(privilege, Grantable::Column)?,
                true if as_tables => named_as_table(draft, privilege, &target)?,
                true => named(privilege, target.kind)?,
            };
            on_object(draft, &target, privilege, wanted, &change)?;
        }
    }
    Ok(())
}

/// The privilege behind a name; none: all.
fn one_named(privilege: &NamedPrivilege) -> Result<Option<Privileges>> {
    let Some(name) = &privilege.name else { return Ok(None) };
    let known = Privileges::named(name).ok_or_else(|| {
        let message = format!("unrecognized privilege type \"{}\"", name.to_lowercase());
        SqlError::new(SqlState::SYNTAX_ERROR, message)
    });
    known.map(Some)
}

fn invalid_privilege(privilege: &NamedPrivilege, kind: &str) -> SqlError {
    let name = privilege.name.as_deref().unwrap_or_default();
    let message = format!("invalid privilege type {name} for {kind}");
    SqlError::new(SqlState::INVALID_GRANT_OPERATION, message)
}

/// The privileges behind a name, on objects of a kind.
fn named(privilege: &NamedPrivilege, kind: Grantable) -> Result<Privileges> {
    match one_named(privilege)? {
        None => Ok(kind.all()),
        Some(one) if kind.all().has(one) => Ok(one),
        Some(_) => Err(invalid_privilege(privilege, kind.word())),
    }
}

/// The same where a sequence may stand in a table's place.
fn named_as_table(
    draft: &mut Draft<'_>,
    privilege: &NamedPrivilege,
    target: &Target,
) -> Result<Privileges> {
    let Some(one) = one_named(privilege)? else { return Ok(target.kind.all()) };
    if !Grantable::Table.all().and(Grantable::Sequence.all()).has(one) {
        return Err(invalid_privilege(privilege, "relation"));
    }
    if target.kind.all().has(one) {
        return Ok(one);
    }
    if target.kind == Grantable::Table {
        return Err(invalid_privilege(privilege, "table"));
    }
    let name = draft.sequence(target.oid).map_or("", |sequence| &sequence.name);
    let message = format!("sequence \"{name}\" only supports USAGE, SELECT, and UPDATE privileges");
    draft.warning(SqlState::WARNING, message);
    Ok(Privileges::NONE)
}

fn dependents(cascade: bool) -> Dependents {
    if cascade { Dependents::Revoke } else { Dependents::Refuse }
}

fn grantees(draft: &Draft<'_>, names: &[String]) -> Result<Vec<Oid>> {
    let grantee = |name: &String| match name.as_str() {
        "public" => Ok(PUBLIC),
        name => draft.role_named(name).map(|role| role.oid),
    };
    names.iter().map(grantee).collect()
}

/// Whether a name is that of one of the system's functions, and of no user's.
fn is_built_in(draft: &Draft<'_>, name: &FunctionName) -> bool {
    !signatures(&name.name.name).is_empty() && matches!(draft.function(name), Ok(None))
}

fn targets(draft: &Draft<'_>, objects: &GrantObjects) -> Result<Vec<Target>> {
    let relation = |oid: Oid, kind| Target { oid, object: Object::Relation(oid), kind };
    match objects {
        GrantObjects::Tables(names) | GrantObjects::Sequences(names) => {
            let only_sequences = matches!(objects, GrantObjects::Sequences(_));
            let find = |name: &Name| match draft.find(name) {
                None => Err(refuse::no_relation(name)),
                Some(Relation::Sequence(oid)) => Ok(relation(oid, Grantable::Sequence)),
                Some(_) if only_sequences => Err(refuse::wrong_kind(&name.name, "sequence")),
                Some(Relation::Table(oid) | Relation::View(oid)) => {
                    Ok(relation(oid, Grantable::Table))
                }
                Some(Relation::Index { .. }) => {
                    let message = format!("\"{}\" is an index", name.name);
                    Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message))
                }
            };
            names.iter().map(find).collect()
        }
        GrantObjects::Functions(names) => {
            let function = |name: &FunctionName| {
                let oid = draft.require_function(name)?.oid;
                Ok(Target { oid, object: Object::Function(oid), kind: Grantable::Function })
            };
            names.iter().filter(|name| !is_built_in(draft, name)).map(function).collect()
        }
        GrantObjects::Schemas(names) => {
            let schema = |name: &String| {
                let oid = draft.snapshot.require_schema(name)?.oid;
                Ok(Target { oid, object: Object::Schema(oid), kind: Grantable::Schema })
            };
            names.iter().map(schema).collect()
        }
        GrantObjects::Databases(names) => {
            let database = |name: &String| {
                let known = draft.snapshot.database.as_ref().filter(|known| known.name == *name);
                let known = known.ok_or_else(|| {
                    let message = format!("database \"{name}\" does not exist");
                    SqlError::new(SqlState::INVALID_CATALOG_NAME, message)
                })?;
                let (object, kind) = (Object::Database, Grantable::Database);
                Ok(Target { oid: known.oid, object, kind })
            };
            names.iter().map(database).collect()
        }
        GrantObjects::AllIn(kind, schemas) => {
            let mut found = Vec::new();
            for name in schemas {
                let schema = draft.snapshot.require_schema(name)?.oid;
                if *kind == Grantable::Function {
                    let functions = function_uses::in_schema(draft, schema).into_iter();
                    found.extend(functions.map(|function| {
                        let (oid, kind) = (function.oid, Grantable::Function);
                        Target { oid, object: Object::Function(oid), kind }
                    }));
                    continue;
                }
                found.extend(
                    all_in(draft, *kind, schema).into_iter().map(|oid| relation(oid, *kind)),
                );
            }
            Ok(found)
        }
        GrantObjects::NotKept(_) => Ok(Vec::new()),
    }
}

/// The tables and views, or the sequences, in a schema.
fn all_in(draft: &Draft<'_>, kind: Grantable, schema: Oid) -> Vec<Oid> {
    let state = draft.snapshot;
    let mut found: Vec<Oid> = match kind {
        Grantable::Sequence => {
            let sequences = state.sequences.values().filter(|sequence| sequence.schema == schema);
            sequences.map(|sequence| sequence.oid).collect()
        }
        _ => {
            let tables = state.tables.values().map(|table| &table.definition);
            let tables = tables.filter(|table| table.schema == schema).map(|table| table.oid);
            let views = state.views.values().filter(|view| view.schema == schema);
            tables.chain(views.map(|view| view.oid)).collect()
        }
    };
    found.sort_unstable();
    found
}

/// One privilege, or all, on one object or some of its columns.
fn on_object(
    draft: &mut Draft<'_>,
    target: &Target,
    privilege: &NamedPrivilege,
    wanted: Privileges,
    change: &Change,
) -> Result<()> {
    let snapshot = draft.snapshot;
    let Some(object) = target.object.find(snapshot) else { return Ok(()) };
    let access = Access::new(snapshot, draft.context.role);
    let columns = column_ids(draft, target, &object, &privilege.columns)?;
    let mut grants = draft.grants(target.oid);
    let mut whole = grants.acl.clone().unwrap_or_else(|| object.acl.clone().into_owned());
    if columns.is_empty() {
        let (grantor, may) = may_grant(draft, &access, &object, [&whole, &Acl::default()], wanted)?;
        warn_of_less(draft, (wanted, may), privilege.name.is_none(), change.revoke, object.name);
        apply(&mut whole, (grantor, object.owner), may, change)?;
        grants.acl = Some(whole.clone());
        if change.revoke {
            let may = may.common(Grantable::Column.all());
            for (_, acl) in &mut grants.columns {
                apply(acl, (grantor, object.owner), may, change)?;
            }
        }
    }
    for column in columns {
        let at = grants.columns.iter().position(|(id, _)| *id == column);
        let at = at.unwrap_or_else(|| {
            grants.columns.push((column, Acl::default()));
            grants.columns.len() - 1
        });
        let list = &mut grants.columns[at].1;
        let (grantor, may) = may_grant(draft, &access, &object, [&whole, &*list], wanted)?;
        warn_of_less(draft, (wanted, may), privilege.name.is_none(), change.revoke, object.name);
        apply(list, (grantor, object.owner), may, change)?;
    }
    grants.columns.retain(|(_, acl)| !acl.items().is_empty());
    draft.put_grants(grants);
    Ok(())
}

/// Which of the wanted privileges one may grant by these lists, and as whom: the owner, or the role
/// among one's own that may grant most of them.
fn may_grant(
    draft: &Draft<'_>,
    access: &Access<'_>,
    object: &Securable<'_>,
    lists: [&Acl; 2],
    wanted: Privileges,
) -> Result<(Oid, Privileges)> {
    if access.has_role(object.owner) {
        return Ok((object.owner, wanted));
    }
    let own = draft.context.role;
    let options = |grantor: Oid| {
        let lists = lists.iter().map(|acl| acl.grantable(|role| role == grantor));
        lists.fold(Privileges::NONE, Privileges::and).common(wanted)
    };
    let items = lists.iter().flat_map(|acl| acl.items());
    let grantors = items.map(|item| item.grantee).filter(|role| access.has_role(*role));
    let best = grantors.max_by_key(|role| (options(*role).iter().count(), *role == own));
    let best = best.unwrap_or(own);
    let may = options(best);
    let any = || {
        let held = lists.iter().map(|acl| acl.held(|role| access.has_role(role)));
        !held.fold(Privileges::NONE, Privileges::and).is_empty()
    };
    if may.is_empty() && !wanted.is_empty() && !any() {
        let message = format!("permission denied for {} {}", object.word, object.name);
        return Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
    }
    Ok((best, may))
}

fn apply(
    acl: &mut Acl,
    (grantor, owner): (Oid, Oid),
    privileges: Privileges,
    change: &Change,
) -> Result<()> {
    for grantee in &change.grantees {
        if change.revoke {
            let by = (owner, change.dependents);
            acl.revoke((*grantee, grantor), privileges, change.grant_option, by)?;
            continue;
        }
        let mut options = Privileges::NONE;
        if change.grant_option {
            acl.check_circle(*grantee, grantor, privileges, owner)?;
            options = privileges;
        }
        acl.add(*grantee, grantor, privileges, options);
    }
    Ok(())
}

fn warn_of_less(
    draft: &mut Draft<'_>,
    (wanted, may): (Privileges, Privileges),
    all: bool,
    revoke: bool,
    name: &str,
) {
    let (code, none, some) = match revoke {
        false => (
            SqlState::WARNING_PRIVILEGE_NOT_GRANTED,
            "no privileges were granted for",
            "not all privileges were granted for",
        ),
        true => (
            SqlState::WARNING_PRIVILEGE_NOT_REVOKED,
            "no privileges could be revoked for",
            "not all privileges could be revoked for",
        ),
    };
    if may.is_empty() && !wanted.is_empty() {
        draft.warning(code, format!("{none} \"{name}\""));
    } else if may != wanted && !all {
        draft.warning(code, format!("{some} \"{name}\""));
    }
}

/// The numbers of the named columns.
fn column_ids(
    draft: &Draft<'_>,
    target: &Target,
    object: &Securable<'_>,
    names: &[String],
) -> Result<Vec<ColumnId>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let find = |name: &String| {
        let table = draft.table(target.oid).and_then(|table| table.column(name));
        let of_view = || {
            let view = draft.view(target.oid)?;
            let at = view.columns.iter().position(|(column, _)| column == name)?;
            i32::try_from(at + 1).ok().map(ColumnId)
        };
        let found = table.map(|column| column.id).or_else(of_view);
        found.ok_or_else(|| refuse::no_column(name, object.name))
    };
    match target.kind {
        Grantable::Table => names.iter().map(find).collect(),
        _ => {
            let message = "column privileges are only valid for relations";
            Err(SqlError::new(SqlState::INVALID_GRANT_OPERATION, message))
        }
    }
}

/// ALTER DEFAULT PRIVILEGES.
pub(super) fn defaults(draft: &mut Draft<'_>, statement: &DefaultPrivileges) -> Result<()> {
    let mut creators = Vec::new();
    for name in &statement.creators {
        creators.push(draft.role_named(name)?);
    }
    if creators.is_empty() {
        creators.extend(draft.snapshot.roles.get(&draft.context.role).cloned());
    }
    let change = Change {
        revoke: statement.revoke,
        grant_option: statement.grant_option,
        dependents: dependents(statement.cascade),
        grantees: grantees(draft, &statement.roles)?,
    };
    if statement.kind == Grantable::Schema && !statement.schemas.is_empty() {
        let message = "cannot use IN SCHEMA clause when using GRANT/REVOKE ON SCHEMAS";
        return Err(SqlError::new(SqlState::INVALID_GRANT_OPERATION, message));
    }
    let mut schemas = Vec::new();
    for name in &statement.schemas {
        schemas.push(Some(draft.snapshot.require_schema(name)?.oid));
    }
    if schemas.is_empty() {
        schemas.push(None);
    }
    let mut wanted = Privileges::NONE;
    for privilege in &statement.privileges {
        wanted = wanted.and(named(privilege, statement.kind)?.common(statement.kind.all()));
    }
    for creator in creators {
        if !Access::new(draft.snapshot, draft.context.role).has_role(creator.oid) {
            let message = "permission denied to change default privileges";
            return Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        let mut creator = (*creator).clone();
        for schema in &schemas {
            let of =
                |known: &DefaultGrants| known.kind == statement.kind && known.schema == *schema;
            let before = creator.default_grants.iter().find(|known| of(known));
            let built_in = match schema {
                None => Acl::default_of(statement.kind, creator.oid),
                Some(_) => Acl::default(),
            };
            let mut acl = before.map_or_else(|| built_in.clone(), |before| before.acl.clone());
            apply(&mut acl, (creator.oid, creator.oid), wanted, &change)?;
            creator.default_grants.retain(|known| !of(known));
            if acl != built_in {
                let (schema, kind) = (*schema, statement.kind);
                creator.default_grants.push(DefaultGrants { schema, kind, acl });
            }
        }
        let key = draft.context.keys.role(creator.oid);
        draft.edit.put(key, &creator)?;
    }
    Ok(())
}

/// What a new object grants by its owner's default privileges; none where nothing was said.
pub(super) fn of_new(
    draft: &Draft<'_>,
    (oid, kind): (Oid, Grantable),
    owner: Oid,
    schema: Option<Oid>,
) -> Option<GrantsDef> {
    let role = draft.snapshot.roles.get(&owner)?;
    let find = |schema: Option<Oid>| {
        let mut known = role.default_grants.iter();
        known.find(|known| known.kind == kind && known.schema == schema).map(|known| &known.acl)
    };
    let global = find(None);
    let local = schema.and_then(|schema| find(Some(schema)));
    if global.is_none() && local.is_none() {
        return None;
    }
    let mut acl = global.cloned().unwrap_or_else(|| Acl::default_of(kind, owner));
    for item in local.into_iter().flat_map(Acl::items) {
        acl.add(item.grantee, item.grantor, item.privileges, item.grantable);
    }
    Some(GrantsDef { oid, acl: Some(acl), columns: Vec::new() })
}

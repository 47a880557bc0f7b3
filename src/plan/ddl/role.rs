//! Roles and the database: CREATE, ALTER and DROP ROLE, and settings kept with either.

use std::collections::BTreeMap;

use datafusion::common::ScalarValue;

use crate::base::{Oid, Result, SqlError, SqlState};
use crate::catalog::access::{Object, is_predefined};
use crate::catalog::{RoleDef, TableDef};
use crate::plan::statement::{
    AlterDatabase, AlterRole, AlterSetting, CreateRole, DatabaseAction, DropRole,
    MembershipOptions, RoleOptions, SetValue,
};
use crate::types::{PgType, TextContext, parse_text};

use super::draft::{Draft, NameKind};
use super::extension;
use super::membership;
use super::schema::NO_SCHEMA;
use super::verifier::verifier;

fn denied(what: &str, detail: String) -> SqlError {
    SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied to {what} role"))
        .with_detail(detail)
}

/// The attributes of who makes this change.
fn me<'s>(draft: &'s Draft<'_>) -> Option<&'s RoleDef> {
    draft.snapshot.roles.get(&draft.context.role).map(|role| &**role)
}

/// CREATE ROLE.
pub(super) fn create(draft: &mut Draft<'_>, statement: &CreateRole) -> Result<()> {
    let name = &statement.name;
    if !me(draft).is_some_and(|me| me.superuser || me.create_role) {
        return Err(denied(
            "create",
            "Only roles with the CREATEROLE attribute may create roles.".to_owned(),
        ));
    }
    check_name(name)?;
    if draft.holder(NameKind::Role, NO_SCHEMA, name).is_some() {
        return Err(exists(name));
    }
    let oid = draft.edit.oid();
    let mut role = RoleDef {
        oid,
        name: name.clone(),
        login: statement.user,
        connection_limit: -1,
        ..RoleDef::default()
    };
    set_options(draft, &mut role, &statement.options, "create")?;
    draft.claim(NameKind::Role, NO_SCHEMA, name, oid);
    join(draft, &mut role, &statement.options)?;
    put(draft, &role)
}

/// `IN ROLE`, `ROLE` and `ADMIN`; who is no superuser administers the roles that it makes.
fn join(draft: &mut Draft<'_>, role: &mut RoleDef, options: &RoleOptions) -> Result<()> {
    let creator = draft.context.role;
    let superuser = draft.is_superuser();
    let grantor = if superuser { membership::SUPERUSER } else { creator };
    for group in &options.in_roles {
        let group = draft.role_named(group)?;
        membership::check_may_grant(&draft.access(), &group, false)?;
        membership::add(draft, role, (&group, grantor), MembershipOptions::default())?;
    }
    let mut changed: BTreeMap<Oid, RoleDef> = BTreeMap::new();
    if !superuser && let Some(me) = draft.snapshot.roles.get(&creator) {
        let mut me = (**me).clone();
        let options =
            MembershipOptions { admin: Some(true), inherit: Some(false), set: Some(false) };
        membership::add(draft, &mut me, (role, membership::SUPERUSER), options)?;
        changed.insert(creator, me);
    }
    let members = options.members.iter().map(|name| (name, None));
    for (name, admin) in members.chain(options.admins.iter().map(|name| (name, Some(true)))) {
        let member = draft.role_named(name)?;
        let member = changed.entry(member.oid).or_insert_with(|| (*member).clone());
        let options = MembershipOptions { admin, ..MembershipOptions::default() };
        membership::add(draft, member, (role, grantor), options)?;
    }
    changed.values().try_for_each(|member| put(draft, member))
}

fn check_name(name: &str) -> Result<()> {
    let reserved = |message: String| SqlError::new(SqlState::RESERVED_NAME, message);
    if name.starts_with("pg_") {
        return Err(reserved(format!("role name \"{name}\" is reserved"))
            .with_detail("Role names starting with \"pg_\" are reserved."));
    }
    if name == "public" || name == "none" {
        return Err(reserved(format!("role name \"{name}\" is reserved")));
    }
    Ok(())
}

fn exists(name: &str) -> SqlError {
    SqlError::new(SqlState::DUPLICATE_OBJECT, format!("role \"{name}\" already exists"))
}

fn put(draft: &mut Draft<'_>, role: &RoleDef) -> Result<()> {
    let key = draft.context.keys.role(role.oid);
    draft.edit.put(key, role)
}

fn set_options(
    draft: &mut Draft<'_>,
    role: &mut RoleDef,
    options: &RoleOptions,
    what: &str,
) -> Result<()> {
    if let Some(until) = &options.valid_until {
        role.valid_until_us = moment(until)?;
    }
    if options.replication == Some(true) {
        return Err(SqlError::unsupported("REPLICATION is not supported"));
    }
    // Nobody gives what they don't have.
    let me = me(draft);
    let superuser = me.is_some_and(|me| me.superuser);
    let create_database = me.is_some_and(|me| me.create_database);
    let bypass = me.is_some_and(|me| me.bypass_row_security);
    let gives = [
        ("SUPERUSER", options.superuser.is_some_and(|on| on != role.superuser), superuser),
        ("CREATEDB", options.create_database == Some(true), superuser || create_database),
        ("BYPASSRLS", options.bypass_row_security == Some(true), superuser || bypass),
    ];
    for (attribute, given, may) in gives {
        if given && !may {
            return Err(denied(
                what,
                format!(
                    "Only roles with the {attribute} attribute may {what} roles with the \
                     {attribute} attribute."
                ),
            ));
        }
    }
    role.superuser = options.superuser.unwrap_or(role.superuser);
    role.create_database = options.create_database.unwrap_or(role.create_database);
    role.create_role = options.create_role.unwrap_or(role.create_role);
    role.login = options.login.unwrap_or(role.login);
    role.no_inherit = options.inherit.map_or(role.no_inherit, |inherit| !inherit);
    role.bypass_row_security = options.bypass_row_security.unwrap_or(role.bypass_row_security);
    if let Some(limit) = options.connection_limit {
        if limit < -1 {
            return Err(super::refuse::invalid(format!("invalid connection limit: {limit}")));
        }
        role.connection_limit = limit;
    }
    match &options.password {
        None => {}
        Some(Some(password)) if !password.is_empty() => {
            role.verifier = Some(verifier(password, &**draft.context.random));
        }
        Some(Some(_)) => {
            let message = "empty string is not a valid password, clearing password";
            draft.notice(SqlState::SUCCESSFUL_COMPLETION, message);
            role.verifier = None;
        }
        Some(None) => role.verifier = None,
    }
    Ok(())
}

/// A moment of VALID UNTIL, in UTC unless it says otherwise; none: never.
fn moment(text: &str) -> Result<Option<i64>> {
    if text.trim().eq_ignore_ascii_case("infinity") {
        return Ok(None);
    }
    match parse_text(&PgType::Timestamptz, text, &TextContext::default())? {
        ScalarValue::TimestampMicrosecond(moment, _) => Ok(moment),
        other => Err(SqlError::internal(format!("a moment that is {other}"))),
    }
}

/// 42501 unless one may change this role: one's own password, any role as a superuser, and
/// with CREATEROLE roles without SUPERUSER that one administers.
fn may_alter(draft: &Draft<'_>, role: &RoleDef, own: bool, what: &str) -> Result<()> {
    if is_predefined(role.oid) {
        let message = format!("role name \"{}\" is reserved", role.name);
        return Err(SqlError::new(SqlState::RESERVED_NAME, message)
            .with_detail("Cannot change a role that is built in."));
    }
    let me = me(draft);
    let allowed = me.is_some_and(|me| {
        me.superuser
            || (me.create_role && !role.superuser && draft.access().administers(role.oid))
            || (own && me.oid == role.oid)
    });
    if allowed {
        return Ok(());
    }
    Err(denied(
        what,
        format!(
            "Only roles with the CREATEROLE attribute and the ADMIN option on role \"{}\" may \
             {what} this role.",
            role.name
        ),
    ))
}

/// ALTER ROLE.
pub(super) fn alter(draft: &mut Draft<'_>, statement: &AlterRole) -> Result<()> {
    match statement {
        AlterRole::Options { role, options } => {
            let mut role = (*draft.role_named(role)?).clone();
            let only_password =
                RoleOptions { password: None, ..options.clone() } == RoleOptions::default();
            may_alter(draft, &role, only_password, "alter")?;
            set_options(draft, &mut role, options, "alter")?;
            put(draft, &role)
        }
        AlterRole::Rename { role, to } => {
            let mut role = (*draft.role_named(role)?).clone();
            may_alter(draft, &role, false, "rename")?;
            check_name(to)?;
            if draft.holder(NameKind::Role, NO_SCHEMA, to).is_some() {
                return Err(exists(to));
            }
            draft.release(NameKind::Role, NO_SCHEMA, &role.name);
            draft.claim(NameKind::Role, NO_SCHEMA, to, role.oid);
            to.clone_into(&mut role.name);
            put(draft, &role)
        }
        AlterRole::Setting { role: None, .. } => {
            Err(SqlError::unsupported("ALTER ROLE ALL SET is not supported")
                .with_hint("Use ALTER DATABASE .. SET."))
        }
        AlterRole::Setting { role: Some(role), database, setting } => {
            // There is one database: what holds in it holds everywhere.
            if let Some(database) = database {
                require_database(draft, database)?;
            }
            let mut role = (*draft.role_named(role)?).clone();
            may_alter(draft, &role, true, "alter")?;
            change_settings(&mut role.settings, setting)?;
            put(draft, &role)
        }
    }
}

fn change_settings(settings: &mut Vec<(String, String)>, change: &AlterSetting) -> Result<()> {
    let (name, value) = match change {
        AlterSetting::Reset(None) => {
            settings.clear();
            return Ok(());
        }
        AlterSetting::Reset(Some(name)) => (name, None),
        AlterSetting::Set(set) => match &set.value {
            SetValue::Default => (&set.name, None),
            SetValue::Current => {
                return Err(SqlError::unsupported("SET .. FROM CURRENT is not supported"));
            }
            SetValue::Values(values) => (&set.name, Some(joined(values))),
        },
    };
    settings.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    if let Some(value) = value {
        settings.push((name.clone(), value));
    }
    Ok(())
}

/// A list as one text, as `search_path` shows it.
fn joined(values: &[String]) -> String {
    match values {
        [one] => one.clone(),
        many => {
            let quoted: Vec<String> =
                many.iter().map(|value| crate::plan::quote_identifier(value)).collect();
            quoted.join(", ")
        }
    }
}

/// DROP ROLE.
pub(super) fn drop(draft: &mut Draft<'_>, statement: &DropRole) -> Result<()> {
    let mut dropped = Vec::new();
    for name in &statement.names {
        let Some(role) = draft.role_named(name).ok() else {
            let message = format!("role \"{name}\" does not exist");
            if !statement.if_exists {
                return Err(SqlError::new(SqlState::UNDEFINED_OBJECT, message));
            }
            draft.notice(SqlState::UNDEFINED_OBJECT, format!("{message}, skipping"));
            continue;
        };
        may_alter(draft, &role, false, "drop")?;
        if role.oid == draft.context.role {
            let message = "current user cannot be dropped";
            return Err(SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        let owned = owned_by(draft, role.oid);
        if !owned.is_empty() {
            let message =
                format!("role \"{name}\" cannot be dropped because some objects depend on it");
            return Err(SqlError::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
                .with_detail(owned.join("\n")));
        }
        if draft.mark_dropped(role.oid) {
            draft.release(NameKind::Role, NO_SCHEMA, name);
        }
        dropped.push(role.oid);
    }
    // Nobody is a member of a role that is gone.
    for member in draft.snapshot.roles.values().filter(|member| !dropped.contains(&member.oid)) {
        let mut member = (**member).clone();
        let before = member.member_of.len();
        member.member_of.retain(|membership| !dropped.contains(&membership.role));
        if member.member_of.len() != before {
            put(draft, &member)?;
        }
    }
    Ok(())
}

fn owned_by(draft: &Draft<'_>, role: Oid) -> Vec<String> {
    let snapshot = draft.snapshot;
    let mut owned = Vec::new();
    let database = snapshot.database.iter().filter(|database| database.owner == role);
    owned.extend(database.map(|database| format!("owner of database {}", database.name)));
    let schemas = snapshot.schemas.values().filter(|schema| schema.owner == role);
    owned.extend(schemas.map(|schema| format!("owner of schema {}", schema.name)));
    let tables = snapshot.tables.values().filter(|table| table.definition.owner == role);
    let owner_of = |table: &TableDef| format!("owner of {} {}", table.kind(), table.name);
    owned.extend(tables.map(|table| owner_of(&table.definition)));
    let views = snapshot.views.values().filter(|view| view.owner == role);
    owned.extend(views.map(|view| format!("owner of view {}", view.name)));
    let sequences = snapshot.sequences.values().filter(|sequence| sequence.owner == role);
    owned.extend(sequences.map(|sequence| format!("owner of sequence {}", sequence.name)));
    let types = snapshot.types.values().filter(|ty| ty.owner == role);
    owned.extend(types.map(|ty| format!("owner of type {}", ty.name)));
    let functions = snapshot.functions.values().filter(|function| function.owner == role);
    owned.extend(functions.map(|function| format!("owner of function {}", function.signature())));
    owned.extend(granted_to(draft, role));
    owned.sort();
    owned
}

/// What names a role in its grants.
fn granted_to(draft: &Draft<'_>, role: Oid) -> Vec<String> {
    let snapshot = draft.snapshot;
    let mut found = Vec::new();
    for grants in snapshot.grants.values() {
        if !grants.lists().any(|acl| acl.mentions(role)) {
            continue;
        }
        let oid = grants.oid;
        let object =
            [Object::Relation(oid), Object::Schema(oid), Object::Function(oid), Object::Database];
        let object = object.into_iter().find_map(|object| object.find(snapshot));
        if let Some(object) = object {
            found.push(format!("privileges for {} {}", object.word, object.name));
        }
    }
    for table in snapshot.tables.values() {
        for policy in table.definition.policies.iter().filter(|policy| policy.roles.contains(&role))
        {
            let name = &table.definition.name;
            found.push(format!("target of policy {} on table {name}", policy.name));
        }
    }
    for other in snapshot.roles.values().filter(|other| other.oid != role) {
        if other.default_grants.iter().any(|default| default.acl.mentions(role)) {
            let name = &other.name;
            found.push(format!("privileges for default privileges belonging to role {name}"));
        }
        let granted = other.member_of.iter().filter(|membership| membership.grantor == role);
        for membership in granted {
            let group = snapshot.roles.get(&membership.role).map_or("", |group| &group.name);
            found.push(format!("privileges for membership of role {} in role {group}", other.name));
        }
    }
    found
}

fn require_database(draft: &Draft<'_>, name: &str) -> Result<()> {
    if extension::database(draft)?.name == name {
        return Ok(());
    }
    let message = format!("database \"{name}\" does not exist");
    Err(SqlError::new(SqlState::INVALID_CATALOG_NAME, message))
}

/// ALTER DATABASE.
pub(super) fn alter_database(draft: &mut Draft<'_>, statement: &AlterDatabase) -> Result<()> {
    require_database(draft, &statement.name)?;
    let mut database = (*extension::database(draft)?).clone();
    draft.must_own(database.owner, "database", &statement.name)?;
    match &statement.action {
        DatabaseAction::Setting(setting) => change_settings(&mut database.settings, setting)?,
        DatabaseAction::OwnerTo(role) => {
            let owner = draft.role_named(role)?.oid;
            draft.must_give(owner, None)?;
            draft.change_owner_of_grants(database.oid, database.owner, owner);
            database.owner = owner;
        }
        DatabaseAction::RenameTo(_) | DatabaseAction::Options(_) => {
            return Err(SqlError::unsupported("this change of a database is not supported"));
        }
    }
    extension::put(draft, &database)
}

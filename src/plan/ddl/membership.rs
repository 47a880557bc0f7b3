//! GRANT and REVOKE of membership in roles.

use std::collections::BTreeMap;

use crate::base::{Oid, Result, SqlError, SqlState};
use crate::catalog::access::{Access, DATABASE_OWNER, is_member};
use crate::catalog::{Membership, RoleDef};
use crate::plan::statement::{GrantRoles, MembershipOptions};

use super::draft::Draft;

/// Who grants when a superuser does.
pub(super) const SUPERUSER: Oid = Oid(10);

/// GRANT and REVOKE of roles.
pub(super) fn run(draft: &mut Draft<'_>, statement: &GrantRoles, revoke: bool) -> Result<()> {
    let access = Access::new(draft.snapshot, draft.context.role);
    let grantor = match &statement.granted_by {
        Some(name) => draft.role_named(name)?.oid,
        None if access.is_superuser() => SUPERUSER,
        None => draft.context.role,
    };
    if !access.has_role(grantor) {
        let name = name_of(draft, grantor);
        let message = format!("permission denied to grant privileges as role \"{name}\"");
        return Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
    }
    let mut changed: BTreeMap<Oid, RoleDef> = BTreeMap::new();
    for name in &statement.roles {
        let role = draft.role_named(name)?;
        check_may_grant(&access, &role, revoke)?;
        for member in &statement.members {
            let member = draft.role_named(member)?;
            let member = changed.entry(member.oid).or_insert_with(|| (*member).clone());
            if revoke {
                remove(draft, member, (&role, grantor), statement);
            } else {
                add(draft, member, (&role, grantor), statement.options)?;
            }
        }
    }
    for role in changed.values() {
        if draft.snapshot.roles.get(&role.oid).is_some_and(|before| **before == *role) {
            continue;
        }
        let key = draft.context.keys.role(role.oid);
        draft.edit.put(key, role)?;
    }
    Ok(())
}

/// 42501 unless one may say who is a member of a role.
pub(super) fn check_may_grant(access: &Access<'_>, role: &RoleDef, revoke: bool) -> Result<()> {
    let what = if revoke { "revoke" } else { "grant" };
    let denied = |detail: String| {
        let message = format!("permission denied to {what} role \"{}\"", role.name);
        Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_detail(detail))
    };
    if role.superuser && !access.is_superuser() {
        return denied(format!(
            "Only roles with the SUPERUSER attribute may {what} roles with the SUPERUSER attribute."
        ));
    }
    if !access.administers(role.oid) {
        return denied(format!(
            "Only roles with the ADMIN option on role \"{}\" may {what} this role.",
            role.name
        ));
    }
    Ok(())
}

/// Makes a role a member of another.
pub(super) fn add(
    draft: &mut Draft<'_>,
    member: &mut RoleDef,
    (role, grantor): (&RoleDef, Oid),
    options: MembershipOptions,
) -> Result<()> {
    let invalid = |message| Err(SqlError::new(SqlState::INVALID_GRANT_OPERATION, message));
    if role.oid == DATABASE_OWNER {
        return invalid(format!("role \"{}\" cannot have explicit members", role.name));
    }
    if is_member(draft.snapshot, role.oid, member.oid) {
        let message = format!("role \"{}\" is a member of role \"{}\"", role.name, member.name);
        return invalid(message);
    }
    let same = |known: &&mut Membership| known.role == role.oid && known.grantor == grantor;
    if let Some(known) = member.member_of.iter_mut().find(same) {
        let before = known.clone();
        known.admin = options.admin.unwrap_or(known.admin);
        known.inherit = options.inherit.unwrap_or(known.inherit);
        known.set = options.set.unwrap_or(known.set);
        if before == *known {
            let message = format!(
                "role \"{}\" has already been granted membership in role \"{}\" by role \"{}\"",
                member.name,
                role.name,
                name_of(draft, grantor)
            );
            draft.notice(SqlState::SUCCESSFUL_COMPLETION, message);
        }
        return Ok(());
    }
    member.member_of.push(Membership {
        role: role.oid,
        grantor,
        admin: options.admin.unwrap_or(false),
        inherit: options.inherit.unwrap_or(!member.no_inherit),
        set: options.set.unwrap_or(true),
    });
    Ok(())
}

fn remove(
    draft: &mut Draft<'_>,
    member: &mut RoleDef,
    (role, grantor): (&RoleDef, Oid),
    statement: &GrantRoles,
) {
    let same = |known: &Membership| known.role == role.oid && known.grantor == grantor;
    let Some(at) = member.member_of.iter().position(same) else {
        let message = format!(
            "role \"{}\" has not been granted membership in role \"{}\" by role \"{}\"",
            member.name,
            role.name,
            name_of(draft, grantor)
        );
        draft.warning(SqlState::WARNING, message);
        return;
    };
    if statement.options == MembershipOptions::default() {
        member.member_of.remove(at);
        return;
    }
    let known = &mut member.member_of[at];
    known.admin = statement.options.admin.unwrap_or(known.admin);
    known.inherit = statement.options.inherit.unwrap_or(known.inherit);
    known.set = statement.options.set.unwrap_or(known.set);
}

fn name_of(draft: &Draft<'_>, role: Oid) -> String {
    draft.snapshot.roles.get(&role).map_or_else(String::new, |role| role.name.clone())
}

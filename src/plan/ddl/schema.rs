//! CREATE SCHEMA.

use crate::base::{Result, SqlError, SqlState};
use crate::catalog::access::Grantable;
use crate::catalog::{Comments, SchemaDef};
use crate::plan::statement::CreateSchema;

use super::draft::{Draft, NameKind, is_system_schema};

/// The kind's names have no schema.
pub(super) const NO_SCHEMA: crate::base::Oid = crate::base::Oid(0);

/// CREATE SCHEMA.
pub(super) fn create(draft: &mut Draft<'_>, statement: &CreateSchema) -> Result<()> {
    let owner = match &statement.owner {
        Some(owner) => draft.role_named(owner)?.oid,
        None => draft.context.role,
    };
    let name = match (&statement.name, draft.snapshot.roles.get(&owner)) {
        (Some(name), _) => name.clone(),
        (None, Some(role)) => role.name.clone(),
        (None, None) => return Err(SqlError::internal("the role of a session is not known")),
    };
    draft.must_create_in_database()?;
    if owner != draft.context.role {
        draft.must_give(owner, None)?;
    }
    check_name(&name)?;
    if draft.holder(NameKind::Schema, NO_SCHEMA, &name).is_some() || name == "information_schema" {
        if statement.if_not_exists {
            let message = format!("schema \"{name}\" already exists, skipping");
            draft.notice(SqlState::DUPLICATE_SCHEMA, message);
            return Ok(());
        }
        return Err(exists(&name));
    }
    let oid = draft.edit.oid();
    draft.claim(NameKind::Schema, NO_SCHEMA, &name, oid);
    draft.grant_by_default((oid, Grantable::Schema), owner, None);
    let key = draft.context.keys.schema(oid);
    draft
        .edit
        .put(key, &SchemaDef { oid, name, owner, temporary: None, comments: Comments::default() })
}

/// 42939 for names that PostgreSQL keeps to itself.
pub(super) fn check_name(name: &str) -> Result<()> {
    if is_system_schema(name) && name != "information_schema" {
        let message = format!("unacceptable schema name \"{name}\"");
        return Err(SqlError::new(SqlState::RESERVED_NAME, message)
            .with_detail("The prefix \"pg_\" is reserved for system schemas."));
    }
    Ok(())
}

/// 42P06.
pub(super) fn exists(name: &str) -> SqlError {
    SqlError::new(SqlState::DUPLICATE_SCHEMA, format!("schema \"{name}\" already exists"))
}

//! What who makes a definition may do, and what objects grant within a statement.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::{ColumnId, Oid, Result, SqlError, SqlState};
use crate::catalog::access::{Access, Demand, Grantable, Object, Privileges};
use crate::catalog::{GrantsDef, RoleDef};

use super::draft::Draft;
use super::grant;

impl Draft<'_> {
    /// The reach of who makes this change.
    pub(super) fn access(&self) -> Access<'_> {
        Access::new(self.snapshot, self.context.role)
    }

    /// Whether who makes this change is a superuser.
    pub(super) fn is_superuser(&self) -> bool {
        self.access().is_superuser()
    }

    /// 42501 unless who makes this change owns the object.
    pub(super) fn must_own(&self, owner: Oid, kind: &str, name: &str) -> Result<()> {
        if self.access().has_role(owner) {
            return Ok(());
        }
        Err(SqlError::new(
            SqlState::INSUFFICIENT_PRIVILEGE,
            format!("must be owner of {kind} {name}"),
        ))
    }

    /// 42501 unless something may be made in a schema. One that this statement makes is one's own.
    pub(super) fn must_create_in(&self, schema: Oid) -> Result<()> {
        if !self.snapshot.schemas.contains_key(&schema) {
            return Ok(());
        }
        let demand = Demand { privilege: Privileges::CREATE, ..Demand::usage(schema) };
        self.access().require(&demand)
    }

    /// 42501 unless a new owner is one that who makes this change can be, and may make such things
    /// where this one is.
    pub(super) fn must_give(&self, owner: Oid, schema: Option<Oid>) -> Result<()> {
        let access = self.access();
        if access.is_superuser() {
            return Ok(());
        }
        if !access.may_become(owner) {
            let name = self.snapshot.roles.get(&owner).map_or("", |role| &role.name);
            let message = format!("must be able to SET ROLE \"{name}\"");
            return Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        let Some(schema) = schema else { return Ok(()) };
        let demand = Demand { privilege: Privileges::CREATE, ..Demand::usage(schema) };
        Access::new(self.snapshot, owner).require(&demand)
    }

    /// 42501 unless a foreign key may refer to columns.
    pub(super) fn must_reference(&self, parent: Oid, columns: &[ColumnId]) -> Result<()> {
        if self.is_new(parent) {
            return Ok(());
        }
        let columns: BTreeSet<ColumnId> = columns.iter().copied().collect();
        self.access().require(&Demand::columns(parent, Privileges::REFERENCES, columns))
    }

    /// The role of a name, or the one that `current_user` and its kin stand for.
    pub(super) fn role_named(&self, name: &str) -> Result<Arc<RoleDef>> {
        let oid = match name {
            "current_user" | "current_role" => self.context.role,
            "session_user" => self.context.session_role,
            name => return self.snapshot.require_role(name).cloned(),
        };
        self.snapshot.roles.get(&oid).cloned().ok_or_else(|| {
            let message = format!("role with OID {oid} does not exist");
            SqlError::new(SqlState::UNDEFINED_OBJECT, message)
        })
    }

    /// What an object grants, as it is within this statement.
    pub(super) fn grants(&self, oid: Oid) -> GrantsDef {
        let now = self.grants.get(&oid).cloned();
        let before = || self.snapshot.grants.get(&oid).map(|grants| (**grants).clone());
        now.or_else(before).unwrap_or_else(|| GrantsDef { oid, ..GrantsDef::default() })
    }

    /// Changes what an object grants.
    pub(super) fn put_grants(&mut self, grants: GrantsDef) {
        self.grants.insert(grants.oid, grants);
    }

    /// A new owner takes the old one's place in what an object grants.
    pub(super) fn change_owner_of_grants(&mut self, oid: Oid, from: Oid, to: Oid) {
        let mut grants = self.grants(oid);
        if grants.acl.is_none() && grants.columns.is_empty() {
            return;
        }
        for acl in grants.acl.iter_mut().chain(grants.columns.iter_mut().map(|(_, acl)| acl)) {
            acl.change_owner(from, to);
        }
        self.put_grants(grants);
    }

    /// What a new object grants by its owner's default privileges.
    pub(super) fn grant_by_default(
        &mut self,
        object: (Oid, Grantable),
        owner: Oid,
        schema: Option<Oid>,
    ) {
        if let Some(grants) = grant::of_new(self, object, owner, schema) {
            self.grants.entry(object.0).or_insert(grants);
        }
    }

    /// 42501 unless schemas may be made.
    pub(super) fn must_create_in_database(&self) -> Result<()> {
        let (object, privilege) = (Object::Database, Privileges::CREATE);
        let demand = Demand { object, privilege, ..Demand::usage(Oid(0)) };
        self.access().require(&demand)
    }
}

//! The decision: whether a role may do what is asked, over one snapshot.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::acl::{Acl, PUBLIC};
use super::demand::{Columns, Demand};
use super::membership::members_closure;
use super::predefined::{MAINTAIN, READ_ALL_DATA, WRITE_ALL_DATA};
use super::privileges::{Grantable, Privileges};
use crate::base::{ColumnId, Oid, Result, SqlError, SqlState};
use crate::catalog::{GrantsDef, Snapshot, system};

/// The superuser, who owns what the system brings along.
pub const SUPERUSER: Oid = Oid(10);
/// Schemas that the system brings along: everyone may look into them.
const OPEN_SCHEMAS: [Oid; 3] = [Oid(11), Oid(2200), Oid(13_000)];

/// Something that privileges are granted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// A table, view, sequence, or a relation of the system.
    Relation(Oid),
    /// A schema.
    Schema(Oid),
    /// A function that a user defined.
    Function(Oid),
    /// The database.
    Database,
}

/// An object as far as access to it goes.
#[derive(Clone, Debug)]
pub struct Securable<'a> {
    /// What kind of object.
    pub kind: Grantable,
    /// What messages call the kind: `table`, `view`.
    pub word: &'static str,
    /// Its name.
    pub name: &'a str,
    /// Its owner.
    pub owner: Oid,
    /// What it grants.
    pub acl: Cow<'a, Acl>,
    /// What its columns grant.
    grants: Option<&'a GrantsDef>,
}

impl Securable<'_> {
    /// What a column grants by itself.
    pub fn column(&self, column: ColumnId) -> Option<&Acl> {
        let columns = &self.grants?.columns;
        columns.iter().find(|(id, _)| *id == column).map(|(_, acl)| acl)
    }

    /// What all columns grant by themselves.
    pub fn columns(&self) -> &[(ColumnId, Acl)] {
        self.grants.map_or(&[], |grants| &grants.columns)
    }
}

impl Object {
    /// Whether it is a schema of temporary objects.
    fn is_temporary(self, snapshot: &Snapshot) -> bool {
        let Self::Schema(oid) = self else { return false };
        snapshot.schemas.get(&oid).is_some_and(|schema| schema.temporary.is_some())
    }

    /// The object at a snapshot; none where it isn't there.
    pub fn find(self, snapshot: &Snapshot) -> Option<Securable<'_>> {
        let (oid, kind, word, name, owner) = match self {
            Self::Relation(oid) => {
                if let Some(table) = snapshot.tables.get(&oid) {
                    let table = &table.definition;
                    (oid, Grantable::Table, table.kind(), table.name.as_str(), table.owner)
                } else if let Some(view) = snapshot.views.get(&oid) {
                    (oid, Grantable::Table, "view", view.name.as_str(), view.owner)
                } else if let Some(sequence) = snapshot.sequences.get(&oid) {
                    let (name, owner) = (sequence.name.as_str(), sequence.owner);
                    (oid, Grantable::Sequence, "sequence", name, owner)
                } else {
                    let name = system::relation_name(oid)?;
                    let acl = match system::is_secret(oid) {
                        true => Acl::default_of(Grantable::Table, SUPERUSER),
                        false => open(Grantable::Table, Privileges::SELECT),
                    };
                    let (kind, word) = (Grantable::Table, "table");
                    let acl = Cow::Owned(acl);
                    return Some(Securable {
                        kind,
                        word,
                        name,
                        owner: SUPERUSER,
                        acl,
                        grants: None,
                    });
                }
            }
            Self::Schema(oid) => {
                let schema = snapshot.schemas.get(&oid)?;
                (oid, Grantable::Schema, "schema", schema.name.as_str(), schema.owner)
            }
            Self::Function(oid) => {
                let function = snapshot.functions.get(&oid)?;
                let (name, owner) = (function.name.as_str(), function.owner);
                (oid, Grantable::Function, "function", name, owner)
            }
            Self::Database => {
                let database = snapshot.database.as_ref()?;
                let name = database.name.as_str();
                (database.oid, Grantable::Database, "database", name, database.owner)
            }
        };
        let grants = snapshot.grants.get(&oid).map(|grants| &**grants);
        let acl = match grants.and_then(|grants| grants.acl.as_ref()) {
            Some(acl) => Cow::Borrowed(acl),
            // Whose it is says the name, not the role.
            None if self.is_temporary(snapshot) => {
                Cow::Owned(open(kind, Privileges::USAGE.and(Privileges::CREATE)))
            }
            None => Cow::Owned(unsaid(kind, oid, owner)),
        };
        Some(Securable { kind, word, name, owner, acl, grants })
    }
}

/// What an object grants of which nothing was said.
fn unsaid(kind: Grantable, oid: Oid, owner: Oid) -> Acl {
    let mut acl = Acl::default_of(kind, owner);
    if kind == Grantable::Schema && OPEN_SCHEMAS.contains(&oid) {
        acl.add(PUBLIC, owner, Privileges::USAGE, Privileges::NONE);
    }
    acl
}

/// What the system's own objects grant to everyone.
fn open(kind: Grantable, privileges: Privileges) -> Acl {
    let mut acl = Acl::default_of(kind, SUPERUSER);
    acl.add(PUBLIC, SUPERUSER, privileges, Privileges::NONE);
    acl
}

/// A role's reach at a snapshot.
#[derive(Clone, Debug)]
pub struct Access<'a> {
    snapshot: &'a Snapshot,
    role: Oid,
    superuser: bool,
    /// The roles whose privileges it has.
    holds: BTreeSet<Oid>,
}

impl<'a> Access<'a> {
    /// Of a role; one that is gone reaches nothing.
    pub fn new(snapshot: &'a Snapshot, role: Oid) -> Self {
        let superuser = snapshot.roles.get(&role).is_some_and(|role| role.superuser);
        let holds = match superuser {
            true => BTreeSet::new(),
            false => members_closure(snapshot, role, |membership| membership.inherit),
        };
        Self { snapshot, role, superuser, holds }
    }

    /// Whose.
    pub fn role(&self) -> Oid {
        self.role
    }

    /// Whether it is a superuser: may do everything.
    pub fn is_superuser(&self) -> bool {
        self.superuser
    }

    /// Whether policies are not for it: superusers and BYPASSRLS.
    pub(super) fn bypasses_row_security(&self) -> bool {
        let role = self.snapshot.roles.get(&self.role);
        self.superuser || role.is_some_and(|role| role.bypass_row_security)
    }

    /// Whether it has another role's privileges: it owns what that one owns.
    pub fn has_role(&self, role: Oid) -> bool {
        self.superuser || self.holds.contains(&role)
    }

    /// Whether it may become another role.
    pub fn may_become(&self, role: Oid) -> bool {
        self.superuser
            || members_closure(self.snapshot, self.role, |membership| membership.set)
                .contains(&role)
    }

    /// Whether it may add members to a role, and take them away.
    pub fn administers(&self, role: Oid) -> bool {
        let grants = |member: &Oid| {
            let member = self.snapshot.roles.get(member);
            let of = member.map(|member| member.member_of.as_slice()).unwrap_or_default();
            of.iter().any(|membership| membership.role == role && membership.admin)
        };
        self.superuser || self.holds.iter().any(grants)
    }

    /// What it may do with an object as a whole.
    pub fn privileges(&self, object: &Securable<'_>) -> Privileges {
        if self.superuser {
            return object.kind.all();
        }
        object.acl.held(|role| self.holds.contains(&role)).and(self.everywhere(object.kind))
    }

    /// What it may grant on.
    pub fn grantable(&self, object: &Securable<'_>) -> Privileges {
        if self.has_role(object.owner) {
            return object.kind.all();
        }
        object.acl.grantable(|role| self.holds.contains(&role))
    }

    /// What it may do with a column.
    pub fn column_privileges(&self, object: &Securable<'_>, column: ColumnId) -> Privileges {
        let own = object.column(column).map(|acl| acl.held(|role| self.holds.contains(&role)));
        let whole = self.privileges(object).common(Grantable::Column.all());
        whole.and(own.unwrap_or_default())
    }

    /// What predefined roles may do with all objects of a kind.
    fn everywhere(&self, kind: Grantable) -> Privileges {
        use Privileges as P;
        let has = |role: Oid, privileges: P| match self.holds.contains(&role) {
            true => privileges,
            false => P::NONE,
        };
        match kind {
            Grantable::Table => has(READ_ALL_DATA, P::SELECT)
                .and(has(WRITE_ALL_DATA, P::INSERT.and(P::UPDATE).and(P::DELETE)))
                .and(has(MAINTAIN, P::MAINTAIN)),
            Grantable::Sequence => {
                has(READ_ALL_DATA, P::SELECT).and(has(WRITE_ALL_DATA, P::UPDATE))
            }
            Grantable::Schema => has(READ_ALL_DATA, P::USAGE).and(has(WRITE_ALL_DATA, P::USAGE)),
            _ => P::NONE,
        }
    }

    /// Whether it may do this with an object as a whole.
    pub fn may(&self, object: Object, privilege: Privileges) -> bool {
        self.superuser
            || object
                .find(self.snapshot)
                .is_some_and(|object| self.privileges(&object).has(privilege))
    }

    /// Whether it may do anything at all with a relation or one of its columns.
    pub fn may_anything(&self, relation: Oid) -> bool {
        let Some(object) = Object::Relation(relation).find(self.snapshot) else { return false };
        self.has_role(object.owner)
            || !self.privileges(&object).is_empty()
            || self.on_any_column(&object, |privileges| !privileges.is_empty())
    }

    fn on_any_column(&self, object: &Securable<'_>, what: impl Fn(Privileges) -> bool) -> bool {
        let columns = object.columns().iter();
        columns.into_iter().any(|(_, acl)| what(acl.held(|role| self.holds.contains(&role))))
    }

    /// Whether a demand is fulfilled.
    pub fn fulfils(&self, object: &Securable<'_>, demand: &Demand) -> bool {
        let privilege = demand.privilege;
        if self.superuser || self.privileges(object).has(privilege) {
            return true;
        }
        match &demand.columns {
            Columns::Whole => false,
            Columns::Any => self.on_any_column(object, |held| held.has(privilege)),
            Columns::These(columns) => columns.iter().all(|column| {
                let acl = object.column(*column);
                acl.is_some_and(|acl| acl.held(|role| self.holds.contains(&role)).has(privilege))
            }),
        }
    }

    /// 42501 unless the demand is fulfilled. An object that isn't there grants nothing.
    ///
    /// # Errors
    /// 42501.
    pub fn require(&self, demand: &Demand) -> Result<()> {
        if self.superuser {
            return Ok(());
        }
        let Some(object) = demand.object.find(self.snapshot) else {
            let message = "permission denied for an object that is gone";
            return Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        };
        match self.fulfils(&object, demand) {
            true => Ok(()),
            false => Err(denied(object.word, object.name)),
        }
    }
}

/// 42501.
fn denied(word: &str, name: &str) -> SqlError {
    let message = format!("permission denied for {word} {name}");
    SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
}

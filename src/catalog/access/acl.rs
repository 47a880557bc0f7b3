//! What an object grants: PostgreSQL's access control lists and their rules (`aclupdate`).
//!
//! A grant has a grantor; who holds a grant option only may grant on as long as they hold it, so
//! that taking it back takes back, with CASCADE, what they granted. Owners always may.

use serde::{Deserialize, Serialize};

use super::privileges::{Grantable, Privileges};
use crate::base::{Oid, Result, SqlError, SqlState};

/// The grantee that stands for everyone.
pub const PUBLIC: Oid = Oid(0);

/// What one role granted to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AclItem {
    /// Who may.
    pub grantee: Oid,
    /// Who said so.
    pub grantor: Oid,
    /// What.
    pub privileges: Privileges,
    /// Those of them that the grantee may grant on.
    #[serde(default)]
    pub grantable: Privileges,
}

/// All that is granted on an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Acl(pub Vec<AclItem>);

/// What REVOKE does with what was granted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependents {
    /// RESTRICT: it must not be there.
    Refuse,
    /// CASCADE: it goes too.
    Revoke,
}

impl Acl {
    /// What an object grants of which nothing was said.
    pub fn default_of(kind: Grantable, owner: Oid) -> Self {
        let mut acl = Self::default();
        acl.add(PUBLIC, owner, kind.of_public(), Privileges::NONE);
        if kind != Grantable::Column {
            acl.add(owner, owner, kind.all(), Privileges::NONE);
        }
        acl
    }

    /// The items.
    pub fn items(&self) -> &[AclItem] {
        &self.0
    }

    /// What the grantees for whom `holds` is true may do.
    pub fn held(&self, holds: impl Fn(Oid) -> bool) -> Privileges {
        let items = self.0.iter().filter(|item| item.grantee == PUBLIC || holds(item.grantee));
        items.fold(Privileges::NONE, |all, item| all.and(item.privileges))
    }

    /// What the grantees for whom `holds` is true may grant on.
    pub fn grantable(&self, holds: impl Fn(Oid) -> bool) -> Privileges {
        let items = self.0.iter().filter(|item| holds(item.grantee));
        items.fold(Privileges::NONE, |all, item| all.and(item.grantable))
    }

    /// Adds a grant.
    pub fn add(
        &mut self,
        grantee: Oid,
        grantor: Oid,
        privileges: Privileges,
        grantable: Privileges,
    ) {
        if privileges.is_empty() {
            return;
        }
        let same = |item: &&mut AclItem| item.grantee == grantee && item.grantor == grantor;
        match self.0.iter_mut().find(same) {
            Some(item) => {
                item.privileges = item.privileges.and(privileges);
                item.grantable = item.grantable.and(grantable);
            }
            None => self.0.push(AclItem { grantee, grantor, privileges, grantable }),
        }
    }

    /// 0LP01 where grant options would go round in a circle.
    ///
    /// # Errors
    /// 0LP01.
    pub fn check_circle(
        &self,
        grantee: Oid,
        grantor: Oid,
        options: Privileges,
        owner: Oid,
    ) -> Result<()> {
        if grantee == PUBLIC {
            let message = "grant options can only be granted to roles";
            return Err(SqlError::new(SqlState::INVALID_GRANT_OPERATION, message));
        }
        if grantor == owner {
            return Ok(());
        }
        // What the grantor could still grant if the grantee had nothing.
        let mut without = self.clone();
        let grantors: Vec<Oid> = self.0.iter().map(|item| item.grantor).collect();
        for by in grantors {
            without.revoke((grantee, by), options, false, (owner, Dependents::Revoke))?;
        }
        if without.grantable(|role| role == grantor).has(options) {
            return Ok(());
        }
        let message = "grant options cannot be granted back to your own grantor";
        Err(SqlError::new(SqlState::INVALID_GRANT_OPERATION, message))
    }

    /// Takes a grant, or only its grant options, back.
    ///
    /// # Errors
    /// 2BP01 where something was granted on and must not be revoked too.
    pub fn revoke(
        &mut self,
        (grantee, grantor): (Oid, Oid),
        privileges: Privileges,
        options_only: bool,
        (owner, dependents): (Oid, Dependents),
    ) -> Result<()> {
        let same = |item: &AclItem| item.grantee == grantee && item.grantor == grantor;
        let Some(at) = self.0.iter().position(same) else { return Ok(()) };
        let item = &mut self.0[at];
        let lost = item.grantable.common(privileges);
        item.grantable = item.grantable.without(privileges);
        if !options_only {
            item.privileges = item.privileges.without(privileges);
        }
        if item.privileges.is_empty() {
            self.0.remove(at);
        }
        if lost.is_empty() || grantee == owner {
            return Ok(());
        }
        self.revoke_dependents(grantee, lost, (owner, dependents))
    }

    /// Who lost grant options has granted nothing.
    fn revoke_dependents(
        &mut self,
        grantor: Oid,
        lost: Privileges,
        (owner, dependents): (Oid, Dependents),
    ) -> Result<()> {
        let lost = lost.without(self.grantable(|role| role == grantor));
        loop {
            let depends = |item: &&AclItem| {
                item.grantor == grantor && !item.privileges.common(lost).is_empty()
            };
            let Some(item) = self.0.iter().find(depends).copied() else { return Ok(()) };
            if dependents == Dependents::Refuse {
                let message = "dependent privileges exist";
                return Err(SqlError::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
                    .with_hint("Use CASCADE to revoke them too."));
            }
            self.revoke((item.grantee, grantor), lost, false, (owner, dependents))?;
        }
    }

    /// The object has a new owner, who takes the old one's place.
    pub fn change_owner(&mut self, from: Oid, to: Oid) {
        let new = |role: Oid| if role == from { to } else { role };
        for item in std::mem::take(&mut self.0) {
            self.add(new(item.grantee), new(item.grantor), item.privileges, item.grantable);
        }
    }

    /// Whether a role gives or gets something.
    pub fn mentions(&self, role: Oid) -> bool {
        self.0.iter().any(|item| item.grantee == role || item.grantor == role)
    }

    /// As PostgreSQL shows it: `{alice=arw/bob,=r/bob}`.
    pub fn text(&self, name: impl Fn(Oid) -> String) -> String {
        let item = |item: &AclItem| {
            let grantee = if item.grantee == PUBLIC { String::new() } else { name(item.grantee) };
            let letters = item.privileges.letters(item.grantable);
            format!("{}={letters}/{}", quoted(&grantee), quoted(&name(item.grantor)))
        };
        let items: Vec<String> = self.0.iter().map(item).map(|text| element(&text)).collect();
        format!("{{{}}}", items.join(","))
    }
}

/// A role's name as `aclitem` shows it.
fn quoted(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// An array's element.
fn element(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_=/*".contains(c);
    if text.chars().all(plain) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Two lists as one.
pub fn merged(mut first: Acl, second: &Acl) -> Acl {
    for item in second.items() {
        first.add(item.grantee, item.grantor, item.privileges, item.grantable);
    }
    first
}

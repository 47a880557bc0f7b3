//! Membership of roles in roles.

use std::collections::BTreeSet;

use crate::base::Oid;
use crate::catalog::Snapshot;
use crate::catalog::definition::Membership;

use super::predefined::DATABASE_OWNER;

/// The roles that a role reaches over memberships that fulfil a condition, itself included.
pub fn members_closure(
    snapshot: &Snapshot,
    role: Oid,
    follow: impl Fn(&Membership) -> bool,
) -> BTreeSet<Oid> {
    let owner = snapshot.database.as_ref().map(|database| database.owner);
    let mut found = BTreeSet::from([role]);
    let mut open = vec![role];
    while let Some(next) = open.pop() {
        let of = snapshot.roles.get(&next).map(|role| role.member_of.as_slice());
        let groups = of.unwrap_or_default().iter().filter(|membership| follow(membership));
        let implied = (owner == Some(next)).then_some(DATABASE_OWNER);
        for group in groups.map(|membership| membership.role).chain(implied) {
            if found.insert(group) {
                open.push(group);
            }
        }
    }
    found
}

/// Whether a role is a member of another, directly or not, whatever the memberships allow.
pub fn is_member(snapshot: &Snapshot, role: Oid, group: Oid) -> bool {
    members_closure(snapshot, role, |_| true).contains(&group)
}

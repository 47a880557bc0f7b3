//! `pg_auth_members`: who is a member of which role.

use super::cell::row;
use super::definition::{Definition, Row};
use super::facts::Facts;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 1261,
    schema: super::PG_CATALOG,
    name: "pg_auth_members",
    columns: "oid oid, roleid oid, member oid, grantor oid, admin_option bool, \
              inherit_option bool, set_option bool",
    rows,
}];

fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    for member in facts.roles() {
        for of in &member.member_of {
            rows.push(row![
                rows.len(),
                of.role,
                member.oid,
                of.grantor,
                of.admin,
                of.inherit,
                of.set
            ]);
        }
    }
    rows
}

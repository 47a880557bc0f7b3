//! `pg_default_acl`: what objects grant from the moment when they are made.

use super::cell::row;
use super::definition::{Definition, Row};
use super::facts::Facts;
use crate::base::Oid;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 826,
    schema: super::PG_CATALOG,
    name: "pg_default_acl",
    columns: "oid oid, defaclrole oid, defaclnamespace oid, defaclobjtype \"char\", \
              defaclacl _aclitem",
    rows,
}];

fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    for role in facts.roles() {
        for default in &role.default_grants {
            let schema = default.schema.unwrap_or(Oid(0));
            let (kind, acl) = (default.kind.letter(), facts.acl_text(&default.acl));
            rows.push(row![rows.len(), role.oid, schema, kind, acl]);
        }
    }
    rows
}

//! `pg_namespace`: schemas.

use super::cell::row;
use super::definition::{Definition, Row};
use super::facts::Facts;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 2615,
    schema: super::PG_CATALOG,
    name: "pg_namespace",
    columns: "oid oid, nspname name, nspowner oid, nspacl _aclitem",
    rows,
}];

fn rows(facts: &Facts) -> Vec<Row> {
    let mut schemas: Vec<_> = facts.catalog().schemas.values().collect();
    schemas.sort_by_key(|schema| schema.oid);
    let row = |schema: &&std::sync::Arc<crate::catalog::SchemaDef>| {
        let open = crate::catalog::access::Object::Schema(schema.oid).find(facts.catalog());
        // Of the system's own schemas it is said, though nobody wrote it down.
        let acl = match super::is_system_schema(&schema.name) || schema.name == "public" {
            true => open.map(|schema| facts.acl_text(&schema.acl)),
            false => facts.acl(schema.oid),
        };
        row![schema.oid, &schema.name, schema.owner, acl]
    };
    schemas.iter().map(row).collect()
}

//! `pg_namespace`: schemas.

use super::cell::{NULL, row};
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
    schemas.iter().map(|schema| row![schema.oid, &schema.name, schema.owner, NULL]).collect()
}

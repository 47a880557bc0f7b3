//! `pg_enum`: the labels of enums.

use super::cell::row;
use super::definition::{Definition, Row};
use super::facts::Facts;
use crate::types::sort_order;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 3501,
    schema: super::PG_CATALOG,
    name: "pg_enum",
    columns: "oid oid, enumtypid oid, enumsortorder float4, enumlabel name",
    rows,
}];

fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    for ty in facts.user_types() {
        for label in ty.labels() {
            rows.push(row![label.oid, ty.oid, sort_order(label.place).to_string(), &label.label]);
        }
    }
    rows
}

//! `pg_views`: views by name.

use super::cell::row;
use super::definition::{Definition, Row};
use super::facts::Facts;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 12_006,
    schema: super::PG_CATALOG,
    name: "pg_views",
    columns: "schemaname name, viewname name, viewowner name, definition text",
    rows,
}];

fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    for view in facts.views() {
        let schema = facts.catalog().schema_name(view.schema);
        rows.push(row![schema, &view.name, facts.role_name(view.owner), &view.query]);
    }
    rows
}

//! `pg_views`, `pg_matviews`: views by name.

use super::cell::{NULL, row};
use super::definition::{Definition, Row};
use super::facts::Facts;

pub(super) const RELATIONS: &[Definition] = &[
    Definition {
        oid: 12_006,
        schema: super::PG_CATALOG,
        name: "pg_views",
        columns: "schemaname name, viewname name, viewowner name, definition text",
        rows,
    },
    Definition {
        oid: 12_010,
        schema: super::PG_CATALOG,
        name: "pg_matviews",
        columns: "schemaname name, matviewname name, matviewowner name, tablespace name, \
              hasindexes bool, ispopulated bool, definition text",
        rows: materialized,
    },
];

fn materialized(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in facts.tables() {
        let definition = &table.definition;
        let Some(materialized) = &definition.materialized else { continue };
        rows.push(row![
            facts.catalog().schema_name(definition.schema),
            &definition.name,
            facts.role_name(definition.owner),
            NULL,
            definition.index_names().next().is_some(),
            materialized.populated,
            format!(" {};", materialized.query),
        ]);
    }
    rows
}

fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    for view in facts.views() {
        let schema = facts.catalog().schema_name(view.schema);
        rows.push(row![schema, &view.name, facts.role_name(view.owner), &view.query]);
    }
    rows
}

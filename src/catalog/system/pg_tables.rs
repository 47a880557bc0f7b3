//! `pg_tables`: tables by name.

use super::cell::{NULL, row};
use super::definition::{Definition, Row};
use super::facts::Facts;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 12_005,
    schema: super::PG_CATALOG,
    name: "pg_tables",
    columns: "schemaname name, tablename name, tableowner name, tablespace name, \
              hasindexes bool, hasrules bool, hastriggers bool, rowsecurity bool",
    rows,
}];

fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in facts.tables().into_iter().filter(|t| t.definition.materialized.is_none()) {
        let definition = &table.definition;
        rows.push(row![
            facts.catalog().schema_name(definition.schema),
            &definition.name,
            facts.role_name(definition.owner),
            NULL,
            definition.index_names().next().is_some(),
            false,
            false,
            definition.row_security,
        ]);
    }
    rows
}

//! `pg_indexes`: indexes by name.

use super::cell::{NULL, row};
use super::definition::{Definition, Row};
use super::describe;
use super::facts::Facts;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 12_007,
    schema: super::PG_CATALOG,
    name: "pg_indexes",
    columns: "schemaname name, tablename name, indexname name, tablespace name, indexdef text",
    rows,
}];

fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in facts.tables() {
        let definition = &table.definition;
        let schema = facts.catalog().schema_name(definition.schema);
        for key in &definition.keys {
            let text = describe::index(facts, definition, key);
            rows.push(row![schema, &definition.name, &key.name, NULL, text]);
        }
        for index in &definition.indexes {
            let text = describe::named_index(facts, definition, index);
            rows.push(row![schema, &definition.name, &index.name, NULL, text]);
        }
    }
    rows
}

//! `pg_attrdef`: columns' defaults, as SQL text.

use super::cell::row;
use super::definition::{Definition, Row};
use super::describe;
use super::facts::Facts;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 2604,
    schema: super::PG_CATALOG,
    name: "pg_attrdef",
    columns: "oid oid, adrelid oid, adnum int2, adbin pg_node_tree",
    rows,
}];

fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in facts.tables() {
        let definition = &table.definition;
        for column in definition.columns.iter().filter(|column| column.identity.is_none()) {
            if let Some(default) = describe::default(column) {
                // A default has no oid here: the table's and the column's name it.
                rows.push(row![definition.oid, definition.oid, column.id, default]);
            }
        }
    }
    rows
}

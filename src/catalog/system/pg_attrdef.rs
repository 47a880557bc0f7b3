//! `pg_attrdef`: columns' defaults, as SQL text.

use crate::base::{ColumnId, Oid};

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

/// The oid of a column's default, which has none of its own: made of the table's oid and the
/// column's number, one for each of both while they are small, as they are.
pub(super) fn oid(table: Oid, column: ColumnId) -> Oid {
    Oid(table.0.wrapping_mul(2048).wrapping_add(column.0.unsigned_abs()))
}

fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in facts.tables() {
        let definition = &table.definition;
        for column in definition.columns.iter().filter(|column| column.identity.is_none()) {
            if let Some(default) = describe::default(column) {
                let oid = oid(definition.oid, column.id);
                rows.push(row![oid, definition.oid, column.id, default]);
            }
        }
    }
    rows
}

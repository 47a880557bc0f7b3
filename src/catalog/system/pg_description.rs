//! `pg_description`: comments on tables and columns.

use super::cell::row;
use super::definition::{Definition, Row};
use super::facts::Facts;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 2609,
    schema: super::PG_CATALOG,
    name: "pg_description",
    columns: "objoid oid, classoid oid, objsubid int4, description text",
    rows,
}];

/// `pg_class`, whose objects have the comments.
const PG_CLASS: u32 = 1259;

fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in facts.tables() {
        let definition = &table.definition;
        if let Some(comment) = &definition.comment {
            rows.push(row![definition.oid, PG_CLASS, 0, comment]);
        }
        for column in &definition.columns {
            if let Some(comment) = &column.comment {
                rows.push(row![definition.oid, PG_CLASS, column.id, comment]);
            }
        }
    }
    rows
}

//! `pg_description`: comments on tables and columns, and what extensions are.

use super::cell::row;
use super::definition::{Definition, Row};
use super::facts::Facts;
use super::pg_extension;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 2609,
    schema: super::PG_CATALOG,
    name: "pg_description",
    columns: "objoid oid, classoid oid, objsubid int4, description text",
    rows,
}];

/// `pg_extension`, whose objects are what they are.
const PG_EXTENSION: u32 = 3079;
/// `pg_class`, whose objects have the comments.
const PG_CLASS: u32 = 1259;

fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    let database = facts.catalog().database.as_ref();
    let available = pg_extension::available(facts);
    for extension in database.iter().flat_map(|database| &database.extensions) {
        let named = |row: &&Row| row[0].as_ref() == Some(&extension.name);
        let comment = available.iter().find(named).and_then(|row| row[3].clone());
        rows.push(row![extension.oid, PG_EXTENSION, 0, comment]);
    }
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

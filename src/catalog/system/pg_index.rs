//! `pg_index`: the indexes that clients see behind keys.

use crate::catalog::{IndexDef, TableDef};
use crate::types::PgType;

use super::cell::{NULL, row, vector};
use super::definition::{Definition, Row};
use super::facts::Facts;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 2610,
    schema: super::PG_CATALOG,
    name: "pg_index",
    columns: "indexrelid oid, indrelid oid, indnatts int2, indnkeyatts int2, indisunique bool, \
              indnullsnotdistinct bool, indisprimary bool, indisexclusion bool, \
              indimmediate bool, indisclustered bool, indisvalid bool, indcheckxmin bool, \
              indisready bool, indislive bool, indisreplident bool, indkey int2vector, \
              indcollation oidvector, indclass oidvector, indoption int2vector, \
              indexprs pg_node_tree, indpred pg_node_tree",
    rows,
}];

fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in facts.tables() {
        let definition = &table.definition;
        for key in &definition.keys {
            let count = key.columns.len();
            let collation = |ty: PgType| if ty.is_string() { 100 } else { 0 };
            let collations = key.columns.iter().filter_map(|id| definition.column_by_id(*id));
            let collations = collations.map(|column| collation(column.ty.pg_type()));
            rows.push(row![
                key.oid,
                definition.oid,
                count,
                count,
                true,
                key.nulls_not_distinct,
                key.primary,
                false,
                true,
                false,
                true,
                false,
                true,
                true,
                false,
                vector(key.columns.iter().map(|id| id.0)),
                vector(collations),
                vector(vec![0; count]),
                vector(vec![0; count]),
                NULL,
                NULL,
            ]);
        }
        let others = definition.indexes.iter().map(|index| named_index(definition, index));
        rows.extend(others);
    }
    rows
}

fn named_index(table: &TableDef, index: &IndexDef) -> Row {
    let count = index.columns.len();
    let expressions: Vec<&str> =
        index.columns.iter().filter_map(|part| part.expression.as_deref()).collect();
    row![
        index.oid,
        table.oid,
        count,
        count,
        false,
        false,
        false,
        false,
        true,
        false,
        true,
        false,
        true,
        true,
        false,
        vector(index.columns.iter().map(|part| part.column.map_or(0, |id| id.0))),
        vector(vec![0; count]),
        vector(vec![0; count]),
        vector(index.columns.iter().map(|part| u32::from(part.options.contains("DESC")))),
        (!expressions.is_empty()).then(|| expressions.join(", ")),
        index.filter.clone(),
    ]
}

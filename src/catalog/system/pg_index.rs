//! `pg_index`: the indexes that clients see behind keys.

use crate::base::Oid;
use crate::catalog::{IndexColumnDef, IndexDef, KeyDef, TableDef};
use crate::types::PgType;

use super::cell::{row, vector};
use super::definition::{Definition, Row};
use super::describe::indexed_cast;
use super::facts::Facts;
use super::pg_opclass;

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

/// What differs from index to index.
struct Shown {
    oid: Oid,
    unique: bool,
    nulls_not_distinct: bool,
    primary: bool,
    /// Numbers of columns; 0: an expression.
    columns: Vec<i32>,
    /// How many of them, at the end, the index does not go by.
    included: usize,
    collations: Vec<i32>,
    /// Operator classes of the columns.
    classes: Vec<u32>,
    options: Vec<i32>,
    expressions: Option<String>,
    filter: Option<String>,
}

fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in facts.tables() {
        let definition = &table.definition;
        let keys = definition.keys.iter().map(|key| of_key(definition, key));
        let indexes = definition.indexes.iter().map(|index| of_index(definition, index));
        let shown = keys.chain(indexes);
        rows.extend(shown.map(|index| index.row(definition.oid)));
    }
    rows
}

fn of_key(table: &TableDef, key: &KeyDef) -> Shown {
    let collation = |ty: PgType| if ty.is_string() { 100 } else { 0 };
    let columns = key.columns.iter().filter_map(|id| table.column_by_id(*id));
    Shown {
        oid: key.oid,
        unique: true,
        nulls_not_distinct: key.nulls_not_distinct,
        primary: key.primary,
        columns: key.columns.iter().chain(&key.include).map(|id| id.0).collect(),
        included: key.include.len(),
        collations: columns.clone().map(|column| collation(column.ty.pg_type())).collect(),
        classes: columns.map(|column| pg_opclass::class("btree", None, column.ty.oid.0)).collect(),
        options: vec![0; key.columns.len()],
        expressions: None,
        filter: None,
    }
}

fn of_index(table: &TableDef, index: &IndexDef) -> Shown {
    let cast = indexed_cast(table, index);
    let number = |part: &IndexColumnDef| match &cast {
        Some(_) => 0,
        None => part.column.map_or(0, |id| id.0),
    };
    let include = index.include.iter().map(|id| id.0);
    let columns = index.columns.iter().map(number).chain(include).collect();
    let expressions = index.columns.iter().filter_map(|part| part.expression.clone());
    let expressions: Vec<String> = expressions.chain(cast.clone()).collect();
    // 1: descending; 2: NULLs come first, as they do where descending and nothing is said.
    let order = |options: &str| {
        let descends = options.contains("DESC");
        let first = options.contains("NULLS FIRST") || descends && !options.contains("NULLS LAST");
        i32::from(descends) + 2 * i32::from(first)
    };
    Shown {
        oid: index.oid,
        unique: false,
        nulls_not_distinct: false,
        primary: false,
        columns,
        included: index.include.len(),
        collations: vec![0; index.columns.len()],
        classes: index.columns.iter().map(|part| class(table, index, part)).collect(),
        options: index.columns.iter().map(|part| order(&part.options)).collect(),
        expressions: (!expressions.is_empty()).then(|| expressions.join(", ")),
        filter: index.filter.clone(),
    }
}

/// The operator class of an index's part; an expression's is taken for text's.
fn class(table: &TableDef, index: &IndexDef, part: &IndexColumnDef) -> u32 {
    let column = part.column.and_then(|id| table.column_by_id(id));
    let ty = column.map_or(PgType::Text.oid(), |column| column.ty.oid);
    pg_opclass::class(&index.method, part.operator_class.as_deref(), ty.0)
}

impl Shown {
    fn row(self, table: Oid) -> Row {
        let count = self.columns.len();
        row![
            self.oid,
            table,
            count,
            count - self.included,
            self.unique,
            self.nulls_not_distinct,
            self.primary,
            false,
            true,
            false,
            true,
            false,
            true,
            true,
            false,
            vector(self.columns),
            vector(self.collations),
            vector(self.classes),
            vector(self.options),
            self.expressions,
            self.filter,
        ]
    }
}

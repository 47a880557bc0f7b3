//! `information_schema`'s views of constraints: what foreign keys refer to, which columns are used, what
//! is checked. And of sequences, and what views read.

use super::INFORMATION_SCHEMA;
use super::cell::{NULL, row};
use super::definition::{Definition, Row};
use super::describe;
use super::facts::Facts;
use crate::base::{ColumnId, Oid};
use crate::catalog::{ReferentialActionDef, SequenceDef, Table, TableDef};
use crate::types::PgType;

const fn view(
    oid: u32,
    name: &'static str,
    columns: &'static str,
    rows: fn(&Facts) -> Vec<Row>,
) -> Definition {
    Definition { oid, schema: INFORMATION_SCHEMA, name, columns, rows }
}

pub(super) const RELATIONS: &[Definition] = &[
    view(
        13_060,
        "referential_constraints",
        "constraint_catalog name, constraint_schema name, constraint_name name, \
         unique_constraint_catalog name, unique_constraint_schema name, \
         unique_constraint_name name, match_option varchar, update_rule varchar, \
         delete_rule varchar",
        referential_constraints,
    ),
    view(
        13_061,
        "constraint_column_usage",
        "table_catalog name, table_schema name, table_name name, column_name name, \
         constraint_catalog name, constraint_schema name, constraint_name name",
        constraint_column_usage,
    ),
    view(
        13_062,
        "constraint_table_usage",
        "table_catalog name, table_schema name, table_name name, constraint_catalog name, \
         constraint_schema name, constraint_name name",
        constraint_table_usage,
    ),
    view(
        13_063,
        "check_constraints",
        "constraint_catalog name, constraint_schema name, constraint_name name, \
         check_clause varchar",
        check_constraints,
    ),
    view(
        13_064,
        "sequences",
        "sequence_catalog name, sequence_schema name, sequence_name name, data_type varchar, \
         numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, \
         start_value varchar, minimum_value varchar, maximum_value varchar, increment varchar, \
         cycle_option varchar",
        sequences,
    ),
    view(
        13_065,
        "view_table_usage",
        "view_catalog name, view_schema name, view_name name, table_catalog name, \
         table_schema name, table_name name",
        view_table_usage,
    ),
    view(13_066, "information_schema_catalog_name", "catalog_name name", |facts| {
        vec![row![facts.database()]]
    }),
    view(
        13_067,
        "character_sets",
        "character_set_catalog name, character_set_schema name, character_set_name name, \
         character_repertoire name, form_of_use name, default_collate_catalog name, \
         default_collate_schema name, default_collate_name name",
        |facts| {
            let database = facts.database();
            vec![row![NULL, NULL, "UTF8", "UCS", "UTF8", database, "pg_catalog", "C"]]
        },
    ),
    view(
        13_068,
        "collations",
        "collation_catalog name, collation_schema name, collation_name name, \
         pad_attribute varchar",
        |facts| {
            let row = |name: &str| row![facts.database(), "pg_catalog", name, "NO PAD"];
            ["default", "C", "POSIX"].map(row).to_vec()
        },
    ),
];

/// The tables that the session's role owns: their constraints are shown to nobody else.
fn owned(facts: &Facts) -> impl Iterator<Item = (&str, &TableDef)> {
    let owned = |table: &&Table| facts.access().has_role(table.definition.owner);
    let tables = facts.tables().into_iter().filter(owned);
    tables.map(|table| {
        (facts.catalog().schema_name(table.definition.schema), table.definition.as_ref())
    })
}

fn referential_constraints(facts: &Facts) -> Vec<Row> {
    let database = facts.database();
    let mut rows = Vec::new();
    for (schema, table) in owned(facts) {
        for key in &table.foreign_keys {
            let other = facts.catalog().tables.get(&key.table);
            let target = other.and_then(|other| {
                let index =
                    super::pg_constraint::referenced_index(facts, key.table, &key.referenced);
                let found = other.definition.keys.iter().find(|key| key.oid == index)?;
                Some((facts.catalog().schema_name(other.definition.schema), &found.name))
            });
            let action = |action: &ReferentialActionDef| action.words();
            let (target_schema, target) = target.unzip();
            rows.push(row![
                database,
                schema,
                &key.name,
                target.map(|_| database),
                target_schema,
                target,
                "NONE",
                action(&key.on_update),
                action(&key.on_delete),
            ]);
        }
    }
    rows
}

/// A constraint's use of columns: its name and schema, the table and the columns.
type Use<'a> = (&'a str, &'a str, Oid, &'a [ColumnId]);

/// Keys use their own columns, foreign keys those that they refer to.
fn uses(facts: &Facts) -> Vec<Use<'_>> {
    let mut uses: Vec<Use<'_>> = Vec::new();
    for (schema, table) in owned(facts) {
        let keys = table.keys.iter().filter(|key| !key.index_only);
        uses.extend(keys.map(|key| (schema, &*key.name, table.oid, &*key.columns)));
        let foreign = table.foreign_keys.iter();
        uses.extend(foreign.map(|key| (schema, &*key.name, key.table, &*key.referenced)));
    }
    uses
}

fn constraint_column_usage(facts: &Facts) -> Vec<Row> {
    let database = facts.database();
    let mut rows = Vec::new();
    let mut add = |schema: &str, name: &str, table: &TableDef, column: &str| {
        let place = facts.catalog().schema_name(table.schema);
        rows.push(row![database, place, &table.name, column, database, schema, name]);
    };
    for (schema, name, table, columns) in uses(facts) {
        let Some(table) = facts.catalog().tables.get(&table) else { continue };
        let table = &table.definition;
        for column in columns.iter().filter_map(|id| table.column_by_id(*id)) {
            add(schema, name, table, &column.name);
        }
    }
    for (schema, table) in owned(facts) {
        for check in &table.checks {
            let used = |name: &str| words(&check.expression).any(|word| word == name);
            for column in table.columns.iter().filter(|column| used(&column.name)) {
                add(schema, &check.name, table, &column.name);
            }
        }
        for column in table.columns.iter().filter(|column| column.not_null) {
            let name = format!("{}_{}_not_null", table.name, column.name);
            add(schema, &name, table, &column.name);
        }
    }
    rows
}

/// The words of an expression, out of quotes.
fn words(expression: &str) -> impl Iterator<Item = &str> {
    expression.split(|c: char| !c.is_alphanumeric() && c != '_')
}

fn constraint_table_usage(facts: &Facts) -> Vec<Row> {
    let database = facts.database();
    let row = |(schema, name, table, _): Use<'_>| {
        let table = facts.catalog().tables.get(&table)?;
        let place = facts.catalog().schema_name(table.definition.schema);
        Some(row![database, place, &table.definition.name, database, schema, name])
    };
    uses(facts).into_iter().filter_map(row).collect()
}

fn check_constraints(facts: &Facts) -> Vec<Row> {
    let database = facts.database();
    let mut rows = Vec::new();
    for (schema, table) in owned(facts) {
        for check in &table.checks {
            let clause = format!("(({}))", check.expression);
            rows.push(row![database, schema, &check.name, clause]);
        }
        for column in table.columns.iter().filter(|column| column.not_null) {
            let name = format!("{}_{}_not_null", table.name, column.name);
            let clause = format!("{} IS NOT NULL", describe::quoted(&column.name));
            rows.push(row![database, schema, name, clause]);
        }
    }
    rows
}

fn sequences(facts: &Facts) -> Vec<Row> {
    let identities: Vec<Oid> = facts
        .tables()
        .iter()
        .flat_map(|table| table.definition.columns.iter())
        .filter_map(|column| Some(column.identity.as_ref()?.sequence))
        .collect();
    let row = |sequence: &SequenceDef| {
        let ty = sequence.ty.pg_type();
        let precision = match ty {
            PgType::Int2 => 16,
            PgType::Int4 => 32,
            _ => 64,
        };
        row![
            facts.database(),
            facts.catalog().schema_name(sequence.schema),
            &sequence.name,
            ty.sql_name(),
            precision,
            2,
            0,
            sequence.start,
            sequence.min,
            sequence.max,
            sequence.increment,
            if sequence.cycle { "YES" } else { "NO" },
        ]
    };
    let access = facts.access();
    let shown = |sequence: &&SequenceDef| {
        access.may_anything(sequence.oid) && !identities.contains(&sequence.oid)
    };
    facts.sequences().into_iter().filter(shown).map(row).collect()
}

fn view_table_usage(facts: &Facts) -> Vec<Row> {
    let database = facts.database();
    let mut rows = Vec::new();
    for view in facts.views() {
        let schema = facts.catalog().schema_name(view.schema);
        for oid in &view.depends_on {
            let Some(table) = facts.catalog().tables.get(oid) else { continue };
            let table = &table.definition;
            if !facts.access().has_role(table.owner) {
                continue;
            }
            let place = facts.catalog().schema_name(table.schema);
            rows.push(row![database, schema, &view.name, database, place, &table.name]);
        }
    }
    rows
}

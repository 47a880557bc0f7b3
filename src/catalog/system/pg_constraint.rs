//! `pg_constraint`: keys, foreign keys, checks.

use crate::base::Oid;
use crate::catalog::{ForeignKeyDef, ReferentialActionDef};

use super::cell::{NULL, array, row};
use super::definition::{Definition, Row};
use super::facts::Facts;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 2606,
    schema: super::PG_CATALOG,
    name: "pg_constraint",
    columns: "oid oid, conname name, connamespace oid, contype \"char\", condeferrable bool, \
              condeferred bool, conenforced bool, convalidated bool, conrelid oid, contypid oid, \
              conindid oid, conparentid oid, confrelid oid, confupdtype \"char\", \
              confdeltype \"char\", confmatchtype \"char\", conislocal bool, coninhcount int2, \
              connoinherit bool, conperiod bool, conkey _int2, confkey _int2, conpfeqop _oid, \
              conppeqop _oid, conffeqop _oid, confdelsetcols _int2, conexclop _oid, \
              conbin pg_node_tree",
    rows,
}];

/// What differs from one constraint to the other.
#[derive(Default)]
struct Constraint<'a> {
    oid: Oid,
    name: &'a str,
    schema: Oid,
    table: Oid,
    domain: Oid,
    kind: &'static str,
    index: Oid,
    referenced: Oid,
    columns: Option<String>,
    referenced_columns: Option<String>,
    foreign: Option<&'a ForeignKeyDef>,
    expression: Option<&'a str>,
}

impl Constraint<'_> {
    fn row(&self) -> Row {
        let foreign = self.foreign;
        let action = |of: fn(&ForeignKeyDef) -> &ReferentialActionDef| {
            foreign.map_or(" ", |foreign| of(foreign).letter())
        };
        let matching = if foreign.is_some() { "s" } else { " " };
        // All of the key's columns are not listed.
        let set_columns = foreign.and_then(|foreign| {
            let columns = foreign.on_delete.columns();
            let some = !columns.is_empty() && columns != foreign.columns;
            some.then(|| array(columns.iter().map(|id| id.0)))
        });
        row![
            self.oid,
            self.name,
            self.schema,
            self.kind,
            foreign.is_some_and(|foreign| foreign.deferrable),
            foreign.is_some_and(|foreign| foreign.initially_deferred),
            true,
            true,
            self.table,
            self.domain,
            self.index,
            0,
            self.referenced,
            action(|foreign| &foreign.on_update),
            action(|foreign| &foreign.on_delete),
            matching,
            true,
            0,
            true,
            false,
            self.columns.clone(),
            self.referenced_columns.clone(),
            NULL,
            NULL,
            NULL,
            set_columns,
            NULL,
            self.expression,
        ]
    }
}

fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in facts.tables() {
        let definition = &table.definition;
        let numbers =
            |columns: &[crate::base::ColumnId]| Some(array(columns.iter().map(|id| id.0)));
        let (schema, table) = (definition.schema, definition.oid);
        for key in definition.keys.iter().filter(|key| !key.index_only) {
            let kind = if key.primary { "p" } else { "u" };
            let (oid, name, columns) = (key.oid, &*key.name, numbers(&key.columns));
            let index = key.oid;
            let rest = Constraint::default();
            rows.push(Constraint { oid, name, schema, table, kind, index, columns, ..rest }.row());
        }
        for key in &definition.foreign_keys {
            let constraint = Constraint {
                oid: key.oid,
                name: &key.name,
                schema,
                table,
                domain: Oid(0),
                kind: "f",
                index: referenced_index(facts, key.table, &key.referenced),
                referenced: key.table,
                columns: numbers(&key.columns),
                referenced_columns: numbers(&key.referenced),
                foreign: Some(key),
                expression: None,
            };
            rows.push(constraint.row());
        }
        for check in &definition.checks {
            let (oid, name, expression) = (check.oid, &*check.name, Some(&*check.expression));
            let (kind, rest) = ("c", Constraint::default());
            rows.push(Constraint { oid, name, schema, table, kind, expression, ..rest }.row());
        }
    }
    for ty in facts.user_types() {
        for check in ty.domain().into_iter().flat_map(|domain| &domain.checks) {
            let (oid, name, expression) = (check.oid, &*check.name, Some(&*check.expression));
            let (schema, domain, kind) = (ty.schema, ty.oid, "c");
            let rest = Constraint::default();
            rows.push(Constraint { oid, name, schema, domain, kind, expression, ..rest }.row());
        }
    }
    rows
}

/// The key of the referenced table that has these columns.
pub(super) fn referenced_index(
    facts: &Facts,
    table: Oid,
    columns: &[crate::base::ColumnId],
) -> Oid {
    let table = facts.catalog().tables.get(&table);
    let same = |key: &&crate::catalog::KeyDef| {
        key.columns.len() == columns.len() && columns.iter().all(|id| key.columns.contains(id))
    };
    let key = table.and_then(|table| table.definition.keys.iter().find(same));
    key.map(|key| key.oid).unwrap_or_default()
}

//! `pg_depend`: what goes with what. `n`: what it needs; `a` and `i`: it goes when that goes; `e`: a part
//! of an extension.

use std::collections::BTreeSet;

use super::cell::row;
use super::definition::{Definition, Row};
use super::facts::Facts;
use super::{listed, pg_attrdef, pg_rewrite, pg_type};
use crate::base::{ColumnId, Oid};
use crate::catalog::{FunctionDef, ReturnsDef, TableDef, ViewDef};
use crate::types::PgType;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 2608,
    schema: super::PG_CATALOG,
    name: "pg_depend",
    columns: "classid oid, objid oid, objsubid int4, refclassid oid, refobjid oid, \
              refobjsubid int4, deptype \"char\"",
    rows,
}];

/// The catalogs whose objects depend on one another.
const ATTRDEF: u32 = 2604;
const CLASS: u32 = 1259;
const CONSTRAINT: u32 = 2606;
const EXTENSION: u32 = 3079;
const NAMESPACE: u32 = 2615;
const POLICY: u32 = 3256;
const PROC: u32 = 1255;
const REWRITE: u32 = 2618;
const TYPE: u32 = 1247;

/// An object: its catalog, its oid, and a column's number or 0.
type Object = (u32, Oid, i32);

/// Dependencies as they are found.
#[derive(Default)]
struct Found(BTreeSet<(Object, Object, char)>);

impl Found {
    fn add(&mut self, object: Object, needs: Object, kind: char) {
        self.0.insert((object, needs, kind));
    }

    /// On columns of a table, or on all of it when none are named.
    fn on_columns(&mut self, object: Object, table: Oid, columns: &[ColumnId], kind: char) {
        for column in columns {
            self.add(object, (CLASS, table, column.0), kind);
        }
        if columns.is_empty() {
            self.add(object, (CLASS, table, 0), kind);
        }
    }
}

fn rows(facts: &Facts) -> Vec<Row> {
    let mut found = Found::default();
    of_extensions(facts, &mut found);
    for table in facts.tables() {
        let table = &table.definition;
        found.add((CLASS, table.oid, 0), (NAMESPACE, table.schema, 0), 'n');
        of_columns(facts, table, &mut found);
        of_constraints(facts, table, &mut found);
        of_indexes(table, &mut found);
        for policy in &table.policies {
            found.add((POLICY, policy.oid, 0), (CLASS, table.oid, 0), 'a');
        }
    }
    facts.views().into_iter().for_each(|view| of_view(facts, view, &mut found));
    for function in facts.functions() {
        of_function(function, &mut found);
    }
    for sequence in facts.sequences() {
        let object = (CLASS, sequence.oid, 0);
        found.add(object, (NAMESPACE, sequence.schema, 0), 'n');
        if let Some((table, column)) = sequence.owned_by {
            let owner = facts.catalog().tables.get(&table);
            let column = owner.and_then(|table| table.definition.column_by_id(column));
            let Some(column) = column else { continue };
            let kind = if column.identity.is_some() { 'i' } else { 'a' };
            found.add(object, (CLASS, table, column.id.0), kind);
        }
    }
    let row = |((class, object, part), (other, needs, column), kind)| {
        row![class, object, part, other, needs, column, kind]
    };
    found.0.into_iter().map(row).collect()
}

/// pgvector's types, functions, operators and the rest belong to the extension that was created.
fn of_extensions(facts: &Facts, found: &mut Found) {
    let database = facts.catalog().database.as_ref();
    let extensions = database.map(|database| database.extensions.as_slice()).unwrap_or_default();
    let Some(extension) = extensions.iter().find(|extension| extension.name == "vector") else {
        return;
    };
    let extension = (EXTENSION, extension.oid, 0);
    let own = |ty: &&PgType| pg_type::namespace(ty) != 11;
    for ty in PgType::scalars().iter().filter(own) {
        found.add((TYPE, ty.oid(), 0), extension, 'e');
        found.add((TYPE, ty.array().oid(), 0), (TYPE, ty.oid(), 0), 'i');
    }
    for (class, file) in [
        (1255, include_str!("data/pg_proc.tsv")),
        (2605, include_str!("data/pg_cast.tsv")),
        (2616, include_str!("data/pg_opclass.tsv")),
        (2617, include_str!("data/pg_operator.tsv")),
        (2753, include_str!("data/pg_opfamily.tsv")),
    ] {
        let oids = listed::rows(file).into_iter().filter_map(|row| row[0].as_deref()?.parse().ok());
        for oid in oids.filter(|oid| (EXTENSION_OIDS..EXTENSION_OIDS + 1000).contains(oid)) {
            found.add((class, Oid(oid), 0), extension, 'e');
        }
    }
    for method in [12_801, 12_802] {
        found.add((2601, Oid(method), 0), extension, 'e');
    }
}

/// The first oid of pgvector's objects in the files of `data/`.
const EXTENSION_OIDS: u32 = 14_000;

fn of_columns(facts: &Facts, table: &TableDef, found: &mut Found) {
    let sequences = facts.sequences();
    for column in &table.columns {
        let ty = column.ty.pg_type();
        if pg_type::namespace(&ty) != 11 {
            found.add((CLASS, table.oid, column.id.0), (TYPE, ty.oid(), 0), 'n');
        }
        let Some(default) = column.default.as_ref().filter(|_| column.identity.is_none()) else {
            continue;
        };
        let object = (ATTRDEF, pg_attrdef::oid(table.oid, column.id), 0);
        found.add(object, (CLASS, table.oid, column.id.0), 'a');
        let used = sequences.iter().filter(|sequence| {
            default.contains("nextval") && default.contains(sequence.name.as_str())
        });
        for sequence in used {
            found.add(object, (CLASS, sequence.oid, 0), 'n');
        }
    }
}

fn of_constraints(facts: &Facts, table: &TableDef, found: &mut Found) {
    for key in table.keys.iter().filter(|key| !key.index_only) {
        found.on_columns((CONSTRAINT, key.oid, 0), table.oid, &key.columns, 'a');
    }
    for key in &table.foreign_keys {
        let object = (CONSTRAINT, key.oid, 0);
        found.on_columns(object, table.oid, &key.columns, 'a');
        found.on_columns(object, key.table, &key.referenced, 'n');
        let index = super::pg_constraint::referenced_index(facts, key.table, &key.referenced);
        found.add(object, (CLASS, index, 0), 'n');
    }
    for check in &table.checks {
        found.add((CONSTRAINT, check.oid, 0), (CLASS, table.oid, 0), 'a');
    }
}

fn of_indexes(table: &TableDef, found: &mut Found) {
    for key in &table.keys {
        let object = (CLASS, key.oid, 0);
        match key.index_only {
            true => {
                let columns = [key.columns.as_slice(), &key.include].concat();
                found.on_columns(object, table.oid, &columns, 'a');
            }
            false => found.add(object, (CONSTRAINT, key.oid, 0), 'i'),
        }
    }
    for index in &table.indexes {
        let columns = index.columns.iter().filter_map(|column| column.column);
        let columns: Vec<ColumnId> = columns.chain(index.include.iter().copied()).collect();
        found.on_columns((CLASS, index.oid, 0), table.oid, &columns, 'a');
    }
}

fn of_function(function: &FunctionDef, found: &mut Found) {
    let object = (PROC, function.oid, 0);
    found.add(object, (NAMESPACE, function.schema, 0), 'n');
    for ty in function.types().filter(|ty| pg_type::namespace(&ty.pg_type()) != 11) {
        found.add(object, (TYPE, ty.oid, 0), 'n');
    }
    if let ReturnsDef::RowOf(relation) = function.returns {
        found.add(object, (CLASS, relation, 0), 'n');
    }
}

fn of_view(facts: &Facts, view: &ViewDef, found: &mut Found) {
    let rule = (REWRITE, pg_rewrite::rule(view), 0);
    found.add((CLASS, view.oid, 0), (NAMESPACE, view.schema, 0), 'n');
    found.add(rule, (CLASS, view.oid, 0), 'i');
    found.add(rule, (CLASS, view.oid, 0), 'n');
    for relation in &view.depends_on {
        let function = facts.catalog().functions.contains_key(relation);
        let class = if function { PROC } else { CLASS };
        found.add(rule, (class, *relation, 0), 'n');
    }
}

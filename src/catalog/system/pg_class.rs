//! `pg_class`: tables, keys' indexes, views, sequences, and the system's own relations.

use std::collections::BTreeSet;

use crate::base::Oid;

use super::cell::{Cell, NULL, array, row};
use super::definition::{Definition, Row};
use super::facts::{Facts, SUPERUSER};
use super::pg_am::{self, BTREE, HEAP};

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 1259,
    schema: super::PG_CATALOG,
    name: "pg_class",
    columns: "oid oid, relname name, relnamespace oid, reltype oid, reloftype oid, relowner oid, \
              relam oid, relfilenode oid, reltablespace oid, relpages int4, reltuples float4, \
              relallvisible int4, reltoastrelid oid, relhasindex bool, relisshared bool, \
              relpersistence \"char\", relkind \"char\", relnatts int2, relchecks int2, \
              relhasrules bool, relhastriggers bool, relhassubclass bool, relrowsecurity bool, \
              relforcerowsecurity bool, relispopulated bool, relreplident \"char\", \
              relispartition bool, relrewrite oid, relfrozenxid xid, relminmxid xid, \
              relacl _aclitem, reloptions _text, relpartbound pg_node_tree",
    rows,
}];

/// What differs from one relation to the other.
#[derive(Clone)]
struct Relation<'a> {
    oid: Oid,
    acl: Cell,
    name: &'a str,
    schema: u32,
    owner: Oid,
    kind: char,
    /// 't' for what is temporary.
    persistence: char,
    /// Whether it can be read.
    populated: bool,
    /// The oid of the access method.
    method: u32,
    columns: usize,
    rows: u64,
    checks: usize,
    indexed: bool,
    /// A foreign key begins or ends here: PostgreSQL has triggers for it, and psql shows foreign
    /// keys of tables with triggers only.
    foreign: bool,
    /// Row-level security is enabled, and forced.
    row_security: (bool, bool),
    /// `WITH (..)`: `{m=16,ef_construction=64}`.
    options: Cell,
}

/// What an oid has in common with that of its rows' type: no oid is so large.
const ROW_TYPE: u32 = 1 << 31;

impl Relation<'_> {
    fn row(&self) -> Row {
        let tuples: Cell = Some(self.rows.to_string());
        // Nothing is of a row's type, and it has no row of its own in pg_type.
        let has_rows = matches!(self.kind, 'r' | 'v' | 'm');
        let row_type = if has_rows { self.oid.0 | ROW_TYPE } else { 0 };
        row![
            self.oid,
            self.name,
            self.schema,
            row_type,
            0,
            self.owner,
            self.method,
            self.oid,
            0,
            i32::try_from(self.rows / 100).unwrap_or(i32::MAX),
            tuples,
            0,
            0,
            self.indexed,
            false,
            self.persistence,
            self.kind,
            self.columns,
            self.checks,
            self.kind == 'v',
            self.foreign,
            false,
            self.row_security.0,
            self.row_security.1,
            self.populated,
            if matches!(self.kind, 'r' | 'm') { 'd' } else { 'n' },
            false,
            0,
            0,
            0,
            self.acl.clone(),
            self.options.clone(),
            NULL,
        ]
    }
}

fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    let foreign_keys =
        facts.tables().into_iter().flat_map(|table| table.definition.foreign_keys.clone());
    let referenced: BTreeSet<Oid> = foreign_keys.map(|foreign| foreign.table).collect();
    let persistence = |schema: Oid| {
        let schema = facts.catalog().schemas.get(&schema);
        if schema.is_some_and(|schema| schema.temporary.is_some()) { 't' } else { 'p' }
    };
    for table in facts.tables() {
        let definition = &table.definition;
        let relation = Relation {
            oid: definition.oid,
            acl: facts.acl(definition.oid),
            name: &definition.name,
            schema: definition.schema.0,
            owner: definition.owner,
            persistence: persistence(definition.schema),
            kind: if definition.materialized.is_some() { 'm' } else { 'r' },
            populated: definition.materialized.as_ref().is_none_or(|view| view.populated),
            method: HEAP,
            columns: definition.columns.len(),
            rows: table.version.row_count(),
            checks: definition.checks.len(),
            indexed: definition.index_names().next().is_some(),
            row_security: (definition.row_security, definition.force_row_security),
            foreign: !definition.foreign_keys.is_empty() || referenced.contains(&definition.oid),
            options: NULL,
        };
        rows.push(relation.row());
        let plain_index = || Relation {
            acl: NULL,
            populated: true,
            checks: 0,
            indexed: false,
            foreign: false,
            ..relation.clone()
        };
        for key in &definition.keys {
            let (oid, name, columns) = (key.oid, &*key.name, key.columns.len());
            let index = Relation { oid, name, kind: 'i', method: BTREE, columns, ..plain_index() };
            rows.push(index.row());
        }
        for index in &definition.indexes {
            let (oid, name, columns) = (index.oid, &*index.name, index.columns.len());
            let method = pg_am::method(&index.method);
            let options = index.options.iter().map(|(name, value)| format!("{name}={value}"));
            let options = (!index.options.is_empty()).then(|| array(options));
            let plain = plain_index();
            let index = Relation { oid, name, kind: 'i', method, columns, options, ..plain };
            rows.push(index.row());
        }
    }
    let plain = |oid, name, schema: Oid, owner, kind, columns| {
        let relation = Relation {
            oid,
            acl: facts.acl(oid),
            name,
            schema: schema.0,
            owner,
            kind,
            persistence: persistence(schema),
            populated: true,
            method: 0,
            columns,
            rows: 0,
            checks: 0,
            indexed: false,
            foreign: false,
            row_security: (false, false),
            options: NULL,
        };
        relation.row()
    };
    for view in facts.views() {
        rows.push(plain(view.oid, &view.name, view.schema, view.owner, 'v', view.columns.len()));
    }
    for sequence in facts.sequences() {
        rows.push(plain(sequence.oid, &sequence.name, sequence.schema, sequence.owner, 'S', 3));
    }
    for system in super::definitions() {
        let (schema, kind) = namespace(system);
        let columns = system.columns().len();
        rows.push(plain(Oid(system.oid), system.name, Oid(schema), SUPERUSER, kind, columns));
    }
    rows
}

/// The oid of a system relation's schema, and what the relation passes for.
fn namespace(system: &Definition) -> (u32, char) {
    if system.schema == super::INFORMATION_SCHEMA { (13_000, 'v') } else { (11, 'r') }
}

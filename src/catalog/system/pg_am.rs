//! `pg_am`: access methods that clients know from PostgreSQL.

use super::cell::row;
use super::definition::{Definition, Row};
use super::facts::Facts;
use super::pg_proc;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 2601,
    schema: super::PG_CATALOG,
    name: "pg_am",
    columns: "oid oid, amname name, amhandler regproc, amtype \"char\"",
    rows,
}];

/// The access method that tables show.
pub(super) const HEAP: u32 = 2;
/// The access method that keys' indexes show.
pub(super) const BTREE: u32 = 403;

/// Access methods of indexes: PostgreSQL's, pgvector's, and our own.
const INDEX_METHODS: &[(u32, &str)] = &[
    (BTREE, "btree"),
    (405, "hash"),
    (783, "gist"),
    (2742, "gin"),
    (3580, "brin"),
    (4000, "spgist"),
    (12_801, "ivfflat"),
    (12_802, "hnsw"),
    (12_803, "redkite"),
];

/// The oid of an index's access method.
pub(super) fn method(name: &str) -> u32 {
    let known = INDEX_METHODS.iter().find(|(_, known)| *known == name);
    known.map_or(BTREE, |(oid, _)| *oid)
}

/// The name of an access method; empty for none.
pub(super) fn name(oid: u32) -> &'static str {
    let known = INDEX_METHODS.iter().find(|(known, _)| *known == oid);
    known.map_or(if oid == HEAP { "heap" } else { "" }, |(_, name)| name)
}

/// The function that PostgreSQL would ask what a method can do.
fn handler(name: &str) -> u32 {
    let name = match name {
        "btree" => "bthandler".to_owned(),
        "spgist" => "spghandler".to_owned(),
        other => format!("{other}handler"),
    };
    pg_proc::by_name(&name).unwrap_or_default()
}

fn rows(_: &Facts) -> Vec<Row> {
    let indexes = INDEX_METHODS.iter().map(|(oid, name)| row![*oid, *name, handler(name), 'i']);
    std::iter::once(row![HEAP, "heap", 0, 't']).chain(indexes).collect()
}

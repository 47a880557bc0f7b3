//! `pg_tablespace`: the two that PostgreSQL always has. Where data lie is the node's to say.

use super::cell::{NULL, row};
use super::definition::{Definition, Row};
use super::facts::{Facts, SUPERUSER};

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 1213,
    schema: super::PG_CATALOG,
    name: "pg_tablespace",
    columns: "oid oid, spcname name, spcowner oid, spcacl _aclitem, spcoptions _text",
    rows,
}];

fn rows(_: &Facts) -> Vec<Row> {
    [(1663, "pg_default"), (1664, "pg_global")]
        .map(|(oid, name)| row![oid, name, SUPERUSER, NULL, NULL])
        .to_vec()
}

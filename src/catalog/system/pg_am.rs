//! `pg_am`: access methods that clients know from PostgreSQL.

use super::cell::row;
use super::definition::{Definition, Row};
use super::facts::Facts;

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

fn rows(_: &Facts) -> Vec<Row> {
    vec![row![HEAP, "heap", 0, 't'], row![BTREE, "btree", 0, 'i']]
}

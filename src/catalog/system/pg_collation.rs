//! `pg_collation`: text is compared byte by byte.

use super::cell::{NULL, row};
use super::definition::{Definition, Row};
use super::facts::{Facts, SUPERUSER};

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 3456,
    schema: super::PG_CATALOG,
    name: "pg_collation",
    columns: "oid oid, collname name, collnamespace oid, collowner oid, collprovider \"char\", \
              collisdeterministic bool, collencoding int4, collcollate text, collctype text, \
              colllocale text, colliculocale text, collicurules text, collversion text",
    rows,
}];

fn rows(_: &Facts) -> Vec<Row> {
    let collation = |oid: u32, name: &str, provider: char, locale: Option<&str>| {
        row![oid, name, 11, SUPERUSER, provider, true, -1, locale, locale, NULL, NULL, NULL, NULL]
    };
    vec![
        collation(100, "default", 'd', None),
        collation(950, "C", 'c', Some("C")),
        collation(951, "POSIX", 'c', Some("POSIX")),
        collation(962, "ucs_basic", 'b', Some("C")),
    ]
}

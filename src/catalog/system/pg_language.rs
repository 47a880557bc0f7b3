//! `pg_language`: what functions are written in. None can be made, but those that are there say so.

use super::cell::{NULL, row};
use super::definition::{Definition, Row};
use super::facts::{Facts, SUPERUSER};

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 2612,
    schema: super::PG_CATALOG,
    name: "pg_language",
    columns: "oid oid, lanname name, lanowner oid, lanispl bool, lanpltrusted bool, \
              lanplcallfoid oid, laninline oid, lanvalidator oid, lanacl _aclitem",
    rows,
}];

fn rows(_: &Facts) -> Vec<Row> {
    let language = |oid: u32, name: &str, trusted: bool| {
        row![oid, name, SUPERUSER, false, trusted, 0, 0, 0, NULL]
    };
    vec![
        language(12, "internal", false),
        language(13, "c", false),
        language(14, "sql", true),
        // For DO alone.
        language(13_900, "plpgsql", true),
    ]
}

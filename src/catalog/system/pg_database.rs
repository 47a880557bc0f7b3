//! `pg_database`: the one database.

use super::cell::{NULL, row};
use super::definition::{Definition, Row};
use super::facts::Facts;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 1262,
    schema: super::PG_CATALOG,
    name: "pg_database",
    columns: "oid oid, datname name, datdba oid, encoding int4, datlocprovider \"char\", \
              datistemplate bool, datallowconn bool, dathasloginevt bool, datconnlimit int4, \
              datfrozenxid xid, datminmxid xid, dattablespace oid, datcollate text, \
              datctype text, datlocale text, daticulocale text, daticurules text, \
              datcollversion text, datacl _aclitem",
    rows,
}];

/// UTF8 in PostgreSQL's numbering.
const UTF8: i32 = 6;

fn rows(facts: &Facts) -> Vec<Row> {
    let database = facts.catalog().database.as_ref();
    let row = database.map(|database| {
        row![
            database.oid,
            &database.name,
            database.owner,
            UTF8,
            'c',
            false,
            true,
            false,
            -1,
            0,
            0,
            1663,
            "C",
            "C",
            NULL,
            NULL,
            NULL,
            NULL,
            facts.acl(database.oid),
        ]
    });
    row.into_iter().collect()
}

//! `pg_cast`: the casts between types.

use super::definition::Definition;
use super::listed;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 2605,
    schema: super::PG_CATALOG,
    name: "pg_cast",
    columns: "oid oid, castsource oid, casttarget oid, castfunc oid, castcontext \"char\", \
              castmethod \"char\"",
    rows: |_| listed::rows(include_str!("data/pg_cast.tsv")),
}];

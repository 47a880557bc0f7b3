//! `pg_operator`: the operators, PostgreSQL's and pgvector's.

use super::definition::Definition;
use super::listed;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 2617,
    schema: super::PG_CATALOG,
    name: "pg_operator",
    columns: "oid oid, oprname name, oprnamespace oid, oprowner oid, oprkind \"char\", \
              oprcanmerge bool, oprcanhash bool, oprleft oid, oprright oid, oprresult oid, \
              oprcom oid, oprnegate oid, oprcode regproc, oprrest regproc, oprjoin regproc",
    rows: |_| listed::rows(include_str!("data/pg_operator.tsv")),
}];

//! `pg_aggregate`: which functions are aggregates.

use super::definition::Definition;
use super::listed;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 2600,
    schema: super::PG_CATALOG,
    name: "pg_aggregate",
    columns: "aggfnoid regproc, aggkind \"char\", aggnumdirectargs int2, aggtranstype oid",
    rows: |_| listed::rows(include_str!("data/pg_aggregate.tsv")),
}];

//! `pg_operator`: the operators, PostgreSQL's and pgvector's.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::definition::Definition;
use super::listed;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 2617,
    schema: super::PG_CATALOG,
    name: "pg_operator",
    columns: "oid oid, oprname name, oprnamespace oid, oprowner oid, oprkind \"char\", \
              oprcanmerge bool, oprcanhash bool, oprleft oid, oprright oid, oprresult oid, \
              oprcom oid, oprnegate oid, oprcode regproc, oprrest regproc, oprjoin regproc",
    rows: |_| listed::rows(FILE),
}];

const FILE: &str = include_str!("data/pg_operator.tsv");

/// What is looked up of an operator without reading all of them.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) oid: u32,
    pub(super) name: &'static str,
    /// The left operand's type; 0 where there is none.
    pub(super) left: u32,
    /// The right operand's type.
    pub(super) right: u32,
}

/// The operators by oid.
static BY_OID: LazyLock<HashMap<u32, Listed>> = LazyLock::new(|| {
    let listed = |line: &'static str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let number = |at: usize| cells.get(at)?.parse::<u32>().ok();
        let name = cells.get(1).copied()?;
        Some(Listed { oid: number(0)?, name, left: number(7)?, right: number(8)? })
    };
    FILE.lines().filter_map(listed).map(|operator| (operator.oid, operator)).collect()
});

/// The operator of an oid.
pub(super) fn by_oid(oid: u32) -> Option<&'static Listed> {
    BY_OID.get(&oid)
}

/// The operators of a name.
pub(super) fn named(name: &str) -> impl Iterator<Item = &'static Listed> {
    BY_OID.values().filter(move |operator| operator.name == name)
}

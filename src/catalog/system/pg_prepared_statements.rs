//! `pg_prepared_statements`: what PREPARE and clients have prepared in the session. How often it ran is
//! not counted here: `pg_stat_statements` does.

use super::cell::{NULL, array, row};
use super::definition::{Definition, Row};
use super::facts::Facts;
use super::pg_stat_activity::moment;
use crate::types::PgType;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: super::PG_PREPARED_STATEMENTS.0,
    schema: super::PG_CATALOG,
    name: "pg_prepared_statements",
    columns: "name text, statement text, prepare_time timestamptz, parameter_types _regtype, \
              result_types _regtype, from_sql bool, generic_plans int8, custom_plans int8",
    rows,
}];

/// A prepared statement.
#[derive(Clone, Debug)]
pub struct PreparedRow {
    /// Its name.
    pub name: String,
    /// Its text; PREPARE's own where that made it.
    pub statement: String,
    /// When it was prepared, in microseconds since the Unix epoch.
    pub since_us: i64,
    /// The types of its parameters.
    pub parameters: Vec<PgType>,
    /// The types of its columns, where it has rows.
    pub results: Option<Vec<PgType>>,
    /// Whether PREPARE made it.
    pub from_sql: bool,
}

fn rows(facts: &Facts) -> Vec<Row> {
    let types = |of: &[PgType]| array(of.iter().map(|ty| ty.oid()));
    let row = |of: &PreparedRow| {
        row![
            &of.name,
            &of.statement,
            moment(of.since_us),
            types(&of.parameters),
            of.results.as_deref().map(types),
            of.from_sql,
            NULL,
            NULL,
        ]
    };
    facts.session().prepared_statements().iter().map(row).collect()
}

//! `pg_cursors`: the session's own cursors.

use super::cell::row;
use super::definition::{Definition, Row};
use super::facts::Facts;
use super::pg_stat_activity::moment;

/// A cursor as `pg_cursors` shows it.
#[derive(Clone, Debug)]
pub struct CursorRow {
    /// Its name
    pub name: String,
    /// The statement that declared it
    pub statement: String,
    /// `WITH HOLD`
    pub hold: bool,
    /// `BINARY`
    pub binary: bool,
    /// Whether it goes back
    pub scrolls: bool,
    /// When it was declared
    pub created_us: i64,
}

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 12_093,
    schema: super::PG_CATALOG,
    name: "pg_cursors",
    columns: "name text, statement text, is_holdable bool, is_binary bool, is_scrollable bool, \
              creation_time timestamptz",
    rows,
}];

fn rows(facts: &Facts) -> Vec<Row> {
    let row = |cursor: CursorRow| {
        row![
            cursor.name,
            cursor.statement,
            cursor.hold,
            cursor.binary,
            cursor.scrolls,
            moment(cursor.created_us),
        ]
    };
    facts.session().cursors().into_iter().map(row).collect()
}

//! `pg_stat_progress_create_index`: the vector indexes that this node builds now (PostgreSQL, chapter
//! 27.4). Behind PostgreSQL's columns stand the bytes that were built and an estimate of the time left.

use super::cell::row;
use super::definition::{Definition, Row};
use super::facts::Facts;
use crate::base::Oid;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 12_821,
    schema: super::PG_CATALOG,
    name: "pg_stat_progress_create_index",
    columns: "pid int4, datid oid, datname name, relid oid, index_relid oid, command text, \
              phase text, lockers_total int8, lockers_done int8, current_locker_pid int8, \
              blocks_total int8, blocks_done int8, tuples_total int8, tuples_done int8, \
              partitions_total int8, partitions_done int8, bytes_done int8, seconds_left float8",
    rows,
}];

/// How far the build of an index is.
#[derive(Debug, Clone)]
pub struct IndexProgress {
    /// The table.
    pub table: Oid,
    /// The index.
    pub index: Oid,
    /// What the build does now.
    pub phase: &'static str,
    /// Segments that it is about, and those that are indexed.
    pub segments: (u64, u64),
    /// Rows that it is about, and those that are indexed.
    pub rows: (u64, u64),
    /// Bytes of what was built.
    pub bytes: u64,
    /// How long it has been running.
    pub seconds: f64,
}

impl IndexProgress {
    /// The time left if the rest goes on as the rows so far; none before there were some.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn seconds_left(&self) -> Option<String> {
        let (total, done) = self.rows;
        let left = total.saturating_sub(done) as f64;
        (done > 0).then(|| format!("{:.1}", self.seconds / done as f64 * left))
    }
}

fn rows(facts: &Facts) -> Vec<Row> {
    let row = |build: IndexProgress| {
        row![
            0,
            1,
            facts.database(),
            build.table,
            build.index,
            "CREATE INDEX",
            build.phase,
            0,
            0,
            0,
            build.segments.0.to_string(),
            build.segments.1.to_string(),
            build.rows.0.to_string(),
            build.rows.1.to_string(),
            0,
            0,
            build.bytes.to_string(),
            build.seconds_left(),
        ]
    };
    facts.session().index_builds().into_iter().map(row).collect()
}

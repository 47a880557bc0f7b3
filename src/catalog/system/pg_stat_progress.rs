//! `pg_stat_progress_create_index`: the vector indexes that this node builds now, and
//! `pg_stat_progress_copy`: what connections of all nodes copy (PostgreSQL, chapter 27.4). Behind
//! PostgreSQL's columns of the first stand the bytes that were built and an estimate of the time left.

use serde::{Deserialize, Serialize};

use super::cell::{Cell, NULL, row};
use super::definition::{Definition, Row};
use super::facts::Facts;
use crate::base::Oid;
use crate::catalog::access::READ_ALL_STATS;

pub(super) const RELATIONS: &[Definition] = &[
    Definition {
        oid: 12_821,
        schema: super::PG_CATALOG,
        name: "pg_stat_progress_create_index",
        columns: "pid int4, datid oid, datname name, relid oid, index_relid oid, command text, \
                  phase text, lockers_total int8, lockers_done int8, current_locker_pid int8, \
                  blocks_total int8, blocks_done int8, tuples_total int8, tuples_done int8, \
                  partitions_total int8, partitions_done int8, bytes_done int8, seconds_left float8",
        rows: index_rows,
    },
    Definition {
        oid: super::PG_STAT_PROGRESS_COPY.0,
        schema: super::PG_CATALOG,
        name: "pg_stat_progress_copy",
        columns: "pid int4, datid oid, datname name, relid oid, command text, type text, \
                  bytes_processed int8, bytes_total int8, tuples_processed int8, \
                  tuples_excluded int8, tuples_skipped int8",
        rows: copy_rows,
    },
];

/// How far a COPY is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CopyRow {
    /// The table; zero for a query.
    pub table: Oid,
    /// Into the table.
    pub from: bool,
    /// `FILE` or `PIPE`.
    pub kind: String,
    /// Bytes that are done, and all of them; zero where that is not known.
    pub bytes: (u64, u64),
    /// Rows that are done.
    pub rows: u64,
    /// Rows that WHERE left out.
    pub excluded: u64,
    /// Rows that ON_ERROR left out.
    pub skipped: u64,
}

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

fn index_rows(facts: &Facts) -> Vec<Row> {
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

fn copy_rows(facts: &Facts) -> Vec<Row> {
    let access = facts.access();
    let database = facts.catalog().database.as_ref();
    let database = database.map_or(Oid(0), |database| database.oid);
    let mut rows = Vec::new();
    for of in facts.session().activities() {
        let Some(copy) = of.copy else { continue };
        // What others do is theirs to show.
        let seen = access.has_role(of.user) || access.has_role(READ_ALL_STATS);
        let shown = |text: String| -> Cell { if seen { Some(text) } else { NULL } };
        rows.push(row![
            of.pid,
            database,
            facts.database(),
            shown(copy.table.to_string()),
            shown(if copy.from { "COPY FROM" } else { "COPY TO" }.to_owned()),
            shown(copy.kind),
            shown(copy.bytes.0.to_string()),
            shown(copy.bytes.1.to_string()),
            shown(copy.rows.to_string()),
            shown(copy.excluded.to_string()),
            shown(copy.skipped.to_string()),
        ]);
    }
    rows
}

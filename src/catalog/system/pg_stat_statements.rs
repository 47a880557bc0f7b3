//! `pg_stat_statements`: how often statements ran on this node, and for how long. The columns are
//! those of its version 1.11; what is not counted here is zero.

use super::cell::{NULL, row};
use super::definition::{Definition, Row};
use super::facts::Facts;
use super::pg_stat_activity::moment;
use crate::base::Oid;
use crate::catalog::access::READ_ALL_STATS;

pub(super) const RELATIONS: &[Definition] = &[
    Definition {
        oid: 12_040,
        schema: super::PG_CATALOG,
        name: "pg_stat_statements",
        columns: "userid oid, dbid oid, toplevel bool, queryid int8, query text, plans int8, \
                  total_plan_time float8, min_plan_time float8, max_plan_time float8, \
                  mean_plan_time float8, stddev_plan_time float8, calls int8, \
                  total_exec_time float8, min_exec_time float8, max_exec_time float8, \
                  mean_exec_time float8, stddev_exec_time float8, rows int8, \
                  shared_blks_hit int8, shared_blks_read int8, shared_blks_dirtied int8, \
                  shared_blks_written int8, local_blks_hit int8, local_blks_read int8, \
                  local_blks_dirtied int8, local_blks_written int8, temp_blks_read int8, \
                  temp_blks_written int8, shared_blk_read_time float8, \
                  shared_blk_write_time float8, local_blk_read_time float8, \
                  local_blk_write_time float8, temp_blk_read_time float8, \
                  temp_blk_write_time float8, wal_records int8, wal_fpi int8, wal_bytes numeric, \
                  jit_functions int8, jit_generation_time float8, jit_inlining_count int8, \
                  jit_inlining_time float8, jit_optimization_count int8, \
                  jit_optimization_time float8, jit_emission_count int8, \
                  jit_emission_time float8, jit_deform_count int8, jit_deform_time float8, \
                  stats_since timestamptz, minmax_stats_since timestamptz",
        rows,
    },
    Definition {
        oid: 12_041,
        schema: super::PG_CATALOG,
        name: "pg_stat_statements_info",
        columns: "dealloc int8, stats_reset timestamptz",
        rows: info,
    },
];

/// How a statement ran.
#[derive(Clone, Debug)]
pub struct StatementRow {
    /// Who ran it.
    pub user: Oid,
    /// What stands for its text.
    pub id: i64,
    /// Its text, with parameters in the place of constants.
    pub query: String,
    /// How often it ran.
    pub calls: u32,
    /// How many rows it returned or changed.
    pub rows: u64,
    /// How long it ran in all, in milliseconds.
    pub total_ms: f64,
    /// The fastest run.
    pub min_ms: f64,
    /// The slowest one.
    pub max_ms: f64,
    /// The mean.
    pub mean_ms: f64,
    /// The standard deviation.
    pub deviation_ms: f64,
    /// Since when it is counted, in microseconds since the Unix epoch.
    pub since_us: i64,
}

fn rows(facts: &Facts) -> Vec<Row> {
    let access = facts.access();
    let database = facts.catalog().database.as_ref();
    let database = database.map_or(Oid(0), |database| database.oid);
    let row = |of: StatementRow| {
        let seen = access.has_role(of.user) || access.has_role(READ_ALL_STATS);
        let query = if seen { of.query } else { "<insufficient privilege>".to_owned() };
        let mut row = row![of.user, database, true, seen.then_some(of.id), query];
        row.extend(zeros(6));
        let times = [of.total_ms, of.min_ms, of.max_ms, of.mean_ms, of.deviation_ms];
        row.push(Some(of.calls.to_string()));
        row.extend(times.map(|ms| Some(ms.to_string())));
        row.push(Some(of.rows.to_string()));
        row.extend(zeros(29));
        row.extend([moment(of.since_us), moment(of.since_us)]);
        row
    };
    facts.session().statements().into_iter().map(row).collect()
}

fn zeros(count: usize) -> impl Iterator<Item = super::cell::Cell> {
    std::iter::repeat_n(Some("0".to_owned()), count)
}

fn info(_: &Facts) -> Vec<Row> {
    vec![row![0, NULL]]
}

//! `pg_stat_*_tables` and `_indexes`, `pg_statio_*` and `pg_stat_database`: rows there are now. How often
//! they were read or written is counted by nobody, and said to be 0.

use super::PG_CATALOG;
use super::cell::{Cell, NULL, row};
use super::definition::{Definition, Row};
use super::facts::Facts;
use crate::base::Oid;

const TABLES: &str = "relid oid, schemaname name, relname name, seq_scan int8, \
                      last_seq_scan timestamptz, seq_tup_read int8, idx_scan int8, \
                      last_idx_scan timestamptz, idx_tup_fetch int8, n_tup_ins int8, \
                      n_tup_upd int8, n_tup_del int8, n_tup_hot_upd int8, \
                      n_tup_newpage_upd int8, n_live_tup int8, n_dead_tup int8, \
                      n_mod_since_analyze int8, n_ins_since_vacuum int8, \
                      last_vacuum timestamptz, last_autovacuum timestamptz, \
                      last_analyze timestamptz, last_autoanalyze timestamptz, \
                      vacuum_count int8, autovacuum_count int8, analyze_count int8, \
                      autoanalyze_count int8";
const INDEXES: &str = "relid oid, indexrelid oid, schemaname name, relname name, \
                       indexrelname name, idx_scan int8, last_idx_scan timestamptz, \
                       idx_tup_read int8, idx_tup_fetch int8";
const TABLE_READS: &str = "relid oid, schemaname name, relname name, heap_blks_read int8, \
                           heap_blks_hit int8, idx_blks_read int8, idx_blks_hit int8, \
                           toast_blks_read int8, toast_blks_hit int8, tidx_blks_read int8, \
                           tidx_blks_hit int8";
const INDEX_READS: &str = "relid oid, indexrelid oid, schemaname name, relname name, \
                           indexrelname name, idx_blks_read int8, idx_blks_hit int8";
const SEQUENCE_READS: &str =
    "relid oid, schemaname name, relname name, blks_read int8, blks_hit int8";

const fn view(
    oid: u32,
    name: &'static str,
    columns: &'static str,
    rows: fn(&Facts) -> Vec<Row>,
) -> Definition {
    Definition { oid, schema: PG_CATALOG, name, columns, rows }
}

pub(super) const RELATIONS: &[Definition] = &[
    view(12_070, "pg_stat_all_tables", TABLES, tables),
    view(12_071, "pg_stat_user_tables", TABLES, tables),
    view(12_072, "pg_stat_sys_tables", TABLES, super::definition::none),
    view(12_073, "pg_stat_all_indexes", INDEXES, indexes),
    view(12_074, "pg_stat_user_indexes", INDEXES, indexes),
    view(12_075, "pg_stat_sys_indexes", INDEXES, super::definition::none),
    view(12_076, "pg_statio_all_tables", TABLE_READS, table_reads),
    view(12_077, "pg_statio_user_tables", TABLE_READS, table_reads),
    view(12_078, "pg_statio_sys_tables", TABLE_READS, super::definition::none),
    view(12_079, "pg_statio_all_indexes", INDEX_READS, index_reads),
    view(12_080, "pg_statio_user_indexes", INDEX_READS, index_reads),
    view(12_081, "pg_statio_sys_indexes", INDEX_READS, super::definition::none),
    view(12_082, "pg_statio_all_sequences", SEQUENCE_READS, sequence_reads),
    view(12_083, "pg_statio_user_sequences", SEQUENCE_READS, sequence_reads),
    view(12_084, "pg_statio_sys_sequences", SEQUENCE_READS, super::definition::none),
    view(
        12_085,
        "pg_stat_database",
        "datid oid, datname name, numbackends int4, xact_commit int8, xact_rollback int8, \
         blks_read int8, blks_hit int8, tup_returned int8, tup_fetched int8, tup_inserted int8, \
         tup_updated int8, tup_deleted int8, conflicts int8, temp_files int8, temp_bytes int8, \
         deadlocks int8, checksum_failures int8, checksum_last_failure timestamptz, \
         blk_read_time float8, blk_write_time float8, session_time float8, active_time float8, \
         idle_in_transaction_time float8, sessions int8, sessions_abandoned int8, \
         sessions_fatal int8, sessions_killed int8, stats_reset timestamptz",
        database,
    ),
];

/// A row that ends in so many zeros.
fn with_zeros(mut row: Row, zeros: usize) -> Row {
    row.extend(std::iter::repeat_n(Some("0".to_owned()), zeros));
    row
}

fn tables(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in facts.tables() {
        let definition = &table.definition;
        let schema = facts.catalog().schema_name(definition.schema);
        let live: Cell = Some(table.version.row_count().to_string());
        let (never, no) = (NULL, 0);
        let mut row = row![definition.oid, schema, &definition.name, no, never, no, no, NULL];
        row = with_zeros(row, 6);
        row.push(live);
        row = with_zeros(row, 3);
        row.extend([NULL, NULL, NULL, NULL]);
        rows.push(with_zeros(row, 4));
    }
    rows
}

/// A table's and an index's oids and names, for each index.
fn named_indexes(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in facts.tables() {
        let definition = &table.definition;
        let schema = facts.catalog().schema_name(definition.schema);
        for (oid, name) in definition.index_names() {
            rows.push(row![definition.oid, oid, schema, &definition.name, name]);
        }
    }
    rows
}

fn indexes(facts: &Facts) -> Vec<Row> {
    let rest = |mut row: Row| {
        row = with_zeros(row, 1);
        row.push(NULL);
        with_zeros(row, 2)
    };
    named_indexes(facts).into_iter().map(rest).collect()
}

fn index_reads(facts: &Facts) -> Vec<Row> {
    named_indexes(facts).into_iter().map(|row| with_zeros(row, 2)).collect()
}

fn named(facts: &Facts, oid: Oid, schema: Oid, name: &str) -> Row {
    row![oid, facts.catalog().schema_name(schema), name]
}

fn table_reads(facts: &Facts) -> Vec<Row> {
    let row = |table: &crate::catalog::Table| {
        let definition = &table.definition;
        with_zeros(named(facts, definition.oid, definition.schema, &definition.name), 8)
    };
    facts.tables().into_iter().map(row).collect()
}

fn sequence_reads(facts: &Facts) -> Vec<Row> {
    let row = |sequence: &crate::catalog::SequenceDef| {
        with_zeros(named(facts, sequence.oid, sequence.schema, &sequence.name), 2)
    };
    facts.sequences().into_iter().map(row).collect()
}

fn database(facts: &Facts) -> Vec<Row> {
    let connections = facts.session().activities().len();
    let row = |database: &crate::catalog::DatabaseDef| {
        let mut row = with_zeros(row![database.oid, &database.name, connections], 13);
        row.extend([Some("0".to_owned()), NULL]);
        row = with_zeros(row, 9);
        row.push(NULL);
        row
    };
    facts.catalog().database.as_deref().map(row).into_iter().collect()
}

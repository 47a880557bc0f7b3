//! Relations without rows about activities that there are not: replication, vacuum, conflicts.

use super::definition::Definition;
use super::empty::empty;

pub(super) const RELATIONS: &[Definition] = &[
    empty(6_000, "pg_replication_origin", "roident oid, roname text"),
    empty(
        12_293,
        "pg_stat_bgwriter",
        "buffers_clean int8, maxwritten_clean int8, buffers_alloc int8, stats_reset timestamptz",
    ),
    empty(
        12_305,
        "pg_stat_wal",
        "wal_records int8, wal_fpi int8, wal_bytes numeric, wal_buffers_full int8, stats_reset \
         timestamptz",
    ),
    empty(
        12_107,
        "pg_replication_origin_status",
        "local_id oid, external_id text, remote_lsn text, local_lsn text",
    ),
    empty(
        12_108,
        "pg_replication_slots",
        "slot_name name, plugin name, slot_type text, datoid oid, database name, temporary \
         bool, active bool, active_pid int4, xmin xid, catalog_xmin xid, restart_lsn text, \
         confirmed_flush_lsn text, wal_status text, safe_wal_size int8, two_phase bool, \
         two_phase_at text, inactive_since timestamptz, conflicting bool, invalidation_reason \
         text, failover bool, synced bool",
    ),
    empty(
        12_109,
        "pg_stat_replication",
        "pid int4, usesysid oid, usename name, application_name text, client_addr text, \
         client_hostname text, client_port int4, backend_start timestamptz, backend_xmin xid, \
         state text, sent_lsn text, write_lsn text, flush_lsn text, replay_lsn text, \
         write_lag interval, flush_lag interval, replay_lag interval, sync_priority int4, \
         sync_state text, reply_time timestamptz",
    ),
    empty(
        12_110,
        "pg_stat_replication_slots",
        "slot_name text, spill_txns int8, spill_count int8, spill_bytes int8, stream_txns \
         int8, stream_count int8, stream_bytes int8, total_txns int8, total_bytes int8, \
         stats_reset timestamptz",
    ),
    empty(
        12_111,
        "pg_stat_subscription",
        "subid oid, subname name, worker_type text, pid int4, leader_pid int4, relid oid, \
         received_lsn text, last_msg_send_time timestamptz, last_msg_receipt_time \
         timestamptz, latest_end_lsn text, latest_end_time timestamptz",
    ),
    empty(
        12_112,
        "pg_stat_wal_receiver",
        "pid int4, status text, receive_start_lsn text, receive_start_tli int4, written_lsn \
         text, flushed_lsn text, received_tli int4, last_msg_send_time timestamptz, \
         last_msg_receipt_time timestamptz, latest_end_lsn text, latest_end_time timestamptz, \
         slot_name text, sender_host text, sender_port int4, conninfo text",
    ),
    empty(
        12_113,
        "pg_stat_database_conflicts",
        "datid oid, datname name, confl_tablespace int8, confl_lock int8, confl_snapshot \
         int8, confl_bufferpin int8, confl_deadlock int8, confl_active_logicalslot int8",
    ),
    empty(
        12_114,
        "pg_stat_user_functions",
        "funcid oid, schemaname name, funcname name, calls int8, total_time float8, self_time \
         float8",
    ),
    empty(
        12_115,
        "pg_stat_progress_analyze",
        "pid int4, datid oid, datname name, relid oid, phase text, sample_blks_total int8, \
         sample_blks_scanned int8, ext_stats_total int8, ext_stats_computed int8, \
         child_tables_total int8, child_tables_done int8, current_child_table_relid oid, \
         delay_time float8",
    ),
    empty(
        12_116,
        "pg_stat_progress_cluster",
        "pid int4, datid oid, datname name, relid oid, command text, phase text, \
         cluster_index_relid oid, heap_tuples_scanned int8, heap_tuples_written int8, \
         heap_blks_total int8, heap_blks_scanned int8, index_rebuild_count int8",
    ),
    empty(
        12_118,
        "pg_stat_progress_vacuum",
        "pid int4, datid oid, datname name, relid oid, phase text, heap_blks_total int8, \
         heap_blks_scanned int8, heap_blks_vacuumed int8, index_vacuum_count int8, \
         max_dead_tuple_bytes int8, dead_tuple_bytes int8, num_dead_item_ids int8, \
         indexes_total int8, indexes_processed int8, delay_time float8",
    ),
    empty(
        12_119,
        "pg_stat_progress_basebackup",
        "pid int4, phase text, backup_total int8, backup_streamed int8, tablespaces_total \
         int8, tablespaces_streamed int8",
    ),
    empty(
        12_120,
        "pg_stat_gssapi",
        "pid int4, gss_authenticated bool, principal text, encrypted bool, \
         credentials_delegated bool",
    ),
];

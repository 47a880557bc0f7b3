//! The settings that exist, with what PostgreSQL's documentation calls their type and default
//! (chapter 20, "Server Configuration"). Those without an effect here are accepted because
//! drivers and tools set them.

use super::settings::{Kind, Setting};

const BOOL: Kind = Kind::Bool;
const TEXT: Kind = Kind::Text;
const MS: Kind = Kind::Milliseconds;
const KB: Kind = Kind::Kilobytes;

const fn setting(name: &'static str, kind: Kind, default: &'static str) -> Setting {
    Setting { name, kind, default, reported: false, read_only: false }
}

const fn reported(name: &'static str, kind: Kind, default: &'static str) -> Setting {
    Setting { name, kind, default, reported: true, read_only: false }
}

const fn fixed(name: &'static str, default: &'static str) -> Setting {
    Setting { name, kind: TEXT, default, reported: true, read_only: true }
}

const fn hidden(name: &'static str, default: &'static str) -> Setting {
    Setting { name, kind: TEXT, default, reported: false, read_only: true }
}

const CONSISTENCY: Kind = Kind::Consistency;
/// `serializable` is refused, not weakened.
const ISOLATION: Kind = Kind::Enum(&["read committed", "repeatable read", "read uncommitted"]);
const MESSAGES: Kind = Kind::Enum(&[
    "debug5", "debug4", "debug3", "debug2", "debug1", "debug", "log", "notice", "warning", "error",
]);

/// All settings, in the order of their names, by which they are found.
pub(super) static SETTINGS: &[Setting] = &[
    reported("application_name", TEXT, ""),
    setting("array_nulls", BOOL, "on"),
    setting("backslash_quote", TEXT, "safe_encoding"),
    setting("bytea_output", Kind::Enum(&["hex", "escape"]), "hex"),
    setting("check_function_bodies", BOOL, "on"),
    reported("client_encoding", Kind::Encoding, "UTF8"),
    setting("client_min_messages", MESSAGES, "notice"),
    reported("datestyle", Kind::DateStyle, "ISO, MDY"),
    setting("default_table_access_method", TEXT, "heap"),
    setting("default_tablespace", TEXT, ""),
    setting("default_transaction_deferrable", BOOL, "off"),
    setting("default_transaction_isolation", ISOLATION, "read committed"),
    reported("default_transaction_read_only", BOOL, "off"),
    setting("enable_bitmapscan", BOOL, "on"),
    setting("enable_hashagg", BOOL, "on"),
    setting("enable_hashjoin", BOOL, "on"),
    setting("enable_indexonlyscan", BOOL, "on"),
    setting("enable_indexscan", BOOL, "on"),
    setting("enable_material", BOOL, "on"),
    setting("enable_memoize", BOOL, "on"),
    setting("enable_mergejoin", BOOL, "on"),
    setting("enable_nestloop", BOOL, "on"),
    setting("enable_seqscan", BOOL, "on"),
    setting("enable_sort", BOOL, "on"),
    setting("escape_string_warning", BOOL, "on"),
    setting("extra_float_digits", Kind::Integer(-15, 3), "1"),
    setting("hnsw.ef_search", Kind::Integer(1, 1000), "40"),
    setting("hnsw.iterative_scan", Kind::Enum(&["off", "relaxed_order", "strict_order"]), "off"),
    setting("hnsw.max_scan_tuples", Kind::Integer(1, 2_147_483_647), "20000"),
    setting("hnsw.scan_mem_multiplier", Kind::Integer(1, 1000), "1"),
    setting("idle_in_transaction_session_timeout", MS, "0"),
    setting("idle_session_timeout", MS, "0"),
    fixed("in_hot_standby", "off"),
    fixed("integer_datetimes", "on"),
    reported("intervalstyle", Kind::IntervalStyle, "postgres"),
    fixed("is_superuser", "on"),
    setting("ivfflat.iterative_scan", Kind::Enum(&["off", "relaxed_order"]), "off"),
    setting("ivfflat.max_probes", Kind::Integer(1, 32768), "32768"),
    setting("ivfflat.probes", Kind::Integer(1, 32768), "1"),
    setting("jit", BOOL, "off"),
    setting("lc_messages", TEXT, "C"),
    setting("lc_monetary", TEXT, "C"),
    setting("lc_numeric", TEXT, "C"),
    setting("lc_time", TEXT, "C"),
    setting("lock_timeout", MS, "0"),
    setting("log_min_duration_statement", Kind::Integer(-1, 2_147_483_647), "-1"),
    setting("maintenance_work_mem", KB, "524288"),
    hidden("max_identifier_length", "63"),
    hidden("max_index_keys", "32"),
    setting("max_parallel_maintenance_workers", Kind::Integer(0, 1024), "2"),
    setting("max_parallel_workers", Kind::Integer(0, 1024), "8"),
    setting("max_parallel_workers_per_gather", Kind::Integer(0, 1024), "2"),
    setting("password_encryption", Kind::Enum(&["scram-sha-256"]), "scram-sha-256"),
    setting("quote_all_identifiers", BOOL, "off"),
    setting("redkite.consistency", CONSISTENCY, "strong"),
    setting("redkite.read_your_writes", BOOL, "off"),
    setting("redkite.recall_target", Kind::Share, ""),
    setting("role", TEXT, "none"),
    setting("row_security", BOOL, "on"),
    reported("search_path", TEXT, "\"$user\", public"),
    fixed("server_encoding", "UTF8"),
    fixed("server_version", "17.0"),
    hidden("server_version_num", "170000"),
    reported("session_authorization", TEXT, ""),
    reported("standard_conforming_strings", BOOL, "on"),
    setting("statement_timeout", MS, "0"),
    setting("synchronize_seqscans", BOOL, "on"),
    setting("synchronous_commit", TEXT, "on"),
    reported("timezone", Kind::TimeZone, "UTC"),
    setting("transaction_deferrable", BOOL, "off"),
    setting("transaction_isolation", ISOLATION, "read committed"),
    setting("transaction_read_only", BOOL, "off"),
    // None but no limit.
    setting("transaction_timeout", Kind::Integer(0, 0), "0"),
    setting("work_mem", KB, "4096"),
    setting("xmloption", TEXT, "content"),
];

/// How PostgreSQL spells names that are not in lower case.
pub(super) fn display_name(name: &str) -> &str {
    match name {
        "datestyle" => "DateStyle",
        "intervalstyle" => "IntervalStyle",
        "timezone" => "TimeZone",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::SETTINGS;

    #[test]
    fn settings_are_in_the_order_of_their_names() {
        assert!(SETTINGS.is_sorted_by(|a, b| a.name < b.name));
        let lower = |name: &str| !name.bytes().any(|byte| byte.is_ascii_uppercase());
        assert!(SETTINGS.iter().all(|setting| lower(setting.name)));
    }
}

//! The settings that every statement asks for, read once until one of them changes.

use std::str::FromStr;
use std::time::Duration;

use crate::exec::SearchSettings;
use crate::plan::statement::Isolation;
use crate::txn::Consistency;

use super::settings::{Settings, consistency};

/// Settings by their types.
#[derive(Debug)]
pub(super) struct UsualSettings {
    /// `session_user`
    pub(super) session_user: String,
    /// `current_user`
    pub(super) current_user: String,
    pub(super) application_name: String,
    /// None: no time-out.
    pub(super) statement_timeout: Option<Duration>,
    pub(super) idle_session_timeout: Option<Duration>,
    pub(super) idle_in_transaction_session_timeout: Option<Duration>,
    /// How long a statement takes at least that is logged with its plan; none: no statement is.
    pub(super) log_min_duration_statement: Option<Duration>,
    /// `default_transaction_isolation`
    pub(super) isolation: Isolation,
    /// `default_transaction_read_only`
    pub(super) read_only: bool,
    /// `redkite.read_your_writes`
    pub(super) sees_own_writes: bool,
    /// `redkite.consistency`
    pub(super) consistency: Consistency,
    /// How hard vector searches look.
    pub(super) search: SearchSettings,
}

impl UsualSettings {
    pub(super) fn of(settings: &Settings) -> Self {
        fn parsed<T: FromStr>(settings: &Settings, name: &str) -> Option<T> {
            settings.get(name)?.parse().ok()
        }
        let default = SearchSettings::default();
        let isolation = settings.get("default_transaction_isolation").and_then(Isolation::named);
        Self {
            session_user: settings.identity().0.to_owned(),
            current_user: settings.current_user().to_owned(),
            application_name: settings.get("application_name").unwrap_or_default().to_owned(),
            statement_timeout: settings.timeout("statement_timeout"),
            idle_session_timeout: settings.timeout("idle_session_timeout"),
            idle_in_transaction_session_timeout: settings
                .timeout("idle_in_transaction_session_timeout"),
            log_min_duration_statement: parsed(settings, "log_min_duration_statement")
                .map(Duration::from_millis),
            isolation: isolation.unwrap_or_default(),
            read_only: settings.is_on("default_transaction_read_only"),
            sees_own_writes: settings.is_on("redkite.read_your_writes"),
            consistency: settings
                .get("redkite.consistency")
                .and_then(consistency)
                .unwrap_or_default(),
            search: SearchSettings {
                recall_target: parsed(settings, "redkite.recall_target"),
                ef_search: parsed(settings, "hnsw.ef_search").unwrap_or(default.ef_search),
                probes: parsed(settings, "ivfflat.probes").unwrap_or(default.probes),
                use_indexes: settings.is_on("enable_indexscan"),
            },
        }
    }
}

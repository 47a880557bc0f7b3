//! The session's functions: names, types, arguments, and the values of those without arguments.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::common::utils::SingleRowListArrayBuilder;

use super::function::internal;
use crate::base::Result;
use crate::exec::session_values::SessionValues;
use crate::types::PgType;

const DAY_US: i64 = 86_400_000_000;

/// What a function of the session tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    TransactionStart,
    StatementStart,
    Clock,
    NodeStart,
    LocalTimestamp,
    LocalTime,
    Date,
    User,
    SessionUser,
    Database,
    Schema,
    Schemas,
    Version,
    Pid,
    InRecovery,
    NoAddress,
    NoPort,
    Setting,
    SetSetting,
    NextValue,
    CurrentValue,
    UntakenValue,
    LastValue,
    SetValue,
    RelationName,
    TransactionId,
    IndexRecall,
    Prewarm,
    Cancel,
    Terminate,
    Notify,
    Channels,
    QueueUsage,
    ResetStatistics,
    ExportSnapshot,
}

/// The functions by name.
pub(super) const WHATS: &[(What, &str)] = &[
    (What::TransactionStart, "now"),
    (What::TransactionStart, "current_timestamp"),
    (What::TransactionStart, "transaction_timestamp"),
    (What::StatementStart, "statement_timestamp"),
    (What::Clock, "clock_timestamp"),
    (What::NodeStart, "pg_postmaster_start_time"),
    (What::NodeStart, "pg_conf_load_time"),
    (What::LocalTimestamp, "localtimestamp"),
    (What::LocalTime, "localtime"),
    (What::LocalTime, "current_time"),
    (What::Date, "current_date"),
    (What::User, "current_user"),
    (What::User, "current_role"),
    (What::SessionUser, "session_user"),
    (What::User, "user"),
    (What::Database, "current_database"),
    (What::Database, "current_catalog"),
    (What::Schema, "current_schema"),
    (What::Schemas, "current_schemas"),
    (What::Version, "version"),
    (What::Pid, "pg_backend_pid"),
    (What::InRecovery, "pg_is_in_recovery"),
    (What::NoAddress, "inet_client_addr"),
    (What::NoAddress, "inet_server_addr"),
    (What::NoPort, "inet_client_port"),
    (What::NoPort, "inet_server_port"),
    (What::Setting, "current_setting"),
    (What::SetSetting, "set_config"),
    (What::NextValue, "nextval"),
    (What::CurrentValue, "currval"),
    (What::UntakenValue, "redkite_untaken_value"),
    (What::LastValue, "lastval"),
    (What::SetValue, "setval"),
    (What::RelationName, "redkite_regclass_text"),
    (What::TransactionId, "txid_current"),
    (What::TransactionId, "pg_current_xact_id"),
    (What::IndexRecall, "redkite_recall"),
    (What::Prewarm, "redkite_prewarm"),
    (What::Cancel, "pg_cancel_backend"),
    (What::Terminate, "pg_terminate_backend"),
    (What::Notify, "pg_notify"),
    (What::Channels, "pg_listening_channels"),
    (What::ResetStatistics, "pg_stat_statements_reset"),
    (What::QueueUsage, "pg_notification_queue_usage"),
    (What::ExportSnapshot, "pg_export_snapshot"),
];

/// What an argument must be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Want {
    /// Text.
    Text,
    /// A truth value.
    Bool,
    /// A whole number.
    Int8,
    /// A relation: `regclass`, or its name.
    Relation,
    /// An oid.
    Oid,
}

impl Want {
    /// The type that an argument of this type is turned into.
    pub(super) fn coerce(self, given: &DataType) -> Option<DataType> {
        let text = matches!(
            given,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null
        );
        match self {
            Self::Text => text.then_some(DataType::Utf8),
            Self::Bool => (text || given == &DataType::Boolean).then_some(DataType::Boolean),
            Self::Int8 => (text || given.is_integer()).then_some(DataType::Int64),
            Self::Relation if text => Some(DataType::Utf8),
            Self::Relation | Self::Oid => given.is_integer().then_some(DataType::UInt32),
        }
    }
}

impl What {
    /// Whether the value is the same during a whole statement.
    pub(super) fn holds(self) -> bool {
        !matches!(
            self,
            Self::Clock
                | Self::LastValue
                | Self::Channels
                | Self::ResetStatistics
                | Self::ExportSnapshot
        )
    }

    /// The lists of arguments that it takes.
    pub(super) fn forms(self) -> &'static [&'static [Want]] {
        use Want::{Bool, Int8, Oid, Relation, Text};
        match self {
            Self::Schemas => &[&[Bool]],
            Self::Setting => &[&[Text], &[Text, Bool]],
            Self::SetSetting => &[&[Text, Text, Bool]],
            Self::NextValue | Self::CurrentValue | Self::UntakenValue => &[&[Relation]],
            Self::SetValue => &[&[Relation, Int8], &[Relation, Int8, Bool]],
            Self::RelationName => &[&[Oid]],
            Self::IndexRecall => &[&[Relation, Int8, Int8]],
            Self::Prewarm => &[&[Relation]],
            Self::Notify => &[&[Text, Text]],
            Self::ResetStatistics => {
                &[&[], &[Oid], &[Oid, Oid], &[Oid, Oid, Int8], &[Oid, Oid, Int8, Bool]]
            }
            Self::Cancel => &[&[Int8]],
            Self::Terminate => &[&[Int8], &[Int8, Int8]],
            _ => &[&[]],
        }
    }

    /// The type of the value.
    pub(super) fn ty(self) -> PgType {
        match self {
            Self::TransactionStart
            | Self::StatementStart
            | Self::Clock
            | Self::NodeStart
            | Self::ResetStatistics => PgType::Timestamptz,
            Self::LocalTimestamp => PgType::Timestamp,
            Self::LocalTime => PgType::Time,
            Self::Date => PgType::Date,
            Self::User | Self::SessionUser | Self::Database | Self::Schema => PgType::Name,
            Self::Schemas => PgType::Array(Box::new(PgType::Name)),
            Self::Version | Self::NoAddress | Self::Setting | Self::SetSetting => PgType::Text,
            Self::RelationName | Self::Notify | Self::ExportSnapshot => PgType::Text,
            Self::Channels => PgType::Array(Box::new(PgType::Text)),
            Self::Pid | Self::NoPort => PgType::Int4,
            Self::InRecovery | Self::Cancel | Self::Terminate => PgType::Bool,
            Self::NextValue
            | Self::CurrentValue
            | Self::UntakenValue
            | Self::LastValue
            | Self::SetValue
            | Self::TransactionId
            | Self::Prewarm => PgType::Int8,
            Self::IndexRecall | Self::QueueUsage => PgType::Float8,
        }
    }
}

/// The value of a function without arguments; `None` where each row has one of its own.
pub(super) fn constant(what: What, session: &dyn SessionValues) -> Result<Option<ScalarValue>> {
    let instant = |us: i64| ScalarValue::TimestampMicrosecond(Some(us), Some("UTC".into()));
    let text = |text: &str| ScalarValue::Utf8(Some(text.to_owned()));
    let local = || {
        let us = session.transaction_start_us();
        us + i64::from(session.text_context().time_zone.offset_at(us)) * 1_000_000
    };
    Ok(Some(match what {
        What::TransactionStart => instant(session.transaction_start_us()),
        What::StatementStart => instant(session.statement_start_us()),
        What::Clock => instant(session.clock_us()),
        What::NodeStart => instant(session.node_start_us()),
        What::LocalTimestamp => ScalarValue::TimestampMicrosecond(Some(local()), None),
        What::LocalTime => ScalarValue::Time64Microsecond(Some(local().rem_euclid(DAY_US))),
        What::Date => {
            let days = i32::try_from(local().div_euclid(DAY_US)).map_err(internal)?;
            ScalarValue::Date32(Some(days))
        }
        What::User => text(session.user()),
        What::SessionUser => text(session.session_user()),
        What::Database => text(session.database()),
        What::Schema => ScalarValue::Utf8(session.schemas(false).into_iter().next()),
        What::Version => text(&version(session)),
        What::Pid => ScalarValue::Int32(Some(session.backend_pid())),
        What::InRecovery => ScalarValue::Boolean(Some(false)),
        What::NoAddress => ScalarValue::Utf8(None),
        What::NoPort => ScalarValue::Int32(None),
        // Transactions have no number before they commit: their start stands for one.
        What::TransactionId => ScalarValue::Int64(Some(session.transaction_start_us())),
        What::QueueUsage => ScalarValue::Float64(Some(session.queue_usage())),
        What::Channels => {
            let channels = session.channels().into_iter();
            let channels: Vec<_> =
                channels.map(|channel| ScalarValue::Utf8(Some(channel))).collect();
            list(&channels, &PgType::Array(Box::new(PgType::Text)))?
        }
        What::Schemas
        | What::Notify
        | What::ResetStatistics
        | What::ExportSnapshot
        | What::Setting
        | What::SetSetting
        | What::NextValue
        | What::CurrentValue
        | What::UntakenValue
        | What::LastValue
        | What::SetValue
        | What::IndexRecall
        | What::Prewarm
        | What::Cancel
        | What::Terminate
        | What::RelationName => return Ok(None),
    }))
}

/// `PostgreSQL 18.0 (Redkite 0.1.0)`: tools look for PostgreSQL's version.
fn version(session: &dyn SessionValues) -> String {
    let server = session.setting("server_version").unwrap_or_default();
    let number = server.split_whitespace().next().unwrap_or_default().to_owned();
    format!("PostgreSQL {number} (Redkite {})", env!("CARGO_PKG_VERSION"))
}

/// A `name[]`.
pub(super) fn name_array(names: &[ScalarValue]) -> Result<ScalarValue> {
    list(names, &PgType::Array(Box::new(PgType::Name)))
}

/// An array of texts.
fn list(texts: &[ScalarValue], ty: &PgType) -> Result<ScalarValue> {
    let DataType::List(field) = ty.arrow() else { return Err(internal("an array is no list")) };
    let values = match texts.is_empty() {
        true => arrow::array::new_empty_array(&DataType::Utf8),
        false => ScalarValue::iter_to_array(texts.iter().cloned()).map_err(internal)?,
    };
    Ok(SingleRowListArrayBuilder::new(values).with_field(&field).build_list_scalar())
}

//! Statements about the session: transactions, settings, prepared statements, cursors.

use super::{Parsed, Query, Statement};
use crate::plan::TypeName;

/// What BEGIN and SET TRANSACTION say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransactionModes {
    /// `ISOLATION LEVEL`.
    pub isolation: Option<Isolation>,
    /// `READ ONLY`, `READ WRITE`.
    pub read_only: Option<bool>,
    /// `DEFERRABLE`, `NOT DEFERRABLE`.
    pub deferrable: Option<bool>,
}

/// Isolation levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// As READ COMMITTED.
    ReadUncommitted,
    /// One snapshot a statement.
    #[default]
    ReadCommitted,
    /// One snapshot a transaction.
    RepeatableRead,
    /// Refused (0A000) until it is real.
    Serializable,
}

impl Isolation {
    /// All levels, as settings spell them.
    pub const NAMES: [(&str, Self); 4] = [
        ("read uncommitted", Self::ReadUncommitted),
        ("read committed", Self::ReadCommitted),
        ("repeatable read", Self::RepeatableRead),
        ("serializable", Self::Serializable),
    ];

    /// The level that a setting spells so.
    pub fn named(name: &str) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, level)| *level)
    }

    /// As settings spell it.
    pub fn as_str(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(_, level)| *level == self);
        found.map_or("", |(name, _)| name)
    }
}

/// `SET [SESSION | LOCAL] name = value`. `SET TIME ZONE`, `SET NAMES`, `SET SCHEMA`,
/// `SET ROLE`, `SET SESSION AUTHORIZATION` and `SET XML OPTION` are the settings `TimeZone`,
/// `client_encoding`, `search_path`, `role`, `session_authorization`, `xmloption`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// For how long.
    pub scope: SetScope,
    /// The setting, in lower case (`TimeZone` apart).
    pub name: String,
    /// Its value.
    pub value: SetValue,
}

/// How long a SET holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetScope {
    /// Until the session ends.
    Session,
    /// Until the transaction ends.
    Local,
}

/// A setting's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetValue {
    /// `DEFAULT`.
    Default,
    /// `FROM CURRENT`: the value it has now (ALTER ROLE, ALTER DATABASE).
    Current,
    /// One value, or several for lists such as `search_path`; without quotes.
    Values(Vec<String>),
}

/// `DISCARD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    /// Everything that the session holds.
    All,
    /// Cached plans.
    Plans,
    /// Cached sequence values.
    Sequences,
    /// Temporary tables.
    Temporary,
}

/// `PREPARE name (types) AS statement`.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepare {
    /// Its name.
    pub name: String,
    /// The types written for `$1`, `$2`, ...; none: `unknown`, inferred.
    pub types: Vec<Option<TypeName>>,
    /// The statement.
    pub statement: Parsed,
}

/// `DECLARE name CURSOR FOR query`.
#[derive(Clone, Debug, PartialEq)]
pub struct Declare {
    /// Its name.
    pub name: String,
    /// `BINARY`.
    pub binary: bool,
    /// `SCROLL`, `NO SCROLL`.
    pub scroll: Option<bool>,
    /// `WITH HOLD`.
    pub hold: bool,
    /// The query.
    pub query: Query,
}

/// `FETCH direction FROM cursor`, `MOVE direction FROM cursor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// The cursor.
    pub cursor: String,
    /// Where to.
    pub direction: FetchDirection,
    /// `MOVE`: the rows are skipped.
    pub skip: bool,
}

/// Where a FETCH goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchDirection {
    /// So many rows on (`NEXT` is one, `ALL` is `i64::MAX`); below zero: backward.
    Forward(i64),
    /// So many rows back (`PRIOR` is one, `BACKWARD ALL` is `i64::MAX`).
    Backward(i64),
    /// The row of this number from the start (`FIRST` is 1, `LAST` is -1).
    Absolute(i64),
    /// The row so many after this one.
    Relative(i64),
}

/// `EXPLAIN`.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "they are PostgreSQL's flags")]
pub struct Explain {
    /// `ANALYZE`: run it too.
    pub analyze: bool,
    /// `VERBOSE`.
    pub verbose: bool,
    /// `COSTS`, on unless told otherwise.
    pub costs: bool,
    /// `BUFFERS`.
    pub buffers: bool,
    /// `TIMING`, on unless told otherwise.
    pub timing: bool,
    /// `SUMMARY`, where written.
    pub summary: Option<bool>,
    /// `SETTINGS`.
    pub settings: bool,
    /// `FORMAT`.
    pub format: ExplainFormat,
    /// The statement.
    pub statement: Statement,
}

/// EXPLAIN's formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExplainFormat {
    /// Lines of text.
    #[default]
    Text,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// XML.
    Xml,
}

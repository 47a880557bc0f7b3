//! The session's settings that change how values are read and shown.

use super::TimeZone;

/// What text input and output depend on: values of the session's settings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TextContext {
    /// `TimeZone`
    pub time_zone: TimeZone,
    /// `DateStyle`
    pub date_style: DateStyle,
    /// `IntervalStyle`
    pub interval_style: IntervalStyle,
    /// `extra_float_digits`: above zero floats are shortest-precise
    pub extra_float_digits: i32,
    /// `bytea_output`
    pub bytea_output: ByteaOutput,
    /// The transaction's start for inputs such as `now` and `today`: microseconds since 1970,
    /// UTC. Without it they are refused.
    pub now_us: Option<i64>,
}

impl Default for TextContext {
    fn default() -> Self {
        Self {
            time_zone: TimeZone::UTC,
            date_style: DateStyle::default(),
            interval_style: IntervalStyle::Postgres,
            extra_float_digits: 1,
            bytea_output: ByteaOutput::Hex,
            now_us: None,
        }
    }
}

/// `DateStyle`: how dates are shown, and how `1/2/2003` is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DateStyle {
    /// How dates are shown
    pub output: DateOutput,
    /// How `1/2/2003` is read
    pub order: DateOrder,
}

/// The first half of `DateStyle`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DateOutput {
    /// `2003-01-02 04:05:06+01`
    #[default]
    Iso,
    /// `01/02/2003 04:05:06 CET`
    Sql,
    /// `Thu Jan 02 04:05:06 2003 CET`
    Postgres,
    /// `02.01.2003 04:05:06 CET`
    German,
}

/// The second half of `DateStyle`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DateOrder {
    /// Month, day, year
    #[default]
    Mdy,
    /// Day, month, year
    Dmy,
    /// Year, month, day
    Ymd,
}

impl DateStyle {
    /// Reads the setting's value (`ISO, MDY`, `german`); parts that are not named keep those of
    /// `self`.
    pub fn with_setting(self, value: &str) -> Option<Self> {
        let mut style = self;
        let mut ordered = false;
        let mut german = false;
        for word in value.split(',') {
            match word.trim().to_ascii_lowercase().as_str() {
                "iso" => style.output = DateOutput::Iso,
                "sql" => style.output = DateOutput::Sql,
                "postgres" => style.output = DateOutput::Postgres,
                "german" => {
                    style.output = DateOutput::German;
                    german = true;
                }
                "mdy" | "us" | "noneuro" | "noneuropean" => {
                    style.order = DateOrder::Mdy;
                    ordered = true;
                }
                "dmy" | "euro" | "european" => {
                    style.order = DateOrder::Dmy;
                    ordered = true;
                }
                "ymd" => {
                    style.order = DateOrder::Ymd;
                    ordered = true;
                }
                "default" => style = Self::default(),
                _ => return None,
            }
        }
        if german && !ordered {
            style.order = DateOrder::Dmy;
        }
        Some(style)
    }

    /// What `SHOW DateStyle` says.
    pub fn as_str(self) -> &'static str {
        match (self.output, self.order) {
            (DateOutput::Iso, DateOrder::Mdy) => "ISO, MDY",
            (DateOutput::Iso, DateOrder::Dmy) => "ISO, DMY",
            (DateOutput::Iso, DateOrder::Ymd) => "ISO, YMD",
            (DateOutput::Sql, DateOrder::Mdy) => "SQL, MDY",
            (DateOutput::Sql, DateOrder::Dmy) => "SQL, DMY",
            (DateOutput::Sql, DateOrder::Ymd) => "SQL, YMD",
            (DateOutput::Postgres, DateOrder::Mdy) => "Postgres, MDY",
            (DateOutput::Postgres, DateOrder::Dmy) => "Postgres, DMY",
            (DateOutput::Postgres, DateOrder::Ymd) => "Postgres, YMD",
            (DateOutput::German, DateOrder::Mdy) => "German, MDY",
            (DateOutput::German, DateOrder::Dmy) => "German, DMY",
            (DateOutput::German, DateOrder::Ymd) => "German, YMD",
        }
    }
}

/// `IntervalStyle`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IntervalStyle {
    /// `1 year 2 mons 3 days 04:05:06`
    #[default]
    Postgres,
    /// `@ 1 year 2 mons 3 days 4 hours 5 mins 6 secs`
    PostgresVerbose,
    /// `+1-2 +3 +4:05:06`
    SqlStandard,
    /// `P1Y2M3DT4H5M6S`
    Iso8601,
}

impl IntervalStyle {
    /// Reads the setting's value.
    pub fn parse(value: &str) -> Option<Self> {
        match value.trim().to_ascii_lowercase().as_str() {
            "postgres" => Some(Self::Postgres),
            "postgres_verbose" => Some(Self::PostgresVerbose),
            "sql_standard" => Some(Self::SqlStandard),
            "iso_8601" => Some(Self::Iso8601),
            _ => None,
        }
    }

    /// What `SHOW IntervalStyle` says.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::PostgresVerbose => "postgres_verbose",
            Self::SqlStandard => "sql_standard",
            Self::Iso8601 => "iso_8601",
        }
    }
}

/// `bytea_output`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ByteaOutput {
    /// `\x0a1b`
    #[default]
    Hex,
    /// Printable bytes as they are, others as `\012`
    Escape,
}

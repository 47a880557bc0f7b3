//! `to_char(timestamp, format)` with PostgreSQL's patterns, which are not `strftime`'s.

use std::sync::Arc;

use arrow::array::{Array, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::TimestampMicrosecondType;
use bytes::BytesMut;
use chrono::{DateTime, Datelike, NaiveDateTime, Timelike};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Call, Function, Kind, arrays, internal, result};
use super::number_format;
use crate::base::{Result, SqlError};
use crate::types::{ColumnEncoder, PgType, TextContext};

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let arguments = Arguments::Exactly(&[Kind::Any, Kind::Text]);
    vec![Function::new("to_char", arguments, |_| PgType::Text, to_char).build()]
}

fn to_char(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    let ty = call.types.first().unwrap_or(&PgType::Unknown);
    if ty.is_number() {
        return number_to_char(arguments, ty);
    }
    if !matches!(ty, PgType::Date | PgType::Timestamp | PgType::Timestamptz | PgType::Unknown) {
        return Err(SqlError::unsupported(format!("to_char({ty}, text) is not supported")));
    }
    let (columns, scalar) = arrays(arguments)?;
    let instants = cast(&columns[0], &PgType::Timestamp.arrow()).map_err(internal)?;
    let instants = instants.as_primitive::<TimestampMicrosecondType>();
    let formats = columns[1].as_string::<i32>();
    let mut found = StringBuilder::new();
    for (us, format) in instants.iter().zip(formats) {
        let time = us.and_then(DateTime::from_timestamp_micros);
        found.append_option(time.zip(format).map(|(time, f)| show(time.naive_utc(), f)));
    }
    result(Arc::new(found.finish()), scalar)
}

fn number_to_char(arguments: &[ColumnarValue], ty: &PgType) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let encoder = ColumnEncoder::new(&columns[0], ty)?;
    let formats = columns[1].as_string::<i32>();
    let mut found = StringBuilder::new();
    for row in 0..formats.len() {
        if encoder.is_null(row) || formats.is_null(row) {
            found.append_null();
            continue;
        }
        let mut text = BytesMut::new();
        encoder.write_text(row, &mut text, &TextContext::default());
        let text = std::str::from_utf8(&text).map_err(internal)?;
        let format = formats.value(row);
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
        let shown = plain.then(|| number_format::show(text, format)).flatten();
        found.append_value(shown.ok_or_else(|| {
            SqlError::unsupported(format!("to_char({text}, '{format}') is not supported"))
        })?);
    }
    result(Arc::new(found.finish()), scalar)
}

/// Patterns, the longer before those they begin with.
const PATTERNS: &[&str] = &[
    "FM", "Y,YYY", "YYYY", "IYYY", "YYY", "YY", "Y", "MONTH", "Month", "month", "MON", "Mon",
    "mon", "MM", "MI", "MS", "DAY", "Day", "day", "DY", "Dy", "dy", "DDD", "DD", "D", "HH24",
    "HH12", "HH", "SSSSS", "SSSS", "SS", "US", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6", "AM",
    "PM", "am", "pm", "A.M.", "P.M.", "a.m.", "p.m.", "IW", "WW", "W", "ID", "IDDD", "Q", "CC",
    "J", "BC", "AD", "TZ", "tz", "OF", "TH", "th",
];

/// Fills the format in; text in double quotes and unknown characters stay.
fn show(time: NaiveDateTime, format: &str) -> String {
    let mut out = String::new();
    let mut rest = format;
    let mut plain = false;
    let mut last_number = 0;
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            let end = rest[1..].find('"').map_or(rest.len(), |at| at + 1);
            out.push_str(&rest[1..end]);
            rest = rest.get(end + 1..).unwrap_or_default();
            continue;
        }
        let Some(pattern) = PATTERNS.iter().find(|pattern| rest.starts_with(**pattern)) else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        rest = &rest[pattern.len()..];
        match *pattern {
            "FM" => {
                plain = true;
                continue;
            }
            "TH" | "th" => out.push_str(&ordinal(last_number, *pattern == "TH")),
            pattern => match number(time, pattern) {
                Some((value, width)) => {
                    last_number = value;
                    let width = if plain { 0 } else { width };
                    out.push_str(&format!("{value:0width$}"));
                }
                None => {
                    let text = word(time, pattern);
                    out.push_str(if plain { text.trim_end() } else { &text });
                }
            },
        }
        plain = false;
    }
    out
}

/// The patterns that are numbers, and their widths.
fn number(time: NaiveDateTime, pattern: &str) -> Option<(i64, usize)> {
    let (year, hour) = (i64::from(time.year()), i64::from(time.hour()));
    let us = i64::from(time.nanosecond() / 1000 % 1_000_000);
    let weekday = i64::from(time.weekday().num_days_from_sunday());
    let of_year = i64::from(time.ordinal());
    Some(match pattern {
        "YYYY" => (year, 4),
        "IYYY" => (i64::from(time.iso_week().year()), 4),
        "YYY" => (year % 1000, 3),
        "YY" => (year % 100, 2),
        "Y" => (year % 10, 1),
        "MM" => (i64::from(time.month()), 2),
        "DDD" => (of_year, 3),
        "DD" => (i64::from(time.day()), 2),
        "D" => (weekday + 1, 1),
        "ID" => ((weekday + 6) % 7 + 1, 1),
        "HH24" => (hour, 2),
        "HH" | "HH12" => ((hour + 11) % 12 + 1, 2),
        "MI" => (i64::from(time.minute()), 2),
        "SS" => (i64::from(time.second()), 2),
        "SSSS" | "SSSSS" => (i64::from(time.num_seconds_from_midnight()), 1),
        "MS" | "FF3" => (us / 1000, 3),
        "US" | "FF6" => (us, 6),
        "FF1" => (us / 100_000, 1),
        "FF2" => (us / 10_000, 2),
        "FF4" => (us / 100, 4),
        "FF5" => (us / 10, 5),
        "WW" => ((of_year - 1) / 7 + 1, 2),
        "W" => (i64::from((time.day() - 1) / 7) + 1, 1),
        "IW" => (i64::from(time.iso_week().week()), 2),
        "Q" => (i64::from((time.month() - 1) / 3) + 1, 1),
        "CC" => ((year + 99) / 100, 2),
        "J" => (i64::from(time.num_days_from_ce()) + 1_721_425, 1),
        _ => return None,
    })
}

/// The patterns that are words; names in full are padded to nine letters.
fn word(time: NaiveDateTime, pattern: &str) -> String {
    let morning = time.hour() < 12;
    let month = time.format("%B").to_string();
    let day = time.format("%A").to_string();
    match pattern {
        "Y,YYY" => format!("{},{:03}", time.year() / 1000, time.year() % 1000),
        "MONTH" => format!("{:<9}", month.to_uppercase()),
        "Month" => format!("{month:<9}"),
        "month" => format!("{:<9}", month.to_lowercase()),
        "MON" => month[..3].to_uppercase(),
        "Mon" => month[..3].to_owned(),
        "mon" => month[..3].to_lowercase(),
        "DAY" => format!("{:<9}", day.to_uppercase()),
        "Day" => format!("{day:<9}"),
        "day" => format!("{:<9}", day.to_lowercase()),
        "DY" => day[..3].to_uppercase(),
        "Dy" => day[..3].to_owned(),
        "dy" => day[..3].to_lowercase(),
        "AM" | "PM" => if morning { "AM" } else { "PM" }.to_owned(),
        "am" | "pm" => if morning { "am" } else { "pm" }.to_owned(),
        "A.M." | "P.M." => if morning { "A.M." } else { "P.M." }.to_owned(),
        "a.m." | "p.m." => if morning { "a.m." } else { "p.m." }.to_owned(),
        "BC" | "AD" => if time.year() > 0 { "AD" } else { "BC" }.to_owned(),
        "TZ" => "UTC".to_owned(),
        "tz" => "utc".to_owned(),
        "OF" => "+00".to_owned(),
        other => other.to_owned(),
    }
}

fn ordinal(number: i64, upper: bool) -> String {
    let suffix = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    if upper { suffix.to_uppercase() } else { suffix.to_owned() }
}

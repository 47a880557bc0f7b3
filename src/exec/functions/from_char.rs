//! `to_timestamp(text, format)`, `to_date`, `to_number`: reads what `to_char` writes.

use std::sync::Arc;

use arrow::array::{AsArray, Date32Array, Decimal128Array, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Float64Type};
use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Function, Kind, arrays, internal, result};
use crate::base::{Result, SqlError, SqlState};
use crate::types::PgType;

/// Digits of a number that `to_number` reads are kept with so many after the point.
const NUMBER_SCALE: u8 = 10;

/// The functions of this family. `redkite_from_epoch` is `to_timestamp` of a number.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let zoned = |_: &[PgType]| PgType::Timestamptz;
    let two = Arguments::Exactly(&[Kind::Text, Kind::Text]);
    let one = Arguments::Exactly(&[Kind::Float8]);
    vec![
        Function::new("to_timestamp", two, zoned, |a, _| instants(a)).build(),
        Function::new("redkite_from_epoch", one, zoned, |a, _| from_epoch(a)).build(),
        Function::new("to_date", two, |_| PgType::Date, |a, _| dates(a)).build(),
        Function::new("to_number", two, |_| PgType::Numeric(None), |a, _| numbers(a)).build(),
    ]
}

fn from_epoch(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let out = || SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "timestamp out of range");
    let found = columns[0].as_primitive::<Float64Type>().iter().map(|seconds| match seconds {
        None => Ok(None),
        Some(seconds) => {
            let us = (seconds * 1e6).round_ties_even();
            #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
            let whole = us as i64;
            if us.abs() < 9.2e18 { Ok(Some(whole)) } else { Err(out()) }
        }
    });
    let column = TimestampMicrosecondArray::from(found.collect::<Result<Vec<_>>>()?);
    result(Arc::new(column.with_timezone("UTC")), scalar)
}

fn times(arguments: &[ColumnarValue]) -> Result<(Vec<Option<NaiveDateTime>>, bool)> {
    let (columns, scalar) = arrays(arguments)?;
    let pairs = columns[0].as_string::<i32>().iter().zip(columns[1].as_string::<i32>());
    let read = pairs.map(|(text, format)| text.zip(format).map(|(t, f)| read(t, f)).transpose());
    Ok((read.collect::<Result<_>>()?, scalar))
}

fn instants(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (times, scalar) = times(arguments)?;
    let us = times.into_iter().map(|time| time.map(|time| time.and_utc().timestamp_micros()));
    let column: TimestampMicrosecondArray = us.collect();
    result(Arc::new(column.with_timezone("UTC")), scalar)
}

fn dates(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    const EPOCH_FROM_CE: i32 = 719_163;
    let (times, scalar) = times(arguments)?;
    let days = times.into_iter().map(|time| time.map(|t| t.num_days_from_ce() - EPOCH_FROM_CE));
    result(Arc::new(days.collect::<Date32Array>()), scalar)
}

/// The parts of a time that a format has read.
#[derive(Default)]
struct Parts {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    of_year: Option<u32>,
    hour: u32,
    half: bool,
    afternoon: Option<bool>,
    minute: u32,
    second: u32,
    us: u32,
}

/// The patterns, the longer before those that they begin with, and how many digits each takes.
const PATTERNS: &[(&str, usize)] = &[
    ("YYYY", 4),
    ("YYY", 3),
    ("YY", 2),
    ("HH24", 2),
    ("HH12", 2),
    ("HH", 2),
    ("MONTH", 0),
    ("MON", 0),
    ("MM", 2),
    ("MI", 2),
    ("MS", 3),
    ("DDD", 3),
    ("DD", 2),
    ("DAY", 0),
    ("DY", 0),
    ("SS", 2),
    ("US", 6),
    ("AM", 0),
    ("PM", 0),
    ("FM", 0),
];

const MONTHS: &[&str] =
    &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Reads a text as a format says.
fn read(text: &str, format: &str) -> Result<NaiveDateTime> {
    let mut parts = Parts::default();
    let (mut rest, mut pattern) = (text, format);
    while let Some(first) = pattern.chars().next() {
        let upper = pattern.to_ascii_uppercase();
        let Some((name, width)) = PATTERNS.iter().find(|(name, _)| upper.starts_with(name)) else {
            // A separator stands for any one, and blanks for any number of them.
            pattern = &pattern[first.len_utf8()..];
            let next = rest.chars().next();
            if let Some(next) = next.filter(|next| !next.is_alphanumeric() || *next == first) {
                rest = &rest[next.len_utf8()..];
            }
            continue;
        };
        pattern = &pattern[name.len()..];
        rest = rest.trim_start();
        rest = match width {
            0 => parts.word(name, rest)?,
            width => parts.number(name, rest, *width)?,
        };
    }
    parts.time()
}

fn invalid(text: &str, pattern: &str) -> SqlError {
    let message = format!("invalid value \"{text}\" for \"{pattern}\"");
    SqlError::new(SqlState::INVALID_DATETIME_FORMAT, message)
        .with_detail("Value must be an integer.")
}

impl Parts {
    fn number<'t>(&mut self, pattern: &str, text: &'t str, width: usize) -> Result<&'t str> {
        let digits = text.bytes().take(width).take_while(u8::is_ascii_digit).count();
        let value: u32 = text[..digits].parse().map_err(|_| invalid(text, pattern))?;
        match pattern {
            "YYYY" => self.year = i32::try_from(value).ok(),
            "YYY" => self.year = i32::try_from(value + 2000).ok(),
            "YY" => self.year = i32::try_from(value + if value < 70 { 2000 } else { 1900 }).ok(),
            "MM" => self.month = Some(value),
            "DD" => self.day = Some(value),
            "DDD" => self.of_year = Some(value),
            "HH24" => self.hour = value,
            "HH" | "HH12" => (self.hour, self.half) = (value, true),
            "MI" => self.minute = value,
            "SS" => self.second = value,
            "MS" | "US" => {
                let scale = u32::try_from(6 - digits.min(6)).unwrap_or(0);
                self.us = value * 10_u32.pow(scale);
            }
            _ => {}
        }
        Ok(&text[digits..])
    }

    fn word<'t>(&mut self, pattern: &str, text: &'t str) -> Result<&'t str> {
        let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
        let lower = text[..letters].to_ascii_lowercase();
        match pattern {
            "FM" => return Ok(text),
            "MONTH" | "MON" => {
                let month = MONTHS.iter().position(|month| lower.starts_with(month));
                let month = month.ok_or_else(|| invalid(&text[..letters], pattern))?;
                self.month = u32::try_from(month + 1).ok();
                let taken = if pattern == "MON" { letters.min(3) } else { letters };
                return Ok(&text[taken..]);
            }
            "AM" | "PM" => self.afternoon = Some(lower.starts_with('p')),
            _ => {}
        }
        Ok(&text[letters..])
    }

    fn time(&self) -> Result<NaiveDateTime> {
        let hour = match (self.half, self.afternoon) {
            (true, Some(true)) if self.hour < 12 => self.hour + 12,
            (true, Some(false)) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let year = self.year.unwrap_or(1);
        let date = match self.of_year {
            Some(day) => NaiveDate::from_yo_opt(year, day),
            None => NaiveDate::from_ymd_opt(year, self.month.unwrap_or(1), self.day.unwrap_or(1)),
        };
        let time = NaiveTime::from_hms_micro_opt(hour, self.minute, self.second, self.us);
        date.zip(time).map(|(date, time)| date.and_time(time)).ok_or_else(|| {
            let message = "date/time field value out of range";
            SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, message)
        })
    }
}

/// `to_number(text, format)`: the digits, the point and the sign; other characters count nothing.
fn numbers(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let pairs = columns[0].as_string::<i32>().iter().zip(columns[1].as_string::<i32>());
    let found = pairs.map(|(text, format)| match text.zip(format) {
        None => Ok(None),
        Some((text, _)) => number(text).map(Some),
    });
    let column = Decimal128Array::from(found.collect::<Result<Vec<_>>>()?);
    let DataType::Decimal128(precision, scale) = PgType::Numeric(None).arrow() else {
        return Err(internal("numeric is no decimal"));
    };
    let column = column.with_precision_and_scale(precision, scale).map_err(internal)?;
    result(Arc::new(column), scalar)
}

fn number(text: &str) -> Result<i128> {
    let (mut value, mut fraction): (i128, Option<u8>) = (0, None);
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' if fraction.is_none_or(|digits| digits < NUMBER_SCALE) => {
                let next = value.checked_mul(10);
                value =
                    next.and_then(|v| v.checked_add(i128::from(byte - b'0'))).ok_or_else(|| {
                        let message = "value overflows numeric format";
                        SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
                    })?;
                fraction = fraction.map(|digits| digits + 1);
            }
            b'.' if fraction.is_none() => fraction = Some(0),
            _ => {}
        }
    }
    let missing = u32::from(NUMBER_SCALE - fraction.unwrap_or(0));
    let scaled = value.checked_mul(10_i128.pow(missing)).ok_or_else(|| {
        SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format")
    })?;
    Ok(if text.contains('-') { -scaled } else { scaled })
}

//! `date_trunc`: of times, local or not, and of intervals; and what cuts them to a number of digits after
//! the second's point (`timestamp(2)`).

use std::sync::Arc;

use arrow::datatypes::IntervalMonthDayNano;
use chrono::{DateTime, Datelike, NaiveDate};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::ScalarUDF;

use super::function::{Arguments, Call, Function, Kind, each, text, whole};
use super::interval::Span;
use crate::base::{Result, SqlError, SqlState};
use crate::types::{PgType, TimeZone};

const SECOND_US: i64 = 1_000_000;
const DAY_US: i64 = 86_400 * SECOND_US;

/// The functions of this family. `redkite_precision` rounds to so many digits of a second.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let unit = Arguments::AndMore(&[Kind::Text, Kind::Any], Kind::Text);
    let precision = Arguments::Exactly(&[Kind::Any, Kind::Int4]);
    let same = |types: &[PgType]| types.first().map_or(PgType::Unknown, PgType::clone);
    vec![
        Function::new("date_trunc", unit, truncated_type, |a, c| {
            each(a, c, |given| truncated(given, c))
        })
        .build(),
        Function::new("redkite_precision", precision, same, |a, c| each(a, c, rounded)).build(),
    ]
}

/// A date is an instant there, at its midnight.
fn truncated_type(types: &[PgType]) -> PgType {
    match types.get(1) {
        Some(ty @ (PgType::Timestamp | PgType::Interval)) => ty.clone(),
        _ => PgType::Timestamptz,
    }
}

/// What is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// So many microseconds.
    Micros(i64),
    Week,
    /// So many months.
    Months(i32),
    /// So many years, counted from the year 1 where they are a century or more.
    Years(i32),
}

fn unit_of(name: &str) -> Option<Unit> {
    Some(match name {
        "microsecond" | "microseconds" | "us" => Unit::Micros(1),
        "millisecond" | "milliseconds" | "ms" => Unit::Micros(1_000),
        "second" | "seconds" | "sec" => Unit::Micros(SECOND_US),
        "minute" | "minutes" | "min" => Unit::Micros(60 * SECOND_US),
        "hour" | "hours" => Unit::Micros(3_600 * SECOND_US),
        "day" | "days" => Unit::Micros(DAY_US),
        "week" | "weeks" => Unit::Week,
        "month" | "months" | "mon" => Unit::Months(1),
        "quarter" => Unit::Months(3),
        "year" | "years" => Unit::Years(1),
        "decade" | "decades" => Unit::Years(10),
        "century" | "centuries" => Unit::Years(100),
        "millennium" | "millennia" | "millenniums" => Unit::Years(1000),
        _ => return None,
    })
}

fn truncated(given: &[ScalarValue], call: &Call) -> Result<ScalarValue> {
    let name = text(&given[0]).to_lowercase();
    let unit = unit_of(&name).ok_or_else(|| {
        let ty = call.result.sql_name();
        let message = format!("unit \"{name}\" not recognized for type {ty}");
        SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
    })?;
    if let ScalarValue::IntervalMonthDayNano(Some(span)) = given[1] {
        return of_span(span.into(), unit)?
            .arrow()
            .map(|span| ScalarValue::IntervalMonthDayNano(Some(span)));
    }
    let us = match &given[1] {
        ScalarValue::Date32(Some(days)) => i64::from(*days) * DAY_US,
        ScalarValue::TimestampMicrosecond(Some(us), _) => *us,
        other => return Err(super::function::undefined("date_trunc", &[other.data_type()])),
    };
    let us = match given.get(2) {
        None => of_time(us, unit)?,
        Some(zone) => {
            let name = text(zone);
            let zone = TimeZone::parse_setting(name).ok_or_else(|| {
                let message = format!("time zone \"{name}\" not recognized");
                SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
            })?;
            let second = |offset: i32| i64::from(offset) * SECOND_US;
            let local = of_time(us + second(zone.offset_at(us)), unit)?;
            local - second(zone.offset_of_local(local))
        }
    };
    let zone = (call.result == PgType::Timestamptz).then(|| "UTC".into());
    Ok(ScalarValue::TimestampMicrosecond(Some(us), zone))
}

fn of_time(us: i64, unit: Unit) -> Result<i64> {
    if us == i64::MAX || us == i64::MIN {
        return Ok(us);
    }
    let out = || SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "timestamp out of range");
    let first = |year: i32, month: u32| {
        let day = NaiveDate::from_ymd_opt(year, month, 1).and_then(|day| day.and_hms_opt(0, 0, 0));
        day.map(|day| day.and_utc().timestamp_micros()).ok_or_else(out)
    };
    let (year, month0) = match unit {
        Unit::Micros(length) => return Ok(us - us.rem_euclid(length)),
        Unit::Week => {
            // The first of 1970 was a Thursday.
            let day = us.div_euclid(DAY_US);
            return Ok((day - (day + 3).rem_euclid(7)) * DAY_US);
        }
        Unit::Months(_) | Unit::Years(_) => {
            let time = DateTime::from_timestamp_micros(us).ok_or_else(out)?;
            (time.year(), time.month0())
        }
    };
    match unit {
        Unit::Months(3) => first(year, month0 / 3 * 3 + 1),
        Unit::Months(_) => first(year, month0 + 1),
        Unit::Years(many) => first(first_year(year, many), 1),
        Unit::Micros(_) | Unit::Week => Ok(us),
    }
}

/// The first of so many years: centuries begin with the year 1, decades with a zero.
fn first_year(year: i32, many: i32) -> i32 {
    match many {
        1 => year,
        10 => year.div_euclid(10) * 10,
        _ => (year - 1).div_euclid(many) * many + 1,
    }
}

fn of_span(span: Span, unit: Unit) -> Result<Span> {
    Ok(match unit {
        Unit::Micros(DAY_US) => Span { us: 0, ..span },
        Unit::Micros(length) => Span { us: span.us - span.us % length, ..span },
        Unit::Months(many) => Span { months: span.months - span.months % many, days: 0, us: 0 },
        Unit::Years(many) => {
            let many = many * 12;
            Span { months: span.months - span.months % many, days: 0, us: 0 }
        }
        Unit::Week => {
            let message = "unit \"week\" not supported for type interval";
            return Err(
                SqlError::unsupported(message).with_detail("Months usually have fractional weeks.")
            );
        }
    })
}

/// Rounds to a number of digits of a second.
fn rounded(given: &[ScalarValue]) -> Result<ScalarValue> {
    let digits = u32::try_from(whole(&given[1])).unwrap_or(0).min(6);
    let unit = 10_i64.pow(6 - digits);
    let round = |us: i64| match us {
        i64::MAX | i64::MIN => us,
        _ if us < 0 => (us - unit / 2) / unit * unit,
        _ => us.saturating_add(unit / 2) / unit * unit,
    };
    Ok(match &given[0] {
        ScalarValue::TimestampMicrosecond(Some(us), zone) => {
            ScalarValue::TimestampMicrosecond(Some(round(*us)), zone.clone())
        }
        ScalarValue::Time64Microsecond(Some(us)) => {
            ScalarValue::Time64Microsecond(Some(round(*us)))
        }
        ScalarValue::IntervalMonthDayNano(Some(span)) => {
            let nanoseconds = round(span.nanoseconds / 1000).saturating_mul(1000);
            let span = IntervalMonthDayNano::new(span.months, span.days, nanoseconds);
            ScalarValue::IntervalMonthDayNano(Some(span))
        }
        other => other.clone(),
    })
}

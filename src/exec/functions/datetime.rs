//! Functions of dates and times: time zones, parts, ages, and values made of parts.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float64Array, Int32Array,
    PrimitiveArray, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int32Type, IntervalMonthDayNanoType, Time64MicrosecondType,
    TimeUnit, TimestampMicrosecondType,
};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{
    Arguments, Call, Function, Kind, arrays, each, float, internal, result, whole,
};
use super::interval::{Span, add_span, intervals};
use crate::base::{Result, SqlError, SqlState};
use crate::types::{PgType, TimeZone};

const DAY_US: i64 = 86_400_000_000;

/// The functions of this family. `redkite_part_6` is `extract` with six digits after the point.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let interval = |_: &[PgType]| PgType::Interval;
    let zoned = |_: &[PgType]| PgType::Timestamptz;
    let local = |_: &[PgType]| PgType::Timestamp;
    let shift = Arguments::AndMore(&[Kind::Timestamptz, Kind::Interval], Kind::Text);
    let zoned_numbers = Arguments::AndMore(
        &[Kind::Int4, Kind::Int4, Kind::Int4, Kind::Int4, Kind::Int4, Kind::Float8],
        Kind::Text,
    );
    let date = Arguments::Exactly(&[Kind::Int4, Kind::Int4, Kind::Int4]);
    let time = Arguments::Exactly(&[Kind::Int4, Kind::Int4, Kind::Float8]);
    let numbers = Arguments::Exactly(&[
        Kind::Int4,
        Kind::Int4,
        Kind::Int4,
        Kind::Int4,
        Kind::Int4,
        Kind::Float8,
    ]);
    let span = Arguments::Exactly(&[
        Kind::Int4,
        Kind::Int4,
        Kind::Int4,
        Kind::Int4,
        Kind::Int4,
        Kind::Int4,
        Kind::Float8,
    ]);
    vec![
        Function::new("timezone", Arguments::Exactly(&[Kind::Any, Kind::Any]), other_side, zone)
            .build(),
        Function::new(
            "redkite_local",
            Arguments::Exactly(&[Kind::Text, Kind::Timestamptz]),
            local,
            zone,
        )
        .build(),
        Function::new(
            "redkite_instant",
            Arguments::Exactly(&[Kind::Text, Kind::Timestamp]),
            zoned,
            zone,
        )
        .build(),
        extract("redkite_part_0", |a, c| parts(a, c, Some(0)), 0),
        extract("redkite_part_3", |a, c| parts(a, c, Some(3)), 3),
        extract("redkite_part_6", |a, c| parts(a, c, Some(6)), 6),
        Function::new("date_part", PART, |_| PgType::Float8, |a, c| parts(a, c, None)).build(),
        Function::new(
            "date_mi",
            Arguments::Exactly(&[Kind::Any, Kind::Any]),
            |_| PgType::Int4,
            |a, _| days(a),
        )
        .build(),
        Function::new("age", Arguments::Exactly(&[Kind::Any, Kind::Any]), interval, |a, _| age(a))
            .build(),
        Function::new("isfinite", Arguments::Exactly(&[Kind::Any]), |_| PgType::Bool, finite)
            .build(),
        Function::new("date_add", shift, zoned, |a, _| shifted(a, 1)).build(),
        Function::new("date_subtract", shift, zoned, |a, _| shifted(a, -1)).build(),
        Function::new("make_timestamp", numbers, local, |a, _| made(a)).build(),
        Function::new("make_timestamptz", zoned_numbers, zoned, |a, _| made_zoned(a)).build(),
        Function::new("make_date", date, |_| PgType::Date, |a, c| each(a, c, made_date)).build(),
        Function::new("make_time", time, |_| PgType::Time, |a, c| each(a, c, made_time)).build(),
        Function::new("make_interval", span, interval, |a, _| made_interval(a)).build(),
    ]
}

/// What parts are taken with.
const PART: Arguments = Arguments::Exactly(&[Kind::Text, Kind::Any]);

/// `extract` for the parts that have so many digits after the point.
fn extract(name: &'static str, body: super::function::Body, scale: i8) -> Arc<ScalarUDF> {
    Function::new(name, PART, |_| PgType::Numeric(None), body)
        .returns_arrow(DataType::Decimal128(38, scale))
        .build()
}

/// A local time becomes an instant, and an instant a local time.
fn other_side(types: &[PgType]) -> PgType {
    match types.get(1) {
        Some(PgType::Timestamp) => PgType::Timestamptz,
        _ => PgType::Timestamp,
    }
}

fn overflow(what: &str) -> SqlError {
    SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("{what} out of range"))
}

fn micros(column: &ArrayRef) -> Result<TimestampMicrosecondArray> {
    let zone = match column.data_type() {
        DataType::Timestamp(_, Some(_)) => Some("UTC".into()),
        _ => None,
    };
    let wanted = DataType::Timestamp(TimeUnit::Microsecond, zone);
    let column = cast(column, &wanted).map_err(internal)?;
    Ok(column.as_primitive::<TimestampMicrosecondType>().clone())
}

/// `timezone(zone, time)`, `time AT TIME ZONE zone`.
fn zone(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let to_instant = call.result == PgType::Timestamptz;
    let times = match columns[1].data_type() {
        DataType::Utf8 => {
            let ty = if to_instant { PgType::Timestamp } else { PgType::Timestamptz };
            micros(&super::cast_text::parse_column(&columns[1], &ty)?)?
        }
        _ => micros(&columns[1])?,
    };
    let spans = columns[0].as_primitive_opt::<IntervalMonthDayNanoType>();
    let names = cast(&columns[0], &DataType::Utf8).ok();
    let names = names.as_ref().and_then(|names| names.as_string_opt::<i32>());
    let mut last: Option<(String, TimeZone)> = None;
    let mut found = Vec::with_capacity(times.len());
    for row in 0..times.len() {
        if times.is_null(row) || columns[0].is_null(row) {
            found.push(None);
            continue;
        }
        let at = times.value(row);
        let offset = match (spans, names) {
            (Some(spans), _) => Span::from(spans.value(row)).us / 1_000_000,
            (None, Some(names)) => {
                let name = names.value(row);
                if last.as_ref().is_none_or(|(known, _)| known != name) {
                    let zone = TimeZone::parse_setting(name).ok_or_else(|| {
                        let message = format!("time zone \"{name}\" not recognized");
                        SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
                    })?;
                    last = Some((name.to_owned(), posix(name, zone)));
                }
                let zone = last.as_ref().map_or(TimeZone::UTC, |(_, zone)| zone.clone());
                i64::from(if to_instant { zone.offset_of_local(at) } else { zone.offset_at(at) })
            }
            (None, None) => return Err(internal("a time zone is text or an interval")),
        };
        let us = offset * 1_000_000;
        let moved = if to_instant { at.checked_sub(us) } else { at.checked_add(us) };
        found.push(Some(moved.ok_or_else(|| overflow("timestamp"))?));
    }
    let column = TimestampMicrosecondArray::from(found);
    let column = if to_instant { column.with_timezone("UTC") } else { column };
    result(Arc::new(column), scalar)
}

/// A bare offset counts west of Greenwich here, as in POSIX.
fn posix(name: &str, zone: TimeZone) -> TimeZone {
    let digits = name.trim_start_matches(['+', '-']);
    if digits.is_empty() || !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return zone;
    }
    let turned = match name.strip_prefix('-') {
        Some(rest) => rest.to_owned(),
        None => format!("-{digits}"),
    };
    TimeZone::parse_setting(&turned).unwrap_or(zone)
}

/// `extract(field FROM value)`.
fn parts(arguments: &[ColumnarValue], call: &Call, scale: Option<i8>) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let ty = call.types.get(1).cloned().unwrap_or(PgType::Unknown);
    let fields = columns[0].as_string::<i32>();
    let values = Values::new(&columns[1], &ty)?;
    let mut found: Vec<Option<i128>> = Vec::with_capacity(values.len());
    for row in 0..values.len() {
        if fields.is_null(row) || values.is_null(row) {
            found.push(None);
            continue;
        }
        let field = fields.value(row).to_lowercase();
        let part = values.part(row, &field).ok_or_else(|| {
            let message = format!("unit \"{field}\" not recognized for type {}", ty.sql_name());
            SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
        })?;
        found.push(Some(part));
    }
    let Some(scale) = scale else {
        #[expect(clippy::cast_precision_loss, reason = "date_part returns a float")]
        let floats: Float64Array =
            found.into_iter().map(|part| part.map(|part| part as f64 / 1e6)).collect();
        return result(Arc::new(floats), scalar);
    };
    let unit = 10_i128.pow(u32::try_from(6 - scale).unwrap_or(0));
    let found: Decimal128Array =
        found.into_iter().map(|part| part.map(|part| part / unit)).collect();
    let column = found.with_precision_and_scale(38, scale);
    result(Arc::new(column.map_err(internal)?), scalar)
}

/// What parts are taken of.
enum Values {
    Time(PrimitiveArray<Time64MicrosecondType>),
    Instant(TimestampMicrosecondArray),
    Interval(PrimitiveArray<IntervalMonthDayNanoType>),
}

impl Values {
    fn new(column: &ArrayRef, ty: &PgType) -> Result<Self> {
        Ok(match ty {
            PgType::Time => {
                let column = cast(column, &PgType::Time.arrow()).map_err(internal)?;
                Self::Time(column.as_primitive().clone())
            }
            PgType::Interval => Self::Interval(
                cast(column, &PgType::Interval.arrow()).map_err(internal)?.as_primitive().clone(),
            ),
            PgType::Date | PgType::Timestamp | PgType::Timestamptz => {
                Self::Instant(micros(column)?)
            }
            PgType::Text | PgType::Unknown => {
                Self::Instant(micros(&super::cast_text::parse_column(column, &PgType::Timestamp)?)?)
            }
            other => {
                return Err(super::function::undefined("extract", &[other.arrow()]));
            }
        })
    }

    fn len(&self) -> usize {
        match self {
            Self::Time(column) => column.len(),
            Self::Instant(column) => column.len(),
            Self::Interval(column) => column.len(),
        }
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Time(column) => column.is_null(row),
            Self::Instant(column) => column.is_null(row),
            Self::Interval(column) => column.is_null(row),
        }
    }

    /// A part, in millionths; `None` for one that the type has not.
    fn part(&self, row: usize, field: &str) -> Option<i128> {
        match self {
            Self::Time(column) => of_day(column.value(row), field),
            Self::Interval(column) => of_span(column.value(row).into(), field),
            Self::Instant(column) => of_instant(column.value(row), field),
        }
    }
}

const UNIT: i128 = 1_000_000;

/// Parts of the time of a day.
fn of_day(us: i64, field: &str) -> Option<i128> {
    let minute_us = i128::from(us.rem_euclid(60_000_000));
    Some(match field {
        "hour" | "hours" => i128::from(us / 3_600_000_000) * UNIT,
        "minute" | "minutes" => i128::from(us / 60_000_000 % 60) * UNIT,
        "second" | "seconds" => minute_us,
        "millisecond" | "milliseconds" => minute_us * 1000,
        "microsecond" | "microseconds" => minute_us * UNIT,
        "epoch" => i128::from(us),
        _ => return None,
    })
}

fn of_span(span: Span, field: &str) -> Option<i128> {
    let whole = |value: i64| Some(i128::from(value) * UNIT);
    let (years, months) = (i64::from(span.months / 12), i64::from(span.months % 12));
    match field {
        "year" | "years" => whole(years),
        "month" | "months" => whole(months),
        "day" | "days" => whole(span.days.into()),
        "decade" | "decades" => whole(years / 10),
        "century" | "centuries" => whole(years / 100),
        "quarter" => whole(months / 3 + 1),
        "hour" | "hours" => whole(span.us / 3_600_000_000),
        "minute" | "minutes" => whole(span.us / 60_000_000 % 60),
        "second" | "seconds" => Some(i128::from(span.us % 60_000_000)),
        "millisecond" | "milliseconds" => Some(i128::from(span.us % 60_000_000) * 1000),
        "microsecond" | "microseconds" => Some(i128::from(span.us % 60_000_000) * UNIT),
        "epoch" => {
            // A year has 365.25 days there.
            let years_us = i128::from(years) * 31_557_600 * UNIT;
            let months_us = i128::from(months) * 30 * i128::from(DAY_US);
            Some(
                years_us
                    + months_us
                    + i128::from(span.days) * i128::from(DAY_US)
                    + i128::from(span.us),
            )
        }
        _ => None,
    }
}

fn of_instant(us: i64, field: &str) -> Option<i128> {
    if field == "epoch" {
        return Some(i128::from(us));
    }
    let time = DateTime::from_timestamp_micros(us)?.naive_utc();
    let whole = |value: i64| Some(i128::from(value) * UNIT);
    let year = i64::from(time.year());
    let weekday = i64::from(time.weekday().num_days_from_sunday());
    match field {
        "year" | "years" => whole(if year > 0 { year } else { year - 1 }),
        "month" | "months" => whole(time.month().into()),
        "day" | "days" => whole(time.day().into()),
        "dow" => whole(weekday),
        "isodow" => whole((weekday + 6) % 7 + 1),
        "doy" => whole(time.ordinal().into()),
        "week" | "weeks" => whole(time.iso_week().week().into()),
        "isoyear" => whole(time.iso_week().year().into()),
        "quarter" => whole(i64::from((time.month() - 1) / 3) + 1),
        "decade" | "decades" => whole(year.div_euclid(10)),
        "century" | "centuries" => whole((year + 99).div_euclid(100)),
        "millennium" | "millenniums" => whole((year + 999).div_euclid(1000)),
        "julian" => whole(i64::from(time.num_days_from_ce()) + 1_721_425),
        "timezone" | "timezone_hour" | "timezone_minute" => whole(0),
        _ => of_day(us.rem_euclid(DAY_US), field),
    }
}

/// `date - date`: days.
fn days(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let date = |column: &ArrayRef| cast(column, &DataType::Date32).map_err(internal);
    let (left, right) = (date(&columns[0])?, date(&columns[1])?);
    let (left, right) = (left.as_primitive::<Date32Type>(), right.as_primitive::<Date32Type>());
    let found = left.iter().zip(right).map(|(l, r)| match l.zip(r) {
        Some((l, r)) => l.checked_sub(r).map(Some).ok_or_else(|| overflow("date")),
        None => Ok(None),
    });
    result(Arc::new(found.collect::<Result<Int32Array>>()?), scalar)
}

/// `age(a, b)`: years, months and days between, as people count.
fn age(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let (left, right) = (micros(&columns[0])?, micros(&columns[1])?);
    intervals(left.len(), scalar, |row| {
        if left.is_null(row) || right.is_null(row) {
            return Ok(None);
        }
        let (a, b) = (left.value(row), right.value(row));
        let span = if a >= b { between(a, b)? } else { between(b, a)? };
        let sign = if a >= b { 1 } else { -1 };
        let span = Span {
            months: span.months * sign,
            days: span.days * sign,
            us: span.us * i64::from(sign),
        };
        Ok(Some(span))
    })
}

/// From an earlier instant to a later one.
fn between(later: i64, earlier: i64) -> Result<Span> {
    let time = |us: i64| -> Result<NaiveDateTime> {
        let time = DateTime::from_timestamp_micros(us).ok_or_else(|| overflow("timestamp"))?;
        Ok(time.naive_utc())
    };
    let (a, b) = (time(later)?, time(earlier)?);
    let count = |time: &NaiveDateTime| time.year() * 12 + i32::try_from(time.month0()).unwrap_or(0);
    let (mut months, mut days) = (count(&a) - count(&b), 0);
    days += i32::try_from(a.day()).unwrap_or(0) - i32::try_from(b.day()).unwrap_or(0);
    let of_day = |us: i64| us.rem_euclid(DAY_US);
    let mut us = of_day(later) - of_day(earlier);
    if us < 0 {
        (us, days) = (us + DAY_US, days - 1);
    }
    if days < 0 {
        // The days of the earlier one's month.
        let first = NaiveDate::from_ymd_opt(b.year(), b.month(), 1);
        let next = first.and_then(|first| first.checked_add_months(chrono::Months::new(1)));
        let length = first.zip(next).map_or(30, |(first, next)| (next - first).num_days());
        days += i32::try_from(length).unwrap_or(30);
        months -= 1;
    }
    Ok(Span { months, days, us })
}

fn finite(arguments: &[ColumnarValue], _: &Call) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let column = &columns[0];
    let found: BooleanArray = match column.data_type() {
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>();
            days.iter().map(|day| day.map(|day| day != i32::MAX && day != i32::MIN)).collect()
        }
        DataType::Timestamp(..) => {
            let times = micros(column)?;
            times.iter().map(|us| us.map(|us| us != i64::MAX && us != i64::MIN)).collect()
        }
        _ => (0..column.len()).map(|row| (!column.is_null(row)).then_some(true)).collect(),
    };
    result(Arc::new(found), scalar)
}

fn shifted(arguments: &[ColumnarValue], sign: i32) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let times = micros(&columns[0])?;
    let spans = columns[1].as_primitive::<IntervalMonthDayNanoType>();
    let moved = (0..times.len()).map(|row| {
        if times.is_null(row) || spans.is_null(row) {
            return Ok(None);
        }
        let span = Span::from(spans.value(row));
        let span = Span {
            months: span.months * sign,
            days: span.days * sign,
            us: span.us * i64::from(sign),
        };
        let at = times.value(row);
        let Some(zones) = columns.get(2) else { return add_span(at, span).map(Some) };
        let zones = zones.as_string::<i32>();
        if zones.is_null(row) {
            return Ok(None);
        }
        // Days and months are those of the zone's local time.
        let zone = named_zone(zones.value(row))?;
        let local = at + i64::from(zone.offset_at(at)) * 1_000_000;
        let moved = add_span(local, Span { us: 0, ..span })?;
        Ok(Some(moved - i64::from(zone.offset_of_local(moved)) * 1_000_000 + span.us))
    });
    let column = TimestampMicrosecondArray::from(moved.collect::<Result<Vec<_>>>()?);
    result(Arc::new(column.with_timezone("UTC")), scalar)
}

/// Microseconds of a number of seconds, which may have a fraction.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn seconds_us(seconds: f64) -> Result<i64> {
    let us = (seconds * 1e6).round_ties_even();
    if us.abs() < 9.2e18 { Ok(us as i64) } else { Err(overflow("interval")) }
}

fn made_column(arguments: &[ColumnarValue]) -> Result<(TimestampMicrosecondArray, bool)> {
    let (columns, scalar) = arrays(arguments)?;
    let number = |at: usize, row: usize| columns[at].as_primitive::<Int32Type>().value(row);
    let rows = columns[0].len();
    let made = (0..rows).map(|row| {
        if columns.iter().any(|column| column.is_null(row)) {
            return Ok(None);
        }
        let seconds = columns[5].as_primitive::<Float64Type>().value(row);
        let unsigned = |at: usize| u32::try_from(number(at, row)).ok();
        let time = || {
            let date = NaiveDate::from_ymd_opt(number(0, row), unsigned(1)?, unsigned(2)?)?;
            date.and_hms_opt(unsigned(3)?, unsigned(4)?, 0)
        };
        let time = time().filter(|_| (0.0..60.0).contains(&seconds)).ok_or_else(|| {
            let (y, m, d) = (number(0, row), number(1, row), number(2, row));
            let message = format!("date field value out of range: {y}-{m:02}-{d:02}");
            SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, message)
        })?;
        debug_assert_eq!(time.second(), 0);
        Ok(Some(time.and_utc().timestamp_micros() + seconds_us(seconds)?))
    });
    Ok((TimestampMicrosecondArray::from(made.collect::<Result<Vec<_>>>()?), scalar))
}

fn made(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (column, scalar) = made_column(arguments)?;
    result(Arc::new(column), scalar)
}

fn made_zoned(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (column, scalar) = made_column(arguments)?;
    let column: ArrayRef = match arguments.get(6) {
        Some(zones) => {
            let zones = zones.to_array(column.len()).map_err(internal)?;
            let zones = zones.as_string::<i32>().iter().zip(&column);
            let us = zones.map(|(zone, local)| match zone.zip(local) {
                Some((zone, local)) => named_zone(zone)
                    .map(|zone| Some(local - i64::from(zone.offset_of_local(local)) * 1_000_000)),
                None => Ok(None),
            });
            Arc::new(us.collect::<Result<TimestampMicrosecondArray>>()?.with_timezone("UTC"))
        }
        None => Arc::new(column.with_timezone("UTC")),
    };
    result(column, scalar)
}

fn named_zone(name: &str) -> Result<TimeZone> {
    TimeZone::parse_setting(name).ok_or_else(|| {
        let message = format!("time zone \"{name}\" not recognized");
        SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
    })
}

/// `make_date(year, month, day)`; years below zero are before Christ.
fn made_date(given: &[ScalarValue]) -> Result<ScalarValue> {
    const EPOCH_FROM_CE: i32 = 719_163;
    let number = |at: usize| i32::try_from(whole(&given[at])).unwrap_or(0);
    let (year, month, day) = (number(0), number(1), number(2));
    let counted = if year < 0 { year + 1 } else { year };
    let unsigned = |number: i32| u32::try_from(number).ok();
    let date = unsigned(month)
        .zip(unsigned(day))
        .and_then(|(month, day)| NaiveDate::from_ymd_opt(counted, month, day));
    let date = date.filter(|_| year != 0).ok_or_else(|| {
        let message = format!("date field value out of range: {year}-{month:02}-{day:02}");
        SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, message)
    })?;
    Ok(ScalarValue::Date32(Some(date.num_days_from_ce() - EPOCH_FROM_CE)))
}

/// `make_time(hour, minute, seconds)`.
fn made_time(given: &[ScalarValue]) -> Result<ScalarValue> {
    let (hour, minute, seconds) = (whole(&given[0]), whole(&given[1]), float(&given[2]));
    let us = hour * 3_600_000_000 + minute * 60_000_000 + seconds_us(seconds)?;
    let fields = (0..=24).contains(&hour) && (0..60).contains(&minute);
    if !fields || !(0.0..=60.0).contains(&seconds) || us > DAY_US {
        let message = format!("time field value out of range: {hour}:{minute:02}:{seconds:02}");
        return Err(SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, message));
    }
    Ok(ScalarValue::Time64Microsecond(Some(us)))
}

/// `make_interval(years, months, weeks, days, hours, mins, secs)`.
fn made_interval(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    intervals(columns[0].len(), scalar, |row| {
        if columns.iter().any(|column| column.is_null(row)) {
            return Ok(None);
        }
        let number = |at: usize| i64::from(columns[at].as_primitive::<Int32Type>().value(row));
        let narrow = |value: i64| i32::try_from(value).map_err(|_| overflow("interval"));
        let seconds = columns[6].as_primitive::<Float64Type>().value(row);
        let us = number(4) * 3_600_000_000 + number(5) * 60_000_000 + seconds_us(seconds)?;
        let months = narrow(number(0) * 12 + number(1))?;
        Ok(Some(Span { months, days: narrow(number(2) * 7 + number(3))?, us }))
    })
}

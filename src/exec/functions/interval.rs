//! Arithmetic of intervals as PostgreSQL does it: months, days and microseconds apart, 30 days to
//! a month where they are compared, fractions carried down where they are multiplied.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, IntervalMonthDayNanoArray, PrimitiveArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{
    Float64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, TimestampMicrosecondType,
};
use chrono::{DateTime, Months, NaiveDateTime};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Function, Kind, arrays, result};
use crate::base::{Result, SqlError, SqlState};
use crate::types::PgType;

const DAY_US: i64 = 86_400_000_000;
const MONTH_DAYS: i64 = 30;

/// The functions of this family: what the operators on intervals mean, and `justify_days` and its
/// like.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let interval = |_: &[PgType]| PgType::Interval;
    let boolean = |_: &[PgType]| PgType::Bool;
    let one = Arguments::Exactly(&[Kind::Interval]);
    let two = Arguments::Exactly(&[Kind::Interval, Kind::Interval]);
    let scaled = Arguments::Exactly(&[Kind::Interval, Kind::Float8]);
    let plain = Arguments::Exactly(&[Kind::Timestamp, Kind::Timestamp]);
    let zoned = Arguments::Exactly(&[Kind::Timestamptz, Kind::Timestamptz]);
    vec![
        Function::new("interval_mul", scaled, interval, |a, _| scale(a, |x, by| x * by)).build(),
        Function::new("interval_div", scaled, interval, |a, _| divide(a)).build(),
        Function::new("interval_neg", one, interval, |a, _| each(a, Span::negated)).build(),
        Function::new("interval_eq", two, boolean, |a, _| compare(a, |x, y| x == y)).build(),
        Function::new("interval_ne", two, boolean, |a, _| compare(a, |x, y| x != y)).build(),
        Function::new("interval_lt", two, boolean, |a, _| compare(a, |x, y| x < y)).build(),
        Function::new("interval_le", two, boolean, |a, _| compare(a, |x, y| x <= y)).build(),
        Function::new("interval_gt", two, boolean, |a, _| compare(a, |x, y| x > y)).build(),
        Function::new("interval_ge", two, boolean, |a, _| compare(a, |x, y| x >= y)).build(),
        Function::new("justify_days", one, interval, |a, _| each(a, Span::with_months)).build(),
        Function::new("justify_hours", one, interval, |a, _| each(a, Span::with_days)).build(),
        Function::new("justify_interval", one, interval, |a, _| each(a, Span::justified)).build(),
        Function::new("timestamp_mi", plain, interval, |a, _| differ(a)).build(),
        Function::new("timestamptz_mi", zoned, interval, |a, _| differ(a)).build(),
    ]
}

/// An interval's three parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) months: i32,
    pub(super) days: i32,
    pub(super) us: i64,
}

impl From<IntervalMonthDayNano> for Span {
    fn from(value: IntervalMonthDayNano) -> Self {
        Self { months: value.months, days: value.days, us: value.nanoseconds / 1000 }
    }
}

impl Span {
    /// As Arrow keeps it.
    pub(super) fn arrow(self) -> Result<IntervalMonthDayNano> {
        let nanoseconds = self.us.checked_mul(1000).ok_or_else(out_of_range)?;
        Ok(IntervalMonthDayNano::new(self.months, self.days, nanoseconds))
    }

    /// Its length where a month has thirty days and a day 24 hours: what comparisons go by.
    pub(super) fn estimate_us(self) -> i128 {
        let days = i64::from(self.months) * MONTH_DAYS + i64::from(self.days);
        i128::from(days) * i128::from(DAY_US) + i128::from(self.us)
    }

    fn negated(self) -> Result<Self> {
        let months = self.months.checked_neg().ok_or_else(out_of_range)?;
        let days = self.days.checked_neg().ok_or_else(out_of_range)?;
        Ok(Self { months, days, us: self.us.checked_neg().ok_or_else(out_of_range)? })
    }

    /// Thirty days become a month.
    fn with_months(self) -> Result<Self> {
        let mut months = self.months + self.days / 30;
        let mut days = self.days % 30;
        if months > 0 && days < 0 {
            (months, days) = (months - 1, days + 30);
        } else if months < 0 && days > 0 {
            (months, days) = (months + 1, days - 30);
        }
        Ok(Self { months, days, ..self })
    }

    /// 24 hours become a day.
    fn with_days(self) -> Result<Self> {
        let whole = i32::try_from(self.us / DAY_US).map_err(|_| out_of_range())?;
        let mut days = self.days.checked_add(whole).ok_or_else(out_of_range)?;
        let mut us = self.us % DAY_US;
        if days > 0 && us < 0 {
            (days, us) = (days - 1, us + DAY_US);
        } else if days < 0 && us > 0 {
            (days, us) = (days + 1, us - DAY_US);
        }
        Ok(Self { days, us, ..self })
    }

    fn justified(self) -> Result<Self> {
        let mut span = self.with_days()?.with_months()?;
        let later = span.days > 0 || span.days == 0 && span.us > 0;
        let earlier = span.days < 0 || span.days == 0 && span.us < 0;
        if span.months > 0 && earlier {
            (span.months, span.days) = (span.months - 1, span.days + 30);
        } else if span.months < 0 && later {
            (span.months, span.days) = (span.months + 1, span.days - 30);
        }
        span.with_days()
    }

    /// Multiplied; what months and days lose goes to days and microseconds.
    #[expect(clippy::cast_precision_loss, reason = "as in PostgreSQL's interval_mul")]
    pub(super) fn scaled(self, by: impl Fn(f64) -> f64) -> Result<Self> {
        let months = by(self.months.into());
        let days = by(self.days.into());
        let rest_of_months = (months - months.trunc()) * 30.0;
        let rest_of_months = round_to_us(rest_of_months);
        let mut rest = round_to_us(days - days.trunc() + rest_of_months - rest_of_months.trunc());
        let mut whole = days.trunc() + rest_of_months.trunc();
        if rest.abs() >= 1.0 {
            whole += rest.trunc();
            rest -= rest.trunc();
        }
        let us = (by(self.us as f64) + rest * DAY_US as f64).round_ties_even();
        Ok(Self { months: int4(months.trunc())?, days: int4(whole)?, us: int8(us)? })
    }
}

/// A number of days at the precision of a microsecond: differences of floats leave dust.
fn round_to_us(days: f64) -> f64 {
    const TICKS: f64 = 86_400_000_000.0;
    (days * TICKS).round_ties_even() / TICKS
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn int4(value: f64) -> Result<i32> {
    let fits = value >= f64::from(i32::MIN) && value <= f64::from(i32::MAX);
    if fits { Ok(value as i32) } else { Err(out_of_range()) }
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn int8(value: f64) -> Result<i64> {
    let fits = value.abs() < 9.2e18;
    if fits { Ok(value as i64) } else { Err(out_of_range()) }
}

pub(super) fn out_of_range() -> SqlError {
    SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "interval out of range")
}

/// An instant (microseconds since 1970) later by an interval: months, then days, then the rest.
pub(super) fn add_span(us: i64, span: Span) -> Result<i64> {
    let beyond = || SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "timestamp out of range");
    let mut at = us;
    if span.months != 0 {
        let time = DateTime::from_timestamp_micros(us).ok_or_else(beyond)?.naive_utc();
        let months = Months::new(span.months.unsigned_abs());
        let moved: Option<NaiveDateTime> = match span.months > 0 {
            true => time.checked_add_months(months),
            false => time.checked_sub_months(months),
        };
        at = moved.ok_or_else(beyond)?.and_utc().timestamp_micros();
    }
    let days = i64::from(span.days).checked_mul(DAY_US).ok_or_else(beyond)?;
    at.checked_add(days).and_then(|at| at.checked_add(span.us)).ok_or_else(beyond)
}

/// A column of intervals of what a function finds for each row.
pub(super) fn intervals(
    rows: usize,
    scalar: bool,
    row: impl Fn(usize) -> Result<Option<Span>>,
) -> Result<ColumnarValue> {
    let found =
        (0..rows).map(|at| row(at)?.map(Span::arrow).transpose()).collect::<Result<Vec<_>>>()?;
    result(Arc::new(found.into_iter().collect::<IntervalMonthDayNanoArray>()), scalar)
}

fn spans(column: &ArrayRef) -> &PrimitiveArray<IntervalMonthDayNanoType> {
    column.as_primitive::<IntervalMonthDayNanoType>()
}

fn each(arguments: &[ColumnarValue], change: fn(Span) -> Result<Span>) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let spans = spans(&columns[0]);
    intervals(spans.len(), scalar, |row| {
        (!spans.is_null(row)).then(|| change(spans.value(row).into())).transpose()
    })
}

fn scale(arguments: &[ColumnarValue], by: fn(f64, f64) -> f64) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let (spans, numbers) = (spans(&columns[0]), columns[1].as_primitive::<Float64Type>());
    intervals(spans.len(), scalar, |row| {
        if spans.is_null(row) || numbers.is_null(row) {
            return Ok(None);
        }
        let number = numbers.value(row);
        Span::from(spans.value(row)).scaled(|part| by(part, number)).map(Some)
    })
}

fn divide(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, _) = arrays(arguments)?;
    let zero = columns[1].as_primitive::<Float64Type>().iter().flatten().any(|n| n == 0.0);
    if zero {
        return Err(SqlError::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
    }
    scale(arguments, |part, by| part / by)
}

fn compare(arguments: &[ColumnarValue], test: fn(i128, i128) -> bool) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let (left, right) = (spans(&columns[0]), spans(&columns[1]));
    let length = |span: IntervalMonthDayNano| Span::from(span).estimate_us();
    let found: BooleanArray = left
        .iter()
        .zip(right)
        .map(|(l, r)| l.zip(r).map(|(l, r)| test(length(l), length(r))))
        .collect();
    result(Arc::new(found), scalar)
}

/// `timestamp - timestamp`: days and the rest of a day.
fn differ(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let time = |column: &ArrayRef| column.as_primitive::<TimestampMicrosecondType>().clone();
    let (left, right): (TimestampMicrosecondArray, _) = (time(&columns[0]), time(&columns[1]));
    intervals(left.len(), scalar, |row| {
        if left.is_null(row) || right.is_null(row) {
            return Ok(None);
        }
        let us = left.value(row).checked_sub(right.value(row)).ok_or_else(out_of_range)?;
        Span { months: 0, days: 0, us }.with_days().map(Some)
    })
}

//! Reads intervals: PostgreSQL's (`1 year 2 mons -3 days 04:05:06`, `@ 1 minute ago`), SQL's
//! (`1-2`, `3 4:05:06`) and ISO 8601's (`P1Y2M3DT4H5M6S`).

use arrow::datatypes::IntervalMonthDayNano;

use super::datetime_input::fraction_us;
use super::{PgType, errors};
use crate::base::{Result, SqlError, SqlState};

const SECOND_US: f64 = 1_000_000.0;
const DAY_US: f64 = 86_400.0 * SECOND_US;

/// What a unit counts, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Unit {
    Months(i64),
    Days(i64),
    Micros(f64),
}

#[derive(Debug, Default)]
struct Sum {
    months: i64,
    days: i64,
    us: i64,
}

#[derive(Debug)]
enum Refusal {
    Syntax,
    Range,
}

/// Reads an interval.
pub(super) fn parse(text: &str) -> Result<IntervalMonthDayNano> {
    let trimmed = text.trim_ascii();
    let sum = match trimmed.as_bytes() {
        [b'P', ..] => iso(trimmed),
        [b'-', b'P', ..] => Err(Refusal::Syntax),
        _ => postgres(trimmed),
    };
    let refuse = |refusal| match refusal {
        Refusal::Syntax => errors::invalid_syntax(&PgType::Interval, text),
        Refusal::Range => SqlError::new(
            SqlState::INTERVAL_FIELD_OVERFLOW,
            format!("interval field value out of range: \"{text}\""),
        ),
    };
    sum.and_then(|sum| sum.finish()).map_err(refuse)
}

impl Sum {
    fn finish(&self) -> Result<IntervalMonthDayNano, Refusal> {
        let months = i32::try_from(self.months).map_err(|_| Refusal::Range)?;
        let days = i32::try_from(self.days).map_err(|_| Refusal::Range)?;
        let nanoseconds = self.us.checked_mul(1000).ok_or(Refusal::Range)?;
        Ok(IntervalMonthDayNano::new(months, days, nanoseconds))
    }

    /// Adds a number of units; a fraction of one spills into the smaller ones, a month of 30
    /// days and a day of 24 hours.
    fn add(&mut self, number: &Number, unit: Unit) -> Result<(), Refusal> {
        let part = number.fraction;
        match unit {
            Unit::Months(each) => {
                self.add_months(number.whole.checked_mul(each).ok_or(Refusal::Range)?)?;
                #[expect(clippy::cast_precision_loss, reason = "months of a unit are few")]
                let months = part * each as f64;
                if each == 1 {
                    self.add_days_fraction(months * 30.0)?;
                } else {
                    self.add_months(round(months)?)?;
                }
            }
            Unit::Days(each) => {
                self.add_days(number.whole.checked_mul(each).ok_or(Refusal::Range)?)?;
                #[expect(clippy::cast_precision_loss, reason = "days of a unit are few")]
                self.add_days_fraction(part * each as f64)?;
            }
            Unit::Micros(each) => {
                let whole = i128::from(number.whole) * i128::from(round(each)?);
                self.add_us(i64::try_from(whole).map_err(|_| Refusal::Range)?)?;
                self.add_us(round(part * each)?)?;
            }
        }
        Ok(())
    }

    fn add_days_fraction(&mut self, days: f64) -> Result<(), Refusal> {
        self.add_days(round(days.trunc())?)?;
        self.add_us(round(days.fract() * DAY_US)?)
    }

    fn add_months(&mut self, months: i64) -> Result<(), Refusal> {
        self.months = self.months.checked_add(months).ok_or(Refusal::Range)?;
        Ok(())
    }

    fn add_days(&mut self, days: i64) -> Result<(), Refusal> {
        self.days = self.days.checked_add(days).ok_or(Refusal::Range)?;
        Ok(())
    }

    fn add_us(&mut self, us: i64) -> Result<(), Refusal> {
        self.us = self.us.checked_add(us).ok_or(Refusal::Range)?;
        Ok(())
    }

    /// Adds `[hours:]minutes:seconds`, whichever were written.
    fn add_clock(&mut self, text: &str) -> Result<(), Refusal> {
        let (negative, text) = sign(text);
        let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
        let mut parts = Vec::with_capacity(3);
        for part in clock.split(':') {
            parts.push(digits(part)?);
        }
        let (hours, minutes, seconds) = match parts.as_slice() {
            [minutes, seconds] if !fraction.is_empty() => (0, *minutes, *seconds),
            [hours, minutes] => (*hours, *minutes, 0),
            [hours, minutes, seconds] => (*hours, *minutes, *seconds),
            _ => return Err(Refusal::Syntax),
        };
        if minutes > 59 || seconds > 60 {
            return Err(Refusal::Range);
        }
        let whole = i128::from(hours) * 3600 + i128::from(minutes * 60 + seconds);
        let fraction = fraction_us(fraction).ok_or(Refusal::Syntax)?;
        let us = whole * 1_000_000 + i128::from(fraction);
        let us = i64::try_from(us).map_err(|_| Refusal::Range)?;
        self.add_us(if negative { -us } else { us })
    }

    fn negate(&mut self) {
        self.months = -self.months;
        self.days = -self.days;
        self.us = -self.us;
    }
}

/// A number with its sign in both parts.
#[derive(Debug)]
struct Number {
    whole: i64,
    fraction: f64,
}

impl Number {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let (negative, unsigned) = sign(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        if (whole.is_empty() && fraction.is_empty())
            || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit())
        {
            return Err(Refusal::Syntax);
        }
        let whole = if whole.is_empty() { 0 } else { digits(whole)? };
        let fraction: f64 = format!("0.{fraction}0").parse().map_err(|_| Refusal::Syntax)?;
        Ok(if negative {
            Self { whole: -whole, fraction: -fraction }
        } else {
            Self { whole, fraction }
        })
    }
}

fn sign(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

fn digits(text: &str) -> Result<i64, Refusal> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Refusal::Syntax);
    }
    text.parse().map_err(|_| Refusal::Range)
}

fn round(value: f64) -> Result<i64, Refusal> {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    if value.abs() < 9.2e18 { Ok(value.round_ties_even() as i64) } else { Err(Refusal::Range) }
}

fn unit(word: &str) -> Option<Unit> {
    Some(match word.to_ascii_lowercase().as_str() {
        "us" | "usec" | "usecs" | "usecond" | "useconds" | "microsecond" | "microseconds"
        | "microsec" | "microsecs" => Unit::Micros(1.0),
        "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisecond" | "milliseconds"
        | "millisec" | "millisecs" => Unit::Micros(1000.0),
        "s" | "sec" | "secs" | "second" | "seconds" => Unit::Micros(SECOND_US),
        "m" | "min" | "mins" | "minute" | "minutes" => Unit::Micros(60.0 * SECOND_US),
        "h" | "hr" | "hrs" | "hour" | "hours" => Unit::Micros(3600.0 * SECOND_US),
        "d" | "day" | "days" => Unit::Days(1),
        "w" | "week" | "weeks" => Unit::Days(7),
        "mon" | "mons" | "month" | "months" => Unit::Months(1),
        "y" | "yr" | "yrs" | "year" | "years" => Unit::Months(12),
        "dec" | "decs" | "decade" | "decades" => Unit::Months(120),
        "c" | "cent" | "century" | "centuries" => Unit::Months(1200),
        "mil" | "mils" | "millennium" | "millennia" => Unit::Months(12_000),
        _ => return None,
    })
}

fn postgres(text: &str) -> Result<Sum, Refusal> {
    let mut sum = Sum::default();
    let mut waiting: Option<Number> = None;
    let mut seen = Vec::new();
    let mut any = false;
    let mut ago = false;
    for token in tokens(text) {
        if ago {
            return Err(Refusal::Syntax);
        }
        let first = token.as_bytes().first().copied().unwrap_or_default();
        if token == "@" && !any {
            continue;
        }
        any = true;
        if token.eq_ignore_ascii_case("ago") {
            if waiting.is_some() {
                return Err(Refusal::Syntax);
            }
            sum.negate();
            ago = true;
        } else if first.is_ascii_alphabetic() {
            let number = waiting.take().ok_or(Refusal::Syntax)?;
            let unit = unit(token).ok_or(Refusal::Syntax)?;
            if seen.contains(&unit) {
                return Err(Refusal::Syntax);
            }
            seen.push(unit);
            sum.add(&number, unit)?;
        } else if token.contains(':') {
            // SQL's `3 4:05:06`: a number before the time counts days.
            if let Some(number) = waiting.take() {
                sum.add(&number, Unit::Days(1))?;
            }
            sum.add_clock(token)?;
        } else if let Some(at) = token[1..].find('-') {
            let (negative, years) = sign(&token[..=at]);
            let months = digits(&token[at + 2..])?;
            if months > 11 {
                return Err(Refusal::Range);
            }
            let total = digits(years)?.checked_mul(12).ok_or(Refusal::Range)? + months;
            sum.add_months(if negative { -total } else { total })?;
        } else if waiting.is_some() {
            return Err(Refusal::Syntax);
        } else {
            waiting = Some(Number::parse(token)?);
        }
    }
    if let Some(number) = waiting {
        sum.add(&number, Unit::Micros(SECOND_US))?;
    }
    if any { Ok(sum) } else { Err(Refusal::Syntax) }
}

/// Words, and numbers with the signs, points, colons and hyphens inside them; `1d` is two.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', '\t', '\n', '\r', ',']).flat_map(|part| {
        let mut rest = part;
        std::iter::from_fn(move || {
            let first = rest.chars().next()?;
            let letters = first.is_alphabetic();
            let end = rest.find(|c: char| c.is_alphabetic() != letters).unwrap_or(rest.len());
            let (token, after) = rest.split_at(end);
            rest = after;
            Some(token)
        })
    })
}

fn iso(text: &str) -> Result<Sum, Refusal> {
    let mut sum = Sum::default();
    let mut rest = &text[1..];
    let mut time = false;
    if rest.is_empty() {
        return Err(Refusal::Syntax);
    }
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('T') {
            if time || after.is_empty() {
                return Err(Refusal::Syntax);
            }
            time = true;
            rest = after;
            continue;
        }
        let end = rest.find(|c: char| c.is_ascii_alphabetic()).ok_or(Refusal::Syntax)?;
        let number = Number::parse(&rest[..end])?;
        let unit = match (rest.as_bytes()[end], time) {
            (b'Y', false) => Unit::Months(12),
            (b'M', false) => Unit::Months(1),
            (b'W', false) => Unit::Days(7),
            (b'D', false) => Unit::Days(1),
            (b'H', true) => Unit::Micros(3600.0 * SECOND_US),
            (b'M', true) => Unit::Micros(60.0 * SECOND_US),
            (b'S', true) => Unit::Micros(SECOND_US),
            _ => return Err(Refusal::Syntax),
        };
        sum.add(&number, unit)?;
        rest = &rest[end + 1..];
    }
    Ok(sum)
}

//! Shows intervals in the four styles of `IntervalStyle`.

use std::fmt::Write as _;

use arrow::datatypes::IntervalMonthDayNano;
use bytes::{BufMut, BytesMut};

use super::context::IntervalStyle;
use super::datetime_output::{fraction, pair};

/// An interval in the fields that are shown; each has its own sign.
struct Parts {
    years: i64,
    months: i64,
    days: i64,
    hours: i64,
    minutes: i64,
    seconds: i64,
    us: i64,
}

impl Parts {
    fn new(value: IntervalMonthDayNano) -> Self {
        let us = value.nanoseconds / 1000;
        let seconds = us / 1_000_000;
        Self {
            years: i64::from(value.months / 12),
            months: i64::from(value.months % 12),
            days: i64::from(value.days),
            hours: seconds / 3600,
            minutes: seconds / 60 % 60,
            seconds: seconds % 60,
            us: us % 1_000_000,
        }
    }

    fn time_is_negative(&self) -> bool {
        self.hours < 0 || self.minutes < 0 || self.seconds < 0 || self.us < 0
    }

    fn has_time(&self) -> bool {
        self.hours != 0 || self.minutes != 0 || self.seconds != 0 || self.us != 0
    }

    fn is_zero(&self) -> bool {
        self.years == 0 && self.months == 0 && self.days == 0 && !self.has_time()
    }
}

/// Writes an interval.
pub(super) fn write(value: IntervalMonthDayNano, out: &mut BytesMut, style: IntervalStyle) {
    let parts = Parts::new(value);
    match style {
        IntervalStyle::Postgres => postgres(&parts, out),
        IntervalStyle::PostgresVerbose => verbose(&parts, out),
        IntervalStyle::SqlStandard => sql_standard(&parts, out),
        IntervalStyle::Iso8601 => iso(&parts, out),
    }
}

fn number(value: i64, out: &mut BytesMut) {
    out.put_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Writes `hours:minutes:seconds` without a sign; hours in at least `width` digits.
fn clock(parts: &Parts, out: &mut BytesMut, width: usize) {
    let hours = parts.hours.abs();
    if hours < 100 && width == 2 {
        pair(hours, out);
    } else {
        number(hours, out);
    }
    out.put_u8(b':');
    pair(parts.minutes.abs(), out);
    out.put_u8(b':');
    pair(parts.seconds.abs(), out);
    fraction(parts.us.abs(), out);
}

fn postgres(parts: &Parts, out: &mut BytesMut) {
    let mut any = false;
    let mut before = false;
    for (value, unit) in [(parts.years, "year"), (parts.months, "mon"), (parts.days, "day")] {
        if value == 0 {
            continue;
        }
        if any {
            out.put_u8(b' ');
        }
        if before && value > 0 {
            out.put_u8(b'+');
        }
        number(value, out);
        out.put_u8(b' ');
        out.put_slice(unit.as_bytes());
        if value != 1 {
            out.put_u8(b's');
        }
        any = true;
        before = value < 0;
    }
    if any && !parts.has_time() {
        return;
    }
    if any {
        out.put_u8(b' ');
    }
    if parts.time_is_negative() {
        out.put_u8(b'-');
    } else if before {
        out.put_u8(b'+');
    }
    clock(parts, out, 2);
}

fn verbose(parts: &Parts, out: &mut BytesMut) {
    out.put_u8(b'@');
    // The first field's sign becomes `ago`, and the others are shown against it.
    let mut ago = None;
    let fields = [
        (parts.years, "year"),
        (parts.months, "mon"),
        (parts.days, "day"),
        (parts.hours, "hour"),
        (parts.minutes, "min"),
    ];
    for (value, unit) in fields {
        if value == 0 {
            continue;
        }
        let shown = if *ago.get_or_insert(value < 0) { -value } else { value };
        out.put_u8(b' ');
        number(shown, out);
        out.put_u8(b' ');
        out.put_slice(unit.as_bytes());
        if shown != 1 {
            out.put_u8(b's');
        }
    }
    if parts.seconds != 0 || parts.us != 0 {
        let negative = parts.seconds < 0 || parts.us < 0;
        let against = negative != *ago.get_or_insert(negative);
        out.put_slice(if against { b" -" } else { b" " });
        number(parts.seconds.abs(), out);
        fraction(parts.us.abs(), out);
        let one = parts.seconds.abs() == 1 && parts.us == 0;
        out.put_slice(if one { b" sec" } else { b" secs" });
    }
    match ago {
        None => out.put_slice(b" 0"),
        Some(true) => out.put_slice(b" ago"),
        Some(false) => {}
    }
}

fn sql_standard(parts: &Parts, out: &mut BytesMut) {
    let year_month = parts.years != 0 || parts.months != 0;
    let day_time = parts.days != 0 || parts.has_time();
    let all = [parts.years, parts.months, parts.days, parts.hours, parts.minutes]
        .into_iter()
        .chain([parts.seconds, parts.us]);
    let (mut negative, mut positive) = (false, false);
    for value in all {
        negative |= value < 0;
        positive |= value > 0;
    }
    let sign = |negative: bool| if negative { b'-' } else { b'+' };
    if parts.is_zero() {
        out.put_u8(b'0');
    } else if (year_month && day_time) || (negative && positive) {
        out.put_u8(sign(parts.years < 0 || parts.months < 0));
        number(parts.years.abs(), out);
        out.put_u8(b'-');
        number(parts.months.abs(), out);
        out.put_slice(&[b' ', sign(parts.days < 0)]);
        number(parts.days.abs(), out);
        out.put_slice(&[b' ', sign(parts.time_is_negative())]);
        clock(parts, out, 1);
    } else {
        if negative {
            out.put_u8(b'-');
        }
        if year_month {
            number(parts.years.abs(), out);
            out.put_u8(b'-');
            number(parts.months.abs(), out);
        } else {
            if parts.days != 0 {
                number(parts.days.abs(), out);
                out.put_u8(b' ');
            }
            clock(parts, out, 1);
        }
    }
}

fn iso(parts: &Parts, out: &mut BytesMut) {
    if parts.is_zero() {
        out.put_slice(b"PT0S");
        return;
    }
    out.put_u8(b'P');
    let mut field = |value: i64, unit: char| {
        if value != 0 {
            // Writing to memory does not fail.
            let _ = write!(out, "{value}{unit}");
        }
    };
    field(parts.years, 'Y');
    field(parts.months, 'M');
    field(parts.days, 'D');
    if !parts.has_time() {
        return;
    }
    out.put_u8(b'T');
    let mut field = |value: i64, unit: char| {
        if value != 0 {
            let _ = write!(out, "{value}{unit}");
        }
    };
    field(parts.hours, 'H');
    field(parts.minutes, 'M');
    if parts.seconds != 0 || parts.us != 0 {
        if parts.seconds < 0 || parts.us < 0 {
            out.put_u8(b'-');
        }
        number(parts.seconds.abs(), out);
        fraction(parts.us.abs(), out);
        out.put_u8(b'S');
    }
}

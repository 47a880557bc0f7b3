//! Shows dates and times in the four styles of `DateStyle`.

use bytes::{BufMut, BytesMut};

use super::TimeZone;
use super::calendar::{DAY_US, Day};
use super::context::{DateOrder, DateOutput, DateStyle, TextContext};

/// Writes a `date` (days since 1970).
pub(super) fn date(days: i32, out: &mut BytesMut, style: DateStyle) {
    match days {
        i32::MAX => out.put_slice(b"infinity"),
        i32::MIN => out.put_slice(b"-infinity"),
        _ => {
            let day = Day::from_days(i64::from(days));
            let dmy = style.order == DateOrder::Dmy;
            match style.output {
                DateOutput::Iso => iso_day(day, out),
                DateOutput::Sql => short_day(day, out, b'/', dmy),
                DateOutput::German => short_day(day, out, b'.', true),
                DateOutput::Postgres => short_day(day, out, b'-', dmy),
            }
            era(day, out);
        }
    }
}

/// Writes a `time` (microseconds since midnight).
pub(super) fn time(us: i64, out: &mut BytesMut) {
    let seconds = us / 1_000_000;
    pair(seconds / 3600, out);
    out.put_u8(b':');
    pair(seconds / 60 % 60, out);
    out.put_u8(b':');
    pair(seconds % 60, out);
    fraction(us % 1_000_000, out);
}

/// Writes a `timestamp` (microseconds since 1970).
pub(super) fn timestamp(us: i64, out: &mut BytesMut, style: DateStyle) {
    if !infinite(us, out) {
        instant(us, None, out, style);
    }
}

/// Writes a `timestamptz` (microseconds since 1970, UTC) in the session's time zone.
pub(super) fn timestamptz(us: i64, out: &mut BytesMut, context: &TextContext) {
    if infinite(us, out) {
        return;
    }
    let zone = &context.time_zone;
    let offset = if zone.is_utc() { 0 } else { zone.offset_at(us) };
    let local = us.saturating_add(i64::from(offset) * 1_000_000);
    instant(local, Some((us, offset, zone)), out, context.date_style);
}

fn infinite(us: i64, out: &mut BytesMut) -> bool {
    match us {
        i64::MAX => out.put_slice(b"infinity"),
        i64::MIN => out.put_slice(b"-infinity"),
        _ => return false,
    }
    true
}

fn instant(local: i64, zone: Option<(i64, i32, &TimeZone)>, out: &mut BytesMut, style: DateStyle) {
    const WEEKDAYS: [&[u8]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
    const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let days = local.div_euclid(DAY_US);
    let us = local.rem_euclid(DAY_US);
    let day = Day::from_days(days);
    let dmy = style.order == DateOrder::Dmy;
    match style.output {
        DateOutput::Iso => iso_day(day, out),
        DateOutput::Sql => short_day(day, out, b'/', dmy),
        DateOutput::German => short_day(day, out, b'.', true),
        DateOutput::Postgres => {
            let weekday = usize::try_from(days.rem_euclid(7)).unwrap_or(0);
            out.put_slice(WEEKDAYS[weekday]);
            out.put_u8(b' ');
            let month = usize::from(day.month.max(1) - 1) * 3;
            if dmy {
                pair(i64::from(day.day), out);
                out.put_u8(b' ');
            }
            out.put_slice(&MONTHS[month..month + 3]);
            if !dmy {
                out.put_u8(b' ');
                pair(i64::from(day.day), out);
            }
        }
    }
    out.put_u8(b' ');
    time(us, out);
    if style.output == DateOutput::Postgres {
        out.put_u8(b' ');
        year(day, out);
    }
    if let Some((utc, offset, zone)) = zone {
        if style.output == DateOutput::Iso {
            zone_offset(offset, out);
        } else {
            out.put_u8(b' ');
            out.put_slice(zone.abbreviation_at(utc).as_bytes());
        }
    }
    era(day, out);
}

fn iso_day(day: Day, out: &mut BytesMut) {
    year(day, out);
    out.put_u8(b'-');
    pair(i64::from(day.month), out);
    out.put_u8(b'-');
    pair(i64::from(day.day), out);
}

fn short_day(day: Day, out: &mut BytesMut, delimiter: u8, day_first: bool) {
    let (first, second) = if day_first { (day.day, day.month) } else { (day.month, day.day) };
    pair(i64::from(first), out);
    out.put_u8(delimiter);
    pair(i64::from(second), out);
    out.put_u8(delimiter);
    year(day, out);
}

fn year(day: Day, out: &mut BytesMut) {
    let year = if day.year > 0 { day.year } else { 1 - day.year };
    if year < 10_000 {
        pair(year / 100, out);
        pair(year % 100, out);
    } else {
        out.put_slice(itoa::Buffer::new().format(year).as_bytes());
    }
}

fn era(day: Day, out: &mut BytesMut) {
    if day.year <= 0 {
        out.put_slice(b" BC");
    }
}

/// Writes `+02`, `-03:30`.
fn zone_offset(seconds: i32, out: &mut BytesMut) {
    out.put_u8(if seconds < 0 { b'-' } else { b'+' });
    let seconds = i64::from(seconds).abs();
    pair(seconds / 3600, out);
    if seconds % 3600 != 0 {
        out.put_u8(b':');
        pair(seconds / 60 % 60, out);
        if seconds % 60 != 0 {
            out.put_u8(b':');
            pair(seconds % 60, out);
        }
    }
}

/// Writes microseconds behind a point, without trailing zeros.
pub(super) fn fraction(us: i64, out: &mut BytesMut) {
    if us == 0 {
        return;
    }
    let mut digits = [b'0'; 7];
    digits[0] = b'.';
    let mut rest = us;
    for digit in digits[1..].iter_mut().rev() {
        *digit = decimal(rest % 10);
        rest /= 10;
    }
    let length = digits.iter().rposition(|digit| *digit != b'0').unwrap_or(0);
    out.put_slice(&digits[..=length]);
}

/// Writes a number below 100 in two digits.
pub(super) fn pair(value: i64, out: &mut BytesMut) {
    out.put_slice(&[decimal(value / 10 % 10), decimal(value % 10)]);
}

fn decimal(digit: i64) -> u8 {
    b'0' + u8::try_from(digit).unwrap_or(0)
}

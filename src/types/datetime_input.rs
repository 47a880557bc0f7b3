//! Reads dates and times the way PostgreSQL's `ParseDateTime` and `DecodeDateTime` do: a literal
//! is cut into fields, each field says by its shape what it is, and the whole must make sense.

use super::calendar::{self, DAY_US, Day};
use super::context::{DateOrder, TextContext};
use super::datetime_fields::{Field, Fields};
use super::{PgType, TimeZone, errors};
use crate::base::{Result, SqlError, SqlState};

/// What a literal said.
#[derive(Debug, Default)]
struct Said {
    year: Option<i64>,
    /// Digits of the year as written: two of them mean a year near 2000.
    year_digits: usize,
    month: Option<i64>,
    day: Option<i64>,
    /// A day that was named by a word (`today`), in days since 1970.
    named_day: Option<i32>,
    before_christ: bool,
    time_us: Option<i64>,
    afternoon: Option<bool>,
    zone: Option<TimeZone>,
    special: Option<Special>,
    /// Only a time is wanted: digits alone are one.
    only_time: bool,
}

/// A word that says the whole value.
#[derive(Clone, Copy, Debug)]
enum Special {
    Infinity,
    MinusInfinity,
    Epoch,
    Now,
}

/// Why a literal is refused.
#[derive(Debug)]
enum Refusal {
    Syntax,
    Field,
    /// Month and day may be the wrong way round.
    Order,
    Zone(String),
    /// A right value that the type does not reach.
    Range,
    Unsupported,
}

/// Reads a `date`: days since 1970.
pub(super) fn date(text: &str, context: &TextContext) -> Result<i32> {
    read(text, context, &PgType::Date, |said| {
        let Some(special) = said.special else { return said.days() };
        match special {
            Special::Infinity => Ok(i32::MAX),
            Special::MinusInfinity => Ok(i32::MIN),
            Special::Epoch => Ok(0),
            Special::Now => Ok(today(context)?),
        }
    })
}

/// Reads a `time`: microseconds since midnight.
pub(super) fn time(text: &str, context: &TextContext) -> Result<i64> {
    read(text, context, &PgType::Time, |said| match said.special {
        Some(Special::Now) => Ok(local_now(context)?.rem_euclid(DAY_US)),
        Some(_) => Err(Refusal::Syntax),
        None => said.time()?.ok_or(Refusal::Syntax),
    })
}

/// Reads a `timestamp`: microseconds since 1970 on the clock on the wall; a zone is read over.
pub(super) fn timestamp(text: &str, context: &TextContext) -> Result<i64> {
    if let Some(us) = iso(text.as_bytes()) {
        return Ok(us);
    }
    read(text, context, &PgType::Timestamp, |said| match said.special {
        Some(Special::Infinity) => Ok(i64::MAX),
        Some(Special::MinusInfinity) => Ok(i64::MIN),
        Some(Special::Epoch) => Ok(0),
        Some(Special::Now) => local_now(context),
        None => said.local(),
    })
}

/// Reads a `timestamptz`: microseconds since 1970, UTC; without a zone, in the session's.
pub(super) fn timestamptz(text: &str, context: &TextContext) -> Result<i64> {
    read(text, context, &PgType::Timestamptz, |said| match said.special {
        Some(Special::Infinity) => Ok(i64::MAX),
        Some(Special::MinusInfinity) => Ok(i64::MIN),
        Some(Special::Epoch) => Ok(0),
        Some(Special::Now) => context.now_us.ok_or(Refusal::Unsupported),
        None => {
            let local = said.local()?;
            let zone = said.zone.as_ref().unwrap_or(&context.time_zone);
            local
                .checked_sub(i64::from(zone.offset_of_local(local)) * 1_000_000)
                .ok_or(Refusal::Range)
        }
    })
}

fn read<T>(
    text: &str,
    context: &TextContext,
    ty: &PgType,
    finish: impl FnOnce(&Said) -> Result<T, Refusal>,
) -> Result<T> {
    let mut said = Said { only_time: *ty == PgType::Time, ..Said::default() };
    let value = said.fields(text, context).and_then(|()| finish(&said));
    value.map_err(|refusal| match refusal {
        Refusal::Syntax => errors::invalid_syntax(ty, text),
        Refusal::Field => overflow(text),
        Refusal::Range => {
            let name = if *ty == PgType::Date { "date" } else { "timestamp" };
            SqlError::new(
                SqlState::DATETIME_FIELD_OVERFLOW,
                format!("{name} out of range: \"{text}\""),
            )
        }
        Refusal::Order => {
            overflow(text).with_hint("Perhaps you need a different \"DateStyle\" setting.")
        }
        Refusal::Zone(name) => SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("time zone \"{name}\" not recognized"),
        ),
        Refusal::Unsupported => {
            SqlError::unsupported(format!("\"{text}\" is not supported here: give a constant"))
        }
    })
}

fn overflow(text: &str) -> SqlError {
    SqlError::new(
        SqlState::DATETIME_FIELD_OVERFLOW,
        format!("date/time field value out of range: \"{text}\""),
    )
}

/// The usual form, `2003-01-02[ T]04:05:06[.789]`; anything else takes the long way.
fn iso(text: &[u8]) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| {
        text.get(range)?.iter().try_fold(0i64, |value, byte| {
            byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0'))
        })
    };
    let shape = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if text.len() < 19 || shape.iter().any(|(at, byte)| text[*at] != *byte) {
        return None;
    }
    if !matches!(text[10], b' ' | b'T') {
        return None;
    }
    let day = day(number(0..4)?, number(5..7)?, number(8..10)?).ok()?;
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction = match &text[19..] {
        [] => 0,
        [b'.', digits @ ..] if (1..=6).contains(&digits.len()) => {
            number(20..text.len())? * 10i64.pow(u32::try_from(6 - digits.len()).ok()?)
        }
        _ => return None,
    };
    let us = ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction;
    calendar::timestamp(day, us)
}

/// Days since 1970 of a calendar day.
fn day(year: i64, month: i64, day: i64) -> Result<i32, Refusal> {
    let narrow = |n: i64, most: u8| u8::try_from(n).ok().filter(|n| (1..=most).contains(n));
    let month = narrow(month, 12).ok_or(Refusal::Order)?;
    let day = narrow(day, 31).ok_or(Refusal::Order)?;
    let date = Day { year, month, day };
    if day > date.month_length() {
        return Err(Refusal::Field);
    }
    date.days().ok_or(Refusal::Range)
}

fn local_now(context: &TextContext) -> Result<i64, Refusal> {
    let now = context.now_us.ok_or(Refusal::Unsupported)?;
    Ok(now + i64::from(context.time_zone.offset_at(now)) * 1_000_000)
}

fn today(context: &TextContext) -> Result<i32, Refusal> {
    i32::try_from(local_now(context)?.div_euclid(DAY_US)).map_err(|_| Refusal::Field)
}

impl Said {
    fn fields(&mut self, text: &str, context: &TextContext) -> Result<(), Refusal> {
        let mut fields = Fields::new(text);
        let mut any = false;
        let mut after_t = false;
        while let Some(field) = fields.next().map_err(|()| Refusal::Syntax)? {
            any = true;
            match field {
                Field::Word("t" | "T") if (self.has_date() || self.only_time) && !after_t => {
                    after_t = true;
                }
                Field::Word(word) => self.word(word, context)?,
                Field::Date(text) => self.date(text, context.date_style.order)?,
                Field::Time(text) => self.set_time(clock(text)?)?,
                Field::Number(text) => self.number(text, after_t, context)?,
                Field::Offset(text) => {
                    if self.time_us.is_none() && !self.has_date() {
                        return Err(Refusal::Syntax);
                    }
                    let seconds = super::time_zone::parse_offset(text).ok_or(Refusal::Syntax)?;
                    self.set_zone(TimeZone::fixed(seconds))?;
                }
            }
        }
        if any { Ok(()) } else { Err(Refusal::Syntax) }
    }

    fn has_date(&self) -> bool {
        self.named_day.is_some()
            || (self.year.is_some() && self.month.is_some() && self.day.is_some())
    }

    fn set_time(&mut self, us: i64) -> Result<(), Refusal> {
        if self.time_us.replace(us).is_some() { Err(Refusal::Syntax) } else { Ok(()) }
    }

    fn set_zone(&mut self, zone: TimeZone) -> Result<(), Refusal> {
        if self.zone.replace(zone).is_some() { Err(Refusal::Syntax) } else { Ok(()) }
    }

    fn word(&mut self, word: &str, context: &TextContext) -> Result<(), Refusal> {
        let lower = word.to_ascii_lowercase();
        let named = |said: &mut Self, offset: i32| {
            said.named_day = Some(today(context)? + offset);
            Ok(())
        };
        match lower.as_str() {
            "infinity" | "+infinity" => self.special = Some(Special::Infinity),
            "-infinity" => self.special = Some(Special::MinusInfinity),
            "epoch" => self.special = Some(Special::Epoch),
            "now" => self.special = Some(Special::Now),
            "today" => return named(self, 0),
            "tomorrow" => return named(self, 1),
            "yesterday" => return named(self, -1),
            "allballs" => {
                self.set_time(0)?;
                self.set_zone(TimeZone::UTC)?;
            }
            "bc" => self.before_christ = true,
            "ad" | "at" | "on" => {}
            "am" => self.afternoon = Some(false),
            "pm" => self.afternoon = Some(true),
            _ => {
                if let Some(month) = month_of(&lower) {
                    if self.month.is_some() && self.day.is_none() {
                        // `01 Jan 2003`: what looked like a month was the day.
                        self.day = self.month.take();
                    }
                    if self.month.replace(month).is_some() {
                        return Err(Refusal::Syntax);
                    }
                } else if !is_weekday(&lower) {
                    let zone = TimeZone::parse_name(word);
                    match zone {
                        Some(zone) => self.set_zone(zone)?,
                        None if word.contains('/') && self.has_date() => {
                            return Err(Refusal::Zone(lower));
                        }
                        None => return Err(Refusal::Syntax),
                    }
                }
            }
        }
        Ok(())
    }

    /// A date whose parts stand together: `2003-01-02`, `1/2/2003`, `2-Jan-2003`.
    fn date(&mut self, text: &str, order: DateOrder) -> Result<(), Refusal> {
        if self.has_date() {
            return Err(Refusal::Syntax);
        }
        let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
        let [first, second, third] = parts.as_slice() else { return Err(Refusal::Syntax) };
        let number = |part: &str| part.parse::<i64>().map_err(|_| Refusal::Syntax);
        let (year, month, day) = if let Some(month) = month_of(&second.to_ascii_lowercase()) {
            self.month = Some(month);
            if first.len() > 2 { (first, None, third) } else { (third, None, first) }
        } else if let Some(month) = month_of(&first.to_ascii_lowercase()) {
            self.month = Some(month);
            (third, None, second)
        } else if first.len() > 2 || order == DateOrder::Ymd {
            (first, Some(second), third)
        } else if order == DateOrder::Dmy {
            (third, Some(second), first)
        } else {
            (third, Some(first), second)
        };
        if let Some(month) = month {
            self.month = Some(number(month)?);
        }
        self.year = Some(number(year)?);
        self.year_digits = year.len();
        self.day = Some(number(day)?);
        Ok(())
    }

    /// Digits alone: a whole date or time run together, or a part of a date with a month's name.
    fn number(&mut self, text: &str, after_t: bool, context: &TextContext) -> Result<(), Refusal> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let number = |part: &str| part.parse::<i64>().map_err(|_| Refusal::Syntax);
        let value = number(whole)?;
        let time_alone = self.only_time && self.year.is_none() && self.month.is_none();
        if self.has_date() || after_t || time_alone {
            if !matches!(whole.len(), 2 | 4 | 6) || (whole.len() == 2 && !after_t) {
                return Err(Refusal::Syntax);
            }
            let part = |at: usize| whole.get(at..at + 2).unwrap_or("00");
            let time = format!("{}:{}:{}.{fraction}", part(0), part(2), part(4));
            return self.set_time(clock(&time)?);
        }
        if !fraction.is_empty() {
            return Err(Refusal::Syntax);
        }
        let no_part = self.year.is_none() && self.month.is_none() && self.day.is_none();
        match whole.len() {
            8 if no_part => {
                self.year = Some(value / 10_000);
                self.year_digits = 4;
                self.month = Some(value / 100 % 100);
                self.day = Some(value % 100);
            }
            6 if no_part => {
                self.year = Some(value / 10_000);
                self.year_digits = 2;
                self.month = Some(value / 100 % 100);
                self.day = Some(value % 100);
            }
            length if length > 2 && self.year.is_none() => {
                self.year = Some(value);
                self.year_digits = length;
            }
            _ if self.month.is_some() || context.date_style.order != DateOrder::Mdy => {
                self.next_part(value, whole.len())?;
            }
            _ if self.year.is_some() && self.month.is_none() => self.month = Some(value),
            _ if self.day.is_none() => self.day = Some(value),
            _ => self.next_part(value, whole.len())?,
        }
        Ok(())
    }

    /// A short number of a date in words: the day first, then the year.
    fn next_part(&mut self, value: i64, digits: usize) -> Result<(), Refusal> {
        if self.day.is_none() {
            self.day = Some(value);
        } else if self.year.is_none() {
            self.year = Some(value);
            self.year_digits = digits;
        } else {
            return Err(Refusal::Syntax);
        }
        Ok(())
    }

    fn days(&self) -> Result<i32, Refusal> {
        if let Some(day) = self.named_day {
            return Ok(day);
        }
        let (Some(year), Some(month), Some(of_month)) = (self.year, self.month, self.day) else {
            return Err(Refusal::Syntax);
        };
        let year = match (self.before_christ, self.year_digits, year) {
            (true, _, 1..) => 1 - year,
            (false, 0..=2, 0..70) => year + 2000,
            (false, 0..=2, 70..100) => year + 1900,
            (false, _, 1..) => year,
            _ => return Err(Refusal::Field),
        };
        day(year, month, of_month)
    }

    fn time(&self) -> Result<Option<i64>, Refusal> {
        const HOUR_US: i64 = 3_600_000_000;
        let (Some(us), Some(afternoon)) = (self.time_us, self.afternoon) else {
            return Ok(self.time_us);
        };
        match us / HOUR_US {
            13.. => Err(Refusal::Field),
            12 if !afternoon => Ok(Some(us - 12 * HOUR_US)),
            12 => Ok(Some(us)),
            _ if afternoon => Ok(Some(us + 12 * HOUR_US)),
            _ => Ok(Some(us)),
        }
    }

    /// The instant on the clock on the wall.
    fn local(&self) -> Result<i64, Refusal> {
        let time = self.time()?.unwrap_or(0);
        calendar::timestamp(self.days()?, time).ok_or(Refusal::Range)
    }
}

/// Reads `04:05`, `04:05:06.789`, `24:00`: microseconds since midnight.
fn clock(text: &str) -> Result<i64, Refusal> {
    let mut parts = text.split(':');
    let mut next = |required: bool, most: i64| match parts.next() {
        Some(part) if !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) => {
            part.parse().ok().filter(|value| *value <= most).ok_or(Refusal::Field)
        }
        None if !required => Ok(0),
        _ => Err(Refusal::Syntax),
    };
    let hour = next(true, 24)?;
    let minute = next(true, 59)?;
    let (seconds, fraction) = match parts.next() {
        Some(part) => part.split_once('.').unwrap_or((part, "")),
        None => ("0", ""),
    };
    if parts.next().is_some() || seconds.is_empty() {
        return Err(Refusal::Syntax);
    }
    let second: i64 = seconds.parse().map_err(|_| Refusal::Syntax)?;
    let fraction = fraction_us(fraction).ok_or(Refusal::Syntax)?;
    let us = ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction;
    if second > 60 || us > DAY_US { Err(Refusal::Field) } else { Ok(us) }
}

/// Digits behind a point as microseconds, rounded.
pub(super) fn fraction_us(digits: &str) -> Option<i64> {
    let mut us = 0;
    let mut unit = 100_000;
    for (at, byte) in digits.bytes().enumerate() {
        if !byte.is_ascii_digit() {
            return None;
        }
        let digit = i64::from(byte - b'0');
        us += digit * unit;
        unit /= 10;
        if at == 6 && digit >= 5 {
            us += 1;
        }
    }
    Some(us)
}

fn month_of(word: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let at = MONTHS.iter().position(|month| {
        word == *month || word == &month[..3] || (word == "sept" && *month == "september")
    })?;
    i64::try_from(at + 1).ok()
}

fn is_weekday(word: &str) -> bool {
    const DAYS: [&str; 7] =
        ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
    let short = ["tues", "wednes", "weds", "thur", "thurs"].contains(&word);
    short || DAYS.iter().any(|day| word == *day || word == &day[..3])
}

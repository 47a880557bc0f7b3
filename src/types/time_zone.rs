//! Time zones: a name of the IANA database, one of the usual abbreviations, or a fixed offset.

use std::hash::{Hash, Hasher};

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeDelta, TimeZone as _};
use chrono_tz::{OffsetName, TZ_VARIANTS, Tz};

/// The session's time zone, or one named in a literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone(Zone);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Zone {
    Named(Tz),
    /// Seconds east of Greenwich, and what `SHOW TimeZone` says.
    Fixed(i32, String),
}

/// Abbreviations that PostgreSQL's default set knows, in minutes east: the usual ones.
const ABBREVIATIONS: &[(&str, i32)] = &[
    ("utc", 0),
    ("gmt", 0),
    ("z", 0),
    ("zulu", 0),
    ("ut", 0),
    ("wet", 0),
    ("west", 60),
    ("bst", 60),
    ("cet", 60),
    ("met", 60),
    ("cest", 120),
    ("mest", 120),
    ("eet", 120),
    ("eest", 180),
    ("msk", 180),
    ("sast", 120),
    ("ist", 120),
    ("idt", 180),
    ("jst", 540),
    ("kst", 540),
    ("sgt", 480),
    ("hkt", 480),
    ("awst", 480),
    ("acst", 570),
    ("acdt", 630),
    ("aest", 600),
    ("aedt", 660),
    ("nzst", 720),
    ("nzdt", 780),
    ("ast", -240),
    ("adt", -180),
    ("nst", -210),
    ("ndt", -150),
    ("brt", -180),
    ("brst", -120),
    ("art", -180),
    ("est", -300),
    ("edt", -240),
    ("cst", -360),
    ("cdt", -300),
    ("mst", -420),
    ("mdt", -360),
    ("pst", -480),
    ("pdt", -420),
    ("akst", -540),
    ("akdt", -480),
    ("hst", -600),
];

/// PostgreSQL takes offsets of up to this much.
const OFFSET_SECONDS_MAX: i32 = 15 * 3600 + 59 * 60 + 59;

impl Hash for TimeZone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl TimeZone {
    /// Universal time.
    pub const UTC: Self = Self(Zone::Named(Tz::UTC));

    /// A fixed offset in seconds east of Greenwich.
    pub(super) fn fixed(seconds_east: i32) -> Self {
        Self(Zone::Fixed(seconds_east, fixed_name(seconds_east)))
    }

    /// Reads a name as literals have it: `Europe/Berlin`, `CET`; `None` when it is unknown.
    pub fn parse_name(name: &str) -> Option<Self> {
        if let Ok(zone) = name.parse::<Tz>() {
            return Some(Self(Zone::Named(zone)));
        }
        let zone = TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(name));
        if let Some(zone) = zone {
            return Some(Self(Zone::Named(*zone)));
        }
        let (_, minutes) =
            ABBREVIATIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(Self::fixed(minutes * 60))
    }

    /// Reads the value of the setting `TimeZone`: a name, hours east (`2`, `-3.5`), or a POSIX
    /// zone (`UTC+3`, `<+03>-3`: west of Greenwich, as POSIX has it).
    pub fn parse_setting(value: &str) -> Option<Self> {
        let value = value.trim();
        if let Ok(hours) = value.parse::<f64>() {
            let seconds = (hours * 3600.0).round();
            if seconds.abs() > f64::from(OFFSET_SECONDS_MAX) {
                return None;
            }
            #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
            return Some(Self::fixed(seconds as i32));
        }
        let named = match value.to_ascii_lowercase().as_str() {
            "default" | "local" => Some(Self::UTC),
            _ => Self::parse_name(value),
        };
        named.or_else(|| {
            let offset = if let Some(quoted) = value.strip_prefix('<') {
                quoted.split_once('>')?.1
            } else {
                value.trim_start_matches(|c: char| c.is_ascii_alphabetic())
            };
            let west = parse_offset(offset)?;
            Some(Self(Zone::Fixed(-west, value.to_owned())))
        })
    }

    /// What `SHOW TimeZone` says.
    pub fn name(&self) -> &str {
        match &self.0 {
            Zone::Named(zone) => zone.name(),
            Zone::Fixed(_, name) => name,
        }
    }

    /// Whether it is universal time, whatever its name.
    pub(super) fn is_utc(&self) -> bool {
        matches!(self.0, Zone::Named(Tz::UTC) | Zone::Fixed(0, _))
    }

    /// Seconds east of Greenwich at an instant (microseconds since 1970).
    pub fn offset_at(&self, utc_us: i64) -> i32 {
        match &self.0 {
            Zone::Named(Tz::UTC) => 0,
            Zone::Fixed(seconds, _) => *seconds,
            Zone::Named(zone) => {
                zone.offset_from_utc_datetime(&naive(utc_us)).fix().local_minus_utc()
            }
        }
    }

    /// The abbreviation in force at an instant: `CEST`, `+05`.
    pub fn abbreviation_at(&self, utc_us: i64) -> String {
        match &self.0 {
            Zone::Fixed(_, name) => name.trim_matches(['<', '>']).to_owned(),
            Zone::Named(zone) => {
                let offset = zone.offset_from_utc_datetime(&naive(utc_us));
                offset.abbreviation().map_or_else(|| offset.to_string(), ToOwned::to_owned)
            }
        }
    }

    /// Seconds east of Greenwich for a local time. A time that a spring transition skips is
    /// read with the offset before it, one that an autumn transition repeats with the offset
    /// after it: PostgreSQL's choices.
    pub fn offset_of_local(&self, local_us: i64) -> i32 {
        match &self.0 {
            Zone::Named(Tz::UTC) => 0,
            Zone::Fixed(seconds, _) => *seconds,
            Zone::Named(zone) => match zone.offset_from_local_datetime(&naive(local_us)) {
                MappedLocalTime::Single(offset) => offset.fix().local_minus_utc(),
                MappedLocalTime::Ambiguous(_, after) => after.fix().local_minus_utc(),
                // A day earlier is before the transition whatever the offset is.
                MappedLocalTime::None => {
                    let before = naive(local_us) - TimeDelta::days(1);
                    zone.offset_from_utc_datetime(&before).fix().local_minus_utc()
                }
            },
        }
    }
}

/// Reads `+02`, `-0330`, `+05:30`, `+05:30:10`: seconds; the sign may be missing.
pub(super) fn parse_offset(text: &str) -> Option<i32> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => (1, text),
    };
    let number = |part: &str, max: i32| {
        let fits = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<i32>().ok().filter(|value| fits && *value <= max)
    };
    let (hours, minutes, seconds) = if digits.contains(':') {
        let mut parts = digits.split(':');
        let hours = number(parts.next()?, 15)?;
        let minutes = number(parts.next()?, 59)?;
        let seconds = parts.next().map_or(Some(0), |part| number(part, 59))?;
        if parts.next().is_some() {
            return None;
        }
        (hours, minutes, seconds)
    } else {
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        match digits.len() {
            1 | 2 => (number(digits, 15)?, 0, 0),
            3 => (number(&digits[..1], 15)?, number(&digits[1..], 59)?, 0),
            4 => (number(&digits[..2], 15)?, number(&digits[2..], 59)?, 0),
            6 => {
                let seconds = number(&digits[4..], 59)?;
                (number(&digits[..2], 15)?, number(&digits[2..4], 59)?, seconds)
            }
            _ => return None,
        }
    };
    Some(sign * (hours * 3600 + minutes * 60 + seconds))
}

/// POSIX's name of an offset, as PostgreSQL shows it: `<+02>-02`.
fn fixed_name(seconds_east: i32) -> String {
    let sign = |positive| if positive { '+' } else { '-' };
    let part = |minutes: bool| {
        let total = seconds_east.abs();
        let mut text = format!("{:02}", total / 3600);
        if minutes && total % 3600 != 0 {
            text.push_str(&format!(":{:02}", total % 3600 / 60));
        }
        text
    };
    let east = seconds_east >= 0;
    format!("<{}{}>{}{}", sign(east), part(true), sign(!east), part(true))
}

/// A time for chrono, whose range is a little smaller than ours: beyond the year 200000 the
/// winter's offset holds, before 200000 BC the first one.
fn naive(us: i64) -> NaiveDateTime {
    const FARTHEST_US: i64 = 198_000 * 31_556_952_000_000;
    const WINTER_2500_US: i64 = 16_725_225_600_000_000;
    let us = if us > FARTHEST_US { WINTER_2500_US } else { us.max(-FARTHEST_US) };
    DateTime::from_timestamp_micros(us).map_or(NaiveDateTime::MIN, |time| time.naive_utc())
}

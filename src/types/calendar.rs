//! The proleptic Gregorian calendar in whole days and microseconds since 1970.

/// Microseconds of a day.
pub(super) const DAY_US: i64 = 86_400_000_000;
/// Days from 1970-01-01 to PostgreSQL's epoch, 2000-01-01.
pub(super) const POSTGRES_EPOCH_DAYS: i32 = 10_957;
/// Microseconds from 1970-01-01 to PostgreSQL's epoch, 2000-01-01.
pub(super) const POSTGRES_EPOCH_US: i64 = POSTGRES_EPOCH_DAYS as i64 * DAY_US;
/// 4714-11-24 BC, PostgreSQL's first day.
const FIRST_DAY: i64 = -2_440_588;
/// 5874897-12-31, PostgreSQL's last day.
const LAST_DAY: i64 = 2_145_042_905;

/// A day; years before 1 count down from 0 (1 BC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) year: i64,
    pub(super) month: u8,
    pub(super) day: u8,
}

impl Day {
    /// Days since 1970-01-01, when PostgreSQL has a date there.
    pub(super) fn days(self) -> Option<i32> {
        // Years from March, so that the leap day ends the year.
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let month = i64::from((self.month + 9) % 12);
        let of_year = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        i32::try_from(days).ok().filter(|_| (FIRST_DAY..=LAST_DAY).contains(&days))
    }

    /// The day this many days after 1970-01-01.
    pub(super) fn from_days(days: i64) -> Self {
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let narrow = |n: i64| u8::try_from(n).unwrap_or(0);
        let year = year + era * 400 + i64::from(month <= 2);
        Self { year, month: narrow(month), day: narrow(day) }
    }

    /// Days of this day's month.
    pub(super) fn month_length(self) -> u8 {
        match self.month {
            4 | 6 | 9 | 11 => 30,
            2 if self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0) => 29,
            2 => 28,
            _ => 31,
        }
    }
}

/// An instant of this day and time, when PostgreSQL has one there.
pub(super) fn timestamp(days: i32, time_us: i64) -> Option<i64> {
    // The two ends of the range stand for the infinities.
    i64::from(days)
        .checked_mul(DAY_US)?
        .checked_add(time_us)
        .filter(|us| *us != i64::MIN && *us != i64::MAX)
}

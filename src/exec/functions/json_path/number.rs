//! Numbers of a JSON document: exact, as PostgreSQL's `numeric` has them, with the digits behind the point
//! that were written.

use std::cmp::Ordering;

use num_bigint::BigInt;

use crate::base::{Result, SqlError, SqlState};

/// Digits that an exponent may add: PostgreSQL's `numeric` ends there, too.
const DIGITS_MAX: usize = 131_072;
/// PostgreSQL's division makes at least so many significant digits (`NUMERIC_MIN_SIG_DIGITS`).
const QUOTIENT_DIGITS_MIN: i64 = 16;
/// And at most so many behind the point (`NUMERIC_MAX_DISPLAY_SCALE`).
const QUOTIENT_SCALE_MAX: i64 = 1000;

/// `digits / 10^scale`.
#[derive(Clone, Debug)]
pub(in crate::exec::functions) struct Number {
    digits: BigInt,
    scale: usize,
}

fn ten_to_the(power: usize) -> BigInt {
    BigInt::from(10).pow(u32::try_from(power).unwrap_or(u32::MAX))
}

impl Number {
    /// Reads a JSON number; `None` when the text is none, or has more digits than any.
    pub(in crate::exec::functions) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if exponent.unsigned_abs() > DIGITS_MAX as u64 || mantissa.len() > DIGITS_MAX {
            return None;
        }
        let digits: BigInt = format!("{whole}{fraction}").parse().ok()?;
        let scale = i64::try_from(fraction.len()).ok()? - exponent;
        Some(match usize::try_from(scale) {
            Ok(scale) => Self { digits, scale },
            Err(_) => Self { digits: digits * ten_to_the(usize::try_from(-scale).ok()?), scale: 0 },
        })
    }

    /// As `numeric` shows it.
    pub(in crate::exec::functions) fn shown(&self) -> String {
        let digits = self.digits.magnitude().to_string();
        let sign = if self.is_negative() { "-" } else { "" };
        if self.scale == 0 {
            return format!("{sign}{digits}");
        }
        let digits = format!("{digits:0>width$}", width = self.scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - self.scale);
        format!("{sign}{whole}.{fraction}")
    }

    fn is_negative(&self) -> bool {
        self.digits.sign() == num_bigint::Sign::Minus
    }

    fn is_zero(&self) -> bool {
        self.digits.sign() == num_bigint::Sign::NoSign
    }

    /// Both with the larger scale of the two.
    fn aligned(&self, other: &Self) -> (BigInt, BigInt, usize) {
        let scale = self.scale.max(other.scale);
        let digits = |number: &Self| &number.digits * ten_to_the(scale - number.scale);
        (digits(self), digits(other), scale)
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let (left, right, _) = self.aligned(other);
        left.cmp(&right)
    }

    /// The whole part, without what is behind the point.
    pub(super) fn whole(&self) -> Option<i64> {
        i64::try_from(&self.digits / ten_to_the(self.scale)).ok()
    }

    pub(super) fn negated(&self) -> Self {
        Self { digits: -&self.digits, scale: self.scale }
    }

    pub(super) fn absolute(&self) -> Self {
        if self.is_negative() { self.negated() } else { self.clone() }
    }

    /// The next whole number below, or above.
    pub(super) fn rounded(&self, up: bool) -> Self {
        let unit = ten_to_the(self.scale);
        let whole = &self.digits / &unit;
        let is_whole = &whole * &unit == self.digits;
        let step = match (is_whole, up, self.is_negative()) {
            (false, true, false) => 1,
            (false, false, true) => -1,
            _ => 0,
        };
        Self { digits: whole + step, scale: 0 }
    }

    /// Without zeros at the end of what is behind the point.
    pub(in crate::exec::functions) fn trimmed(mut self) -> Self {
        while self.scale > 0 && (&self.digits % 10_u8) == BigInt::ZERO {
            self.digits /= 10_u8;
            self.scale -= 1;
        }
        self
    }

    /// `+`, `-`, `*`, `/` or `%`.
    pub(super) fn computed(&self, operator: char, other: &Self) -> Result<Self> {
        if matches!(operator, '/' | '%') && other.is_zero() {
            return Err(SqlError::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
        }
        let (left, right, scale) = self.aligned(other);
        Ok(match operator {
            '+' => Self { digits: left + right, scale },
            '-' => Self { digits: left - right, scale },
            '*' => Self { digits: &self.digits * &other.digits, scale: self.scale + other.scale },
            '%' => Self { digits: left % right, scale },
            _ => self.quotient(other),
        })
    }

    fn quotient(&self, other: &Self) -> Self {
        let scale = self.quotient_scale(other);
        // One digit more than is kept, to round by.
        let shift = scale + 1 + other.scale;
        let (mut left, mut right) = (self.digits.clone(), other.digits.clone());
        match shift.checked_sub(self.scale) {
            Some(more) => left *= ten_to_the(more),
            None => right *= ten_to_the(self.scale - shift),
        }
        let digits: BigInt = left / right;
        let half = if digits.sign() == num_bigint::Sign::Minus { -5 } else { 5 };
        Self { digits: (digits + half) / 10_u8, scale }
    }

    /// How many digits PostgreSQL's division makes behind the point (`select_div_scale`).
    fn quotient_scale(&self, other: &Self) -> usize {
        let ((weight1, first1), (weight2, first2)) = (self.weight(), other.weight());
        let weight = weight1 - weight2 - i64::from(first1 <= first2);
        let scale = QUOTIENT_DIGITS_MIN - weight * 4;
        let written = i64::try_from(self.scale.max(other.scale)).unwrap_or(QUOTIENT_SCALE_MAX);
        let scale = scale.max(written).clamp(0, QUOTIENT_SCALE_MAX);
        usize::try_from(scale).unwrap_or_default()
    }

    /// The place and value of the first group of four digits that is not zero.
    fn weight(&self) -> (i64, u32) {
        let text = self.absolute().shown();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let whole = whole.trim_start_matches('0');
        let value = |group: &str| group.parse().unwrap_or_default();
        let place = |groups: usize| i64::try_from(groups).unwrap_or_default();
        if !whole.is_empty() {
            let groups = (whole.len() - 1) / 4;
            return (place(groups), value(&whole[..whole.len() - groups * 4]));
        }
        let zeros = fraction.len() - fraction.trim_start_matches('0').len();
        let group: String = fraction.chars().skip(zeros / 4 * 4).take(4).collect();
        if group.is_empty() || zeros == fraction.len() {
            return (0, 0);
        }
        (-place(zeros / 4) - 1, value(&format!("{group:0<4}")))
    }
}

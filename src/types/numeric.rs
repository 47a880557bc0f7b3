//! `numeric` over Arrow's decimals: digits in, digits out, and PostgreSQL's binary form with its
//! groups of four digits.
//!
//! An unconstrained `numeric` is kept with [`NUMERIC_BARE`]'s precision and scale and shown
//! without trailing zeros. A quotient is kept with [`NUMERIC_QUOTIENT`]'s and shown with the
//! sixteen significant digits that PostgreSQL's division makes. NaN and the infinities are refused.

use arrow::array::ArrowNativeTypeOp;
use arrow::datatypes::i256;
use bytes::{BufMut, BytesMut};

use super::arrow_mapping::{NUMERIC_BARE, NUMERIC_QUOTIENT};
use super::{PgType, errors};
use crate::base::{Result, SqlError, SqlState};

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;

/// A `numeric` type's shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    precision: u8,
    scale: i8,
    bare: bool,
}

/// The two decimals of Arrow.
pub(super) trait Decimal: ArrowNativeTypeOp {
    /// Writes the digits of the absolute value; returns how many.
    fn digits(self, into: &mut [u8; 80]) -> usize;
}

impl Decimal for i128 {
    fn digits(self, into: &mut [u8; 80]) -> usize {
        let mut buffer = itoa::Buffer::new();
        let text = buffer.format(self.unsigned_abs()).as_bytes();
        into[..text.len()].copy_from_slice(text);
        text.len()
    }
}

impl Decimal for i256 {
    fn digits(self, into: &mut [u8; 80]) -> usize {
        let text = self.to_string();
        let text = text.trim_start_matches('-').as_bytes();
        let length = text.len().min(into.len());
        into[..length].copy_from_slice(&text[..length]);
        length
    }
}

impl Shape {
    pub(super) fn new(modifier: Option<(u8, i8)>) -> Self {
        let (precision, scale) = modifier.unwrap_or(NUMERIC_BARE);
        Self { precision, scale, bare: modifier.is_none() }
    }

    /// The shape of numbers that lie in an array of this scale, whatever the type declares.
    pub(super) fn with_scale(self, scale: i8) -> Self {
        Self { scale, ..self }
    }

    /// Reads a decimal literal, rounding half away from zero to the scale.
    pub(super) fn parse<D: Decimal>(self, text: &str) -> Result<D> {
        let invalid = || errors::invalid_syntax(&PgType::Numeric(None), text);
        let trimmed = text.trim_ascii();
        let (negative, unsigned) = match trimmed.as_bytes().first() {
            Some(b'-') => (true, &trimmed[1..]),
            Some(b'+') => (false, &trimmed[1..]),
            _ => (false, trimmed),
        };
        if ["nan", "inf", "infinity"].iter().any(|word| unsigned.eq_ignore_ascii_case(word)) {
            return Err(not_a_number());
        }
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, self.exponent(exponent).ok_or_else(invalid)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = whole.bytes().chain(fraction.bytes());
        if (whole.is_empty() && fraction.is_empty()) || !digits.all(|b| b.is_ascii_digit()) {
            return Err(invalid());
        }
        let digits = whole.bytes().chain(fraction.bytes()).map(|byte| byte - b'0');
        let length = i64::try_from(whole.len()).unwrap_or(i64::MAX);
        self.compose(negative, digits, length - 1 + exponent)
    }

    /// An exponent, cut to where any number is out of range or zero.
    fn exponent(self, text: &str) -> Option<i64> {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let size = digits.parse::<i64>().unwrap_or(i64::MAX).min(1_000_000);
        Some(if text.starts_with('-') { -size } else { size })
    }

    /// The number of these digits, the first of which counts `10^power`, rounded to the scale.
    fn compose<D: Decimal>(
        self,
        negative: bool,
        digits: impl Iterator<Item = u8>,
        mut power: i64,
    ) -> Result<D> {
        let ten = D::usize_as(10);
        let last = -i64::from(self.scale);
        let mut value = D::ZERO;
        let mut round_up = false;
        for digit in digits {
            if power < last {
                round_up = power == last - 1 && digit >= 5;
                break;
            }
            value = value
                .mul_checked(ten)
                .and_then(|v| v.add_checked(D::usize_as(usize::from(digit))))
                .map_err(|_| self.overflow())?;
            power -= 1;
        }
        while power >= last && !value.is_zero() {
            value = value.mul_checked(ten).map_err(|_| self.overflow())?;
            power -= 1;
        }
        if round_up {
            value = value.add_checked(D::ONE).map_err(|_| self.overflow())?;
        }
        let limit = ten.pow_checked(u32::from(self.precision)).map_err(|_| self.overflow())?;
        if value.is_ge(limit) {
            return Err(self.overflow());
        }
        Ok(if negative { value.neg_wrapping() } else { value })
    }

    fn overflow(self) -> SqlError {
        let digits = i32::from(self.precision) - i32::from(self.scale);
        let (precision, scale) = (self.precision, self.scale);
        if self.bare {
            return SqlError::new(
                SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                "value overflows numeric format",
            )
            .with_detail(format!(
                "A numeric without precision is kept as numeric({precision},{scale})."
            ));
        }
        SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow").with_detail(
            format!(
                "A field with precision {precision}, scale {scale} must round to an absolute \
                 value less than {}{digits}.",
                if digits == 0 { "" } else { "10^" }
            )
            .replace("than 0.", "than 1."),
        )
    }

    /// The digits of a value, and how many of them stand after the point: never negative, and
    /// without trailing zeros if the type is bare.
    fn lay_out<D: Decimal>(self, value: D, digits: &mut [u8; 80]) -> (usize, usize) {
        let mut length = value.digits(digits);
        let mut scale = usize::try_from(self.scale).unwrap_or(0);
        if self.scale < 0 && !value.is_zero() {
            let zeros = usize::from(self.scale.unsigned_abs());
            let end = (length + zeros).min(digits.len());
            digits[length..end].fill(b'0');
            length = end;
        }
        let least = if self.bare && self.scale == NUMERIC_QUOTIENT.1 {
            quotient_scale(&digits[..length], scale).min(scale)
        } else {
            0
        };
        while self.bare && scale > least && digits[length - 1] == b'0' {
            scale -= 1;
            length -= 1;
            if length == 0 {
                digits[0] = b'0';
                return (1, least);
            }
        }
        (length, scale)
    }

    /// Writes the number as text.
    pub(super) fn write_text<D: Decimal>(self, value: D, out: &mut BytesMut) {
        let mut digits = [0; 80];
        let (length, scale) = self.lay_out(value, &mut digits);
        if value.is_lt(D::ZERO) {
            out.put_u8(b'-');
        }
        let digits = &digits[..length];
        if length > scale {
            out.put_slice(&digits[..length - scale]);
        } else {
            out.put_u8(b'0');
        }
        if scale > 0 {
            out.put_u8(b'.');
            out.put_bytes(b'0', scale.saturating_sub(length));
            out.put_slice(&digits[length.saturating_sub(scale)..]);
        }
    }

    /// Writes `numeric_send`'s form: count, weight, sign, display scale, groups of four digits.
    pub(super) fn write_binary<D: Decimal>(self, value: D, out: &mut BytesMut) {
        let mut digits = [0; 80];
        let (length, scale) = self.lay_out(value, &mut digits);
        // Digit `i` counts 10^(length - 1 - scale - i); groups start where that is 3 mod 4.
        let first_power =
            i32::try_from(length).unwrap_or(0) - 1 - i32::try_from(scale).unwrap_or(0);
        let mut groups = [0u16; 24];
        let mut count = 0;
        let mut weight = first_power.div_euclid(4);
        let mut power = first_power;
        for digit in &digits[..length] {
            let at = usize::try_from(first_power.div_euclid(4) - power.div_euclid(4)).unwrap_or(0);
            let unit = 10u16.pow(power.rem_euclid(4).unsigned_abs());
            groups[at] += u16::from(digit - b'0') * unit;
            count = at + 1;
            power -= 1;
        }
        while count > 0 && groups[count - 1] == 0 {
            count -= 1;
        }
        let leading = groups[..count].iter().take_while(|group| **group == 0).count();
        weight -= i32::try_from(leading).unwrap_or(0);
        if count == leading {
            weight = 0;
        }
        out.put_u16(u16::try_from(count - leading).unwrap_or(0));
        out.put_i16(i16::try_from(weight).unwrap_or(0));
        out.put_u16(if value.is_lt(D::ZERO) { NEGATIVE } else { POSITIVE });
        out.put_u16(u16::try_from(scale).unwrap_or(0));
        for group in &groups[leading..count] {
            out.put_u16(*group);
        }
    }

    /// Reads `numeric_send`'s form.
    pub(super) fn parse_binary<D: Decimal>(self, bytes: &[u8]) -> Result<D> {
        let invalid = || errors::invalid_binary(&PgType::Numeric(None));
        let (header, groups) = bytes.split_at_checked(8).ok_or_else(invalid)?;
        let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let weight = i64::from(i16::from_be_bytes([header[2], header[3]]));
        let negative = match word(4) {
            POSITIVE => false,
            NEGATIVE => true,
            0xC000 | 0xD000 | 0xF000 => return Err(not_a_number()),
            _ => return Err(invalid()),
        };
        if groups.len() != usize::from(word(0)) * 2 {
            return Err(invalid());
        }
        let groups = groups.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        if groups.clone().any(|group| group > 9999) {
            return Err(invalid());
        }
        let digits = groups.flat_map(|group| {
            [group / 1000, group / 100 % 10, group / 10 % 10, group % 10]
                .map(|digit| u8::try_from(digit).unwrap_or(0))
        });
        self.compose(negative, digits, weight * 4 + 3)
    }
}

/// How many digits PostgreSQL shows of a quotient at least: so many that sixteen are significant,
/// counted in groups of four. It looks at the operands, which are gone; that a quotient is one
/// tells that their first groups were alike.
fn quotient_scale(digits: &[u8], scale: usize) -> usize {
    let zero = digits.iter().all(|digit| *digit == b'0');
    let one = digits.len() % 4 == (scale + 1) % 4
        && digits.first() == Some(&b'1')
        && digits[1..].iter().all(|digit| *digit == b'0');
    let power = i64::try_from(digits.len()).unwrap_or(0) - 1 - i64::try_from(scale).unwrap_or(0);
    let group = if zero { 0 } else { power.div_euclid(4) } - i64::from(zero || one);
    usize::try_from(16 - 4 * group).unwrap_or(0)
}

fn not_a_number() -> SqlError {
    SqlError::unsupported("numeric NaN and infinity are not supported")
}

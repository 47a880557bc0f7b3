//! `real` and `double precision`: the shortest digits that read back as the same number, laid
//! out as PostgreSQL does.

use std::str::FromStr;

use bytes::{BufMut, BytesMut};

use super::{PgType, errors};
use crate::base::Result;

/// The two float types.
pub(super) trait Float: Copy + FromStr + zmij::Float + Into<f64> {
    /// Digits that always survive a round trip through decimal; the shortest output switches
    /// to an exponent there.
    const DIGITS: i32;
    const TYPE: PgType;
    /// Integers from here on may lie on the border between two floats' decimal intervals.
    const BORDERS_FROM: f64;
    /// The number's bits as an integer mantissa and a binary exponent.
    fn decompose(self) -> (u64, i32);
    fn digits_with(self, count: usize) -> String;
}

impl Float for f32 {
    const DIGITS: i32 = 6;
    const TYPE: PgType = PgType::Float4;
    const BORDERS_FROM: f64 = 16_777_216.0;

    fn decompose(self) -> (u64, i32) {
        let bits = self.to_bits();
        let exponent = i32::from((bits >> 23) as u8);
        (u64::from((bits & 0x7f_ffff) | 0x80_0000), exponent - 150)
    }

    fn digits_with(self, count: usize) -> String {
        format!("{:.*e}", count - 1, self.abs())
    }
}

impl Float for f64 {
    const DIGITS: i32 = 15;
    const TYPE: PgType = PgType::Float8;
    const BORDERS_FROM: f64 = 9_007_199_254_740_992.0;

    fn decompose(self) -> (u64, i32) {
        let bits = self.to_bits();
        let exponent = i32::from(((bits >> 52) & 0x7ff) as u16);
        ((bits & 0xf_ffff_ffff_ffff) | 0x10_0000_0000_0000, exponent - 1075)
    }

    fn digits_with(self, count: usize) -> String {
        format!("{:.*e}", count - 1, self.abs())
    }
}

/// Reads a float: decimal with or without an exponent, `NaN`, `Infinity`.
pub(super) fn parse<F: Float>(text: &str) -> Result<F> {
    let trimmed = text.trim_ascii();
    let value: F = trimmed.parse().map_err(|_| errors::invalid_syntax(&F::TYPE, text))?;
    let wide: f64 = value.into();
    // Too large reads as infinity, too small as zero: errors unless that was written.
    if wide.is_infinite() || wide == 0.0 {
        let mantissa = trimmed.split(['e', 'E']).next().unwrap_or_default();
        let meant_infinity = mantissa.bytes().any(|b| b.eq_ignore_ascii_case(&b'i'));
        let some_digit = mantissa.bytes().any(|b| (b'1'..=b'9').contains(&b));
        if some_digit && !meant_infinity {
            return Err(errors::float_out_of_range(&F::TYPE, text));
        }
    }
    Ok(value)
}

/// Decimal digits and the power of ten of the first one.
struct Decimal {
    digits: [u8; 24],
    length: usize,
    exponent: i32,
}

impl Decimal {
    /// Takes the digits out of any usual notation of a positive number.
    fn read(text: &[u8]) -> Self {
        let mut decimal = Self { digits: [0; 24], length: 0, exponent: 0 };
        let mut before_point = 0;
        let mut point = false;
        let mut leading_zeros = 0;
        let mut written = 0;
        for (at, byte) in text.iter().enumerate() {
            match byte {
                b'.' => point = true,
                b'e' | b'E' => {
                    let text = std::str::from_utf8(&text[at + 1..]).unwrap_or_default();
                    written = text.parse().unwrap_or_default();
                    break;
                }
                digit => {
                    before_point += i32::from(!point);
                    if *digit == b'0' && decimal.length == 0 {
                        leading_zeros += 1;
                    } else if decimal.length < decimal.digits.len() {
                        decimal.digits[decimal.length] = *digit;
                        decimal.length += 1;
                    }
                }
            }
        }
        while decimal.length > 1 && decimal.digits[decimal.length - 1] == b'0' {
            decimal.length -= 1;
        }
        decimal.exponent = before_point - 1 - leading_zeros + written;
        decimal
    }

    fn shortest<F: Float>(value: F) -> Self {
        let mut buffer = zmij::Buffer::new();
        let decimal = Self::read(buffer.format_finite(value).trim_start_matches('-').as_bytes());
        if value.into().abs() < F::BORDERS_FROM || !decimal.is_border(value) {
            return decimal;
        }
        // PostgreSQL does not trust readers to round to even, so the digits must not lie on the
        // border between two floats: as many more as it takes.
        let mut decimal = decimal;
        for count in decimal.length + 1..=17 {
            let text = value.digits_with(count);
            decimal = Self::read(text.as_bytes());
            let read: f64 = text.parse().map_or(f64::NAN, F::into);
            if read == value.into().abs() && !decimal.is_border(value) {
                break;
            }
        }
        decimal
    }

    /// Whether the digits name exactly the middle between the float and its neighbour.
    fn is_border<F: Float>(&self, value: F) -> bool {
        let (mantissa, binary) = value.decompose();
        let zeros = self.exponent + 1 - i32::try_from(self.length).unwrap_or(i32::MAX);
        // A middle is `(2 * mantissa ± 1) << (binary - 1)`: its odd part is below 2^54, so it
        // can't be a multiple of a higher power of five than 5^23.
        if !(0..=23).contains(&zeros) {
            return false;
        }
        let digits =
            self.digits[..self.length].iter().fold(0u128, |n, d| n * 10 + u128::from(d - b'0'));
        let scaled = digits * 5u128.pow(zeros.unsigned_abs());
        let twos = scaled.trailing_zeros();
        let odd = scaled >> twos;
        let middle = u128::from(mantissa) * 2;
        i32::try_from(twos).is_ok_and(|twos| twos + zeros == binary - 1)
            && (odd == middle + 1 || odd + 1 == middle)
    }

    fn write(&self, out: &mut BytesMut, fixed_below: i32) {
        let digits = &self.digits[..self.length];
        if self.exponent < -4 || self.exponent >= fixed_below {
            out.put_u8(digits[0]);
            if digits.len() > 1 {
                out.put_u8(b'.');
                out.put_slice(&digits[1..]);
            }
            out.put_u8(b'e');
            out.put_u8(if self.exponent < 0 { b'-' } else { b'+' });
            let power = self.exponent.unsigned_abs();
            if power < 10 {
                out.put_u8(b'0');
            }
            out.put_slice(itoa::Buffer::new().format(power).as_bytes());
        } else if self.exponent < 0 {
            out.put_slice(&b"0.0000"[..1 + self.exponent.unsigned_abs() as usize]);
            out.put_slice(digits);
        } else {
            let whole = self.exponent.unsigned_abs() as usize + 1;
            if digits.len() > whole {
                out.put_slice(&digits[..whole]);
                out.put_u8(b'.');
                out.put_slice(&digits[whole..]);
            } else {
                out.put_slice(digits);
                out.put_bytes(b'0', whole - digits.len());
            }
        }
    }
}

/// Writes a float as PostgreSQL's output functions do under `extra_float_digits`.
pub(super) fn write<F: Float>(value: F, out: &mut BytesMut, extra_digits: i32) {
    let wide: f64 = value.into();
    if wide.is_nan() {
        out.put_slice(b"NaN");
        return;
    }
    if wide.is_sign_negative() {
        out.put_u8(b'-');
    }
    if wide.is_infinite() {
        out.put_slice(b"Infinity");
    } else if wide == 0.0 {
        out.put_u8(b'0');
    } else if extra_digits > 0 {
        Decimal::shortest(value).write(out, F::DIGITS);
    } else {
        // C's %.*g: that many digits, trailing zeros dropped.
        let count = (F::DIGITS + extra_digits).max(1);
        let text = value.digits_with(count.unsigned_abs() as usize);
        Decimal::read(text.as_bytes()).write(out, count);
    }
}

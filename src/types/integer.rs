//! `smallint`, `integer`, `bigint` and `oid`.

use super::{PgType, errors};
use crate::base::Result;

/// Reads an integer that must fit `T`, PostgreSQL 16's forms included: `-42`, `0x1f`, `1_000`.
pub(super) fn parse<T: TryFrom<i64>>(text: &str, ty: &PgType) -> Result<T> {
    let wide = match plain(text.as_bytes()) {
        Some(value) => value,
        None => general(text, ty)?,
    };
    T::try_from(wide).map_err(|_| errors::integer_out_of_range(ty, text))
}

/// The usual case: up to 18 digits with or without a minus.
fn plain(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

fn general(text: &str, ty: &PgType) -> Result<i64> {
    let invalid = || errors::invalid_syntax(ty, text);
    let trimmed = text.trim_ascii();
    let (negative, unsigned) = match trimmed.as_bytes().first() {
        Some(b'-') => (true, &trimmed[1..]),
        Some(b'+') => (false, &trimmed[1..]),
        _ => (false, trimmed),
    };
    let (radix, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &unsigned[2..]),
        [b'0', b'o' | b'O', ..] => (8, &unsigned[2..]),
        [b'0', b'b' | b'B', ..] => (2, &unsigned[2..]),
        _ => (10, unsigned),
    };
    let mut value: Option<i64> = Some(0);
    let mut after_digit = radix != 10;
    let mut any = false;
    for character in digits.chars() {
        if character == '_' && after_digit {
            after_digit = false;
            continue;
        }
        let digit = character.to_digit(radix).ok_or_else(invalid)?;
        after_digit = true;
        any = true;
        // Downwards, because the lowest number has no positive counterpart.
        value = value
            .and_then(|v| v.checked_mul(i64::from(radix)))
            .and_then(|v| v.checked_sub(i64::from(digit)));
    }
    if !any || !after_digit {
        return Err(invalid());
    }
    let value = if negative { value } else { value.and_then(i64::checked_neg) };
    value.ok_or_else(|| errors::integer_out_of_range(ty, text))
}

/// Reads an oid; PostgreSQL takes negative numbers as their 32-bit pattern.
#[expect(clippy::cast_sign_loss, reason = "the bit pattern is what PostgreSQL means")]
pub(super) fn parse_oid(text: &str, ty: &PgType) -> Result<u32> {
    let wide: i64 = parse(text, ty)?;
    u32::try_from(wide)
        .or_else(|_| i32::try_from(wide).map(|value| value as u32))
        .map_err(|_| errors::integer_out_of_range(ty, text))
}

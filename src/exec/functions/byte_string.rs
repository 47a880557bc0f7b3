//! Functions of `bytea`: those that text has as well (`substring`, `position`, `overlay`, `trim`,
//! `reverse`), and those of single bytes and bits.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::ScalarUDF;

use super::function::{Arguments, Function, Kind, bytes, each, text, whole};
use crate::base::{Result, SqlError, SqlState};
use crate::types::PgType;

const ONE: Arguments = Arguments::Exactly(&[Kind::Bytea]);
const TWO: Arguments = Arguments::Exactly(&[Kind::Bytea, Kind::Bytea]);

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let bytea = |_: &[PgType]| PgType::Bytea;
    let int4 = |_: &[PgType]| PgType::Int4;
    let int8 = |_: &[PgType]| PgType::Int8;
    let with_number = Arguments::Exactly(&[Kind::Bytea, Kind::Int8]);
    let with_numbers = Arguments::Exactly(&[Kind::Bytea, Kind::Int8, Kind::Int4]);
    let part = Arguments::AndMore(&[Kind::Bytea, Kind::Int4], Kind::Int4);
    let placed = Arguments::AndMore(&[Kind::Bytea, Kind::Bytea, Kind::Int4], Kind::Int4);
    vec![
        Function::new("redkite_bytea_length", ONE, int4, |a, c| {
            each(a, c, |given| Ok(ScalarValue::from(count(bytes(&given[0]).len()))))
        })
        .build(),
        Function::new("redkite_bytea_bits", ONE, int4, |a, c| {
            each(a, c, |given| Ok(ScalarValue::from(count(bytes(&given[0]).len() * 8))))
        })
        .build(),
        Function::new("redkite_bytea_substring", part, bytea, |a, c| each(a, c, substring)).build(),
        Function::new("redkite_bytea_position", TWO, int4, |a, c| each(a, c, position)).build(),
        Function::new("redkite_bytea_overlay", placed, bytea, |a, c| each(a, c, overlay)).build(),
        Function::new("redkite_bytea_reverse", ONE, bytea, |a, c| {
            each(a, c, |given| Ok(binary(bytes(&given[0]).iter().rev().copied().collect())))
        })
        .build(),
        Function::new("redkite_bytea_btrim", TWO, bytea, |a, c| {
            each(a, c, |given| Ok(trimmed(given, true, true)))
        })
        .build(),
        Function::new("redkite_bytea_ltrim", TWO, bytea, |a, c| {
            each(a, c, |given| Ok(trimmed(given, true, false)))
        })
        .build(),
        Function::new("redkite_bytea_rtrim", TWO, bytea, |a, c| {
            each(a, c, |given| Ok(trimmed(given, false, true)))
        })
        .build(),
        Function::new("redkite_bytea_bit_count", ONE, int8, |a, c| {
            each(a, c, |given| {
                let ones = bytes(&given[0]).iter().map(|byte| i64::from(byte.count_ones()));
                Ok(ScalarValue::from(ones.sum::<i64>()))
            })
        })
        .build(),
        Function::new("redkite_bytea_get_bit", with_number, int4, |a, c| each(a, c, get_bit))
            .build(),
        Function::new("redkite_bytea_set_bit", with_numbers, bytea, |a, c| each(a, c, set_bit))
            .build(),
        Function::new("set_byte", with_numbers, bytea, |a, c| each(a, c, set_byte)).build(),
        Function::new("crc32", ONE, int8, |a, c| {
            each(a, c, |given| Ok(ScalarValue::from(checksum(bytes(&given[0]), 0xEDB8_8320))))
        })
        .build(),
        Function::new("crc32c", ONE, int8, |a, c| {
            each(a, c, |given| Ok(ScalarValue::from(checksum(bytes(&given[0]), 0x82F6_3B78))))
        })
        .build(),
        Function::new(
            "convert",
            Arguments::Exactly(&[Kind::Bytea, Kind::Text, Kind::Text]),
            bytea,
            |a, c| {
                each(a, c, |given| {
                    super::encodings::convert(bytes(&given[0]), text(&given[1]), text(&given[2]))
                })
            },
        )
        .build(),
    ]
}

fn count(bytes: usize) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}

fn binary(bytes: Vec<u8>) -> ScalarValue {
    ScalarValue::Binary(Some(bytes))
}

fn negative_length() -> SqlError {
    SqlError::new(SqlState::SUBSTRING_ERROR, "negative substring length not allowed")
}

/// The bytes from a place, counted from one, to one behind the last.
fn span(length: usize, from: i64, count: Option<i64>) -> Result<(usize, usize)> {
    if count.is_some_and(|count| count < 0) {
        return Err(negative_length());
    }
    let end = count.map_or(i64::MAX, |count| from.saturating_add(count));
    let place = |at: i64| usize::try_from(at.saturating_sub(1)).unwrap_or(0).min(length);
    let start = place(from);
    Ok((start, place(end).max(start)))
}

fn substring(given: &[ScalarValue]) -> Result<ScalarValue> {
    let all = bytes(&given[0]);
    let (start, end) = span(all.len(), whole(&given[1]), given.get(2).map(whole))?;
    Ok(binary(all[start..end].to_vec()))
}

fn position(given: &[ScalarValue]) -> Result<ScalarValue> {
    let (all, part) = (bytes(&given[0]), bytes(&given[1]));
    let found = memchr::memmem::find(all, part).map_or(0, |at| count(at + 1));
    Ok(ScalarValue::from(found))
}

fn overlay(given: &[ScalarValue]) -> Result<ScalarValue> {
    let (all, new, from) = (bytes(&given[0]), bytes(&given[1]), whole(&given[2]));
    if from <= 0 {
        return Err(negative_length());
    }
    let over = given.get(3).map_or(i64::from(count(new.len())), whole);
    let (start, _) = span(all.len(), from, None)?;
    let (rest, _) = span(all.len(), from.saturating_add(over), None)?;
    Ok(binary([&all[..start], new, &all[rest..]].concat()))
}

fn trimmed(given: &[ScalarValue], start: bool, end: bool) -> ScalarValue {
    let (mut all, set) = (bytes(&given[0]), bytes(&given[1]));
    while start
        && let [first, rest @ ..] = all
        && set.contains(first)
    {
        all = rest;
    }
    while end
        && let [rest @ .., last] = all
        && set.contains(last)
    {
        all = rest;
    }
    binary(all.to_vec())
}

/// A place among so many, counted from zero.
fn place(at: i64, of: usize) -> Result<usize> {
    usize::try_from(at).ok().filter(|place| *place < of).ok_or_else(|| {
        let message = format!("index {at} out of valid range, 0..{}", count(of) - 1);
        SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message)
    })
}

fn get_bit(given: &[ScalarValue]) -> Result<ScalarValue> {
    let all = bytes(&given[0]);
    let at = place(whole(&given[1]), all.len() * 8)?;
    Ok(ScalarValue::from(i32::from(all[at / 8] >> (at % 8) & 1)))
}

fn set_bit(given: &[ScalarValue]) -> Result<ScalarValue> {
    let mut all = bytes(&given[0]).to_vec();
    let at = place(whole(&given[1]), all.len() * 8)?;
    let bit = 1_u8 << (at % 8);
    match whole(&given[2]) {
        0 => all[at / 8] &= !bit,
        1 => all[at / 8] |= bit,
        _ => {
            let message = "new bit must be 0 or 1";
            return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
    }
    Ok(binary(all))
}

fn set_byte(given: &[ScalarValue]) -> Result<ScalarValue> {
    let mut all = bytes(&given[0]).to_vec();
    let at = place(whole(&given[1]), all.len())?;
    // What is more than a byte is cut off.
    all[at] = whole(&given[2]).to_le_bytes()[0];
    Ok(binary(all))
}

/// A cyclic redundancy check of 32 bits, of a reversed polynomial.
fn checksum(bytes: &[u8], polynomial: u32) -> i64 {
    let step = |sum: u32| if sum & 1 == 1 { sum >> 1 ^ polynomial } else { sum >> 1 };
    let sum = bytes
        .iter()
        .fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum)));
    i64::from(!sum)
}

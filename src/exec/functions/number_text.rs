//! Numbers as text in other bases, and sizes with units: `to_bin`, `to_oct`, `to_hex`, `pg_size_bytes`.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::ScalarUDF;

use super::function::{Arguments, Function, Kind, each, text, whole};
use crate::base::{Result, SqlError, SqlState};
use crate::types::PgType;

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let one = Arguments::Exactly(&[Kind::Any]);
    let shown = |_: &[PgType]| PgType::Text;
    vec![
        Function::new("to_bin", one, shown, |a, c| {
            each(a, c, |given| digits(&given[0], |n| format!("{n:b}")))
        })
        .build(),
        Function::new("to_oct", one, shown, |a, c| {
            each(a, c, |given| digits(&given[0], |n| format!("{n:o}")))
        })
        .build(),
        Function::new("to_hex", one, shown, |a, c| {
            each(a, c, |given| digits(&given[0], |n| format!("{n:x}")))
        })
        .build(),
        Function::new(
            "pg_size_bytes",
            Arguments::Exactly(&[Kind::Text]),
            |_| PgType::Int8,
            |a, c| each(a, c, |given| size(text(&given[0])).map(ScalarValue::from)),
        )
        .build(),
    ]
}

/// A number's digits; one below zero as its bits are.
fn digits(number: &ScalarValue, write: impl Fn(u64) -> String) -> Result<ScalarValue> {
    let bits = match number {
        ScalarValue::Int16(Some(number)) => u64::from(i32::from(*number).cast_unsigned()),
        ScalarValue::Int32(Some(number)) => u64::from(number.cast_unsigned()),
        other => whole(other).cast_unsigned(),
    };
    Ok(ScalarValue::from(write(bits)))
}

/// `1 MB` in bytes.
fn size(given: &str) -> Result<i64> {
    let invalid = || {
        let message = format!("invalid size: \"{given}\"");
        SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
    };
    let plain = given.trim();
    let end = plain.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+'));
    let (number, unit) = plain.split_at(end.unwrap_or(plain.len()));
    let number: f64 = number.parse().map_err(|_| invalid())?;
    let power = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" | "bytes" => 0,
        "kb" => 10,
        "mb" => 20,
        "gb" => 30,
        "tb" => 40,
        "pb" => 50,
        unit => {
            let hint =
                "Valid units are \"bytes\", \"B\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\".";
            let detail = format!("Invalid size unit: \"{unit}\".");
            return Err(invalid().with_detail(detail).with_hint(hint));
        }
    };
    let bytes = (number * 2_f64.powi(power)).round();
    if bytes.abs() >= 9.2e18 {
        return Err(super::checked::out_of_range(&PgType::Int8));
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole, and within the range")]
    Ok(bytes as i64)
}

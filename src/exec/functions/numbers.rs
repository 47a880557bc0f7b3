//! Functions of whole numbers and of decimals' digits: `gcd`, `lcm`, `factorial`, `scale`, `min_scale`,
//! `trim_scale`.

use std::sync::Arc;

use arrow::datatypes::{DataType, i256};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::checked::out_of_range;
use super::function::{Arguments, Call, Function, Kind, each, undefined, whole};
use crate::base::{Result, SqlError, SqlState};
use crate::types::PgType;

/// The largest number whose factorial has no more digits than decimals keep.
const FACTORIAL_MAX: i64 = 57;

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let two = Arguments::Exactly(&[Kind::Any, Kind::Any]);
    let one = Arguments::Exactly(&[Kind::Numeric]);
    let int4 = |_: &[PgType]| PgType::Int4;
    vec![
        Function::new("gcd", two, widest, |a, c| divisors(a, c, divisor)).build(),
        Function::new("lcm", two, widest, |a, c| divisors(a, c, multiple)).build(),
        Function::new(
            "factorial",
            Arguments::Exactly(&[Kind::Int8]),
            |_| PgType::Numeric(Some((76, 0))),
            |a, c| each(a, c, |given| factorial(whole(&given[0]))),
        )
        .returns_arrow(DataType::Decimal256(76, 0))
        .build(),
        Function::new("scale", one, int4, |a, c| each(a, c, |given| scale(&given[0], c))).build(),
        Function::new("min_scale", one, int4, |a, c| {
            each(a, c, |given| Ok(ScalarValue::from(trimmed(&given[0]))))
        })
        .build(),
        // What has no precision is shown without zeros at its end.
        Function::new(
            "trim_scale",
            one,
            |_| PgType::Numeric(None),
            |a, c| each(a, c, |given| Ok(given[0].clone())),
        )
        .build(),
    ]
}

fn widest(types: &[PgType]) -> PgType {
    let scale = |ty: &PgType| match ty {
        PgType::Numeric(Some((_, scale))) => Some(*scale),
        PgType::Numeric(None) => None,
        _ => Some(0),
    };
    if types.iter().any(|ty| matches!(ty, PgType::Numeric(_))) {
        let scales: Option<Vec<i8>> = types.iter().map(scale).collect();
        let widest = scales.and_then(|scales| scales.into_iter().max());
        return PgType::Numeric(widest.map(|scale| (38, scale)));
    }
    if types.contains(&PgType::Int8) { PgType::Int8 } else { PgType::Int4 }
}

fn divisors(
    arguments: &[ColumnarValue],
    call: &Call,
    compute: fn(i128, i128) -> i128,
) -> Result<ColumnarValue> {
    if let PgType::Numeric(_) = call.result {
        return each(arguments, call, |given| of_decimals(given, compute));
    }
    if !call.types.iter().all(|ty| matches!(ty, PgType::Int2 | PgType::Int4 | PgType::Int8)) {
        return Err(undefined("gcd", &[]));
    }
    each(arguments, call, |given| {
        let found = compute(whole(&given[0]).into(), whole(&given[1]).into());
        let refused = || out_of_range(&call.result);
        match &call.result {
            PgType::Int8 => i64::try_from(found).map(ScalarValue::from).map_err(|_| refused()),
            _ => i32::try_from(found).map(ScalarValue::from).map_err(|_| refused()),
        }
    })
}

/// The same of decimals, as whole numbers of their last digits.
fn of_decimals(given: &[ScalarValue], compute: fn(i128, i128) -> i128) -> Result<ScalarValue> {
    let beyond = || {
        let message = "value overflows numeric format";
        SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
    };
    let parts: Vec<(i256, i8)> = given.iter().map(parts).collect();
    let scale = parts.iter().map(|(_, scale)| *scale).max().unwrap_or(0);
    let digits = |(digits, own): &(i256, i8)| {
        let power = u32::try_from(scale - own).ok()?;
        digits.to_i128()?.checked_mul(10_i128.checked_pow(power)?)
    };
    let whole: Option<Vec<i128>> = parts.iter().map(digits).collect();
    match whole.ok_or_else(beyond)?.as_slice() {
        [a, b] => Ok(ScalarValue::Decimal128(Some(compute(*a, *b)), 38, scale)),
        _ => Err(beyond()),
    }
}

fn divisor(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn multiple(a: i128, b: i128) -> i128 {
    match divisor(a, b) {
        0 => 0,
        common => (a / common * b).abs(),
    }
}

fn factorial(number: i64) -> Result<ScalarValue> {
    let refused = |message: &str| SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message);
    if number < 0 {
        return Err(refused("factorial of a negative number is undefined"));
    }
    if number > FACTORIAL_MAX {
        return Err(refused("value overflows numeric format"));
    }
    let factors = (1..=number).map(|factor| i256::from_i128(factor.into()));
    let product = factors.fold(i256::ONE, i256::wrapping_mul);
    Ok(ScalarValue::Decimal256(Some(product), 76, 0))
}

/// A decimal's digits and how many of them are after the point.
fn parts(value: &ScalarValue) -> (i256, i8) {
    match value {
        ScalarValue::Decimal128(Some(digits), _, scale) => (i256::from_i128(*digits), *scale),
        ScalarValue::Decimal256(Some(digits), _, scale) => (*digits, *scale),
        other => (i256::from_i128(whole(other).into()), 0),
    }
}

/// How many digits after the point it takes to tell a value.
fn trimmed(value: &ScalarValue) -> i32 {
    let (mut digits, mut scale) = parts(value);
    let ten = i256::from_i128(10);
    while scale > 0 && digits.wrapping_rem(ten) == i256::ZERO {
        digits = digits.wrapping_div(ten);
        scale -= 1;
    }
    i32::from(scale.max(0))
}

/// How many digits after the point are shown.
fn scale(value: &ScalarValue, call: &Call) -> Result<ScalarValue> {
    let shown = match call.types.first() {
        Some(PgType::Numeric(Some((_, scale)))) => i32::from((*scale).max(0)),
        _ => trimmed(value),
    };
    Ok(ScalarValue::from(shown))
}

//! Trigonometry in degrees, exact where the answer is (`sind(30)` is 0.5), and the inverse functions that
//! refuse what they have no answer for. As in PostgreSQL's `float.c`: a quarter of the circle is computed
//! from the half of it where the value is certain, and scaled so that the known points come out right.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::ScalarUDF;

use super::function::{Arguments, Function, Kind, each, float};
use crate::base::{Result, SqlError, SqlState};
use crate::types::PgType;

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    macro_rules! one {
        ($name:literal, $body:expr) => {
            Function::new(
                $name,
                Arguments::Exactly(&[Kind::Float8]),
                |_| PgType::Float8,
                |a, c| each(a, c, |given| answer(float(&given[0]), $body)),
            )
            .build()
        };
    }
    let two = Arguments::Exactly(&[Kind::Float8, Kind::Float8]);
    vec![
        one!("sind", |x| finite(x).map(sine)),
        one!("cosd", |x| finite(x).map(cosine)),
        one!("tand", |x| finite(x).map(tangent)),
        one!("cotd", |x| finite(x).map(cotangent)),
        one!("asind", |x| within(x, -1.0, 1.0).map(arcsine)),
        one!("acosd", |x| within(x, -1.0, 1.0).map(arccosine)),
        one!("atand", |x| Ok(x.atan() / 1_f64.atan() * 45.0)),
        one!("asin", |x| within(x, -1.0, 1.0).map(f64::asin)),
        one!("acos", |x| within(x, -1.0, 1.0).map(f64::acos)),
        one!("acosh", |x| within(x, 1.0, f64::INFINITY).map(f64::acosh)),
        one!("atanh", |x| within(x, -1.0, 1.0).map(f64::atanh)),
        Function::new(
            "atan2d",
            two,
            |_| PgType::Float8,
            |a, c| {
                each(a, c, |given| {
                    let angle = float(&given[0]).atan2(float(&given[1]));
                    Ok(ScalarValue::from(angle / 1_f64.atan() * 45.0))
                })
            },
        )
        .build(),
    ]
}

/// NaN of NaN, otherwise what the function says.
fn answer(x: f64, function: impl Fn(f64) -> Result<f64>) -> Result<ScalarValue> {
    if x.is_nan() {
        return Ok(ScalarValue::from(x));
    }
    function(x).map(ScalarValue::from)
}

fn out_of_range() -> SqlError {
    SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "input is out of range")
}

fn finite(x: f64) -> Result<f64> {
    if x.is_finite() { Ok(x) } else { Err(out_of_range()) }
}

fn within(x: f64, low: f64, high: f64) -> Result<f64> {
    if (low..=high).contains(&x) { Ok(x) } else { Err(out_of_range()) }
}

/// The sine of up to 30 degrees.
fn sine_to_30(x: f64) -> f64 {
    x.to_radians().sin() / 30_f64.to_radians().sin() / 2.0
}

/// The cosine of up to 60 degrees.
fn cosine_to_60(x: f64) -> f64 {
    let rest = |x: f64| 1.0 - x.to_radians().cos();
    1.0 - rest(x) / rest(60.0) / 2.0
}

fn sine_to_90(x: f64) -> f64 {
    if x <= 30.0 { sine_to_30(x) } else { cosine_to_60(90.0 - x) }
}

fn cosine_to_90(x: f64) -> f64 {
    if x <= 60.0 { cosine_to_60(x) } else { sine_to_30(90.0 - x) }
}

/// An angle within half a circle, and its sign for functions that turn with it.
fn half(x: f64) -> (f64, f64) {
    let x = x % 360.0;
    let (x, sign) = if x < 0.0 { (-x, -1.0) } else { (x, 1.0) };
    if x > 180.0 { (360.0 - x, -sign) } else { (x, sign) }
}

fn sine(x: f64) -> f64 {
    let (x, sign) = half(x);
    sign * sine_to_90(if x > 90.0 { 180.0 - x } else { x })
}

fn cosine(x: f64) -> f64 {
    let (x, _) = half(x);
    if x > 90.0 { -cosine_to_90(180.0 - x) } else { cosine_to_90(x) }
}

/// An angle within a quarter of the circle, with its sign.
fn quarter(x: f64) -> (f64, f64) {
    let (x, sign) = half(x);
    if x > 90.0 { (180.0 - x, -sign) } else { (x, sign) }
}

fn tangent(x: f64) -> f64 {
    let of = |x: f64| sine_to_90(x) / cosine_to_90(x);
    let (x, sign) = quarter(x);
    // No negative zero.
    sign * (of(x) / of(45.0)) + 0.0
}

fn cotangent(x: f64) -> f64 {
    let of = |x: f64| cosine_to_90(x) / sine_to_90(x);
    let (x, sign) = quarter(x);
    sign * (of(x) / of(45.0)) + 0.0
}

fn arcsine_to_90(x: f64) -> f64 {
    match x <= 0.5 {
        true => x.asin() / 0.5_f64.asin() * 30.0,
        false => 90.0 - x.acos() / 0.5_f64.acos() * 60.0,
    }
}

fn arccosine_to_90(x: f64) -> f64 {
    match x <= 0.5 {
        true => 90.0 - x.asin() / 0.5_f64.asin() * 30.0,
        false => x.acos() / 0.5_f64.acos() * 60.0,
    }
}

fn arcsine(x: f64) -> f64 {
    if x < 0.0 { -arcsine_to_90(-x) } else { arcsine_to_90(x) }
}

fn arccosine(x: f64) -> f64 {
    if x < 0.0 { 90.0 + arcsine_to_90(-x) } else { arccosine_to_90(x) }
}

//! What a UUID tells: `uuid_extract_version`, `uuid_extract_timestamp`.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::ScalarUDF;

use super::function::{Arguments, Function, Kind, each};
use crate::types::PgType;

const ONE: Arguments = Arguments::Exactly(&[Kind::Uuid]);

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    vec![
        Function::new(
            "uuid_extract_version",
            ONE,
            |_| PgType::Int2,
            |a, c| each(a, c, |given| Ok(ScalarValue::Int16(version(&given[0])))),
        )
        .build(),
        Function::new(
            "uuid_extract_timestamp",
            ONE,
            |_| PgType::Timestamptz,
            |a, c| {
                each(a, c, |given| {
                    let us = instant(&given[0]);
                    Ok(ScalarValue::TimestampMicrosecond(us, Some("UTC".into())))
                })
            },
        )
        .build(),
    ]
}

/// The number, where the variant is the one that has versions.
fn number(value: &ScalarValue) -> Option<u128> {
    let ScalarValue::FixedSizeBinary(_, Some(bytes)) = value else { return None };
    let number = u128::from_be_bytes(bytes.as_slice().try_into().ok()?);
    (number >> 62 & 3 == 2).then_some(number)
}

fn version(value: &ScalarValue) -> Option<i16> {
    i16::try_from(number(value)? >> 76 & 15).ok()
}

/// Microseconds since 1970 of the versions that are made of the time.
fn instant(value: &ScalarValue) -> Option<i64> {
    // Hundreds of nanoseconds since the Gregorian calendar began.
    const GREGORIAN: u128 = 0x01B2_1DD2_1381_4000;
    let number = number(value)?;
    match version(value)? {
        7 => i64::try_from(number >> 80).ok()?.checked_mul(1000),
        1 => {
            let (low, middle, high) = (number >> 96, number >> 80 & 0xFFFF, number >> 64 & 0xFFF);
            let ticks = high << 48 | middle << 32 | low;
            i64::try_from(ticks.checked_sub(GREGORIAN)? / 10).ok()
        }
        _ => None,
    }
}

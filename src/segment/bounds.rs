//! The smallest and the largest value of a column in some rows, as they are stored: in JSON,
//! typed by the column, cut where they are long. A bound that is missing says nothing.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{
    max, max_binary, max_boolean, max_string, min, min_binary, min_boolean, min_string,
};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType, UInt32Type, UInt64Type,
};
use datafusion::common::ScalarValue;
use serde::{Deserialize, Serialize};

/// Longer text and bytes are cut: a bound need not be a value that occurs.
const BOUND_BYTES_MAX: usize = 48;

/// A bound of a column's values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// A truth value.
    Bool(bool),
    /// Any integer: numbers, dates and times in their unit, decimals unscaled.
    Int(#[serde(with = "number_text")] i128),
    /// A number with a fraction; never NaN or infinite. Written as text, because JSON readers
    /// don't give every number back bit by bit.
    Float(#[serde(with = "number_text")] f64),
    /// Text, in the order of its bytes.
    Text(String),
    /// Bytes, in hexadecimal.
    Bytes(#[serde(with = "hex_text")] Vec<u8>),
}

/// What is known of a column's values in some rows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ColumnStatistics {
    /// No value is smaller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Bound>,
    /// No value is larger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Bound>,
    /// How many are NULL.
    pub nulls: u64,
}

impl ColumnStatistics {
    /// Looks at all values.
    pub fn of(array: &dyn Array) -> Self {
        let nulls = array.logical_null_count() as u64;
        let (min, max) = bounds_of(array).unwrap_or_default();
        Self { min, max, nulls }
    }

    /// What is known of these rows and of others (`rows` and `other_rows` many) together.
    #[must_use]
    pub fn merged(self, rows: u64, other: Self, other_rows: u64) -> Self {
        let nulls = self.nulls + other.nulls;
        let (mine, others) = (self.nulls == rows, other.nulls == other_rows);
        let (min, max) = match (mine, others) {
            (true, _) => (other.min, other.max),
            (_, true) => (self.min, self.max),
            _ => (
                pick(self.min, other.min, Ordering::Less),
                pick(self.max, other.max, Ordering::Greater),
            ),
        };
        Self { min, max, nulls }
    }
}

fn pick(left: Option<Bound>, right: Option<Bound>, wanted: Ordering) -> Option<Bound> {
    let (left, right) = (left?, right?);
    let order = left.compare(&right)?;
    Some(if order == wanted { left } else { right })
}

impl Bound {
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Float(a), Self::Float(b)) => Some(a.total_cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Bytes(a), Self::Bytes(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// The bound as a value of the column's type; `None` when it isn't one.
    pub fn to_scalar(&self, data_type: &DataType) -> Option<ScalarValue> {
        Some(match (self, data_type) {
            (Self::Bool(value), DataType::Boolean) => ScalarValue::Boolean(Some(*value)),
            (Self::Int(value), _) => int_scalar(*value, data_type)?,
            #[expect(clippy::cast_possible_truncation, reason = "it was an f32 before")]
            (Self::Float(value), DataType::Float32) => ScalarValue::Float32(Some(*value as f32)),
            (Self::Float(value), DataType::Float64) => ScalarValue::Float64(Some(*value)),
            (Self::Text(value), DataType::Utf8) => ScalarValue::Utf8(Some(value.clone())),
            (Self::Bytes(value), DataType::Binary) => ScalarValue::Binary(Some(value.clone())),
            (Self::Bytes(value), DataType::LargeBinary) => {
                ScalarValue::LargeBinary(Some(value.clone()))
            }
            (Self::Bytes(value), DataType::FixedSizeBinary(size))
                if usize::try_from(*size) == Ok(value.len()) =>
            {
                ScalarValue::FixedSizeBinary(*size, Some(value.clone()))
            }
            _ => return None,
        })
    }
}

fn int_scalar(value: i128, data_type: &DataType) -> Option<ScalarValue> {
    Some(match data_type {
        DataType::Int8 => ScalarValue::Int8(Some(value.try_into().ok()?)),
        DataType::Int16 => ScalarValue::Int16(Some(value.try_into().ok()?)),
        DataType::Int32 => ScalarValue::Int32(Some(value.try_into().ok()?)),
        DataType::Int64 => ScalarValue::Int64(Some(value.try_into().ok()?)),
        DataType::UInt32 => ScalarValue::UInt32(Some(value.try_into().ok()?)),
        DataType::UInt64 => ScalarValue::UInt64(Some(value.try_into().ok()?)),
        DataType::Date32 => ScalarValue::Date32(Some(value.try_into().ok()?)),
        DataType::Time64(TimeUnit::Microsecond) => {
            ScalarValue::Time64Microsecond(Some(value.try_into().ok()?))
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            ScalarValue::TimestampMicrosecond(Some(value.try_into().ok()?), zone.clone())
        }
        DataType::Decimal128(precision, scale) => {
            ScalarValue::Decimal128(Some(value), *precision, *scale)
        }
        _ => return None,
    })
}

type Bounds = (Option<Bound>, Option<Bound>);

macro_rules! integers {
    ($array:expr, $($pattern:pat => $type:ty),* ; $($rest:tt)*) => {
        match $array.data_type() {
            $($pattern => {
                let array = $array.as_primitive::<$type>();
                let (low, high) = (min(array)?, max(array)?);
                Some((Some(Bound::Int(low.into())), Some(Bound::Int(high.into()))))
            })*
            $($rest)*
        }
    };
}

fn bounds_of(array: &dyn Array) -> Option<Bounds> {
    integers! { array,
        DataType::Int8 => Int8Type,
        DataType::Int16 => Int16Type,
        DataType::Int32 => Int32Type,
        DataType::Int64 => Int64Type,
        DataType::UInt32 => UInt32Type,
        DataType::UInt64 => UInt64Type,
        DataType::Date32 => Date32Type,
        DataType::Time64(TimeUnit::Microsecond) => Time64MicrosecondType,
        DataType::Timestamp(TimeUnit::Microsecond, _) => TimestampMicrosecondType,
        DataType::Decimal128(_, _) => Decimal128Type;
        DataType::Boolean => {
            let array = array.as_boolean();
            Some((min_boolean(array).map(Bound::Bool), max_boolean(array).map(Bound::Bool)))
        }
        DataType::Float32 => {
            let array = array.as_primitive::<Float32Type>();
            float_bounds(array.iter().flatten().map(f64::from))
        }
        DataType::Float64 => {
            let array = array.as_primitive::<Float64Type>();
            float_bounds(array.iter().flatten())
        }
        DataType::Utf8 => {
            let array = array.as_string::<i32>();
            let low = Bound::Text(cut(min_string(array)?).to_owned());
            let high = text_above(max_string(array)?).map(Bound::Text);
            Some((Some(low), high))
        }
        DataType::Binary => {
            let array = array.as_binary::<i32>();
            let low = min_binary(array)?;
            let low = Bound::Bytes(low[..low.len().min(BOUND_BYTES_MAX)].to_vec());
            Some((Some(low), bytes_above(max_binary(array)?).map(Bound::Bytes)))
        }
        DataType::LargeBinary => {
            let array = array.as_binary::<i64>();
            let low = min_binary(array)?;
            let low = Bound::Bytes(low[..low.len().min(BOUND_BYTES_MAX)].to_vec());
            Some((Some(low), bytes_above(max_binary(array)?).map(Bound::Bytes)))
        }
        DataType::FixedSizeBinary(size) if *size <= 16 => {
            let array = array.as_fixed_size_binary();
            let low = array.iter().flatten().min()?;
            let high = array.iter().flatten().max()?;
            Some((Some(Bound::Bytes(low.to_vec())), Some(Bound::Bytes(high.to_vec()))))
        }
        _ => None,
    }
}

/// NaN is the largest value for PostgreSQL and infinity can't be written as JSON: with one of
/// them nothing is known. The zeros are equal, so a bound must not tell them apart.
fn float_bounds(values: impl Iterator<Item = f64>) -> Option<Bounds> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values {
        if !value.is_finite() {
            return None;
        }
        low = low.min(value);
        high = high.max(value);
    }
    if low > high {
        return None;
    }
    let low = if low == 0.0 { -0.0 } else { low };
    let high = if high == 0.0 { 0.0 } else { high };
    Some((Some(Bound::Float(low)), Some(Bound::Float(high))))
}

fn cut(text: &str) -> &str {
    if text.len() <= BOUND_BYTES_MAX {
        return text;
    }
    let mut end = BOUND_BYTES_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A short text that is not smaller than this one.
fn text_above(text: &str) -> Option<String> {
    if text.len() <= BOUND_BYTES_MAX {
        return Some(text.to_owned());
    }
    let mut prefix: Vec<char> = cut(text).chars().collect();
    while let Some(last) = prefix.pop() {
        let next = if last == '\u{d7ff}' {
            Some('\u{e000}')
        } else {
            u32::from(last).checked_add(1).and_then(char::from_u32)
        };
        if let Some(next) = next {
            prefix.push(next);
            return Some(prefix.into_iter().collect());
        }
    }
    None
}

/// Short bytes that are not smaller than these.
fn bytes_above(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() <= BOUND_BYTES_MAX {
        return Some(bytes.to_vec());
    }
    let mut prefix = bytes[..BOUND_BYTES_MAX].to_vec();
    while let Some(last) = prefix.pop() {
        if let Some(next) = last.checked_add(1) {
            prefix.push(next);
            return Some(prefix);
        }
    }
    None
}

/// The statistics of each column of a batch.
pub(super) fn of_batch(batch: &RecordBatch) -> Vec<ColumnStatistics> {
    batch.columns().iter().map(|column| ColumnStatistics::of(column.as_ref())).collect()
}

/// Bounds as an array with a NULL where nothing is known; `None` when all are.
pub(super) fn to_array<'a>(
    bounds: impl Iterator<Item = Option<&'a Bound>>,
    data_type: &DataType,
) -> Option<ArrayRef> {
    let null = ScalarValue::try_from(data_type).ok()?;
    let mut known = false;
    let values: Vec<ScalarValue> = bounds
        .map(|bound| match bound.and_then(|bound| bound.to_scalar(data_type)) {
            Some(value) => {
                known = true;
                value
            }
            None => null.clone(),
        })
        .collect();
    if !known {
        return None;
    }
    ScalarValue::iter_to_array(values).ok().map(|array| Arc::clone(&array))
}

mod number_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<T: Display, S: Serializer>(
        value: &T,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(super) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

mod hex_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        use std::fmt::Write;
        let mut text = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
        to.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        if text.len() % 2 != 0 || !text.is_ascii() {
            return Err(D::Error::custom("bytes must be pairs of hexadecimal digits"));
        }
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(D::Error::custom))
            .collect()
    }
}

//! Functions and operators of `bit` and `bit varying`, pgvector's distances among them.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, LargeBinaryArray,
    PrimitiveArray,
};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Int16Type, Int32Type, Int64Type};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::cast_text::parse_column;
use super::function::{Arguments, Body, Call, Function, Kind, arrays, internal, result};
use super::vector_distance::wrong_count;
use crate::base::{Result, SqlError, SqlState};
use crate::index::{hamming, jaccard};
use crate::types::{BitString, PgType, stored_blocks, stored_length};

const ONE: Arguments = Arguments::Exactly(&[Kind::Bits]);
const TWO: Arguments = Arguments::Exactly(&[Kind::Bits, Kind::Bits]);
const WITH_NUMBER: Arguments = Arguments::Exactly(&[Kind::Bits, Kind::Int4]);
const WITH_NUMBERS: Arguments = Arguments::Exactly(&[Kind::Bits, Kind::Int4, Kind::Int4]);

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let bit = |_: &[PgType]| PgType::Bit(None);
    let varbit = |_: &[PgType]| PgType::Varbit(None);
    let int4 = |_: &[PgType]| PgType::Int4;
    let function = |name, arguments, returns, body: Body| {
        Function::new(name, arguments, returns, body).build()
    };
    vec![
        function(
            "hamming_distance",
            TWO,
            |_| PgType::Float8,
            |a, c| distances(a, c, |a, b| hamming(stored_blocks(a), stored_blocks(b))),
        ),
        function(
            "jaccard_distance",
            TWO,
            |_| PgType::Float8,
            |a, c| distances(a, c, |a, b| jaccard(stored_blocks(a), stored_blocks(b))),
        ),
        function("bitand", TWO, bit, |a, _| merge(a, "AND", |a, b| a & b)),
        function("bitor", TWO, bit, |a, _| merge(a, "OR", |a, b| a | b)),
        function("bitxor", TWO, bit, |a, _| merge(a, "XOR", |a, b| a ^ b)),
        function("bitshiftleft", WITH_NUMBER, bit, |a, _| shift(a, 1)),
        function("bitshiftright", WITH_NUMBER, bit, |a, _| shift(a, -1)),
        function("bitcat", TWO, varbit, |a, _| pairs(a, |a, b| Ok(a.followed_by(&b)))),
        function("bitcmp", TWO, int4, |a, _| compare(a)),
        function("bit_count", ONE, |_| PgType::Int8, |a, _| count(a)),
        function("get_bit", WITH_NUMBER, int4, |a, _| get(a)),
        function("set_bit", WITH_NUMBERS, bit, |a, _| set(a)),
        function("redkite_bit_length", ONE, int4, |a, _| lengths(a)),
        function("redkite_bit_position", TWO, int4, |a, _| position(a)),
        Function::new(
            "redkite_bit_substring",
            Arguments::AndMore(&[Kind::Bits, Kind::Int4], Kind::Int4),
            bit,
            |a, _| substring(a),
        )
        .build(),
        Function::new(
            "redkite_bit_overlay",
            Arguments::AndMore(&[Kind::Bits, Kind::Bits, Kind::Int4], Kind::Int4),
            bit,
            |a, _| overlay(a),
        )
        .build(),
        Function::new("redkite_bitwise_not", Arguments::Exactly(&[Kind::Any]), same, not)
            .alias("bitnot")
            .build(),
    ]
}

fn same(types: &[PgType]) -> PgType {
    match types.first() {
        Some(integer @ (PgType::Int2 | PgType::Int4 | PgType::Int8)) => integer.clone(),
        _ => PgType::Bit(None),
    }
}

/// An argument's stored values; literals are read.
fn stored(array: &ArrayRef) -> Result<LargeBinaryArray> {
    match array.data_type() {
        DataType::LargeBinary => Ok(array.as_binary::<i64>().clone()),
        _ => Ok(parse_column(array, &PgType::Varbit(None))?.as_binary::<i64>().clone()),
    }
}

/// Applies a function to each pair of bit strings.
fn pairs(
    arguments: &[ColumnarValue],
    apply: impl Fn(BitString, BitString) -> Result<BitString>,
) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let (left, right) = (stored(&columns[0])?, stored(&columns[1])?);
    let found = left.iter().zip(&right).map(|(a, b)| {
        let Some((a, b)) = a.zip(b) else { return Ok(None) };
        apply(BitString::of(a), BitString::of(b)).map(|bits| Some(bits.stored()))
    });
    result(Arc::new(found.collect::<Result<LargeBinaryArray>>()?), scalar)
}

/// `&`, `|` and `#`.
fn merge(
    arguments: &[ColumnarValue],
    name: &str,
    apply: fn(u64, u64) -> u64,
) -> Result<ColumnarValue> {
    pairs(arguments, |a, b| match a.len() == b.len() {
        true => Ok(a.merged(&b, apply)),
        false => Err(different_sizes(name)),
    })
}

/// The error for two that can't be merged bit by bit.
pub(super) fn different_sizes(operation: &str) -> SqlError {
    let message = format!("cannot {operation} bit strings of different sizes");
    SqlError::new(SqlState::STRING_DATA_LENGTH_MISMATCH, message)
}

/// The stored values of an argument, a constant once for all rows: searches compare many with one.
struct Operand {
    values: LargeBinaryArray,
    constant: bool,
}

impl Operand {
    fn new(argument: &ColumnarValue) -> Result<Self> {
        let constant = matches!(argument, ColumnarValue::Scalar(_));
        let values = stored(&argument.to_array(1).map_err(internal)?)?;
        Ok(Self { values, constant })
    }

    fn get(&self, row: usize) -> Option<&[u8]> {
        let row = if self.constant { 0 } else { row };
        (!self.values.is_null(row)).then(|| self.values.value(row))
    }
}

/// A distance of each pair of stored values, which have equal lengths.
fn distances(
    arguments: &[ColumnarValue],
    call: &Call,
    measure: fn(&[u8], &[u8]) -> f64,
) -> Result<ColumnarValue> {
    let [left, right] = arguments else { return Err(wrong_count()) };
    let (left, right) = (Operand::new(left)?, Operand::new(right)?);
    let scalar = left.constant && right.constant;
    let rows = if scalar { 1 } else { call.rows };
    let found = (0..rows).map(|row| {
        let Some((a, b)) = left.get(row).zip(right.get(row)) else { return Ok(None) };
        let (length, other) = (stored_length(a), stored_length(b));
        if length != other {
            let message = format!("different bit lengths {length} and {other}");
            return Err(SqlError::new(SqlState::DATA_EXCEPTION, message));
        }
        Ok(Some(measure(a, b)))
    });
    result(Arc::new(found.collect::<Result<Float64Array>>()?), scalar)
}

/// The stored bytes order as the bits do.
fn compare(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let (left, right) = (stored(&columns[0])?, stored(&columns[1])?);
    let pairs = left.iter().zip(&right);
    let found: Int32Array = pairs.map(|(a, b)| Some(a?.cmp(b?) as i32)).collect();
    result(Arc::new(found), scalar)
}

fn count(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let bits = stored(&columns[0])?;
    let count = |stored| i64::from(stored_blocks(stored).map(u64::count_ones).sum::<u32>());
    let found: Int64Array = bits.iter().map(|stored| stored.map(count)).collect();
    result(Arc::new(found), scalar)
}

fn lengths(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let bits = stored(&columns[0])?;
    let length = |stored| i32::try_from(stored_length(stored)).unwrap_or(i32::MAX);
    let found: Int32Array = bits.iter().map(|stored| stored.map(length)).collect();
    result(Arc::new(found), scalar)
}

/// Applies a function to each bit string and the numbers behind it.
fn with_numbers(
    arguments: &[ColumnarValue],
    apply: impl Fn(BitString, &[i32]) -> Result<BitString>,
) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let bits = stored(&columns[0])?;
    let numbers = &columns[1..];
    let mut row = Vec::with_capacity(numbers.len());
    let found = bits.iter().enumerate().map(|(at, stored)| {
        row.clear();
        let present = numbers.iter().map(|column| column.as_primitive::<Int32Type>());
        row.extend(present.filter(|column| !column.is_null(at)).map(|column| column.value(at)));
        match stored.filter(|_| row.len() == numbers.len()) {
            Some(stored) => apply(BitString::of(stored), &row).map(|bits| Some(bits.stored())),
            None => Ok(None),
        }
    });
    result(Arc::new(found.collect::<Result<LargeBinaryArray>>()?), scalar)
}

fn shift(arguments: &[ColumnarValue], direction: i64) -> Result<ColumnarValue> {
    with_numbers(arguments, |bits, numbers| {
        Ok(bits.shifted(direction * numbers.first().copied().map_or(0, i64::from)))
    })
}

/// The place of a bit that must be there.
fn place(bits: &BitString, at: i32) -> Result<usize> {
    usize::try_from(at).ok().filter(|place| *place < bits.len()).ok_or_else(|| {
        let last = i64::try_from(bits.len()).unwrap_or(i64::MAX) - 1;
        let message = format!("bit index {at} out of valid range (0..{last})");
        SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message)
    })
}

fn get(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let (bits, places) = (stored(&columns[0])?, columns[1].as_primitive::<Int32Type>());
    let found = bits.iter().zip(places).map(|(stored, at)| {
        let Some((stored, at)) = stored.zip(at) else { return Ok(None) };
        let bits = BitString::of(stored);
        place(&bits, at).map(|at| Some(i32::from(bits.bit(at))))
    });
    result(Arc::new(found.collect::<Result<Int32Array>>()?), scalar)
}

fn set(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    with_numbers(arguments, |mut bits, numbers| {
        let [at, value] = numbers else { return Err(internal("two numbers")) };
        let at = place(&bits, *at)?;
        if !matches!(value, 0 | 1) {
            let message = "new bit must be 0 or 1";
            return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        bits.set(at, *value == 1);
        Ok(bits)
    })
}

/// Where the second is found in the first, from one; zero if nowhere.
fn position(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let (texts, wanted) = (stored(&columns[0])?, stored(&columns[1])?);
    let found: Int32Array = texts
        .iter()
        .zip(&wanted)
        .map(|(text, wanted)| {
            let found = BitString::of(text?).find(&BitString::of(wanted?));
            Some(found.map_or(0, |at| i32::try_from(at + 1).unwrap_or(i32::MAX)))
        })
        .collect();
    result(Arc::new(found), scalar)
}

/// The bits from a place on, counted from one, so many or all: what lies outside is left out.
fn cut(bits: &BitString, from: i64, count: Option<i64>) -> Result<BitString> {
    if count.is_some_and(|count| count < 0) {
        let message = "negative substring length not allowed";
        return Err(SqlError::new(SqlState::SUBSTRING_ERROR, message));
    }
    let length = i64::try_from(bits.len()).unwrap_or(i64::MAX);
    let end = count.map_or(length, |count| (from - 1 + count).clamp(0, length));
    let start = (from - 1).clamp(0, end);
    let place = |at: i64| usize::try_from(at).unwrap_or(0);
    Ok(bits.part(place(start), place(end)))
}

fn substring(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    with_numbers(arguments, |bits, numbers| match numbers {
        [from] => cut(&bits, i64::from(*from), None),
        [from, count] => cut(&bits, i64::from(*from), Some(i64::from(*count))),
        _ => Err(internal("one number or two")),
    })
}

/// `overlay(bits PLACING others FROM place [FOR count])`.
fn overlay(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let (bits, others) = (stored(&columns[0])?, stored(&columns[1])?);
    let numbers: Vec<_> = columns[2..].iter().map(AsArray::as_primitive::<Int32Type>).collect();
    let number = |which: usize, row: usize| {
        let column = numbers.get(which)?;
        (!column.is_null(row)).then(|| i64::from(column.value(row)))
    };
    let row = |row: usize| {
        let any_null = bits.is_null(row) || others.is_null(row);
        if any_null || numbers.iter().any(|column| column.is_null(row)) {
            return Ok(None);
        }
        let (bits, other) = (BitString::of(bits.value(row)), BitString::of(others.value(row)));
        let from = number(0, row).unwrap_or(1);
        let count =
            number(1, row).unwrap_or_else(|| i64::try_from(other.len()).unwrap_or(i64::MAX));
        if from < 1 {
            let message = "negative substring length not allowed";
            return Err(SqlError::new(SqlState::SUBSTRING_ERROR, message));
        }
        let before = cut(&bits, 1, Some(from - 1))?;
        let after = cut(&bits, from.saturating_add(count), None)?;
        Ok(Some(before.followed_by(&other).followed_by(&after).stored()))
    };
    let found = (0..bits.len()).map(row).collect::<Result<LargeBinaryArray>>()?;
    result(Arc::new(found), scalar)
}

fn flipped<T: ArrowPrimitiveType>(numbers: &PrimitiveArray<T>) -> PrimitiveArray<T>
where
    T::Native: std::ops::Not<Output = T::Native>,
{
    numbers.unary(|number| !number)
}

/// `~` of a bit string or an integer.
fn not(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let column = &columns[0];
    let inverted: ArrayRef = match call.types.first() {
        Some(PgType::Int2) => Arc::new(flipped(column.as_primitive::<Int16Type>())),
        Some(PgType::Int4) => Arc::new(flipped(column.as_primitive::<Int32Type>())),
        Some(PgType::Int8) => Arc::new(flipped(column.as_primitive::<Int64Type>())),
        Some(PgType::Bit(_) | PgType::Varbit(_) | PgType::Unknown) | None => {
            let invert = |stored| BitString::of(stored).inverted().stored();
            let bits = stored(column)?;
            Arc::new(bits.iter().map(|bits| bits.map(invert)).collect::<LargeBinaryArray>())
        }
        Some(other) => {
            let message = format!("operator does not exist: ~ {}", other.sql_name());
            return Err(SqlError::new(SqlState::UNDEFINED_FUNCTION, message).with_hint(
                "No operator matches the given name and argument types. You might need to add \
                 explicit type casts.",
            ));
        }
    };
    result(inverted, scalar)
}

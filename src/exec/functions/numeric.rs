//! Division and products of `numeric` with the digits that PostgreSQL gives them.
//!
//! A quotient has at least sixteen significant digits, rounded; Arrow's would have four more than
//! the operands, cut off. Arrow keeps one scale for a whole column, so quotients are kept with
//! [`NUMERIC_QUOTIENT`]'s and each is rounded to the scale that PostgreSQL would choose for it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal256Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Decimal256Type, i256};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Function, Kind, arrays, internal, result};
use crate::base::{Result, SqlError, SqlState};
use crate::types::{NUMERIC_QUOTIENT, PgType};

/// Digits that a quotient has at least.
const SIGNIFICANT: i32 = 16;

/// The type of whole numbers.
const WHOLE: DataType = DataType::Decimal128(38, 0);

/// The functions of this family: `numeric_div`, `numeric_mul`, `div`.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let two = Arguments::Exactly(&[Kind::Numeric, Kind::Numeric]);
    let numeric = |_: &[PgType]| PgType::Numeric(None);
    vec![
        Function::new("numeric_div", two, numeric, |a, _| binary(a, quotient, &quotient_type()))
            .returns_arrow(quotient_type())
            .build(),
        Function::new("numeric_mul", two, numeric, |a, _| binary(a, product, &quotient_type()))
            .returns_arrow(quotient_type())
            .build(),
        Function::new("div", two, numeric, |a, _| binary(a, whole_quotient, &WHOLE))
            .returns_arrow(WHOLE)
            .build(),
    ]
}

/// The Arrow type of a quotient.
pub(super) fn quotient_type() -> DataType {
    DataType::Decimal256(NUMERIC_QUOTIENT.0, NUMERIC_QUOTIENT.1)
}

/// Divides columns of decimals, row by row.
pub(super) fn divide(left: &ArrayRef, right: &ArrayRef) -> Result<ArrayRef> {
    let (left, right) = (Decimals::new(left)?, Decimals::new(right)?);
    let rows = left.len().max(right.len());
    let mut quotients = Vec::with_capacity(rows);
    for row in 0..rows {
        quotients.push(match (left.get(row), right.get(row)) {
            (Some(l), Some(r)) => Some(quotient(l, r)?),
            _ => None,
        });
    }
    finish(quotients, &quotient_type())
}

/// A decimal number: digits, and how many of them stand after the point.
#[derive(Clone, Copy)]
struct Decimal {
    value: i256,
    scale: i32,
}

/// A column of decimals, or one that counts for all rows.
struct Decimals {
    column: Decimal256Array,
    scale: i32,
    /// An unconstrained `numeric` shows no zeros at its end.
    bare: bool,
}

impl Decimals {
    fn new(column: &ArrayRef) -> Result<Self> {
        let (scale, bare) = match column.data_type() {
            DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => {
                (*scale, PgType::of(column.data_type()) == PgType::Numeric(None))
            }
            _ => (0, false),
        };
        let column = match column.data_type() {
            DataType::Decimal256(..) => Arc::clone(column),
            DataType::Decimal128(..) => {
                let narrow = column.as_primitive::<Decimal128Type>();
                let wide = narrow.iter().map(|value| value.map(i256::from_i128));
                Arc::new(wide.collect::<Decimal256Array>())
            }
            _ => cast(column, &DataType::Decimal256(76, 0)).map_err(internal)?,
        };
        let column = column.as_primitive::<Decimal256Type>().clone();
        Ok(Self { column, scale: i32::from(scale), bare })
    }

    fn len(&self) -> usize {
        self.column.len()
    }

    fn get(&self, row: usize) -> Option<Decimal> {
        let row = if self.column.len() == 1 { 0 } else { row };
        if self.column.is_null(row) {
            return None;
        }
        let decimal = Decimal { value: self.column.value(row), scale: self.scale };
        Some(if self.bare { decimal.trimmed() } else { decimal })
    }
}

impl Decimal {
    fn trimmed(mut self) -> Self {
        let ten = i256::from_i128(10);
        while self.scale > 0 && self.value.wrapping_rem(ten) == i256::ZERO {
            self.value = self.value.wrapping_div(ten);
            self.scale -= 1;
        }
        self
    }

    /// The power of 10000 that the first group of digits counts, and that group.
    fn first_group(self) -> (i32, i256) {
        let absolute = self.value.wrapping_abs();
        if absolute == i256::ZERO {
            return (0, i256::ZERO);
        }
        let power = count_of_digits(absolute) - 1 - self.scale;
        let weight = power.div_euclid(4);
        // The group's digits are those that count 10000^weight or more.
        let below = self.scale + 4 * weight;
        let group = match power_of_ten(below.abs()) {
            Some(unit) if below >= 0 => absolute.wrapping_div(unit),
            Some(unit) => absolute.checked_mul(unit).unwrap_or(i256::MAX),
            None => i256::ZERO,
        };
        (weight, group)
    }

    /// With another scale, rounded half away from zero; none if it has too many digits.
    fn rescaled(self, scale: i32) -> Option<i256> {
        let unit = power_of_ten((scale - self.scale).abs())?;
        if scale >= self.scale {
            return self.value.checked_mul(unit);
        }
        Some(rounded_quotient(self.value, unit))
    }
}

fn count_of_digits(absolute: i256) -> i32 {
    let digits = match absolute.to_i128() {
        Some(value) => value.checked_ilog10().map_or(1, |log| log + 1),
        None => u32::try_from(absolute.to_string().len()).unwrap_or(u32::MAX),
    };
    i32::try_from(digits).unwrap_or(i32::MAX)
}

fn power_of_ten(exponent: i32) -> Option<i256> {
    let exponent = u8::try_from(exponent).ok().filter(|exponent| *exponent <= 76)?;
    i256::from_i128(10).checked_pow(exponent.into())
}

/// The nearest whole quotient; halves go away from zero.
fn rounded_quotient(value: i256, by: i256) -> i256 {
    let (whole, rest) = (value.wrapping_div(by), value.wrapping_rem(by).wrapping_abs());
    if rest < by.wrapping_abs().wrapping_sub(rest) {
        return whole;
    }
    let negative = (value < i256::ZERO) != (by < i256::ZERO);
    if negative { whole.wrapping_sub(i256::ONE) } else { whole.wrapping_add(i256::ONE) }
}

fn quotient(left: Decimal, right: Decimal) -> Result<i256> {
    if right.value == i256::ZERO {
        return Err(SqlError::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
    }
    // `select_div_scale` in PostgreSQL's numeric.c.
    let ((left_weight, left_group), (right_weight, right_group)) =
        (left.first_group(), right.first_group());
    let weight = left_weight - right_weight - i32::from(left_group <= right_group);
    let most = i32::from(NUMERIC_QUOTIENT.1);
    let scale = (SIGNIFICANT - 4 * weight).max(left.scale).max(right.scale).clamp(0, most);
    let overflow = out_of_range;
    // quotient * 10^scale = left * 10^(scale + right.scale - left.scale) / right
    let shift = scale + right.scale - left.scale;
    let unit = power_of_ten(shift.abs()).ok_or_else(overflow)?;
    let (value, by) = match shift >= 0 {
        true => (left.value.checked_mul(unit).ok_or_else(overflow)?, right.value),
        false => (left.value, right.value.checked_mul(unit).ok_or_else(overflow)?),
    };
    let found = Decimal { value: rounded_quotient(value, by), scale };
    found.rescaled(most).ok_or_else(overflow)
}

fn product(left: Decimal, right: Decimal) -> Result<i256> {
    let (left, right) = (left.trimmed(), right.trimmed());
    let value = left.value.checked_mul(right.value).ok_or_else(out_of_range)?;
    let found = Decimal { value, scale: left.scale + right.scale };
    found.rescaled(NUMERIC_QUOTIENT.1.into()).ok_or_else(out_of_range)
}

/// The quotient cut to a whole number.
fn whole_quotient(left: Decimal, right: Decimal) -> Result<i256> {
    if right.value == i256::ZERO {
        return Err(SqlError::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
    }
    let scale = left.scale.max(right.scale);
    let (left, right) = (left.rescaled(scale), right.rescaled(scale));
    let (left, right) = left.zip(right).ok_or_else(out_of_range)?;
    Ok(left.wrapping_div(right))
}

fn out_of_range() -> SqlError {
    SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format")
}

fn finish(values: Vec<Option<i256>>, ty: &DataType) -> Result<ArrayRef> {
    let (precision, scale) = NUMERIC_QUOTIENT;
    let column: Decimal256Array = values.into_iter().collect();
    column.validate_decimal_precision(precision).map_err(|_| out_of_range())?;
    let DataType::Decimal128(_, 0) = ty else {
        let column = column.with_precision_and_scale(precision, scale).map_err(internal)?;
        return Ok(Arc::new(column));
    };
    let column = column.with_precision_and_scale(precision, 0).map_err(internal)?;
    cast(&column, ty).map_err(|_| out_of_range())
}

fn binary(
    arguments: &[ColumnarValue],
    compute: fn(Decimal, Decimal) -> Result<i256>,
    ty: &DataType,
) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let (left, right) = (Decimals::new(&columns[0])?, Decimals::new(&columns[1])?);
    let found = (0..left.len())
        .map(|row| left.get(row).zip(right.get(row)).map(|(l, r)| compute(l, r)).transpose())
        .collect::<Result<Vec<_>>>()?;
    result(finish(found, ty)?, scalar)
}

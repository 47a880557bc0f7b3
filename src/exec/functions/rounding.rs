//! `round`, `trunc`, `ceil`, `floor` and `sign` of floats and of decimals. A float rounds half to even, a
//! decimal half away from zero; a decimal keeps as many digits after the point as were asked for.
//!
//! An Arrow column has one scale, so it must be known when the statement is planned: where the number of
//! digits is a constant, [`rounded_to`] makes the function of that scale.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal256Array, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Decimal256Type, Float64Type, Int32Type, i256};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::function::{arrays, external, internal, result, undefined};
use crate::base::{Result, SqlError, SqlState};
use crate::types::PgType;

/// Digits after the point that a rounded decimal can have.
const SCALE_MAX: i8 = 28;

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let names = [
        ("round", "", Operation::Round),
        ("trunc", "", Operation::Truncate),
        ("ceil", "ceiling", Operation::Up),
        ("floor", "", Operation::Down),
        ("sign", "signum", Operation::Sign),
    ];
    let build = |(name, alias, operation): (&'static str, &'static str, Operation)| {
        let mut function = Rounding::new(name, operation, None);
        function.aliases.extend((!alias.is_empty()).then(|| alias.to_owned()));
        Arc::new(ScalarUDF::new_from_impl(function))
    };
    names.into_iter().map(build).collect()
}

/// The function of this scale, where a call's number of digits is a constant.
pub fn rounded_to(function: &ScalarUDF, arguments: &[Expr]) -> Option<Arc<ScalarUDF>> {
    let inner: &dyn std::any::Any = function.inner().as_ref();
    let rounding = inner.downcast_ref::<Rounding>()?;
    let [_, Expr::Literal(digits, _)] = arguments else { return None };
    let digits = match digits {
        ScalarValue::Int16(Some(digits)) => i32::from(*digits),
        ScalarValue::Int32(Some(digits)) => *digits,
        _ => return None,
    };
    let scale = i8::try_from(digits.max(0)).ok().filter(|scale| *scale <= SCALE_MAX)?;
    let function = Rounding::new(rounding.name, rounding.operation, Some(scale));
    Some(Arc::new(ScalarUDF::new_from_impl(function)))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Operation {
    Round,
    Truncate,
    Up,
    Down,
    Sign,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Rounding {
    name: &'static str,
    aliases: Vec<String>,
    operation: Operation,
    /// The scale of what is rounded to so many digits, where they are constant.
    scale: Option<i8>,
    signature: Signature,
}

impl Rounding {
    fn new(name: &'static str, operation: Operation, scale: Option<i8>) -> Self {
        let signature = Signature::user_defined(Volatility::Immutable);
        Self { name, aliases: Vec::new(), operation, scale, signature }
    }

    /// The type of what is rounded to so many digits.
    fn to_digits(&self, of: &DataType) -> DataType {
        match self.scale {
            Some(scale) => decimal(of, scale),
            None => PgType::Numeric(None).arrow(),
        }
    }
}

/// The type of a decimal's whole part with so many digits behind it.
fn decimal(of: &DataType, scale: i8) -> DataType {
    let whole = match of {
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            i32::from(*precision) - i32::from(*scale)
        }
        _ => 38,
    };
    let precision = (whole + 1 + i32::from(scale)).clamp(1, 38).max(i32::from(scale) + 1);
    DataType::Decimal128(u8::try_from(precision).unwrap_or(38), scale)
}

impl ScalarUDFImpl for Rounding {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>, DataFusionError> {
        let wrong = || external(undefined(self.name, types));
        let is_decimal =
            |ty: &DataType| matches!(ty, DataType::Decimal128(..) | DataType::Decimal256(..));
        match (self.operation, types) {
            (_, [of]) if is_decimal(of) => Ok(vec![of.clone()]),
            (_, [of]) if of.is_numeric() || of.is_null() => Ok(vec![DataType::Float64]),
            (Operation::Round | Operation::Truncate, [of, digits])
                if digits.is_integer() || digits.is_null() =>
            {
                let of = match of {
                    of if is_decimal(of) => of.clone(),
                    of if of.is_integer() || of.is_null() => DataType::Decimal128(20, 0),
                    _ => return Err(wrong()),
                };
                Ok(vec![of, DataType::Int32])
            }
            _ => Err(wrong()),
        }
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(match types {
            [DataType::Float64] => DataType::Float64,
            [of] => decimal(of, 0),
            [of, _] => self.to_digits(of),
            _ => return Err(external(undefined(self.name, types))),
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let ty = args.return_type().clone();
        self.values(&args.args, &ty).map_err(external)
    }
}

impl Rounding {
    fn values(&self, arguments: &[ColumnarValue], ty: &DataType) -> Result<ColumnarValue> {
        let (columns, scalar) = arrays(arguments)?;
        if let Some(floats) = columns[0].as_primitive_opt::<Float64Type>() {
            let float = |value: f64| match self.operation {
                Operation::Round => value.round_ties_even(),
                Operation::Truncate => value.trunc(),
                Operation::Up => value.ceil(),
                Operation::Down => value.floor(),
                Operation::Sign if value == 0.0 || value.is_nan() => value,
                Operation::Sign => value.signum(),
            };
            let rounded: Float64Array = floats.unary(float);
            return result(Arc::new(rounded), scalar);
        }
        let digits = columns.get(1).map(|digits| digits.as_primitive::<Int32Type>());
        let (values, scale) = wide(&columns[0])?;
        let scale = i32::from(scale);
        let to = match ty {
            DataType::Decimal128(_, to) => i32::from(*to),
            _ => 0,
        };
        let rows = (0..values.len()).map(|row| {
            let asked = match digits {
                Some(digits) if digits.is_null(row) => return Ok(None),
                Some(digits) => digits.value(row),
                None => 0,
            };
            if values.is_null(row) {
                return Ok(None);
            }
            if self.operation == Operation::Sign {
                return Ok(Some(values.value(row).signum()));
            }
            let kept = self.rounded(values.value(row), scale - asked);
            // What is left counts units of 10^-asked, and is kept in those of 10^-to.
            rescaled(kept, (to - asked).max(to - scale)).map(Some)
        });
        let rounded: Decimal256Array = rows.collect::<Result<_>>()?;
        let rounded = rounded.with_precision_and_scale(76, i8::try_from(to).unwrap_or(0));
        let rounded: ArrayRef = Arc::new(rounded.map_err(internal)?);
        result(cast(&rounded, ty).map_err(|_| overflow())?, scalar)
    }

    /// A number without its last digits; where there are none to drop, as it is.
    fn rounded(&self, value: i256, drop: i32) -> i256 {
        if drop <= 0 {
            return value;
        }
        let Some(unit) = power_of_ten(drop) else { return i256::ZERO };
        let (whole, rest) = (value.wrapping_div(unit), value.wrapping_rem(unit));
        let up = match self.operation {
            Operation::Round => {
                let rest = rest.wrapping_abs();
                rest >= unit.wrapping_sub(rest)
            }
            Operation::Up => rest > i256::ZERO,
            Operation::Down => rest < i256::ZERO,
            Operation::Truncate | Operation::Sign => false,
        };
        let step = if value < i256::ZERO { i256::MINUS_ONE } else { i256::ONE };
        if up { whole.wrapping_add(step) } else { whole }
    }
}

fn power_of_ten(exponent: i32) -> Option<i256> {
    let exponent = u8::try_from(exponent).ok().filter(|exponent| *exponent <= 76)?;
    i256::from_i128(10).checked_pow(exponent.into())
}

/// Times a power of ten.
fn rescaled(value: i256, power: i32) -> Result<i256> {
    if value == i256::ZERO || power == 0 {
        return Ok(value);
    }
    let unit = power_of_ten(power.abs());
    match power > 0 {
        true => unit.and_then(|unit| value.checked_mul(unit)).ok_or_else(overflow),
        false => Ok(unit.map_or(i256::ZERO, |unit| value.wrapping_div(unit))),
    }
}

/// A column of decimals with 256 bits, and its scale.
fn wide(column: &ArrayRef) -> Result<(Decimal256Array, i8)> {
    match column.data_type() {
        DataType::Decimal256(_, scale) => {
            Ok((column.as_primitive::<Decimal256Type>().clone(), *scale))
        }
        DataType::Decimal128(_, scale) => {
            let narrow = column.as_primitive::<Decimal128Type>();
            let wide: Decimal256Array =
                narrow.iter().map(|value| value.map(i256::from_i128)).collect();
            Ok((wide, *scale))
        }
        other => Err(internal(format!("{other} is no decimal"))),
    }
}

fn overflow() -> SqlError {
    SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format")
}

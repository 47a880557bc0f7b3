//! `ln`, `log`, `exp`, `power` and `sqrt`: DataFusion's, which give infinity or NaN where PostgreSQL has an
//! error.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, AsArray, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::DataFusionError;
use datafusion::functions::math;
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::float_arithmetic::out_of_range;
use super::function::{external, internal};
use crate::base::{Result, SqlError, SqlState};

type Outcome<T> = std::result::Result<T, DataFusionError>;

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let over = |inner: Arc<ScalarUDF>, check: Check| {
        let signature = Signature::user_defined(Volatility::Immutable);
        Arc::new(ScalarUDF::new_from_impl(Refusing { inner, check, signature }))
    };
    vec![
        over(math::ln(), logarithm),
        over(math::log(), logarithm),
        over(math::log10(), logarithm),
        over(math::log2(), logarithm),
        over(math::exp(), exponent),
        over(math::power(), power),
        over(math::sqrt(), root),
    ]
}

/// Looks at a call's arguments and its result.
type Check = fn(&[f64], Option<f64>) -> Result<()>;

struct Refusing {
    inner: Arc<ScalarUDF>,
    check: Check,
    signature: Signature,
}

impl std::fmt::Debug for Refusing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refusing").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl PartialEq for Refusing {
    fn eq(&self, other: &Self) -> bool {
        self.inner.name() == other.inner.name()
    }
}

impl Eq for Refusing {}

impl Hash for Refusing {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.name().hash(state);
    }
}

impl ScalarUDFImpl for Refusing {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Outcome<Vec<DataType>> {
        let field = |ty: &DataType| Arc::new(Field::new("", ty.clone(), true));
        let fields: Vec<FieldRef> = types.iter().map(field).collect();
        let coerced = fields_with_udf(&fields, self.inner.as_ref())?;
        Ok(coerced.iter().map(|field| field.data_type().clone()).collect())
    }

    fn return_type(&self, types: &[DataType]) -> Outcome<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Outcome<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Outcome<ColumnarValue> {
        let given = args.args.iter().map(|value| floats(value, args.number_rows));
        let given: Vec<Float64Array> = given.collect::<Result<_>>().map_err(external)?;
        let rows = given.iter().map(Array::len).min().unwrap_or(0);
        let row = |row: usize| -> Option<Vec<f64>> {
            given.iter().map(|column| column.is_valid(row).then(|| column.value(row))).collect()
        };
        for at in 0..rows {
            if let Some(values) = row(at) {
                (self.check)(&values, None).map_err(external)?;
            }
        }
        let number_rows = args.number_rows;
        let found = self.inner.invoke_with_args(args)?;
        let results = floats(&found, number_rows).map_err(external)?;
        for at in 0..rows.min(results.len()) {
            let value = results.value(at);
            if (value.is_infinite() || value == 0.0)
                && results.is_valid(at)
                && let Some(values) = row(at)
            {
                (self.check)(&values, Some(value)).map_err(external)?;
            }
        }
        Ok(found)
    }
}

/// A column of floats; one value for what is the same in all rows.
fn floats(value: &ColumnarValue, rows: usize) -> Result<Float64Array> {
    let rows = if matches!(value, ColumnarValue::Scalar(_)) { rows.max(1) } else { rows };
    let column = value.to_array(rows).map_err(internal)?;
    let column = cast(&column, &DataType::Float64).map_err(internal)?;
    Ok(column.as_primitive::<Float64Type>().clone())
}

fn refused(state: SqlState, message: &str) -> Result<()> {
    Err(SqlError::new(state, message))
}

fn logarithm(given: &[f64], _: Option<f64>) -> Result<()> {
    let state = SqlState::INVALID_ARGUMENT_FOR_LOGARITHM;
    match given {
        given if given.contains(&0.0) => refused(state, "cannot take logarithm of zero"),
        given if given.iter().any(|x| *x < 0.0) => {
            refused(state, "cannot take logarithm of a negative number")
        }
        _ => Ok(()),
    }
}

fn exponent(given: &[f64], found: Option<f64>) -> Result<()> {
    match (given, found) {
        ([x], Some(found)) if x.is_finite() && found.is_infinite() => Err(out_of_range("overflow")),
        ([x], Some(0.0)) if x.is_finite() => Err(out_of_range("underflow")),
        _ => Ok(()),
    }
}

fn power(given: &[f64], found: Option<f64>) -> Result<()> {
    let state = SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION;
    let [x, y] = given else { return Ok(()) };
    match found {
        None if *x == 0.0 && *y < 0.0 => {
            refused(state, "zero raised to a negative power is undefined")
        }
        None if *x < 0.0 && y.is_finite() && y.fract() != 0.0 => {
            let message = "a negative number raised to a non-integer power yields a complex result";
            refused(state, message)
        }
        Some(found) if found.is_infinite() && x.is_finite() && y.is_finite() => {
            Err(out_of_range("overflow"))
        }
        Some(0.0) if *x != 0.0 && x.is_finite() && y.is_finite() => Err(out_of_range("underflow")),
        _ => Ok(()),
    }
}

fn root(given: &[f64], _: Option<f64>) -> Result<()> {
    match given {
        [x] if *x < 0.0 => refused(
            SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION,
            "cannot take square root of a negative number",
        ),
        _ => Ok(()),
    }
}

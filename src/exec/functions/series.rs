//! `generate_series` as a function that returns an array; the planner spreads it with `unnest`.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Int32Array, Int64Array, ListArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Decimal128Type, FieldRef, Int64Type, IntervalMonthDayNanoType,
    TimestampMicrosecondType,
};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::function::{arrays, external, internal, result, undefined};
use super::interval::{Span, add_span};
use crate::base::{Result, SqlError, SqlState};
use crate::types::PgType;

/// An array holds no more elements than this: they are made at once.
const ELEMENTS_MAX: usize = 100_000_000;

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let signature = Signature::user_defined(Volatility::Immutable);
    vec![Arc::new(ScalarUDF::new_from_impl(Series { signature }))]
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Series {
    signature: Signature,
}

/// The type of the bounds, and that of the step.
fn bounds(types: &[PgType]) -> Option<(PgType, PgType)> {
    use PgType as T;
    let (first, rest) = types.split_first()?;
    if rest.is_empty() || rest.len() > 2 {
        return None;
    }
    let known: Vec<&PgType> = types.iter().filter(|ty| **ty != T::Unknown).collect();
    let number = |ty: &&PgType| matches!(ty, T::Int2 | T::Int4 | T::Int8 | T::Numeric(_));
    if known.iter().all(number) {
        let widest = known.iter().map(|ty| match ty {
            T::Numeric(_) => (2, T::Numeric(None)),
            T::Int8 => (1, T::Int8),
            _ => (0, T::Int4),
        });
        let ty = widest.max_by_key(|(rank, _)| *rank).map_or(T::Int4, |(_, ty)| ty);
        return Some((ty.clone(), ty));
    }
    let step = types.get(2)?;
    let of_bounds = [first, &types[1]];
    let time = of_bounds
        .iter()
        .all(|ty| matches!(ty, T::Unknown | T::Date | T::Timestamp | T::Timestamptz | T::Text));
    if !time || !matches!(step, T::Interval | T::Unknown | T::Text) {
        return None;
    }
    // Two dates are taken as instants, as in PostgreSQL.
    let local = of_bounds.iter().any(|ty| **ty == T::Timestamp)
        && of_bounds.iter().all(|ty| **ty != T::Timestamptz);
    Some((if local { T::Timestamp } else { T::Timestamptz }, T::Interval))
}

fn pg_types(types: &[DataType]) -> Vec<PgType> {
    types.iter().map(PgType::of).collect()
}

impl ScalarUDFImpl for Series {
    fn name(&self) -> &'static str {
        "generate_series"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>, DataFusionError> {
        let (bound, step) = bounds(&pg_types(types))
            .ok_or_else(|| external(undefined("generate_series", types)))?;
        // Steps and bounds of numbers agree in their scale.
        let scale = types.iter().filter_map(|ty| match ty {
            DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => Some(*scale),
            _ => None,
        });
        let arrow = |ty: &PgType| match ty {
            PgType::Numeric(_) => {
                DataType::Decimal128(38, scale.clone().max().unwrap_or(0).clamp(0, 18))
            }
            other => other.arrow(),
        };
        let mut coerced = vec![arrow(&bound), arrow(&bound), arrow(&step)];
        coerced.truncate(types.len());
        Ok(coerced)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType, DataFusionError> {
        let first = types.first().ok_or_else(|| external(undefined("generate_series", types)))?;
        let item = arrow::datatypes::Field::new("item", first.clone(), true);
        Ok(DataType::List(Arc::new(item)))
    }

    fn return_field_from_args(
        &self,
        args: ReturnFieldArgs<'_>,
    ) -> Result<FieldRef, DataFusionError> {
        let types: Vec<DataType> =
            args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let coerced = self.coerce_types(&types)?;
        let list = self.return_type(&coerced)?;
        Ok(Arc::new(arrow::datatypes::Field::new(self.name(), list, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let ty = args.return_type().clone();
        compute(&args.args, &ty).map_err(external)
    }
}

fn too_many() -> SqlError {
    let message = format!("a series of more than {ELEMENTS_MAX} elements is not supported");
    SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
}

fn zero_step() -> SqlError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, "step size cannot equal zero")
}

fn compute(arguments: &[ColumnarValue], ty: &DataType) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let rows = columns.first().map_or(0, |column| column.len());
    let DataType::List(item) = ty else { return Err(internal("a series is no list")) };
    let mut lengths = Vec::with_capacity(rows);
    let mut valid = Vec::with_capacity(rows);
    let nulls: Vec<_> = columns.iter().map(|column| column.logical_nulls()).collect();
    let is_null = |row: usize| nulls.iter().flatten().any(|nulls| nulls.is_null(row));
    let elements: ArrayRef = match item.data_type() {
        DataType::Timestamp(_, zone) => {
            let (from, to) = (times(&columns[0])?, times(&columns[1])?);
            let steps = columns[2].as_primitive::<IntervalMonthDayNanoType>();
            let mut found = Vec::new();
            for row in 0..rows {
                let before = found.len();
                valid.push(!is_null(row));
                if !is_null(row) {
                    let step = Span::from(steps.value(row));
                    let bounds = (from.value(row), to.value(row));
                    instants(bounds, step, &mut found)?;
                }
                lengths.push(found.len() - before);
            }
            Arc::new(TimestampMicrosecondArray::from(found).with_timezone_opt(zone.clone()))
        }
        number => {
            let wide: Vec<Vec<i128>> = columns.iter().map(whole).collect::<Result<_>>()?;
            let one = match number {
                DataType::Decimal128(_, scale) => 10_i128.pow((*scale).unsigned_abs().into()),
                _ => 1,
            };
            let mut found = Vec::new();
            for row in 0..rows {
                let before = found.len();
                valid.push(!is_null(row));
                if !is_null(row) {
                    let step = wide.get(2).map_or(one, |steps| steps[row]);
                    numbers((wide[0][row], wide[1][row]), step, &mut found)?;
                }
                lengths.push(found.len() - before);
            }
            column(&found, number)?
        }
    };
    let offsets = OffsetBuffer::from_lengths(lengths);
    let nulls = Some(NullBuffer::from(valid));
    let list = ListArray::try_new(Arc::clone(item), offsets, elements, nulls).map_err(internal)?;
    result(Arc::new(list), scalar)
}

fn times(column: &ArrayRef) -> Result<arrow::array::PrimitiveArray<TimestampMicrosecondType>> {
    let plain = cast(column, &PgType::Timestamp.arrow()).map_err(internal)?;
    Ok(plain.as_primitive::<TimestampMicrosecondType>().clone())
}

/// The unscaled numbers of a column; NULLs are any number.
fn whole(column: &ArrayRef) -> Result<Vec<i128>> {
    if let Some(decimals) = column.as_primitive_opt::<Decimal128Type>() {
        return Ok(decimals.values().to_vec());
    }
    let wide = cast(column, &DataType::Int64).map_err(internal)?;
    Ok(wide.as_primitive::<Int64Type>().values().iter().map(|value| i128::from(*value)).collect())
}

fn column(numbers: &[i128], ty: &DataType) -> Result<ArrayRef> {
    Ok(match ty {
        DataType::Int32 => {
            let narrow = numbers.iter().map(|n| i32::try_from(*n).map_err(internal));
            Arc::new(Int32Array::from(narrow.collect::<Result<Vec<_>>>()?))
        }
        DataType::Int64 => {
            let narrow = numbers.iter().map(|n| i64::try_from(*n).map_err(internal));
            Arc::new(Int64Array::from(narrow.collect::<Result<Vec<_>>>()?))
        }
        DataType::Decimal128(precision, scale) => {
            let decimals = Decimal128Array::from(numbers.to_vec());
            Arc::new(decimals.with_precision_and_scale(*precision, *scale).map_err(internal)?)
        }
        other => return Err(internal(format!("a series of {other}"))),
    })
}

fn numbers((from, to): (i128, i128), step: i128, found: &mut Vec<i128>) -> Result<()> {
    if step == 0 {
        return Err(zero_step());
    }
    let mut next = from;
    while if step > 0 { next <= to } else { next >= to } {
        if found.len() >= ELEMENTS_MAX {
            return Err(too_many());
        }
        found.push(next);
        let Some(following) = next.checked_add(step) else { break };
        next = following;
    }
    Ok(())
}

fn instants((from, to): (i64, i64), step: Span, found: &mut Vec<i64>) -> Result<()> {
    let sign = step.estimate_us().signum();
    if sign == 0 {
        return Err(zero_step());
    }
    let mut next = from;
    while if sign > 0 { next <= to } else { next >= to } {
        if found.len() >= ELEMENTS_MAX {
            return Err(too_many());
        }
        found.push(next);
        next = add_span(next, step)?;
    }
    Ok(())
}

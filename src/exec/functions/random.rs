//! `gen_random_uuid()`, `random()`, `random(least, most)`, `array_shuffle` and `array_sample`, from the
//! randomness that the node was given.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, ListArray, UInt64Array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{cast, concat, take};
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::function::{external, internal, undefined};
use crate::base::{Random, Result, SqlError, SqlState};
use crate::types::{ColumnBuilder, PgType};

/// The functions of this family.
pub fn random_functions(random: &Arc<dyn Random>) -> Vec<Arc<ScalarUDF>> {
    let build = |what, name| {
        let signature = Signature::user_defined(Volatility::Volatile);
        let random = Arc::clone(random);
        Arc::new(ScalarUDF::new_from_impl(RandomFunction { what, name, random, signature }))
    };
    vec![
        build(What::Uuid, "gen_random_uuid"),
        build(What::Number, "random"),
        build(What::Shuffled, "array_shuffle"),
        build(What::Sample, "array_sample"),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Uuid,
    /// Without arguments from 0 to 1, with two a whole number between them.
    Number,
    Shuffled,
    Sample,
}

#[derive(Debug)]
struct RandomFunction {
    what: What,
    name: &'static str,
    random: Arc<dyn Random>,
    signature: Signature,
}

impl PartialEq for RandomFunction {
    fn eq(&self, other: &Self) -> bool {
        self.what == other.what
    }
}

impl Eq for RandomFunction {}

impl Hash for RandomFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for RandomFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>, DataFusionError> {
        let list = |ty: &DataType| matches!(ty, DataType::List(_));
        match (self.what, types) {
            (What::Uuid | What::Number, []) => Ok(Vec::new()),
            (What::Number, [least, most]) if least.is_integer() && most.is_integer() => {
                let wide = [least, most].contains(&&DataType::Int64);
                Ok(vec![if wide { DataType::Int64 } else { DataType::Int32 }; 2])
            }
            (What::Shuffled, [array]) if list(array) => Ok(vec![array.clone()]),
            (What::Sample, [array, count]) if list(array) && count.is_integer() => {
                Ok(vec![array.clone(), DataType::Int64])
            }
            _ => Err(external(undefined(self.name, types))),
        }
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(match (self.what, types.first()) {
            (What::Uuid, _) => PgType::Uuid.arrow(),
            (_, Some(ty)) => ty.clone(),
            (_, None) => DataType::Float64,
        })
    }

    fn return_field_from_args(
        &self,
        args: ReturnFieldArgs<'_>,
    ) -> Result<FieldRef, DataFusionError> {
        // An array stays of the type that its field says.
        let ty = match args.arg_fields.first() {
            Some(field) => PgType::of_field(field),
            None => PgType::of(&self.return_type(&[])?),
        };
        Ok(Arc::new(ty.field(self.name, !args.arg_fields.is_empty())))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let rows = args.number_rows;
        let columns = args.args.iter().map(|value| value.to_array(rows));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let column: Result<ArrayRef> = match (self.what, columns.as_slice()) {
            (What::Uuid, _) => self.uuids(rows),
            #[expect(clippy::cast_precision_loss, reason = "53 bits are what a float holds")]
            (What::Number, []) => {
                let number = |_| (self.random.u64() >> 11) as f64 / (1u64 << 53) as f64;
                Ok(Arc::new((0..rows).map(number).collect::<Float64Array>()))
            }
            (What::Number, [least, most, ..]) => self.between(least, most),
            (_, [lists, counts @ ..]) => self.chosen(lists, counts.first()),
            _ => Err(undefined(self.name, &[])),
        };
        column.map(ColumnarValue::Array).map_err(external)
    }
}

impl RandomFunction {
    fn uuids(&self, rows: usize) -> Result<ArrayRef> {
        let mut column = ColumnBuilder::new(&PgType::Uuid, rows);
        for _ in 0..rows {
            column.append_binary(self.random.uuid().as_bytes())?;
        }
        Ok(column.finish())
    }

    /// A number below another, all alike.
    fn below(&self, bound: u64) -> u64 {
        // What is above the last whole multiple of the bound would make some more likely.
        let fair = u64::MAX - u64::MAX % bound;
        loop {
            let number = self.random.u64();
            if number < fair {
                return number % bound;
            }
        }
    }

    fn between(&self, least: &ArrayRef, most: &ArrayRef) -> Result<ArrayRef> {
        let wide = |column: &ArrayRef| cast(column, &DataType::Int64).map_err(internal);
        let (lows, highs) = (wide(least)?, wide(most)?);
        let (lows, highs) = (lows.as_primitive::<Int64Type>(), highs.as_primitive::<Int64Type>());
        let numbers = lows.iter().zip(highs).map(|(low, high)| {
            let Some((low, high)) = low.zip(high) else { return Ok(None) };
            if low > high {
                let message = "lower bound must be less than or equal to upper bound";
                return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
            }
            let step = match high.abs_diff(low).checked_add(1) {
                Some(count) => self.below(count),
                None => self.random.u64(),
            };
            Ok(Some(low.wrapping_add(step.cast_signed())))
        });
        let numbers = numbers.collect::<Result<arrow::array::Int64Array>>()?;
        cast(&numbers, least.data_type()).map_err(internal)
    }

    /// Elements of arrays in random order: all, or so many.
    fn chosen(&self, lists: &ArrayRef, counts: Option<&ArrayRef>) -> Result<ArrayRef> {
        let lists = lists.as_list::<i32>();
        let DataType::List(item) = lists.data_type() else { return Err(internal("no array")) };
        let mut parts = Vec::with_capacity(lists.len());
        let mut lengths = Vec::with_capacity(lists.len());
        for row in 0..lists.len() {
            let elements = lists.value(row);
            let length = elements.len();
            let wanted = match counts {
                Some(counts) if counts.is_null(row) || lists.is_null(row) => 0,
                Some(counts) => {
                    let count = counts.as_primitive::<Int64Type>().value(row);
                    usize::try_from(count).ok().filter(|count| *count <= length).ok_or_else(
                        || {
                            let message = format!("sample size must be between 0 and {length}");
                            SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
                        },
                    )?
                }
                None => length,
            };
            let mut places: Vec<u64> = (0..length as u64).collect();
            for at in 0..wanted {
                let other = at + usize::try_from(self.below((length - at) as u64)).unwrap_or(0);
                places.swap(at, other);
            }
            places.truncate(wanted);
            parts.push(take(&elements, &UInt64Array::from(places), None).map_err(internal)?);
            lengths.push(wanted);
        }
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        let elements = match parts.is_empty() {
            true => arrow::array::new_empty_array(item.data_type()),
            false => concat(&parts).map_err(internal)?,
        };
        let offsets = OffsetBuffer::from_lengths(lengths);
        let chosen =
            ListArray::try_new(Arc::clone(item), offsets, elements, lists.nulls().cloned());
        Ok(Arc::new(chosen.map_err(internal)?))
    }
}

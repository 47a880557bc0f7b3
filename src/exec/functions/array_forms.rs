//! Functions that make arrays of others: `array_fill`, `trim_array`, `array_remove`, `array_replace`,
//! `array_sort`. Arrays have one dimension, and their elements count from one.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, ListArray, Scalar, new_empty_array, new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::kernels::zip::zip;
use arrow::compute::{SortOptions, cast, concat, filter, not, sort};
use arrow::datatypes::{DataType, Field, Int32Type};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::function::{arrays, external, internal, result, undefined};
use crate::base::{Result, SqlError, SqlState};
use crate::types::PgType;

/// Elements that `array_fill` makes at most, as many as an array of PostgreSQL's may have.
const ELEMENTS_MAX: i32 = 134_217_727;

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let build = |name, what| {
        let signature = Signature::user_defined(Volatility::Immutable);
        Arc::new(ScalarUDF::new_from_impl(ArrayForm { name, what, signature }))
    };
    vec![
        build("array_fill", What::Filled),
        build("trim_array", What::Trimmed),
        build("array_remove", What::Removed),
        build("array_replace", What::Replaced),
        build("array_sort", What::Sorted),
        build("redkite_slice", What::Sliced),
        build("redkite_array_set", What::Set),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum What {
    Filled,
    Trimmed,
    Removed,
    Replaced,
    Sorted,
    /// `array[from:to]`; from the first or to the last without a bound.
    Sliced,
    /// `SET array[at] = value`.
    Set,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ArrayForm {
    name: &'static str,
    what: What,
    signature: Signature,
}

impl ScalarUDFImpl for ArrayForm {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>, DataFusionError> {
        let numbers = PgType::Int4.array().arrow();
        let element = match types.first() {
            Some(DataType::List(item)) => Some(item.data_type().clone()),
            _ => None,
        };
        let coerced = match (self.what, types, element) {
            (What::Filled, [value, _], _) => Some(vec![value.clone(), numbers]),
            (What::Filled, [value, _, _], _) => Some(vec![value.clone(), numbers.clone(), numbers]),
            (What::Trimmed, [array, count], Some(_)) if count.is_integer() || count.is_null() => {
                Some(vec![array.clone(), DataType::Int32])
            }
            (What::Sliced, [array, _, _], Some(_)) => {
                Some(vec![array.clone(), DataType::Int32, DataType::Int32])
            }
            (What::Set, [array, _, _], Some(of)) => Some(vec![array.clone(), DataType::Int32, of]),
            (What::Removed, [array, _], Some(of)) => Some(vec![array.clone(), of]),
            (What::Replaced, [array, _, _], Some(of)) => Some(vec![array.clone(), of.clone(), of]),
            (What::Sorted, [array, flags @ ..], Some(_)) if flags.len() < 3 => {
                let flags = flags.iter().map(|_| DataType::Boolean);
                Some(std::iter::once(array.clone()).chain(flags).collect())
            }
            _ => None,
        };
        coerced.ok_or_else(|| external(undefined(self.name, types)))
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType, DataFusionError> {
        match (self.what, types.first()) {
            (What::Filled, Some(value)) => {
                Ok(DataType::List(Arc::new(Field::new("item", value.clone(), true))))
            }
            (_, Some(array)) => Ok(array.clone()),
            (_, None) => Err(external(undefined(self.name, types))),
        }
    }

    fn return_field_from_args(
        &self,
        args: ReturnFieldArgs<'_>,
    ) -> Result<arrow::datatypes::FieldRef, DataFusionError> {
        let Some(first) = args.arg_fields.first() else {
            return Err(external(undefined(self.name, &[])));
        };
        let ty = PgType::of_field(first);
        let ty = if self.what == What::Filled { ty.array() } else { ty };
        let arrow = self.return_type(&[first.data_type().clone()])?;
        Ok(Arc::new(ty.mark(Field::new(self.name, arrow, true))))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        self.columns(&args.args).map_err(external)
    }
}

impl ArrayForm {
    fn columns(&self, arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
        let (columns, scalar) = arrays(arguments)?;
        let rows = columns.first().map_or(0, |column| column.len());
        let item = match (self.what, columns[0].data_type()) {
            (What::Filled, of) => Arc::new(Field::new("item", of.clone(), true)),
            (_, DataType::List(item)) => Arc::clone(item),
            (_, other) => return Err(internal(format!("not an array: {other}"))),
        };
        let mut parts: Vec<ArrayRef> = Vec::with_capacity(rows);
        let mut lengths = Vec::with_capacity(rows);
        let mut nulls = Vec::with_capacity(rows);
        for row in 0..rows {
            let part = match self.what {
                What::Filled => filled(&columns, row)?,
                What::Set => Some(set(&columns, row)?),
                _ if columns[0].is_null(row) => None,
                What::Trimmed => trimmed(&columns, row)?,
                What::Removed => Some(removed(&columns, row)?),
                What::Replaced => Some(replaced(&columns, row)?),
                What::Sorted => sorted(&columns, row)?,
                What::Sliced => sliced(&columns, row),
            };
            nulls.push(part.is_some());
            lengths.push(part.as_ref().map_or(0, |part| part.len()));
            parts.extend(part);
        }
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        let elements = match parts.is_empty() {
            true => new_empty_array(item.data_type()),
            false => concat(&parts).map_err(internal)?,
        };
        let offsets = OffsetBuffer::from_lengths(lengths);
        let list = ListArray::try_new(item, offsets, elements, Some(nulls.into()));
        result(Arc::new(list.map_err(internal)?), scalar)
    }
}

fn list(column: &ArrayRef, row: usize) -> ArrayRef {
    column.as_list::<i32>().value(row)
}

/// The one number of an array of dimensions or bounds.
fn only_number(column: &ArrayRef, row: usize) -> Result<i32> {
    let numbers = list(column, row);
    let numbers = numbers.as_primitive::<Int32Type>();
    match numbers.values().as_ref() {
        [] => Ok(0),
        [number] if numbers.null_count() == 0 => Ok(*number),
        [_] => {
            let message = "dimension values cannot be null";
            Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, message))
        }
        _ => Err(SqlError::unsupported("arrays of more than one dimension are not supported")),
    }
}

fn filled(columns: &[ArrayRef], row: usize) -> Result<Option<ArrayRef>> {
    if columns[1..].iter().any(|column| column.is_null(row)) {
        let message = "dimension array or low bound array cannot be null";
        return Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
    }
    let length = only_number(&columns[1], row)?;
    if let Some(bounds) = columns.get(2)
        && only_number(bounds, row)? != 1
    {
        return Err(SqlError::unsupported("arrays whose elements do not count from 1"));
    }
    if length < 0 {
        let message = format!("array size exceeds the maximum allowed ({ELEMENTS_MAX})");
        return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
    }
    let bytes = columns[0].slice(row, 1).get_array_memory_size().max(1);
    let length = usize::try_from(length).unwrap_or(0);
    if length > 1 << 20
        && length.saturating_mul(bytes.min(64)) > crate::base::limits::MESSAGE_BYTES_MAX
    {
        let message = "array size exceeds what a message may hold";
        return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
    }
    let places = arrow::array::UInt64Array::from(vec![row as u64; length]);
    arrow::compute::take(&columns[0], &places, None).map(Some).map_err(internal)
}

fn trimmed(columns: &[ArrayRef], row: usize) -> Result<Option<ArrayRef>> {
    if columns[1].is_null(row) {
        return Ok(None);
    }
    let elements = list(&columns[0], row);
    let count = columns[1].as_primitive::<Int32Type>().value(row);
    let kept = usize::try_from(count).ok().and_then(|count| elements.len().checked_sub(count));
    let kept = kept.ok_or_else(|| {
        let message =
            format!("number of elements to trim must be between 0 and {}", elements.len());
        SqlError::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message)
    })?;
    Ok(Some(elements.slice(0, kept)))
}

/// Which elements are a value, NULL being one.
fn are(elements: &ArrayRef, value: &ArrayRef, row: usize) -> Result<BooleanArray> {
    not_distinct(elements, &Scalar::new(value.slice(row, 1))).map_err(internal)
}

fn removed(columns: &[ArrayRef], row: usize) -> Result<ArrayRef> {
    let elements = list(&columns[0], row);
    let others = not(&are(&elements, &columns[1], row)?).map_err(internal)?;
    filter(&elements, &others).map_err(internal)
}

fn replaced(columns: &[ArrayRef], row: usize) -> Result<ArrayRef> {
    let elements = list(&columns[0], row);
    let found = are(&elements, &columns[1], row)?;
    let new = cast(&columns[2].slice(row, 1), elements.data_type()).map_err(internal)?;
    zip(&found, &Scalar::new(new), &elements).map_err(internal)
}

/// In ascending order, NULL last; descending, and NULL first then, if asked for.
fn sorted(columns: &[ArrayRef], row: usize) -> Result<Option<ArrayRef>> {
    let flag = |at: usize, otherwise: bool| {
        columns.get(at).map_or(Some(otherwise), |column| {
            let column = column.as_boolean();
            (!column.is_null(row)).then(|| column.value(row))
        })
    };
    let Some(descending) = flag(1, false) else { return Ok(None) };
    let Some(nulls_first) = flag(2, descending) else { return Ok(None) };
    let options = SortOptions { descending, nulls_first };
    sort(&list(&columns[0], row), Some(options)).map(Some).map_err(internal)
}

fn sliced(columns: &[ArrayRef], row: usize) -> Option<ArrayRef> {
    if columns[1].is_null(row) || columns[2].is_null(row) {
        return None;
    }
    let elements = list(&columns[0], row);
    let bound = |at: usize| i64::from(columns[at].as_primitive::<Int32Type>().value(row));
    let place = |number: i64| usize::try_from(number).unwrap_or(0).min(elements.len());
    let (from, to) = (place(bound(1) - 1), place(bound(2)));
    Some(elements.slice(from, to.saturating_sub(from)))
}

/// An array with another element at a place; places between its end and that are NULL.
fn set(columns: &[ArrayRef], row: usize) -> Result<ArrayRef> {
    if columns[1].is_null(row) {
        let message = "array subscript in assignment must not be null";
        return Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
    }
    let elements = match columns[0].is_null(row) {
        true => new_empty_array(columns[2].data_type()),
        false => list(&columns[0], row),
    };
    let number = columns[1].as_primitive::<Int32Type>().value(row);
    let at = usize::try_from(i64::from(number) - 1).ok();
    let at = at.filter(|at| *at == 0 || !elements.is_empty()).ok_or_else(|| {
        SqlError::unsupported("arrays whose elements do not count from 1 are not supported")
    })?;
    if number > ELEMENTS_MAX {
        let message = format!("array size exceeds the maximum allowed ({ELEMENTS_MAX})");
        return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
    }
    let before = elements.slice(0, at.min(elements.len()));
    let gap = new_null_array(elements.data_type(), at.saturating_sub(elements.len()));
    let value = columns[2].slice(row, 1);
    let after = at.saturating_add(1).min(elements.len());
    let after = elements.slice(after, elements.len() - after);
    concat(&[&before, &gap, &value, &after]).map_err(internal)
}

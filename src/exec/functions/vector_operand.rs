//! A vector argument over a batch: a column, or one constant that is never expanded.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float32Type};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::ColumnarValue;
use half::f16;

use super::function::internal;
use crate::base::{Result, SqlError, SqlState};
use crate::types::{PgType, TextContext, null_element, parse_text, to_halves};

/// Which of pgvector's types a call works on: a `vector` turns into each of the others by itself, a
/// `halfvec` into a `sparsevec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Vector,
    Halfvec,
    Sparsevec,
}

impl Family {
    /// The family that a type is of.
    pub(super) fn of_type(ty: &PgType) -> Option<Self> {
        match ty {
            PgType::Vector(_) => Some(Self::Vector),
            PgType::Halfvec(_) => Some(Self::Halfvec),
            PgType::Sparsevec(_) => Some(Self::Sparsevec),
            _ => None,
        }
    }

    /// The family that a call with arguments of these types is about.
    pub(super) fn of(types: &[PgType]) -> Self {
        let has = |family| types.iter().any(|ty| Self::of_type(ty) == Some(family));
        let first = [Self::Sparsevec, Self::Halfvec].into_iter().find(|family| has(*family));
        first.unwrap_or(Self::Vector)
    }

    /// The type, without dimensions.
    pub(super) fn ty(self) -> PgType {
        match self {
            Self::Vector => PgType::Vector(None),
            Self::Halfvec => PgType::Halfvec(None),
            Self::Sparsevec => PgType::Sparsevec(None),
        }
    }

    /// The type with dimensions where one of the family among the types has them.
    pub(super) fn sized(self, types: &[PgType]) -> PgType {
        let sized = types
            .iter()
            .find(|ty| matches!(ty, PgType::Vector(Some(_)) | PgType::Halfvec(Some(_))));
        match (self, sized) {
            (Self::Vector, Some(PgType::Vector(n) | PgType::Halfvec(n))) => PgType::Vector(*n),
            (Self::Halfvec, Some(PgType::Vector(n) | PgType::Halfvec(n))) => PgType::Halfvec(*n),
            (family, _) => family.ty(),
        }
    }

    /// The element next to a number; infinite if there is none.
    pub(super) fn nearest(self, number: f32) -> f32 {
        match self {
            Self::Vector | Self::Sparsevec => number,
            Self::Halfvec => f16::from_f32(number).to_f32(),
        }
    }
}

/// The vectors of an argument, row by row.
#[derive(Debug)]
pub(super) enum Operand {
    /// The same for every row
    Constant(Option<Float32Array>),
    /// One after the other, all of one length
    Fixed { dimensions: usize, elements: Float32Array, nulls: Option<NullBuffer> },
    /// Each of its own length
    Varying {
        ends: arrow::buffer::OffsetBuffer<i32>,
        elements: Float32Array,
        nulls: Option<NullBuffer>,
    },
}

impl Operand {
    /// An argument's vectors, of a family.
    pub(super) fn new(argument: &ColumnarValue, family: Family) -> Result<Self> {
        match argument {
            ColumnarValue::Scalar(value) => Self::scalar(value, family),
            ColumnarValue::Array(array) => Self::array(array, family),
        }
    }

    fn scalar(value: &ScalarValue, family: Family) -> Result<Self> {
        if value.is_null() {
            return Ok(Self::Constant(None));
        }
        if let Some(Some(text)) = value.try_as_str() {
            let parsed = parse_text(&family.ty(), text, &TextContext::default())?;
            return Self::scalar(&parsed, family);
        }
        let elements = match value {
            ScalarValue::FixedSizeList(list) => list.value(0),
            ScalarValue::List(list) => list.value(0),
            ScalarValue::LargeList(list) => list.value(0),
            other => return Err(not_a_vector(&other.data_type())),
        };
        Ok(Self::Constant(Some(floats(&elements, family)?)))
    }

    fn array(array: &ArrayRef, family: Family) -> Result<Self> {
        match array.data_type() {
            DataType::Null => Ok(Self::Constant(None)),
            DataType::FixedSizeList(_, dimensions) => {
                let list = array.as_fixed_size_list();
                Ok(Self::Fixed {
                    dimensions: usize::try_from(*dimensions).unwrap_or(0),
                    elements: elements(list.values(), family)?,
                    nulls: list.nulls().cloned(),
                })
            }
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                Ok(Self::Varying {
                    ends: list.offsets().clone(),
                    elements: floats(list.values(), family)?,
                    nulls: list.nulls().cloned(),
                })
            }
            DataType::LargeList(item) => {
                let list = DataType::List(Arc::new(Field::clone(item)));
                Self::array(&cast(array, &list).map_err(internal)?, family)
            }
            DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => {
                Self::array(&super::cast_text::parse_column(array, &family.ty())?, family)
            }
            other => Err(not_a_vector(other)),
        }
    }

    /// The row's vector; `None` for NULL.
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<&[f32]> {
        match self {
            Self::Constant(elements) => elements.as_ref().map(|elements| &elements.values()[..]),
            Self::Fixed { dimensions, elements, nulls } => {
                if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                    return None;
                }
                Some(&elements.values()[row * dimensions..(row + 1) * dimensions])
            }
            Self::Varying { ends, elements, nulls } => {
                if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                    return None;
                }
                let end = |at: usize| usize::try_from(ends[at]).unwrap_or(0);
                Some(&elements.values()[end(row)..end(row + 1)])
            }
        }
    }

    /// Whether it is one constant.
    pub(super) fn is_constant(&self) -> bool {
        matches!(self, Self::Constant(_))
    }
}

/// Elements that may be filler below NULL vectors, so not checked.
fn elements(array: &ArrayRef, family: Family) -> Result<Float32Array> {
    let floats = cast(array, &DataType::Float32).map_err(internal)?;
    let floats = floats.as_primitive::<Float32Type>();
    if family == Family::Halfvec && array.data_type() != &DataType::Float16 {
        return Ok(Float32Array::new(to_halves(floats.values())?.into(), floats.nulls().cloned()));
    }
    Ok(floats.clone())
}

fn floats(array: &ArrayRef, family: Family) -> Result<Float32Array> {
    if array.null_count() > 0 {
        return Err(null_element());
    }
    elements(array, family)
}

fn not_a_vector(ty: &DataType) -> SqlError {
    let ty = PgType::of(ty);
    SqlError::new(SqlState::DATATYPE_MISMATCH, format!("a vector was expected, not {ty}"))
}

/// pgvector's error for two vectors of different lengths.
pub(super) fn same_dimensions(a: &[f32], b: &[f32], family: Family) -> Result<()> {
    if a.len() == b.len() {
        return Ok(());
    }
    let ty = family.ty();
    let (name, a, b) = (ty.name(), a.len(), b.len());
    let message = format!("different {name} dimensions {a} and {b}");
    Err(SqlError::new(SqlState::DATA_EXCEPTION, message))
}

/// Collects vectors that a function makes into a column of its type.
#[derive(Debug)]
pub(super) struct Output {
    column: crate::types::ColumnBuilder,
    item: Vec<f32>,
}

impl Output {
    pub(super) fn new(ty: &PgType, rows: usize) -> Self {
        Self { column: crate::types::ColumnBuilder::new(ty, rows), item: Vec::new() }
    }

    pub(super) fn null(&mut self) {
        self.column.append_null();
    }

    /// Adds a vector, refused if it is none.
    pub(super) fn push(&mut self, elements: impl Iterator<Item = f32>) -> Result<()> {
        self.item.clear();
        self.item.extend(elements);
        self.column.append_vector(&self.item)
    }

    pub(super) fn finish(mut self) -> ArrayRef {
        self.column.finish()
    }
}

//! Casts between pgvector's types, and between them and arrays of numbers.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float32Type, UInt32Type};

use crate::base::{Result, SqlError};
use crate::types::{ColumnBuilder, PgType, SparseVector, null_element};

/// Whether a cast is of this kind.
pub(super) fn is_vector_cast(source: &PgType, target: &PgType) -> bool {
    let vector =
        |ty: &PgType| matches!(ty, PgType::Vector(_) | PgType::Halfvec(_) | PgType::Sparsevec(_));
    let array = |ty: &PgType| matches!(ty, PgType::Array(_));
    vector(source) && (vector(target) || array(target)) || array(source) && vector(target)
}

/// The column after a cast of this kind.
pub(super) fn cast_vectors(array: &ArrayRef, source: &PgType, target: &PgType) -> Result<ArrayRef> {
    if matches!(target, PgType::Array(_)) {
        return cast(array, &target.arrow()).map_err(internal);
    }
    let mut builder = ColumnBuilder::new(target, array.len());
    for row in 0..array.len() {
        if array.is_null(row) {
            builder.append_null();
            continue;
        }
        let values = match array.as_fixed_size_list_opt() {
            Some(list) => list.value(row),
            None => array.as_list::<i32>().value(row),
        };
        match source {
            PgType::Sparsevec(_) => append_sparse(&values, target, &mut builder)?,
            _ => append_dense(&values, &mut builder)?,
        }
    }
    Ok(builder.finish())
}

fn internal(error: impl std::fmt::Display) -> SqlError {
    SqlError::internal(error.to_string())
}

fn append_sparse(words: &ArrayRef, target: &PgType, builder: &mut ColumnBuilder) -> Result<()> {
    let vector = SparseVector::of(words.as_primitive::<UInt32Type>().values());
    match target {
        PgType::Sparsevec(_) => builder.append_sparse(&vector),
        _ => builder.append_vector(&vector.to_dense(target)?),
    }
}

fn append_dense(values: &ArrayRef, builder: &mut ColumnBuilder) -> Result<()> {
    if values.null_count() > 0 {
        return Err(null_element());
    }
    if matches!(values.data_type(), DataType::Decimal128(..) | DataType::Decimal256(..)) {
        // Read as text, as PostgreSQL does, a decimal becomes the nearest float.
        let texts = cast(values, &DataType::Utf8).map_err(internal)?;
        let numbers = texts.as_string::<i32>().iter().flatten();
        let numbers: Result<Vec<f32>, _> = numbers.map(str::parse).collect();
        return builder.append_vector(&numbers.map_err(internal)?);
    }
    let numbers = cast(values, &DataType::Float32).map_err(internal)?;
    builder.append_vector(numbers.as_primitive::<Float32Type>().values())
}

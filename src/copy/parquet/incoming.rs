//! A column of a Parquet file as a table's column takes it: as an assignment would, and strings as COPY
//! reads text.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Date32Type, TimestampMicrosecondType};

use crate::base::{Result, SqlError, SqlState};
use crate::exec::cast_array;
use crate::types::{CastContext, PgType, cast_context, utf8};

/// The first day that PostgreSQL has, from 1970, and the last.
const DAYS: std::ops::RangeInclusive<i32> = -2_440_588..=2_145_031_948;
/// The first moment that PostgreSQL has, in microseconds from 1970.
const MICROSECONDS_MIN: i64 = -210_866_803_200_000_000;

/// How a file's column becomes a table's.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    /// What it is in PostgreSQL's terms.
    source: PgType,
    target: PgType,
}

impl Incoming {
    /// Of a file's column of this type, into a table's column.
    ///
    /// # Errors
    /// 42804 where there is no such assignment.
    pub(super) fn new(column: &str, found: &DataType, target: &PgType) -> Result<Self> {
        let source = source(found).ok_or_else(|| mismatch(column, target, &found.to_string()))?;
        let strings = |ty: &PgType| ty.element().unwrap_or(ty) == &PgType::Text;
        let both = source.element().is_some() == target.element().is_some();
        let read_as_text = strings(&source) && (both || source == PgType::Text);
        let assigned =
            cast_context(&source, target).is_some_and(|context| context <= CastContext::Assignment);
        if !read_as_text && !assigned {
            return Err(mismatch(column, target, &source.to_string()));
        }
        Ok(Self { source, target: target.clone() })
    }

    /// The column's values.
    ///
    /// # Errors
    /// 22003 and the like for a value that the column can't hold.
    pub(super) fn convert(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let wanted = self.source.arrow();
        let array = if *array.data_type() == wanted {
            Arc::clone(array)
        } else {
            let options = CastOptions { safe: false, ..CastOptions::default() };
            // What Arrow can't hold is too large or too small.
            cast_with_options(array, &wanted, &options).map_err(|_| self.out_of_range())?
        };
        check(&array)?;
        cast_array(&array, &self.source, &self.target, CastContext::Assignment)
    }

    fn out_of_range(&self) -> SqlError {
        let message = format!("value out of range for type {}", self.source);
        SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
    }
}

fn mismatch(column: &str, target: &PgType, found: &str) -> SqlError {
    let message =
        format!("column \"{column}\" is of type {target} but the file's column is of type {found}");
    SqlError::new(SqlState::DATATYPE_MISMATCH, message)
}

/// The type that holds all values of a file's column; none for structures.
fn source(found: &DataType) -> Option<PgType> {
    Some(match found {
        DataType::UInt32 => PgType::Int8,
        DataType::UInt64 => PgType::Numeric(Some((20, 0))),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            match source(item.data_type())? {
                // Arrays have one dimension.
                PgType::Array(_) => return None,
                element => element.array(),
            }
        }
        DataType::Struct(_) | DataType::Map(..) | DataType::Union(..) | DataType::Duration(_) => {
            return None;
        }
        DataType::LargeBinary => PgType::Bytea,
        other => PgType::of(other),
    })
}

/// What Arrow holds and PostgreSQL does not.
fn check(array: &ArrayRef) -> Result<()> {
    let out_of_range = |what: &str| {
        SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("{what} out of range"))
    };
    match array.data_type() {
        DataType::Utf8 => {
            let texts = array.as_string::<i32>();
            if memchr::memchr(0, texts.value_data()).is_some() {
                for text in texts.iter().flatten() {
                    utf8(text.as_bytes())?;
                }
            }
            Ok(())
        }
        DataType::Date32 => {
            let fits = |day: i32| DAYS.contains(&day) || matches!(day, i32::MIN | i32::MAX);
            let days = array.as_primitive::<Date32Type>().iter().flatten();
            if days.into_iter().all(fits) { Ok(()) } else { Err(out_of_range("date")) }
        }
        DataType::Timestamp(..) => {
            let fits = |us: i64| us >= MICROSECONDS_MIN || us == i64::MIN;
            let mut moments = array.as_primitive::<TimestampMicrosecondType>().iter().flatten();
            if moments.all(fits) { Ok(()) } else { Err(out_of_range("timestamp")) }
        }
        DataType::List(_) => check(array.as_list::<i32>().values()),
        _ => Ok(()),
    }
}

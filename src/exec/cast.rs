//! PostgreSQL's casts as functions, where Arrow's differ: text in and out, rounding instead of
//! cutting off, lengths and dimensions checked.
//!
//! A cast goes value by value: the same number or string is stored through a
//! [`ColumnBuilder`], which knows the modifiers; anything else goes through its text form, which
//! is what PostgreSQL's own I/O conversion casts do.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray};
use datafusion::arrow::compute::{CastOptions, cast, cast_with_options};
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::cast_bits::cast_bits;
use super::cast_vectors::{cast_vectors, is_vector_cast};
use super::external;
use crate::base::{SqlError, SqlState};
use crate::types::{CastContext, ColumnBuilder, PgType, TextContext, parse_text, to_text};

/// The function that casts from one type to another; `None` where Arrow's cast is PostgreSQL's.
pub fn cast_function(
    source: &PgType,
    target: &PgType,
    context: CastContext,
) -> Option<Arc<ScalarUDF>> {
    if source == target || arrow_does(source, target) {
        return None;
    }
    let function = CastFunction::new(source, target, context);
    Some(Arc::new(ScalarUDF::new_from_impl(function)))
}

/// The values after a cast, outside of a query.
///
/// # Errors
/// As the cast in a query.
pub fn cast_array(
    array: &ArrayRef,
    source: &PgType,
    target: &PgType,
    context: CastContext,
) -> Result<ArrayRef, SqlError> {
    if source == target {
        return Ok(Arc::clone(array));
    }
    if arrow_does(source, target) {
        return cast(array, &target.arrow()).map_err(internal);
    }
    CastFunction::new(source, target, context).array(array)
}

/// What a call of such a function casts to; none for other functions.
pub fn cast_target(function: &ScalarUDF) -> Option<&PgType> {
    let inner: &dyn std::any::Any = function.inner().as_ref();
    inner.downcast_ref::<CastFunction>().map(|cast| &cast.target)
}

/// Casts that never fail and never change a value.
fn arrow_does(source: &PgType, target: &PgType) -> bool {
    use PgType as T;
    matches!(
        (source, target),
        (T::Int2, T::Int4 | T::Int8 | T::Float4 | T::Float8)
            | (T::Int4, T::Int8 | T::Float8)
            | (T::Int8, T::Float8)
            | (T::Float4, T::Float8)
            | (T::Date, T::Timestamp)
    )
}

#[derive(Debug, PartialEq, Eq)]
struct CastFunction {
    source: PgType,
    target: PgType,
    explicit: bool,
    signature: Signature,
}

impl Hash for CastFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.source.name().hash(state);
        self.target.name().hash(state);
        self.target.typmod().hash(state);
        self.explicit.hash(state);
    }
}

impl ScalarUDFImpl for CastFunction {
    fn name(&self) -> &str {
        self.target.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.target.arrow())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(self.target.field(self.name(), nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.first() {
            Some(ColumnarValue::Scalar(value)) => {
                let array = self.array(&value.to_array()?).map_err(external)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?))
            }
            Some(ColumnarValue::Array(array)) => {
                self.array(array).map(ColumnarValue::Array).map_err(external)
            }
            None => Err(external(SqlError::internal("a cast of nothing"))),
        }
    }
}

impl CastFunction {
    fn new(source: &PgType, target: &PgType, context: CastContext) -> Self {
        Self {
            source: source.clone(),
            target: target.clone(),
            explicit: context == CastContext::Explicit,
            signature: Signature::any(1, Volatility::Immutable),
        }
    }

    fn array(&self, array: &ArrayRef) -> Result<ArrayRef, SqlError> {
        if is_integer(&self.source) && is_integer(&self.target) && array.data_type().is_integer() {
            let options = CastOptions { safe: false, ..CastOptions::default() };
            return cast_with_options(array, &self.target.arrow(), &options)
                .map_err(|_| self.out_of_range());
        }
        let array = match array.data_type() {
            DataType::Utf8View | DataType::LargeUtf8 => {
                cast(array, &DataType::Utf8).map_err(internal)?
            }
            _ => Arc::clone(array),
        };
        if is_vector_cast(&self.source, &self.target) {
            return cast_vectors(&array, &self.source, &self.target);
        }
        if let Some(bits) = cast_bits(&array, &self.source, &self.target, self.explicit) {
            return bits;
        }
        let element = match &self.source {
            PgType::Array(from) => Some(from.as_ref()),
            PgType::Int2vector => Some(&PgType::Int2),
            PgType::Oidvector => Some(&PgType::Oid),
            _ => None,
        };
        if let (Some(from), PgType::Array(to)) = (element, &self.target)
            && let Some(list) = array.as_list_opt::<i32>()
        {
            return self.elements(list, from, to);
        }
        let mut builder = ColumnBuilder::new(&self.target, array.len());
        let context = TextContext::default();
        for row in 0..array.len() {
            if array.is_null(row) {
                builder.append_null();
                continue;
            }
            self.value(&array, row, &mut builder, &context)?;
        }
        Ok(builder.finish())
    }

    /// An array's elements, cast one by one.
    fn elements(&self, list: &ListArray, from: &PgType, to: &PgType) -> Result<ArrayRef, SqlError> {
        let context = if self.explicit { CastContext::Explicit } else { CastContext::Assignment };
        let values = cast_array(list.values(), from, to, context)?;
        let DataType::List(item) = self.target.arrow() else {
            return Err(internal("an array that is no list"));
        };
        let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
        let list = ListArray::try_new(item, offsets, values, nulls).map_err(internal)?;
        Ok(Arc::new(list))
    }

    fn value(
        &self,
        array: &ArrayRef,
        row: usize,
        builder: &mut ColumnBuilder,
        context: &TextContext,
    ) -> Result<(), SqlError> {
        let value = ScalarValue::try_from_array(array, row)
            .map_err(|error| SqlError::internal(error.to_string()))?;
        if self.source.bare() == self.target.bare() && !self.explicit_length() {
            return builder.append_scalar(&value);
        }
        let mut text = to_text(&self.source, &value, context)?.unwrap_or_default();
        if matches!(self.source, PgType::Bpchar(_)) && !matches!(self.target, PgType::Bpchar(_)) {
            // The blanks of char(n) are no part of its value.
            text.truncate(text.trim_end_matches(' ').len());
        }
        if self.source == PgType::Jsonb && (self.target.is_number() || self.target == PgType::Bool)
        {
            return self.scalar_of_json(&text, builder, context);
        }
        match (&self.source, &self.target) {
            (PgType::Float4 | PgType::Float8 | PgType::Numeric(_), target)
                if is_integer(target) =>
            {
                let rounded = self.rounded(&value, &text)?;
                builder.append_text(&rounded, context).map_err(|_| self.out_of_range())
            }
            (PgType::Bool, target) if is_integer(target) => {
                builder.append_text(if text == "t" { "1" } else { "0" }, context)
            }
            (PgType::Bool, target) if target.is_string() => {
                builder.append_text(if text == "t" { "true" } else { "false" }, context)
            }
            (source, PgType::Bool) if is_integer(source) => {
                builder.append_text(if text == "0" { "f" } else { "t" }, context)
            }
            (source, target) if source.is_number() && is_integer(target) => {
                builder.append_text(&text, context).map_err(|_| self.out_of_range())
            }
            (PgType::Timestamp | PgType::Timestamptz, PgType::Date | PgType::Time) => {
                let parsed = parse_text(&PgType::Timestamp, &text, context)?;
                let cast = parsed.cast_to(&self.target.arrow());
                builder.append_scalar(&cast.map_err(|error| SqlError::internal(error.to_string()))?)
            }
            (_, PgType::Varchar(Some(length)) | PgType::Bpchar(Some(length))) if self.explicit => {
                let length = usize::try_from(*length).unwrap_or(usize::MAX);
                let cut: String = text.chars().take(length).collect();
                builder.append_text(&cut, context)
            }
            _ => builder.append_text(&text, context),
        }
    }

    /// A document that is a number or a truth value as one; its null is NULL.
    fn scalar_of_json(
        &self,
        text: &str,
        builder: &mut ColumnBuilder,
        context: &TextContext,
    ) -> Result<(), SqlError> {
        let to_bool = self.target == PgType::Bool;
        let what = match text.as_bytes().first() {
            Some(b'n') => {
                builder.append_null();
                return Ok(());
            }
            Some(b't' | b'f') if to_bool => return builder.append_text(text, context),
            Some(b'-' | b'0'..=b'9') if !to_bool => {
                let rounded = is_integer(&self.target).then(|| round_decimal(text));
                let number = rounded.as_deref().unwrap_or(text);
                return builder.append_text(number, context).map_err(|_| self.out_of_range());
            }
            Some(b'{') => "object",
            Some(b'[') => "array",
            Some(b'"') => "string",
            Some(b't' | b'f') => "boolean",
            _ => "numeric",
        };
        let message = format!("cannot cast jsonb {what} to type {}", self.target.sql_name());
        Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message))
    }

    /// An explicit cast to `varchar(n)` cuts silently, an assignment refuses.
    fn explicit_length(&self) -> bool {
        self.explicit && matches!(self.target, PgType::Varchar(Some(_)) | PgType::Bpchar(Some(_)))
    }

    fn out_of_range(&self) -> SqlError {
        let message = format!("{} out of range", self.target.sql_name());
        SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
    }

    /// A number as the nearest integer: floats round half to even, numerics away from zero.
    fn rounded(&self, value: &ScalarValue, text: &str) -> Result<String, SqlError> {
        let float = match value {
            ScalarValue::Float32(Some(number)) => f64::from(*number),
            ScalarValue::Float64(Some(number)) => *number,
            _ => return Ok(round_decimal(text)),
        };
        if !float.is_finite() || float.abs() > 9.3e18 {
            return Err(self.out_of_range());
        }
        Ok(format!("{:.0}", float.round_ties_even()))
    }
}

fn internal(error: impl std::fmt::Display) -> SqlError {
    SqlError::internal(error.to_string())
}

fn is_integer(ty: &PgType) -> bool {
    matches!(ty, PgType::Int2 | PgType::Int4 | PgType::Int8)
}

/// A decimal number's text rounded half away from zero.
fn round_decimal(text: &str) -> String {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.as_bytes().first().is_none_or(|digit| *digit < b'5') {
        return whole.to_owned();
    }
    let negative = whole.starts_with('-');
    let digits = whole.trim_start_matches('-');
    match digits.parse::<i128>() {
        Ok(number) if negative => (-(number + 1)).to_string(),
        Ok(number) => (number + 1).to_string(),
        Err(_) => whole.to_owned(),
    }
}

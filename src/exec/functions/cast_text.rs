//! Casts between text and any type, by the types' own input and output functions: what
//! DataFusion's casts do not know (`'[1,2]'::vector`, `'1 day'::interval`) or do otherwise.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef};
use bytes::BytesMut;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::function::{external, internal};
use crate::base::Result;
use crate::types::{ColumnBuilder, ColumnEncoder, PgType, TextContext, parse_text};

/// A function of one argument: text in, a value of `ty` out, modifier applied.
pub fn cast_text_to(ty: &PgType, context: &TextContext) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(CastText::new(ty, context, Direction::FromText)))
}

/// A function of one argument: a value of `ty` in, its text out.
pub fn cast_to_text(ty: &PgType, context: &TextContext) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(CastText::new(ty, context, Direction::ToText)))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Direction {
    FromText,
    ToText,
}

#[derive(Debug, PartialEq, Eq)]
struct CastText {
    name: String,
    ty: PgType,
    context: TextContext,
    direction: Direction,
    signature: Signature,
}

impl Hash for CastText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.direction.hash(state);
        self.context.hash(state);
    }
}

impl CastText {
    fn new(ty: &PgType, context: &TextContext, direction: Direction) -> Self {
        let name = match direction {
            Direction::FromText => format!("cast_text_to {ty}"),
            Direction::ToText => format!("cast_to_text {ty}"),
        };
        let signature = match direction {
            Direction::FromText => Signature::string(1, Volatility::Immutable),
            Direction::ToText => Signature::any(1, Volatility::Immutable),
        };
        Self { name, ty: ty.clone(), context: context.clone(), direction, signature }
    }

    fn result_type(&self) -> PgType {
        match self.direction {
            Direction::FromText => self.ty.clone(),
            Direction::ToText => PgType::Text,
        }
    }

    fn column(&self, array: &ArrayRef) -> Result<ArrayRef> {
        match self.direction {
            Direction::FromText => parse(array, &self.ty, &self.context),
            Direction::ToText => show(array, &self.ty, &self.context),
        }
    }

    fn constant(&self, value: &ScalarValue) -> Result<ScalarValue> {
        if value.is_null() {
            return ScalarValue::try_from(&self.result_type().arrow()).map_err(internal);
        }
        if let (Direction::FromText, Some(Some(text))) = (self.direction, value.try_as_str()) {
            return parse_text(&self.ty, text, &self.context);
        }
        let array = value.to_array().map_err(internal)?;
        ScalarValue::try_from_array(&self.column(&array)?, 0).map_err(internal)
    }
}

impl ScalarUDFImpl for CastText {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(self.result_type().arrow())
    }

    fn return_field_from_args(
        &self,
        args: ReturnFieldArgs<'_>,
    ) -> Result<FieldRef, DataFusionError> {
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(self.result_type().field(self.name(), nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        match args.args.as_slice() {
            [ColumnarValue::Scalar(value)] => self.constant(value).map(ColumnarValue::Scalar),
            [ColumnarValue::Array(array)] => self.column(array).map(ColumnarValue::Array),
            _ => Err(super::vector_distance::wrong_count()),
        }
        .map_err(external)
    }
}

/// Reads a column of text with the default settings.
pub(super) fn parse_column(array: &ArrayRef, ty: &PgType) -> Result<ArrayRef> {
    parse(array, ty, &TextContext::default())
}

fn parse(array: &ArrayRef, ty: &PgType, context: &TextContext) -> Result<ArrayRef> {
    let texts = cast(array, &DataType::Utf8).map_err(internal)?;
    let mut column = ColumnBuilder::new(ty, texts.len());
    for text in texts.as_string::<i32>() {
        match text {
            Some(text) => column.append_text(text, context)?,
            None => column.append_null(),
        }
    }
    Ok(column.finish())
}

fn show(array: &ArrayRef, ty: &PgType, context: &TextContext) -> Result<ArrayRef> {
    // Text has the value of `char(n)` without its padding.
    let shown = if matches!(ty, PgType::Bpchar(_)) { PgType::Text } else { ty.clone() };
    let encoder = ColumnEncoder::new(array, &shown)?;
    let mut texts = StringBuilder::with_capacity(array.len(), array.len() * 16);
    let mut buffer = BytesMut::new();
    for row in 0..array.len() {
        if encoder.is_null(row) {
            texts.append_null();
            continue;
        }
        buffer.clear();
        if *ty == PgType::Bool {
            // The output function says `t`, the cast `true`.
            encoder.write_text(row, &mut buffer, context);
            texts.append_value(if buffer.starts_with(b"t") { "true" } else { "false" });
            continue;
        }
        encoder.write_text(row, &mut buffer, context);
        texts.append_value(std::str::from_utf8(&buffer).map_err(internal)?);
    }
    Ok(Arc::new(texts.finish()))
}

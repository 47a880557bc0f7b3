//! A literal as an array of rows: like PostgreSQL, Redkite reads no rows without a name from text, so only an array
//! without elements.

use std::sync::Arc;

use arrow::array::{Array, AsArray, ListArray, new_empty_array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::function::{external, internal};
use super::vector_distance::wrong_count;
use crate::base::{Result, SqlError};

/// A function of a text, which it reads as an array with these elements.
pub fn row_array_in(item: FieldRef) -> Arc<ScalarUDF> {
    let signature = Signature::any(1, Volatility::Immutable);
    Arc::new(ScalarUDF::new_from_impl(RowArray { item, signature }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct RowArray {
    item: FieldRef,
    signature: Signature,
}

impl RowArray {
    fn read(&self, texts: &dyn Array) -> Result<ListArray> {
        let texts = cast(texts, &DataType::Utf8).map_err(internal)?;
        let texts = texts.as_string::<i32>();
        if texts.iter().flatten().any(|text| text.trim() != "{}") {
            let message = "input of anonymous composite types is not implemented";
            return Err(SqlError::unsupported(message));
        }
        let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(0, texts.len()));
        let values = new_empty_array(self.item.data_type());
        let nulls = texts.nulls().cloned();
        ListArray::try_new(Arc::clone(&self.item), offsets, values, nulls).map_err(internal)
    }
}

impl ScalarUDFImpl for RowArray {
    fn name(&self) -> &str {
        "redkite_row_array_in"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::List(Arc::clone(&self.item)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        match args.args.first() {
            Some(ColumnarValue::Array(texts)) => {
                let list = self.read(texts.as_ref()).map_err(external)?;
                Ok(ColumnarValue::Array(Arc::new(list)))
            }
            Some(ColumnarValue::Scalar(text)) => {
                let list = self.read(text.to_array()?.as_ref()).map_err(external)?;
                Ok(ColumnarValue::Scalar(ScalarValue::List(Arc::new(list))))
            }
            None => Err(external(wrong_count())),
        }
    }
}

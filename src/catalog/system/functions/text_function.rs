//! A scalar function over texts, with the catalog at hand.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use crate::types::{ColumnBuilder, PgType, TextContext};

use super::Body;
use crate::catalog::system::Facts;

/// A function with a body over texts.
#[derive(Debug)]
pub(super) struct TextFunction {
    name: &'static str,
    result: PgType,
    body: Body,
    facts: Arc<Facts>,
    signature: Signature,
}

impl PartialEq for TextFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.facts, &other.facts)
    }
}

impl Eq for TextFunction {}

impl Hash for TextFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl TextFunction {
    pub(super) fn udf(
        name: &'static str,
        result: PgType,
        body: Body,
        facts: &Arc<Facts>,
    ) -> Arc<ScalarUDF> {
        let signature = Signature::user_defined(Volatility::Immutable);
        let facts = Arc::clone(facts);
        Arc::new(ScalarUDF::new_from_impl(Self { name, result, body, facts, signature }))
    }
}

impl ScalarUDFImpl for TextFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.result.arrow())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(self.result.field(self.name, true)))
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let texts = args
            .args
            .into_iter()
            .map(|value| Ok(cast(&value.into_array(rows)?, &DataType::Utf8)?))
            .collect::<Result<Vec<_>>>()?;
        let texts: Vec<_> = texts.iter().map(|array| array.as_string::<i32>()).collect();
        let external = |error| DataFusionError::External(Box::new(error));
        let mut builder = ColumnBuilder::new(&self.result, rows);
        let context = TextContext::default();
        for row in 0..rows {
            let given: Vec<Option<&str>> =
                texts.iter().map(|array| (!array.is_null(row)).then(|| array.value(row))).collect();
            match (self.body)(&self.facts, &given) {
                Some(text) => builder.append_text(&text, &context).map_err(external)?,
                None => builder.append_null(),
            }
        }
        let array = builder.finish();
        if scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
        }
        Ok(ColumnarValue::Array(array))
    }
}

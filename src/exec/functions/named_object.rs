//! Objects of the catalog with their names: the last step of a query that shows `regclass` or its kin.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::function::{external, internal};
use super::vector_distance::wrong_count;
use crate::types::{PgType, object_pairs};

/// A function of an object's number and its name: both, as a value of the type.
pub fn named_object(ty: &PgType) -> Arc<ScalarUDF> {
    let signature = Signature::any(2, Volatility::Immutable);
    Arc::new(ScalarUDF::new_from_impl(NamedObject { ty: ty.bare(), signature }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct NamedObject {
    ty: PgType,
    signature: Signature,
}

impl ScalarUDFImpl for NamedObject {
    fn name(&self) -> &str {
        self.ty.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(self.ty.named_object())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let constant = args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let [number, name] = args.args.as_slice() else { return Err(external(wrong_count())) };
        let (number, name) = (number.to_array(rows)?, name.to_array(rows)?);
        let pairs = object_pairs(&self.ty, &number, &name).map_err(external)?;
        if !constant {
            return Ok(ColumnarValue::Array(pairs));
        }
        let pair = ScalarValue::try_from_array(&pairs, 0).map_err(|e| external(internal(e)))?;
        Ok(ColumnarValue::Scalar(pair))
    }
}

//! A value as one of a type that its Arrow type does not tell: `jsonb` and `varchar` are text to DataFusion,
//! whose CASE and arrays forget which.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::function::external;
use super::vector_distance::wrong_count;
use crate::types::PgType;

/// A function of one argument, which it gives back as of this type.
pub fn typed_as(ty: &PgType) -> Arc<ScalarUDF> {
    let signature = Signature::any(1, Volatility::Immutable);
    Arc::new(ScalarUDF::new_from_impl(Typed { ty: ty.clone(), signature }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Typed {
    ty: PgType,
    signature: Signature,
}

impl ScalarUDFImpl for Typed {
    fn name(&self) -> &str {
        self.ty.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType, DataFusionError> {
        types.first().cloned().ok_or_else(|| external(wrong_count()))
    }

    fn return_field_from_args(
        &self,
        args: ReturnFieldArgs<'_>,
    ) -> Result<FieldRef, DataFusionError> {
        let field = args.arg_fields.first().ok_or_else(|| external(wrong_count()))?;
        let plain = Field::new(self.name(), field.data_type().clone(), field.is_nullable());
        Ok(Arc::new(self.ty.mark(plain)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        args.args.into_iter().next().ok_or_else(|| external(wrong_count()))
    }
}

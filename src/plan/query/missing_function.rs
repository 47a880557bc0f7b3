//! A function that does not exist: the types of its arguments are told in PostgreSQL's error, so it is
//! refused once they are known.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::errors::external;
use super::function_choice::missing;
use crate::base::{SqlError, SqlState};
use crate::types::PgType;

/// The function that stands for one that there is not; `schema` is named and is not there either.
pub(super) fn missing_function(name: &str, schema: Option<&str>) -> Arc<ScalarUDF> {
    let signature = Signature::user_defined(Volatility::Volatile);
    let (name, schema) = (name.to_owned(), schema.map(str::to_owned));
    Arc::new(ScalarUDF::new_from_impl(MissingFunction { name, schema, signature }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct MissingFunction {
    name: String,
    schema: Option<String>,
    signature: Signature,
}

impl MissingFunction {
    fn refused(&self, given: &[Option<PgType>]) -> DataFusionError {
        external(match &self.schema {
            Some(schema) => {
                let message = format!("schema \"{schema}\" does not exist");
                SqlError::new(SqlState::INVALID_SCHEMA_NAME, message)
            }
            None => missing(&self.name, given),
        })
    }
}

impl ScalarUDFImpl for MissingFunction {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let given: Vec<Option<PgType>> = types.iter().map(|ty| Some(PgType::of(ty))).collect();
        Err(self.refused(&given))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let pairs = args.arg_fields.iter().zip(args.scalar_arguments);
        let given: Vec<Option<PgType>> = pairs
            .map(|(field, constant)| match constant {
                Some(ScalarValue::Utf8(_) | ScalarValue::Null) => None,
                _ => Some(PgType::of_field(field)),
            })
            .collect();
        Err(self.refused(&given))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(self.refused(&[]))
    }
}

//! A cast to a domain: the value, once it is known to fulfil the domain's conditions.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::physical_expr::PhysicalExpr;

use super::function::{external, internal};
use crate::types::DomainType;

/// The function that a cast to a domain ends with. Each condition is over one column: the value.
pub fn domain_function(
    domain: &Arc<DomainType>,
    conditions: Vec<Arc<dyn PhysicalExpr>>,
) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(InDomain {
        domain: Arc::clone(domain),
        conditions,
        signature: Signature::any(1, Volatility::Immutable),
    }))
}

#[derive(Debug)]
struct InDomain {
    domain: Arc<DomainType>,
    conditions: Vec<Arc<dyn PhysicalExpr>>,
    signature: Signature,
}

impl PartialEq for InDomain {
    fn eq(&self, other: &Self) -> bool {
        self.domain == other.domain
    }
}

impl Eq for InDomain {}

impl Hash for InDomain {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.domain.hash(state);
    }
}

impl ScalarUDFImpl for InDomain {
    fn name(&self) -> &str {
        &self.domain.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types.first().cloned().unwrap_or_else(|| self.domain.base.arrow()))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let given = args.arg_fields.first();
        let ty = given.map_or_else(|| self.domain.base.arrow(), |field| field.data_type().clone());
        Ok(Arc::new(self.domain.base.mark(Field::new(self.name(), ty, true))))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.into_iter().next() {
            Some(ColumnarValue::Scalar(value)) => {
                self.check(&value.to_array()?)?;
                Ok(ColumnarValue::Scalar(value))
            }
            Some(ColumnarValue::Array(array)) => {
                self.check(&array)?;
                Ok(ColumnarValue::Array(array))
            }
            None => Ok(ColumnarValue::Scalar(ScalarValue::Null)),
        }
    }
}

impl InDomain {
    fn check(&self, values: &ArrayRef) -> Result<()> {
        if self.domain.not_null && values.logical_null_count() > 0 {
            return Err(external(self.domain.refuses_null()));
        }
        let field = self.domain.base.mark(Field::new("value", values.data_type().clone(), true));
        let schema = Arc::new(Schema::new(vec![field]));
        let rows = RecordBatch::try_new(schema, vec![Arc::clone(values)])
            .map_err(|error| external(internal(error)))?;
        for (check, condition) in self.domain.checks.iter().zip(&self.conditions) {
            let holds = condition.evaluate(&rows)?.into_array(rows.num_rows())?;
            // What is NULL without a type is not false.
            let Some(holds) = holds.as_boolean_opt() else { continue };
            if (0..holds.len()).any(|row| !holds.is_null(row) && !holds.value(row)) {
                return Err(external(self.domain.violated(check)));
            }
        }
        Ok(())
    }
}

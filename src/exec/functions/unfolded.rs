//! Arrays of enums, computed when a statement runs and not before.
//!
//! DataFusion shows constants in the names that it gives to expressions, and showing a constant array
//! of times reads their time zone, which an enum's is not ([`crate::types::EnumType`]). So no such
//! array is ever a constant: what makes one is volatile.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::cast_text::cast_text_to;
use crate::types::{PgType, TextContext};

/// The same function, not computed while planning.
pub fn unfolded(function: &Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    let mut signature = function.signature().clone();
    signature.volatility = Volatility::Volatile;
    Arc::new(ScalarUDF::new_from_impl(Unfolded { inner: Arc::clone(function), signature }))
}

/// A constant of such a type, which reads its text (NULL: none) when it is run.
pub fn unfolded_constant(text: Option<String>, ty: &PgType, context: &TextContext) -> Expr {
    let read = unfolded(&cast_text_to(ty, context));
    read.call(vec![Expr::Literal(ScalarValue::Utf8(text), None)])
}

/// Whether values of the type are arrays of enums.
pub fn is_array_of_enums(ty: &PgType) -> bool {
    matches!(ty.element(), Some(PgType::Enum(_)))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Unfolded {
    inner: Arc<ScalarUDF>,
    signature: Signature,
}

impl ScalarUDFImpl for Unfolded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.inner.invoke_with_args(args)
    }
}

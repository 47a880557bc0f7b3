//! `coalesce` of values and literals that have no type yet: DataFusion's own refuses what it would
//! not compare with text, before the literals have got the type of the others.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::Result;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let inner = datafusion::functions::core::coalesce();
    let signature = Signature::user_defined(Volatility::Immutable);
    vec![Arc::new(ScalarUDF::new_from_impl(Coalesce { inner, signature }))]
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Coalesce {
    inner: Arc<ScalarUDF>,
    signature: Signature,
}

impl ScalarUDFImpl for Coalesce {
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
        self.inner.coerce_types(types).or_else(|error| {
            let literal = |ty: &DataType| matches!(ty, DataType::Null | DataType::Utf8);
            let mut typed = types.iter().filter(|ty| !literal(ty));
            match typed.next() {
                // Arrow makes no rows of text: a literal beside them is read before this runs.
                Some(DataType::List(item)) if item.data_type().is_nested() => Ok(types.to_vec()),
                Some(first) if typed.all(|other| other.equals_datatype(first)) => {
                    Ok(vec![first.clone(); types.len()])
                }
                _ => Err(error),
            }
        })
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        self.inner.simplify(args, info)
    }

    fn conditional_arguments<'a>(
        &self,
        args: &'a [Expr],
    ) -> Option<(Vec<&'a Expr>, Vec<&'a Expr>)> {
        self.inner.conditional_arguments(args)
    }

    fn short_circuits(&self) -> bool {
        self.inner.short_circuits()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.inner.invoke_with_args(args)
    }
}

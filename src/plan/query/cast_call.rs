//! `x::type` as a call until operand types are known.
//!
//! DataFusion names a cast by its operand alone, so `avg(id)` and `avg(id::bigint)` would be one
//! column to it; and it would do the cast itself. The pass over the tree makes a call of it, and
//! [`Resolver`](super::resolve::Resolver) makes the cast of the call.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use sqlparser::ast;

use super::errors::external;
use super::rewrite::call;
use crate::base::SqlError;
use crate::types::PgType;

/// Starts the name of the function that stands for a cast. No identifier has a NUL in it.
const PREFIX: &str = "redkite_cast\u{0}";

/// The call that stands for a cast; `None` for types that only planning knows.
pub(super) fn cast_call(operand: &ast::Expr, data_type: &ast::DataType) -> Option<ast::Expr> {
    let ty = crate::plan::data_type_of(data_type).ok()?;
    let name = format!("{PREFIX}{}:{}", ty.name(), ty.typmod());
    Some(call(&name, vec![operand.clone()]))
}

/// The function of a call's name.
pub(super) fn cast_function_of(name: &str) -> Option<Arc<ScalarUDF>> {
    let (type_name, typmod) = name.strip_prefix(PREFIX)?.split_once(':')?;
    let bare = match type_name {
        "char" => PgType::Char,
        other => PgType::from_name(other)?,
    };
    let ty = bare.with_typmod(typmod.parse().ok()?);
    let signature = Signature::any(1, Volatility::Immutable);
    let name = name.to_owned();
    Some(Arc::new(ScalarUDF::new_from_impl(CastCall { name, ty, signature })))
}

/// The cast that a call stands for; the call itself if it is another one.
pub(super) fn as_cast(function: ScalarFunction) -> std::result::Result<Cast, ScalarFunction> {
    let inner: &dyn std::any::Any = function.func.inner().as_ref();
    let Some(cast) = inner.downcast_ref::<CastCall>() else { return Err(function) };
    let field = Arc::new(cast.ty.field("", true));
    match <[_; 1]>::try_from(function.args) {
        Ok([operand]) => Ok(Cast::new_from_field(Box::new(operand), field)),
        Err(args) => Err(ScalarFunction { func: function.func, args }),
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CastCall {
    name: String,
    ty: PgType,
    signature: Signature,
}

impl ScalarUDFImpl for CastCall {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.ty.arrow())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(self.ty.field(self.name(), true)))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        Err(external(SqlError::internal("a cast was not resolved")))
    }
}

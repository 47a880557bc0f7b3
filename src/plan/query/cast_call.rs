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
use super::relations::Relations;
use super::rewrite::call;
use super::type_names::named;
use crate::base::{SqlError, SqlState};
use crate::types::{DomainType, NamedType, PgType};

/// Starts the name of the function that stands for a cast. No identifier has a NUL in it.
const PREFIX: &str = "redkite_cast\u{0}";

/// Comes after it where the catalog must tell the type.
const NAMED: char = '?';

/// The call that stands for a cast; `None` for what is no type.
pub(super) fn cast_call(operand: &ast::Expr, data_type: &ast::DataType) -> Option<ast::Expr> {
    let name = match crate::plan::data_type_of(data_type) {
        Ok(ty) => format!("{PREFIX}{}:{}", ty.name(), ty.typmod()),
        Err(_) => {
            let text = data_type.to_string();
            crate::plan::parse_type_name(&text).ok()?;
            format!("{PREFIX}{NAMED}{text}")
        }
    };
    Some(call(&name, vec![operand.clone()]))
}

/// The function of a call's name. A type that does not exist is an error of the call.
pub(super) fn cast_function_of(
    name: &str,
    types: (&dyn Relations, &[String]),
    of_domain: impl FnOnce(&Arc<DomainType>) -> crate::base::Result<Arc<ScalarUDF>>,
) -> Option<Arc<ScalarUDF>> {
    let rest = name.strip_prefix(PREFIX)?;
    let ty = match rest.strip_prefix(NAMED) {
        Some(text) => named(crate::plan::parse_type_name(text).ok()?, types),
        None => {
            let (type_name, typmod) = rest.split_once(':')?;
            let bare = match type_name {
                "char" => PgType::Char,
                other => PgType::from_name(other)?,
            };
            Ok(NamedType::Type(bare.with_typmod(typmod.parse().ok()?)))
        }
    };
    let ty = ty.and_then(|named| {
        Ok(match named {
            NamedType::Type(ty) => Target::Type(ty, None),
            NamedType::Domain(domain) => {
                Target::Type(domain.base.clone(), Some(of_domain(&domain)?))
            }
        })
    });
    let ty = ty.unwrap_or_else(|error| Target::Missing(error.code(), error.to_string()));
    let signature = Signature::any(1, Volatility::Immutable);
    let name = name.to_owned();
    Some(Arc::new(ScalarUDF::new_from_impl(CastCall { name, ty, signature })))
}

/// The cast that a call stands for, with the function that looks at its values where it is to a
/// domain; the call itself if it is another one.
pub(super) fn as_cast(
    function: ScalarFunction,
) -> std::result::Result<(Cast, Option<Arc<ScalarUDF>>), ScalarFunction> {
    let inner: &dyn std::any::Any = function.func.inner().as_ref();
    let Some(cast) = inner.downcast_ref::<CastCall>() else { return Err(function) };
    let Target::Type(ty, in_domain) = &cast.ty else { return Err(function) };
    let (field, in_domain) = (Arc::new(ty.field("", true)), in_domain.clone());
    match <[_; 1]>::try_from(function.args) {
        Ok([operand]) => Ok((Cast::new_from_field(Box::new(operand), field), in_domain)),
        Err(args) => Err(ScalarFunction { func: function.func, args }),
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CastCall {
    name: String,
    ty: Target,
    signature: Signature,
}

/// What is cast to.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Target {
    /// A type, and what looks at the values where it is a domain's.
    Type(PgType, Option<Arc<ScalarUDF>>),
    /// Nothing, with what there is to say about it.
    Missing(SqlState, String),
}

impl Target {
    fn ty(&self) -> Result<&PgType> {
        match self {
            Self::Type(ty, _) => Ok(ty),
            Self::Missing(code, message) => Err(external(SqlError::new(*code, message.clone()))),
        }
    }
}

impl ScalarUDFImpl for CastCall {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.ty.ty()?.arrow())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(self.ty.ty()?.field(self.name(), true)))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        Err(external(SqlError::internal("a cast was not resolved")))
    }
}

//! `redkite_named(value, 'name')`: the value. DataFusion names an expression by its text, where one
//! subquery looks like any other; with this around them they are told apart.

use std::sync::Arc;

use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Call, Function, Kind};
use crate::base::{Result, SqlError};
use crate::types::PgType;

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let first = |types: &[PgType]| types.first().cloned().unwrap_or(PgType::Text);
    let arguments = Arguments::Exactly(&[Kind::Any, Kind::Any]);
    vec![Function::new("redkite_named", arguments, first, value).build()]
}

fn value(arguments: &[ColumnarValue], _: &Call) -> Result<ColumnarValue> {
    let value = arguments.first().cloned();
    value.ok_or_else(|| SqlError::internal("a call without arguments"))
}

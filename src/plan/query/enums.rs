//! What calls over enums need beside their types: DataFusion sees times in them.

use arrow::datatypes::{DataType, Field};
use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, ExprSchemable, Volatility};

use super::literal::type_of;
use crate::base::{Result, SqlError, SqlState};
use crate::exec::functions::unfolded;
use crate::types::is_enum;

/// A call that makes an array of enums, as one that is not computed while planning.
pub(super) fn run_late(expr: Expr, schema: &DFSchema) -> Expr {
    let Expr::ScalarFunction(function) = expr else { return expr };
    let late = function.func.signature().volatility == Volatility::Volatile;
    let expr = Expr::ScalarFunction(function);
    if late || !expr.to_field(schema).is_ok_and(|(_, field)| makes_array_of_enums(&field)) {
        return expr;
    }
    match expr {
        Expr::ScalarFunction(function) => unfolded(&function.func).call(function.args),
        other => other,
    }
}

fn makes_array_of_enums(field: &Field) -> bool {
    let DataType::List(item) = field.data_type() else { return false };
    is_enum(item.data_type())
}

/// 42883 for a function of times that is called with an enum.
pub(super) fn refuse_times(function: &str, arguments: &[Expr], schema: &DFSchema) -> Result<()> {
    let of_enum = |argument: &Expr| {
        let ty = argument.to_field(schema);
        ty.is_ok_and(|(_, field)| is_enum(field.data_type()))
    };
    if !takes_times(function) || !arguments.iter().any(of_enum) {
        return Ok(());
    }
    let types = arguments.iter().map(|argument| type_of(argument, schema).bare().to_string());
    let types: Vec<String> = types.collect();
    let message = format!("function {function}({}) does not exist", types.join(", "));
    Err(SqlError::new(SqlState::UNDEFINED_FUNCTION, message).with_hint(
        "No function matches the given name and argument types. You might need to add explicit \
         type casts.",
    ))
}

/// Whether DataFusion would take an enum's values for times.
fn takes_times(function: &str) -> bool {
    matches!(
        function,
        "date_trunc" | "date_part" | "date_bin" | "to_char" | "to_date" | "to_unixtime"
    ) || function.starts_with("to_timestamp")
        || function.starts_with("redkite_part")
}

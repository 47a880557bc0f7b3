//! Functions that are another way to write an operator or a cast: `int4pl(1, 2)`, `float8mul(2, 3)`,
//! `text(42)`, `date('2024-01-01')`.

use sqlparser::ast::{BinaryOperator, Expr};

use super::cast_call::cast_call;

/// Prefixes of operators' functions and the names of their operators behind them.
const TYPES: &[&str] = &["int2", "int4", "int8", "float4", "float8"];

/// The operator of a function of two arguments.
pub(super) fn operator(name: &str) -> Option<BinaryOperator> {
    if let Some(action) = name.strip_prefix("numeric_") {
        return Some(match action {
            "add" => BinaryOperator::Plus,
            "sub" => BinaryOperator::Minus,
            "mod" => BinaryOperator::Modulo,
            "eq" => BinaryOperator::Eq,
            "ne" => BinaryOperator::NotEq,
            "lt" => BinaryOperator::Lt,
            "le" => BinaryOperator::LtEq,
            "gt" => BinaryOperator::Gt,
            "ge" => BinaryOperator::GtEq,
            _ => return None,
        });
    }
    let action = TYPES.iter().find_map(|ty| name.strip_prefix(ty))?;
    Some(match action {
        "pl" => BinaryOperator::Plus,
        "mi" => BinaryOperator::Minus,
        "mul" => BinaryOperator::Multiply,
        "div" => BinaryOperator::Divide,
        "mod" => BinaryOperator::Modulo,
        "eq" => BinaryOperator::Eq,
        "ne" => BinaryOperator::NotEq,
        "lt" => BinaryOperator::Lt,
        "le" => BinaryOperator::LtEq,
        "gt" => BinaryOperator::Gt,
        "ge" => BinaryOperator::GtEq,
        _ => return None,
    })
}

/// The cast that a type's name with one argument is.
pub(super) fn cast(name: &str, argument: &Expr) -> Option<Expr> {
    const NAMES: &[&str] = &[
        "int2",
        "int4",
        "int8",
        "float4",
        "float8",
        "numeric",
        "bool",
        "text",
        "varchar",
        "bpchar",
        "name",
        "bytea",
        "date",
        "time",
        "timestamp",
        "timestamptz",
        "interval",
        "oid",
        "uuid",
    ];
    let known = NAMES.contains(&name);
    let data_type = known.then(|| crate::plan::parse_expression(&format!("NULL::{name}")).ok())?;
    match *data_type?.ast {
        Expr::Cast { data_type, .. } => cast_call(argument, &data_type),
        _ => None,
    }
}

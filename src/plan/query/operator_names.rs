//! `OPERATOR(schema.symbol)`.

use sqlparser::ast::BinaryOperator;

use crate::base::{Result, SqlError, SqlState};

/// `OPERATOR(public.<->)`: the operator that it names.
pub(super) fn named_operator(parts: &[String]) -> Result<BinaryOperator> {
    let symbol = parts.last().map_or("", String::as_str);
    Ok(match symbol {
        "=" => BinaryOperator::Eq,
        "<>" | "!=" => BinaryOperator::NotEq,
        "<" => BinaryOperator::Lt,
        "<=" => BinaryOperator::LtEq,
        ">" => BinaryOperator::Gt,
        ">=" => BinaryOperator::GtEq,
        "+" => BinaryOperator::Plus,
        "-" => BinaryOperator::Minus,
        "*" => BinaryOperator::Multiply,
        "/" => BinaryOperator::Divide,
        "%" => BinaryOperator::Modulo,
        "||" => BinaryOperator::StringConcat,
        "~" => BinaryOperator::PGRegexMatch,
        "~*" => BinaryOperator::PGRegexIMatch,
        "!~" => BinaryOperator::PGRegexNotMatch,
        "!~*" => BinaryOperator::PGRegexNotIMatch,
        "~~" => BinaryOperator::PGLikeMatch,
        "!~~" => BinaryOperator::PGNotLikeMatch,
        "&" => BinaryOperator::BitwiseAnd,
        "|" => BinaryOperator::BitwiseOr,
        "#" => BinaryOperator::PGBitwiseXor,
        "<<" => BinaryOperator::PGBitwiseShiftLeft,
        ">>" => BinaryOperator::PGBitwiseShiftRight,
        "<->" | "<#>" | "<=>" | "<+>" | "<~>" | "<%>" => BinaryOperator::Custom(symbol.into()),
        _ => {
            let message = format!("operator does not exist: {symbol}");
            return Err(SqlError::new(SqlState::UNDEFINED_FUNCTION, message));
        }
    })
}

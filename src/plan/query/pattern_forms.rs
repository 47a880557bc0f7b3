//! Forms of expressions that sqlparser reads otherwise, or DataFusion has not: patterns (SIMILAR TO, escape
//! characters, `LIKE ANY`, regular expressions in `substring`), and powers of negatives.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value, ValueWithSpan};

use super::function_calls::{escaped, matched, similar_to_regex};
use super::rewrite::{ANY, null, string};
use crate::base::{Result, SqlError};

/// Patterns: SIMILAR TO, escape characters, `LIKE ANY`, and regular expressions in `substring`.
pub(super) fn rewrite_pattern(expr: &mut Expr) -> Result<()> {
    match expr {
        Expr::SimilarTo { negated, expr: left, pattern, escape_char } => {
            let Some(text) = string(pattern) else {
                return Err(SqlError::unsupported("SIMILAR TO takes a constant pattern only"));
            };
            let regex = similar_to_regex(&text, escape_of(escape_char.as_ref()));
            let op = match *negated {
                true => BinaryOperator::PGRegexNotMatch,
                false => BinaryOperator::PGRegexMatch,
            };
            let regex = Expr::Value(Value::SingleQuotedString(regex).into());
            let left = Box::new(std::mem::replace(left.as_mut(), null()));
            *expr = Expr::BinaryOp { left, op, right: Box::new(regex) };
        }
        Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. }
            if escape_char.is_some() =>
        {
            **pattern = escaped(pattern, escape_of(escape_char.as_ref()));
            *escape_char = None;
        }
        Expr::Substring {
            expr: value, substring_from: Some(pattern), substring_for: None, ..
        } if string(pattern).is_some() => {
            *expr = matched(value, pattern, false);
        }
        Expr::Like { negated, any: true, expr: left, pattern, escape_char: None } => {
            let op = if *negated { "!~~" } else { "~~" };
            *expr = pattern_of_array(left, op, pattern);
        }
        Expr::ILike { negated, any: true, expr: left, pattern, escape_char: None } => {
            let op = if *negated { "!~~*" } else { "~~*" };
            *expr = pattern_of_array(left, op, pattern);
        }
        _ => {}
    }
    Ok(())
}

/// A minus binds tighter than `^`: `-2 ^ 2` is four.
pub(super) fn powers_of_negatives(expr: &mut Expr) {
    let Expr::UnaryOp { op: UnaryOperator::Minus, expr: operand } = expr else { return };
    if !matches!(operand.as_ref(), Expr::BinaryOp { op: BinaryOperator::PGExp, .. }) {
        return;
    }
    let mut whole = std::mem::replace(operand.as_mut(), null());
    let mut base = &mut whole;
    while let Expr::BinaryOp { left, op: BinaryOperator::PGExp, .. } = base {
        base = left.as_mut();
    }
    let negated = Box::new(std::mem::replace(base, null()));
    *base = Expr::UnaryOp { op: UnaryOperator::Minus, expr: negated };
    *expr = whole;
}

/// The escape character of a pattern, the backslash unless another one is named.
fn escape_of(escape: Option<&ValueWithSpan>) -> char {
    match escape.map(|escape| &escape.value) {
        Some(Value::SingleQuotedString(text)) => text.chars().next().unwrap_or('\0'),
        _ => '\\',
    }
}

fn pattern_of_array(left: &Expr, op: &str, patterns: &Expr) -> Expr {
    Expr::BinaryOp {
        left: Box::new(left.clone()),
        op: BinaryOperator::Custom(format!("{ANY}{op}")),
        right: Box::new(patterns.clone()),
    }
}

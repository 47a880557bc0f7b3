//! Functions and literals that are written with others: passes of [`super::rewrite`].

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, DateTimeField, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, Ident, Interval, ObjectName, UnaryOperator, Value,
    ValueWithSpan,
};

use super::array_query;
use super::cast_call::cast_call;
use super::names::fold;
use super::rewrite::{call, string};
use crate::exec::functions::with_backslash;

/// Whether a type is a float.
pub(super) fn is_float(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Real
            | DataType::Float4
            | DataType::Float8
            | DataType::Float64
            | DataType::DoublePrecision
            | DataType::Double(_)
            | DataType::Float(_)
    )
}

/// `interval '..' field`, with the field in the text; our own reader knows the rest.
pub(super) fn interval_text(interval: &Interval) -> Option<String> {
    let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) =
        interval.value.as_ref()
    else {
        return None;
    };
    let plain = text.trim().trim_start_matches(['-', '+']);
    let number = plain.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match (&interval.leading_field, &interval.last_field) {
        (None, None) => Some(text.clone()),
        (Some(field), None) if number => Some(format!("{text} {field}")),
        (Some(DateTimeField::Minute), Some(DateTimeField::Second)) if text.contains(':') => {
            Some(format!("00:{text}"))
        }
        (Some(DateTimeField::Day), Some(DateTimeField::Hour)) => {
            let (days, hours) = text.trim().split_once(' ')?;
            Some(format!("{days} days {hours} hours"))
        }
        _ => Some(text.clone()),
    }
}

/// Functions that are written with others.
pub(super) fn other_function(function: &Function) -> Option<Expr> {
    let name = fold(function.name.0.last()?.as_ident()?);
    if let (FunctionArguments::Subquery(query), "array") = (&function.args, name.as_str()) {
        return array_query::array_of(query);
    }
    let FunctionArguments::List(list) = &function.args else { return None };
    let arguments: Option<Vec<Expr>> = list
        .args
        .iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
            _ => None,
        })
        .collect();
    match (name.as_str(), arguments?.as_slice()) {
        ("encode", [Expr::Value(value), format])
            if matches!(value.value, Value::SingleQuotedString(_)) =>
        {
            let bytes = Expr::Cast {
                kind: CastKind::DoubleColon,
                expr: Box::new(Expr::Value(value.clone())),
                data_type: DataType::Bytea,
                array: false,
                format: None,
            };
            Some(call("encode", vec![bytes, format.clone()]))
        }
        ("to_timestamp", [seconds]) => Some(call("redkite_from_epoch", vec![seconds.clone()])),
        // DataFusion counts in 64 bits.
        ("array_position" | "ntile", _) => {
            cast_call(&Expr::Function(function.clone()), &DataType::Int4(None))
        }
        ("mod", [left, right]) => Some(Expr::Nested(Box::new(Expr::BinaryOp {
            left: Box::new(left.clone()),
            op: BinaryOperator::Modulo,
            right: Box::new(right.clone()),
        }))),
        ("json_agg" | "jsonb_agg", [value]) => {
            let to = if name == "json_agg" { "to_json" } else { "to_jsonb" };
            let array = aggregate(function, vec![call(to, vec![value.clone()])]);
            Some(call(&format!("redkite_{name}"), vec![array]))
        }
        ("json_object_agg" | "jsonb_object_agg", [key, value]) => {
            let keys = Expr::Cast {
                kind: CastKind::DoubleColon,
                expr: Box::new(key.clone()),
                data_type: DataType::Text,
                array: false,
                format: None,
            };
            let keys = cast_call(&keys, &DataType::Text).unwrap_or(keys);
            let keys = aggregate(function, vec![keys]);
            let values = aggregate(function, vec![call("to_json", vec![value.clone()])]);
            Some(call(&format!("redkite_{name}"), vec![keys, values]))
        }
        ("string_to_table", arguments) => Some(call("string_to_array", arguments.to_vec())),
        _ => None,
    }
}

/// The function that a prefix operator stands for.
pub(super) fn prefix_function(op: UnaryOperator) -> Option<&'static str> {
    match op {
        UnaryOperator::PGSquareRoot => Some("sqrt"),
        UnaryOperator::PGCubeRoot => Some("cbrt"),
        UnaryOperator::PGAbs => Some("abs"),
        _ => None,
    }
}

/// What a regular expression finds in a string: all of it, or the part in parentheses.
pub(super) fn matched(string: &Expr, pattern: &Expr, whole: bool) -> Expr {
    let text = |text: &str| Expr::Value(Value::SingleQuotedString(text.into()).into());
    let pattern = match whole {
        true => call("concat", vec![text("("), pattern.clone(), text(")")]),
        false => pattern.clone(),
    };
    let found = call("regexp_match", vec![string.clone(), pattern]);
    let first = Expr::Value(Value::Number("1".into(), false).into());
    call("array_element", vec![found, first])
}

/// A pattern of LIKE whose escape character is the backslash.
pub(super) fn escaped(pattern: &Expr, escape: char) -> Expr {
    let text = |text: String| Expr::Value(Value::SingleQuotedString(text).into());
    // None escapes: ESCAPE ''.
    let character = (escape != '\0').then_some(escape);
    match string(pattern) {
        Some(constant) => text(with_backslash(&constant, character)),
        None => {
            let escape = text(character.map(String::from).unwrap_or_default());
            call("redkite_like_pattern", vec![pattern.clone(), escape])
        }
    }
}

/// The regular expression that means the same as a pattern of SIMILAR TO.
pub(super) fn similar_to_regex(pattern: &str, escape: char) -> String {
    let mut out = String::from("^(?:");
    let mut characters = pattern.chars();
    let mut class = false;
    while let Some(character) = characters.next() {
        match character {
            _ if character == escape => {
                let next = characters.next().unwrap_or(escape);
                out.extend((!next.is_alphanumeric()).then_some('\\'));
                out.push(next);
            }
            _ if class => {
                class = character != ']';
                out.push(character);
            }
            '[' => {
                class = true;
                out.push('[');
            }
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '.' | '^' | '$' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            other => out.push(other),
        }
    }
    out.push_str(")$");
    out
}

/// The same aggregate call as `array_agg` of other arguments.
fn aggregate(function: &Function, arguments: Vec<Expr>) -> Expr {
    let mut function = function.clone();
    function.name = ObjectName::from(vec![Ident::with_quote('"', "array_agg")]);
    if let FunctionArguments::List(list) = &mut function.args {
        list.args = arguments
            .into_iter()
            .map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)))
            .collect();
    }
    Expr::Function(function)
}

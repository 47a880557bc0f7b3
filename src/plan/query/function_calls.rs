//! Functions and literals that are written with others: passes of [`super::rewrite`].

use sqlparser::ast::{
    ArrayElemTypeDef, BinaryOperator, CastKind, DataType, DateTimeField, Expr, Function,
    FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, Interval,
    ObjectName, TimezoneInfo, UnaryOperator, Value, ValueWithSpan,
};

use super::array_query;
use super::cast_call::cast_call;
use super::json_functions::json_function;
use super::names::fold;
use super::operator_functions::{self, operator};
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
    if let Some(json) = json_function(function) {
        return Some(json);
    }
    let FunctionArguments::List(list) = &function.args else { return None };
    if name == "make_interval" {
        return whole_interval(list);
    }
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
        ("array_positions", _) => cast_call(
            &Expr::Function(function.clone()),
            &DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(DataType::Int4(None)), None)),
        ),
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
        ("age", [since]) => {
            let now = cast_call(&call("current_date", Vec::new()), &timestamp())?;
            Some(call("age", vec![now, since.clone()]))
        }
        (
            "current_timestamp" | "current_time" | "localtimestamp" | "localtime",
            [digits @ Expr::Cast { .. }],
        ) => Some(call("redkite_precision", vec![call(&name, Vec::new()), digits.clone()])),
        (_, [left, right]) => operator(&name).map(|op| {
            let (left, right) = (Box::new(nested(left)), Box::new(nested(right)));
            Expr::Nested(Box::new(Expr::BinaryOp { left, op, right }))
        }),
        (_, [argument]) => operator_functions::cast(&name, argument),
        _ => None,
    }
}

fn nested(expr: &Expr) -> Expr {
    Expr::Nested(Box::new(expr.clone()))
}

fn timestamp() -> DataType {
    DataType::Timestamp(None, TimezoneInfo::None)
}

/// A cast to a type with so many digits of a second, which types here do not have: the cast without, and
/// the digits.
pub(super) fn seconds_digits(data_type: &DataType) -> Option<(DataType, u64)> {
    match data_type {
        DataType::Time(Some(digits), zone) => Some((DataType::Time(None, *zone), *digits)),
        DataType::Timestamp(Some(digits), zone) => {
            Some((DataType::Timestamp(None, *zone), *digits))
        }
        DataType::Interval { fields, precision: Some(digits) } => {
            Some((DataType::Interval { fields: *fields, precision: None }, *digits))
        }
        _ => None,
    }
}

/// `make_interval` with all its arguments: those that were left out are zero, and any may be named.
fn whole_interval(list: &FunctionArgumentList) -> Option<Expr> {
    const NAMES: [&str; 7] = ["years", "months", "weeks", "days", "hours", "mins", "secs"];
    if list.args.len() == NAMES.len() {
        return None;
    }
    let zero = || Expr::Value(Value::SingleQuotedString("0".into()).into());
    let mut all: Vec<Option<Expr>> = vec![None; NAMES.len()];
    for (at, argument) in list.args.iter().enumerate() {
        let (place, value) = match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => (at, value),
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => {
                (NAMES.iter().position(|known| *known == fold(name))?, value)
            }
            FunctionArg::ExprNamed {
                name: Expr::Identifier(name),
                arg: FunctionArgExpr::Expr(value),
                ..
            } => (NAMES.iter().position(|known| *known == fold(name))?, value),
            _ => return None,
        };
        *all.get_mut(place)? = Some(value.clone());
    }
    let seconds = all.pop().flatten();
    let whole = all.into_iter().map(|value| {
        let value = value.unwrap_or_else(zero);
        cast_call(&value, &DataType::Int4(None)).unwrap_or(value)
    });
    let mut arguments: Vec<Expr> = whole.collect();
    let seconds = seconds.unwrap_or_else(zero);
    arguments.push(cast_call(&seconds, &DataType::Float8).unwrap_or(seconds));
    Some(call("make_interval", arguments))
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

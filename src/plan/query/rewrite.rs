//! Passes over the syntax tree before DataFusion sees it: what DataFusion would plan with other
//! meaning than PostgreSQL, or silently ignore.
//!
//! - `FOR UPDATE`, `TABLESAMPLE` and the like are refused: ignoring them would be a lie.
//! - integer literals get PostgreSQL's type, `int4` where the value fits;
//! - columns get PostgreSQL's names;
//! - `x = ANY (array)` becomes an operator, so that one place resolves all operand types;
//! - `vector_search(...)` becomes the query that it abbreviates;
//! - set-returning functions become `unnest` of functions that return arrays
//!   ([`super::set_returning`]), casts become calls ([`super::cast_call`]).

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, DateTimeField, Distinct, Expr, Fetch, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, Interval, LimitClause, ObjectName, Offset,
    OrderByKind, Query, Select, SelectItem, SetExpr, TableFactor, UnaryOperator, Value, ValueWithSpan, VisitMut, VisitorMut,
};

use super::cast_call::cast_call;
use super::catalog_query;
use super::names::{fold, name_select_list};
use super::set_returning::{functions_in_from, spread_select_list};
use super::vector_function;
use crate::base::{Result, SqlError, SqlState};

/// The prefix of the operator that stands for `left op ANY (right)`.
pub(crate) const ANY: &str = "any ";
/// The prefix of the operator that stands for `left op ALL (right)`.
pub(crate) const ALL: &str = "all ";

/// Rewrites a query in place; see the module.
pub(crate) fn rewrite(query: &mut Query) -> Result<()> {
    walk(query)
}

/// Rewrites an expression that stands alone: a default, a check, a SET value.
pub(crate) fn rewrite_expr(expr: &mut Expr) -> Result<()> {
    walk(expr)
}

fn walk(node: &mut impl VisitMut) -> Result<()> {
    let mut pass = Pass;
    match node.visit(&mut pass) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Pass;

fn refuse<T>(message: &str) -> ControlFlow<SqlError, T> {
    ControlFlow::Break(SqlError::unsupported(message))
}

fn flow(result: Result<()>) -> ControlFlow<SqlError> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

impl VisitorMut for Pass {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        if let Some(lock) = query.locks.first() {
            let message = format!("{lock} is not supported");
            let hint = "Rows are versioned by commit; conflicts show at COMMIT as 40001.";
            return ControlFlow::Break(SqlError::unsupported(message).with_hint(hint));
        }
        if query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
            || !query.pipe_operators.is_empty()
        {
            return refuse("this form of query is not supported");
        }
        if let Some(fetch) = query.fetch.take() {
            return flow(fetch_to_limit(query, fetch));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        if let Some(order_by) = &mut query.order_by
            && let OrderByKind::Expressions(exprs) = &mut order_by.kind
        {
            exprs.iter_mut().for_each(|order| plain_number(&mut order.expr));
        }
        match &mut query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => {
                limit.iter_mut().for_each(plain_number);
                offset.iter_mut().for_each(|offset| plain_number(&mut offset.value));
                // LIMIT NULL and LIMIT ALL are no limit.
                if matches!(limit, Some(Expr::Value(ValueWithSpan { value: Value::Null, .. }))) {
                    *limit = None;
                }
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => {
                plain_number(offset);
                plain_number(limit);
            }
            None => {}
        }
        if let SetExpr::Table(table) = query.body.as_ref() {
            let name = table.table_name.clone().unwrap_or_default();
            return refuse(&format!("TABLE {name} is not supported"));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        if let Err(error) = functions_in_from(select) {
            return ControlFlow::Break(error);
        }
        for item in &mut select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                    let word = match expr {
                        Expr::Identifier(word) if is_session_word(word) => Some(word.clone()),
                        _ => None,
                    };
                    if let Some(word) = word
                        && matches!(item, SelectItem::UnnamedExpr(_))
                    {
                        let alias = Ident::with_quote('"', word.value.to_lowercase());
                        let expr = Expr::Identifier(word);
                        *item = SelectItem::ExprWithAlias { expr, alias };
                    }
                }
                _ => {}
            }
        }
        name_select_list(select);
        // The name comes from the function, so it is taken first.
        spread_select_list(select);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        if let GroupByExpr::Expressions(exprs, _) = &mut select.group_by {
            exprs.iter_mut().for_each(plain_number);
        }
        if let Some(Distinct::On(exprs)) = &mut select.distinct {
            exprs.iter_mut().for_each(plain_number);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<SqlError> {
        flow(table_factor(factor))
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        // Before the operand is visited: `-1` is one literal.
        if let Expr::UnaryOp { op: UnaryOperator::Minus, expr: operand } = expr
            && let Some(number) = number(operand)
        {
            let value = Expr::Value(Value::Number(format!("-{number}"), false).into());
            *expr = typed_number(value, &format!("-{number}"));
        }
        if let Expr::Cast { expr: operand, data_type, .. } = expr
            && let Some(number) = number(operand)
            && is_float(data_type)
        {
            // Digits of a float may be more, or stand further out, than those of a decimal.
            **operand = Expr::Value(Value::SingleQuotedString(number).into());
        }
        if let Expr::Interval(interval) = expr
            && let Some(text) = interval_text(interval)
        {
            *expr = Expr::Cast {
                kind: CastKind::Cast,
                expr: Box::new(Expr::Value(Value::SingleQuotedString(text).into())),
                data_type: DataType::Interval { fields: None, precision: None },
                array: false,
                format: None,
            };
        }
        catalog_query::rewrite(expr);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        flow(rewrite_one(expr))
    }
}

fn rewrite_one(expr: &mut Expr) -> Result<()> {
    match expr {
        Expr::Value(ValueWithSpan { value: Value::Number(text, _), .. }) => {
            let text = text.clone();
            if !text.starts_with('-') {
                let value = std::mem::replace(expr, null());
                *expr = typed_number(value, &text);
            }
        }
        Expr::Identifier(word) if is_session_word(word) => {
            *expr = call(&word.value.to_lowercase(), Vec::new());
        }
        Expr::AnyOp { left, compare_op, right, .. } if !is_subquery(right) => {
            *expr = quantified(ANY, left, compare_op, right);
        }
        Expr::AllOp { left, compare_op, right } if !is_subquery(right) => {
            *expr = quantified(ALL, left, compare_op, right);
        }
        Expr::BinaryOp { op, .. } => {
            if let BinaryOperator::PGCustomBinaryOperator(parts) = op {
                *op = named_operator(parts)?;
            }
        }
        Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr: inner, data_type, .. }
            if !is_literal(inner) =>
        {
            if let Some(cast) = cast_call(inner, data_type) {
                *expr = cast;
            }
        }
        Expr::Function(function) => {
            if let Some(other) = other_function(function) {
                *expr = other;
            }
        }
        Expr::Collate { expr: inner, .. } => {
            let inner = std::mem::replace(inner.as_mut(), null());
            *expr = inner;
        }
        _ => {}
    }
    Ok(())
}

/// Literals take their type at once; their casts stay casts.
fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => !matches!(value.value, Value::Placeholder(_)),
        Expr::Nested(inner) => is_literal(inner),
        Expr::Cast { expr, .. } => number(expr).is_some(),
        _ => false,
    }
}

fn is_float(data_type: &DataType) -> bool {
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
fn interval_text(interval: &Interval) -> Option<String> {
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
fn other_function(function: &Function) -> Option<Expr> {
    let name = fold(function.name.0.last()?.as_ident()?);
    let FunctionArguments::List(list) = &function.args else { return None };
    let arguments: Option<Vec<Expr>> = list
        .args
        .iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
            _ => None,
        })
        .collect();
    let text = |text: &str| Expr::Value(Value::SingleQuotedString(text.into()).into());
    match (name.as_str(), arguments?.as_slice()) {
        ("regexp_split_to_array" | "regexp_split_to_table", [string, pattern]) => {
            let separator = "\u{1}";
            let arguments =
                vec![string.clone(), pattern.clone(), text(separator), text("g")];
            let marked = call("regexp_replace", arguments);
            Some(call("string_to_array", vec![marked, text(separator)]))
        }
        ("mod", [left, right]) => Some(Expr::Nested(Box::new(Expr::BinaryOp {
            left: Box::new(left.clone()),
            op: BinaryOperator::Modulo,
            right: Box::new(right.clone()),
        }))),
        ("string_to_table", arguments) => Some(call("string_to_array", arguments.to_vec())),
        _ => None,
    }
}

fn null() -> Expr {
    Expr::Value(Value::Null.into())
}

fn is_subquery(expr: &Expr) -> bool {
    match expr {
        Expr::Subquery(_) => true,
        Expr::Nested(inner) => is_subquery(inner),
        _ => false,
    }
}

fn quantified(prefix: &str, left: &mut Expr, op: &BinaryOperator, right: &mut Expr) -> Expr {
    Expr::BinaryOp {
        left: Box::new(std::mem::replace(left, null())),
        op: BinaryOperator::Custom(format!("{prefix}{op}")),
        right: Box::new(std::mem::replace(right, null())),
    }
}

/// `OPERATOR(public.<->)`: the operator that it names.
fn named_operator(parts: &[String]) -> Result<BinaryOperator> {
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
        "<->" | "<#>" | "<=>" | "<+>" => BinaryOperator::Custom(symbol.into()),
        _ => {
            let message = format!("operator does not exist: {symbol}");
            return Err(SqlError::new(SqlState::UNDEFINED_FUNCTION, message));
        }
    })
}

fn number(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(ValueWithSpan { value: Value::Number(text, _), .. }) => Some(text.clone()),
        _ => None,
    }
}

/// An integer literal with its type: `int4` where it fits, then `int8`, then `numeric`.
fn typed_number(value: Expr, digits: &str) -> Expr {
    let digits = digits.replace('_', "");
    let data_type = match digits.parse::<i64>() {
        Ok(number) if i32::try_from(number).is_ok() => DataType::Int4(None),
        Ok(_) => DataType::Int8(None),
        Err(_) => return value,
    };
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(value),
        data_type,
        array: false,
        format: None,
    }
}

/// Takes the type away where a number is a position or a count.
fn plain_number(expr: &mut Expr) {
    if let Expr::Cast { kind: CastKind::Cast, expr: inner, .. } = expr
        && number(inner).is_some()
    {
        *expr = std::mem::replace(inner.as_mut(), null());
    }
}

/// `FETCH FIRST n ROWS ONLY` is `LIMIT n`.
fn fetch_to_limit(query: &mut Query, fetch: Fetch) -> Result<()> {
    if fetch.with_ties || fetch.percent {
        return Err(SqlError::unsupported("FETCH ... WITH TIES is not supported"));
    }
    let one = || Expr::Value(Value::Number("1".into(), false).into());
    let count = fetch.quantity.unwrap_or_else(one);
    match &mut query.limit_clause {
        Some(LimitClause::LimitOffset { limit, .. }) => *limit = Some(count),
        Some(LimitClause::OffsetCommaLimit { .. }) => {}
        none @ None => {
            *none = Some(LimitClause::LimitOffset {
                limit: Some(count),
                offset: None::<Offset>,
                limit_by: Vec::new(),
            });
        }
    }
    Ok(())
}

pub(super) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let arguments = arguments
        .into_iter()
        .map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)))
        .collect();
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::with_quote('"', name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(sqlparser::ast::FunctionArgumentList {
            duplicate_treatment: None,
            args: arguments,
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn table_factor(factor: &mut TableFactor) -> Result<()> {
    let sampled = match factor {
        TableFactor::Table { sample, .. } | TableFactor::Derived { sample, .. } => sample.is_some(),
        _ => false,
    };
    if sampled {
        return Err(SqlError::unsupported("TABLESAMPLE is not supported"));
    }
    let name = match factor {
        TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
            name.0.last().and_then(|part| part.as_ident()).map(fold)
        }
        _ => return Ok(()),
    };
    match name.as_deref() {
        Some("vector_search") => vector_function::expand(factor),
        _ => Ok(()),
    }
}

/// Words that are functions without parentheses, where the parser takes them for columns.
fn is_session_word(ident: &Ident) -> bool {
    let words =
        ["current_role", "current_schema", "current_catalog", "localtime", "localtimestamp"];
    ident.quote_style.is_none() && words.iter().any(|word| ident.value.eq_ignore_ascii_case(word))
}

//! Passes over the syntax tree before DataFusion sees it: what DataFusion would plan with other
//! meaning than PostgreSQL, or silently ignore.
//!
//! - `FOR UPDATE`, `TABLESAMPLE` and the like are refused: ignoring them would be a lie.
//! - integer literals get PostgreSQL's type, `int4` where the value fits;
//! - columns get PostgreSQL's names;
//! - `x = ANY (array)` becomes an operator, so that one place resolves all operand types;
//! - `vector_search(...)` becomes the query that it abbreviates;
//! - set-returning functions get the column names that PostgreSQL gives them.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, Distinct, Expr, Fetch, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, LimitClause, ObjectName, Offset,
    OrderByKind, Query, Select, SelectItem, SetExpr, TableAlias, TableAliasColumnDef, TableFactor,
    UnaryOperator, Value, ValueWithSpan, VisitMut, VisitorMut,
};

use super::catalog_query;
use super::names::{fold, name_select_list};
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
        for item in &mut select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                    // The name comes from the function, so it is taken first.
                    if let Some(series) = series_in_select_list(expr) {
                        *item = series;
                    } else if let SelectItem::UnnamedExpr(Expr::Identifier(word)) = item
                        && is_session_word(word)
                    {
                        let alias = Ident::with_quote('"', word.value.to_lowercase());
                        let expr = Expr::Identifier(word.clone());
                        *item = SelectItem::ExprWithAlias { expr, alias };
                    }
                }
                _ => {}
            }
        }
        name_select_list(select);
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
            *expr = typed_number(value, &number);
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
        Expr::Collate { expr: inner, .. } => {
            let inner = std::mem::replace(inner.as_mut(), null());
            *expr = inner;
        }
        _ => {}
    }
    Ok(())
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

/// An integer literal with its type: `int4` where it fits, then `int8`, then `numeric`. The
/// sign is not part of the literal to PostgreSQL, so the type depends on the digits alone.
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

/// `SELECT generate_series(..)`: the function returns an array here, which `unnest` spreads.
fn series_in_select_list(expr: &Expr) -> Option<SelectItem> {
    let Expr::Function(function) = expr else { return None };
    let name = fold(function.name.0.last()?.as_ident()?);
    if name != "generate_series" || function.over.is_some() {
        return None;
    }
    let unnest = call("unnest", vec![expr.clone()]);
    Some(SelectItem::ExprWithAlias { expr: unnest, alias: Ident::with_quote('"', name) })
}

fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let arguments = arguments
        .into_iter()
        .map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)))
        .collect();
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
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
    let (name, ordinality) = match factor {
        TableFactor::Table { name, args: Some(_), with_ordinality, .. } => {
            (name.0.last().and_then(|part| part.as_ident()).map(fold), *with_ordinality)
        }
        TableFactor::Function { name, with_ordinality, .. } => {
            (name.0.last().and_then(|part| part.as_ident()).map(fold), *with_ordinality)
        }
        TableFactor::UNNEST { with_ordinality, .. } => (Some("unnest".into()), *with_ordinality),
        _ => return Ok(()),
    };
    if ordinality {
        return Err(SqlError::unsupported("WITH ORDINALITY is not supported"));
    }
    let Some(name) = name else { return Ok(()) };
    if name == "vector_search" {
        return vector_function::expand(factor);
    }
    name_function_column(factor, &name);
    Ok(())
}

/// A function in FROM that returns one column: the column has the alias's name, or the
/// function's.
fn name_function_column(factor: &mut TableFactor, function: &str) {
    if !matches!(function, "generate_series" | "unnest") {
        return;
    }
    let alias = match factor {
        TableFactor::Table { alias, .. }
        | TableFactor::Function { alias, .. }
        | TableFactor::UNNEST { alias, .. } => alias,
        _ => return,
    };
    let column = |name: &Ident| TableAliasColumnDef { name: name.clone(), data_type: None };
    match alias {
        Some(alias) if alias.columns.is_empty() => alias.columns = vec![column(&alias.name)],
        Some(_) => {}
        none @ None => {
            let name = Ident::new(function);
            let columns = vec![column(&name)];
            *none = Some(TableAlias { name, columns, explicit: true, at: None });
        }
    }
}

/// Words that are functions without parentheses, where the parser takes them for columns.
fn is_session_word(ident: &Ident) -> bool {
    let words =
        ["current_role", "current_schema", "current_catalog", "localtime", "localtimestamp"];
    ident.quote_style.is_none() && words.iter().any(|word| ident.value.eq_ignore_ascii_case(word))
}

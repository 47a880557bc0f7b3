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
    AccessExpr, BinaryOperator, CastKind, DataType, Distinct, Expr, Fetch, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, LimitClause, NamedWindowExpr,
    ObjectName, Offset, OrderByKind, Query, Select, SelectItem, SetExpr, Subscript, TableFactor,
    UnaryOperator, Value, ValueWithSpan, VisitMut, VisitorMut,
};

use super::call_checks;
use super::cast_call::cast_call;
use super::catalog_query;
use super::expanded_arrays;
use super::function_calls::{
    interval_text, is_float, other_function, prefix_function, seconds_digits,
};
use super::names::{fold, name_select_list};
use super::operator_names::named_operator;
use super::pattern_forms::{powers_of_negatives, rewrite_pattern};
use super::quantified_queries::{always_a_row, any_of_query, opposite};
use super::row_values::{
    check_width, columns, compare_rows, compares, each_column, logical, negation, row_in, rows,
    rows_in_where,
};
use super::set_operations::count_rows;
use super::set_returning::{functions_in_from, spread_select_list};
use super::system_columns;
use super::values_rows;
use super::vector_function;
use super::window_frames::{plain_bounds, plain_frame};
use crate::base::{Result, SqlError, SqlState};
use crate::plan::{IS_JSON, IS_NOT_JSON};

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
    let mut pass = Pass::default();
    match node.visit(&mut pass) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// One walk over a statement's tree.
#[derive(Default)]
struct Pass {
    /// The names of WITH that were met.
    with: Vec<String>,
}

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
            let message = format!("{lock} in a subquery is not supported");
            let hint = "An UPDATE or DELETE may find its own table's rows so.";
            return ControlFlow::Break(SqlError::unsupported(message).with_hint(hint));
        }
        let with = query.with.iter().flat_map(|with| &with.cte_tables);
        self.with.extend(with.map(|table| fold(&table.alias.name)));
        if query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
            || !query.pipe_operators.is_empty()
        {
            return refuse("this form of query is not supported");
        }
        if let Err(error) = count_rows(query).and_then(|()| values_rows::rewrite(query)) {
            return ControlFlow::Break(error);
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
            Some(LimitClause::OffsetCommaLimit { .. }) => {
                let error =
                    SqlError::new(SqlState::SYNTAX_ERROR, "LIMIT #,# syntax is not supported")
                        .with_hint("Use separate LIMIT and OFFSET clauses.");
                return ControlFlow::Break(error);
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
        catalog_query::rewrite_select(select);
        expanded_arrays::rewrite_select(select);
        if let Err(error) = functions_in_from(select).and_then(|()| rows_in_where(select)) {
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
        super::named_windows::write_out(select);
        // The name comes from the function, so it is taken first.
        spread_select_list(select);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        system_columns::rewrite_select(select, &self.with);
        for window in &mut select.named_window {
            if let NamedWindowExpr::WindowSpec(spec) = &mut window.1
                && let Err(error) = plain_bounds(spec)
            {
                return ControlFlow::Break(error);
            }
        }
        if let GroupByExpr::Expressions(exprs, _) = &mut select.group_by {
            exprs.iter_mut().for_each(plain_number);
            let of_columns = select.projection.iter().all(|item| {
                matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. })
            });
            let beyond = |expr: &Expr| {
                let position = number(expr)?.parse().ok()?;
                (!(1..=select.projection.len()).contains(&position)).then_some(position)
            };
            if let Some(position) = exprs.iter().find_map(beyond).filter(|_| of_columns) {
                let message = format!("GROUP BY position {position} is not in select list");
                let error = SqlError::new(SqlState::INVALID_COLUMN_REFERENCE, message);
                return ControlFlow::Break(error);
            }
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
        powers_of_negatives(expr);
        if let Expr::Cast { expr: operand, .. } = expr
            && matches!(operand.as_ref(), Expr::Array(array) if array.elem.is_empty())
        {
            **operand = Expr::Value(Value::SingleQuotedString("{}".into()).into());
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
    rewrite_pattern(expr)?;
    check_width(expr)?;
    if let Some(row) = row_in(expr, false)? {
        *expr = row;
        return Ok(());
    }
    match expr {
        Expr::Value(ValueWithSpan { value: Value::Number(text, _), .. }) => {
            let text = text.clone();
            if beyond_decimals(&text) {
                *expr = Expr::Cast {
                    kind: CastKind::Cast,
                    expr: Box::new(Expr::Value(Value::SingleQuotedString(text).into())),
                    data_type: DataType::Float8,
                    array: false,
                    format: None,
                };
            } else if !text.starts_with('-') {
                let value = std::mem::replace(expr, null());
                *expr = typed_number(value, &text);
            }
        }
        Expr::Value(ValueWithSpan {
            value: Value::SingleQuotedByteStringLiteral(digits), ..
        }) => {
            *expr = bit_literal(format!("b{digits}"));
        }
        Expr::Value(ValueWithSpan { value: Value::HexStringLiteral(digits), .. }) => {
            *expr = bit_literal(format!("x{digits}"));
        }
        Expr::UnaryOp { op: UnaryOperator::BitwiseNot, expr: operand } => {
            let operand = std::mem::replace(operand.as_mut(), null());
            *expr = call("redkite_bitwise_not", vec![operand]);
        }
        Expr::UnaryOp { op, expr: operand } if prefix_function(*op).is_some() => {
            let operand = std::mem::replace(operand.as_mut(), null());
            *expr = call(prefix_function(*op).unwrap_or_default(), vec![operand]);
        }
        Expr::Identifier(word) if is_session_word(word) => {
            *expr = call(&word.value.to_lowercase(), Vec::new());
        }
        Expr::AtTimeZone { timestamp, time_zone } => {
            let (time, zone) = (timestamp.as_ref().clone(), time_zone.as_ref().clone());
            *expr = call("timezone", vec![zone, time]);
        }
        Expr::BinaryOp { left, op, right } if rows(left, right) && compares(op) => {
            if let Some(compared) = compare_rows(left, op, right) {
                *expr = compared;
            }
        }
        Expr::InList { expr: row, list, negated } if list.iter().all(|item| rows(row, item)) => {
            let equal = |item: &Expr| compare_rows(row, &BinaryOperator::Eq, item);
            if let Some(all) = list.iter().map(equal).collect::<Option<Vec<_>>>()
                && let Some(any) = all.into_iter().reduce(|a, b| logical(a, BinaryOperator::Or, b))
            {
                *expr = match *negated {
                    true => negation(any),
                    false => any,
                };
            }
        }
        Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } if is_subquery(right) => {
            *expr = in_subquery(left, right, false);
        }
        Expr::AllOp { left, compare_op: BinaryOperator::NotEq, right } if is_subquery(right) => {
            *expr = in_subquery(left, right, true);
        }
        Expr::AnyOp { left, compare_op, right, .. } if is_subquery(right) => {
            if let Some(any) = any_of_query(left, compare_op, right)? {
                *expr = any;
            }
        }
        Expr::AllOp { left, compare_op, right } if is_subquery(right) => {
            if let Some(opposite) = opposite(compare_op)
                && let Some(any) = any_of_query(left, &opposite, right)?
            {
                *expr = negation(any);
            }
        }
        Expr::Exists { subquery, negated } if always_a_row(subquery) => {
            *expr = Expr::Value(Value::Boolean(!*negated).into());
        }
        Expr::IsNull(row) if columns(row).is_some() => {
            *expr = each_column(row, |column| Expr::IsNull(Box::new(column)));
        }
        Expr::IsNotNull(row) if columns(row).is_some() => {
            *expr = each_column(row, |column| Expr::IsNotNull(Box::new(column)));
        }
        Expr::AnyOp { left, compare_op, right, .. } if !is_subquery(right) => {
            *expr = quantified(ANY, left, compare_op, right);
        }
        Expr::AllOp { left, compare_op, right } if !is_subquery(right) => {
            *expr = quantified(ALL, left, compare_op, right);
        }
        _ => return rewrite_rest(expr),
    }
    Ok(())
}

/// The rest of [`rewrite_one`].
fn rewrite_rest(expr: &mut Expr) -> Result<()> {
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::Custom(op), right }
            if matches!(op.as_str(), IS_JSON | IS_NOT_JSON) =>
        {
            let negated = op == IS_NOT_JSON;
            let (left, right) = (left.as_ref().clone(), right.as_ref().clone());
            let is = call("redkite_is_json", vec![left, right]);
            *expr = if negated { negation(is) } else { is };
        }
        Expr::BinaryOp { op, .. } => {
            if let BinaryOperator::PGCustomBinaryOperator(parts) = op {
                *op = named_operator(parts)?;
            }
        }
        Expr::Cast {
            kind: CastKind::Cast | CastKind::DoubleColon, expr: inner, data_type, ..
        } if seconds_digits(data_type).is_some() => {
            if let Some((plain, digits)) = seconds_digits(data_type)
                && let Some(cast) = cast_call(inner, &plain)
            {
                let value = Expr::Value(Value::Number(digits.to_string(), false).into());
                let digits = typed_number(value, &digits.to_string());
                *expr = call("redkite_precision", vec![cast, digits]);
            }
        }
        Expr::Cast {
            kind: CastKind::Cast | CastKind::DoubleColon, expr: inner, data_type, ..
        } if !is_literal(inner) || crate::plan::data_type_of(data_type).is_err() => {
            if let Some(cast) = cast_call(inner, data_type) {
                *expr = cast;
            }
        }
        Expr::Function(function) => {
            call_checks::check(function)?;
            plain_frame(function)?;
            if let Some(other) = other_function(function) {
                *expr = other;
            }
        }
        Expr::CompoundFieldAccess { root, access_chain } => {
            if let [
                AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, stride: None }),
            ] = access_chain.as_slice()
            {
                let end = |bound: &Option<Expr>, otherwise: i32| {
                    bound.clone().unwrap_or_else(|| {
                        let digits = otherwise.to_string();
                        let value = Expr::Value(Value::Number(digits.clone(), false).into());
                        typed_number(value, &digits)
                    })
                };
                let bounds = [end(lower_bound, 1), end(upper_bound, i32::MAX)];
                let [from, to] = bounds;
                *expr = call("redkite_slice", vec![root.as_ref().clone(), from, to]);
            }
        }
        Expr::Array(array) if array.elem.is_empty() => {
            let message = "cannot determine type of empty array";
            return Err(SqlError::new(SqlState::INDETERMINATE_DATATYPE, message).with_hint(
                "Explicitly cast to the desired type, for example ARRAY[]::integer[].",
            ));
        }
        Expr::Array(array) => values_rows::array_of_times(array),
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

/// A string literal's text.
pub(super) fn string(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) => {
            Some(text.clone())
        }
        _ => None,
    }
}

/// `x = ANY (subquery)` is `x IN (subquery)`.
fn in_subquery(left: &Expr, right: &Expr, negated: bool) -> Expr {
    let mut query = right;
    while let Expr::Nested(inner) = query {
        query = inner;
    }
    match query {
        Expr::Subquery(subquery) => {
            Expr::InSubquery { expr: Box::new(left.clone()), subquery: subquery.clone(), negated }
        }
        _ => left.clone(),
    }
}

pub(super) fn null() -> Expr {
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

/// `B'101'` and `X'1F'`: a bit string of as many bits as are written.
fn bit_literal(text: String) -> Expr {
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(Expr::Value(Value::SingleQuotedString(text).into())),
        // Quoted, since BIT is of one bit.
        data_type: DataType::Custom(
            ObjectName::from(vec![Ident::with_quote('"', "bit")]),
            Vec::new(),
        ),
        array: false,
        format: None,
    }
}

/// Whether a number's exponent is larger than decimals have places.
fn beyond_decimals(text: &str) -> bool {
    const EXPONENT_MAX: i32 = 30;
    let exponent = text.split_once(['e', 'E']).and_then(|(_, exponent)| exponent.parse().ok());
    exponent.is_some_and(|exponent: i32| exponent.abs() > EXPONENT_MAX)
}

/// Takes the type away where a number is a position or a count.
pub(super) fn plain_number(expr: &mut Expr) {
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
pub(crate) fn is_session_word(ident: &Ident) -> bool {
    let words =
        ["current_role", "current_schema", "current_catalog", "localtime", "localtimestamp"];
    ident.quote_style.is_none() && words.iter().any(|word| ident.value.eq_ignore_ascii_case(word))
}

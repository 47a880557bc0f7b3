//! `VALUES`: columns whose values are of several types, and rows with parameters. DataFusion evaluates the rows of VALUES when it plans, before the
//! parameters have values: such rows become arrays, a column each, that are taken apart.
//!
//! `VALUES ($1, 1), ($2, 2)` is `SELECT unnest(ARRAY[$1, $2]) AS column1, unnest(ARRAY[1, 2]) AS
//! column2`.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Array, ArrayElemTypeDef, CastKind, DataType, ExactNumberInfo, Expr, Ident, Query, SelectItem,
    SetExpr, UnaryOperator, Value, Values, visit_expressions,
};

use super::function_calls::is_float;
use super::rewrite::call;
use crate::base::{Result, SqlError, SqlState};

/// Rewrites a query that is VALUES: with parameters, or with columns of several types.
pub(super) fn rewrite(query: &mut Query) -> Result<()> {
    let SetExpr::Values(values) = query.body.as_mut() else { return Ok(()) };
    let width = values.rows.first().map_or(0, |row| row.content.len());
    if values.rows.iter().any(|row| row.content.len() != width) {
        let message = "VALUES lists must all be the same length";
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
    }
    if width == 0 {
        return Ok(());
    }
    if !has_parameters(values) {
        (0..width).for_each(|at| one_type(values, at));
        return Ok(());
    }
    let mut shape = crate::plan::parse_query("SELECT 1")?.ast;
    if let SetExpr::Select(select) = shape.body.as_mut() {
        let item = |at: usize| {
            let elem = values.rows.iter().map(|row| row.content[at].clone()).collect();
            let array = Expr::Array(Array { elem, named: true });
            let alias = Ident::with_quote('"', format!("column{}", at + 1));
            SelectItem::ExprWithAlias { expr: call("unnest", vec![array]), alias }
        };
        select.projection = (0..width).map(item).collect();
    }
    query.body = shape.body;
    Ok(())
}

/// Constants of a column take the type of those that have one; DataFusion would look at the first alone.
fn one_type(values: &mut Values, at: usize) {
    let mut cells: Vec<&mut Expr> =
        values.rows.iter_mut().map(|row| &mut row.content[at]).collect();
    if let Some(common) = common_type(&cells) {
        take(&mut cells, &common);
    }
}

/// Constants of an array take the type of the dates, times and intervals among them.
pub(super) fn array_of_times(array: &mut Array) {
    let mut cells: Vec<&mut Expr> = array.elem.iter_mut().collect();
    let is_time = |ty: &DataType| {
        matches!(
            ty,
            DataType::Date
                | DataType::Time(..)
                | DataType::Timestamp(..)
                | DataType::Interval { .. }
        )
    };
    if let Some(common) = common_type(&cells).filter(is_time) {
        take(&mut cells, &common);
    }
}

/// The type that the constants among cells take.
fn common_type(cells: &[&mut Expr]) -> Option<DataType> {
    let mut told = cells.iter().filter_map(|cell| written_type(cell));
    let first = told.next()?;
    let Known::Type(common) = told.fold(first, |common, known| common.with(&known)) else {
        return None;
    };
    (!is_numeric(&common) || cells.iter().all(|cell| keeps_digits(cell))).then_some(common)
}

fn take(cells: &mut [&mut Expr], common: &DataType) {
    for cell in cells {
        let taken = written_type(cell) == Some(Known::Type(common.clone()));
        if taken || !is_constant(cell) {
            continue;
        }
        let data_type = common.clone();
        let expr = Box::new(std::mem::replace(*cell, Expr::Value(Value::Null.into())));
        let kind = CastKind::Cast;
        **cell = Expr::Cast { kind, expr, data_type, array: false, format: None };
    }
}

/// What a value's text says of its type.
#[derive(Clone, PartialEq)]
enum Known {
    /// A whole number.
    Whole,
    /// The type that a cast names, or that a constant has.
    Type(DataType),
}

impl Known {
    /// The type that values of both have in common, as far as their texts tell.
    fn with(self, other: &Self) -> Self {
        match (&self, other) {
            (Self::Whole, Self::Type(_)) => other.clone(),
            (Self::Type(ty), Self::Type(float)) if is_numeric(ty) && is_float(float) => {
                other.clone()
            }
            _ => self,
        }
    }
}

/// Whether a number without precision keeps all digits of a constant.
fn keeps_digits(cell: &Expr) -> bool {
    match cell {
        Expr::Nested(inner) | Expr::UnaryOp { expr: inner, .. } => keeps_digits(inner),
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => {
                let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
                whole.len() <= 28 && fraction.len() <= 10 && !digits.contains(['e', 'E'])
            }
            _ => true,
        },
        _ => true,
    }
}

fn is_numeric(ty: &DataType) -> bool {
    matches!(ty, DataType::Numeric(ExactNumberInfo::None))
}

fn written_type(cell: &Expr) -> Option<Known> {
    match cell {
        Expr::Cast { data_type, .. } => Some(Known::Type(data_type.clone())),
        Expr::TypedString(typed) => Some(Known::Type(typed.data_type.clone())),
        Expr::Interval(_) => {
            Some(Known::Type(DataType::Interval { fields: None, precision: None }))
        }
        Expr::Nested(inner) => written_type(inner),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => written_type(expr),
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(Known::Whole)
            }
            Value::Number(..) => Some(Known::Type(DataType::Numeric(ExactNumberInfo::None))),
            _ => None,
        },
        Expr::Array(array) => match written_type(array.elem.first()?)? {
            Known::Whole => Some(Known::Type(array_of(DataType::Int4(None)))),
            Known::Type(of) => Some(Known::Type(array_of(of))),
        },
        _ => None,
    }
}

fn array_of(element: DataType) -> DataType {
    DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(element), None))
}

/// Whether a value is a number, a string or NULL, whose type may be told.
fn is_constant(cell: &Expr) -> bool {
    match cell {
        Expr::Nested(inner) | Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } => {
            is_constant(inner)
        }
        Expr::Value(value) => {
            matches!(value.value, Value::Number(..) | Value::SingleQuotedString(_) | Value::Null)
        }
        _ => false,
    }
}

fn has_parameters(values: &Values) -> bool {
    let found = visit_expressions(values, |expr| match expr {
        Expr::Value(value) if matches!(value.value, Value::Placeholder(_)) => {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

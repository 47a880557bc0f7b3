//! Rows as values: `(a, b) = (c, d)`, `(a, b) < (c, d)`, `(a, b) IN ((c, d), ..)`,
//! `(a, b) IN (SELECT ..)`.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Query, Select,
    SelectItem, SetExpr, TableFactor, UnaryOperator, Value, VisitMut, VisitorMut,
};

use super::names::fold;
use crate::base::{Result, SqlError, SqlState};

/// Whether both are rows of the same width.
pub(super) fn rows(left: &Expr, right: &Expr) -> bool {
    matches!(
        (columns(left), columns(right)),
        (Some(left), Some(right)) if left.len() == right.len() && !left.is_empty()
    )
}

/// The columns of `(a, b)` and `ROW(a, b)`.
pub(super) fn columns(expr: &Expr) -> Option<Vec<Expr>> {
    match expr {
        Expr::Tuple(columns) => Some(columns.clone()),
        Expr::Function(function) => {
            let name = fold(function.name.0.last()?.as_ident()?);
            let FunctionArguments::List(list) = &function.args else { return None };
            let column = |argument: &FunctionArg| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
                _ => None,
            };
            (name == "row").then(|| list.args.iter().map(column).collect())?
        }
        _ => None,
    }
}

/// Whether an operator compares.
pub(super) fn compares(op: &BinaryOperator) -> bool {
    use BinaryOperator as Op;
    matches!(op, Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq)
}

/// Two conditions as one.
pub(super) fn logical(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    let whole = Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) };
    Expr::Nested(Box::new(whole))
}

/// The opposite of a condition.
pub(super) fn negation(expr: Expr) -> Expr {
    Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(Expr::Nested(Box::new(expr))) }
}

/// Rows compare column by column; the first pair that differs decides.
pub(super) fn compare_rows(left: &Expr, op: &BinaryOperator, right: &Expr) -> Option<Expr> {
    use BinaryOperator as Op;
    let pairs: Vec<(Expr, Expr)> = columns(left)?.into_iter().zip(columns(right)?).collect();
    let pair = |(l, r): &(Expr, Expr), op: Op| logical(l.clone(), op, r.clone());
    let equal = || pairs.iter().map(|p| pair(p, Op::Eq)).reduce(|a, b| logical(a, Op::And, b));
    match op {
        Op::Eq => equal(),
        Op::NotEq => equal().map(negation),
        order => {
            let strict = match order {
                Op::Lt | Op::LtEq => Op::Lt,
                _ => Op::Gt,
            };
            let (last, before) = pairs.split_last()?;
            let last = pair(last, order.clone());
            Some(before.iter().rev().fold(last, |rest, p| {
                let tie = logical(pair(p, Op::Eq), Op::And, rest);
                logical(pair(p, strict.clone()), Op::Or, tie)
            }))
        }
    }
}

/// A condition that all columns of a row must meet.
pub(super) fn each_column(row: &Expr, condition: impl Fn(Expr) -> Expr) -> Expr {
    let conditions = columns(row).unwrap_or_default().into_iter().map(condition);
    let all = conditions.reduce(|a, b| logical(a, BinaryOperator::And, b));
    all.unwrap_or_else(|| Expr::Value(Value::Boolean(true).into()))
}

/// Names of the subquery's columns, and of what compares them, that nobody writes.
const ROW: &str = "row\u{1}";
const EQUAL: &str = "equal\u{1}";

/// Looks whether a subquery has as many columns as what is looked for in it.
///
/// # Errors
/// 42601.
pub(super) fn check_width(expr: &Expr) -> Result<()> {
    let Expr::InSubquery { expr: row, subquery, .. } = expr else { return Ok(()) };
    let SetExpr::Select(select) = subquery.body.as_ref() else { return Ok(()) };
    let plain = |item: &SelectItem| {
        matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. })
    };
    if !select.projection.iter().all(plain) {
        return Ok(());
    }
    let wanted = columns(row).map_or(1, |columns| columns.len());
    let message = match select.projection.len().cmp(&wanted) {
        Ordering::Equal => return Ok(()),
        Ordering::Greater => "subquery has too many columns",
        Ordering::Less => "subquery has too few columns",
    };
    Err(SqlError::new(SqlState::SYNTAX_ERROR, message))
}

/// `(a, b) IN (subquery)`, as a question that subqueries of one column answer. `holds`: only
/// whether it is true counts, as in WHERE.
pub(super) fn row_in(expr: &Expr, holds: bool) -> Result<Option<Expr>> {
    let Expr::InSubquery { expr: row, subquery, negated } = expr else { return Ok(None) };
    let Some(row) = columns(row) else { return Ok(None) };
    check_width(expr)?;
    if holds && *negated {
        return Ok(None);
    }
    let name = |at: usize| format!("{ROW}{at}");
    let names: Vec<String> = (0..row.len()).map(|at| format!("\"{}\"", name(at))).collect();
    let (equal, from) =
        (format!("\"{EQUAL}\""), format!("FROM (SELECT 1) AS \"{ROW}\" ({})", names.join(", ")));
    let text = match holds {
        true => format!("EXISTS (SELECT 1 {from} WHERE {equal})"),
        false => format!(
            "(SELECT CASE WHEN count(CASE WHEN {equal} THEN 1 END) > 0 THEN true \
             WHEN count(CASE WHEN {equal} IS NULL THEN 1 END) > 0 THEN NULL ELSE false END {from})"
        ),
    };
    let column = |at: usize| {
        let quoted = |name: &str| Ident::with_quote('"', name);
        Expr::CompoundIdentifier(vec![quoted(ROW), quoted(&name(at))])
    };
    let pairs = row.into_iter().enumerate();
    let pairs = pairs.map(|(at, value)| logical(column(at), BinaryOperator::Eq, value));
    let Some(equal) = pairs.reduce(|a, b| logical(a, BinaryOperator::And, b)) else {
        return Ok(None);
    };
    let made = filled(&text, EQUAL, &equal, subquery)?;
    Ok(Some(if *negated { negation(made) } else { made }))
}

/// `(a, b) IN (subquery)` of a WHERE, where an unknown answer is as good as none.
pub(super) fn rows_in_where(select: &mut Select) -> Result<()> {
    let mut parts: Vec<&mut Expr> = select.selection.iter_mut().collect();
    while let Some(part) = parts.pop() {
        match part {
            Expr::Nested(inner) => parts.push(inner),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                parts.extend([left.as_mut(), right.as_mut()]);
            }
            other => {
                if let Some(row) = row_in(other, true)? {
                    *other = row;
                }
            }
        }
    }
    Ok(())
}

/// An expression with a subquery in the place of its derived table, and a condition in that of a name.
pub(super) fn filled(text: &str, name: &str, condition: &Expr, subquery: &Query) -> Result<Expr> {
    let mut made = *crate::plan::parse_expression(text)?.ast;
    let subquery = Some(Box::new(subquery.clone()));
    let _ = made.visit(&mut Filled { name, condition, subquery });
    Ok(made)
}

/// Puts the condition and the subquery in their places.
struct Filled<'a> {
    name: &'a str,
    condition: &'a Expr,
    subquery: Option<Box<Query>>,
}

impl VisitorMut for Filled<'_> {
    type Break = ();

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Derived { subquery, .. } = factor
            && let Some(rows) = self.subquery.take()
        {
            *subquery = rows;
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if matches!(expr, Expr::Identifier(name) if name.value == self.name) {
            *expr = self.condition.clone();
        }
        ControlFlow::Continue(())
    }
}

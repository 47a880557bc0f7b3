//! Rows as values: `(a, b) = (c, d)`, `(a, b) < (c, d)`, `(a, b) IN ((c, d), ..)`.

use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator,
};

use super::names::fold;

/// Whether both are rows of the same width.
pub(super) fn rows(left: &Expr, right: &Expr) -> bool {
    matches!(
        (columns(left), columns(right)),
        (Some(left), Some(right)) if left.len() == right.len() && !left.is_empty()
    )
}

/// The columns of `(a, b)` and `ROW(a, b)`.
fn columns(expr: &Expr) -> Option<Vec<Expr>> {
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

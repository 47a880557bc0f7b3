//! `a IS DISTINCT FROM b OR c`: sqlparser reads all that follows FROM as the right operand, whatever binds
//! looser than IS included. The row of `AND` and `OR` that it makes has the right order, so the tree is made
//! again from that, by what binds tighter.

use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value, VisitMut, VisitorMut};

/// Sets all of them within a tree right.
pub(super) fn set_right(tree: &mut impl VisitMut) {
    let _ = tree.visit(&mut Pass);
}

struct Pass;

impl VisitorMut for Pass {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if has_swallowed(expr) {
            let whole = std::mem::replace(expr, Expr::value(Value::Null));
            *expr = read_again(row_of(whole));
        }
        ControlFlow::Continue(())
    }
}

fn is_logical(op: &BinaryOperator) -> bool {
    matches!(op, BinaryOperator::And | BinaryOperator::Or)
}

/// Whether what ends an expression is such a comparison with too much to its right.
fn has_swallowed(expr: &Expr) -> bool {
    let mut last = expr;
    loop {
        last = match last {
            Expr::BinaryOp { op, right, .. } if is_logical(op) => right,
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => expr,
            Expr::IsDistinctFrom(_, right) | Expr::IsNotDistinctFrom(_, right) => match &**right {
                Expr::BinaryOp { op, .. } if is_logical(op) => return true,
                right => right,
            },
            _ => return false,
        };
    }
}

/// Operands, and the operators between them.
struct Row {
    operands: Vec<Expr>,
    operators: Vec<BinaryOperator>,
}

/// The row that a tree was read from.
fn row_of(expr: Expr) -> Row {
    match expr {
        Expr::BinaryOp { left, op, right } if is_logical(&op) => {
            let (mut row, rest) = (row_of(*left), row_of(*right));
            row.operands.extend(rest.operands);
            row.operators.push(op);
            row.operators.extend(rest.operators);
            row
        }
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => with_first(row_of(*expr), |first| {
            Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(first) }
        }),
        Expr::IsDistinctFrom(left, right) => {
            with_first(row_of(*right), |first| Expr::IsDistinctFrom(left, Box::new(first)))
        }
        Expr::IsNotDistinctFrom(left, right) => {
            with_first(row_of(*right), |first| Expr::IsNotDistinctFrom(left, Box::new(first)))
        }
        other => Row { operands: vec![other], operators: Vec::new() },
    }
}

fn with_first(mut row: Row, make: impl FnOnce(Expr) -> Expr) -> Row {
    if let Some(first) = row.operands.first_mut() {
        let operand = std::mem::replace(first, Expr::value(Value::Null));
        *first = make(operand);
    }
    row
}

/// The tree of a row: `AND` binds tighter.
fn read_again(row: Row) -> Expr {
    let mut operands = row.operands.into_iter();
    let mut all: Vec<Expr> = operands.next().into_iter().collect();
    for (op, operand) in row.operators.into_iter().zip(operands) {
        match (op, all.pop()) {
            (BinaryOperator::And, Some(left)) => {
                all.push(joined(left, BinaryOperator::And, operand))
            }
            (_, left) => {
                all.extend(left);
                all.push(operand);
            }
        }
    }
    let whole = all.into_iter().reduce(|left, right| joined(left, BinaryOperator::Or, right));
    whole.unwrap_or_else(|| Expr::value(Value::Null))
}

fn joined(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

#[cfg(test)]
mod tests {
    /// What binds looser than IS is not part of its right side.
    #[test]
    fn looser_operators_are_no_operands() {
        let cases = [
            ("a IS DISTINCT FROM b OR c", "(a IS DISTINCT FROM b) OR c"),
            ("x AND a IS NOT DISTINCT FROM b OR c", "(x AND (a IS NOT DISTINCT FROM b)) OR c"),
            ("a IS DISTINCT FROM b AND c OR d", "((a IS DISTINCT FROM b) AND c) OR d"),
            ("NOT a IS DISTINCT FROM b AND c", "(NOT (a IS DISTINCT FROM b)) AND c"),
            ("a IS DISTINCT FROM (b OR c)", "a IS DISTINCT FROM ((b OR c))"),
        ];
        for (sql, meant) in cases {
            let tree = |sql: &str| {
                let text = crate::plan::parse_expression(sql).unwrap().ast.to_string();
                text.replace(['(', ')'], "")
            };
            let shape = |sql: &str| depth_first(&crate::plan::parse_expression(sql).unwrap().ast);
            assert_eq!(tree(sql), tree(meant), "{sql}");
            assert_eq!(shape(sql), shape(meant), "{sql}");
        }
    }

    /// The tree's operators in the order of evaluation, parentheses left out.
    fn depth_first(expr: &sqlparser::ast::Expr) -> String {
        use sqlparser::ast::Expr;
        match expr {
            Expr::Nested(inner) => depth_first(inner),
            Expr::BinaryOp { left, op, right } => {
                format!("({} {op} {})", depth_first(left), depth_first(right))
            }
            Expr::UnaryOp { op, expr } => format!("({op} {})", depth_first(expr)),
            Expr::IsDistinctFrom(left, right) => {
                format!("({} <> {})", depth_first(left), depth_first(right))
            }
            Expr::IsNotDistinctFrom(left, right) => {
                format!("({} = {})", depth_first(left), depth_first(right))
            }
            other => other.to_string(),
        }
    }
}

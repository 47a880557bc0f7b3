//! Makes long rows of `AND` or `OR` shallow. sqlparser's tree of `a OR b OR c ..` is as deep as
//! the row is long, and cloning, printing or dropping it recurses as deep; ORMs write rows of a
//! thousand. Both operators are associative, so a balanced tree in the same order means the same.

use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, Value, VisitMut, VisitorMut};

/// Balances all rows within a tree.
pub(super) fn balance(tree: &mut impl VisitMut) {
    let _ = tree.visit(&mut Balance);
}

struct Balance;

impl VisitorMut for Balance {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::BinaryOp { left, op, .. } = expr else { return ControlFlow::Continue(()) };
        let chained = matches!(op, BinaryOperator::And | BinaryOperator::Or)
            && matches!(&**left, Expr::BinaryOp { op: inner, .. } if inner == op);
        if chained {
            let op = op.clone();
            let operands = take_operands(expr, &op);
            *expr = tree_of(operands, &op);
        }
        ControlFlow::Continue(())
    }
}

/// The operands of a row, from the left; the tree is taken apart without recursion.
fn take_operands(expr: &mut Expr, row: &BinaryOperator) -> Vec<Expr> {
    let mut operands = Vec::new();
    let mut rest = std::mem::replace(expr, Expr::value(Value::Null));
    loop {
        match rest {
            Expr::BinaryOp { left, op, right } if op == *row => {
                operands.push(*right);
                rest = *left;
            }
            first => {
                operands.push(first);
                break;
            }
        }
    }
    operands.reverse();
    operands
}

/// A tree of operands as shallow as can be, in their order.
fn tree_of(mut operands: Vec<Expr>, op: &BinaryOperator) -> Expr {
    while operands.len() > 1 {
        let mut pairs = Vec::with_capacity(operands.len().div_ceil(2));
        let mut each = operands.into_iter();
        while let Some(left) = each.next() {
            pairs.push(match each.next() {
                Some(right) => {
                    Expr::BinaryOp { left: Box::new(left), op: op.clone(), right: Box::new(right) }
                }
                None => left,
            });
        }
        operands = pairs;
    }
    operands.pop().unwrap_or_else(|| Expr::value(Value::Null))
}

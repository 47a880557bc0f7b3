//! Joins. DataFusion reads the left input first and keeps it; PostgreSQL calls that one the inner
//! side and shows it last, so left and right change places here.

use std::sync::Arc;

use datafusion::common::JoinType;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};

use super::cost::Estimate;
use super::expression::{condition, sql};
use super::node::Node;

type Pair = (Arc<dyn PhysicalExpr>, Arc<dyn PhysicalExpr>);

/// A join's node over those of its left and right inputs.
pub(super) fn node(plan: &dyn ExecutionPlan, left: Node, right: Node) -> Node {
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        let on: Vec<Pair> = join.on().iter().map(|(left, right)| swapped(left, right)).collect();
        let join_type = join.join_type().swap();
        let rows = rows(join_type, &right, &left);
        let build = left.estimate;
        let estimate = Estimate::join(right.estimate, build, rows);
        let mut hash = Node::over("Hash", build, Vec::new());
        hash.actual = left.actual;
        hash.children.push(left);
        let node = Node::over("Hash Join", estimate, vec![right, hash]);
        return finish(node, join_type, "Hash", &on, join.filter());
    }
    if let Some(join) = plan.downcast_ref::<SortMergeJoinExec>() {
        let on: Vec<Pair> = join.on().to_vec();
        let join_type = join.join_type();
        let estimate =
            Estimate::join(left.estimate, right.estimate, rows(join_type, &left, &right));
        let node = Node::over("Merge Join", estimate, vec![left, right]);
        return finish(node, join_type, "Merge", &on, join.filter().as_ref());
    }
    let (join_type, filter) = match plan.downcast_ref::<NestedLoopJoinExec>() {
        Some(join) => (join.join_type().swap(), join.filter()),
        None => (JoinType::Inner, None),
    };
    let estimate = Estimate::nested(right.estimate, left.estimate, filter.is_some());
    let node = Node::over("Nested Loop", estimate, vec![right, left]);
    finish(node, join_type, "", &[], filter)
}

fn swapped(left: &Arc<dyn PhysicalExpr>, right: &Arc<dyn PhysicalExpr>) -> Pair {
    (Arc::clone(right), Arc::clone(left))
}

fn finish(
    mut node: Node,
    join_type: JoinType,
    method: &str,
    on: &[Pair],
    filter: Option<&JoinFilter>,
) -> Node {
    let name = type_name(join_type);
    node.title = match (method, join_type) {
        ("", JoinType::Inner) => "Nested Loop".to_owned(),
        ("", _) => format!("Nested Loop {name} Join"),
        (method, JoinType::Inner) => format!("{method} Join"),
        (method, _) => format!("{method} {name} Join"),
    };
    node = node.is("Join Type", name);
    if !on.is_empty() {
        let parts: Vec<String> =
            on.iter().map(|(outer, inner)| format!("({} = {})", sql(outer), sql(inner))).collect();
        let text = match parts.as_slice() {
            [one] => one.clone(),
            _ => format!("({})", parts.join(" AND ")),
        };
        let label = if method == "Merge" { "Merge Cond" } else { "Hash Cond" };
        node = node.with(label, text);
    }
    match filter {
        Some(filter) => node.with("Join Filter", condition(filter.expression())),
        None => node,
    }
}

fn rows(join_type: JoinType, outer: &Node, inner: &Node) -> f64 {
    let (outer, inner) = (outer.estimate.rows, inner.estimate.rows);
    match join_type {
        JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => outer,
        JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => inner,
        _ => outer.max(inner),
    }
}

/// PostgreSQL's name; of mark joins, which it has not, ours.
fn type_name(join_type: JoinType) -> &'static str {
    match join_type {
        JoinType::Inner => "Inner",
        JoinType::Left => "Left",
        JoinType::Right => "Right",
        JoinType::Full => "Full",
        JoinType::LeftSemi => "Semi",
        JoinType::RightSemi => "Right Semi",
        JoinType::LeftAnti => "Anti",
        JoinType::RightAnti => "Right Anti",
        _ => "Mark",
    }
}

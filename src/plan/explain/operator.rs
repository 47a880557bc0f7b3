//! Operators as nodes.

use std::sync::Arc;

use datafusion::physical_expr::PhysicalSortExpr;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::scalar_subquery::ScalarSubqueryExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::{ExecutionPlan, InputOrderMode, StatisticsArgs, StatisticsContext};

use super::cost::Estimate;
use super::expression::{column_name, condition, sort_key, sql};
use super::join;
use super::node::{Detail, Node, relation, width};
use crate::base::ColumnId;
use crate::catalog::{IndexDef, Snapshot};
use crate::exec::{Access, ApplyExec, Gives, Leaf, Observation, ObservedExec, leaf};
use crate::types::PgType;

/// The node of an operator and, below it, those of its inputs. `limited`: a LIMIT above has
/// been shown already that operators below apply as well.
pub(super) fn node(plan: &Arc<dyn ExecutionPlan>, catalog: &Snapshot, limited: bool) -> Node {
    let (plan, actual) = unwatched(plan);
    let mut node = made(plan, catalog, limited);
    if node.output.is_empty() || shows_its_own_columns(plan.name()) {
        let schema = plan.schema();
        node.output = schema.fields().iter().map(|field| column_name(field.name())).collect();
    }
    if node.estimate.width == 0 {
        node.estimate.width = width(&plan.schema());
    }
    // An operator that is left out hides nothing: rows and time are those that come out of it.
    if actual.is_some() {
        node.actual = actual;
    }
    node
}

/// Projections and the like have no node, but what they give is what comes out.
fn shows_its_own_columns(name: &str) -> bool {
    name == "ProjectionExec"
}

/// An operator and what it did, if it was watched.
fn unwatched(plan: &Arc<dyn ExecutionPlan>) -> (&Arc<dyn ExecutionPlan>, Option<Observation>) {
    match plan.downcast_ref::<ObservedExec>() {
        Some(observed) => (observed.input(), Some(observed.observation())),
        None => (plan, None),
    }
}

/// The part of an aggregate that each partition does by itself.
const PARTIAL: &str = "Partial Aggregate";

fn made(plan: &Arc<dyn ExecutionPlan>, catalog: &Snapshot, limited: bool) -> Node {
    if let Some(leaf) = leaf(plan.as_ref()) {
        return table(&leaf, plan, catalog);
    }
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        return filtered(filter, node(filter.input(), catalog, limited));
    }
    if let Some(sort) = plan.downcast_ref::<SortExec>() {
        let input = node(sort.input(), catalog, false);
        return sorted(sort.expr(), sort.fetch().filter(|_| !limited), input);
    }
    if let Some(limit) = plan.downcast_ref::<GlobalLimitExec>() {
        let input = node(limit.input(), catalog, limited || limit.skip() == 0);
        return limit_node(input, limit.skip(), limit.fetch());
    }
    if let Some(limit) = plan.downcast_ref::<LocalLimitExec>() {
        let input = node(limit.input(), catalog, true);
        return if limited { input } else { limit_node(input, 0, Some(limit.fetch())) };
    }
    if let Some(merge) = plan.downcast_ref::<SortPreservingMergeExec>() {
        let fetch = merge.fetch().filter(|_| !limited);
        let input = node(merge.input(), catalog, limited || fetch.is_some());
        return match fetch {
            Some(fetch) => limit_node(input, 0, Some(fetch)),
            None => input,
        };
    }
    if let Some(subqueries) = plan.downcast_ref::<ScalarSubqueryExec>() {
        let mut input = node(subqueries.input(), catalog, limited);
        for (at, link) in subqueries.subqueries().iter().enumerate() {
            let mut subquery = node(&link.plan, catalog, false);
            subquery.subplan = Some(format!("InitPlan {}", at + 1));
            input.children.push(subquery);
        }
        return input;
    }
    if let Some(apply) = plan.downcast_ref::<ApplyExec>() {
        return applied(apply, catalog);
    }
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        return aggregated(aggregate, node(aggregate.input(), catalog, false));
    }
    if plan.name().ends_with("JoinExec")
        && let [left, right] = plan.children().as_slice()
    {
        let (left, right) = (node(left, catalog, false), node(right, catalog, false));
        return join::node(plan.as_ref(), left, right);
    }
    by_name(plan, catalog, limited)
}

/// A plan that runs for each row of another: a join's side, or a subquery of what is above.
fn applied(apply: &ApplyExec, catalog: &Snapshot) -> Node {
    let (input, inner, gives) = apply.parts();
    let (mut input, mut inner) = (node(input, catalog, false), node(inner, catalog, false));
    if let Gives::Rows { outer } = gives {
        let rows = input.estimate.rows * inner.estimate.rows;
        let estimate = Estimate { rows, ..input.estimate };
        let join_type = if outer { "Left" } else { "Inner" };
        let mut join = Node::over("Nested Loop", estimate, vec![input, inner]);
        if outer {
            "Nested Loop Left Join".clone_into(&mut join.title);
        }
        return join.is("Join Type", join_type);
    }
    let before = input.children.iter().filter(|child| child.subplan.is_some()).count();
    inner.subplan = Some(format!("SubPlan {}", before + 1));
    input.children.push(inner);
    input
}

/// Operators of which there is nothing to say but their name.
fn by_name(plan: &Arc<dyn ExecutionPlan>, catalog: &Snapshot, limited: bool) -> Node {
    let mut children: Vec<Node> =
        plan.children().into_iter().map(|child| node(child, catalog, limited)).collect();
    let first = children.first().map(|child| child.estimate).unwrap_or_default();
    match plan.name() {
        "ProjectionExec"
        | "CooperativeExec"
        | "CoalesceBatchesExec"
        | "CoalescePartitionsExec"
        | "RepartitionExec"
        | "InOrderExec"
        | "BarrierExec"
        | "BufferExec"
            if children.len() == 1 =>
        {
            children.swap_remove(0)
        }
        "UnionExec" | "InterleaveExec" => {
            let estimate = Estimate::sum(children.iter().map(|child| child.estimate));
            Node::over("Append", estimate, children)
        }
        "WindowAggExec" | "BoundedWindowAggExec" => Node::over("WindowAgg", first, children),
        "UnnestExec" => Node::over("ProjectSet", first, children),
        "RecursiveQueryExec" => {
            let estimate = Estimate::sum(children.iter().map(|child| child.estimate));
            Node::over("Recursive Union", estimate, children)
        }
        "WorkTableExec" => Node::new("WorkTable Scan", Estimate::function()),
        "LazyMemoryExec" => Node::new("Function Scan", Estimate::function()),
        "DataSourceExec" => Node::new("Values Scan", Estimate::scan(rows_in_memory(plan), false)),
        "PlaceholderRowExec" => Node::new("Result", Estimate::row()),
        "EmptyExec" => {
            let nothing = Estimate { rows: 0.0, ..Estimate::row() };
            Node::new("Result", nothing).with("One-Time Filter", "false")
        }
        other => {
            let name = other.strip_suffix("Exec").unwrap_or(other);
            Node::over(name, first, children)
        }
    }
}

/// Rows that a plan holds itself.
fn rows_in_memory(plan: &Arc<dyn ExecutionPlan>) -> f64 {
    let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new()).ok();
    let rows = statistics.and_then(|statistics| statistics.num_rows.get_value().copied());
    count(rows.unwrap_or(1))
}

fn table(leaf: &Leaf, plan: &Arc<dyn ExecutionPlan>, catalog: &Snapshot) -> Node {
    let version = catalog.tables.get(&leaf.table).map(|table| &table.version);
    let rows = version.map_or(0.0, |version| float(version.row_count()));
    let filtered = leaf.filter.is_some();
    let limit = leaf.limit.map(count);
    let mut node = match &leaf.access {
        Access::Scan => {
            let estimate = Estimate::scan(rows, filtered);
            Node::new("Seq Scan", limit.map_or(estimate, |limit| estimate.limit(0.0, Some(limit))))
        }
        Access::Lookup { key } => {
            let keys: usize = key.iter().map(|(_, _, values)| values.len()).max().unwrap_or(1);
            let estimate = Estimate::lookup(count(keys).min(rows.max(1.0)));
            let columns: Vec<ColumnId> = key.iter().map(|(id, ..)| *id).collect();
            let conditions: Vec<String> = key
                .iter()
                .map(|(_, name, values)| {
                    let name = crate::plan::quote_identifier(name);
                    match values.as_slice() {
                        [value] => format!("({name} = {})", sql(value)),
                        values => {
                            let all: Vec<String> = values.iter().map(sql).collect();
                            format!("({name} = ANY (ARRAY[{}]))", all.join(", "))
                        }
                    }
                })
                .collect();
            let text = match conditions.as_slice() {
                [one] => one.clone(),
                all => format!("({})", all.join(" AND ")),
            };
            let mut node = Node::new("Key Lookup", estimate).with("Index Cond", text);
            node.index = index_name(leaf, &columns, catalog);
            node
        }
        Access::VectorSearch { column, cast, metric, query, within, work } => {
            let dimensions = width(&plan.schema()) / 4;
            let estimate = Estimate::search(rows, limit.unwrap_or(rows), dimensions);
            let quoted = crate::plan::quote_identifier(column);
            let compared = match cast {
                Some(ty @ PgType::Bit(_)) => format!("(binary_quantize({quoted}))::{ty}"),
                Some(ty) => format!("({quoted})::{ty}"),
                None => quoted.to_string(),
            };
            let distance = format!("({compared} {} {})", metric.operator(), sql(query));
            // Of all rows within a distance none is the first.
            let label = if limit.is_some() { "Order By" } else { "Distance" };
            let mut node = Node::new("Vector Search", estimate).with(label, distance);
            if let Some(within) = within {
                node = node.with("Distance Cond", condition(within));
            }
            let index = catalog.tables.get(&leaf.table).and_then(|table| {
                let of_column = |index: &&IndexDef| {
                    let vector = index.vector.as_ref();
                    let id = table.definition.column(column).map(|column| column.id);
                    vector.is_some_and(|v| Some(v.column) == id && v.spec.metric == *metric)
                };
                table.definition.vector_indexes().find(of_column)
            });
            // All rows within a distance are found by comparing all, unless the session wants otherwise.
            let index = index.filter(|_| limit.is_some() || work.indexed > 0);
            node.index = Some(index.map_or_else(|| "exact".to_owned(), |index| index.name.clone()));
            let number = |number: usize| Detail::Number(number as u64);
            node.details.extend(leaf.limit.map(|limit| ("Limit", number(limit))));
            node.measured.push(("Segments Searched", number(work.segments)));
            if index.is_some() {
                node.measured.push(("Index Searches", number(work.indexed)));
            }
            node.measured.push(("Rows Compared", number(work.rows)));
            if leaf.filter.is_some() {
                node.measured.push(("Rows Filtered", Detail::Number(work.filtered)));
            }
            if let Some(recall) = work.recall_thousandths {
                let percent = Detail::Text(format!("{}.{}%", recall / 10, recall % 10));
                node.measured.push(("Expected Recall", percent));
            }
            node
        }
    };
    node.relation = relation(leaf.table, catalog);
    match &leaf.filter {
        Some(filter) => node.with("Filter", condition(filter)),
        None => node,
    }
}

/// The name of the key's index.
fn index_name(leaf: &Leaf, columns: &[ColumnId], catalog: &Snapshot) -> Option<String> {
    let definition = &catalog.tables.get(&leaf.table)?.definition;
    let key = definition.keys.iter().find(|key| key.columns == columns)?;
    Some(key.name.clone())
}

/// A filter is a line of its input's node, as in PostgreSQL.
fn filtered(filter: &FilterExec, mut input: Node) -> Node {
    let text = condition(filter.predicate());
    let estimate = input.estimate.filter();
    if input.detail("Filter").is_some() || matches!(input.kind.as_str(), "Limit" | "Append") {
        return Node::over("Result", estimate, vec![input]).with("Filter", text);
    }
    input.estimate = estimate;
    input.with("Filter", text)
}

fn sorted<'a>(
    keys: impl IntoIterator<Item = &'a PhysicalSortExpr>,
    fetch: Option<usize>,
    input: Node,
) -> Node {
    let keys = keys.into_iter().map(sort_key).collect();
    let mut sort = Node::over("Sort", input.estimate.sort(), vec![input]);
    sort = sort.with_list("Sort Key", keys);
    match fetch {
        Some(fetch) => limit_node(sort, 0, Some(fetch)),
        None => sort,
    }
}

/// A limit over a node. Where one operator does both, both did the same.
fn limit_node(input: Node, skip: usize, fetch: Option<usize>) -> Node {
    let estimate = input.estimate.limit(count(skip), fetch.map(count));
    let actual = input.actual;
    let mut node = Node::over("Limit", estimate, vec![input]);
    node.actual = actual;
    node
}

fn aggregated(aggregate: &AggregateExec, input: Node) -> Node {
    let groups = aggregate.output_group_expr();
    let keys: Vec<String> = match aggregate.mode() {
        AggregateMode::Final | AggregateMode::FinalPartitioned => groups.iter().map(sql).collect(),
        _ => aggregate.group_expr().expr().iter().map(|(expr, _)| sql(expr)).collect(),
    };
    let (title, strategy) = match (keys.is_empty(), aggregate.input_order_mode()) {
        (true, _) => ("Aggregate", "Plain"),
        (false, InputOrderMode::Linear) => ("HashAggregate", "Hashed"),
        (false, _) => ("GroupAggregate", "Sorted"),
    };
    // The partitions' aggregates and the one over them are one to a reader.
    let both = *aggregate.mode() != AggregateMode::Partial && input.kind == PARTIAL;
    let input = match both {
        true => input.children.into_iter().next(),
        false => Some(input),
    };
    let below = input.as_ref().map(|input| input.estimate).unwrap_or_default();
    let estimate = below.aggregate(!keys.is_empty());
    let kind = if *aggregate.mode() == AggregateMode::Partial { PARTIAL } else { "Aggregate" };
    let mut node = Node::over(kind, estimate, input.into_iter().collect());
    title.clone_into(&mut node.title);
    node.is("Strategy", strategy).is("Partial Mode", "Simple").with_list("Group Key", keys)
}

pub(super) fn count(rows: usize) -> f64 {
    float(rows as u64)
}

/// A count as PostgreSQL's estimates have it.
fn float(rows: u64) -> f64 {
    u32::try_from(rows).map_or_else(|_| f64::from(u32::MAX), f64::from)
}

//! The layouts of EXPLAIN's text and JSON, which programs read.

use std::time::Duration;

use super::cost::Estimate;
use super::node::{Node, Relation};
use super::{ObjectReads, Report};
use crate::exec::Observation;
use crate::plan::Statement;
use crate::plan::statement::Explain;

fn options(sql: &str) -> Explain {
    match crate::plan::parse(sql).unwrap().remove(0).statement {
        Statement::Explain(explain) => *explain,
        other => panic!("not EXPLAIN: {other:?}"),
    }
}

fn scan(name: &str) -> Node {
    let mut node = Node::new("Seq Scan", Estimate::scan(10.0, false));
    node.relation = Some(Relation { schema: "public".into(), name: name.into() });
    let took = Duration::from_micros(1500);
    node.actual = Some(Observation { loops: 1, rows: 10, first: took, total: took });
    node.with("Filter", "(a = 'x'::text)")
}

/// A sort over a scan, beside a subquery that is computed first.
fn tree() -> Node {
    let mut subquery = Node::over("Aggregate", Estimate::row(), vec![scan("u")]);
    subquery.subplan = Some("InitPlan 1".into());
    let sort = Node::over("Sort", Estimate::row(), vec![scan("Order"), subquery]);
    sort.with_list("Sort Key", vec!["a DESC".into(), "b".into()])
}

fn report(options: &Explain) -> Report<'_> {
    let execution = (Duration::from_millis(2), ObjectReads { reads: 3, bytes: 4096, rounds: 2 });
    let execution = options.analyze.then_some(execution);
    Report { root: tree(), options, planning: Duration::from_micros(250), execution }
}

#[test]
fn text_is_indented_as_in_postgresql() {
    let options = options("EXPLAIN (COSTS off) SELECT 1");
    let expected = [
        "Sort",
        "  Sort Key: a DESC, b",
        "  ->  Seq Scan on \"Order\"",
        "        Filter: (a = 'x'::text)",
        "  InitPlan 1",
        "    ->  Aggregate",
        "          ->  Seq Scan on u",
        "                Filter: (a = 'x'::text)",
    ];
    assert_eq!(report(&options).text(), expected);
}

#[test]
fn text_of_analyze_tells_rows_times_and_reads() {
    let options = options("EXPLAIN ANALYZE SELECT 1");
    let lines = report(&options).text();
    assert_eq!(lines[0], "Sort  (cost=0.00..0.01 rows=1 width=0) (never executed)");
    let scan = "  ->  Seq Scan on \"Order\"  (cost=0.00..0.10 rows=10 width=0) \
                (actual time=1.500..1.500 rows=10 loops=1)";
    assert_eq!(lines[2], scan);
    let last = ["Object Store: reads=3 bytes=4096 rounds=2", "Planning Time: 0.250 ms"];
    assert_eq!(lines[lines.len() - 3..lines.len() - 1], last);
    assert_eq!(lines[lines.len() - 1], "Execution Time: 2.000 ms");
}

#[test]
fn json_has_postgresqls_shape() {
    let options = options("EXPLAIN (ANALYZE, FORMAT JSON, VERBOSE) SELECT 1");
    let text = report(&options).json();
    assert!(text.starts_with("[\n  {\n    \"Plan\": {\n      \"Node Type\": \"Sort\","), "{text}");
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let plan = &value[0]["Plan"];
    assert_eq!(plan["Sort Key"], serde_json::json!(["a DESC", "b"]));
    assert_eq!(plan["Actual Loops"], 0);
    let scan = &plan["Plans"][0];
    assert_eq!(scan["Relation Name"], "Order");
    assert_eq!(scan["Schema"], "public");
    assert_eq!(scan["Parent Relationship"], "Outer");
    assert_eq!(scan["Actual Rows"], 10);
    assert_eq!(plan["Plans"][1]["Parent Relationship"], "InitPlan");
    assert_eq!(plan["Plans"][1]["Subplan Name"], "InitPlan 1");
    assert_eq!(value[0]["Planning Time"], 0.25);
    assert_eq!(value[0]["Execution Time"], 2.0);
    assert_eq!(value[0]["Object Reads"], 3);
}

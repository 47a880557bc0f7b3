//! What EXPLAIN answers: the nodes, and the times of the whole.

use std::time::Duration;

use super::json::Json;
use super::node::{Detail, Node};
use crate::plan::quote_identifier;
use crate::plan::statement::Explain;

/// What a statement asked of the object store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObjectReads {
    /// Requests.
    pub reads: u64,
    /// Bytes that they returned.
    pub bytes: u64,
    /// How many of them came one after the other, at most.
    pub rounds: u64,
}

/// An explained statement.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// The plan.
    pub root: Node,
    /// What was asked for.
    pub options: &'a Explain,
    /// How long planning took.
    pub planning: Duration,
    /// What running it took, where it ran.
    pub execution: Option<(Duration, ObjectReads)>,
}

impl Report<'_> {
    /// Lines of text.
    pub fn text(&self) -> Vec<String> {
        let mut lines = Vec::new();
        self.write(&self.root, None, &mut lines);
        if let Some((_, reads)) = self.execution {
            let ObjectReads { reads, bytes, rounds } = reads;
            lines.push(format!("Object Store: reads={reads} bytes={bytes} rounds={rounds}"));
        }
        if self.summary() {
            lines.push(format!("Planning Time: {} ms", milliseconds(self.planning)));
            if let Some((time, _)) = self.execution {
                lines.push(format!("Execution Time: {} ms", milliseconds(time)));
            }
        }
        lines
    }

    /// One JSON document.
    pub fn json(&self) -> String {
        let mut members = vec![("Plan", self.node(&self.root, None))];
        if let Some((_, reads)) = self.execution {
            members.push(("Object Reads", Json::Number(reads.reads.to_string())));
            members.push(("Object Read Bytes", Json::Number(reads.bytes.to_string())));
            members.push(("Object Read Rounds", Json::Number(reads.rounds.to_string())));
        }
        if self.summary() {
            members.push(("Planning Time", Json::Number(milliseconds(self.planning))));
            if self.execution.is_some() {
                members.push(("Triggers", Json::List(Vec::new())));
            }
            if let Some((time, _)) = self.execution {
                members.push(("Execution Time", Json::Number(milliseconds(time))));
            }
        }
        let mut text = String::new();
        Json::List(vec![Json::Object(members)]).print(0, &mut text);
        text
    }

    fn summary(&self) -> bool {
        self.options.summary.unwrap_or(self.options.analyze)
    }

    /// A node's lines; `arrow` is where its arrow stands, which the root has not.
    fn write(&self, node: &Node, arrow: Option<usize>, lines: &mut Vec<String>) {
        let (title, column) = match arrow {
            None => (String::new(), 2),
            Some(arrow) => (format!("{}->  ", " ".repeat(arrow)), arrow + 6),
        };
        let mut title = title + &self.title(node);
        if self.options.costs {
            let e = node.estimate;
            title.push_str(&format!(
                "  (cost={:.2}..{:.2} rows={:.0} width={})",
                e.startup, e.total, e.rows, e.width
            ));
        }
        if self.options.analyze {
            title.push_str(&self.actual(node));
        }
        lines.push(title);
        let indent = " ".repeat(column);
        if self.options.verbose && !node.output.is_empty() {
            lines.push(format!("{indent}Output: {}", node.output.join(", ")));
        }
        let measured = node.measured.iter().filter(|_| self.options.analyze);
        for (label, detail) in node.details.iter().chain(measured) {
            let value = match detail {
                Detail::Text(text) => text.clone(),
                Detail::List(texts) => texts.join(", "),
                Detail::Number(number) => number.to_string(),
            };
            lines.push(format!("{indent}{label}: {value}"));
        }
        for child in &node.children {
            if let Some(subplan) = &child.subplan {
                lines.push(format!("{indent}{subplan}"));
                self.write(child, Some(column + 2), lines);
            } else {
                self.write(child, Some(column), lines);
            }
        }
    }

    fn title(&self, node: &Node) -> String {
        let mut title = node.title.clone();
        if let Some(index) = &node.index {
            title.push_str(&format!(" using {index}"));
        }
        if let Some(relation) = &node.relation {
            title.push_str(" on ");
            if self.options.verbose {
                title.push_str(&format!("{}.", quote_identifier(&relation.schema)));
            }
            title.push_str(&quote_identifier(&relation.name));
        }
        title
    }

    fn actual(&self, node: &Node) -> String {
        let Some(actual) = node.actual.filter(|actual| actual.loops > 0) else {
            return " (never executed)".to_owned();
        };
        let times = match self.options.timing {
            true => format!("time={}..{} ", milliseconds(actual.first), milliseconds(actual.total)),
            false => String::new(),
        };
        format!(" (actual {times}rows={} loops=1)", actual.rows)
    }

    fn node(&self, node: &Node, parent: Option<usize>) -> Json {
        let text = |text: &str| Json::Text(text.to_owned());
        let mut members = vec![("Node Type", text(&node.kind))];
        members.extend(node.traits.iter().map(|(label, detail)| (*label, Json::from(detail))));
        if let Some(place) = parent {
            let relationship = match (&node.subplan, place) {
                (Some(_), _) => "InitPlan",
                (None, 0) => "Outer",
                (None, _) => "Inner",
            };
            members.push(("Parent Relationship", text(relationship)));
            let subplan = node.subplan.iter().map(|name| ("Subplan Name", text(name)));
            members.extend(subplan);
        }
        members.push(("Parallel Aware", Json::Flag(false)));
        members.push(("Async Capable", Json::Flag(false)));
        if let Some(index) = &node.index {
            members.push(("Index Name", text(index)));
        }
        if let Some(relation) = &node.relation {
            members.push(("Relation Name", text(&relation.name)));
            if self.options.verbose {
                members.push(("Schema", text(&relation.schema)));
            }
            members.push(("Alias", text(&relation.name)));
        }
        let number = |number: f64, places: usize| Json::Number(format!("{number:.places$}"));
        if self.options.costs {
            members.push(("Startup Cost", number(node.estimate.startup, 2)));
            members.push(("Total Cost", number(node.estimate.total, 2)));
            members.push(("Plan Rows", number(node.estimate.rows, 0)));
            members.push(("Plan Width", Json::Number(node.estimate.width.to_string())));
        }
        if self.options.analyze {
            let actual = node.actual.unwrap_or_default();
            if self.options.timing {
                members.push(("Actual Startup Time", Json::Number(milliseconds(actual.first))));
                members.push(("Actual Total Time", Json::Number(milliseconds(actual.total))));
            }
            members.push(("Actual Rows", Json::Number(actual.rows.to_string())));
            members.push(("Actual Loops", Json::Number(actual.loops.to_string())));
        }
        if self.options.verbose {
            let output = node.output.iter().cloned().map(Json::Text).collect();
            members.push(("Output", Json::List(output)));
        }
        let measured = node.measured.iter().filter(|_| self.options.analyze);
        let details = node.details.iter().chain(measured);
        members.extend(details.map(|(label, detail)| (*label, Json::from(detail))));
        if !node.children.is_empty() {
            let children = node.children.iter().enumerate();
            let children = children.map(|(place, child)| self.node(child, Some(place)));
            members.push(("Plans", Json::List(children.collect())));
        }
        Json::Object(members)
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1000.0)
}

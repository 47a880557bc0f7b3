//! A node of an explained plan.

use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::datatypes::Schema;
use datafusion::physical_plan::ExecutionPlan;

use super::cost::Estimate;
use super::operator;
use crate::base::Oid;
use crate::catalog::Snapshot;
use crate::exec::Observation;
use crate::types::PgType;

/// A value beside a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    Text(String),
    List(Vec<String>),
    Number(u64),
}

/// A relation as a node names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Relation {
    pub(super) schema: String,
    pub(super) name: String,
}

/// An operator as EXPLAIN shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// In text: `HashAggregate`.
    pub(super) title: String,
    /// In JSON: `Aggregate`.
    pub(super) kind: String,
    /// What JSON tells beside the kind, and text in the title.
    pub(super) traits: Vec<(&'static str, Detail)>,
    /// What reads the relation: the key's index, or the way of a vector search.
    pub(super) index: Option<String>,
    pub(super) relation: Option<Relation>,
    /// What it is to its parent, where it is no input: `InitPlan 1`.
    pub(super) subplan: Option<String>,
    /// Lines below the title.
    pub(super) details: Vec<(&'static str, Detail)>,
    /// Lines that only EXPLAIN ANALYZE has.
    pub(super) measured: Vec<(&'static str, Detail)>,
    /// The names of the columns that come out, for VERBOSE.
    pub(super) output: Vec<String>,
    pub(super) estimate: Estimate,
    pub(super) actual: Option<Observation>,
    pub(super) children: Vec<Self>,
}

impl Node {
    /// A plan's nodes.
    pub fn of_plan(plan: &Arc<dyn ExecutionPlan>, catalog: &Snapshot) -> Self {
        operator::node(plan, catalog, false)
    }

    /// INSERT, UPDATE or DELETE over the plan that makes its rows. `took` is how long it ran.
    pub fn of_change(
        (operation, conflict): (&str, Option<&str>),
        table: Oid,
        source: Self,
        took: Option<Duration>,
        catalog: &Snapshot,
    ) -> Self {
        let estimate = Estimate { rows: 0.0, width: 0, ..source.estimate };
        let mut node = Self::over("ModifyTable", estimate, vec![source]);
        operation.clone_into(&mut node.title);
        node.relation = relation(table, catalog);
        // It gives no rows by itself.
        node.actual = took.map(|took| Observation { loops: 1, rows: 0, first: took, total: took });
        if let Some(conflict) = conflict {
            node = node.with("Conflict Resolution", conflict);
        }
        node.is("Operation", operation)
    }

    /// Rows of constants, which no operator makes; `ran` where they were made.
    pub fn of_constants(rows: usize, ran: bool) -> Self {
        let kind = if rows == 1 { "Result" } else { "Values Scan" };
        let mut node = Self::new(kind, Estimate::scan(operator::count(rows), false));
        let made = Observation { loops: 1, rows: rows as u64, ..Observation::default() };
        node.actual = ran.then_some(made);
        node
    }

    pub(super) fn new(kind: impl Into<String>, estimate: Estimate) -> Self {
        let kind = kind.into();
        Self {
            title: kind.clone(),
            kind,
            traits: Vec::new(),
            index: None,
            relation: None,
            subplan: None,
            details: Vec::new(),
            measured: Vec::new(),
            output: Vec::new(),
            estimate,
            actual: None,
            children: Vec::new(),
        }
    }

    pub(super) fn over(kind: &str, estimate: Estimate, children: Vec<Self>) -> Self {
        Self { children, ..Self::new(kind, estimate) }
    }

    /// Adds a line.
    pub(super) fn with(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.details.push((label, Detail::Text(value.into())));
        self
    }

    /// Adds a line with a list, where that is not empty.
    pub(super) fn with_list(mut self, label: &'static str, values: Vec<String>) -> Self {
        if !values.is_empty() {
            self.details.push((label, Detail::List(values)));
        }
        self
    }

    /// Says what it is in JSON's words.
    pub(super) fn is(mut self, label: &'static str, value: &str) -> Self {
        self.traits.push((label, Detail::Text(value.to_owned())));
        self
    }

    pub(super) fn detail(&self, label: &str) -> Option<&Detail> {
        self.details.iter().find(|(known, _)| *known == label).map(|(_, detail)| detail)
    }
}

/// A relation by its oid.
pub(super) fn relation(oid: Oid, catalog: &Snapshot) -> Option<Relation> {
    let table = catalog.tables.get(&oid)?;
    let schema = catalog.schema_name(table.definition.schema).to_owned();
    Some(Relation { schema, name: table.definition.name.clone() })
}

/// The bytes that a row takes about: `Plan Width`.
pub(super) fn width(schema: &Schema) -> usize {
    /// What PostgreSQL takes text for without statistics.
    const VARIABLE: usize = 32;
    let bytes = schema.fields().iter().map(|field| match PgType::of_field(field) {
        PgType::Vector(Some(dimensions)) => 8 + 4 * usize::from(dimensions),
        PgType::Halfvec(Some(dimensions)) => 8 + 2 * usize::from(dimensions),
        ty => usize::try_from(ty.typlen()).unwrap_or(VARIABLE),
    });
    bytes.sum()
}

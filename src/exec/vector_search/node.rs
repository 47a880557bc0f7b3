//! The logical node: the `k` rows of a table that are nearest to a query vector, or all within a distance.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, DFSchemaRef, DataFusionError, Result, TableReference};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    Expr, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

use super::target::Target;
use super::within::Within;
use super::{BatchVectorSearch, BatchVectorSearchExec, VectorSearchExec};
use crate::exec::TableSource;
use crate::exec::source::Filter;
use crate::index::Metric;
use crate::segment::Column;
use crate::types::PgType;

/// `ORDER BY column <-> query LIMIT k` over a table, filtered: its rows come in that order. Or
/// `WHERE column <-> query < distance`.
#[derive(Clone, Debug)]
pub struct VectorSearch {
    /// The table.
    pub source: Arc<TableSource>,
    /// What the statement calls the table.
    pub name: TableReference,
    /// The vector column.
    pub column: Column,
    /// What the column is cast to before it is compared: vectors or halves, of so many dimensions, or the
    /// bits that the signs of its numbers are.
    pub cast: Option<PgType>,
    /// The distance.
    pub metric: Metric,
    /// The vector that rows are compared with.
    pub query: Expr,
    /// How many rows at most; `usize::MAX`: all that [`VectorSearch::within`] takes.
    pub k: usize,
    /// What the distance, [`super::distance_column`], must fulfil: true of a distance if it is of a
    /// greater one.
    pub within: Option<Expr>,
    /// Rows whose distance is NULL, and then those where it is no number, come first: the sort falls.
    pub unset_first: bool,
    /// What rows must fulfil, over the table's columns.
    pub filters: Vec<Expr>,
    /// The table's columns that come out, by their place in the source's schema.
    pub projection: Vec<usize>,
    /// The schema of the output.
    pub schema: DFSchemaRef,
}

impl PartialEq for VectorSearch {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl Eq for VectorSearch {}

impl PartialOrd for VectorSearch {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let key = |node: &Self| {
            let metric = format!("{:?} {:?}", node.metric, node.cast);
            let how = (node.k, node.unset_first);
            (node.source.oid(), node.column.id, metric, how, node.projection.clone())
        };
        match key(self).cmp(&key(other)) {
            Ordering::Equal => {}
            unequal => return Some(unequal),
        }
        match self.query.partial_cmp(&other.query) {
            Some(Ordering::Equal) => {
                (&self.within, &self.filters).partial_cmp(&(&other.within, &other.filters))
            }
            unequal => unequal,
        }
    }
}

impl Hash for VectorSearch {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.source.oid(), self.column.id, &self.cast, self.k, &self.projection).hash(state);
        self.query.hash(state);
        (&self.within, &self.filters).hash(state);
    }
}

impl UserDefinedLogicalNodeCore for VectorSearch {
    fn name(&self) -> &str {
        "VectorSearch"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        Vec::new()
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        let mut all = vec![self.query.clone()];
        all.extend(self.within.clone());
        all.extend(self.filters.iter().cloned());
        all
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VectorSearch: {} {} k={}", self.name, self.metric, self.k)
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, _inputs: Vec<LogicalPlan>) -> Result<Self> {
        let mut exprs = exprs.into_iter();
        let query = exprs
            .next()
            .ok_or_else(|| DataFusionError::Internal("a vector search without its query".into()))?;
        let within = self.within.as_ref().and_then(|_| exprs.next());
        Ok(Self { query, within, filters: exprs.collect(), ..self.clone() })
    }
}

/// Makes [`VectorSearchExec`] of [`VectorSearch`], and the same for many vectors.
#[derive(Debug)]
pub struct VectorSearchPlanner;

#[async_trait]
impl ExtensionPlanner for VectorSearchPlanner {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        planning: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let batch = node.as_any().downcast_ref::<BatchVectorSearch>();
        let one = node.as_any().downcast_ref::<VectorSearch>();
        let Some(node) = one.or(batch.map(|batch| &batch.search)) else { return Ok(None) };
        let input = match batch {
            Some(batch) => Arc::clone(batch.input.schema()),
            None => Arc::new(DFSchema::empty()),
        };
        let query = planner.create_physical_expr(&node.query, &input, session, planning)?;
        let table = node.source.qualified_schema(&node.name)?;
        let filter = conjunction(node.filters.iter().cloned())
            .map(|filter| planner.create_physical_expr(&filter, &table, session, planning))
            .transpose()?;
        let filter = filter.map(|predicate| Filter::new(&node.source, predicate)).transpose()?;
        let distance = Within::logical_schema()?;
        let within = node.within.as_ref();
        let within = within
            .map(|within| planner.create_physical_expr(within, &distance, session, planning))
            .transpose()?;
        let within = within.map(|predicate| Within { predicate });
        let target = Target::of(node, filter, within)?;
        Ok(Some(match (batch, physical_inputs) {
            (Some(batch), [input]) => {
                let (input, schema) = (Arc::clone(input), Arc::clone(batch.schema.inner()));
                Arc::new(BatchVectorSearchExec::new(input, target, query, batch.outer, schema))
            }
            _ => Arc::new(VectorSearchExec::new(target, query, Arc::clone(node.schema.inner()))),
        }))
    }
}

//! Many searches at once: for each row of an input, the `k` rows of a table that are nearest to a
//! vector of that row. `FROM queries q CROSS JOIN LATERAL (SELECT .. ORDER BY t.v <-> q.v LIMIT k)`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array,
};
use datafusion::arrow::compute::{concat, take};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchemaRef, DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::{Distribution, PhysicalExpr};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, TryStreamExt};
use tokio::task::JoinSet;

use super::VectorSearch;
use super::row::row_query;
use super::target::Target;
use crate::base::limits::BATCH_ROWS;
use crate::exec::leaf::Leaf;
use crate::exec::lookup::single_partition;
use crate::exec::run::Bound;
use crate::exec::visit;
use crate::segment::TableVersion;

/// The logical node: the input's columns, then the found row's.
#[derive(Clone, Debug)]
pub struct BatchVectorSearch {
    /// The rows with the vectors that are searched for.
    pub input: Arc<LogicalPlan>,
    /// The search; its query is over the input's columns, its schema that of the found rows.
    pub search: VectorSearch,
    /// How many rows, as long as that is not known: a parameter's values plan differently.
    pub limit: Option<Expr>,
    /// Whether an input row for which nothing is found stays, with NULLs.
    pub outer: bool,
    /// The schema of the output.
    pub schema: DFSchemaRef,
}

impl PartialEq for BatchVectorSearch {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl Eq for BatchVectorSearch {}

impl PartialOrd for BatchVectorSearch {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match self.search.partial_cmp(&other.search) {
            Some(Ordering::Equal) => {}
            unequal => return unequal,
        }
        match (self.outer, &self.limit).partial_cmp(&(other.outer, &other.limit))? {
            Ordering::Equal => self.input.partial_cmp(&other.input),
            unequal => Some(unequal),
        }
    }
}

impl Hash for BatchVectorSearch {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.input.hash(state);
        self.search.hash(state);
        (self.outer, &self.limit).hash(state);
    }
}

impl BatchVectorSearch {
    /// The same with other filters, each made of one of these.
    ///
    /// # Errors
    /// What making them says.
    pub fn map_filters(&self, change: impl FnMut(Expr) -> Result<Expr>) -> Result<Self> {
        let filters = self.search.filters.iter().cloned().map(change).collect::<Result<_>>()?;
        let search = VectorSearch { filters, ..self.search.clone() };
        Ok(Self { search, ..self.clone() })
    }

    /// The same for this many rows each.
    #[must_use]
    pub fn limited(&self, k: usize) -> Self {
        let search = VectorSearch { k, ..self.search.clone() };
        Self { search, limit: None, ..self.clone() }
    }
}

impl UserDefinedLogicalNodeCore for BatchVectorSearch {
    fn name(&self) -> &str {
        "BatchVectorSearch"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    /// The query alone: the filters are over the table's columns, which no input has.
    fn expressions(&self) -> Vec<Expr> {
        vec![self.search.query.clone()]
    }

    /// What lies above may not be computed below: there are other rows here.
    fn prevent_predicate_push_down_columns(&self) -> std::collections::HashSet<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let search = &self.search;
        write!(f, "BatchVectorSearch: {} {} k={}", search.name, search.metric, search.k)
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let (Some(query), Some(input)) = (exprs.into_iter().next(), inputs.into_iter().next())
        else {
            let message = "a batch of vector searches without its query or its input";
            return Err(DataFusionError::Internal(message.into()));
        };
        let search = VectorSearch { query, ..self.search.clone() };
        Ok(Self { input: Arc::new(input), search, ..self.clone() })
    }
}

/// The physical operator. Searches of one batch of input rows run at once on all threads.
#[derive(Debug)]
pub struct BatchVectorSearchExec {
    input: Arc<dyn ExecutionPlan>,
    target: Target,
    /// Over the input's columns.
    query: Arc<dyn PhysicalExpr>,
    outer: bool,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl BatchVectorSearchExec {
    pub(super) fn new(
        input: Arc<dyn ExecutionPlan>,
        target: Target,
        query: Arc<dyn PhysicalExpr>,
        outer: bool,
        schema: SchemaRef,
    ) -> Self {
        let properties = single_partition(&schema);
        Self { input, target, query, outer, schema, properties }
    }

    pub(in crate::exec) fn leaf(&self) -> Leaf {
        self.target.leaf(&self.query)
    }
}

/// What the searches of one execution share.
struct Searches {
    bound: Arc<Bound>,
    version: Arc<TableVersion>,
    context: Arc<TaskContext>,
    target: Target,
    outer: bool,
    schema: SchemaRef,
}

impl Searches {
    /// Searches for the vectors of some rows.
    async fn run(self: Arc<Self>, rows: RecordBatch, vectors: ArrayRef) -> Result<RecordBatch> {
        let count = rows.num_rows();
        let threads = self.context.session_config().target_partitions().max(1);
        let mut tasks = JoinSet::new();
        for first in (0..count).step_by(count.div_ceil(threads).max(1)) {
            let searches = Arc::clone(&self);
            let vectors = Arc::clone(&vectors);
            let last = count.min(first + count.div_ceil(threads).max(1));
            tasks.spawn(async move {
                let mut found = Vec::with_capacity(last - first);
                for row in first..last {
                    let query = row_query(&vectors, row);
                    let Searches { bound, version, context, target, .. } = &*searches;
                    found.push(target.search(bound, version, context, query)?.run().await?);
                    // A task that never waits would keep others from its thread.
                    tokio::task::yield_now().await;
                }
                Ok::<_, DataFusionError>((first, found))
            });
        }
        let mut found: Vec<Vec<u64>> = vec![Vec::new(); count];
        while let Some(done) = tasks.join_next().await {
            let done = done.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))?;
            let (first, addresses) = done?;
            for (row, addresses) in (first..).zip(addresses) {
                found[row] = addresses;
            }
        }
        self.join(&rows, &found).await
    }

    /// Each row beside what was found for it.
    async fn join(&self, rows: &RecordBatch, found: &[Vec<u64>]) -> Result<RecordBatch> {
        let mut left: Vec<u32> = Vec::new();
        let mut unmatched: Vec<u32> = Vec::new();
        for (row, addresses) in (0u32..).zip(found) {
            left.extend(addresses.iter().map(|_| row));
            if addresses.is_empty() && self.outer {
                unmatched.push(row);
            }
        }
        let addresses: Vec<u64> = found.iter().flatten().copied().collect();
        left.extend(&unmatched);
        let total = left.len();
        let left = UInt32Array::from(left);
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for column in rows.columns() {
            columns.push(take(column, &left, None)?);
        }
        let reader = self.bound.reader();
        for column in self.target.take(reader, &self.version, &addresses).await? {
            columns.push(match unmatched.is_empty() {
                true => column,
                false => {
                    let nulls = new_null_array(column.data_type(), unmatched.len());
                    concat(&[&column, &nulls])?
                }
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(total));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}

impl DisplayAs for BatchVectorSearchExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BatchVectorSearchExec: {}, query={}", self.target, self.query)
    }
}

impl ExecutionPlan for BatchVectorSearchExec {
    fn name(&self) -> &'static str {
        "BatchVectorSearchExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        visit(std::iter::once(&self.query).chain(self.target.expressions()), f)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.into_iter().next().unwrap_or_else(|| Arc::clone(&self.input));
        Ok(Arc::new(Self::new(
            input,
            self.target.clone(),
            Arc::clone(&self.query),
            self.outer,
            Arc::clone(&self.schema),
        )))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let bound = Bound::of(&context)?;
        let searches = Arc::new(Searches {
            version: bound.version(self.target.oid)?,
            bound,
            context: Arc::clone(&context),
            target: self.target.clone(),
            outer: self.outer,
            schema: Arc::clone(&self.schema),
        });
        let query = Arc::clone(&self.query);
        // What is found for the rows that are searched for at once is a batch of the usual size.
        let rows_at_once = (BATCH_ROWS / self.target.k.max(1)).max(1);
        let input = self.input.execute(partition, context)?;
        let pieces = input.flat_map(move |batch| {
            let pieces = match batch {
                Ok(batch) => (0..batch.num_rows())
                    .step_by(rows_at_once)
                    .map(|from| Ok(batch.slice(from, rows_at_once.min(batch.num_rows() - from))))
                    .collect(),
                Err(error) => vec![Err(error)],
            };
            futures::stream::iter(pieces)
        });
        let rows = pieces.and_then(move |rows| {
            let searches = Arc::clone(&searches);
            let vectors =
                query.evaluate(&rows).and_then(|vectors| vectors.into_array(rows.num_rows()));
            async move { searches.run(rows, vectors?).await }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows)))
    }
}

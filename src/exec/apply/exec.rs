//! The physical operator: one row after the other. What the same values gave before is remembered.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array,
};
use datafusion::arrow::compute::{concat, concat_batches, take};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, ScalarValue};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{Distribution, PhysicalExpr};
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, TryStreamExt};

use super::Gives;
use crate::base::limits::{BATCH_ROWS, REMEMBERED_ROWS_MAX};
use crate::base::{SqlError, SqlState};
use crate::exec::lookup::single_partition;
use crate::exec::{Slots, external, visit};

/// Runs a plan for each row of another.
#[derive(Debug)]
pub struct ApplyExec {
    input: Arc<dyn ExecutionPlan>,
    inner: Arc<dyn ExecutionPlan>,
    /// Over the input's columns.
    arguments: Vec<Arc<dyn PhysicalExpr>>,
    gives: Gives,
    repeatable: bool,
    /// Where the inner plan reads the arguments' values. One row at a time fills them.
    slots: Arc<Slots>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl ApplyExec {
    pub(super) fn new(
        (input, inner): (Arc<dyn ExecutionPlan>, Arc<dyn ExecutionPlan>),
        arguments: Vec<Arc<dyn PhysicalExpr>>,
        gives: Gives,
        repeatable: bool,
        slots: Arc<Slots>,
        schema: SchemaRef,
    ) -> Self {
        let properties = single_partition(&schema);
        Self { input, inner, arguments, gives, repeatable, slots, schema, properties }
    }

    /// The rows, what runs for each of them, and what comes of that.
    pub fn parts(&self) -> (&Arc<dyn ExecutionPlan>, &Arc<dyn ExecutionPlan>, Gives) {
        (&self.input, &self.inner, self.gives)
    }
}

/// What the inner plan gave for some values.
#[derive(Clone, Debug)]
enum Answer {
    Value(ScalarValue),
    Rows(RecordBatch),
}

impl Answer {
    fn rows(&self) -> usize {
        match self {
            Self::Value(_) => 1,
            Self::Rows(rows) => rows.num_rows().max(1),
        }
    }
}

/// One execution.
struct Applying {
    input: SendableRecordBatchStream,
    inner: Arc<dyn ExecutionPlan>,
    arguments: Vec<Arc<dyn PhysicalExpr>>,
    gives: Gives,
    repeatable: bool,
    slots: Arc<Slots>,
    context: Arc<TaskContext>,
    schema: SchemaRef,
    remembered: HashMap<Vec<ScalarValue>, Answer>,
    remembered_rows: usize,
    /// The batch at work, its arguments' values, and how many of its rows are done.
    batch: Option<(RecordBatch, Vec<ArrayRef>, usize)>,
}

impl Applying {
    /// The next batch of output; none at the end.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if self.batch.is_none() {
                let Some(batch) = self.input.try_next().await? else { return Ok(None) };
                let rows = batch.num_rows();
                let values = self.arguments.iter();
                let values = values.map(|argument| argument.evaluate(&batch)?.into_array(rows));
                let values = values.collect::<Result<Vec<_>>>()?;
                self.batch = Some((batch, values, 0));
            }
            let Some((batch, values, from)) = self.batch.take() else { continue };
            let mut answers = Vec::new();
            let (mut to, mut given) = (from, 0);
            while to < batch.num_rows() && given < BATCH_ROWS {
                let answer = self.answer(&values, to).await?;
                given += answer.rows();
                answers.push(answer);
                to += 1;
            }
            let rows = batch.slice(from, to - from);
            if to < batch.num_rows() {
                self.batch = Some((batch, values, to));
            }
            let output = self.joined(&rows, &answers)?;
            if output.num_rows() > 0 {
                return Ok(Some(output));
            }
        }
    }

    async fn answer(&mut self, values: &[ArrayRef], row: usize) -> Result<Answer> {
        let key = values.iter().map(|values| ScalarValue::try_from_array(values, row));
        let key = key.collect::<Result<Vec<_>>>()?;
        if let Some(answer) = self.remembered.get(&key) {
            return Ok(answer.clone());
        }
        let answer = self.run(&key).await?;
        if self.repeatable && answer.rows() <= REMEMBERED_ROWS_MAX {
            if self.remembered_rows + answer.rows() > REMEMBERED_ROWS_MAX {
                self.remembered.clear();
                self.remembered_rows = 0;
            }
            self.remembered_rows += answer.rows();
            self.remembered.insert(key, answer.clone());
        }
        Ok(answer)
    }

    /// Runs the inner plan for some values.
    async fn run(&mut self, values: &[ScalarValue]) -> Result<Answer> {
        self.slots.fill(values.into());
        let plan = reset_plan_states(Arc::clone(&self.inner))?;
        let mut rows = plan.execute(0, Arc::clone(&self.context))?;
        // A plan that never waits would keep others from its thread, and a cancel from itself.
        tokio::task::coop::consume_budget().await;
        match self.gives {
            Gives::Exists => {
                let mut found = false;
                while let (false, Some(batch)) = (found, rows.try_next().await?) {
                    found = batch.num_rows() > 0;
                }
                Ok(Answer::Value(ScalarValue::Boolean(Some(found))))
            }
            Gives::Value => {
                let mut only = None;
                while let Some(batch) = rows.try_next().await? {
                    if batch.num_rows() + usize::from(only.is_some()) > 1 {
                        return Err(external(several()));
                    }
                    if batch.num_rows() == 1 {
                        only = Some(ScalarValue::try_from_array(batch.column(0), 0)?);
                    }
                }
                let null = || ScalarValue::try_from(plan.schema().field(0).data_type());
                Ok(Answer::Value(only.map_or_else(null, Ok)?))
            }
            Gives::Rows { .. } => {
                let schema = plan.schema();
                let batches: Vec<RecordBatch> = rows.try_collect().await?;
                let all = concat_batches(&schema, &batches)?;
                Ok(Answer::Rows(all))
            }
        }
    }

    /// Rows of the input beside what was found for them.
    fn joined(&self, rows: &RecordBatch, answers: &[Answer]) -> Result<RecordBatch> {
        let Gives::Rows { outer } = self.gives else {
            let values = answers.iter().filter_map(|answer| match answer {
                Answer::Value(value) => Some(value.clone()),
                Answer::Rows(_) => None,
            });
            let column = match answers.is_empty() {
                true => new_null_array(self.schema.field(rows.num_columns()).data_type(), 0),
                false => ScalarValue::iter_to_array(values)?,
            };
            let columns = rows.columns().iter().cloned().chain([column]).collect();
            return Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?);
        };
        let mut places: Vec<u32> = Vec::new();
        let mut found: Vec<Option<&RecordBatch>> = Vec::new();
        for (row, answer) in (0u32..).zip(answers) {
            let Answer::Rows(batch) = answer else { continue };
            match batch.num_rows() {
                0 if outer => {
                    places.push(row);
                    found.push(None);
                }
                0 => {}
                count => {
                    places.extend(std::iter::repeat_n(row, count));
                    found.push(Some(batch));
                }
            }
        }
        let total = places.len();
        let places = UInt32Array::from(places);
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for column in rows.columns() {
            columns.push(take(column, &places, None)?);
        }
        let width = columns.len();
        for at in width..self.schema.fields().len() {
            let data_type = self.schema.field(at).data_type();
            let missing = new_null_array(data_type, 1);
            let parts: Vec<&dyn Array> = found
                .iter()
                .map(|batch| batch.map_or(missing.as_ref(), |batch| batch.column(at - width)))
                .collect();
            columns.push(match parts.is_empty() {
                true => new_null_array(data_type, 0),
                false => concat(&parts)?,
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(total));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}

/// 21000.
fn several() -> SqlError {
    let message = "more than one row returned by a subquery used as an expression";
    SqlError::new(SqlState::CARDINALITY_VIOLATION, message)
}

impl DisplayAs for ApplyExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApplyExec: {:?}, [{}]", self.gives, crate::exec::joined(&self.arguments))
    }
}

impl ExecutionPlan for ApplyExec {
    fn name(&self) -> &'static str {
        "ApplyExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition, Distribution::SinglePartition]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false, false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input, &self.inner]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        visit(self.arguments.iter(), f)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut children = children.into_iter();
        let input = children.next().unwrap_or_else(|| Arc::clone(&self.input));
        let inner = children.next().unwrap_or_else(|| Arc::clone(&self.inner));
        Ok(Arc::new(Self::new(
            (input, inner),
            self.arguments.clone(),
            self.gives,
            self.repeatable,
            Arc::clone(&self.slots),
            Arc::clone(&self.schema),
        )))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let applying = Applying {
            input: self.input.execute(partition, Arc::clone(&context))?,
            inner: Arc::clone(&self.inner),
            arguments: self.arguments.clone(),
            gives: self.gives,
            repeatable: self.repeatable,
            slots: Arc::clone(&self.slots),
            context,
            schema: Arc::clone(&self.schema),
            remembered: HashMap::new(),
            remembered_rows: 0,
            batch: None,
        };
        let rows = futures::stream::try_unfold(applying, |mut applying| async move {
            Ok(applying.next().await?.map(|batch| (batch, applying)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows.boxed())))
    }
}

//! Rows by the value of a primary or unique key: no scan, no other rows read.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, new_empty_array,
};
use datafusion::arrow::compute::{concat, filter_record_batch};
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, ColumnarValue, Expr, Operator};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};

use super::external;
use super::leaf::{Access, Leaf};
use super::run::Bound;
use super::source::{Filter, Reads, TableSource, renumber};
use crate::base::{ColumnId, Oid};
use crate::segment::{Column, TableSchema};

/// More keys than this are looked for by a scan.
const KEYS_MAX: usize = 1024;

/// Filters that fix all columns of a key: the key, for each of its columns the values (as many
/// for each), and the filters that are left.
pub(crate) type KeyValues = (Vec<ColumnId>, Vec<Vec<Expr>>, Vec<Expr>);

/// Finds a key that the filters fix: `a = 1 AND b = $1`, or `a IN (1, 2)` for a key of one
/// column.
pub(crate) fn key_values(table: &TableSchema, filters: &[Expr]) -> Option<KeyValues> {
    let filters: Vec<Expr> = filters
        .iter()
        .flat_map(|filter| datafusion::logical_expr::utils::split_conjunction(filter))
        .cloned()
        .collect();
    let mut keys: Vec<&Vec<ColumnId>> = table.keys.iter().collect();
    if !table.sort.is_empty() && !table.keys.contains(&table.sort) {
        keys.insert(0, &table.sort);
    }
    keys.into_iter().find_map(|key| fixed(table, key, &filters))
}

fn fixed(table: &TableSchema, key: &[ColumnId], filters: &[Expr]) -> Option<KeyValues> {
    let mut used = Vec::new();
    let mut values = Vec::with_capacity(key.len());
    for &id in key {
        let column = table.columns.get(table.position(id)?)?;
        let (at, found) = filters.iter().enumerate().find_map(|(at, filter)| {
            let fixed = fixed_by(filter, column.field.name())?;
            let one = fixed.len() == 1 || key.len() == 1;
            (one && fixed.len() <= KEYS_MAX).then_some((at, fixed))
        })?;
        used.push(at);
        values.push(found);
    }
    let rest = filters.iter().enumerate().filter(|(at, _)| !used.contains(at));
    Some((key.to_vec(), values, rest.map(|(_, filter)| filter.clone()).collect()))
}

/// The values that a filter leaves to a column.
fn fixed_by(filter: &Expr, name: &str) -> Option<Vec<Expr>> {
    let is_column = |expr: &Expr| matches!(expr, Expr::Column(column) if column.name == name);
    let constant = |expr: &Expr| expr.column_refs().is_empty();
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            if is_column(left) && constant(right) {
                return Some(vec![right.as_ref().clone()]);
            }
            (is_column(right) && constant(left)).then(|| vec![left.as_ref().clone()])
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let mut values = fixed_by(left, name)?;
            values.extend(fixed_by(right, name)?);
            Some(values)
        }
        Expr::InList(InList { expr, list, negated: false }) => {
            (is_column(expr) && list.iter().all(constant)).then(|| list.clone())
        }
        _ => None,
    }
}

/// Reads the rows that have given keys.
#[derive(Debug)]
pub struct KeyLookupExec {
    oid: Oid,
    key: Vec<Column>,
    /// For each column of the key its values.
    values: Vec<Vec<Arc<dyn PhysicalExpr>>>,
    /// What is read: the output's columns, then those that only the filter needs.
    reads: Reads,
    filter: Option<Arc<dyn PhysicalExpr>>,
    output: usize,
    limit: Option<usize>,
    schema: SchemaRef,
    /// Where each column of the output is among those read, where the order differs.
    reorder: Option<Vec<usize>>,
    properties: Arc<PlanProperties>,
}

impl KeyLookupExec {
    pub(crate) fn new(
        source: &TableSource,
        key: Vec<ColumnId>,
        values: Vec<Vec<Arc<dyn PhysicalExpr>>>,
        filter: Option<Filter>,
        places: &[usize],
        limit: Option<usize>,
    ) -> Result<Self> {
        let layout = Layout::new(source, filter, places)?;
        let table = source.table();
        let key = key
            .iter()
            .filter_map(|&id| table.position(id))
            .map(|at| table.columns[at].clone())
            .collect();
        Ok(Self {
            oid: source.oid(),
            key,
            values,
            properties: single_partition(&layout.schema),
            reads: layout.reads,
            filter: layout.filter,
            output: places.len(),
            limit,
            schema: layout.schema,
            reorder: layout.reorder,
        })
    }

    pub(super) fn leaf(&self) -> Leaf {
        let name = |column: &Column| column.field.name().clone();
        let columns = self.key.iter().zip(&self.values);
        let key = columns.map(|(column, values)| (column.id, name(column), values.clone()));
        Leaf {
            table: self.oid,
            access: Access::Lookup { key: key.collect() },
            filter: self.filter.clone(),
            limit: self.limit,
        }
    }

    /// The keys as columns; those with a NULL are left out, since NULL equals nothing.
    fn keys(&self) -> Result<Vec<ArrayRef>> {
        let row = RecordBatch::try_new_with_options(
            Arc::new(Schema::empty()),
            Vec::new(),
            &RecordBatchOptions::new().with_row_count(Some(1)),
        )?;
        let mut columns = Vec::with_capacity(self.values.len());
        for (values, column) in self.values.iter().zip(&self.key) {
            let wanted = column.data_type();
            let mut arrays: Vec<ArrayRef> = Vec::with_capacity(values.len());
            for value in values {
                let scalar = match value.evaluate(&row)? {
                    ColumnarValue::Scalar(scalar) => scalar,
                    ColumnarValue::Array(array) => ScalarValue::try_from_array(&array, 0)?,
                };
                if scalar.is_null() {
                    continue;
                }
                let typed = match &scalar.data_type() == wanted {
                    true => scalar,
                    false => scalar.cast_to(wanted)?,
                };
                let array = typed.to_array()?;
                if !arrays.iter().any(|known| known.as_ref() == array.as_ref()) {
                    arrays.push(array);
                }
            }
            let all: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
            columns.push(match all.as_slice() {
                [] => new_empty_array(wanted),
                [_] => Arc::clone(&arrays[0]),
                _ => concat(&all)?,
            });
        }
        Ok(columns)
    }

    fn finish(&self, batch: RecordBatch) -> Result<RecordBatch> {
        finish(batch, self.filter.as_ref(), self.reorder.as_deref(), self.output, &self.schema)
    }
}

/// Filters a batch that was read and gives it the output's form.
pub(crate) fn finish(
    batch: RecordBatch,
    filter: Option<&Arc<dyn PhysicalExpr>>,
    reorder: Option<&[usize]>,
    output: usize,
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    let batch = match filter {
        Some(filter) => {
            let mask = filter.evaluate(&batch)?.into_array(batch.num_rows())?;
            let mask = mask
                .as_any()
                .downcast_ref::<BooleanArray>()
                .ok_or_else(|| DataFusionError::Internal("a filter that is not boolean".into()))?;
            filter_record_batch(&batch, mask)?
        }
        None => batch,
    };
    let columns = match reorder {
        Some(order) => order.iter().map(|&at| Arc::clone(batch.column(at))).collect(),
        None => batch.columns()[..output].to_vec(),
    };
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows)?)
}

/// What a leaf reads and how its output comes of it.
pub(crate) struct Layout {
    pub(crate) reads: Reads,
    pub(crate) filter: Option<Arc<dyn PhysicalExpr>>,
    pub(crate) reorder: Option<Vec<usize>>,
    pub(crate) schema: SchemaRef,
}

impl Layout {
    pub(crate) fn new(
        source: &TableSource,
        filter: Option<Filter>,
        places: &[usize],
    ) -> Result<Self> {
        let filter_places = filter.as_ref().map(|filter| filter.places.clone()).unwrap_or_default();
        // Hidden columns stand last in the source and are read last.
        let mut all = places.to_vec();
        all.extend(filter_places.iter().filter(|place| !places.contains(place)));
        let hidden_from = source.table().columns.len();
        let (mut read, hidden): (Vec<usize>, Vec<usize>) =
            all.iter().partition(|place| **place < hidden_from);
        let mut hidden = hidden;
        hidden.sort_unstable();
        read.extend(hidden);
        let position = |place: &usize| read.iter().position(|at| at == place).unwrap_or_default();
        let order: Vec<usize> = places.iter().map(position).collect();
        let straight = order.iter().enumerate().all(|(at, &from)| at == from);
        let predicate = match filter {
            Some(filter) => {
                // First to places of the source, then to places among what is read.
                let to_read: Vec<usize> = filter.places.iter().map(position).collect();
                Some(move_columns(filter.predicate, &to_read)?)
            }
            None => None,
        };
        let reads = source.reads(&read);
        let fields: Vec<_> =
            order.iter().map(|&at| Arc::clone(&reads.schema.fields()[at])).collect();
        Ok(Self {
            reads,
            filter: predicate,
            reorder: (!straight).then_some(order),
            schema: Arc::new(Schema::new(fields)),
        })
    }
}

/// Moves column `n` of an expression to place `to[n]`.
fn move_columns(expr: Arc<dyn PhysicalExpr>, to: &[usize]) -> Result<Arc<dyn PhysicalExpr>> {
    let width = to.iter().max().map_or(0, |last| last + 1);
    // The inverse of what `renumber` wants: for each new place the old one.
    let mut places = vec![usize::MAX; width];
    for (old, &new) in to.iter().enumerate() {
        places[new] = old;
    }
    renumber(expr, &places)
}

pub(crate) fn single_partition(schema: &SchemaRef) -> Arc<PlanProperties> {
    let properties = PlanProperties::new(
        EquivalenceProperties::new(Arc::clone(schema)),
        Partitioning::UnknownPartitioning(1),
        EmissionType::Final,
        Boundedness::Bounded,
    );
    // One batch and the end: there is nothing to yield between.
    Arc::new(properties.with_scheduling_type(SchedulingType::Cooperative))
}

pub(crate) fn properties(schema: &SchemaRef, partitions: usize) -> Arc<PlanProperties> {
    Arc::new(PlanProperties::new(
        EquivalenceProperties::new(Arc::clone(schema)),
        Partitioning::UnknownPartitioning(partitions),
        EmissionType::Incremental,
        Boundedness::Bounded,
    ))
}

impl DisplayAs for KeyLookupExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyLookupExec: table={}, keys=[", self.oid)?;
        for (at, values) in self.values.iter().enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            write!(f, "{separator}{}", super::joined(values))?;
        }
        write!(f, "]")?;
        match &self.filter {
            Some(filter) => write!(f, ", filter={filter}"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for KeyLookupExec {
    fn name(&self) -> &'static str {
        "KeyLookupExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        super::visit(self.values.iter().flatten().chain(&self.filter), f)
    }

    fn with_new_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        // There is no state: it belongs to the execution.
        Ok(self)
    }

    fn execute(
        &self,
        _partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let bound = Bound::of(&context)?;
        let version = bound.version(self.oid)?;
        let keys = self.keys()?;
        let node = Arc::new(self.clone_for_run());
        let schema = Arc::clone(&self.schema);
        let rows = futures::stream::once(async move {
            let reader = bound.reader();
            if keys.iter().any(|column| column.is_empty()) {
                return Ok(RecordBatch::new_empty(Arc::clone(&node.schema)));
            }
            let found = super::read::find(reader, &version, &node.key, &keys).await;
            let mut addresses = found.map_err(external)?;
            if let (Some(limit), None) = (node.limit, &node.filter) {
                addresses.truncate(limit);
            }
            let batch = super::read::take(reader, &version, &addresses, &node.reads).await;
            node.finish(batch.map_err(external)?)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

impl KeyLookupExec {
    fn clone_for_run(&self) -> Self {
        Self {
            oid: self.oid,
            key: self.key.clone(),
            values: Vec::new(),
            reads: self.reads.clone(),
            filter: self.filter.clone(),
            output: self.output,
            limit: self.limit,
            schema: Arc::clone(&self.schema),
            reorder: self.reorder.clone(),
            properties: Arc::clone(&self.properties),
        }
    }
}

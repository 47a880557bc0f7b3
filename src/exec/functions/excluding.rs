//! Aggregates over window frames that leave out the current row, its peers, or the others of them
//! (PostgreSQL, chapter 4.2.8, `frame_exclusion`), which DataFusion's frames can't say: the rows that
//! are left are aggregated anew for each row.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::compute::{filter, partition};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{
    AccumulatorArgs, PartitionEvaluatorArgs, WindowUDFFieldArgs,
};
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl,
};
use datafusion::physical_expr::PhysicalExpr;

use super::function::{external, internal};

/// What a window's frame leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exclusion {
    /// `EXCLUDE CURRENT ROW`.
    CurrentRow,
    /// `EXCLUDE GROUP`: the current row and its peers.
    Group,
    /// `EXCLUDE TIES`: its peers.
    Ties,
}

/// An aggregate over frames that leave something out; where it is filtered, its last argument is the
/// filter.
pub fn excluding(
    inner: &Arc<AggregateUDF>,
    exclusion: Exclusion,
    filtered: bool,
) -> Arc<WindowUDF> {
    let signature = Signature::user_defined(Volatility::Immutable);
    let inner = Arc::clone(inner);
    Arc::new(WindowUDF::new_from_impl(Excluding { inner, exclusion, filtered, signature }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Excluding {
    inner: Arc<AggregateUDF>,
    exclusion: Exclusion,
    filtered: bool,
    signature: Signature,
}

impl Excluding {
    /// How many of the arguments are the aggregate's.
    fn own<'a, T>(&self, all: &'a [T]) -> &'a [T] {
        &all[..all.len().saturating_sub(usize::from(self.filtered))]
    }
}

impl WindowUDFImpl for Excluding {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let field = |ty: &DataType| Arc::new(Field::new("argument", ty.clone(), true));
        let fields: Vec<FieldRef> = self.own(types).iter().map(field).collect();
        let coerced = fields_with_udf(&fields, self.inner.as_ref())?;
        let mut coerced: Vec<_> = coerced.iter().map(|field| field.data_type().clone()).collect();
        coerced.extend(self.filtered.then_some(DataType::Boolean));
        Ok(coerced)
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        let field = self.inner.return_field(self.own(args.input_fields()))?;
        Ok(Arc::new(field.as_ref().clone().with_name(args.name()).with_nullable(true)))
    }

    fn partition_evaluator(
        &self,
        args: PartitionEvaluatorArgs<'_>,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        let fields = self.own(args.input_fields()).to_vec();
        Ok(Box::new(Evaluator {
            return_field: self.inner.return_field(&fields)?,
            inner: Arc::clone(&self.inner),
            exclusion: self.exclusion,
            filtered: self.filtered,
            ignore_nulls: args.ignore_nulls(),
            exprs: self.own(args.input_exprs()).to_vec(),
            schema: Schema::new(fields.clone()),
            fields,
            peers: Vec::new(),
            next: 0,
        }))
    }
}

/// One partition's rows, which are asked for in order.
#[derive(Debug)]
struct Evaluator {
    inner: Arc<AggregateUDF>,
    exclusion: Exclusion,
    filtered: bool,
    ignore_nulls: bool,
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    fields: Vec<FieldRef>,
    schema: Schema,
    return_field: FieldRef,
    /// The groups of peers, once a row has been asked for.
    peers: Vec<Range<usize>>,
    next: usize,
}

impl Evaluator {
    fn accumulator(&self) -> Result<Box<dyn Accumulator>> {
        self.inner.accumulator(AccumulatorArgs {
            return_field: Arc::clone(&self.return_field),
            schema: &self.schema,
            ignore_nulls: self.ignore_nulls,
            order_bys: &[],
            is_reversed: false,
            name: self.inner.name(),
            is_distinct: false,
            exprs: &self.exprs,
            expr_fields: &self.fields,
        })
    }

    /// The rows of a frame that are left, in order.
    fn left(&self, row: usize, frame: &Range<usize>) -> [Range<usize>; 3] {
        let alone = row..row + 1;
        let found = self.peers.iter().find(|peers| peers.contains(&row));
        let peers = found.cloned().unwrap_or_else(|| frame.clone());
        let (hole, kept) = match self.exclusion {
            Exclusion::CurrentRow => (alone, 0..0),
            Exclusion::Group => (peers, 0..0),
            Exclusion::Ties => (peers, alone),
        };
        let within = |range: Range<usize>| {
            let start = range.start.clamp(frame.start, frame.end);
            start..range.end.clamp(start, frame.end)
        };
        [within(0..hole.start), within(kept), within(hole.end..frame.end.max(hole.end))]
    }
}

impl PartitionEvaluator for Evaluator {
    fn uses_window_frame(&self) -> bool {
        true
    }

    /// The values are the arguments, the filter and the columns that the rows are ordered by.
    fn evaluate(&mut self, values: &[ArrayRef], frame: &Range<usize>) -> Result<ScalarValue> {
        let width = self.fields.len();
        let order = width + usize::from(self.filtered);
        if self.next == 0 && order < values.len() {
            self.peers = partition(&values[order..])?.ranges();
        }
        let row = self.next;
        self.next += 1;
        let mut accumulator = self.accumulator()?;
        for range in self.left(row, frame) {
            if range.is_empty() {
                continue;
            }
            let slice = |array: &ArrayRef| array.slice(range.start, range.len());
            let mut rows: Vec<ArrayRef> = values[..width].iter().map(slice).collect();
            if self.filtered {
                let kept = slice(&values[width]);
                let kept: &BooleanArray =
                    kept.as_boolean_opt().ok_or_else(|| external(internal("a filter")))?;
                let filtered = rows.iter().map(|column| filter(column, kept));
                rows = filtered.collect::<Result<_, _>>()?;
            }
            accumulator.update_batch(&rows)?;
        }
        accumulator.evaluate()
    }
}

//! `avg` of numbers that are not floats: DataFusion's sum and count, and PostgreSQL's division.

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

use super::function::{external, internal};
use super::numeric::{divide, quotient_type};

type Outcome<T> = Result<T, DataFusionError>;

/// The arguments with the types of the two that an average is made of.
fn parts<'a>(args: &AccumulatorArgs<'a>) -> Outcome<(AccumulatorArgs<'a>, AccumulatorArgs<'a>)> {
    let with = |return_field: FieldRef| AccumulatorArgs {
        return_field,
        schema: args.schema,
        ignore_nulls: args.ignore_nulls,
        order_bys: args.order_bys,
        is_reversed: args.is_reversed,
        name: args.name,
        is_distinct: args.is_distinct,
        exprs: args.exprs,
        expr_fields: args.expr_fields,
    };
    let sum = sum_udaf().return_field(args.expr_fields)?;
    let count = count_udaf().return_field(args.expr_fields)?;
    Ok((with(sum), with(count)))
}

/// The state of the sum, then that of the count.
pub(super) fn state_fields(args: &StateFieldsArgs<'_>) -> Outcome<Vec<FieldRef>> {
    let of = |udaf: &datafusion::logical_expr::AggregateUDF, name: String| {
        udaf.state_fields(StateFieldsArgs {
            name: &name,
            input_fields: args.input_fields,
            return_field: udaf.return_field(args.input_fields)?,
            ordering_fields: args.ordering_fields,
            is_distinct: args.is_distinct,
        })
    };
    let mut fields = of(&sum_udaf(), format!("{}[sum]", args.name))?;
    fields.extend(of(&count_udaf(), format!("{}[count]", args.name))?);
    Ok(fields)
}

/// The quotient of a sum and a count; NULL without rows.
fn average(sums: &ArrayRef, counts: &ArrayRef) -> Outcome<ArrayRef> {
    let counts = cast(counts, &DataType::Decimal128(20, 0))?;
    // A sum of nothing is NULL, and so nothing is divided by zero.
    divide(sums, &counts).map_err(external)
}

/// The average of one group.
#[derive(Debug)]
pub(super) struct Average {
    sum: Box<dyn Accumulator>,
    count: Box<dyn Accumulator>,
}

impl Average {
    pub(super) fn new(args: AccumulatorArgs<'_>, sliding: bool) -> Outcome<Self> {
        let (of_sum, of_count) = parts(&args)?;
        let (sum, count) = match sliding {
            true => (
                sum_udaf().create_sliding_accumulator(of_sum)?,
                count_udaf().create_sliding_accumulator(of_count)?,
            ),
            false => (sum_udaf().accumulator(of_sum)?, count_udaf().accumulator(of_count)?),
        };
        Ok(Self { sum, count })
    }
}

impl Accumulator for Average {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Outcome<()> {
        self.sum.update_batch(values)?;
        self.count.update_batch(values)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Outcome<()> {
        self.sum.retract_batch(values)?;
        self.count.retract_batch(values)
    }

    fn supports_retract_batch(&self) -> bool {
        self.sum.supports_retract_batch() && self.count.supports_retract_batch()
    }

    fn evaluate(&mut self) -> Outcome<ScalarValue> {
        let (sum, count) = (self.sum.evaluate()?, self.count.evaluate()?);
        if sum.is_null() {
            return ScalarValue::try_from(&quotient_type());
        }
        let found = average(&sum.to_array()?, &count.to_array()?)?;
        ScalarValue::try_from_array(&found, 0)
    }

    fn size(&self) -> usize {
        self.sum.size() + self.count.size()
    }

    fn state(&mut self) -> Outcome<Vec<ScalarValue>> {
        let mut state = self.sum.state()?;
        state.extend(self.count.state()?);
        Ok(state)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Outcome<()> {
        let (sum, count) = split(states)?;
        self.sum.merge_batch(sum)?;
        self.count.merge_batch(count)
    }
}

/// The averages of many groups.
pub(super) struct GroupAverages {
    sums: Box<dyn GroupsAccumulator>,
    counts: Box<dyn GroupsAccumulator>,
}

impl GroupAverages {
    pub(super) fn new(args: AccumulatorArgs<'_>) -> Outcome<Self> {
        let (of_sum, of_count) = parts(&args)?;
        Ok(Self {
            sums: sum_udaf().create_groups_accumulator(of_sum)?,
            counts: count_udaf().create_groups_accumulator(of_count)?,
        })
    }
}

impl GroupsAccumulator for GroupAverages {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Outcome<()> {
        self.sums.update_batch(values, groups, filter, total)?;
        self.counts.update_batch(values, groups, filter, total)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Outcome<ArrayRef> {
        let sums = self.sums.evaluate(emit_to)?;
        let counts = self.counts.evaluate(emit_to)?;
        average(&sums, &counts)
    }

    fn state(&mut self, emit_to: EmitTo) -> Outcome<Vec<ArrayRef>> {
        let mut state = self.sums.state(emit_to)?;
        state.extend(self.counts.state(emit_to)?);
        Ok(state)
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Outcome<()> {
        let (sums, counts) = split(states)?;
        self.sums.merge_batch(sums, groups, total)?;
        self.counts.merge_batch(counts, groups, total)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Outcome<Vec<ArrayRef>> {
        let mut state = self.sums.convert_to_state(values, filter)?;
        state.extend(self.counts.convert_to_state(values, filter)?);
        Ok(state)
    }

    fn size(&self) -> usize {
        self.sums.size() + self.counts.size()
    }
}

/// The state of the sum has one column, that of the count the others.
fn split(states: &[ArrayRef]) -> Outcome<(&[ArrayRef], &[ArrayRef])> {
    states
        .split_at_checked(1)
        .filter(|(_, rest)| !rest.is_empty())
        .ok_or_else(|| external(internal("the state of an average")))
}

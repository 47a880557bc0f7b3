//! `avg` and `sum`: of vectors of any kind, of intervals, of numbers with PostgreSQL's types (`sum(bigint)` is `numeric` and
//! does not wrap around, `avg(integer)` is `numeric`), and DataFusion's own for everything else.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::functions_aggregate::{average::avg_udaf, sum::sum_udaf};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, GroupsAccumulator, ReversedUDAF,
    SetMonotonicity, Signature, Volatility,
};

use super::average::{self, Average, GroupAverages};
use super::function::{external, internal};
use super::interval_aggregate::{self, INTERVAL, Intervals};
use super::numeric::quotient_type;
use super::vector_operand::{Family, Operand, Output};
use super::widened::{Widened, WidenedGroups};
use crate::base::{SqlError, SqlState};
use crate::types::{PgType, dimensions_differ};

type Outcome<T> = Result<T, DataFusionError>;

/// The aggregates of this family.
pub(super) fn all() -> Vec<Arc<AggregateUDF>> {
    let over = |what, other| Arc::new(AggregateUDF::new_from_impl(VectorsToo::new(what, other)));
    vec![over(What::Average, avg_udaf()), over(What::Sum, sum_udaf())]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Average,
    Sum,
}

/// An aggregate over vectors that hands all else to DataFusion's of the same name.
#[derive(Debug)]
struct VectorsToo {
    what: What,
    other: Arc<AggregateUDF>,
    signature: Signature,
}

impl PartialEq for VectorsToo {
    fn eq(&self, other: &Self) -> bool {
        self.what == other.what
    }
}

impl Eq for VectorsToo {}

impl Hash for VectorsToo {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.other.name().hash(state);
    }
}

fn is_vector(ty: &DataType) -> bool {
    matches!(PgType::of(ty), PgType::Vector(_) | PgType::Halfvec(_))
}

fn any_vector(fields: &[FieldRef]) -> bool {
    fields.first().is_some_and(|field| is_vector(field.data_type()))
}

impl VectorsToo {
    fn new(what: What, other: Arc<AggregateUDF>) -> Self {
        Self { what, other, signature: Signature::user_defined(Volatility::Immutable) }
    }

    /// Whether this is the average of numbers that are not floats.
    fn is_exact_average(&self, ty: &DataType) -> bool {
        self.what == What::Average
            && (ty.is_integer()
                || matches!(ty, DataType::Decimal128(..) | DataType::Decimal256(..)))
    }

    fn of_intervals(fields: &[FieldRef]) -> bool {
        matches!(fields, [field] if *field.data_type() == INTERVAL)
    }

    fn averages(&self, fields: &[FieldRef]) -> bool {
        matches!(fields, [field] if self.is_exact_average(field.data_type()))
    }

    /// Whether this is the sum of integers that add up to a `bigint`.
    fn is_narrow_sum(&self, ty: &DataType) -> bool {
        self.what == What::Sum && matches!(ty, DataType::Int16 | DataType::Int32)
    }

    fn widens(&self, fields: &[FieldRef]) -> bool {
        matches!(fields, [field] if self.is_narrow_sum(field.data_type()))
    }

    /// The type in which numbers are added up where it is not their own: a sum of `bigint`s may
    /// be larger than they are.
    fn exact(&self, ty: &DataType) -> Option<DataType> {
        let wide = DataType::Decimal128(20, 0);
        match (self.what, ty) {
            (What::Sum, DataType::Int64 | DataType::UInt64) => Some(wide),
            (What::Sum, DataType::Int16 | DataType::Int32) => Some(ty.clone()),
            (What::Average, ty) if ty.is_integer() => Some(wide),
            (What::Average, DataType::Decimal128(..) | DataType::Decimal256(..)) => {
                Some(ty.clone())
            }
            _ => None,
        }
    }
}

impl AggregateUDFImpl for VectorsToo {
    fn name(&self) -> &str {
        self.other.name()
    }

    fn aliases(&self) -> &[String] {
        self.other.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Outcome<DataType> {
        match types {
            [vector] if is_vector(vector) => Ok(vector.clone()),
            [interval] if *interval == INTERVAL => Ok(INTERVAL),
            [number] if self.is_exact_average(number) => Ok(quotient_type()),
            [number] if self.is_narrow_sum(number) => Ok(DataType::Int64),
            types => self.other.return_type(types),
        }
    }

    fn return_field(&self, fields: &[FieldRef]) -> Outcome<FieldRef> {
        match fields {
            [vector] if is_vector(vector.data_type()) => {
                Ok(Arc::new(PgType::of(vector.data_type()).field(self.name(), true)))
            }
            [interval] if *interval.data_type() == INTERVAL => {
                Ok(Arc::new(Field::new(self.name(), INTERVAL, true)))
            }
            [number] if self.is_exact_average(number.data_type()) => {
                Ok(Arc::new(Field::new(self.name(), quotient_type(), true)))
            }
            [number] if self.is_narrow_sum(number.data_type()) => {
                Ok(Arc::new(Field::new(self.name(), DataType::Int64, true)))
            }
            fields => self.other.return_field(fields),
        }
    }

    fn is_nullable(&self) -> bool {
        true
    }

    fn coerce_types(&self, types: &[DataType]) -> Outcome<Vec<DataType>> {
        if let [value] = types
            && (is_vector(value) || *value == INTERVAL)
        {
            return Ok(types.to_vec());
        }
        if let [number] = types
            && let Some(exact) = self.exact(number)
        {
            return Ok(vec![exact]);
        }
        let field = |ty: &DataType| Arc::new(Field::new("", ty.clone(), true));
        let fields: Vec<FieldRef> = types.iter().map(field).collect();
        let coerced = fields_with_udf(&fields, self.other.as_ref())?;
        Ok(coerced.iter().map(|field| field.data_type().clone()).collect())
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Outcome<Box<dyn Accumulator>> {
        if self.averages(args.expr_fields) {
            return Ok(Box::new(Average::new(args, false)?));
        }
        if self.widens(args.expr_fields) {
            return Ok(Box::new(Widened(self.other.accumulator(args)?)));
        }
        if Self::of_intervals(args.expr_fields) && !args.is_distinct {
            return Ok(Box::new(Intervals::new(self.what == What::Average)));
        }
        if !any_vector(args.expr_fields) {
            return self.other.accumulator(args);
        }
        if args.is_distinct {
            let message = format!("{}(DISTINCT vector) is not supported", self.name());
            return Err(external(SqlError::unsupported(message)));
        }
        let ty = PgType::of(args.return_type());
        Ok(Box::new(Sums { what: self.what, ty, sums: Vec::new(), count: 0 }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Outcome<Vec<FieldRef>> {
        if self.averages(args.input_fields) {
            return average::state_fields(&args);
        }
        if Self::of_intervals(args.input_fields) {
            return Ok(interval_aggregate::state_fields(args.name));
        }
        if !any_vector(args.input_fields) {
            return self.other.state_fields(args);
        }
        let sums = Field::new_list_field(DataType::Float64, true);
        Ok(vec![
            Arc::new(Field::new(
                format!("{}[sums]", args.name),
                DataType::List(Arc::new(sums)),
                true,
            )),
            Arc::new(Field::new(format!("{}[count]", args.name), DataType::Int64, true)),
        ])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        if self.averages(args.expr_fields) {
            return !args.is_distinct;
        }
        !any_vector(args.expr_fields)
            && !Self::of_intervals(args.expr_fields)
            && self.other.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Outcome<Box<dyn GroupsAccumulator>> {
        if self.averages(args.expr_fields) {
            return Ok(Box::new(GroupAverages::new(args)?));
        }
        if self.widens(args.expr_fields) {
            return Ok(Box::new(WidenedGroups(self.other.create_groups_accumulator(args)?)));
        }
        self.other.create_groups_accumulator(args)
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Outcome<Box<dyn Accumulator>> {
        if any_vector(args.expr_fields) || Self::of_intervals(args.expr_fields) {
            return self.accumulator(args);
        }
        if self.averages(args.expr_fields) {
            return Ok(Box::new(Average::new(args, true)?));
        }
        if self.widens(args.expr_fields) {
            return Ok(Box::new(Widened(self.other.create_sliding_accumulator(args)?)));
        }
        self.other.create_sliding_accumulator(args)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.other.order_sensitivity()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn default_value(&self, ty: &DataType) -> Outcome<ScalarValue> {
        ScalarValue::try_from(ty)
    }

    fn set_monotonicity(&self, ty: &DataType) -> SetMonotonicity {
        if is_vector(ty) {
            return SetMonotonicity::NotMonotonic;
        }
        self.other.inner().set_monotonicity(ty)
    }
}

/// Sums by element in 64 bits, and how many vectors were added.
#[derive(Debug)]
struct Sums {
    what: What,
    ty: PgType,
    sums: Vec<f64>,
    count: i64,
}

impl Sums {
    fn family(&self) -> Family {
        Family::of(std::slice::from_ref(&self.ty))
    }

    fn add(&mut self, elements: impl ExactSizeIterator<Item = f64>, count: i64) -> Outcome<()> {
        if self.count == 0 {
            self.sums.clear();
            self.sums.extend(elements);
        } else if elements.len() == self.sums.len() {
            self.sums.iter_mut().zip(elements).for_each(|(sum, element)| *sum += element);
        } else {
            return Err(external(dimensions_differ(self.sums.len(), elements.len())));
        }
        self.count += count;
        Ok(())
    }
}

impl Accumulator for Sums {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Outcome<()> {
        let column = ColumnarValue::Array(Arc::clone(&values[0]));
        let operand = Operand::new(&column, self.family()).map_err(external)?;
        for row in 0..values[0].len() {
            if let Some(vector) = operand.get(row) {
                self.add(vector.iter().map(|element| f64::from(*element)), 1)?;
            }
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "rows are fewer than 2^53")]
    #[expect(clippy::cast_possible_truncation, reason = "overflow is looked for")]
    fn evaluate(&mut self) -> Outcome<ScalarValue> {
        if self.count == 0 {
            return ScalarValue::try_from(&self.ty.arrow());
        }
        let divisor = if self.what == What::Average { self.count as f64 } else { 1.0 };
        let family = self.family();
        let elements = self.sums.iter().map(|sum| family.nearest((sum / divisor) as f32));
        if elements.clone().any(f32::is_infinite) {
            return Err(external(SqlError::new(
                SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                "value out of range: overflow",
            )));
        }
        let mut output = Output::new(&self.ty, 1);
        output.push(elements).map_err(external)?;
        ScalarValue::try_from_array(&output.finish(), 0)
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.sums.capacity() * size_of::<f64>()
    }

    fn state(&mut self) -> Outcome<Vec<ScalarValue>> {
        let sums: Vec<ScalarValue> =
            self.sums.iter().map(|sum| ScalarValue::Float64(Some(*sum))).collect();
        let list = ScalarValue::new_list(&sums, &DataType::Float64, true);
        Ok(vec![ScalarValue::List(list), ScalarValue::Int64(Some(self.count))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Outcome<()> {
        let (lists, counts) = (states[0].as_list::<i32>(), states[1].as_primitive::<Int64Type>());
        for row in 0..lists.len() {
            let count = counts.value(row);
            if count > 0 && !lists.is_null(row) {
                let sums = lists.value(row);
                let sums = sums
                    .as_primitive_opt::<Float64Type>()
                    .ok_or_else(|| external(internal("state of a vector aggregate")))?;
                self.add(sums.values().iter().copied(), count)?;
            }
        }
        Ok(())
    }
}

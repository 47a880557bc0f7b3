//! `bit_and`, `bit_or` and `bit_xor` of bit strings, and DataFusion's own of integers.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::functions_aggregate::bit_and_or_xor::{bit_and_udaf, bit_or_udaf, bit_xor_udaf};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, Signature,
    Volatility,
};

use super::bit_string::different_sizes;
use super::function::external;
use crate::types::{BitString, PgType};

type Outcome<T> = Result<T, DataFusionError>;

/// The aggregates of this family.
pub(super) fn all() -> Vec<Arc<AggregateUDF>> {
    let over = |name, merge: Merge, other| {
        Arc::new(AggregateUDF::new_from_impl(BitsToo::new(name, merge, other)))
    };
    vec![
        over("AND", |a, b| a & b, bit_and_udaf()),
        over("OR", |a, b| a | b, bit_or_udaf()),
        over("XOR", |a, b| a ^ b, bit_xor_udaf()),
    ]
}

type Merge = fn(u64, u64) -> u64;

/// An aggregate over bit strings that hands all else to DataFusion's of the same name.
#[derive(Debug)]
struct BitsToo {
    /// What errors call it.
    operation: &'static str,
    merge: Merge,
    other: Arc<AggregateUDF>,
    signature: Signature,
}

impl PartialEq for BitsToo {
    fn eq(&self, other: &Self) -> bool {
        self.operation == other.operation
    }
}

impl Eq for BitsToo {}

impl Hash for BitsToo {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.operation.hash(state);
    }
}

fn is_bits(ty: &DataType) -> bool {
    PgType::of(ty).is_bits()
}

fn any_bits(fields: &[FieldRef]) -> bool {
    fields.first().is_some_and(|field| is_bits(field.data_type()))
}

impl BitsToo {
    fn new(operation: &'static str, merge: Merge, other: Arc<AggregateUDF>) -> Self {
        let signature = Signature::user_defined(Volatility::Immutable);
        Self { operation, merge, other, signature }
    }
}

impl AggregateUDFImpl for BitsToo {
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
            [bits] if is_bits(bits) => Ok(bits.clone()),
            types => self.other.return_type(types),
        }
    }

    fn return_field(&self, fields: &[FieldRef]) -> Outcome<FieldRef> {
        match any_bits(fields) {
            true => Ok(Arc::new(PgType::Bit(None).field(self.name(), true))),
            false => self.other.return_field(fields),
        }
    }

    fn is_nullable(&self) -> bool {
        true
    }

    fn coerce_types(&self, types: &[DataType]) -> Outcome<Vec<DataType>> {
        if let [bits] = types
            && is_bits(bits)
        {
            return Ok(types.to_vec());
        }
        let field = |ty: &DataType| Arc::new(Field::new("", ty.clone(), true));
        let fields: Vec<FieldRef> = types.iter().map(field).collect();
        let coerced = fields_with_udf(&fields, self.other.as_ref())?;
        Ok(coerced.iter().map(|field| field.data_type().clone()).collect())
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Outcome<Box<dyn Accumulator>> {
        if !any_bits(args.expr_fields) {
            return self.other.accumulator(args);
        }
        // Twice the same one cancels out in XOR only, so that DISTINCT needs no set otherwise.
        if args.is_distinct && self.operation == "XOR" {
            let message = "bit_xor(DISTINCT bit) is not supported";
            return Err(external(crate::base::SqlError::unsupported(message)));
        }
        Ok(Box::new(Merged { operation: self.operation, merge: self.merge, bits: None }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Outcome<Vec<FieldRef>> {
        if !any_bits(args.input_fields) {
            return self.other.state_fields(args);
        }
        let name = format!("{}[bits]", args.name);
        Ok(vec![Arc::new(Field::new(name, DataType::LargeBinary, true))])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !any_bits(args.expr_fields) && self.other.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Outcome<Box<dyn GroupsAccumulator>> {
        self.other.create_groups_accumulator(args)
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Outcome<Box<dyn Accumulator>> {
        match any_bits(args.expr_fields) {
            true => self.accumulator(args),
            false => self.other.create_sliding_accumulator(args),
        }
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
}

/// The bit strings so far, merged.
#[derive(Debug)]
struct Merged {
    operation: &'static str,
    merge: Merge,
    bits: Option<BitString>,
}

impl Merged {
    fn add(&mut self, column: &ArrayRef) -> Outcome<()> {
        for stored in column.as_binary::<i64>().iter().flatten() {
            let bits = BitString::of(stored);
            self.bits = Some(match self.bits.take() {
                None => bits,
                Some(merged) if merged.len() == bits.len() => merged.merged(&bits, self.merge),
                Some(_) => return Err(external(different_sizes(self.operation))),
            });
        }
        Ok(())
    }
}

impl Accumulator for Merged {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Outcome<()> {
        self.add(&values[0])
    }

    fn evaluate(&mut self) -> Outcome<ScalarValue> {
        Ok(ScalarValue::LargeBinary(self.bits.as_ref().map(BitString::stored)))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.bits.as_ref().map_or(0, |bits| bits.len().div_ceil(8))
    }

    fn state(&mut self) -> Outcome<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Outcome<()> {
        self.add(&states[0])
    }
}

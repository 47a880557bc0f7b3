//! `array_agg`: DataFusion's, whose result is an array of the argument's own type. `name`, `jsonb` and their like are
//! plain text to Arrow, and so would be their arrays.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::DataFusionError;
use datafusion::functions_aggregate::array_agg::array_agg_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, Signature,
};

use crate::types::PgType;

type Outcome<T> = Result<T, DataFusionError>;

/// The aggregate of this family.
pub(super) fn all() -> Vec<Arc<AggregateUDF>> {
    vec![aggregate()]
}

fn aggregate() -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::new_from_impl(ArrayAggregate { inner: array_agg_udaf() }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ArrayAggregate {
    inner: Arc<AggregateUDF>,
}

impl AggregateUDFImpl for ArrayAggregate {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Outcome<DataType> {
        self.inner.return_type(types)
    }

    fn return_field(&self, fields: &[FieldRef]) -> Outcome<FieldRef> {
        let types: Vec<DataType> = fields.iter().map(|field| field.data_type().clone()).collect();
        let plain = Field::new(self.name(), self.return_type(&types)?, true);
        let element = fields.first().map(|field| PgType::of_field(field));
        let element = element.filter(|ty| ty.element().is_none() && ty.array().oid().0 != 0);
        Ok(Arc::new(match element {
            Some(element) if element != PgType::Record => element.bare().array().mark(plain),
            _ => plain,
        }))
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Outcome<Box<dyn Accumulator>> {
        self.inner.accumulator(args)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Outcome<Vec<FieldRef>> {
        self.inner.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Outcome<Box<dyn GroupsAccumulator>> {
        self.inner.create_groups_accumulator(args)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn with_beneficial_ordering(
        self: Arc<Self>,
        beneficial: bool,
    ) -> Outcome<Option<Arc<dyn AggregateUDFImpl>>> {
        let inner = self.inner.as_ref().clone().with_beneficial_ordering(beneficial)?;
        let ours =
            |inner| -> Arc<dyn AggregateUDFImpl> { Arc::new(Self { inner: Arc::new(inner) }) };
        Ok(inner.map(ours))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Reversed(aggregate())
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.inner.supports_null_handling_clause()
    }
}

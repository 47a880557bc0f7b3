//! Ordered-set aggregates that DataFusion lacks: `mode()` and `percentile_disc(fraction)`, both
//! `WITHIN GROUP (ORDER BY value)`. The value comes first of the arguments; NULLs don't count.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{SortOptions, cast, concat, is_not_null, sort};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
};

use super::function::{external, internal};
use crate::base::{SqlError, SqlState};

type Outcome<T> = Result<T, DataFusionError>;

/// The aggregates of this family.
pub(super) fn all() -> Vec<Arc<AggregateUDF>> {
    let of = |name, arguments| {
        let signature = Signature::any(arguments, Volatility::Immutable);
        Arc::new(AggregateUDF::new_from_impl(OrderedSet { name, signature }))
    };
    vec![of(MODE, 1), of(PERCENTILE, 2)]
}

const MODE: &str = "mode";
const PERCENTILE: &str = "percentile_disc";

#[derive(Debug, PartialEq, Eq, Hash)]
struct OrderedSet {
    name: &'static str,
    signature: Signature,
}

impl AggregateUDFImpl for OrderedSet {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Outcome<DataType> {
        types.first().cloned().ok_or_else(|| external(internal("a value to order by")))
    }

    fn return_field(&self, fields: &[FieldRef]) -> Outcome<FieldRef> {
        let field = fields.first().ok_or_else(|| external(internal("a value to order by")))?;
        Ok(Arc::new(field.as_ref().clone().with_name(self.name).with_nullable(true)))
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Outcome<Box<dyn Accumulator>> {
        let descending = args.order_bys.first().is_some_and(|order| order.options.descending);
        Ok(Box::new(Ordered {
            ty: args.return_type().clone(),
            values: Vec::new(),
            fraction: None,
            percentile: self.name == PERCENTILE,
            descending,
        }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Outcome<Vec<FieldRef>> {
        let item = Field::new_list_field(args.return_field.data_type().clone(), true);
        let values = DataType::List(Arc::new(item));
        let values = Field::new(format!("{}[values]", args.name), values, true);
        let fraction = Field::new(format!("{}[fraction]", args.name), DataType::Float64, true);
        Ok(vec![Arc::new(values), Arc::new(fraction)])
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn supports_within_group_clause(&self) -> bool {
        true
    }
}

/// The values of a group.
#[derive(Debug)]
struct Ordered {
    ty: DataType,
    values: Vec<ArrayRef>,
    fraction: Option<f64>,
    percentile: bool,
    descending: bool,
}

impl Ordered {
    fn take(&mut self, values: &ArrayRef) -> Outcome<()> {
        let values = arrow::compute::filter(values, &is_not_null(values)?)?;
        if !values.is_empty() {
            self.values.push(values);
        }
        Ok(())
    }

    /// All values in order.
    fn sorted(&self) -> Outcome<ArrayRef> {
        let parts: Vec<&dyn Array> = self.values.iter().map(AsRef::as_ref).collect();
        let options = SortOptions { descending: self.descending, nulls_first: false };
        Ok(sort(&concat(&parts)?, Some(options))?)
    }

    /// The place of a percentile among so many values; none where the fraction is NULL.
    fn place(&self, count: usize) -> Outcome<Option<usize>> {
        let Some(fraction) = self.fraction else { return Ok(None) };
        if !(0.0..=1.0).contains(&fraction) {
            let message = format!("percentile value {fraction} is not between 0 and 1");
            return Err(external(SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a number of rows"
        )]
        let row = (fraction * count as f64).ceil() as usize;
        Ok(Some(row.max(1).min(count) - 1))
    }
}

/// The first of the most frequent values of an ordered array.
fn most_frequent(sorted: &ArrayRef) -> Outcome<usize> {
    let ranges = arrow::compute::partition(std::slice::from_ref(sorted))?.ranges();
    let longest = ranges.into_iter().rev().max_by_key(|range| range.len());
    Ok(longest.map_or(0, |range| range.start))
}

impl Accumulator for Ordered {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Outcome<()> {
        let column = values.first().ok_or_else(|| external(internal("a value to order by")))?;
        if let Some(fractions) = values.get(1).filter(|_| self.fraction.is_none()) {
            let fractions = cast(fractions, &DataType::Float64)?;
            self.fraction = fractions.as_primitive::<Float64Type>().iter().flatten().next();
        }
        self.take(column)
    }

    fn evaluate(&mut self) -> Outcome<ScalarValue> {
        if self.values.is_empty() {
            return ScalarValue::try_from(&self.ty);
        }
        let sorted = self.sorted()?;
        let place = match self.percentile {
            true => self.place(sorted.len())?,
            false => Some(most_frequent(&sorted)?),
        };
        match place {
            Some(place) => ScalarValue::try_from_array(&sorted, place),
            None => ScalarValue::try_from(&self.ty),
        }
    }

    fn size(&self) -> usize {
        let values: usize = self.values.iter().map(|values| values.get_array_memory_size()).sum();
        size_of::<Self>() + values
    }

    fn state(&mut self) -> Outcome<Vec<ScalarValue>> {
        let all = match self.values.is_empty() {
            true => arrow::array::new_empty_array(&self.ty),
            false => {
                let parts: Vec<&dyn Array> = self.values.iter().map(AsRef::as_ref).collect();
                concat(&parts)?
            }
        };
        let list = SingleRowListArrayBuilder::new(all).with_nullable(true).build_list_scalar();
        Ok(vec![list, ScalarValue::Float64(self.fraction)])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Outcome<()> {
        let [values, fractions] = states else {
            return Err(external(internal("two columns of state")));
        };
        if self.fraction.is_none() {
            self.fraction = fractions.as_primitive::<Float64Type>().iter().flatten().next();
        }
        for values in values.as_list::<i32>().iter().flatten() {
            self.take(&values)?;
        }
        Ok(())
    }
}

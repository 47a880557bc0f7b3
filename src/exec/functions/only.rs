//! The aggregate behind a correlated subquery that is used as a value: the only value of its
//! rows, NULL without rows, an error with more than one.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
};

use super::function::{external, internal};
use crate::base::{SqlError, SqlState};

type Outcome<T> = Result<T, DataFusionError>;

/// The aggregate of this family.
pub(super) fn all() -> Vec<Arc<AggregateUDF>> {
    let signature = Signature::any(1, Volatility::Immutable);
    vec![Arc::new(AggregateUDF::new_from_impl(Only { signature }))]
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Only {
    signature: Signature,
}

impl AggregateUDFImpl for Only {
    fn name(&self) -> &'static str {
        "redkite_only"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Outcome<DataType> {
        types.first().cloned().ok_or_else(|| external(internal("one argument")))
    }

    fn return_field(&self, fields: &[FieldRef]) -> Outcome<FieldRef> {
        let field = fields.first().ok_or_else(|| external(internal("one argument")))?;
        Ok(Arc::new(field.as_ref().clone().with_name(self.name()).with_nullable(true)))
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Outcome<Box<dyn Accumulator>> {
        let value = ScalarValue::try_from(args.return_type())?;
        Ok(Box::new(Single { value, rows: 0 }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Outcome<Vec<FieldRef>> {
        let value = args.return_field.as_ref().clone().with_name(format!("{}[value]", args.name));
        let rows = Field::new(format!("{}[rows]", args.name), DataType::Int64, true);
        Ok(vec![Arc::new(value.with_nullable(true)), Arc::new(rows)])
    }
}

#[derive(Debug)]
struct Single {
    value: ScalarValue,
    rows: i64,
}

impl Single {
    fn take(&mut self, value: ScalarValue, rows: i64) -> Outcome<()> {
        self.rows += rows;
        if self.rows > 1 {
            let message = "more than one row returned by a subquery used as an expression";
            return Err(external(SqlError::new(SqlState::CARDINALITY_VIOLATION, message)));
        }
        self.value = value;
        Ok(())
    }
}

impl Accumulator for Single {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Outcome<()> {
        let column = values.first().ok_or_else(|| external(internal("one argument")))?;
        match column.len() {
            0 => Ok(()),
            rows => {
                let rows = i64::try_from(rows).unwrap_or(i64::MAX);
                self.take(ScalarValue::try_from_array(column, 0)?, rows)
            }
        }
    }

    fn evaluate(&mut self) -> Outcome<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.value.size()
    }

    fn state(&mut self) -> Outcome<Vec<ScalarValue>> {
        Ok(vec![self.value.clone(), ScalarValue::Int64(Some(self.rows))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Outcome<()> {
        let [values, rows] = states else { return Err(external(internal("two columns of state"))) };
        let rows = rows.as_primitive::<Int64Type>();
        for row in 0..values.len() {
            if rows.value(row) > 0 {
                self.take(ScalarValue::try_from_array(values, row)?, rows.value(row))?;
            }
        }
        Ok(())
    }
}

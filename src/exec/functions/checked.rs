//! Integer arithmetic that overflows as in PostgreSQL: 22003, not a wrong number; and 22012.

use std::sync::Arc;

use arrow::array::{ArrayRef, Datum};
use arrow::compute::cast;
use arrow::compute::kernels::numeric::{add, div, mul, neg, rem, sub};
use arrow::datatypes::{DataType, FieldRef};
use arrow::error::ArrowError;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::function::{external, internal, result, undefined};
use crate::base::{Result, SqlError, SqlState};
use crate::types::PgType;

/// The functions of this family: `checked_add`, `checked_sub`, `checked_mul`, `checked_div`,
/// `checked_mod` and `checked_neg`, for integers of any width; of two, the wider one counts.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let operations = [
        ("checked_add", Operation::Add),
        ("checked_sub", Operation::Subtract),
        ("checked_mul", Operation::Multiply),
        ("checked_div", Operation::Divide),
        ("checked_mod", Operation::Remainder),
        ("checked_neg", Operation::Negate),
    ];
    let build = |(name, operation)| {
        let signature = Signature::user_defined(Volatility::Immutable);
        let function = ScalarUDF::new_from_impl(Checked { name, operation, signature });
        // PostgreSQL's own name of the operator `%`.
        let aliases = (operation == Operation::Remainder).then_some("mod");
        Arc::new(function.with_aliases(aliases))
    };
    operations.into_iter().map(build).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Negate,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    name: &'static str,
    operation: Operation,
    signature: Signature,
}

impl Operation {
    fn apply(self, left: &dyn Datum, right: &dyn Datum) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Add => add(left, right),
            Self::Subtract => sub(left, right),
            Self::Multiply => mul(left, right),
            Self::Divide => div(left, right),
            Self::Remainder => rem(left, right),
            Self::Negate => neg(left.get().0),
        }
    }
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>, DataFusionError> {
        let width = |ty: &DataType| match ty {
            DataType::Null => Some(0),
            DataType::Int8 | DataType::UInt8 | DataType::Int16 => Some(2),
            DataType::UInt16 | DataType::Int32 => Some(4),
            DataType::UInt32 | DataType::Int64 | DataType::UInt64 => Some(8),
            _ => None,
        };
        let widths: Option<Vec<i32>> = types.iter().map(width).collect();
        let count = if self.operation == Operation::Negate { 1 } else { 2 };
        let widest = widths.and_then(|widths| widths.into_iter().max());
        let ty = match widest {
            Some(2) => DataType::Int16,
            Some(0 | 4) => DataType::Int32,
            Some(8) => DataType::Int64,
            _ => return Err(external(undefined(self.name, types))),
        };
        if types.len() == count {
            Ok(vec![ty; count])
        } else {
            Err(external(undefined(self.name, types)))
        }
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType, DataFusionError> {
        types.first().cloned().ok_or_else(|| external(undefined(self.name, types)))
    }

    fn return_field_from_args(
        &self,
        args: ReturnFieldArgs<'_>,
    ) -> Result<FieldRef, DataFusionError> {
        let types: Vec<DataType> =
            args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        let ty = PgType::of(&self.return_type(&types)?);
        Ok(Arc::new(ty.field(self.name, nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let (Some(left), Some(right)) = (args.args.first(), args.args.last()) else {
            return Err(external(super::vector_distance::wrong_count()));
        };
        if let [ColumnarValue::Scalar(value), _] | [_, ColumnarValue::Scalar(value)] =
            args.args.as_slice()
            && value.is_null()
        {
            return ScalarValue::try_from(args.return_type()).map(ColumnarValue::Scalar);
        }
        let (left, right) = (datum(left)?, datum(right)?);
        let scalar = left.get().1 && right.get().1;
        let computed = self.operation.apply(left.as_ref(), right.as_ref());
        let computed = computed.or_else(|error| match (self.operation, error) {
            // The lowest number modulo -1 overflows the division, though its remainder is zero.
            (Operation::Remainder, ArrowError::ArithmeticOverflow(_)) => {
                remainder(left.as_ref(), right.as_ref())
            }
            (_, error) => Err(error),
        });
        let ty = PgType::of(args.return_type());
        let computed = computed.map_err(|error| external(refusal(&ty, &error)))?;
        result(computed, scalar).map_err(external)
    }
}

fn datum(value: &ColumnarValue) -> Result<Box<dyn Datum>, DataFusionError> {
    Ok(match value {
        ColumnarValue::Array(array) => Box::new(Arc::clone(array)),
        ColumnarValue::Scalar(value) => Box::new(value.to_scalar()?),
    })
}

/// The remainder as `a - a / b * b`, wrapping where the quotient overflows.
fn remainder(left: &dyn Datum, right: &dyn Datum) -> Result<ArrayRef, ArrowError> {
    let wide = |datum: &dyn Datum| {
        let (array, scalar) = datum.get();
        let array = cast(array, &DataType::Decimal128(38, 0))?;
        let datum: Box<dyn Datum> =
            if scalar { Box::new(arrow::array::Scalar::new(array)) } else { Box::new(array) };
        Ok::<_, ArrowError>(datum)
    };
    let remainder = rem(wide(left)?.as_ref(), wide(right)?.as_ref())?;
    cast(&remainder, left.get().0.data_type())
}

fn refusal(ty: &PgType, error: &ArrowError) -> SqlError {
    match error {
        ArrowError::DivideByZero => SqlError::new(SqlState::DIVISION_BY_ZERO, "division by zero"),
        ArrowError::ArithmeticOverflow(_) => out_of_range(ty),
        other => internal(other),
    }
}

/// `integer out of range`.
pub(super) fn out_of_range(ty: &PgType) -> SqlError {
    SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{} out of range", ty.sql_name()))
}

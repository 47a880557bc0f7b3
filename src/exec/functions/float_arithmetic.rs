//! Arithmetic of floats that reports what leaves their range, as PostgreSQL does: 22003 for an infinite
//! result of finite operands or a zero of others, 22012 for a division by zero.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, Datum, PrimitiveArray, Scalar};
use arrow::compute::kernels::numeric::{add, div, mul, sub};
use arrow::datatypes::{DataType, FieldRef, Float32Type, Float64Type};
use arrow::error::ArrowError;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::function::{external, internal, result, undefined};
use crate::base::{Result, SqlError, SqlState};
use crate::types::PgType;

/// The functions of this family: `float_add`, `float_sub`, `float_mul`, `float_div`. Two `real` give a
/// `real`, anything else a `double precision`.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let operations = [
        ("float_add", Operation::Add),
        ("float_sub", Operation::Subtract),
        ("float_mul", Operation::Multiply),
        ("float_div", Operation::Divide),
    ];
    let build = |(name, operation)| {
        let signature = Signature::user_defined(Volatility::Immutable);
        Arc::new(ScalarUDF::new_from_impl(FloatArithmetic { name, operation, signature }))
    };
    operations.into_iter().map(build).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct FloatArithmetic {
    name: &'static str,
    operation: Operation,
    signature: Signature,
}

impl ScalarUDFImpl for FloatArithmetic {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>, DataFusionError> {
        let numbers = types.iter().all(|ty| ty.is_numeric() || ty.is_null());
        if types.len() != 2 || !numbers {
            return Err(external(undefined(self.name, types)));
        }
        let real = |ty: &DataType| matches!(ty, DataType::Float32 | DataType::Null);
        let ty = if types.iter().all(real) { DataType::Float32 } else { DataType::Float64 };
        Ok(vec![ty.clone(), ty])
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
        let [left, right] = args.args.as_slice() else {
            return Err(external(super::vector_distance::wrong_count()));
        };
        let is_null = |value: &ColumnarValue| matches!(value, ColumnarValue::Scalar(value) if value.is_null());
        if is_null(left) || is_null(right) {
            return ScalarValue::try_from(args.return_type()).map(ColumnarValue::Scalar);
        }
        let (left, right) = (Operand::new(left)?, Operand::new(right)?);
        let found = match args.return_type() {
            DataType::Float32 => self.compute::<Float32Type>(&left, &right),
            _ => self.compute::<Float64Type>(&left, &right),
        };
        result(found.map_err(external)?, left.scalar && right.scalar).map_err(external)
    }
}

/// A column, or one value for all rows.
struct Operand {
    array: ArrayRef,
    scalar: bool,
}

impl Operand {
    fn new(value: &ColumnarValue) -> Result<Self, DataFusionError> {
        Ok(match value {
            ColumnarValue::Array(array) => Self { array: Arc::clone(array), scalar: false },
            ColumnarValue::Scalar(value) => Self { array: value.to_array()?, scalar: true },
        })
    }

    fn datum(&self) -> Box<dyn Datum> {
        match self.scalar {
            true => Box::new(Scalar::new(Arc::clone(&self.array))),
            false => Box::new(Arc::clone(&self.array)),
        }
    }

    fn value<T: ArrowPrimitiveType>(&self, row: usize) -> f64
    where
        T::Native: Into<f64>,
    {
        let values: &PrimitiveArray<T> = self.array.as_primitive();
        values.value(if self.scalar { 0 } else { row }).into()
    }
}

impl FloatArithmetic {
    fn compute<T: ArrowPrimitiveType>(&self, left: &Operand, right: &Operand) -> Result<ArrayRef>
    where
        T::Native: Into<f64>,
    {
        let (l, r) = (left.datum(), right.datum());
        let computed: std::result::Result<ArrayRef, ArrowError> = match self.operation {
            Operation::Add => add(l.as_ref(), r.as_ref()),
            Operation::Subtract => sub(l.as_ref(), r.as_ref()),
            Operation::Multiply => mul(l.as_ref(), r.as_ref()),
            Operation::Divide => div(l.as_ref(), r.as_ref()),
        };
        let computed = computed.map_err(internal)?;
        let values: &PrimitiveArray<T> = computed.as_primitive();
        // Nearly always nothing is to be reported: the exact look is for the few others.
        for (row, value) in values.values().iter().enumerate() {
            let value: f64 = (*value).into();
            if (!value.is_finite() || value == 0.0) && values.is_valid(row) {
                self.check(left.value::<T>(row), right.value::<T>(row), value)?;
            }
        }
        Ok(computed)
    }

    fn check(&self, left: f64, right: f64, value: f64) -> Result<()> {
        if self.operation == Operation::Divide && right == 0.0 && !left.is_nan() {
            return Err(SqlError::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
        }
        if value.is_infinite() && left.is_finite() && right.is_finite() {
            return Err(out_of_range("overflow"));
        }
        let vanished = match self.operation {
            Operation::Multiply => left != 0.0 && right != 0.0,
            Operation::Divide => left != 0.0 && right.is_finite(),
            Operation::Add | Operation::Subtract => false,
        };
        if value == 0.0 && vanished { Err(out_of_range("underflow")) } else { Ok(()) }
    }
}

/// `value out of range: overflow`.
pub(super) fn out_of_range(how: &str) -> SqlError {
    let message = format!("value out of range: {how}");
    SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
}

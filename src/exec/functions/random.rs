//! `gen_random_uuid()` and `random()`, from the randomness that the node was given.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::function::external;
use crate::base::Random;
use crate::types::{ColumnBuilder, PgType};

/// The functions of this family.
pub fn random_functions(random: &Arc<dyn Random>) -> Vec<Arc<ScalarUDF>> {
    let build = |what, name| {
        let signature = Signature::nullary(Volatility::Volatile);
        let random = Arc::clone(random);
        Arc::new(ScalarUDF::new_from_impl(RandomFunction { what, name, random, signature }))
    };
    vec![build(What::Uuid, "gen_random_uuid"), build(What::Number, "random")]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Uuid,
    Number,
}

#[derive(Debug)]
struct RandomFunction {
    what: What,
    name: &'static str,
    random: Arc<dyn Random>,
    signature: Signature,
}

impl PartialEq for RandomFunction {
    fn eq(&self, other: &Self) -> bool {
        self.what == other.what
    }
}

impl Eq for RandomFunction {}

impl Hash for RandomFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl RandomFunction {
    fn ty(&self) -> PgType {
        match self.what {
            What::Uuid => PgType::Uuid,
            What::Number => PgType::Float8,
        }
    }
}

impl ScalarUDFImpl for RandomFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(self.ty().arrow())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef, DataFusionError> {
        Ok(Arc::new(self.ty().field(self.name, false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let rows = args.number_rows;
        let column: ArrayRef = match self.what {
            What::Uuid => {
                let mut column = ColumnBuilder::new(&PgType::Uuid, rows);
                for _ in 0..rows {
                    column.append_binary(self.random.uuid().as_bytes()).map_err(external)?;
                }
                column.finish()
            }
            #[expect(clippy::cast_precision_loss, reason = "53 bits are what a float holds")]
            What::Number => {
                let number = |_| (self.random.u64() >> 11) as f64 / (1u64 << 53) as f64;
                Arc::new((0..rows).map(number).collect::<Float64Array>())
            }
        };
        Ok(ColumnarValue::Array(column))
    }
}

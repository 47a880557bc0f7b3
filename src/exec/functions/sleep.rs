//! `pg_sleep(seconds)`: waits without holding a thread, so that a cancel ends it at once.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use async_trait::async_trait;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::async_udf::{AsyncScalarUDF, AsyncScalarUDFImpl};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::function::{external, internal};

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let signature = Signature::numeric(1, Volatility::Volatile);
    let sleep = AsyncScalarUDF::new(Arc::new(Sleep { signature }));
    vec![Arc::new(sleep.into_scalar_udf())]
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Sleep {
    signature: Signature,
}

impl ScalarUDFImpl for Sleep {
    fn name(&self) -> &'static str {
        "pg_sleep"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// PostgreSQL's type is `void`, whose only value is an empty text.
    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(external(internal("pg_sleep waits")))
    }
}

#[async_trait]
impl AsyncScalarUDFImpl for Sleep {
    async fn invoke_async_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let seconds = match args.args.first() {
            Some(value) => value.to_array(rows)?,
            None => return Err(external(internal("pg_sleep without a time"))),
        };
        let seconds = cast(&seconds, &DataType::Float64)?;
        let mut shown = Vec::with_capacity(rows);
        for seconds in seconds.as_primitive::<Float64Type>() {
            shown.push(seconds.map(|_| ""));
            let Some(seconds) = seconds.filter(|seconds| *seconds > 0.0) else { continue };
            let time = Duration::try_from_secs_f64(seconds)
                .map_err(|_| DataFusionError::Execution("pg_sleep: time out of range".into()))?;
            tokio::time::sleep(time).await;
        }
        Ok(ColumnarValue::Array(Arc::new(StringArray::from(shown))))
    }
}

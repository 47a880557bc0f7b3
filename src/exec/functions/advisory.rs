//! Advisory locks: `pg_advisory_lock` and its kin. They wait without holding a thread, so that a
//! cancel or a time-out ends the wait at once.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use async_trait::async_trait;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::async_udf::{AsyncScalarUDF, AsyncScalarUDFImpl};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    Volatility,
};

use super::function::{external, internal};
use crate::base::SqlError;
use crate::cluster::LockTag;
use crate::exec::Slots;
use crate::exec::session_values::{AdvisoryLock, SessionValues};

/// What a function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum What {
    /// Takes a lock: exclusive, for the transaction, waiting.
    Lock(bool, bool, bool),
    /// Gives one back: exclusive.
    Unlock(bool),
    /// Gives all back.
    UnlockAll,
}

const FUNCTIONS: &[(&str, What)] = &[
    ("pg_advisory_lock", What::Lock(true, false, true)),
    ("pg_advisory_lock_shared", What::Lock(false, false, true)),
    ("pg_advisory_xact_lock", What::Lock(true, true, true)),
    ("pg_advisory_xact_lock_shared", What::Lock(false, true, true)),
    ("pg_try_advisory_lock", What::Lock(true, false, false)),
    ("pg_try_advisory_lock_shared", What::Lock(false, false, false)),
    ("pg_try_advisory_xact_lock", What::Lock(true, true, false)),
    ("pg_try_advisory_xact_lock_shared", What::Lock(false, true, false)),
    ("pg_advisory_unlock", What::Unlock(true)),
    ("pg_advisory_unlock_shared", What::Unlock(false)),
    ("pg_advisory_unlock_all", What::UnlockAll),
];

/// The functions of this family, not bound to a session.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    FUNCTIONS.iter().map(|(name, what)| Arc::new(function(name, *what, None))).collect()
}

fn function(name: &'static str, what: What, slots: Option<Arc<Slots>>) -> ScalarUDF {
    let forms = match what {
        What::UnlockAll => TypeSignature::Nullary,
        What::Lock(..) | What::Unlock(_) => TypeSignature::OneOf(vec![
            TypeSignature::Exact(vec![DataType::Int64]),
            TypeSignature::Exact(vec![DataType::Int32, DataType::Int32]),
        ]),
    };
    let signature = Signature::new(forms, Volatility::Volatile);
    let function = AdvisoryFunction { name, what, slots, signature };
    AsyncScalarUDF::new(Arc::new(function)).into_scalar_udf()
}

/// Gives a call of this family the slots of its plan; none for anything else.
pub(super) fn bind(expr: &Expr, slots: &Arc<Slots>) -> Option<Expr> {
    let Expr::ScalarFunction(call) = expr else { return None };
    let (name, what) = FUNCTIONS.iter().find(|(name, _)| *name == call.func.name())?;
    Some(function(name, *what, Some(Arc::clone(slots))).call(call.args.clone()))
}

#[derive(Debug)]
struct AdvisoryFunction {
    name: &'static str,
    what: What,
    slots: Option<Arc<Slots>>,
    signature: Signature,
}

impl AdvisoryFunction {
    fn slots_at(&self) -> Option<*const Slots> {
        self.slots.as_ref().map(Arc::as_ptr)
    }

    /// Whether it tells what became of it; the others return `void`, whose only value is an empty text.
    fn tells(&self) -> bool {
        !matches!(self.what, What::Lock(_, _, true) | What::UnlockAll)
    }

    async fn call(&self, session: &dyn SessionValues, tag: LockTag) -> crate::base::Result<bool> {
        match self.what {
            What::Lock(exclusive, transaction, wait) => {
                session.advisory_lock(AdvisoryLock { tag, exclusive, transaction, wait }).await
            }
            What::Unlock(exclusive) => session.advisory_unlock(tag, exclusive).await,
            What::UnlockAll => session.advisory_unlock_all().await.map(|()| true),
        }
    }
}

impl PartialEq for AdvisoryFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.slots_at() == other.slots_at()
    }
}

impl Eq for AdvisoryFunction {}

impl Hash for AdvisoryFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.slots_at().hash(state);
    }
}

impl ScalarUDFImpl for AdvisoryFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(if self.tells() { DataType::Boolean } else { DataType::Utf8 })
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(external(internal(format!("{} waits", self.name))))
    }
}

#[async_trait]
impl AsyncScalarUDFImpl for AdvisoryFunction {
    async fn invoke_async_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let session = self.slots.as_ref().and_then(|slots| slots.session()).ok_or_else(|| {
            external(SqlError::internal(format!("{} runs without a session", self.name)))
        })?;
        let rows = args.number_rows;
        let keys = args.args.iter().map(|key| key.to_array(rows)).collect::<Result<Vec<_>>>()?;
        let mut told = Vec::with_capacity(rows);
        for row in 0..rows {
            // Strict: NULL in, NULL out.
            let value = match tag(&keys, row)? {
                Some(tag) => Some(self.call(session.as_ref(), tag).await.map_err(external)?),
                None => None,
            };
            told.push(value);
        }
        Ok(ColumnarValue::Array(match self.tells() {
            true => Arc::new(BooleanArray::from(told)) as ArrayRef,
            false => {
                let void = told.into_iter().map(|value| value.map(|_| ""));
                Arc::new(StringArray::from_iter(void))
            }
        }))
    }
}

/// The lock that a row names; none where a key is NULL.
fn tag(keys: &[ArrayRef], row: usize) -> Result<Option<LockTag>, DataFusionError> {
    if keys.iter().any(|key| key.is_null(row)) {
        return Ok(None);
    }
    match keys {
        [] => Ok(Some(LockTag::of_key(0))),
        [key] => Ok(Some(LockTag::of_key(key.as_primitive::<Int64Type>().value(row)))),
        [first, second] => {
            let key = |key: &ArrayRef| key.as_primitive::<Int32Type>().value(row);
            Ok(Some(LockTag::of_keys(key(first), key(second))))
        }
        _ => Err(external(internal("an advisory lock of more than two keys"))),
    }
}

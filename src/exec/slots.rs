//! Parameters in a physical plan. An expression is evaluated without knowing which execution it
//! belongs to, so each instance of a plan has slots of its own, filled before it runs; one
//! instance runs once at a time.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use parking_lot::RwLock;

use super::run::ParameterValues;
use super::session_values::SessionValues;

/// The parameters' values of the running execution, and its session.
#[derive(Debug)]
pub struct Slots {
    values: RwLock<ParameterValues>,
    session: RwLock<Option<Arc<dyn SessionValues>>>,
}

impl Default for Slots {
    fn default() -> Self {
        Self { values: RwLock::new(Arc::from([])), session: RwLock::default() }
    }
}

impl Slots {
    /// Fills the slots for the next execution.
    pub fn fill(&self, values: ParameterValues) {
        *self.values.write() = values;
    }

    /// Says whose execution is next; nobody's once it has ended.
    pub fn attach(&self, session: Option<Arc<dyn SessionValues>>) {
        *self.session.write() = session;
    }

    /// The session of the running execution.
    pub(super) fn session(&self) -> Option<Arc<dyn SessionValues>> {
        self.session.read().clone()
    }

    fn get(&self, index: usize) -> Option<ScalarValue> {
        self.values.read().get(index).cloned()
    }

    /// The expression that reads a slot (positions from zero).
    pub fn parameter(self: &Arc<Self>, index: usize, field: FieldRef) -> Expr {
        let function = ParameterFunction {
            name: format!("${}", index + 1),
            index,
            field,
            slots: Arc::clone(self),
            // Volatile, so that it is never computed while planning.
            signature: Signature::nullary(Volatility::Volatile),
        };
        ScalarUDF::new_from_impl(function).call(Vec::new())
    }
}

#[derive(Debug)]
struct ParameterFunction {
    name: String,
    index: usize,
    field: FieldRef,
    slots: Arc<Slots>,
    signature: Signature,
}

impl PartialEq for ParameterFunction {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index
            && self.field == other.field
            && Arc::ptr_eq(&self.slots, &other.slots)
    }
}

impl Eq for ParameterFunction {}

impl Hash for ParameterFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.index.hash(state);
        Arc::as_ptr(&self.slots).hash(state);
    }
}

impl ScalarUDFImpl for ParameterFunction {
    fn name(&self) -> &str {
        &self.name
    }

    fn schema_name(&self, _args: &[Expr]) -> Result<String> {
        Ok(self.name.clone())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.field.data_type().clone())
    }

    fn return_field_from_args(&self, _args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::clone(&self.field))
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let value = self.slots.get(self.index).ok_or_else(|| {
            let message = format!("there is no value for parameter {}", self.name);
            let state = crate::base::SqlState::UNDEFINED_PARAMETER;
            DataFusionError::External(Box::new(crate::base::SqlError::new(state, message)))
        })?;
        if &value.data_type() == self.field.data_type() {
            return Ok(ColumnarValue::Scalar(value));
        }
        Ok(ColumnarValue::Scalar(value.cast_to(self.field.data_type())?))
    }
}

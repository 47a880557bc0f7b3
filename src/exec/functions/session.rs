//! Functions of the session that runs the statement: its time, role, settings and sequences.
//!
//! Those without arguments whose value holds for a whole statement become parameters while the
//! statement is planned ([`as_parameter`]): the optimiser treats them as constants that it does
//! not know yet. The others stay calls, volatile ones. Both get the session by [`bind`] when a
//! physical plan is made, by way of its slots.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Int64Type, UInt32Type};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::expr::{Placeholder, ScalarFunction};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::function::{external, internal, undefined};
use super::session_value::{WHATS, What, constant};
use crate::base::{Oid, Result, SqlError};
use crate::exec::Slots;
use crate::exec::session_values::{SequenceName, SessionValues};
use crate::types::{PgType, TextContext, parse_text};

/// Starts the name of a parameter that no client can give.
const HIDDEN: &str = "$session ";

/// The functions of this family, not bound to a session.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    WHATS.iter().map(|(what, name)| Arc::new(function(*what, name, None))).collect()
}

fn function(what: What, name: &'static str, slots: Option<Arc<Slots>>) -> ScalarUDF {
    // Volatile, so that it is never computed while planning.
    let signature = Signature::user_defined(Volatility::Volatile);
    ScalarUDF::new_from_impl(SessionFunction { what, name, slots, signature })
}

/// The hidden parameter that stands for a call whose value holds for the whole statement.
pub fn as_parameter(call: &ScalarFunction) -> Option<Expr> {
    let inner: &dyn std::any::Any = call.func.inner().as_ref();
    let function = inner.downcast_ref::<SessionFunction>()?;
    if !call.args.is_empty() || !function.what.holds() {
        return None;
    }
    let field = Arc::new(function.what.ty().field(function.name, true));
    let id = format!("{HIDDEN}{}", function.name);
    Some(Expr::Placeholder(Placeholder::new_with_field(id, Some(field))))
}

/// Gives a call, or the parameter that stands for one, the slots of its plan; `None` for
/// anything else.
pub fn bind(expr: &Expr, slots: &Arc<Slots>) -> Option<Expr> {
    if let Some(bound) = super::advisory::bind(expr, slots) {
        return Some(bound);
    }
    let (name, args) = match expr {
        Expr::Placeholder(placeholder) => (placeholder.id.strip_prefix(HIDDEN)?, Vec::new()),
        Expr::ScalarFunction(call) => {
            let inner: &dyn std::any::Any = call.func.inner().as_ref();
            (inner.downcast_ref::<SessionFunction>()?.name, call.args.clone())
        }
        _ => return None,
    };
    let (what, name) = WHATS.iter().find(|(_, known)| *known == name)?;
    Some(function(*what, name, Some(Arc::clone(slots))).call(args))
}

#[derive(Debug)]
struct SessionFunction {
    what: What,
    name: &'static str,
    slots: Option<Arc<Slots>>,
    signature: Signature,
}

impl SessionFunction {
    fn slots_at(&self) -> Option<*const Slots> {
        self.slots.as_ref().map(Arc::as_ptr)
    }
}

impl PartialEq for SessionFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.slots_at() == other.slots_at()
    }
}

impl Eq for SessionFunction {}

impl Hash for SessionFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.slots_at().hash(state);
    }
}

impl ScalarUDFImpl for SessionFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(self.what.ty().arrow())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef, DataFusionError> {
        Ok(Arc::new(self.what.ty().field(self.name, true)))
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>, DataFusionError> {
        let coerced = self.what.forms().iter().find_map(|form| {
            let fits = form.len() == types.len();
            fits.then(|| form.iter().zip(types).map(|(want, ty)| want.coerce(ty)).collect())?
        });
        coerced.ok_or_else(|| external(undefined(self.name, types)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let session = self.slots.as_ref().and_then(|slots| slots.session()).ok_or_else(|| {
            external(SqlError::internal(format!("{} runs without a session", self.name)))
        })?;
        if let Some(value) = constant(self.what, session.as_ref()).map_err(external)? {
            return Ok(ColumnarValue::Scalar(value));
        }
        self.rows(session.as_ref(), &args).map_err(external)
    }
}

impl SessionFunction {
    /// One value for each row, in the order of the rows: calls have effects.
    fn rows(
        &self,
        session: &dyn SessionValues,
        args: &ScalarFunctionArgs,
    ) -> Result<ColumnarValue> {
        let columns = args
            .args
            .iter()
            .map(|arg| arg.to_array(args.number_rows).map_err(internal))
            .collect::<Result<Vec<_>>>()?;
        let ty = self.what.ty().arrow();
        let null = ScalarValue::try_from(&ty).map_err(internal)?;
        let mut values = Vec::with_capacity(args.number_rows);
        for row in 0..args.number_rows {
            // Strict: NULL in, NULL out.
            let value = match columns.iter().any(|column| column.is_null(row)) {
                true => None,
                false => call(self.what, session, &columns, row)?,
            };
            values.push(value.unwrap_or_else(|| null.clone()));
        }
        if values.is_empty() {
            return Ok(ColumnarValue::Array(arrow::array::new_empty_array(&ty)));
        }
        ScalarValue::iter_to_array(values).map(ColumnarValue::Array).map_err(internal)
    }
}

/// The value of a call for one row.
fn call(
    what: What,
    session: &dyn SessionValues,
    columns: &[ArrayRef],
    row: usize,
) -> Result<Option<ScalarValue>> {
    let int8 = |value: i64| Some(ScalarValue::Int64(Some(value)));
    let text = |value: String| Some(ScalarValue::Utf8(Some(value)));
    Ok(match what {
        What::NextValue => int8(session.next_value(&sequence(&columns[0], row)?)?),
        What::CurrentValue => int8(session.current_value(&sequence(&columns[0], row)?)?),
        What::UntakenValue => session.untaken_value(&sequence(&columns[0], row)?)?.and_then(int8),
        What::LastValue => int8(session.last_value()?),
        What::SetValue => {
            let value = columns[1].as_primitive::<Int64Type>().value(row);
            let called = columns.get(2).is_none_or(|called| called.as_boolean().value(row));
            session.set_value(&sequence(&columns[0], row)?, value, called)?;
            int8(value)
        }
        What::Setting => {
            let name = columns[0].as_string::<i32>().value(row);
            let missing_ok = columns.get(1).is_some_and(|ok| ok.as_boolean().value(row));
            match session.setting(name) {
                Ok(value) => text(value),
                Err(_) if missing_ok => None,
                Err(error) => return Err(error),
            }
        }
        What::SetSetting => {
            let (name, value) = (columns[0].as_string::<i32>(), columns[1].as_string::<i32>());
            let local = columns[2].as_boolean().value(row);
            text(session.set_setting(name.value(row), value.value(row), local)?)
        }
        What::Schemas => {
            let names = session.schemas(columns[0].as_boolean().value(row));
            let names: Vec<ScalarValue> =
                names.into_iter().map(|name| ScalarValue::Utf8(Some(name))).collect();
            Some(super::session_value::name_array(&names)?)
        }
        What::RelationName => {
            let oid = columns[0].as_primitive::<UInt32Type>().value(row);
            let name = session.relation_name(Oid(oid));
            text(name.unwrap_or_else(|| if oid == 0 { "-".into() } else { oid.to_string() }))
        }
        What::IndexRecall => {
            let number = |at: usize| columns[at].as_primitive::<Int64Type>().value(row);
            let index = sequence(&columns[0], row)?;
            Some(ScalarValue::Float64(session.index_recall(&index, number(1), number(2))?))
        }
        What::Cancel | What::Terminate => {
            let pid = columns[0].as_primitive::<Int64Type>().value(row);
            Some(ScalarValue::Boolean(Some(session.signal(pid, what == What::Terminate)?)))
        }
        What::ResetStatistics => {
            let user =
                columns.first().map_or(0, |user| user.as_primitive::<UInt32Type>().value(row));
            let query = columns.get(2).map_or(0, |id| id.as_primitive::<Int64Type>().value(row));
            let now = session.reset_statistics(Oid(user), query)?;
            Some(ScalarValue::TimestampMicrosecond(Some(now), Some("UTC".into())))
        }
        What::Notify => {
            let said = |at: usize| columns[at].as_string::<i32>().value(row);
            session.notify(said(0), said(1))?;
            text(String::new())
        }
        What::ExportSnapshot => text(session.export_snapshot()),
        What::Prewarm => int8(session.prewarm(&sequence(&columns[0], row)?)?),
        _ => return Err(internal(format!("{what:?} has no value of its own"))),
    })
}

fn sequence(column: &ArrayRef, row: usize) -> Result<SequenceName> {
    if column.data_type() == &DataType::UInt32 {
        return Ok(SequenceName::Oid(Oid(column.as_primitive::<UInt32Type>().value(row))));
    }
    let texts = cast(column, &DataType::Utf8).map_err(internal)?;
    let text = texts.as_string::<i32>().value(row);
    if text.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(ScalarValue::UInt32(Some(oid))) =
            parse_text(&PgType::Oid, text, &TextContext::default())
    {
        return Ok(SequenceName::Oid(Oid(oid)));
    }
    Ok(SequenceName::Text(text.to_owned()))
}

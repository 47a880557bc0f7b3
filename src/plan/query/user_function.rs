//! A user's function in an expression until the types of its arguments are known: then it is chosen
//! among those of its name, and its body takes its place ([`super::user_calls`]).

use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::errors::external;
use super::function_choice::{Fit, ambiguous, best_fit, missing};
use crate::base::Oid;
use crate::catalog::{FunctionDef, ReturnsDef};
use crate::types::PgType;

/// The functions that a name in a statement may mean.
#[derive(Debug)]
pub(super) struct UserFunction {
    name: String,
    candidates: Vec<Arc<FunctionDef>>,
    signature: Signature,
}

/// What stands for the functions of a name.
pub(super) fn stand_in(name: &str, candidates: Vec<Arc<FunctionDef>>) -> Arc<ScalarUDF> {
    let signature = Signature::user_defined(Volatility::Stable);
    Arc::new(ScalarUDF::new_from_impl(UserFunction {
        name: name.to_owned(),
        candidates,
        signature,
    }))
}

/// The users' functions that a function stands for.
pub(super) fn of(function: &ScalarUDF) -> Option<&UserFunction> {
    let inner: &dyn std::any::Any = function.inner().as_ref();
    inner.downcast_ref()
}

/// The schema and the name of a function, where both are written.
pub(super) fn qualified(name: &str) -> Option<(String, String)> {
    let part = |text: &str| match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => text.to_lowercase(),
    };
    let (schema, name) = name.rsplit_once('.')?;
    Some((part(schema), part(name)))
}

impl UserFunction {
    /// The function that a call with arguments of these types means.
    ///
    /// # Errors
    /// 42883 and 42725.
    pub(super) fn chosen(&self, given: &[Option<PgType>]) -> crate::base::Result<Arc<FunctionDef>> {
        let count = given.len();
        let types = |function: &FunctionDef| -> Vec<Oid> {
            function.inputs().take(count).map(|argument| argument.ty.pg_type().oid()).collect()
        };
        let mut fitting: Vec<&Arc<FunctionDef>> =
            self.candidates.iter().filter(|function| function.takes(count)).collect();
        // One that leaves fewer arguments to their defaults comes first.
        fitting.sort_by_key(|function| function.inputs().count());
        let mut seen: Vec<(Vec<Oid>, usize)> = Vec::new();
        fitting.retain(|function| {
            let (own, all) = (types(function), function.inputs().count());
            let hidden = seen.iter().any(|(types, fewer)| *types == own && *fewer < all);
            seen.push((own, all));
            !hidden
        });
        let lists: Vec<Vec<Oid>> = fitting.iter().map(|function| types(function)).collect();
        match best_fit(&lists, given) {
            Fit::One(at) => Ok(Arc::clone(fitting[at])),
            Fit::Missing => Err(missing(&self.name, given)),
            Fit::Ambiguous => Err(ambiguous(&self.name, given)),
        }
    }
}

impl PartialEq for UserFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.candidates == other.candidates
    }
}

impl Eq for UserFunction {}

impl Hash for UserFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.candidates.iter().for_each(|function| function.oid.hash(state));
    }
}

impl ScalarUDFImpl for UserFunction {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let given: Vec<Option<PgType>> = types.iter().map(|ty| Some(PgType::of(ty))).collect();
        let function = self.chosen(&given).map_err(external)?;
        Ok(returned_type(&function).arrow())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let pairs = args.arg_fields.iter().zip(args.scalar_arguments);
        let given: Vec<Option<PgType>> = pairs
            .map(|(field, constant)| match constant {
                Some(ScalarValue::Null) => None,
                Some(ScalarValue::Utf8(_)) if field.metadata().is_empty() => None,
                _ => Some(PgType::of_field(field)).filter(|ty| *ty != PgType::Unknown),
            })
            .collect();
        let function = self.chosen(&given).map_err(external)?;
        Ok(Arc::new(returned_type(&function).field(&*self.name, true)))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(DataFusionError::Internal(format!("{} was called itself", self.name)))
    }
}

/// The type of a call's value.
fn returned_type(function: &FunctionDef) -> PgType {
    match &function.returns {
        ReturnsDef::Void => PgType::Void,
        ReturnsDef::Value(ty) => ty.pg_type(),
        ReturnsDef::Row | ReturnsDef::RowOf(_) => PgType::Record,
    }
}

/// A condition that always holds, over the arguments of a function in FROM: it shows what is read
/// for them until the function's body is in its place.
pub(super) fn given(arguments: Vec<Expr>) -> Expr {
    static GIVEN: LazyLock<Arc<ScalarUDF>> =
        LazyLock::new(|| Stub::of("redkite_given", Gives::True));
    GIVEN.call(arguments)
}

/// Whether a condition is [`given`].
pub(super) fn is_given(condition: &Expr) -> bool {
    let Expr::ScalarFunction(call) = condition else { return false };
    let inner: &dyn std::any::Any = call.func.inner().as_ref();
    inner.downcast_ref::<Stub>().is_some_and(|stub| stub.gives == Gives::True)
}

/// Nothing, once a value has been computed: what a function gives that returns `void`.
pub(super) fn nothing(value: Expr) -> Expr {
    static NOTHING: LazyLock<Arc<ScalarUDF>> =
        LazyLock::new(|| Stub::of("redkite_nothing", Gives::Nothing));
    NOTHING.call(vec![value])
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Gives {
    True,
    Nothing,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Stub {
    name: &'static str,
    gives: Gives,
    signature: Signature,
}

impl Stub {
    fn of(name: &'static str, gives: Gives) -> Arc<ScalarUDF> {
        let volatility = match gives {
            Gives::True => Volatility::Immutable,
            // What has effects is computed, whoever looks at the result.
            Gives::Nothing => Volatility::Volatile,
        };
        let signature = Signature::user_defined(volatility);
        Arc::new(ScalarUDF::new_from_impl(Self { name, gives, signature }))
    }

    fn ty(&self) -> PgType {
        match self.gives {
            Gives::True => PgType::Bool,
            Gives::Nothing => PgType::Void,
        }
    }
}

impl ScalarUDFImpl for Stub {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.ty().arrow())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let field: Field = self.ty().field(self.name, true);
        Ok(Arc::new(field))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(match self.gives {
            Gives::True => ScalarValue::Boolean(Some(true)),
            Gives::Nothing => ScalarValue::Null,
        }))
    }
}

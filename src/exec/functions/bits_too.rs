//! Functions of text that PostgreSQL has for bit strings as well: `length`, `bit_length`,
//! `substring`, `position`, `overlay`. Bit strings go to ours, all else to DataFusion's.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::DataFusionError;
use datafusion::functions::{core, string, unicode};
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::bit_string;
use crate::types::PgType;

type Outcome<T> = Result<T, DataFusionError>;

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let of_bits = bit_string::all();
    let over = |text: Arc<ScalarUDF>, name: &str| {
        let bits = of_bits.iter().find(|function| function.name() == name).map(Arc::clone);
        bits.map(|bits| Arc::new(ScalarUDF::new_from_impl(BitsToo::new(text, bits))))
    };
    [
        over(unicode::character_length(), "redkite_bit_length"),
        over(string::bit_length(), "redkite_bit_length"),
        over(unicode::substr(), "redkite_bit_substring"),
        over(unicode::strpos(), "redkite_bit_position"),
        over(core::overlay(), "redkite_bit_overlay"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[derive(Debug)]
struct BitsToo {
    text: Arc<ScalarUDF>,
    bits: Arc<ScalarUDF>,
    signature: Signature,
}

impl PartialEq for BitsToo {
    fn eq(&self, other: &Self) -> bool {
        self.text.name() == other.text.name()
    }
}

impl Eq for BitsToo {}

impl Hash for BitsToo {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.name().hash(state);
    }
}

impl BitsToo {
    fn new(text: Arc<ScalarUDF>, bits: Arc<ScalarUDF>) -> Self {
        Self { text, bits, signature: Signature::user_defined(Volatility::Immutable) }
    }

    /// The function for a first argument of this type.
    fn of(&self, first: Option<&DataType>) -> &ScalarUDF {
        match first.is_some_and(|ty| PgType::of(ty).is_bits()) {
            true => &self.bits,
            false => &self.text,
        }
    }
}

impl ScalarUDFImpl for BitsToo {
    fn name(&self) -> &str {
        self.text.name()
    }

    fn aliases(&self) -> &[String] {
        self.text.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Outcome<Vec<DataType>> {
        let field = |ty: &DataType| Arc::new(Field::new("", ty.clone(), true));
        let fields: Vec<FieldRef> = types.iter().map(field).collect();
        let coerced = fields_with_udf(&fields, self.of(types.first()))?;
        Ok(coerced.iter().map(|field| field.data_type().clone()).collect())
    }

    fn return_type(&self, types: &[DataType]) -> Outcome<DataType> {
        self.of(types.first()).return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Outcome<FieldRef> {
        let first = args.arg_fields.first().map(|field| field.data_type());
        self.of(first).return_field_from_args(args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Outcome<ColumnarValue> {
        let first = args.arg_fields.first().map(|field| field.data_type());
        self.of(first).invoke_with_args(args)
    }
}

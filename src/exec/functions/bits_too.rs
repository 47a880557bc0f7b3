//! Functions of text that PostgreSQL has for bit strings or `bytea` as well: `length`, `substring`,
//! `position`, `overlay`, `trim`. Those go to ours, all else to DataFusion's.

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

use super::{bit_string, byte_string};
use crate::types::PgType;

type Outcome<T> = Result<T, DataFusionError>;

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let others: Vec<Arc<ScalarUDF>> = [bit_string::all(), byte_string::all()].concat();
    let named = |name: &str| {
        let name = (!name.is_empty()).then(|| format!("redkite_{name}"))?;
        others.iter().find(|function| function.name() == name).map(Arc::clone)
    };
    let over = |text: Arc<ScalarUDF>, bits: &str, bytes: &str| {
        let signature = Signature::user_defined(Volatility::Immutable);
        let function = BitsToo { text, bits: named(bits), bytes: named(bytes), signature };
        Arc::new(ScalarUDF::new_from_impl(function))
    };
    let of_bits = |name: &str| others.iter().find(|function| function.name() == name).cloned();
    let bits = ["bit_count", "get_bit", "set_bit"];
    let bits = bits.into_iter().filter_map(|name| {
        let bits = of_bits(name)?;
        let bytes = named(&format!("bytea_{name}"));
        let signature = Signature::user_defined(Volatility::Immutable);
        let function = BitsToo { text: bits, bits: None, bytes, signature };
        Some(Arc::new(ScalarUDF::new_from_impl(function)))
    });
    [
        over(unicode::character_length(), "bit_length", "bytea_length"),
        over(string::bit_length(), "bit_length", "bytea_bits"),
        over(unicode::substr(), "bit_substring", "bytea_substring"),
        over(unicode::strpos(), "bit_position", "bytea_position"),
        over(core::overlay(), "bit_overlay", "bytea_overlay"),
        over(unicode::reverse(), "", "bytea_reverse"),
        over(string::btrim(), "", "bytea_btrim"),
        over(string::ltrim(), "", "bytea_ltrim"),
        over(string::rtrim(), "", "bytea_rtrim"),
    ]
    .into_iter()
    .chain(bits)
    .collect()
}

#[derive(Debug)]
struct BitsToo {
    /// For all other types.
    text: Arc<ScalarUDF>,
    bits: Option<Arc<ScalarUDF>>,
    bytes: Option<Arc<ScalarUDF>>,
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
    /// The function for a first argument of this type.
    fn of(&self, first: Option<&DataType>) -> &ScalarUDF {
        let other = match first.map(PgType::of) {
            Some(ty) if ty.is_bits() => self.bits.as_ref(),
            Some(PgType::Bytea) => self.bytes.as_ref(),
            _ => None,
        };
        other.unwrap_or(&self.text)
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

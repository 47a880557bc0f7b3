//! What the functions of this layer share: a name, the kinds of its arguments, PostgreSQL's type
//! of its result, and a body whose errors are the client's.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::vector_operand::Family;
use crate::base::{Result, SqlError, SqlState};
use crate::types::{ColumnBuilder, PgType};

/// What an argument must be; what isn't is turned into it where PostgreSQL would do so too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A vector of all its elements, an array of numbers, or a literal
    Vector,
    /// The same, or a sparse vector
    MaybeSparse,
    /// A bit string, or a literal
    Bits,
    /// Text
    Text,
    /// `json` or `jsonb`, or a literal
    Json,
    /// `integer`
    Int4,
    /// `bigint`
    Int8,
    /// `numeric`, or an integer
    Numeric,
    /// `double precision`
    Float8,
    /// `boolean`
    Bool,
    /// `uuid`
    Uuid,
    /// `bytea`
    Bytea,
    /// `interval`
    Interval,
    /// `timestamp`
    Timestamp,
    /// `timestamp with time zone`
    Timestamptz,
    /// An enum
    Enum,
    /// Any array
    Array,
    /// Anything, as it is
    Any,
}

/// How many arguments of which kinds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arguments {
    /// Exactly these
    Exactly(&'static [Kind]),
    /// These, and any number more of a kind
    AndMore(&'static [Kind], Kind),
}

/// What a function computes over a batch.
pub(super) type Body = fn(&[ColumnarValue], &Call) -> Result<ColumnarValue>;

/// What a body may need besides its arguments.
#[derive(Debug)]
pub(super) struct Call {
    /// Rows of the batch
    pub(super) rows: usize,
    /// The arguments' types
    pub(super) types: Vec<PgType>,
    /// The result's type
    pub(super) result: PgType,
}

/// A function with a fixed body.
#[derive(Debug)]
pub(super) struct Function {
    name: &'static str,
    aliases: Vec<String>,
    arguments: Arguments,
    returns: fn(&[PgType]) -> PgType,
    /// The result's Arrow type where it isn't that of its PostgreSQL type.
    arrow: Option<DataType>,
    signature: Signature,
    body: Body,
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl Function {
    /// An immutable function.
    pub(super) fn new(
        name: &'static str,
        arguments: Arguments,
        returns: fn(&[PgType]) -> PgType,
        body: Body,
    ) -> Self {
        Self {
            name,
            aliases: Vec::new(),
            arguments,
            returns,
            arrow: None,
            signature: Signature::user_defined(Volatility::Immutable),
            body,
        }
    }

    /// The same function, under another name too.
    pub(super) fn alias(mut self, name: &str) -> Self {
        self.aliases.push(name.to_owned());
        self
    }

    /// The same function with this Arrow type of its result.
    pub(super) fn returns_arrow(mut self, arrow: DataType) -> Self {
        self.arrow = Some(arrow);
        self
    }

    /// The same function as DataFusion knows it.
    pub(super) fn build(self) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::new_from_impl(self))
    }
}

/// An error of ours on its way through DataFusion.
pub(super) fn external(error: SqlError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// An error of Arrow or DataFusion that the arguments' kinds should have excluded.
pub(super) fn internal(error: impl std::fmt::Display) -> SqlError {
    SqlError::internal(error.to_string())
}

/// `function f(integer) does not exist`.
pub(super) fn undefined(name: &str, types: &[DataType]) -> SqlError {
    let types: Vec<String> = types.iter().map(|ty| PgType::of(ty).bare().to_string()).collect();
    SqlError::new(
        SqlState::UNDEFINED_FUNCTION,
        format!("function {name}({}) does not exist", types.join(", ")),
    )
    .with_hint(
        "No function matches the given name and argument types. You might need to add explicit \
         type casts.",
    )
}

impl Kind {
    /// The type that an argument of this type is turned into; `None` if it can't be.
    fn coerce(self, given: &DataType) -> Option<DataType> {
        let ty = PgType::of(given);
        let keep = || Some(given.clone());
        match self {
            Self::Any => keep(),
            Self::Enum => matches!(ty, PgType::Enum(_) | PgType::Unknown).then(|| given.clone()),
            Self::MaybeSparse if matches!(ty, PgType::Sparsevec(_)) => keep(),
            Self::Vector | Self::MaybeSparse => match ty {
                PgType::Vector(_) | PgType::Halfvec(_) | PgType::Text | PgType::Unknown => keep(),
                PgType::Array(element) if element.is_number() => keep(),
                _ => None,
            },
            Self::Bits => match ty {
                PgType::Bit(_) | PgType::Varbit(_) | PgType::Unknown => {
                    Some(PgType::Bit(None).arrow())
                }
                // A literal, which the function reads.
                PgType::Text => keep(),
                _ => None,
            },
            Self::Array => match ty {
                PgType::Array(_) | PgType::Vector(_) | PgType::Halfvec(_) | PgType::Unknown => {
                    keep()
                }
                _ => None,
            },
            Self::Text | Self::Json => {
                matches!(ty, PgType::Text | PgType::Unknown).then_some(DataType::Utf8)
            }
            Self::Int4 => narrow(&ty, INTEGERS, DataType::Int32),
            Self::Int8 => narrow(&ty, INTEGERS, DataType::Int64),
            Self::Uuid => narrow(&ty, &[PgType::Uuid], PgType::Uuid.arrow()),
            Self::Numeric => match given {
                DataType::Decimal128(..) | DataType::Decimal256(..) => keep(),
                _ => narrow(&ty, INTEGERS, DataType::Decimal128(20, 0))
                    .or_else(|| literal(&ty).then(|| PgType::Numeric(None).arrow())),
            },
            Self::Float8 => (ty.is_number() || literal(&ty)).then_some(DataType::Float64),
            Self::Bool => (ty == PgType::Bool || literal(&ty)).then_some(DataType::Boolean),
            Self::Bytea => narrow(&ty, &[PgType::Bytea], DataType::Binary),
            Self::Interval => narrow(&ty, &[PgType::Interval], PgType::Interval.arrow()),
            Self::Timestamp => {
                narrow(&ty, &[PgType::Date, PgType::Timestamp], PgType::Timestamp.arrow())
            }
            Self::Timestamptz => narrow(
                &ty,
                &[PgType::Date, PgType::Timestamp, PgType::Timestamptz],
                PgType::Timestamptz.arrow(),
            ),
        }
    }
}

const INTEGERS: &[PgType] = &[PgType::Int2, PgType::Int4, PgType::Int8];

/// Whether it may be a literal whose type nobody told.
fn literal(ty: &PgType) -> bool {
    *ty == PgType::Unknown
}

fn narrow(ty: &PgType, from: &[PgType], to: DataType) -> Option<DataType> {
    (from.contains(ty) || *ty == PgType::Unknown).then_some(to)
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType, DataFusionError> {
        if let Some(arrow) = &self.arrow {
            return Ok(arrow.clone());
        }
        let types: Vec<PgType> = types.iter().map(PgType::of).collect();
        Ok((self.returns)(&types).arrow())
    }

    fn return_field_from_args(
        &self,
        args: ReturnFieldArgs<'_>,
    ) -> Result<FieldRef, DataFusionError> {
        let types: Vec<PgType> =
            args.arg_fields.iter().map(|field| PgType::of_field(field)).collect();
        let field = (self.returns)(&types).field(self.name, true);
        Ok(Arc::new(match &self.arrow {
            Some(arrow) => arrow::datatypes::Field::new(self.name, arrow.clone(), true),
            None => field,
        }))
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>, DataFusionError> {
        let (first, rest) = match self.arguments {
            Arguments::Exactly(kinds) => (kinds, None),
            Arguments::AndMore(kinds, kind) => (kinds, Some(kind)),
        };
        let kinds = first.iter().copied().chain(rest.into_iter().cycle());
        let vector = types.iter().map(PgType::of).find(|ty| Family::of_type(ty).is_some());
        let coerce = |(kind, ty): (Kind, &DataType)| match (&vector, ty) {
            // What has no type yet is of the other operand's.
            (Some(vector), DataType::Null) if matches!(kind, Kind::Vector | Kind::MaybeSparse) => {
                Some(vector.bare().arrow())
            }
            _ => kind.coerce(ty),
        };
        let coerced: Option<Vec<DataType>> = kinds.zip(types).map(coerce).collect();
        let counts = types.len() >= first.len() && (rest.is_some() || types.len() == first.len());
        coerced.filter(|_| counts).ok_or_else(|| external(undefined(self.name, types)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let call = Call {
            rows: args.number_rows,
            types: args.arg_fields.iter().map(|field| PgType::of_field(field)).collect(),
            result: PgType::of_field(&args.return_field),
        };
        (self.body)(&args.args, &call).map_err(external)
    }
}

/// The arguments as arrays of equal length, and whether all were scalars (then of length one).
pub(super) fn arrays(arguments: &[ColumnarValue]) -> Result<(Vec<ArrayRef>, bool)> {
    let scalar = arguments.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
    let arrays = ColumnarValue::values_to_arrays(arguments).map_err(internal)?;
    Ok((arrays, scalar))
}

/// A result as a scalar when all arguments were.
pub(super) fn result(array: ArrayRef, scalar: bool) -> Result<ColumnarValue> {
    if scalar && array.len() == 1 {
        return ScalarValue::try_from_array(&array, 0).map(ColumnarValue::Scalar).map_err(internal);
    }
    Ok(ColumnarValue::Array(array))
}

/// A function of single values over columns: NULL where one of them is NULL.
pub(super) fn each(
    arguments: &[ColumnarValue],
    call: &Call,
    value: impl Fn(&[ScalarValue]) -> Result<ScalarValue>,
) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let rows = columns.first().map_or(1, |column| column.len());
    let mut found = ColumnBuilder::new(&call.result, rows);
    for row in 0..rows {
        let given = columns.iter().map(|column| ScalarValue::try_from_array(column, row));
        let given = given.collect::<std::result::Result<Vec<_>, _>>().map_err(internal)?;
        match given.iter().any(ScalarValue::is_null) {
            true => found.append_null(),
            false => found.append_scalar(&value(&given)?)?,
        }
    }
    result(found.finish(), scalar || columns.is_empty())
}

/// The values of such a function's arguments, whose kinds made sure of their types.
pub(super) fn text(value: &ScalarValue) -> &str {
    value.try_as_str().flatten().unwrap_or_default()
}

/// See [`text`].
pub(super) fn bytes(value: &ScalarValue) -> &[u8] {
    match value {
        ScalarValue::Binary(Some(bytes)) => bytes,
        _ => &[],
    }
}

/// See [`text`].
pub(super) fn whole(value: &ScalarValue) -> i64 {
    match value {
        ScalarValue::Int16(Some(number)) => i64::from(*number),
        ScalarValue::Int32(Some(number)) => i64::from(*number),
        ScalarValue::Int64(Some(number)) => *number,
        _ => 0,
    }
}

/// See [`text`].
pub(super) fn float(value: &ScalarValue) -> f64 {
    match value {
        ScalarValue::Float64(Some(number)) => *number,
        _ => 0.0,
    }
}

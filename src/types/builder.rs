//! Builds a column from values as clients send them: the hot path of COPY FROM and of
//! parameters, so no allocation per value of the usual types.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder,
    Decimal256Builder, FixedSizeBinaryBuilder, Float32Builder, Float64Builder, Int16Builder,
    Int32Builder, Int64Builder, IntervalMonthDayNanoBuilder, LargeBinaryBuilder, NullArray,
    StringBuilder, Time64MicrosecondBuilder, TimestampMicrosecondBuilder, UInt32Builder,
    UInt64Builder,
};
use arrow::datatypes::{Field, Float16Type, Float32Type, IntervalMonthDayNano, UInt32Type, i256};
use datafusion::common::ScalarValue;

use super::calendar::{DAY_US, POSTGRES_EPOCH_DAYS, POSTGRES_EPOCH_US};
use super::list_builder::{ListColumn, SparseColumn, VectorColumn};
use super::numeric::Shape;
use super::string::Rule;
use super::{
    BitString, EnumType, PgType, SparseVector, TextContext, boolean, bytea, datetime_input, errors,
    float, integer, interval_input, json, tid,
};
use crate::base::{Result, SqlError, SqlState};

/// Builds one column of a type. After an error, a column of arrays must be thrown away.
#[derive(Debug)]
pub struct ColumnBuilder {
    ty: PgType,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Bool(BooleanBuilder),
    Int2(Int16Builder),
    Int4(Int32Builder),
    Int8(Int64Builder),
    Float4(Float32Builder),
    Float8(Float64Builder),
    Numeric(Shape, Decimal128Builder),
    WideNumeric(Shape, Decimal256Builder),
    Text(Rule, StringBuilder),
    Json(StringBuilder),
    Jsonb(StringBuilder, String),
    Bytea(BinaryBuilder, Vec<u8>),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Interval(IntervalMonthDayNanoBuilder),
    Enum(Arc<EnumType>, TimestampMicrosecondBuilder),
    Uuid(FixedSizeBinaryBuilder),
    Oid(UInt32Builder),
    Tid(UInt64Builder),
    Bits(LargeBinaryBuilder),
    Vector(VectorColumn<Float32Type>),
    Halfvec(VectorColumn<Float16Type>),
    Sparsevec(SparseColumn),
    List(ListColumn),
    Void(usize),
}

/// The bytes of a fixed-length value.
fn fixed<const N: usize>(bytes: &[u8], ty: &PgType) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| errors::invalid_binary(ty))
}

fn out_of_range(what: &str) -> SqlError {
    SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("{what} out of range"))
}

impl Values {
    fn new(ty: &PgType, capacity: usize) -> Self {
        let text = || StringBuilder::with_capacity(capacity, capacity * 16);
        match ty {
            PgType::Bool => Self::Bool(BooleanBuilder::with_capacity(capacity)),
            PgType::Int2 => Self::Int2(Int16Builder::with_capacity(capacity)),
            PgType::Int4 => Self::Int4(Int32Builder::with_capacity(capacity)),
            PgType::Int8 => Self::Int8(Int64Builder::with_capacity(capacity)),
            PgType::Float4 => Self::Float4(Float32Builder::with_capacity(capacity)),
            PgType::Float8 => Self::Float8(Float64Builder::with_capacity(capacity)),
            PgType::Numeric(modifier) => {
                let shape = Shape::new(*modifier);
                if modifier.is_none_or(|(precision, _)| precision <= 38) {
                    let values = Decimal128Builder::with_capacity(capacity);
                    Self::Numeric(shape, values.with_data_type(ty.arrow()))
                } else {
                    let values = Decimal256Builder::with_capacity(capacity);
                    Self::WideNumeric(shape, values.with_data_type(ty.arrow()))
                }
            }
            PgType::Text
            | PgType::Varchar(_)
            | PgType::Bpchar(_)
            | PgType::Name
            | PgType::Char
            | PgType::Jsonpath
            | PgType::PgNodeTree
            | PgType::Aclitem
            | PgType::Record
            | PgType::Unknown => Self::Text(Rule::of(ty), text()),
            PgType::Json => Self::Json(text()),
            PgType::Jsonb => Self::Jsonb(text(), String::new()),
            PgType::Bytea => {
                Self::Bytea(BinaryBuilder::with_capacity(capacity, capacity * 16), Vec::new())
            }
            PgType::Date => Self::Date(Date32Builder::with_capacity(capacity)),
            PgType::Time => Self::Time(Time64MicrosecondBuilder::with_capacity(capacity)),
            PgType::Timestamp | PgType::Timestamptz => {
                let values = TimestampMicrosecondBuilder::with_capacity(capacity);
                Self::Timestamp(values.with_data_type(ty.arrow()))
            }
            PgType::Interval => {
                Self::Interval(IntervalMonthDayNanoBuilder::with_capacity(capacity))
            }
            PgType::Enum(of) => {
                let values = TimestampMicrosecondBuilder::with_capacity(capacity);
                Self::Enum(Arc::clone(of), values.with_data_type(ty.arrow()))
            }
            PgType::Uuid => Self::Uuid(FixedSizeBinaryBuilder::with_capacity(capacity, 16)),
            PgType::Oid
            | PgType::Xid
            | PgType::Regclass
            | PgType::Regtype
            | PgType::Regproc
            | PgType::Regprocedure
            | PgType::Regoper
            | PgType::Regoperator
            | PgType::Regnamespace
            | PgType::Regrole => Self::Oid(UInt32Builder::with_capacity(capacity)),
            PgType::Tid => Self::Tid(UInt64Builder::with_capacity(capacity)),
            PgType::Bit(_) | PgType::Varbit(_) => {
                Self::Bits(LargeBinaryBuilder::with_capacity(capacity, capacity * 9))
            }
            PgType::Vector(dimensions) => Self::Vector(VectorColumn::new(*dimensions, capacity)),
            PgType::Halfvec(dimensions) => Self::Halfvec(VectorColumn::new(*dimensions, capacity)),
            PgType::Sparsevec(dimensions) => {
                Self::Sparsevec(SparseColumn::new(*dimensions, capacity))
            }
            PgType::Array(element) => Self::List(ListColumn::new(element, false, capacity)),
            PgType::Int2vector => Self::List(ListColumn::new(&PgType::Int2, true, capacity)),
            PgType::Oidvector => Self::List(ListColumn::new(&PgType::Oid, true, capacity)),
            PgType::Void => Self::Void(0),
        }
    }
}

/// Runs an expression over whichever builder it is.
macro_rules! each_builder {
    ($values:expr, $builder:ident => $body:expr) => {
        match $values {
            Values::Bool($builder) => $body,
            Values::Int2($builder) => $body,
            Values::Int4($builder) => $body,
            Values::Int8($builder) => $body,
            Values::Float4($builder) => $body,
            Values::Float8($builder) => $body,
            Values::Numeric(_, $builder) => $body,
            Values::WideNumeric(_, $builder) => $body,
            Values::Text(_, $builder) | Values::Json($builder) | Values::Jsonb($builder, _) => {
                $body
            }
            Values::Bytea($builder, _) => $body,
            Values::Date($builder) => $body,
            Values::Time($builder) => $body,
            Values::Timestamp($builder) | Values::Enum(_, $builder) => $body,
            Values::Interval($builder) => $body,
            Values::Uuid($builder) => $body,
            Values::Oid($builder) => $body,
            Values::Tid($builder) => $body,
            Values::Bits($builder) => $body,
            Values::Vector($builder) => $body,
            Values::Halfvec($builder) => $body,
            Values::Sparsevec($builder) => $body,
            Values::List($builder) => $body,
            Values::Void(_) => unreachable!("handled before"),
        }
    };
}

impl ColumnBuilder {
    /// A builder for values of this type, modifier included, with room for `capacity` of them.
    pub fn new(ty: &PgType, capacity: usize) -> Self {
        Self { ty: ty.clone(), values: Values::new(ty, capacity) }
    }

    /// The type.
    pub fn ty(&self) -> &PgType {
        &self.ty
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        use arrow::array::ArrayBuilder as _;
        if let Values::Void(length) = &self.values {
            return *length;
        }
        each_builder!(&self.values, builder => builder.len())
    }

    /// Whether there are no values yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds NULL.
    pub fn append_null(&mut self) {
        if let Values::Void(length) = &mut self.values {
            *length += 1;
            return;
        }
        each_builder!(&mut self.values, builder => builder.append_null());
    }

    /// Adds a value in its text form.
    pub fn append_text(&mut self, text: &str, context: &TextContext) -> Result<()> {
        let ty = &self.ty;
        match &mut self.values {
            Values::Bool(values) => values.append_value(boolean::parse(text)?),
            Values::Int2(values) => values.append_value(integer::parse(text, ty)?),
            Values::Int4(values) => values.append_value(integer::parse(text, ty)?),
            Values::Int8(values) => values.append_value(integer::parse(text, ty)?),
            Values::Float4(values) => values.append_value(float::parse(text)?),
            Values::Float8(values) => values.append_value(float::parse(text)?),
            Values::Numeric(shape, values) => values.append_value(shape.parse::<i128>(text)?),
            Values::WideNumeric(shape, values) => values.append_value(shape.parse::<i256>(text)?),
            Values::Text(rule, values) => {
                values.append_value(rule.apply(errors::no_zero(text)?)?);
            }
            Values::Json(values) => {
                json::check(text)?;
                values.append_value(text);
            }
            Values::Jsonb(values, normal) => {
                normal.clear();
                json::normalise(text, normal)?;
                values.append_value(&normal);
            }
            Values::Bytea(values, bytes) => {
                bytes.clear();
                bytea::parse(text, bytes)?;
                values.append_value(&bytes);
            }
            Values::Date(values) => values.append_value(datetime_input::date(text, context)?),
            Values::Time(values) => values.append_value(datetime_input::time(text, context)?),
            Values::Timestamp(values) => values.append_value(if *ty == PgType::Timestamptz {
                datetime_input::timestamptz(text, context)?
            } else {
                datetime_input::timestamp(text, context)?
            }),
            Values::Interval(values) => values.append_value(interval_input::parse(text)?),
            Values::Enum(of, values) => values.append_value(of.place(text)?),
            Values::Uuid(values) => append_uuid(values, bytea::parse_uuid(text)?)?,
            Values::Oid(values) => values.append_value(integer::parse_oid(text, ty)?),
            Values::Tid(values) => values.append_value(tid::parse(text)?),
            Values::Bits(values) => {
                values.append_value(BitString::parse(text)?.assigned(ty)?.stored());
            }
            Values::Vector(values) => values.append_text(text)?,
            Values::Halfvec(values) => values.append_text(text)?,
            Values::Sparsevec(values) => values.append(&SparseVector::parse(text)?)?,
            Values::List(values) => values.append_text(text, context)?,
            Values::Void(length) => *length += 1,
        }
        Ok(())
    }

    /// Adds a value in its binary form.
    pub fn append_binary(&mut self, bytes: &[u8]) -> Result<()> {
        let ty = &self.ty;
        match &mut self.values {
            Values::Bool(values) => match bytes {
                [byte] => values.append_value(*byte != 0),
                _ => return Err(errors::invalid_binary(ty)),
            },
            Values::Int2(values) => values.append_value(i16::from_be_bytes(fixed(bytes, ty)?)),
            Values::Int4(values) => values.append_value(i32::from_be_bytes(fixed(bytes, ty)?)),
            Values::Int8(values) => values.append_value(i64::from_be_bytes(fixed(bytes, ty)?)),
            Values::Float4(values) => values.append_value(f32::from_be_bytes(fixed(bytes, ty)?)),
            Values::Float8(values) => values.append_value(f64::from_be_bytes(fixed(bytes, ty)?)),
            Values::Numeric(shape, values) => {
                values.append_value(shape.parse_binary::<i128>(bytes)?);
            }
            Values::WideNumeric(shape, values) => {
                values.append_value(shape.parse_binary::<i256>(bytes)?);
            }
            Values::Text(rule, values) => values.append_value(rule.apply(errors::utf8(bytes)?)?),
            Values::Json(values) => {
                let text = errors::utf8(bytes)?;
                json::check(text)?;
                values.append_value(text);
            }
            Values::Jsonb(values, normal) => {
                let Some((1, text)) = bytes.split_first() else {
                    let version = bytes.first().copied().unwrap_or_default();
                    let message = format!("unsupported jsonb version number {version}");
                    return Err(SqlError::new(SqlState::INVALID_BINARY_REPRESENTATION, message));
                };
                normal.clear();
                json::normalise(errors::utf8(text)?, normal)?;
                values.append_value(&normal);
            }
            Values::Bytea(values, _) => values.append_value(bytes),
            Values::Date(values) => {
                values.append_value(date(i32::from_be_bytes(fixed(bytes, ty)?))?)
            }
            Values::Time(values) => {
                let us = i64::from_be_bytes(fixed(bytes, ty)?);
                if !(0..=DAY_US).contains(&us) {
                    return Err(out_of_range("time"));
                }
                values.append_value(us);
            }
            Values::Timestamp(values) => {
                values.append_value(timestamp(i64::from_be_bytes(fixed(bytes, ty)?))?);
            }
            Values::Interval(values) => values.append_value(interval(fixed(bytes, ty)?)?),
            Values::Enum(of, values) => values.append_value(of.place(errors::utf8(bytes)?)?),
            Values::Uuid(values) => append_uuid(values, fixed(bytes, ty)?)?,
            Values::Oid(values) => values.append_value(u32::from_be_bytes(fixed(bytes, ty)?)),
            Values::Tid(values) => values.append_value(tid::of_bytes(fixed(bytes, ty)?)),
            Values::Bits(values) => {
                values.append_value(BitString::parse_binary(bytes, ty)?.assigned(ty)?.stored());
            }
            Values::Vector(values) => values.append_binary(bytes)?,
            Values::Halfvec(values) => values.append_binary(bytes)?,
            Values::Sparsevec(values) => values.append(&SparseVector::parse_binary(bytes)?)?,
            Values::List(values) => values.append_binary(bytes)?,
            Values::Void(length) => *length += 1,
        }
        Ok(())
    }

    /// Adds a value that another part of Redkite made, turned into this type as PostgreSQL's
    /// input would; fast when it already is of the type.
    pub fn append_scalar(&mut self, value: &ScalarValue) -> Result<()> {
        if value.is_null() {
            self.append_null();
            return Ok(());
        }
        match (&mut self.values, value) {
            (Values::Bool(values), ScalarValue::Boolean(value)) => values.append_option(*value),
            (Values::Int2(values), ScalarValue::Int16(value)) => values.append_option(*value),
            (Values::Int4(values), ScalarValue::Int32(value)) => values.append_option(*value),
            (Values::Int8(values), ScalarValue::Int64(value)) => values.append_option(*value),
            (Values::Int4(values), ScalarValue::Int16(value)) => {
                values.append_option(value.map(i32::from));
            }
            (Values::Int8(values), ScalarValue::Int16(value)) => {
                values.append_option(value.map(i64::from));
            }
            (Values::Int8(values), ScalarValue::Int32(value)) => {
                values.append_option(value.map(i64::from));
            }
            (Values::Float4(values), ScalarValue::Float32(value)) => values.append_option(*value),
            (Values::Float8(values), ScalarValue::Float64(value)) => values.append_option(*value),
            (Values::Date(values), ScalarValue::Date32(value)) => values.append_option(*value),
            (Values::Oid(values), ScalarValue::UInt32(value)) => values.append_option(*value),
            (Values::Tid(values), ScalarValue::UInt64(value)) => values.append_option(*value),
            (
                Values::Timestamp(values) | Values::Enum(_, values),
                ScalarValue::TimestampMicrosecond(value, _),
            ) => {
                values.append_option(*value);
            }
            (Values::Uuid(values), ScalarValue::FixedSizeBinary(16, Some(value))) => {
                append_uuid(values, fixed(value, &PgType::Uuid)?)?;
            }
            (Values::Bytea(values, _), ScalarValue::Binary(value)) => {
                values.append_option(value.as_ref());
            }
            (Values::Bits(values), ScalarValue::LargeBinary(Some(value))) => {
                match self.ty == self.ty.bare() {
                    true => values.append_value(value),
                    false => {
                        values.append_value(BitString::of(value).assigned(&self.ty)?.stored());
                    }
                }
            }
            (Values::Vector(values), ScalarValue::FixedSizeList(list)) if list.len() == 1 => {
                values.append_elements(&list.value(0))?;
            }
            (Values::Vector(values), ScalarValue::List(list)) if list.len() == 1 => {
                values.append_elements(&list.value(0))?;
            }
            (Values::Halfvec(values), ScalarValue::FixedSizeList(list)) if list.len() == 1 => {
                values.append_elements(&list.value(0))?;
            }
            (Values::Halfvec(values), ScalarValue::List(list)) if list.len() == 1 => {
                values.append_elements(&list.value(0))?;
            }
            (Values::Sparsevec(values), ScalarValue::List(list)) if list.len() == 1 => {
                let words = list.value(0);
                let words = words
                    .as_primitive_opt::<UInt32Type>()
                    .ok_or_else(|| SqlError::internal("not a sparse vector"))?;
                values.append(&SparseVector::of(words.values()))?;
            }
            (
                _,
                ScalarValue::Utf8(Some(text))
                | ScalarValue::Utf8View(Some(text))
                | ScalarValue::LargeUtf8(Some(text)),
            ) => self.append_text(text, &TextContext::default())?,
            _ => self.append_converted(value)?,
        }
        Ok(())
    }

    /// Adds a vector of numbers, each as the nearest that the type has.
    pub(crate) fn append_vector(&mut self, numbers: &[f32]) -> Result<()> {
        match &mut self.values {
            Values::Vector(values) => values.append_numbers(numbers),
            Values::Halfvec(values) => values.append_numbers(numbers),
            Values::Sparsevec(values) => values.append(&SparseVector::of_dense(numbers)?),
            _ => Err(SqlError::internal("not a column of vectors")),
        }
    }

    /// Adds a sparse vector.
    pub(crate) fn append_sparse(&mut self, vector: &SparseVector) -> Result<()> {
        match &mut self.values {
            Values::Sparsevec(values) => values.append(vector),
            _ => Err(SqlError::internal("not a column of sparse vectors")),
        }
    }

    /// The long way: through the text that PostgreSQL shows for the value.
    fn append_converted(&mut self, value: &ScalarValue) -> Result<()> {
        let context = TextContext::default();
        let array = value.to_array().map_err(|error| SqlError::internal(error.to_string()))?;
        let ty = PgType::of_field(&Field::new("", array.data_type().clone(), true));
        let encoder = super::ColumnEncoder::new(&array, &ty)?;
        let mut out = bytes::BytesMut::new();
        encoder.write_text(0, &mut out, &context);
        self.append_text(errors::utf8(&out)?, &context)
    }

    /// The column; the builder is empty afterwards and can be used again.
    pub fn finish(&mut self) -> ArrayRef {
        if let Values::Void(length) = &mut self.values {
            return Arc::new(NullArray::new(std::mem::take(length)));
        }
        each_builder!(&mut self.values, builder => Arc::new(builder.finish()) as ArrayRef)
    }
}

fn append_uuid(values: &mut FixedSizeBinaryBuilder, bytes: [u8; 16]) -> Result<()> {
    values.append_value(bytes).map_err(|error| SqlError::internal(error.to_string()))
}

/// A `date` of PostgreSQL's epoch as days since 1970; the ends are the infinities.
fn date(days: i32) -> Result<i32> {
    match days {
        i32::MIN | i32::MAX => Ok(days),
        _ => days.checked_add(POSTGRES_EPOCH_DAYS).ok_or_else(|| out_of_range("date")),
    }
}

/// A `timestamp` of PostgreSQL's epoch as microseconds since 1970.
fn timestamp(us: i64) -> Result<i64> {
    match us {
        i64::MIN | i64::MAX => Ok(us),
        _ => us.checked_add(POSTGRES_EPOCH_US).ok_or_else(|| out_of_range("timestamp")),
    }
}

/// Microseconds, days, months.
fn interval(bytes: [u8; 16]) -> Result<IntervalMonthDayNano> {
    let [a, b, c, d, e, f, g, h, d1, d2, d3, d4, m1, m2, m3, m4] = bytes;
    let us = i64::from_be_bytes([a, b, c, d, e, f, g, h]);
    let nanoseconds = us
        .checked_mul(1000)
        .ok_or_else(|| SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "interval out of range"))?;
    let days = i32::from_be_bytes([d1, d2, d3, d4]);
    let months = i32::from_be_bytes([m1, m2, m3, m4]);
    Ok(IntervalMonthDayNano::new(months, days, nanoseconds))
}

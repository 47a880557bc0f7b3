//! Writes the values of a column as clients read them: the hot path of results and COPY TO, so
//! no allocation per value of the usual types.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array,
    Decimal256Array, FixedSizeBinaryArray, Float32Array, Float64Array, Int16Array, Int32Array,
    Int64Array, IntervalMonthDayNanoArray, LargeBinaryArray, ListArray, PrimitiveArray,
    StringArray, Time64MicrosecondArray, TimestampMicrosecondArray, UInt32Array, UInt64Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float16Type, Float32Type};
use bytes::{BufMut, BytesMut};

use super::calendar::{POSTGRES_EPOCH_DAYS, POSTGRES_EPOCH_US};
use super::numeric::Shape;
use super::vector::{self, Element};
use super::{
    BitString, EnumType, PgType, SparseVector, TextContext, array_text, bytea, datetime_output,
    float, interval_output, object, tid,
};
use crate::base::{Result, SqlError, SqlState};

/// Writes a column's values one by one, without their length.
#[derive(Debug)]
pub struct ColumnEncoder {
    values: Values,
    nulls: Option<NullBuffer>,
}

#[derive(Debug)]
enum Values {
    Bool(BooleanArray),
    Int2(Int16Array),
    Int4(Int32Array),
    Int8(Int64Array),
    Float4(Float32Array),
    Float8(Float64Array),
    Numeric(Shape, Decimal128Array),
    WideNumeric(Shape, Decimal256Array),
    Text(StringArray),
    /// Padded with blanks to so many characters.
    Padded(StringArray, usize),
    Jsonb(StringArray),
    Bytea(BinaryArray),
    Date(Date32Array),
    Time(Time64MicrosecondArray),
    Timestamp(TimestampMicrosecondArray),
    Timestamptz(TimestampMicrosecondArray),
    Interval(IntervalMonthDayNanoArray),
    Enum(TimestampMicrosecondArray, EnumType),
    Uuid(FixedSizeBinaryArray),
    Oid(UInt32Array),
    Tid(UInt64Array),
    Object(UInt32Array, StringArray),
    Bits(LargeBinaryArray),
    Vector(Vectors<Float32Type>),
    Halfvec(Vectors<Float16Type>),
    Sparsevec(ListArray, UInt32Array),
    List {
        list: ListArray,
        element: Box<ColumnEncoder>,
        oid: u32,
        blank: bool,
    },
    Record(Vec<(u32, ColumnEncoder)>),
    Void,
}

/// The column in the Arrow type that the PostgreSQL type has.
fn conform(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
    if array.data_type() == wanted {
        return Ok(Arc::clone(array));
    }
    cast(array, wanted).map_err(|error| SqlError::internal(error.to_string()))
}

impl ColumnEncoder {
    /// An encoder for a column that is shown as this type.
    pub fn new(array: &ArrayRef, ty: &PgType) -> Result<Self> {
        if *ty == PgType::Void {
            return Ok(Self { values: Values::Void, nulls: None });
        }
        if let Some(row) = array.as_struct_opt() {
            if let Some((numbers, names)) = object::parts(row) {
                let values = Values::Object(numbers, names);
                return Ok(Self { values, nulls: row.nulls().cloned() });
            }
            let field = |(field, column): (_, &ArrayRef)| {
                let ty = PgType::of_field(field);
                Ok((ty.oid().0, Self::new(column, &ty)?))
            };
            let fields = row.fields().iter().map(AsRef::as_ref).zip(row.columns());
            let fields = fields.map(field).collect::<Result<_>>()?;
            return Ok(Self { values: Values::Record(fields), nulls: row.nulls().cloned() });
        }
        let array = &conform_type(array, ty)?;
        let values = Self::values(array, ty)?;
        Ok(Self { values, nulls: array.logical_nulls() })
    }

    fn values(array: &ArrayRef, ty: &PgType) -> Result<Values> {
        Ok(match ty {
            PgType::Bool => Values::Bool(array.as_boolean().clone()),
            PgType::Int2 => Values::Int2(array.as_primitive().clone()),
            PgType::Int4 => Values::Int4(array.as_primitive().clone()),
            PgType::Int8 => Values::Int8(array.as_primitive().clone()),
            PgType::Float4 => Values::Float4(array.as_primitive().clone()),
            PgType::Float8 => Values::Float8(array.as_primitive().clone()),
            PgType::Numeric(modifier) => {
                let shape = Shape::new(*modifier);
                match array.data_type() {
                    DataType::Decimal256(_, scale) => {
                        Values::WideNumeric(shape.with_scale(*scale), array.as_primitive().clone())
                    }
                    DataType::Decimal128(_, scale) => {
                        Values::Numeric(shape.with_scale(*scale), array.as_primitive().clone())
                    }
                    other => return Err(SqlError::internal(format!("{other} is no decimal"))),
                }
            }
            PgType::Bpchar(Some(length)) => Values::Padded(
                array.as_string().clone(),
                usize::try_from(*length).unwrap_or(usize::MAX),
            ),
            PgType::Text
            | PgType::Varchar(_)
            | PgType::Bpchar(None)
            | PgType::Name
            | PgType::Char
            | PgType::Json
            | PgType::Jsonpath
            | PgType::PgNodeTree
            | PgType::Aclitem
            | PgType::Record
            | PgType::Unknown => Values::Text(array.as_string().clone()),
            PgType::Jsonb => Values::Jsonb(array.as_string().clone()),
            PgType::Bytea => Values::Bytea(array.as_binary().clone()),
            PgType::Date => Values::Date(array.as_primitive().clone()),
            PgType::Time => Values::Time(array.as_primitive().clone()),
            PgType::Timestamp => Values::Timestamp(array.as_primitive().clone()),
            PgType::Timestamptz => Values::Timestamptz(array.as_primitive().clone()),
            PgType::Interval => Values::Interval(array.as_primitive().clone()),
            // The labels are those that there were when the rows were read, not when the statement
            // was described.
            PgType::Enum(of) => Values::Enum(
                array.as_primitive().clone(),
                EnumType::of(array.data_type()).unwrap_or_else(|| of.as_ref().clone()),
            ),
            PgType::Uuid => Values::Uuid(array.as_fixed_size_binary().clone()),
            PgType::Oid
            | PgType::Xid
            | PgType::Regclass
            | PgType::Regtype
            | PgType::Regproc
            | PgType::Regprocedure
            | PgType::Regoper
            | PgType::Regoperator
            | PgType::Regnamespace
            | PgType::Regrole => Values::Oid(array.as_primitive().clone()),
            PgType::Tid => Values::Tid(array.as_primitive().clone()),
            PgType::Bit(_) | PgType::Varbit(_) => Values::Bits(array.as_binary().clone()),
            PgType::Vector(_) => Values::Vector(Vectors::new(array)),
            PgType::Halfvec(_) => Values::Halfvec(Vectors::new(array)),
            PgType::Sparsevec(_) => {
                let list = array.as_list::<i32>().clone();
                let words = list.values().as_primitive().clone();
                Values::Sparsevec(list, words)
            }
            PgType::Array(element) => list(array, element, false)?,
            PgType::Int2vector => list(array, &PgType::Int2, true)?,
            PgType::Oidvector => list(array, &PgType::Oid, true)?,
            PgType::Void => Values::Void,
        })
    }

    /// Whether the row's value is NULL; if so, nothing may be written for it.
    pub fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// Writes the row's value as text.
    pub fn write_text(&self, row: usize, out: &mut BytesMut, context: &TextContext) {
        let digits = context.extra_float_digits;
        match &self.values {
            Values::Bool(values) => out.put_u8(if values.value(row) { b't' } else { b'f' }),
            Values::Int2(values) => integer(values.value(row), out),
            Values::Int4(values) => integer(values.value(row), out),
            Values::Int8(values) => integer(values.value(row), out),
            Values::Oid(values) => integer(values.value(row), out),
            Values::Tid(values) => tid::write(values.value(row), out),
            Values::Object(_, names) => out.put_slice(names.value(row).as_bytes()),
            Values::Float4(values) => float::write(values.value(row), out, digits),
            Values::Float8(values) => float::write(values.value(row), out, digits),
            Values::Numeric(shape, values) => shape.write_text(values.value(row), out),
            Values::WideNumeric(shape, values) => shape.write_text(values.value(row), out),
            Values::Text(values) | Values::Jsonb(values) => {
                out.put_slice(values.value(row).as_bytes());
            }
            Values::Padded(values, length) => padded(values.value(row), *length, out),
            Values::Bytea(values) => bytea::write(values.value(row), out, context.bytea_output),
            Values::Date(values) => {
                datetime_output::date(values.value(row), out, context.date_style)
            }
            Values::Time(values) => datetime_output::time(values.value(row), out),
            Values::Timestamp(values) => {
                datetime_output::timestamp(values.value(row), out, context.date_style);
            }
            Values::Timestamptz(values) => {
                datetime_output::timestamptz(values.value(row), out, context);
            }
            Values::Interval(values) => {
                interval_output::write(values.value(row), out, context.interval_style);
            }
            Values::Enum(values, of) => out.put_slice(of.label(values.value(row)).as_bytes()),
            Values::Uuid(values) => bytea::write_uuid(uuid(values, row), out),
            Values::Bits(values) => BitString::of(values.value(row)).write(out),
            Values::Vector(values) => vector::write::<Float32Type>(values.get(row), out),
            Values::Halfvec(values) => vector::write::<Float16Type>(values.get(row), out),
            Values::Sparsevec(list, words) => {
                SparseVector::of(&words.values()[range(list, row)]).write(out);
            }
            Values::List { list, element, blank, .. } => {
                list_text(list, element, *blank, row, out, context);
            }
            Values::Record(fields) => {
                let mut before = b'(';
                for (_, field) in fields {
                    out.put_u8(before);
                    before = b',';
                    if !field.is_null(row) {
                        let start = out.len();
                        field.write_text(row, out, context);
                        array_text::quote_field(out, start);
                    }
                }
                out.put_slice(if fields.is_empty() { b"()" } else { b")" });
            }
            Values::Void => {}
        }
    }

    /// Writes the row's value in its binary form.
    pub fn write_binary(&self, row: usize, out: &mut BytesMut) {
        match &self.values {
            Values::Bool(values) => out.put_u8(u8::from(values.value(row))),
            Values::Int2(values) => out.put_i16(values.value(row)),
            Values::Int4(values) => out.put_i32(values.value(row)),
            Values::Int8(values) => out.put_i64(values.value(row)),
            Values::Oid(values) | Values::Object(values, _) => out.put_u32(values.value(row)),
            Values::Tid(values) => out.put_slice(&tid::bytes(values.value(row))),
            Values::Float4(values) => out.put_f32(values.value(row)),
            Values::Float8(values) => out.put_f64(values.value(row)),
            Values::Numeric(shape, values) => shape.write_binary(values.value(row), out),
            Values::WideNumeric(shape, values) => shape.write_binary(values.value(row), out),
            Values::Text(values) => out.put_slice(values.value(row).as_bytes()),
            Values::Padded(values, length) => padded(values.value(row), *length, out),
            Values::Jsonb(values) => {
                out.put_u8(1);
                out.put_slice(values.value(row).as_bytes());
            }
            Values::Bytea(values) => out.put_slice(values.value(row)),
            Values::Date(values) => out.put_i32(match values.value(row) {
                infinite @ (i32::MIN | i32::MAX) => infinite,
                days => days.saturating_sub(POSTGRES_EPOCH_DAYS),
            }),
            Values::Time(values) => out.put_i64(values.value(row)),
            Values::Timestamp(values) | Values::Timestamptz(values) => {
                out.put_i64(match values.value(row) {
                    infinite @ (i64::MIN | i64::MAX) => infinite,
                    us => us.saturating_sub(POSTGRES_EPOCH_US),
                });
            }
            Values::Interval(values) => {
                let value = values.value(row);
                out.put_i64(value.nanoseconds / 1000);
                out.put_i32(value.days);
                out.put_i32(value.months);
            }
            Values::Enum(values, of) => out.put_slice(of.label(values.value(row)).as_bytes()),
            Values::Uuid(values) => out.put_slice(values.value(row)),
            Values::Bits(values) => BitString::of(values.value(row)).write_binary(out),
            Values::Vector(values) => vector::write_binary::<Float32Type>(values.get(row), out),
            Values::Halfvec(values) => vector::write_binary::<Float16Type>(values.get(row), out),
            Values::Sparsevec(list, words) => {
                SparseVector::of(&words.values()[range(list, row)]).write_binary(out);
            }
            Values::List { list, element, oid, blank } => {
                list_binary(list, element, (*oid, *blank), row, out);
            }
            Values::Record(fields) => {
                out.put_i32(length(fields.len()));
                for (oid, field) in fields {
                    out.put_u32(*oid);
                    field.write_with_length(row, out);
                }
            }
            Values::Void => {}
        }
    }

    /// Writes the binary value behind its length, -1 for NULL.
    pub fn write_with_length(&self, row: usize, out: &mut BytesMut) {
        if self.is_null(row) {
            out.put_i32(-1);
            return;
        }
        let start = out.len();
        out.put_i32(0);
        self.write_binary(row, out);
        let written = length(out.len() - start - 4);
        out[start..start + 4].copy_from_slice(&written.to_be_bytes());
    }
}

/// The column as the encoder's arrays have it; a vector's dimensions are the array's own.
fn conform_type(array: &ArrayRef, ty: &PgType) -> Result<ArrayRef> {
    match (ty, array.data_type()) {
        (PgType::Vector(_), DataType::FixedSizeList(item, _) | DataType::List(item))
            if *item.data_type() == DataType::Float32 =>
        {
            Ok(Arc::clone(array))
        }
        (PgType::Halfvec(_), DataType::FixedSizeList(item, _) | DataType::List(item))
            if *item.data_type() == DataType::Float16 =>
        {
            Ok(Arc::clone(array))
        }
        (PgType::Vector(_) | PgType::Halfvec(_), _) => conform(array, &ty.bare().arrow()),
        // The element's encoder conforms the elements.
        (PgType::Array(_), DataType::List(_)) => Ok(Arc::clone(array)),
        (PgType::Enum(_), DataType::Timestamp(_, Some(_))) => Ok(Arc::clone(array)),
        // A number without a declared scale is shown with all the digits that it has.
        (PgType::Numeric(None), DataType::Decimal128(_, _) | DataType::Decimal256(_, _)) => {
            Ok(Arc::clone(array))
        }
        _ => conform(array, &ty.arrow()),
    }
}

fn length(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

fn integer(value: impl itoa::Integer, out: &mut BytesMut) {
    out.put_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn padded(text: &str, length: usize, out: &mut BytesMut) {
    out.put_slice(text.as_bytes());
    out.put_bytes(b' ', length.saturating_sub(text.chars().count()));
}

fn uuid(values: &FixedSizeBinaryArray, row: usize) -> [u8; 16] {
    values.value(row).try_into().unwrap_or_default()
}

/// Vectors, of one length or each of its own.
#[derive(Debug)]
struct Vectors<E: Element> {
    elements: PrimitiveArray<E>,
    lengths: Lengths,
}

#[derive(Debug)]
enum Lengths {
    All(usize),
    Each(OffsetBuffer<i32>),
}

impl<E: Element> Vectors<E> {
    fn new(array: &ArrayRef) -> Self {
        match array.as_fixed_size_list_opt() {
            Some(list) => Self {
                elements: list.values().as_primitive::<E>().clone(),
                lengths: Lengths::All(usize::try_from(list.value_length()).unwrap_or(0)),
            },
            None => {
                let list = array.as_list::<i32>();
                Self {
                    elements: list.values().as_primitive::<E>().clone(),
                    lengths: Lengths::Each(list.offsets().clone()),
                }
            }
        }
    }

    fn get(&self, row: usize) -> &[E::Native] {
        let range = match &self.lengths {
            Lengths::All(dimensions) => row * dimensions..(row + 1) * dimensions,
            Lengths::Each(ends) => {
                let end = |at: usize| usize::try_from(ends[at]).unwrap_or(0);
                end(row)..end(row + 1)
            }
        };
        &self.elements.values()[range]
    }
}

fn range(list: &ListArray, row: usize) -> std::ops::Range<usize> {
    let offset = |at: usize| usize::try_from(list.value_offsets()[at]).unwrap_or(0);
    offset(row)..offset(row + 1)
}

fn list(array: &ArrayRef, element: &PgType, blank: bool) -> Result<Values> {
    let list = array.as_list::<i32>().clone();
    let encoder = Box::new(ColumnEncoder::new(list.values(), element)?);
    Ok(Values::List { list, element: encoder, oid: element.oid().0, blank })
}

fn list_text(
    list: &ListArray,
    element: &ColumnEncoder,
    blank: bool,
    row: usize,
    out: &mut BytesMut,
    context: &TextContext,
) {
    if !blank {
        out.put_u8(b'{');
    }
    for (at, position) in range(list, row).enumerate() {
        if at > 0 {
            out.put_u8(if blank { b' ' } else { b',' });
        }
        if element.is_null(position) {
            out.put_slice(b"NULL");
            continue;
        }
        let start = out.len();
        element.write_text(position, out, context);
        if !blank {
            array_text::quote_element(out, start);
        }
    }
    if !blank {
        out.put_u8(b'}');
    }
}

fn list_binary(
    list: &ListArray,
    element: &ColumnEncoder,
    (oid, blank): (u32, bool),
    row: usize,
    out: &mut BytesMut,
) {
    let positions = range(list, row);
    let nulls = positions.clone().any(|position| element.is_null(position));
    out.put_i32(i32::from(!positions.is_empty() || blank));
    out.put_i32(i32::from(nulls));
    out.put_u32(oid);
    if positions.is_empty() && !blank {
        return;
    }
    out.put_i32(length(positions.len()));
    out.put_i32(i32::from(!blank));
    for position in positions {
        element.write_with_length(position, out);
    }
}

/// Writes the length of what follows the four bytes at `at`.
///
/// # Errors
/// 54000 when it is longer than the protocol can say.
#[inline]
pub fn put_length(out: &mut BytesMut, at: usize) -> Result<()> {
    let length = i32::try_from(out.len() - at - 4).map_err(|_| {
        SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "a row or a value is longer than 2 GiB")
    })?;
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

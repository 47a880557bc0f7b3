//! A column of ours as others read it: their types where they have them, PostgreSQL's text otherwise.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, GenericListArray, ListArray, StringBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef};
use bytes::BytesMut;
use parquet::basic::LogicalType;

use crate::base::{Result, SqlError};
use crate::types::{ColumnEncoder, PgType, TextContext};

/// How a column is written.
#[derive(Clone, Debug)]
pub(super) struct External {
    ty: PgType,
    /// The type of ours.
    ours: DataType,
    /// The type in the file.
    theirs: DataType,
    context: TextContext,
}

impl External {
    /// Of a column of this type, whose arrays are of that one.
    pub(super) fn new(ty: &PgType, ours: &DataType, context: &TextContext) -> Self {
        let theirs = theirs(ty, ours);
        Self { ty: ty.clone(), ours: ours.clone(), theirs, context: context.clone() }
    }

    /// The field in the file.
    pub(super) fn field(&self, name: &str) -> Field {
        Field::new(name, self.theirs.clone(), true)
    }

    /// Whether it is a list of floats: what neither a dictionary nor compression makes smaller.
    pub(super) fn is_vector(&self) -> bool {
        matches!(self.ty, PgType::Vector(_) | PgType::Halfvec(_))
    }

    /// What the file says of the column beside its type.
    pub(super) fn logical(&self) -> Option<LogicalType> {
        match self.ty {
            PgType::Uuid => Some(LogicalType::Uuid),
            PgType::Json | PgType::Jsonb => Some(LogicalType::Json),
            _ => None,
        }
    }

    /// The values as they are written.
    ///
    /// # Errors
    /// None that values could cause.
    pub(super) fn convert(&self, array: &ArrayRef) -> Result<ArrayRef> {
        convert(array, &self.ty, &self.ours, &self.theirs, &self.context)
    }
}

fn element(data_type: DataType, nullable: bool) -> FieldRef {
    Arc::new(Field::new("element", data_type, nullable))
}

fn theirs(ty: &PgType, ours: &DataType) -> DataType {
    match ty {
        PgType::Bool
        | PgType::Int2
        | PgType::Int4
        | PgType::Int8
        | PgType::Float4
        | PgType::Float8
        | PgType::Numeric(_)
        | PgType::Bytea
        | PgType::Date
        | PgType::Time
        | PgType::Timestamp
        | PgType::Timestamptz
        | PgType::Uuid
        | PgType::Oid
        | PgType::Xid => ours.clone(),
        PgType::Vector(Some(n)) | PgType::Halfvec(Some(n)) => {
            DataType::FixedSizeList(element(DataType::Float32, false), i32::from(*n))
        }
        PgType::Vector(None) | PgType::Halfvec(None) => {
            DataType::List(element(DataType::Float32, false))
        }
        PgType::Array(of) => {
            let inner = match ours {
                DataType::List(item) => item.data_type().clone(),
                _ => of.arrow(),
            };
            DataType::List(element(theirs(of, &inner), true))
        }
        PgType::Text
        | PgType::Varchar(_)
        | PgType::Bpchar(_)
        | PgType::Name
        | PgType::Char
        | PgType::Interval
        | PgType::Json
        | PgType::Jsonb
        | PgType::Regclass
        | PgType::Regtype
        | PgType::Regproc
        | PgType::Regprocedure
        | PgType::Regoper
        | PgType::Regoperator
        | PgType::Regnamespace
        | PgType::Regrole
        | PgType::Int2vector
        | PgType::Oidvector
        | PgType::Jsonpath
        | PgType::PgNodeTree
        | PgType::Aclitem
        | PgType::Tid
        | PgType::Bit(_)
        | PgType::Varbit(_)
        | PgType::Sparsevec(_)
        | PgType::Enum(_)
        | PgType::Unknown
        | PgType::Void
        | PgType::Record => DataType::Utf8,
    }
}

fn internal(error: impl std::fmt::Display) -> SqlError {
    SqlError::internal(format!("writing Parquet: {error}"))
}

fn convert(
    array: &ArrayRef,
    ty: &PgType,
    ours: &DataType,
    theirs: &DataType,
    context: &TextContext,
) -> Result<ArrayRef> {
    if array.data_type() == theirs {
        return Ok(Arc::clone(array));
    }
    let array = match array.data_type() == ours {
        true => Arc::clone(array),
        false => cast(array, ours).map_err(internal)?,
    };
    match theirs {
        DataType::Utf8 if !matches!(ours, DataType::Utf8) => as_text(&array, ty, context),
        DataType::FixedSizeList(item, length) => {
            let list = array.as_fixed_size_list();
            let values = cast(list.values(), item.data_type()).map_err(internal)?;
            let nulls = list.nulls().cloned();
            let list = FixedSizeListArray::try_new(Arc::clone(item), *length, values, nulls);
            Ok(Arc::new(list.map_err(internal)?))
        }
        DataType::List(item) => {
            let (inner, offsets, values, nulls) = array.as_list::<i32>().clone().into_parts();
            let values = match ty.element() {
                Some(of) => convert(&values, of, inner.data_type(), item.data_type(), context)?,
                None => cast(&values, item.data_type()).map_err(internal)?,
            };
            let list: ListArray =
                GenericListArray::try_new(Arc::clone(item), offsets, values, nulls)
                    .map_err(internal)?;
            Ok(Arc::new(list))
        }
        _ => Ok(array),
    }
}

fn as_text(array: &ArrayRef, ty: &PgType, context: &TextContext) -> Result<ArrayRef> {
    let encoder = ColumnEncoder::new(array, ty)?;
    let mut texts = StringBuilder::with_capacity(array.len(), array.len() * 16);
    let mut text = BytesMut::new();
    for row in 0..array.len() {
        if encoder.is_null(row) {
            texts.append_null();
            continue;
        }
        text.clear();
        encoder.write_text(row, &mut text, context);
        texts.append_value(std::str::from_utf8(&text).map_err(internal)?);
    }
    Ok(Arc::new(texts.finish()))
}

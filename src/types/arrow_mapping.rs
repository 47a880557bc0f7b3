//! How PostgreSQL's types lie in Arrow. A field carries its type in the metadata key
//! [`TYPE_KEY`] where the Arrow type alone would not tell it; where an operator loses it, the Arrow
//! type tells the nearest type. A vector is told from `real[]` by its inner field's name, and so is a
//! `halfvec` and a `sparsevec`; bit strings are the only ones that lie in `LargeBinary`, and an enum
//! is a time in a zone of its own ([`EnumType`]).

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, IntervalUnit, TimeUnit};

use super::{EnumType, PgType, object, sparse_vector};

/// The metadata key of a field that names its PostgreSQL type: `varchar:14` (name and typmod).
pub const TYPE_KEY: &str = "pg.type";
/// Precision and scale of an unconstrained `numeric`.
pub(super) const NUMERIC_BARE: (u8, i8) = (38, 10);
/// Precision and scale of a `numeric` that a division made.
pub(crate) const NUMERIC_QUOTIENT: (u8, i8) = (76, 30);
/// The name of the inner field of a vector.
const VECTOR_ITEM: &str = "vector";
/// The name of the inner field of a `halfvec`.
const HALFVEC_ITEM: &str = "halfvec";

/// The inner field of a vector's Arrow list.
pub fn vector_item() -> FieldRef {
    Arc::new(Field::new(VECTOR_ITEM, DataType::Float32, false))
}

/// The inner field of a `halfvec`'s Arrow list.
pub(super) fn halfvec_item() -> FieldRef {
    Arc::new(Field::new(HALFVEC_ITEM, DataType::Float16, false))
}

impl PgType {
    /// The Arrow type of a column of this type.
    pub fn arrow(&self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int2 => DataType::Int16,
            Self::Int4 => DataType::Int32,
            Self::Int8 => DataType::Int64,
            Self::Float4 => DataType::Float32,
            Self::Float8 => DataType::Float64,
            Self::Numeric(modifier) => {
                let (precision, scale) = modifier.unwrap_or(NUMERIC_BARE);
                if precision <= 38 {
                    DataType::Decimal128(precision, scale)
                } else {
                    DataType::Decimal256(precision, scale)
                }
            }
            Self::Text
            | Self::Varchar(_)
            | Self::Bpchar(_)
            | Self::Name
            | Self::Char
            | Self::Json
            | Self::Jsonb
            | Self::Jsonpath
            | Self::PgNodeTree
            | Self::Aclitem
            | Self::Record
            | Self::Unknown => DataType::Utf8,
            Self::Bytea => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Timestamptz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Interval => DataType::Interval(IntervalUnit::MonthDayNano),
            Self::Uuid => DataType::FixedSizeBinary(16),
            Self::Oid
            | Self::Xid
            | Self::Regclass
            | Self::Regtype
            | Self::Regproc
            | Self::Regprocedure
            | Self::Regoper
            | Self::Regoperator
            | Self::Regnamespace
            | Self::Regrole => DataType::UInt32,
            Self::Tid => DataType::UInt64,
            Self::Int2vector => DataType::List(item(&Self::Int2)),
            Self::Oidvector => DataType::List(item(&Self::Oid)),
            Self::Vector(Some(n)) => DataType::FixedSizeList(vector_item(), i32::from(*n)),
            Self::Vector(None) => DataType::List(vector_item()),
            Self::Halfvec(Some(n)) => DataType::FixedSizeList(halfvec_item(), i32::from(*n)),
            Self::Halfvec(None) => DataType::List(halfvec_item()),
            Self::Sparsevec(_) => DataType::List(sparse_vector::item()),
            Self::Bit(_) | Self::Varbit(_) => DataType::LargeBinary,
            Self::Array(element) => DataType::List(item(element)),
            Self::Enum(ty) => ty.arrow(),
            Self::Void => DataType::Null,
        }
    }

    /// A field of this type that says so in its metadata.
    pub fn field(&self, name: impl Into<String>, nullable: bool) -> Field {
        self.mark(Field::new(name, self.arrow(), nullable))
    }

    /// The same field with this type in its metadata.
    pub fn mark(&self, field: Field) -> Field {
        let mut metadata = field.metadata().clone();
        // DataFusion compares metadata, and what its functions return has none.
        if Self::of(field.data_type()) == *self {
            metadata.remove(TYPE_KEY);
            return field.with_metadata(metadata);
        }
        let typmod = self.typmod();
        let value =
            if typmod < 0 { self.name().to_owned() } else { format!("{}:{typmod}", self.name()) };
        metadata.insert(TYPE_KEY.to_owned(), value);
        field.with_metadata(metadata)
    }

    /// The type of a field: what its metadata says if that fits its Arrow type, otherwise what
    /// the Arrow type alone says.
    pub fn of_field(field: &Field) -> Self {
        let derived = Self::of(field.data_type());
        let Some(value) = field.metadata().get(TYPE_KEY) else { return derived };
        let (name, typmod) = value.split_once(':').unwrap_or((value, "-1"));
        // `char` is here the typname of "char", not SQL's CHAR.
        let bare = if name == "char" { Some(Self::Char) } else { Self::from_name(name) };
        let named = bare.map(|ty| ty.with_typmod(typmod.parse().unwrap_or(-1)));
        // An expression may have kept the metadata of an argument and changed the type.
        match named {
            Some(named) if Self::of(&named.arrow()) == derived => named,
            _ => derived,
        }
    }

    /// The type of an Arrow type without metadata.
    pub fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Null => Self::Unknown,
            DataType::Boolean => Self::Bool,
            DataType::Int8 | DataType::Int16 | DataType::UInt8 => Self::Int2,
            DataType::Int32 | DataType::UInt16 => Self::Int4,
            DataType::Int64 | DataType::UInt64 => Self::Int8,
            DataType::UInt32 => Self::Oid,
            DataType::Float16 | DataType::Float32 => Self::Float4,
            DataType::Float64 => Self::Float8,
            DataType::Decimal32(precision, scale)
            | DataType::Decimal64(precision, scale)
            | DataType::Decimal128(precision, scale)
            | DataType::Decimal256(precision, scale) => {
                let modifier = (*precision, *scale);
                let bare = modifier == NUMERIC_BARE || modifier == NUMERIC_QUOTIENT;
                Self::Numeric((!bare).then_some(modifier))
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::FixedSizeBinary(16) => Self::Uuid,
            DataType::LargeBinary => Self::Bit(None),
            DataType::Binary | DataType::BinaryView | DataType::FixedSizeBinary(_) => Self::Bytea,
            DataType::Date32 => Self::Date,
            DataType::Time32(_) | DataType::Time64(_) => Self::Time,
            DataType::Date64 | DataType::Timestamp(_, None) => Self::Timestamp,
            DataType::Timestamp(_, Some(_)) => match EnumType::of(data_type) {
                Some(ty) => Self::Enum(Arc::new(ty)),
                None => Self::Timestamptz,
            },
            DataType::Interval(_) | DataType::Duration(_) => Self::Interval,
            DataType::FixedSizeList(item, n) if item.name() == VECTOR_ITEM => {
                Self::Vector(u16::try_from(*n).ok())
            }
            DataType::List(item) if item.name() == VECTOR_ITEM => Self::Vector(None),
            DataType::FixedSizeList(item, n) if item.name() == HALFVEC_ITEM => {
                Self::Halfvec(u16::try_from(*n).ok())
            }
            DataType::List(item) if item.name() == HALFVEC_ITEM => Self::Halfvec(None),
            DataType::List(item) if item.name() == sparse_vector::ITEM => Self::Sparsevec(None),
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::ListView(item)
            | DataType::LargeListView(item)
            | DataType::FixedSizeList(item, _) => Self::of_field(item).array(),
            DataType::Dictionary(_, value) => Self::of(value),
            DataType::RunEndEncoded(_, values) => Self::of(values.data_type()),
            DataType::Struct(fields) => object::of_pair(fields).unwrap_or(Self::Record),
            DataType::Map(_, _) | DataType::Union(_, _) => Self::Record,
        }
    }
}

/// The inner field of an array. It has no metadata, so that arrays made by any function have the
/// same Arrow type; the outer field names the element's type.
fn item(element: &PgType) -> FieldRef {
    Arc::new(Field::new("item", element.arrow(), true))
}

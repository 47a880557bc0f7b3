//! The types that a client can name, and PostgreSQL's facts about each: oid, name, length.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::EnumType;
use crate::base::Oid;

/// A PostgreSQL type together with its modifier (`numeric(10,2)`, `vector(3)`).
///
/// Fractional-second precision (`timestamp(3)`) is not kept: all times have microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PgType {
    /// `boolean`
    Bool,
    /// `smallint`
    Int2,
    /// `integer`
    Int4,
    /// `bigint`
    Int8,
    /// `real`
    Float4,
    /// `double precision`
    Float8,
    /// `numeric`, with precision and scale when constrained
    Numeric(Option<(u8, i8)>),
    /// `text`
    Text,
    /// `character varying(n)`
    Varchar(Option<u32>),
    /// `character(n)`, blank-padded; without a length: PostgreSQL's `bpchar`
    Bpchar(Option<u32>),
    /// `name`: an identifier of up to 63 bytes
    Name,
    /// `"char"`: one byte, used by the system catalogs
    Char,
    /// `bytea`
    Bytea,
    /// `date`
    Date,
    /// `time without time zone`
    Time,
    /// `timestamp without time zone`
    Timestamp,
    /// `timestamp with time zone`
    Timestamptz,
    /// `interval`
    Interval,
    /// `uuid`
    Uuid,
    /// `json`: the text as it came
    Json,
    /// `jsonb`: normalised
    Jsonb,
    /// `jsonpath`: as it was written
    Jsonpath,
    /// `oid`
    Oid,
    /// `xid`
    Xid,
    /// `tid`: where a row is, which is here its row id
    Tid,
    /// `regclass`: shown as a number unless the catalog has replaced it by a name
    Regclass,
    /// `regtype`
    Regtype,
    /// `regproc`
    Regproc,
    /// `regprocedure`: a function with its arguments' types
    Regprocedure,
    /// `regoper`
    Regoper,
    /// `regoperator`: an operator with its operands' types
    Regoperator,
    /// `regnamespace`
    Regnamespace,
    /// `regrole`
    Regrole,
    /// `int2vector`: column numbers in the system catalogs
    Int2vector,
    /// `oidvector`: oids in the system catalogs
    Oidvector,
    /// `pg_node_tree`: an expression in the system catalogs
    PgNodeTree,
    /// `aclitem`: a privilege in the system catalogs
    Aclitem,
    /// `bit(n)`; without a length: what `B'101'` is, of any length
    Bit(Option<u32>),
    /// `bit varying(n)`
    Varbit(Option<u32>),
    /// pgvector's `vector(n)`
    Vector(Option<u16>),
    /// pgvector's `halfvec(n)`
    Halfvec(Option<u16>),
    /// pgvector's `sparsevec(n)`
    Sparsevec(Option<u32>),
    /// An enum that a user defined
    Enum(Arc<EnumType>),
    /// A one-dimensional array
    Array(Box<PgType>),
    /// A literal whose type nothing has decided
    Unknown,
    /// The result of a function that returns nothing
    Void,
    /// An anonymous row
    Record,
}

/// What `pg_type` says about a scalar type.
#[derive(Clone, Copy, Debug)]
struct Facts<'a> {
    oid: u32,
    array: u32,
    name: &'a str,
    array_name: &'a str,
    sql_name: &'a str,
    length: i16,
}

/// The types that have an oid of their own, without modifiers.
const SCALARS: &[PgType] = &[
    PgType::Bool,
    PgType::Int2,
    PgType::Int4,
    PgType::Int8,
    PgType::Float4,
    PgType::Float8,
    PgType::Numeric(None),
    PgType::Text,
    PgType::Varchar(None),
    PgType::Bpchar(None),
    PgType::Name,
    PgType::Char,
    PgType::Bytea,
    PgType::Date,
    PgType::Time,
    PgType::Timestamp,
    PgType::Timestamptz,
    PgType::Interval,
    PgType::Uuid,
    PgType::Json,
    PgType::Jsonb,
    PgType::Jsonpath,
    PgType::Oid,
    PgType::Xid,
    PgType::Tid,
    PgType::Regclass,
    PgType::Regtype,
    PgType::Regproc,
    PgType::Regprocedure,
    PgType::Regoper,
    PgType::Regoperator,
    PgType::Regnamespace,
    PgType::Regrole,
    PgType::Int2vector,
    PgType::Oidvector,
    PgType::PgNodeTree,
    PgType::Aclitem,
    PgType::Bit(None),
    PgType::Varbit(None),
    PgType::Vector(None),
    PgType::Halfvec(None),
    PgType::Sparsevec(None),
    PgType::Unknown,
    PgType::Void,
    PgType::Record,
];

macro_rules! facts {
    ($oid:literal, $array:literal, $name:literal, $sql_name:literal, $length:literal) => {
        Facts {
            oid: $oid,
            array: $array,
            name: $name,
            array_name: concat!("_", $name),
            sql_name: $sql_name,
            length: $length,
        }
    };
}

impl PgType {
    /// Every scalar type without modifiers, in the order of the documentation.
    pub fn scalars() -> &'static [Self] {
        SCALARS
    }

    fn facts(&self) -> Facts<'_> {
        match self {
            Self::Bool => facts!(16, 1000, "bool", "boolean", 1),
            Self::Int2 => facts!(21, 1005, "int2", "smallint", 2),
            Self::Int4 => facts!(23, 1007, "int4", "integer", 4),
            Self::Int8 => facts!(20, 1016, "int8", "bigint", 8),
            Self::Float4 => facts!(700, 1021, "float4", "real", 4),
            Self::Float8 => facts!(701, 1022, "float8", "double precision", 8),
            Self::Numeric(_) => facts!(1700, 1231, "numeric", "numeric", -1),
            Self::Text => facts!(25, 1009, "text", "text", -1),
            Self::Varchar(_) => facts!(1043, 1015, "varchar", "character varying", -1),
            Self::Bpchar(_) => facts!(1042, 1014, "bpchar", "character", -1),
            Self::Name => facts!(19, 1003, "name", "name", 64),
            Self::Char => facts!(18, 1002, "char", "\"char\"", 1),
            Self::Bytea => facts!(17, 1001, "bytea", "bytea", -1),
            Self::Date => facts!(1082, 1182, "date", "date", 4),
            Self::Time => facts!(1083, 1183, "time", "time without time zone", 8),
            Self::Timestamp => {
                facts!(1114, 1115, "timestamp", "timestamp without time zone", 8)
            }
            Self::Timestamptz => {
                facts!(1184, 1185, "timestamptz", "timestamp with time zone", 8)
            }
            Self::Interval => facts!(1186, 1187, "interval", "interval", 16),
            Self::Uuid => facts!(2950, 2951, "uuid", "uuid", 16),
            Self::Json => facts!(114, 199, "json", "json", -1),
            Self::Jsonb => facts!(3802, 3807, "jsonb", "jsonb", -1),
            Self::Jsonpath => facts!(4072, 4073, "jsonpath", "jsonpath", -1),
            Self::Oid => facts!(26, 1028, "oid", "oid", 4),
            Self::Xid => facts!(28, 1011, "xid", "xid", 4),
            Self::Tid => facts!(27, 1010, "tid", "tid", 6),
            Self::Regclass => facts!(2205, 2210, "regclass", "regclass", 4),
            Self::Regtype => facts!(2206, 2211, "regtype", "regtype", 4),
            Self::Regproc => facts!(24, 1008, "regproc", "regproc", 4),
            Self::Regprocedure => facts!(2202, 2207, "regprocedure", "regprocedure", 4),
            Self::Regoper => facts!(2203, 2208, "regoper", "regoper", 4),
            Self::Regoperator => facts!(2204, 2209, "regoperator", "regoperator", 4),
            Self::Regnamespace => facts!(4089, 4090, "regnamespace", "regnamespace", 4),
            Self::Regrole => facts!(4096, 4097, "regrole", "regrole", 4),
            Self::Int2vector => facts!(22, 1006, "int2vector", "int2vector", -1),
            Self::Oidvector => facts!(30, 1013, "oidvector", "oidvector", -1),
            Self::PgNodeTree => facts!(194, 0, "pg_node_tree", "pg_node_tree", -1),
            Self::Aclitem => facts!(1033, 1034, "aclitem", "aclitem", 16),
            Self::Bit(_) => facts!(1560, 1561, "bit", "bit", -1),
            Self::Varbit(_) => facts!(1562, 1563, "varbit", "bit varying", -1),
            Self::Vector(_) => facts!(16385, 16386, "vector", "vector", -1),
            Self::Halfvec(_) => facts!(16387, 16388, "halfvec", "halfvec", -1),
            Self::Sparsevec(_) => facts!(16389, 16390, "sparsevec", "sparsevec", -1),
            Self::Unknown => facts!(705, 0, "unknown", "unknown", -2),
            Self::Void => facts!(2278, 0, "void", "void", 4),
            Self::Record => facts!(2249, 2287, "record", "record", -1),
            Self::Enum(ty) => Facts {
                oid: ty.facts().oid.0,
                array: ty.facts().array.0,
                name: &ty.facts().name,
                array_name: ty.array_name(),
                sql_name: ty.shown(),
                length: 4,
            },
            Self::Array(element) => Facts { length: -1, ..element.facts() },
        }
    }

    /// The type's oid in `pg_type`. Those of pgvector's types and their arrays are fixed, so that
    /// drivers may cache them.
    pub fn oid(&self) -> Oid {
        match self {
            Self::Array(element) => Oid(element.facts().array),
            scalar => Oid(scalar.facts().oid),
        }
    }

    /// The type with this oid, without modifier; not one that a user defined.
    pub fn from_oid(oid: Oid) -> Option<Self> {
        if oid.0 == 0 {
            return None;
        }
        for scalar in SCALARS {
            let facts = scalar.facts();
            if facts.oid == oid.0 {
                return Some(scalar.clone());
            }
            if facts.array == oid.0 {
                return Some(Self::Array(Box::new(scalar.clone())));
            }
        }
        None
    }

    /// The type's `pg_type.typname`: `int4`, `_int4` for its array.
    pub fn name(&self) -> &str {
        match self {
            Self::Array(element) => element.facts().array_name,
            scalar => scalar.facts().name,
        }
    }

    /// The type of a `typname` (`int4`, `_int4`) or of one of SQL's lower-case names (`integer`,
    /// `double precision`, `decimal`), without modifier.
    pub fn from_name(name: &str) -> Option<Self> {
        let alias = match name {
            "int" => Some(Self::Int4),
            "decimal" => Some(Self::Numeric(None)),
            "float" => Some(Self::Float8),
            "char" | "character" => Some(Self::Bpchar(None)),
            "string" => Some(Self::Text),
            _ => None,
        };
        if alias.is_some() {
            return alias;
        }
        let find = |wanted: &str| {
            SCALARS.iter().find(|ty| {
                let facts = ty.facts();
                facts.name == wanted || facts.sql_name == wanted
            })
        };
        if let Some(ty) = find(name) {
            return Some(ty.clone());
        }
        let element = SCALARS.iter().find(|ty| {
            let facts = ty.facts();
            facts.array != 0 && facts.array_name == name
        });
        element
            .or_else(|| find(name.strip_suffix("[]")?))
            .map(|element| Self::Array(Box::new(element.clone())))
    }

    /// `pg_type.typlen`: bytes, or -1 when it varies.
    pub fn typlen(&self) -> i16 {
        self.facts().length
    }

    /// SQL's name of the type without its modifier: `character varying`, `integer[]`.
    pub fn sql_name(&self) -> String {
        match self {
            Self::Array(element) => format!("{}[]", element.sql_name()),
            scalar => scalar.facts().sql_name.to_owned(),
        }
    }

    /// The type without its modifier as SQL that means it wherever it is read.
    pub fn to_sql(&self) -> String {
        match self {
            Self::Enum(ty) => ty.qualified(),
            Self::Array(element) => format!("{}[]", element.to_sql()),
            other => other.bare().to_string(),
        }
    }

    /// The type in error messages such as `invalid input syntax for type integer`, where no
    /// modifier is shown.
    pub(crate) fn error_name(&self) -> &str {
        self.facts().sql_name
    }

    /// This type without its modifier.
    #[must_use]
    pub fn bare(&self) -> Self {
        match self {
            Self::Numeric(_) => Self::Numeric(None),
            Self::Varchar(_) => Self::Varchar(None),
            Self::Bpchar(_) => Self::Bpchar(None),
            Self::Bit(_) => Self::Bit(None),
            Self::Varbit(_) => Self::Varbit(None),
            Self::Vector(_) => Self::Vector(None),
            Self::Halfvec(_) => Self::Halfvec(None),
            Self::Sparsevec(_) => Self::Sparsevec(None),
            Self::Array(element) => Self::Array(Box::new(element.bare())),
            other => other.clone(),
        }
    }

    /// The array of this type; arrays have one dimension, so an array's array is itself.
    #[must_use]
    pub fn array(&self) -> Self {
        match self {
            Self::Array(_) => self.clone(),
            scalar => Self::Array(Box::new(scalar.clone())),
        }
    }

    /// The type of an array's elements.
    pub fn element(&self) -> Option<&Self> {
        match self {
            Self::Array(element) => Some(element),
            _ => None,
        }
    }

    /// Whether it, or an array's element, is a type that a user defined.
    pub fn is_user_defined(&self) -> bool {
        matches!(self.element().unwrap_or(self), Self::Enum(_))
    }

    /// Whether values are strings to PostgreSQL (category S).
    pub fn is_string(&self) -> bool {
        matches!(self, Self::Text | Self::Varchar(_) | Self::Bpchar(_) | Self::Name | Self::Char)
    }

    /// Whether values are numbers to PostgreSQL (category N).
    pub fn is_number(&self) -> bool {
        matches!(
            self,
            Self::Int2
                | Self::Int4
                | Self::Int8
                | Self::Float4
                | Self::Float8
                | Self::Numeric(_)
                | Self::Oid
        )
    }

    /// Whether values are bit strings to PostgreSQL (category V).
    pub fn is_bits(&self) -> bool {
        matches!(self, Self::Bit(_) | Self::Varbit(_))
    }

    /// `pg_type.typcategory`.
    pub fn category(&self) -> char {
        match self {
            Self::Bool => 'B',
            Self::Int2
            | Self::Int4
            | Self::Int8
            | Self::Float4
            | Self::Float8
            | Self::Numeric(_)
            | Self::Oid
            | Self::Regclass
            | Self::Regtype
            | Self::Regproc
            | Self::Regprocedure
            | Self::Regoper
            | Self::Regoperator
            | Self::Regnamespace
            | Self::Regrole => 'N',
            Self::Text | Self::Varchar(_) | Self::Bpchar(_) | Self::Name => 'S',
            Self::Date | Self::Time | Self::Timestamp | Self::Timestamptz => 'D',
            Self::Interval => 'T',
            Self::Array(_) | Self::Int2vector | Self::Oidvector => 'A',
            Self::Bit(_) | Self::Varbit(_) => 'V',
            Self::Char | Self::PgNodeTree => 'Z',
            Self::Unknown => 'X',
            Self::Void | Self::Record => 'P',
            Self::Enum(_) => 'E',
            Self::Bytea
            | Self::Uuid
            | Self::Json
            | Self::Jsonb
            | Self::Jsonpath
            | Self::Xid
            | Self::Tid
            | Self::Aclitem
            | Self::Vector(_)
            | Self::Halfvec(_)
            | Self::Sparsevec(_) => 'U',
        }
    }

    /// `pg_type.typispreferred`: the type that others of its category turn into.
    pub fn is_preferred(&self) -> bool {
        matches!(
            self,
            Self::Bool
                | Self::Float8
                | Self::Oid
                | Self::Text
                | Self::Timestamptz
                | Self::Interval
                | Self::Varbit(_)
        )
    }
}

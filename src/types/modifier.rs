//! Type modifiers: `atttypmod` both ways, and the checks that declaring one makes.

use std::fmt;

use super::PgType;
use crate::base::limits::{SPARSE_DIMENSIONS_MAX, VECTOR_DIMENSIONS_MAX};
use crate::base::{Result, SqlError, SqlState};

/// PostgreSQL adds its header's length to some modifiers.
const HEADER: i32 = 4;
/// PostgreSQL's limit on `varchar(n)` and `char(n)`.
const LENGTH_MAX: i64 = 10_485_760;
/// PostgreSQL's limit on `bit(n)` and `bit varying(n)`.
const BITS_MAX: i64 = 83_886_080;
/// What `Decimal256` holds; PostgreSQL goes to 1000.
const PRECISION_MAX: i64 = 76;

impl PgType {
    /// `pg_attribute.atttypmod`: -1 without a modifier.
    pub fn typmod(&self) -> i32 {
        match self {
            Self::Numeric(Some((precision, scale))) => {
                ((i32::from(*precision) << 16) | (i32::from(*scale) & 0x7ff)) + HEADER
            }
            Self::Varchar(Some(length)) | Self::Bpchar(Some(length)) => {
                i32::try_from(*length).map_or(-1, |length| length + HEADER)
            }
            Self::Vector(Some(dimensions)) | Self::Halfvec(Some(dimensions)) => {
                i32::from(*dimensions)
            }
            Self::Bit(Some(n)) | Self::Varbit(Some(n)) | Self::Sparsevec(Some(n)) => {
                i32::try_from(*n).unwrap_or(-1)
            }
            Self::Array(element) => element.typmod(),
            _ => -1,
        }
    }

    /// This type with a modifier as `pg_attribute.atttypmod` has it; one that does not fit the
    /// type is dropped.
    #[must_use]
    pub fn with_typmod(&self, typmod: i32) -> Self {
        if typmod < 0 {
            return self.bare();
        }
        match self {
            Self::Numeric(_) if typmod >= HEADER => {
                let packed = typmod - HEADER;
                // The scale is a signed number of 11 bits.
                let scale = ((packed & 0x7ff) ^ 1024) - 1024;
                let modifier = u8::try_from(packed >> 16).ok().zip(i8::try_from(scale).ok());
                Self::Numeric(modifier.filter(|(p, _)| (1..=PRECISION_MAX).contains(&(*p).into())))
            }
            Self::Varchar(_) => Self::Varchar(u32::try_from(typmod - HEADER).ok()),
            Self::Bpchar(_) => Self::Bpchar(u32::try_from(typmod - HEADER).ok()),
            Self::Vector(_) => Self::Vector(u16::try_from(typmod).ok()),
            Self::Halfvec(_) => Self::Halfvec(u16::try_from(typmod).ok()),
            Self::Sparsevec(_) => Self::Sparsevec(u32::try_from(typmod).ok()),
            Self::Bit(_) => Self::Bit(u32::try_from(typmod).ok()),
            Self::Varbit(_) => Self::Varbit(u32::try_from(typmod).ok()),
            Self::Array(element) => Self::Array(Box::new(element.with_typmod(typmod))),
            other => other.clone(),
        }
    }

    /// This type as declared with modifiers in parentheses: `numeric(10,2)`, `vector(3)`.
    /// Precision of times and intervals is accepted and not kept.
    pub fn with_modifiers(&self, modifiers: &[i64]) -> Result<Self> {
        let invalid = |message| Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
        match (self, modifiers) {
            (_, []) => Ok(self.clone()),
            (Self::Array(element), _) => {
                Ok(Self::Array(Box::new(element.with_modifiers(modifiers)?)))
            }
            (Self::Numeric(_), [precision]) => numeric(*precision, 0),
            (Self::Numeric(_), [precision, scale]) => numeric(*precision, *scale),
            (Self::Numeric(_), _) => invalid("invalid NUMERIC type modifier".to_owned()),
            (Self::Varchar(_), [length]) => Ok(Self::Varchar(Some(text("varchar", *length)?))),
            (Self::Bpchar(_), [length]) => Ok(Self::Bpchar(Some(text("char", *length)?))),
            (Self::Vector(_), [n]) => Ok(Self::Vector(Some(dimensions("vector", *n)?))),
            (Self::Halfvec(_), [n]) => Ok(Self::Halfvec(Some(dimensions("halfvec", *n)?))),
            (Self::Sparsevec(_), [n]) => {
                let most = SPARSE_DIMENSIONS_MAX.into();
                Ok(Self::Sparsevec(Some(within("dimensions", "sparsevec", *n, most)?)))
            }
            (Self::Bit(_), [length]) => Ok(Self::Bit(Some(bits("bit", *length)?))),
            (Self::Varbit(_), [length]) => Ok(Self::Varbit(Some(bits("varbit", *length)?))),
            (Self::Time | Self::Timestamp | Self::Timestamptz | Self::Interval, [precision]) => {
                if *precision < 0 {
                    let name = self.name().to_uppercase();
                    return invalid(format!("{name}({precision}) precision must not be negative"));
                }
                Ok(self.clone())
            }
            (
                Self::Varchar(_)
                | Self::Bpchar(_)
                | Self::Vector(_)
                | Self::Halfvec(_)
                | Self::Sparsevec(_)
                | Self::Bit(_)
                | Self::Varbit(_),
                _,
            ) => invalid("invalid type modifier".to_owned()),
            _ => Err(SqlError::new(
                SqlState::SYNTAX_ERROR,
                format!("type modifier is not allowed for type \"{}\"", self.name()),
            )),
        }
    }

    /// What `format_type(oid, typmod)` shows: `character varying(10)`, `vector(3)[]`.
    pub fn format_type(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for PgType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Numeric(Some((precision, scale))) => write!(f, "numeric({precision},{scale})"),
            Self::Varchar(Some(length)) => write!(f, "character varying({length})"),
            Self::Bpchar(Some(length)) => write!(f, "character({length})"),
            Self::Bpchar(None) => f.write_str("bpchar"),
            Self::Vector(Some(dimensions)) => write!(f, "vector({dimensions})"),
            Self::Halfvec(Some(dimensions)) => write!(f, "halfvec({dimensions})"),
            Self::Sparsevec(Some(dimensions)) => write!(f, "sparsevec({dimensions})"),
            Self::Bit(Some(length)) => write!(f, "bit({length})"),
            // SQL's BIT is `bit(1)`.
            Self::Bit(None) => f.write_str("\"bit\""),
            Self::Varbit(Some(length)) => write!(f, "bit varying({length})"),
            Self::Array(element) => write!(f, "{element}[]"),
            other => f.write_str(other.error_name()),
        }
    }
}

fn numeric(precision: i64, scale: i64) -> Result<PgType> {
    let invalid = |message| Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
    if !(1..=1000).contains(&precision) {
        return invalid(format!("NUMERIC precision {precision} must be between 1 and 1000"));
    }
    if !(-1000..=1000).contains(&scale) {
        return invalid(format!("NUMERIC scale {scale} must be between -1000 and 1000"));
    }
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(p), Ok(s)) if precision <= PRECISION_MAX && scale <= precision => {
            Ok(PgType::Numeric(Some((p, s))))
        }
        _ => Err(SqlError::unsupported(format!(
            "numeric({precision},{scale}) is not supported: precision is at most \
             {PRECISION_MAX}, scale at most precision"
        ))),
    }
}

fn text(name: &str, length: i64) -> Result<u32> {
    within("length", name, length, LENGTH_MAX)
}

fn bits(name: &str, length: i64) -> Result<u32> {
    within("length", name, length, BITS_MAX)
}

fn dimensions(name: &str, dimensions: i64) -> Result<u16> {
    const MOST: i64 = VECTOR_DIMENSIONS_MAX as i64;
    within("dimensions", name, dimensions, MOST)
}

/// A modifier from one to the most that the type takes.
fn within<T: TryFrom<i64>>(what: &str, name: &str, value: i64, most: i64) -> Result<T> {
    let message = if value < 1 {
        format!("{what} for type {name} must be at least 1")
    } else if value > most {
        format!("{what} for type {name} cannot exceed {most}")
    } else {
        return T::try_from(value).map_err(|_| SqlError::internal(format!("{what} out of range")));
    };
    Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message))
}

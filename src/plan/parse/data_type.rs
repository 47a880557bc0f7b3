//! Names of types (`Typename` in PostgreSQL's grammar) to [`PgType`]s.

use super::cursor::Cursor;
use super::token::{Kind, Symbol};
use crate::base::{Result, SqlState};
use crate::plan::TypeName;
use crate::plan::statement::Serial;
use crate::types::PgType;

impl Cursor<'_> {
    /// A type's name with its modifiers.
    pub(super) fn data_type(&mut self) -> Result<PgType> {
        let ty = self.scalar_type()?;
        self.array_of(ty)
    }

    /// The type of a column: also `serial` and its like.
    pub(super) fn column_type(&mut self) -> Result<(TypeName, Option<Serial>)> {
        let mut ahead = *self;
        if ahead.accept("pg_catalog") && !ahead.accept_symbol(Symbol::Dot) {
            ahead = *self;
        }
        let serial = match ahead.accept_any(&[
            "serial",
            "serial4",
            "bigserial",
            "serial8",
            "smallserial",
            "serial2",
        ]) {
            Some("serial" | "serial4") => Some((PgType::Int4, Serial::Normal)),
            Some("bigserial" | "serial8") => Some((PgType::Int8, Serial::Big)),
            Some(_) => Some((PgType::Int2, Serial::Small)),
            None => None,
        };
        match serial {
            Some((ty, serial)) if !ahead.is_symbol(Symbol::Dot) => {
                if ahead.is_symbol(Symbol::LeftBracket) || ahead.is("array") {
                    let message = "array of serial is not implemented";
                    return Err(ahead.error_at(self.at, SqlState::FEATURE_NOT_SUPPORTED, message));
                }
                *self = ahead;
                Ok((ty.into(), Some(serial)))
            }
            _ => Ok((self.type_name()?, None)),
        }
    }

    fn array_of(&mut self, ty: PgType) -> Result<PgType> {
        Ok(if self.brackets()? { ty.array() } else { ty })
    }

    /// Whether brackets follow a type: arrays of any dimensions are one type.
    pub(super) fn brackets(&mut self) -> Result<bool> {
        let mut array = false;
        if self.accept("array") {
            array = true;
            if self.accept_symbol(Symbol::LeftBracket) {
                self.number()?;
                self.expect_symbol(Symbol::RightBracket)?;
            }
        }
        while self.accept_symbol(Symbol::LeftBracket) {
            array = true;
            if self.peek().kind == Kind::Number {
                self.number()?;
            }
            self.expect_symbol(Symbol::RightBracket)?;
        }
        Ok(array)
    }

    fn scalar_type(&mut self) -> Result<PgType> {
        let start = self.at;
        if self.peek_ahead(1).kind == Kind::Symbol(Symbol::Dot) {
            return self.named_type();
        }
        let keyword = self.accept_any(&[
            "int",
            "integer",
            "smallint",
            "bigint",
            "real",
            "float",
            "double",
            "decimal",
            "dec",
            "numeric",
            "boolean",
            "bit",
            "character",
            "char",
            "varchar",
            "national",
            "nchar",
            "timestamp",
            "time",
            "interval",
            "json",
        ]);
        let ty = match keyword {
            Some("int" | "integer") => return Ok(PgType::Int4),
            Some("smallint") => return Ok(PgType::Int2),
            Some("bigint") => return Ok(PgType::Int8),
            Some("real") => return Ok(PgType::Float4),
            Some("boolean") => return Ok(PgType::Bool),
            Some("json") => return Ok(PgType::Json),
            Some("float") => return self.float(),
            Some("double") if self.accept("precision") => return Ok(PgType::Float8),
            Some("decimal" | "dec" | "numeric") => PgType::Numeric(None),
            Some("bit") => return self.bit(start),
            Some("national") => {
                if self.accept_any(&["character", "char"]).is_none() {
                    return Err(self.unexpected());
                }
                return self.character(start);
            }
            Some("character" | "char" | "nchar") => return self.character(start),
            Some("varchar") => PgType::Varchar(None),
            Some("timestamp") => {
                self.precision()?;
                let zone = self.with_time_zone()?;
                return Ok(if zone { PgType::Timestamptz } else { PgType::Timestamp });
            }
            Some("time") => {
                self.precision()?;
                if self.with_time_zone()? {
                    return Err(self.unknown_type(start, "timetz"));
                }
                return Ok(PgType::Time);
            }
            Some("interval") => return self.interval(),
            _ => {
                self.at = start;
                return self.named_type();
            }
        };
        self.modified(ty, start)
    }

    /// `name`, `schema.name`, with modifiers.
    fn named_type(&mut self) -> Result<PgType> {
        let start = self.at;
        let mut name = self.type_or_function_or_schema()?;
        let mut system = true;
        while self.accept_symbol(Symbol::Dot) {
            system = name == "pg_catalog" || name == "public";
            name = self.label()?;
        }
        let quoted_char = name == "char";
        let ty = match name.as_str() {
            _ if !system => None,
            "char" => Some(PgType::Char),
            "int" | "decimal" | "float" | "character" | "string" => None,
            _ if name.contains([' ', '[', '"']) => None,
            _ => PgType::from_name(&name),
        };
        match ty {
            Some(ty) if quoted_char => Ok(ty),
            Some(ty) => self.modified(ty, start),
            None => {
                let name = self.text_since(start).replace('"', "");
                Err(self.unknown_type(start, &name.to_ascii_lowercase()))
            }
        }
    }

    pub(super) fn type_or_function_or_schema(&mut self) -> Result<String> {
        if self.peek_ahead(1).kind == Kind::Symbol(Symbol::Dot) {
            self.identifier()
        } else {
            self.type_or_function()
        }
    }

    fn unknown_type(&self, start: usize, name: &str) -> crate::base::SqlError {
        let message = format!("type \"{name}\" does not exist");
        self.error_at(start, SqlState::UNDEFINED_OBJECT, message)
    }

    /// The type with the modifiers after it.
    fn modified(&mut self, ty: PgType, start: usize) -> Result<PgType> {
        if !self.is_symbol(Symbol::LeftParen) {
            return Ok(ty);
        }
        let modifiers = self.parenthesized(Self::integer)?;
        ty.with_modifiers(&modifiers).map_err(|error| error.with_position(self.position(start)))
    }

    /// `FLOAT [(bits)]`.
    fn float(&mut self) -> Result<PgType> {
        if !self.accept_symbol(Symbol::LeftParen) {
            return Ok(PgType::Float8);
        }
        let at = self.at;
        let bits = self.integer()?;
        self.expect_symbol(Symbol::RightParen)?;
        let message = match bits {
            1..=24 => return Ok(PgType::Float4),
            25..=53 => return Ok(PgType::Float8),
            ..1 => "precision for type float must be at least 1 bit",
            _ => "precision for type float must be less than 54 bits",
        };
        Err(self.error_at(at, SqlState::INVALID_PARAMETER_VALUE, message))
    }

    /// What follows `CHARACTER`.
    fn character(&mut self, start: usize) -> Result<PgType> {
        let varying = self.accept("varying");
        if self.is_symbol(Symbol::LeftParen) {
            let ty = if varying { PgType::Varchar(None) } else { PgType::Bpchar(None) };
            return self.modified(ty, start);
        }
        Ok(if varying { PgType::Varchar(None) } else { PgType::Bpchar(Some(1)) })
    }

    /// What follows `BIT`.
    fn bit(&mut self, start: usize) -> Result<PgType> {
        let varying = self.accept("varying");
        if self.is_symbol(Symbol::LeftParen) {
            let ty = if varying { PgType::Varbit(None) } else { PgType::Bit(None) };
            return self.modified(ty, start);
        }
        Ok(if varying { PgType::Varbit(None) } else { PgType::Bit(Some(1)) })
    }

    /// `(n)`: microseconds are always kept, so only its form counts.
    fn precision(&mut self) -> Result<()> {
        if self.accept_symbol(Symbol::LeftParen) {
            self.number()?;
            self.expect_symbol(Symbol::RightParen)?;
        }
        Ok(())
    }

    fn with_time_zone(&mut self) -> Result<bool> {
        if self.is_all("with time") {
            self.expect("with time zone")?;
            return Ok(true);
        }
        if self.is_all("without time") {
            self.expect("without time zone")?;
        }
        Ok(false)
    }

    /// What follows `INTERVAL`: fields and a precision, which are accepted and not kept.
    fn interval(&mut self) -> Result<PgType> {
        const FIELDS: &[&str] = &["year", "month", "day", "hour", "minute", "second"];
        if self.accept_any(FIELDS).is_some()
            && self.accept("to")
            && self.accept_any(FIELDS).is_none()
        {
            return Err(self.unexpected());
        }
        self.precision()?;
        Ok(PgType::Interval)
    }
}

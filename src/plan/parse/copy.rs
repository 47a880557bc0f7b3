//! `COPY`, with today's options and those from before PostgreSQL 9.0, and PostgreSQL's checks
//! of them among each other.

use super::cursor::Cursor;
use super::dispatch::Tagged;
use super::token::{Kind, Symbol};
use crate::base::{Result, SqlError, SqlState};
use crate::copy::{CopyFormat, CopyHeader, CopyOptions, ForceColumns, ParquetCompression};
use crate::plan::statement::{Copy, CopyDirection, CopyEndpoint, CopySource, Statement};

/// Options as written: what is absent depends on the format.
#[derive(Default)]
struct Written {
    format: Option<CopyFormat>,
    delimiter: Option<String>,
    null: Option<String>,
    default: Option<String>,
    header: Option<CopyHeader>,
    quote: Option<String>,
    escape: Option<String>,
    force_quote: ForceColumns,
    force_not_null: ForceColumns,
    force_null: ForceColumns,
    ignore_errors: Option<bool>,
    reject_limit: Option<u64>,
    freeze: Option<bool>,
    encoding: Option<String>,
    verbosity: Option<String>,
    compression: Option<ParquetCompression>,
}

fn invalid(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

impl Cursor<'_> {
    /// `COPY ..`.
    pub(super) fn copy(&mut self) -> Result<Tagged> {
        self.expect("copy")?;
        let mut written = Written::default();
        if self.accept("binary") {
            written.format = Some(CopyFormat::Binary);
        }
        let source = self.copy_source()?;
        let direction_at = self.at;
        let direction = match self.accept_any(&["from", "to"]) {
            Some("from") => CopyDirection::From,
            Some(_) => CopyDirection::To,
            None => return Err(self.unexpected()),
        };
        if direction == CopyDirection::From && matches!(source, CopySource::Query(_)) {
            return Err(self.unexpected_at(direction_at));
        }
        let endpoint = self.copy_endpoint()?;
        if self.accept("using") {
            self.expect("delimiters")?;
            written.delimiter = Some(self.string()?);
        }
        let with = self.accept("with");
        if self.is_symbol(Symbol::LeftParen) {
            self.parenthesized(|cursor| cursor.copy_option(&mut written))?;
        } else {
            let start = self.at;
            while self.old_copy_option(&mut written)? {}
            if with && self.at == start && !self.at_end() {
                return Err(self.unexpected());
            }
        }
        let where_at = self.at;
        let filter = if self.accept("where") {
            if direction == CopyDirection::To {
                let message = "WHERE clause not allowed with COPY TO";
                return Err(self.error_at(where_at, SqlState::SYNTAX_ERROR, message));
            }
            Some(self.expression()?)
        } else {
            None
        };
        let options = written.checked(direction)?;
        let copy = Copy { source, direction, endpoint, options, filter };
        Ok((Statement::Copy(Box::new(copy)), "COPY"))
    }

    fn copy_source(&mut self) -> Result<CopySource> {
        if !self.accept_symbol(Symbol::LeftParen) {
            let name = self.qualified_name()?;
            return Ok(CopySource::Table { name, columns: self.optional_columns()? });
        }
        let start = self.at;
        let (statement, _) = self.statement()?;
        let rows = matches!(
            statement,
            Statement::Query(_)
                | Statement::Insert(_)
                | Statement::Update(_)
                | Statement::Delete(_)
                | Statement::Merge(_)
        );
        if !rows {
            return Err(self.unexpected_at(start));
        }
        self.expect_symbol(Symbol::RightParen)?;
        Ok(CopySource::Query(Box::new(statement)))
    }

    fn copy_endpoint(&mut self) -> Result<CopyEndpoint> {
        if self.accept_any(&["stdin", "stdout"]).is_some() {
            return Ok(CopyEndpoint::Client);
        }
        if self.accept("program") {
            return Ok(CopyEndpoint::Program(self.string()?));
        }
        Ok(CopyEndpoint::File(self.string()?))
    }

    /// One option within `WITH (..)`.
    fn copy_option(&mut self, written: &mut Written) -> Result<()> {
        let at = self.at;
        let name = self.label()?;
        let redundant = match name.as_str() {
            "format" => {
                let format = self.option_value()?;
                let format = match format.as_str() {
                    "text" => CopyFormat::Text,
                    "csv" => CopyFormat::Csv,
                    "binary" => CopyFormat::Binary,
                    "parquet" => CopyFormat::Parquet,
                    _ => {
                        let message = format!("COPY format \"{format}\" not recognized");
                        return Err(self.error_at(at, SqlState::INVALID_PARAMETER_VALUE, message));
                    }
                };
                written.format.replace(format).is_some()
            }
            "delimiter" => written.delimiter.replace(self.option_value()?).is_some(),
            "null" => written.null.replace(self.option_value()?).is_some(),
            "default" => written.default.replace(self.option_value()?).is_some(),
            "quote" => written.quote.replace(self.option_value()?).is_some(),
            "escape" => written.escape.replace(self.option_value()?).is_some(),
            "encoding" => written.encoding.replace(self.option_value()?).is_some(),
            "header" => written.header.replace(self.copy_header(at)?).is_some(),
            "freeze" => written.freeze.replace(self.option_boolean(&name, at)?).is_some(),
            "force_quote" => self.force_columns(&mut written.force_quote)?,
            "force_not_null" => self.force_columns(&mut written.force_not_null)?,
            "force_null" => self.force_columns(&mut written.force_null)?,
            "on_error" => written.ignore_errors.replace(self.copy_on_error(at)?).is_some(),
            "reject_limit" => written.reject_limit.replace(self.reject_limit(at)?).is_some(),
            "compression" => written.compression.replace(self.copy_compression(at)?).is_some(),
            "log_verbosity" => written.verbosity.replace(self.option_value()?).is_some(),
            _ => {
                let message = format!("option \"{name}\" not recognized");
                return Err(self.error_at(at, SqlState::SYNTAX_ERROR, message));
            }
        };
        if redundant {
            return Err(self.error_at(
                at,
                SqlState::SYNTAX_ERROR,
                "conflicting or redundant options",
            ));
        }
        Ok(())
    }

    fn copy_header(&mut self, at: usize) -> Result<CopyHeader> {
        if self.accept("match") {
            return Ok(CopyHeader::Match);
        }
        let on = self.option_boolean("header", at)?;
        Ok(if on { CopyHeader::Line } else { CopyHeader::None })
    }

    fn copy_compression(&mut self, at: usize) -> Result<ParquetCompression> {
        let value = self.option_value()?;
        match value.as_str() {
            "none" | "uncompressed" => Ok(ParquetCompression::None),
            "snappy" => Ok(ParquetCompression::Snappy),
            "zstd" => Ok(ParquetCompression::Zstd),
            "lz4" => Ok(ParquetCompression::Lz4),
            _ => {
                let message = format!("COPY compression \"{value}\" not recognized");
                Err(self.error_at(at, SqlState::INVALID_PARAMETER_VALUE, message))
            }
        }
    }

    fn copy_on_error(&mut self, at: usize) -> Result<bool> {
        let value = self.option_value()?;
        match value.as_str() {
            "stop" => Ok(false),
            "ignore" => Ok(true),
            _ => {
                let message = format!("COPY ON_ERROR \"{value}\" not recognized");
                Err(self.error_at(at, SqlState::INVALID_PARAMETER_VALUE, message))
            }
        }
    }

    fn reject_limit(&mut self, at: usize) -> Result<u64> {
        match self.integer()? {
            limit @ 1.. => Ok(limit.unsigned_abs()),
            limit => {
                let message = format!("REJECT_LIMIT ({limit}) must be greater than zero");
                Err(self.error_at(at, SqlState::INVALID_PARAMETER_VALUE, message))
            }
        }
    }

    /// A boolean option's value; nothing says yes.
    pub(super) fn option_boolean(&mut self, name: &str, at: usize) -> Result<bool> {
        if matches!(self.peek().kind, Kind::Symbol(Symbol::Comma | Symbol::RightParen)) {
            return Ok(true);
        }
        let value = self.option_value()?;
        match value.to_ascii_lowercase().as_str() {
            "true" | "on" | "1" => Ok(true),
            "false" | "off" | "0" => Ok(false),
            _ => {
                let message = format!("{name} requires a Boolean value");
                Err(self.error_at(at, SqlState::SYNTAX_ERROR, message))
            }
        }
    }

    /// `*` or `(a, b)`; whether there was a value already.
    fn force_columns(&mut self, columns: &mut ForceColumns) -> Result<bool> {
        let redundant = *columns != ForceColumns::None;
        *columns = if self.accept_operator("*") {
            ForceColumns::All
        } else {
            ForceColumns::Some(self.parenthesized(Self::identifier)?)
        };
        Ok(redundant)
    }

    /// An option from before 9.0, without parentheses, if one comes next.
    fn old_copy_option(&mut self, written: &mut Written) -> Result<bool> {
        if self.accept("binary") {
            written.format = Some(CopyFormat::Binary);
        } else if self.accept("csv") {
            written.format = Some(CopyFormat::Csv);
        } else if self.accept("freeze") {
            written.freeze = Some(true);
        } else if self.accept("header") {
            written.header = Some(CopyHeader::Line);
        } else if self.accept("delimiter") {
            self.accept("as");
            written.delimiter = Some(self.string()?);
        } else if self.accept("null") {
            self.accept("as");
            written.null = Some(self.string()?);
        } else if self.accept("quote") {
            self.accept("as");
            written.quote = Some(self.string()?);
        } else if self.accept("escape") {
            self.accept("as");
            written.escape = Some(self.string()?);
        } else if self.accept("encoding") {
            written.encoding = Some(self.string()?);
        } else if self.accept_all("force quote") {
            written.force_quote = self.bare_columns()?;
        } else if self.accept_all("force not null") {
            written.force_not_null = self.bare_columns()?;
        } else if self.accept_all("force null") {
            written.force_null = self.bare_columns()?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn bare_columns(&mut self) -> Result<ForceColumns> {
        if self.accept_operator("*") {
            return Ok(ForceColumns::All);
        }
        self.comma_separated(Self::identifier).map(ForceColumns::Some)
    }
}

impl Written {
    /// PostgreSQL's `ProcessCopyOptions`: defaults by format, then the checks, in its order.
    fn checked(self, direction: CopyDirection) -> Result<CopyOptions> {
        let format = self.format.unwrap_or_default();
        let csv = format == CopyFormat::Csv;
        self.check_compression(format, direction)?;
        self.check_binary(format)?;
        let delimiter = self.delimiter.unwrap_or_else(|| if csv { "," } else { "\t" }.to_owned());
        let null = self.null.unwrap_or_else(|| if csv { "" } else { "\\N" }.to_owned());
        let quote = self.quote.clone().unwrap_or_else(|| "\"".to_owned());
        let escape = self.escape.clone().unwrap_or_else(|| quote.clone());
        let &[delimiter] = delimiter.as_bytes() else {
            return Err(SqlError::unsupported(
                "COPY delimiter must be a single one-byte character",
            ));
        };
        if matches!(delimiter, b'\r' | b'\n') {
            return Err(invalid("COPY delimiter cannot be newline or carriage return"));
        }
        if null.contains(['\r', '\n']) {
            return Err(invalid("COPY null representation cannot use newline or carriage return"));
        }
        if let Some(default) = &self.default {
            check_default(default, &null, delimiter)?;
        }
        if !csv
            && (delimiter.is_ascii_lowercase()
                || delimiter.is_ascii_digit()
                || matches!(delimiter, b'\\' | b'.'))
        {
            let delimiter = char::from(delimiter);
            return Err(invalid(format!("COPY delimiter cannot be \"{delimiter}\"")));
        }
        if !csv && self.quote.is_some() {
            return Err(SqlError::unsupported("COPY QUOTE requires CSV mode"));
        }
        let &[quote] = quote.as_bytes() else {
            return Err(SqlError::unsupported("COPY quote must be a single one-byte character"));
        };
        if csv && delimiter == quote {
            return Err(invalid("COPY delimiter and quote must be different"));
        }
        if !csv && self.escape.is_some() {
            return Err(SqlError::unsupported("COPY ESCAPE requires CSV mode"));
        }
        let &[escape] = escape.as_bytes() else {
            return Err(SqlError::unsupported("COPY escape must be a single one-byte character"));
        };
        check_forced("FORCE_QUOTE", &self.force_quote, csv, direction, CopyDirection::To)?;
        check_forced("FORCE_NOT_NULL", &self.force_not_null, csv, direction, CopyDirection::From)?;
        check_forced("FORCE_NULL", &self.force_null, csv, direction, CopyDirection::From)?;
        if null.as_bytes().contains(&delimiter) {
            return Err(invalid(
                "COPY delimiter character must not appear in the NULL specification",
            ));
        }
        if csv && null.as_bytes().contains(&quote) {
            return Err(invalid("CSV quote character must not appear in the NULL specification"));
        }
        let from_only = [
            ("FREEZE", self.freeze == Some(true)),
            ("DEFAULT", self.default.is_some()),
            ("ON_ERROR", self.ignore_errors.is_some()),
        ];
        for (name, set) in from_only {
            if set && direction == CopyDirection::To {
                return Err(invalid(format!("COPY {name} cannot be used with COPY TO")));
            }
        }
        let ignore_errors = self.ignore_errors.unwrap_or_default();
        if self.reject_limit.is_some() && !ignore_errors {
            return Err(invalid("COPY REJECT_LIMIT requires ON_ERROR to be set to IGNORE"));
        }
        Ok(CopyOptions {
            format,
            delimiter,
            null,
            default: self.default,
            header: self.header.unwrap_or_default(),
            quote,
            escape,
            force_quote: self.force_quote,
            force_not_null: self.force_not_null,
            force_null: self.force_null,
            ignore_errors,
            reject_limit: self.reject_limit,
            freeze: self.freeze.unwrap_or_default(),
            encoding: self.encoding,
            compression: self.compression.unwrap_or_default(),
        })
    }

    /// Only what is written as Parquet can be told how.
    fn check_compression(&self, format: CopyFormat, direction: CopyDirection) -> Result<()> {
        if self.compression.is_none() {
            return Ok(());
        }
        if format != CopyFormat::Parquet {
            return Err(SqlError::unsupported("COPY COMPRESSION requires PARQUET mode"));
        }
        if direction == CopyDirection::From {
            return Err(invalid("COPY COMPRESSION cannot be used with COPY FROM"));
        }
        Ok(())
    }

    /// What has no meaning in formats without lines.
    fn check_binary(&self, format: CopyFormat) -> Result<()> {
        let mode = match format {
            CopyFormat::Text | CopyFormat::Csv => return Ok(()),
            CopyFormat::Binary => "BINARY",
            CopyFormat::Parquet => "PARQUET",
        };
        let header = self.header.is_some_and(|header| header != CopyHeader::None);
        for (name, set) in [
            ("DELIMITER", self.delimiter.is_some()),
            ("NULL", self.null.is_some()),
            ("DEFAULT", self.default.is_some()),
            ("HEADER", header),
        ] {
            if set {
                let message = format!("cannot specify {name} in {mode} mode");
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
            }
        }
        if self.ignore_errors == Some(true) {
            let message = format!("only ON_ERROR STOP is allowed in {mode} mode");
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
        }
        Ok(())
    }
}

fn check_default(default: &str, null: &str, delimiter: u8) -> Result<()> {
    if default.contains(['\r', '\n']) {
        return Err(invalid("COPY default representation cannot use newline or carriage return"));
    }
    if default.as_bytes().contains(&delimiter) {
        return Err(invalid(
            "COPY delimiter character must not appear in the DEFAULT specification",
        ));
    }
    if default == null {
        return Err(invalid("NULL specification and DEFAULT specification cannot be the same"));
    }
    Ok(())
}

fn check_forced(
    name: &str,
    columns: &ForceColumns,
    csv: bool,
    direction: CopyDirection,
    allowed: CopyDirection,
) -> Result<()> {
    if *columns == ForceColumns::None {
        return Ok(());
    }
    if !csv {
        return Err(SqlError::unsupported(format!("COPY {name} requires CSV mode")));
    }
    if direction != allowed {
        let word = if direction == CopyDirection::To { "TO" } else { "FROM" };
        return Err(invalid(format!("COPY {name} cannot be used with COPY {word}")));
    }
    Ok(())
}

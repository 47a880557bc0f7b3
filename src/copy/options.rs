//! COPY's formats and their options.

use crate::base::{Result, SqlError, SqlState};

/// COPY's formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CopyFormat {
    /// Tab-separated with backslash escapes.
    #[default]
    Text,
    /// Comma-separated values.
    Csv,
    /// PostgreSQL's binary format.
    Binary,
    /// Parquet: files and objects only.
    Parquet,
}

/// How the pages of a Parquet file are compressed; vectors never are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ParquetCompression {
    /// Not at all.
    None,
    /// What every reader knows.
    #[default]
    Snappy,
    /// Smaller.
    Zstd,
    /// Faster.
    Lz4,
}

/// Whether a COPY has a header line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CopyHeader {
    /// No.
    #[default]
    None,
    /// Yes; coming in, it is skipped.
    Line,
    /// Yes, and it must name the columns.
    Match,
}

/// Columns that a COPY treats differently.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ForceColumns {
    /// None.
    #[default]
    None,
    /// `*`.
    All,
    /// These.
    Some(Vec<String>),
}

/// COPY's options with their defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyOptions {
    /// `FORMAT`.
    pub format: CopyFormat,
    /// `DELIMITER`.
    pub delimiter: u8,
    /// `NULL`.
    pub null: String,
    /// `DEFAULT`: this text stands for the column's default.
    pub default: Option<String>,
    /// `HEADER`.
    pub header: CopyHeader,
    /// `QUOTE`.
    pub quote: u8,
    /// `ESCAPE`.
    pub escape: u8,
    /// `FORCE_QUOTE`.
    pub force_quote: ForceColumns,
    /// `FORCE_NOT_NULL`.
    pub force_not_null: ForceColumns,
    /// `FORCE_NULL`.
    pub force_null: ForceColumns,
    /// `ON_ERROR ignore`: rows that don't fit their types are left out.
    pub ignore_errors: bool,
    /// `REJECT_LIMIT`: at most so many rows.
    pub reject_limit: Option<u64>,
    /// `FREEZE`: nothing to do.
    pub freeze: bool,
    /// `ENCODING`.
    pub encoding: Option<String>,
    /// `COMPRESSION`, of Parquet.
    pub compression: ParquetCompression,
}

impl Default for CopyOptions {
    /// Those of the text format.
    fn default() -> Self {
        Self {
            format: CopyFormat::Text,
            delimiter: b'\t',
            null: "\\N".to_owned(),
            default: None,
            header: CopyHeader::None,
            quote: b'"',
            escape: b'"',
            force_quote: ForceColumns::None,
            force_not_null: ForceColumns::None,
            force_null: ForceColumns::None,
            ignore_errors: false,
            reject_limit: None,
            freeze: false,
            encoding: None,
            compression: ParquetCompression::default(),
        }
    }
}

/// There is one encoding; another one named in ENCODING is refused rather than misread.
pub(super) fn check_encoding(options: &CopyOptions) -> Result<()> {
    let Some(name) = &options.encoding else {
        return Ok(());
    };
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    match plain.to_ascii_lowercase().as_str() {
        "utf8" | "unicode" => Ok(()),
        _ => Err(SqlError::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("COPY in encoding \"{name}\" is not supported"),
        )
        .with_hint("Redkite stores and speaks UTF8.")),
    }
}

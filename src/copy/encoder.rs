//! COPY TO: rows in one of COPY's formats, wherever they go.

use arrow::array::RecordBatch;
use bytes::{BufMut, BytesMut};

use super::binary::SIGNATURE;
use super::names::ColumnSet;
use super::options::{CopyFormat, CopyHeader, CopyOptions, check_encoding};
use crate::base::{Result, SqlError};
use crate::types::{ColumnEncoder, PgType, TextContext, put_length};

/// Writes rows in one of COPY's formats.
#[derive(Debug)]
pub struct Encoder<'a> {
    columns: Vec<(&'a str, &'a PgType)>,
    options: &'a CopyOptions,
    force_quote: ColumnSet,
    context: TextContext,
    /// A value before it is escaped or quoted.
    scratch: BytesMut,
}

impl<'a> Encoder<'a> {
    /// For rows of these columns.
    ///
    /// # Errors
    /// 0A000 for another encoding than ours.
    pub fn new(
        columns: impl Iterator<Item = (&'a str, &'a PgType)>,
        options: &'a CopyOptions,
        context: TextContext,
    ) -> Result<Self> {
        check_encoding(options)?;
        let columns: Vec<_> = columns.collect();
        let force_quote =
            ColumnSet::new(&options.force_quote, columns.iter().map(|(name, _)| *name));
        Ok(Self { columns, options, force_quote, context, scratch: BytesMut::new() })
    }

    /// How many columns a row has.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// Whether the format is the binary one.
    pub fn is_binary(&self) -> bool {
        self.options.format == CopyFormat::Binary
    }

    /// What stands before the first row, and together with it.
    pub fn signature(&self) -> &'static [u8] {
        if self.is_binary() { &HEADER } else { &[] }
    }

    /// What stands behind the last row.
    pub fn trailer(&self) -> &'static [u8] {
        if self.is_binary() { &[0xff, 0xff] } else { &[] }
    }

    /// Appends the header line; whether there is one.
    pub fn header(&mut self, out: &mut BytesMut) -> bool {
        if self.options.header == CopyHeader::None || self.is_binary() {
            return false;
        }
        for index in 0..self.columns.len() {
            if index > 0 {
                out.put_u8(self.options.delimiter);
            }
            self.scratch.clear();
            self.scratch.put_slice(self.columns[index].0.as_bytes());
            self.value(out, None);
        }
        out.put_u8(b'\n');
        true
    }

    /// What [`Self::row`] needs of a batch.
    ///
    /// # Errors
    /// When the batch has other columns.
    pub fn batch(&self, batch: &RecordBatch) -> Result<Vec<ColumnEncoder>> {
        if batch.num_columns() != self.columns.len() {
            return Err(SqlError::internal("a COPY batch has another number of columns"));
        }
        let columns = batch.columns().iter().zip(&self.columns);
        columns.map(|(array, (_, ty))| ColumnEncoder::new(array, ty)).collect()
    }

    /// Appends a row of a batch.
    ///
    /// # Errors
    /// 54000 for a value that is too long.
    pub fn row(
        &mut self,
        out: &mut BytesMut,
        encoders: &mut [ColumnEncoder],
        row: usize,
    ) -> Result<()> {
        if self.is_binary() {
            out.put_u16(u16::try_from(encoders.len()).unwrap_or(u16::MAX));
            for encoder in encoders {
                if encoder.is_null(row) {
                    out.put_i32(-1);
                } else {
                    let at = out.len();
                    out.put_u32(0);
                    encoder.write_binary(row, out);
                    put_length(out, at)?;
                }
            }
            return Ok(());
        }
        for (index, encoder) in encoders.iter_mut().enumerate() {
            if index > 0 {
                out.put_u8(self.options.delimiter);
            }
            if encoder.is_null(row) {
                out.put_slice(self.options.null.as_bytes());
            } else {
                self.scratch.clear();
                encoder.write_text(row, &mut self.scratch, &self.context);
                self.value(out, Some(index));
            }
        }
        out.put_u8(b'\n');
        Ok(())
    }

    /// Appends the value in the scratch buffer; a header's name has no column.
    fn value(&self, out: &mut BytesMut, column: Option<usize>) {
        match self.options.format {
            CopyFormat::Csv => {
                let forced = column.is_some_and(|column| self.force_quote.contains(column));
                quote(&self.scratch, out, self.options, forced, self.columns.len() == 1);
            }
            CopyFormat::Text | CopyFormat::Binary | CopyFormat::Parquet => {
                escape(&self.scratch, out, self.options.delimiter);
            }
        }
    }
}

/// Signature, no flags, no extension.
const HEADER: [u8; 19] = {
    let mut header = [0; 19];
    let mut at = 0;
    while at < SIGNATURE.len() {
        header[at] = SIGNATURE[at];
        at += 1;
    }
    header
};

/// Text: a backslash before what would mean something else.
fn escape(value: &[u8], out: &mut BytesMut, delimiter: u8) {
    let mut done = 0;
    for (at, byte) in value.iter().enumerate() {
        let escaped = match byte {
            b'\\' => b'\\',
            8 => b'b',
            12 => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            11 => b'v',
            byte if *byte == delimiter => delimiter,
            _ => continue,
        };
        out.put_slice(&value[done..at]);
        out.put_slice(&[b'\\', escaped]);
        done = at + 1;
    }
    out.put_slice(&value[done..]);
}

/// Csv: quotes around what would mean something else.
fn quote(value: &[u8], out: &mut BytesMut, options: &CopyOptions, forced: bool, alone: bool) {
    let special = |byte: &u8| {
        *byte == options.delimiter || *byte == options.quote || matches!(byte, b'\n' | b'\r')
    };
    let quoted = forced
        || value == options.null.as_bytes()
        || (alone && value == b"\\.")
        || value.iter().any(special);
    if !quoted {
        out.put_slice(value);
        return;
    }
    out.put_u8(options.quote);
    for byte in value {
        if *byte == options.quote || *byte == options.escape {
            out.put_u8(options.escape);
        }
        out.put_u8(*byte);
    }
    out.put_u8(options.quote);
}

#[cfg(test)]
mod tests;

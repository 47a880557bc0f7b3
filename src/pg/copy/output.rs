//! COPY TO STDOUT: a CopyData message for each row, as PostgreSQL sends them.

use arrow::array::RecordBatch;
use bytes::{BufMut, BytesMut};
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use tokio::io::{AsyncRead, AsyncWrite};

use super::binary::SIGNATURE;
use super::check_encoding;
use super::names::ColumnSet;
use crate::base::{Result, SqlError};
use crate::pg::backend::OutputColumn;
use crate::pg::failure::{Step, sql_error};
use crate::pg::message::backend::{self, patch_length};
use crate::pg::rows::put_length;
use crate::pg::wire::Wire;
use crate::plan::statement::{CopyFormat, CopyHeader, CopyOptions};
use crate::types::{ColumnEncoder, TextContext};

/// Writes rows in one of COPY's formats.
#[derive(Debug)]
pub(in crate::pg) struct Encoder<'a> {
    columns: &'a [OutputColumn],
    options: &'a CopyOptions,
    force_quote: ColumnSet,
    context: TextContext,
    /// A value before it is escaped or quoted.
    scratch: BytesMut,
}

impl<'a> Encoder<'a> {
    /// For rows of these columns.
    pub(in crate::pg) fn new(
        columns: &'a [OutputColumn],
        options: &'a CopyOptions,
        context: TextContext,
    ) -> Self {
        let names = columns.iter().map(|column| column.name.as_str());
        let force_quote = ColumnSet::new(&options.force_quote, names);
        Self { columns, options, force_quote, context, scratch: BytesMut::new() }
    }

    /// Sends the whole stream; how many rows there were.
    pub(in crate::pg) async fn send<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        wire: &mut Wire<S>,
        mut stream: SendableRecordBatchStream,
        stop: impl Fn(),
    ) -> Step<u64> {
        check_encoding(self.options)?;
        let binary = self.options.format == CopyFormat::Binary;
        backend::copy_response(&mut wire.output, b'H', binary, self.columns.len());
        let mut sent = 0;
        // PostgreSQL's binary header comes in one message with the first row.
        let mut prefix: &[u8] = if binary { &HEADER } else { &[] };
        if self.options.header != CopyHeader::None && !binary {
            begin(&mut wire.output, |out| self.header(out));
        }
        while let Some(batch) = wire.attend(&stop, stream.next()).await {
            let batch = batch.map_err(sql_error)?;
            let mut encoders = self.encoders(&batch)?;
            for row in 0..batch.num_rows() {
                let start = open(&mut wire.output);
                wire.output.put_slice(std::mem::take(&mut prefix));
                self.row(&mut wire.output, &mut encoders, row)?;
                patch_length(&mut wire.output, start);
                wire.flush_when_full().await?;
            }
            sent += u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
        }
        if binary {
            begin(&mut wire.output, |out| {
                out.put_slice(prefix);
                out.put_i16(-1);
            });
        }
        backend::copy_done(&mut wire.output);
        wire.mark_whole();
        Ok(sent)
    }

    fn encoders(&self, batch: &RecordBatch) -> Result<Vec<ColumnEncoder>> {
        if batch.num_columns() != self.columns.len() {
            return Err(SqlError::internal("a COPY batch has another number of columns"));
        }
        let columns = batch.columns().iter().zip(self.columns);
        columns.map(|(array, column)| ColumnEncoder::new(array, &column.ty)).collect()
    }

    fn header(&mut self, out: &mut BytesMut) {
        let columns = self.columns;
        for (index, column) in columns.iter().enumerate() {
            if index > 0 {
                out.put_u8(self.options.delimiter);
            }
            self.scratch.clear();
            self.scratch.put_slice(column.name.as_bytes());
            self.value(out, None);
        }
        out.put_u8(b'\n');
    }

    fn row(
        &mut self,
        out: &mut BytesMut,
        encoders: &mut [ColumnEncoder],
        row: usize,
    ) -> Result<()> {
        if self.options.format == CopyFormat::Binary {
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
            CopyFormat::Text | CopyFormat::Binary => {
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

/// Starts a CopyData message; where its length goes.
fn open(out: &mut BytesMut) -> usize {
    out.put_u8(b'd');
    let start = out.len();
    out.put_u32(0);
    start
}

fn begin(out: &mut BytesMut, write: impl FnOnce(&mut BytesMut)) {
    let start = open(out);
    write(out);
    patch_length(out, start);
}

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

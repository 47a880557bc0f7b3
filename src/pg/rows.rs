//! Query results to DataRow messages: from the Arrow batch straight into the output buffer,
//! nothing allocated for a row, and never more than a batch and a full buffer in memory.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::{BufMut, BytesMut};
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use tokio::io::{AsyncRead, AsyncWrite};

use super::backend::OutputColumn;
use super::failure::{Step, sql_error};
use super::message::backend::{self, Field};
use super::portal::ResultFormats;
use super::wire::Wire;
use crate::base::{Result, SqlError, SqlState};
use crate::types::{ColumnEncoder, TextContext, put_length};

/// A result on its way to the client, wherever it was interrupted.
pub(super) struct Rows {
    columns: Arc<[OutputColumn]>,
    formats: ResultFormats,
    stream: SendableRecordBatchStream,
    /// The command's name in its tag.
    pub(super) tag: &'static str,
    /// The batch being sent and the next row of it.
    batch: Option<(RecordBatch, usize)>,
    context: TextContext,
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("tag", &self.tag).finish_non_exhaustive()
    }
}

/// How sending ended, and how many rows it sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// All there are.
    All(u64),
    /// As many as were asked for.
    Limit,
}

impl Rows {
    /// A result to send.
    pub(super) fn new(
        columns: Arc<[OutputColumn]>,
        formats: ResultFormats,
        stream: SendableRecordBatchStream,
        tag: &'static str,
        context: TextContext,
    ) -> Result<Self> {
        if !formats.fit(columns.len()) {
            return Err(changed_result_type());
        }
        Ok(Self { columns, formats, stream, tag, batch: None, context })
    }

    /// Appends the RowDescription.
    pub(super) fn describe(&self, out: &mut BytesMut) {
        row_description(out, &self.columns, &self.formats);
    }

    /// Sends up to `limit` rows. `stop` is called when the client goes away meanwhile.
    pub(super) async fn send<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        wire: &mut Wire<S>,
        limit: Option<u64>,
        stop: impl Fn(),
    ) -> Step<Sent> {
        let mut sent = 0;
        loop {
            let (batch, start) = match self.batch.take() {
                Some(rest) => rest,
                None => match wire.attend(&stop, self.stream.next()).await {
                    Some(batch) => (batch.map_err(sql_error)?, 0),
                    None => return Ok(Sent::All(sent)),
                },
            };
            let mut encoders = self.encoders(&batch)?;
            let mut row = start;
            while row < batch.num_rows() {
                if limit == Some(sent) {
                    drop(encoders);
                    self.batch = Some((batch, row));
                    return Ok(Sent::Limit);
                }
                encode_row(&mut wire.output, &mut encoders, row, &self.context)?;
                row += 1;
                sent += 1;
                wire.flush_when_full().await?;
            }
            if limit == Some(sent) {
                return Ok(Sent::Limit);
            }
        }
    }

    fn encoders(&self, batch: &RecordBatch) -> Result<Vec<(ColumnEncoder, bool)>> {
        if batch.num_columns() != self.columns.len() {
            return Err(SqlError::internal(format!(
                "a batch of {} columns for a result of {}",
                batch.num_columns(),
                self.columns.len()
            )));
        }
        let columns = batch.columns().iter().zip(self.columns.iter()).enumerate();
        columns
            .map(|(index, (array, column))| {
                Ok((ColumnEncoder::new(array, &column.ty)?, self.formats.is_binary(index)))
            })
            .collect()
    }
}

/// The error when a statement no longer returns what its description said.
pub(super) fn changed_result_type() -> SqlError {
    SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, "cached plan must not change result type")
}

#[inline]
fn encode_row(
    out: &mut BytesMut,
    encoders: &mut [(ColumnEncoder, bool)],
    row: usize,
    context: &TextContext,
) -> Result<()> {
    out.put_u8(b'D');
    let start = out.len();
    out.put_u32(0);
    out.put_u16(u16::try_from(encoders.len()).unwrap_or(u16::MAX));
    for (encoder, binary) in encoders {
        if encoder.is_null(row) {
            out.put_i32(-1);
            continue;
        }
        let at = out.len();
        out.put_u32(0);
        if *binary {
            encoder.write_binary(row, out);
        } else {
            encoder.write_text(row, out, context);
        }
        put_length(out, at)?;
    }
    put_length(out, start)?;
    // A message's length counts itself, a value's does not.
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// Appends the RowDescription of these columns.
pub(super) fn row_description(
    out: &mut BytesMut,
    columns: &[OutputColumn],
    formats: &ResultFormats,
) {
    let fields = columns.iter().enumerate().map(|(index, column)| {
        let (table, attribute) = column
            .table
            .map_or((0, 0), |(table, column)| (table.0, i16::try_from(column.0).unwrap_or(0)));
        Field {
            name: &column.name,
            table,
            attribute,
            oid: column.ty.oid().0,
            length: column.ty.typlen(),
            modifier: column.ty.typmod(),
            binary: formats.is_binary(index),
        }
    });
    backend::row_description(out, fields);
}

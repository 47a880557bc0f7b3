//! COPY TO STDOUT: a CopyData message for each row, as PostgreSQL sends them.

use bytes::{BufMut, BytesMut};
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use tokio::io::{AsyncRead, AsyncWrite};

use super::failure::{Step, sql_error};
use super::message::backend::{self, patch_length};
use super::wire::Wire;
use crate::copy::Encoder;
use crate::session::CopyProgress;

/// Sends the whole stream; how many rows there were.
pub(super) async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    encoder: &mut Encoder<'_>,
    mut stream: SendableRecordBatchStream,
    progress: &CopyProgress,
    stop: impl Fn(),
) -> Step<u64> {
    backend::copy_response(&mut wire.output, b'H', encoder.is_binary(), encoder.width());
    let mut sent = 0;
    // PostgreSQL's binary header comes in one message with the first row.
    let mut signature = encoder.signature();
    let mut header = BytesMut::new();
    if encoder.header(&mut header) {
        put(&mut wire.output, &header);
    }
    while let Some(batch) = wire.attend(&stop, stream.next()).await {
        let batch = batch.map_err(sql_error)?;
        let mut encoders = encoder.batch(&batch)?;
        let mut bytes = 0;
        for row in 0..batch.num_rows() {
            let start = open(&mut wire.output);
            wire.output.put_slice(std::mem::take(&mut signature));
            encoder.row(&mut wire.output, &mut encoders, row)?;
            patch_length(&mut wire.output, start);
            bytes += (wire.output.len() - start - size_of::<u32>()) as u64;
            wire.flush_when_full().await?;
        }
        progress.add_bytes(bytes);
        progress.add_rows(batch.num_rows() as u64);
        sent += u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
    }
    let end = [signature, encoder.trailer()].concat();
    if !end.is_empty() {
        put(&mut wire.output, &end);
    }
    backend::copy_done(&mut wire.output);
    wire.mark_whole();
    Ok(sent)
}

/// Starts a CopyData message; where its length goes.
fn open(out: &mut BytesMut) -> usize {
    out.put_u8(b'd');
    let start = out.len();
    out.put_u32(0);
    start
}

fn put(out: &mut BytesMut, data: &[u8]) {
    let start = open(out);
    out.put_slice(data);
    patch_length(out, start);
}

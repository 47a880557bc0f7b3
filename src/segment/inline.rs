//! The rows of a small commit as they ride in metadata (docs/format.md, "Inline rows"): a
//! header with version and checksum, the column ids, the row ids, then the rows as an Arrow
//! IPC stream.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::error::ArrowError;
use arrow::ipc::reader::read_record_batch;
use arrow::ipc::root_as_message;
use arrow::ipc::writer::{
    DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions, write_message,
};

use super::corrupt::{broken, corrupt};
use super::inline_schema::SCHEMAS;
use super::{InMemory, RowIdMap};
use crate::base::{ColumnId, Result, RowIds};

const MAGIC: &[u8; 4] = b"RKI1";
const HEADER_BYTES: usize = 24;
const CONTIGUOUS: u8 = 0;
const LISTED: u8 = 1;
/// What ends an Arrow stream.
const STREAM_END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// The rows as bytes.
///
/// # Errors
/// When Arrow can't write them, which is a bug.
pub fn encode_inline(rows: &InMemory) -> Result<Vec<u8>> {
    let mut bytes = vec![0; HEADER_BYTES];
    let (kind, first) = match rows.row_ids() {
        RowIdMap::Contiguous(ids) => (CONTIGUOUS, ids.first),
        RowIdMap::Listed(_) => (LISTED, 0),
    };
    for column in rows.columns().iter() {
        bytes.extend_from_slice(&column.0.to_le_bytes());
    }
    if let RowIdMap::Listed(ids) = rows.row_ids() {
        for id in ids.iter() {
            bytes.extend_from_slice(&id.to_le_bytes());
        }
    }
    put_stream(&mut bytes, rows.batch()).map_err(|error| broken("inline rows", error))?;
    let columns = u16::try_from(rows.columns().len())
        .map_err(|_| broken("inline rows", "too many columns"))?;
    bytes[..4].copy_from_slice(MAGIC);
    bytes[8] = kind;
    bytes[10..12].copy_from_slice(&columns.to_le_bytes());
    bytes[12..16].copy_from_slice(&rows.rows().to_le_bytes());
    bytes[16..24].copy_from_slice(&first.to_le_bytes());
    let crc = crc32fast::hash(&bytes[8..]);
    bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    Ok(bytes)
}

/// Appends a batch as an Arrow stream of its own: the schema, the rows, the end. No type of ours has
/// dictionaries.
fn put_stream(bytes: &mut Vec<u8>, batch: &RecordBatch) -> Result<(), ArrowError> {
    bytes.extend_from_slice(&SCHEMAS.message(batch.schema_ref())?);
    let options = IpcWriteOptions::default();
    let (mut dictionaries, mut context) =
        (DictionaryTracker::new(false), IpcWriteContext::default());
    let (_none, rows) =
        IpcDataGenerator::default().encode(batch, &mut dictionaries, &options, &mut context)?;
    write_message(&mut *bytes, rows, &options)?;
    bytes.extend_from_slice(&STREAM_END);
    Ok(())
}

/// Reads the rows again. The name (of the key) is for the error.
///
/// # Errors
/// XX001 when a byte is not what was written.
pub fn decode_inline(name: &str, bytes: &[u8]) -> Result<InMemory> {
    decode(bytes).map_err(|what| corrupt(name, format!("inline rows: {what}")))
}

fn decode(bytes: &[u8]) -> Result<InMemory, String> {
    let (header, rest) = bytes.split_at_checked(HEADER_BYTES).ok_or("too few bytes")?;
    if &header[..4] != MAGIC {
        return Err("unknown version".to_owned());
    }
    if header[4..8] != crc32fast::hash(&bytes[8..]).to_le_bytes() {
        return Err("wrong checksum".to_owned());
    }
    let columns = usize::from(u16::from_le_bytes([header[10], header[11]]));
    let rows = u32::from_le_bytes([header[12], header[13], header[14], header[15]]);
    let (ids, rest) = rest.split_at_checked(columns * 4).ok_or("too few column ids")?;
    let columns: Arc<[ColumnId]> =
        ids.as_chunks::<4>().0.iter().map(|id| ColumnId(i32::from_le_bytes(*id))).collect();
    let (row_ids, rest) = match header[8] {
        CONTIGUOUS => {
            let first = header[16..24].try_into().map_err(|_| "too few bytes")?;
            let ids = RowIds { first: u64::from_le_bytes(first), count: u64::from(rows) };
            (RowIdMap::Contiguous(ids), rest)
        }
        LISTED => {
            let (ids, rest) = rest.split_at_checked(rows as usize * 8).ok_or("too few row ids")?;
            let ids = ids.as_chunks::<8>().0.iter().map(|id| u64::from_le_bytes(*id));
            (RowIdMap::Listed(ids.collect()), rest)
        }
        kind => return Err(format!("row ids of kind {kind}")),
    };
    let batch = take_stream(rest)?;
    if batch.num_rows() != rows as usize {
        return Err(format!("{} rows instead of {rows}", batch.num_rows()));
    }
    InMemory::new(columns, batch, row_ids).map_err(|error| error.to_string())
}

/// The batch of a stream that has one.
fn take_stream(bytes: &[u8]) -> Result<RecordBatch, String> {
    let (message, said, rest) = take_message(bytes)?.ok_or("no schema")?;
    let schema = SCHEMAS.schema(message, said)?;
    let Some((_, said, rest)) = take_message(rest)? else {
        return Ok(RecordBatch::new_empty(schema));
    };
    // Messages are read where numbers are aligned, which they are not among other bytes.
    let said = said.to_vec();
    let message = root_as_message(&said).map_err(|error| error.to_string())?;
    let header = message.header_as_record_batch().ok_or("no rows where they should be")?;
    let body = usize::try_from(message.bodyLength()).map_err(|error| error.to_string())?;
    let (body, rest) = rest.split_at_checked(body).ok_or("too few bytes of rows")?;
    if take_message(rest)?.is_some() {
        return Err("more than one batch".to_owned());
    }
    let body = Buffer::from(body);
    let dictionaries = HashMap::new();
    read_record_batch(&body, header, schema, &dictionaries, None, &message.version())
        .map_err(|error| error.to_string())
}

/// The first message of a stream with its frame and without, and what follows; none at the stream's end.
#[expect(clippy::type_complexity, reason = "three parts of what was given")]
fn take_message(bytes: &[u8]) -> Result<Option<(&[u8], &[u8], &[u8])>, String> {
    if bytes.is_empty() || bytes == STREAM_END {
        return Ok(None);
    }
    let (marker, rest) = bytes.split_first_chunk::<4>().ok_or("too few bytes of a message")?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or("too few bytes of a message")?;
    if *marker != [0xff; 4] {
        return Err("a message that does not begin as one".to_owned());
    }
    let length = usize::try_from(i32::from_le_bytes(*length)).map_err(|error| error.to_string())?;
    let (said, rest) = rest.split_at_checked(length).ok_or("too few bytes of a message")?;
    Ok(Some((&bytes[..8 + length], said, rest)))
}

//! The rows of a small commit as they ride in metadata (docs/format.md, "Inline rows"): a
//! header with version and checksum, the column ids, the row ids, then the rows as an Arrow
//! IPC stream.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::corrupt::{broken, corrupt};
use super::{InMemory, RowIdMap};
use crate::base::{ColumnId, Result, RowIds};

const MAGIC: &[u8; 4] = b"RKI1";
const HEADER_BYTES: usize = 24;
const CONTIGUOUS: u8 = 0;
const LISTED: u8 = 1;

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
    let batch = rows.batch();
    let failed = |error| broken("inline rows", error);
    let mut writer = StreamWriter::try_new(bytes, &batch.schema()).map_err(failed)?;
    writer.write(batch).map_err(failed)?;
    let mut bytes = writer.into_inner().map_err(failed)?;
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
    let reader = StreamReader::try_new(Cursor::new(rest), None).map_err(|e| e.to_string())?;
    let schema = reader.schema();
    let batches: Vec<RecordBatch> =
        reader.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    let batch = match batches.len() {
        1 => batches.into_iter().next(),
        _ => None,
    };
    let batch = batch.unwrap_or_else(|| RecordBatch::new_empty(schema));
    if batch.num_rows() != rows as usize {
        return Err(format!("{} rows instead of {rows}", batch.num_rows()));
    }
    InMemory::new(columns, batch, row_ids).map_err(|error| error.to_string())
}

//! Deletion vectors as they are stored, in metadata or in an object (docs/format.md,
//! "Deletion vectors"): a header with version and checksum, then a roaring bitmap in its
//! portable format.

use roaring::RoaringBitmap;

use super::corrupt::corrupt;
use crate::base::Result;

const MAGIC: &[u8; 4] = b"RKD1";
const HEADER_BYTES: usize = 8;

/// The positions as bytes.
pub fn encode_deletes(positions: &RoaringBitmap) -> Vec<u8> {
    let mut positions = positions.clone();
    positions.optimize();
    let mut bytes = Vec::with_capacity(HEADER_BYTES + positions.serialized_size());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&[0; 4]);
    if positions.serialize_into(&mut bytes).is_err() {
        unreachable!("writing to memory does not fail");
    }
    let crc = crc32fast::hash(&bytes[HEADER_BYTES..]);
    bytes[4..HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// Reads the positions again. The name (of the object or the key) is for the error.
///
/// # Errors
/// XX001 when a byte is not what was written.
pub fn decode_deletes(name: &str, bytes: &[u8]) -> Result<RoaringBitmap> {
    let wrong = |what: &str| corrupt(name, format!("deletion vector: {what}"));
    let (header, body) =
        bytes.split_at_checked(HEADER_BYTES).ok_or_else(|| wrong("too few bytes"))?;
    if &header[..4] != MAGIC {
        return Err(wrong("unknown version"));
    }
    if header[4..] != crc32fast::hash(body).to_le_bytes() {
        return Err(wrong("wrong checksum"));
    }
    let mut rest = body;
    let positions =
        RoaringBitmap::deserialize_from(&mut rest).map_err(|error| wrong(&error.to_string()))?;
    if !rest.is_empty() {
        return Err(wrong("bytes after its end"));
    }
    Ok(positions)
}

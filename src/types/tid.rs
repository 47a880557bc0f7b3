//! `tid`: where PostgreSQL keeps a row, a block and a place in it. Here it is the row's id, shown in two parts.

use bytes::BytesMut;

use super::{PgType, errors};
use crate::base::Result;

/// Bits of the place in its block.
const PLACE_BITS: u32 = 16;

/// Reads `(block,place)`.
pub(super) fn parse(text: &str) -> Result<u64> {
    let inner = text.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let parts = inner.and_then(|inner| inner.split_once(','));
    let read = parts.and_then(|(block, place)| {
        let block: u32 = block.trim().parse().ok()?;
        let place: u16 = place.trim().parse().ok()?;
        Some(u64::from(block) << PLACE_BITS | u64::from(place))
    });
    read.ok_or_else(|| errors::invalid_syntax(&PgType::Tid, text))
}

/// The binary form: the block's four bytes, the place's two.
pub(super) fn bytes(id: u64) -> [u8; 6] {
    let [_, _, low @ ..] = id.to_be_bytes();
    low
}

/// What the binary form means.
pub(super) fn of_bytes(bytes: [u8; 6]) -> u64 {
    bytes.iter().fold(0, |id, byte| id << 8 | u64::from(*byte))
}

/// Writes `(block,place)`.
pub(super) fn write(id: u64, out: &mut BytesMut) {
    let (block, place) = (id >> PLACE_BITS, id & ((1 << PLACE_BITS) - 1));
    out.extend_from_slice(format!("({block},{place})").as_bytes());
}

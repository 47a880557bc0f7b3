//! A filter over a unique key of a segment, as it is stored inside the data object
//! (docs/format.md, "Key filters").

use super::corrupt::corrupt;
use super::fuse::Fuse;
use crate::base::Result;

const MAGIC: &[u8; 8] = b"RKFUSE01";
const HEADER_BYTES: usize = 24;

/// Says of a key that it is not in the segment, or that it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyFilter {
    keys: u32,
    fuse: Fuse,
}

impl KeyFilter {
    /// The filter of these hashes.
    pub(super) fn of_hashes(mut hashes: Vec<u64>) -> Option<Self> {
        hashes.sort_unstable();
        hashes.dedup();
        let keys = u32::try_from(hashes.len()).ok()?;
        Some(Self { keys, fuse: Fuse::of(hashes)? })
    }

    /// False: no row has this key.
    pub(super) fn may_contain(&self, hash: u64) -> bool {
        self.fuse.may_contain(hash)
    }

    /// The memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.fuse.fingerprints.len() * 2 + HEADER_BYTES
    }

    /// The bytes that are stored. Their checksum is in the segment's metadata.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bytes());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.keys.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.fuse.seed.to_le_bytes());
        for fingerprint in &self.fuse.fingerprints {
            bytes.extend_from_slice(&fingerprint.to_le_bytes());
        }
        bytes
    }

    /// Reads the bytes again.
    pub(super) fn decode(path: &str, bytes: &[u8]) -> Result<Self> {
        let wrong = || corrupt(path, "a key filter that is none");
        let (header, rest) = bytes.split_at_checked(HEADER_BYTES).ok_or_else(wrong)?;
        if &header[..8] != MAGIC || rest.len() % 2 != 0 {
            return Err(wrong());
        }
        let keys = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
        let (_, seed) = header.split_at(16);
        let seed = u64::from_le_bytes(seed.try_into().map_err(|_| wrong())?);
        let (pairs, _) = rest.as_chunks::<2>();
        let fingerprints = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        let fuse = Fuse::from_parts(keys, seed, fingerprints).ok_or_else(wrong)?;
        Ok(Self { keys, fuse })
    }
}

//! Where the pages of a column of vectors lie, each with its checksum: what lets a reader that is far
//! away fetch the few pages with the vectors it compares, instead of whole columns of row groups.
//!
//! A directory is a part of the data object, as key filters are, found by
//! [`SegmentMeta::vector_pages`](super::SegmentMeta) (docs/format.md, "Page directories").

use serde::{Deserialize, Serialize};

use super::Part;
use crate::base::ColumnId;

const MAGIC: &[u8; 8] = b"RKPAGES1";
/// Of a page: rows, bytes, checksum.
const PAGE_BYTES: usize = 12;

/// A column's directory: a part of the data object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VectorPagesRef {
    /// The column.
    pub column: ColumnId,
    /// Where its directory is.
    pub part: Part,
}

/// A page of a column chunk. The pages of a chunk follow each other from its first byte on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    /// How many rows it has.
    pub(super) rows: u32,
    /// How many bytes, its header included.
    pub(super) length: u32,
    /// The CRC-32 of these.
    pub(super) crc32: u32,
}

/// A directory: the pages of each row group, in order.
pub(super) type Pages = Vec<Vec<Page>>;

/// Writes a directory.
pub(super) fn encode(groups: &[Vec<Page>]) -> Vec<u8> {
    let pages: usize = groups.iter().map(Vec::len).sum();
    let mut out = Vec::with_capacity(MAGIC.len() + groups.len() * 4 + pages * PAGE_BYTES);
    out.extend_from_slice(MAGIC);
    for group in groups {
        out.extend_from_slice(&(group.len() as u32).to_le_bytes());
        for page in group {
            for number in [page.rows, page.length, page.crc32] {
                out.extend_from_slice(&number.to_le_bytes());
            }
        }
    }
    out
}

/// Reads the directory of a column of which each row group has so many rows and bytes; `None` when it
/// isn't one.
pub(super) fn decode(bytes: &[u8], groups: impl Iterator<Item = (usize, u64)>) -> Option<Pages> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let mut pages = Vec::new();
    for (rows, length) in groups {
        let (count, others) = rest.split_first_chunk::<4>()?;
        let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
        let (own, others) = others.split_at_checked(count.checked_mul(PAGE_BYTES)?)?;
        let number =
            |page: &[u8], at: usize| Some(u32::from_le_bytes(*page.get(at..)?.first_chunk::<4>()?));
        let page = |page: &[u8]| {
            let (rows, length, crc32) = (number(page, 0)?, number(page, 4)?, number(page, 8)?);
            Some(Page { rows, length, crc32 })
        };
        let own: Vec<Page> = own.chunks_exact(PAGE_BYTES).map(page).collect::<Option<_>>()?;
        let all_rows: u64 = own.iter().map(|page| u64::from(page.rows)).sum();
        let all_bytes: u64 = own.iter().map(|page| u64::from(page.length)).sum();
        if all_rows != rows as u64 || all_bytes != length {
            return None;
        }
        pages.push(own);
        rest = others;
    }
    rest.is_empty().then_some(pages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::mutation::run;

    fn page(rows: u32, length: u32) -> Page {
        Page { rows, length, crc32: rows ^ length }
    }

    #[test]
    fn a_directory_is_read_as_it_was_written() {
        let pages = vec![vec![page(100, 1000), page(28, 300)], vec![page(5, 90)], vec![]];
        let groups = [(128, 1300), (5, 90), (0, 0)];
        let bytes = encode(&pages);
        assert_eq!(decode(&bytes, groups.into_iter()), Some(pages));
        for other in [[(127, 1300), (5, 90), (0, 0)], [(128, 1300), (5, 91), (0, 0)]] {
            assert_eq!(decode(&bytes, other.into_iter()), None);
        }
        assert_eq!(decode(&bytes, groups[..2].iter().copied()), None);
        run("vector pages", std::slice::from_ref(&bytes), |bytes| {
            // Checksums are the part's; here it is about lengths.
            let _ = decode(bytes, groups.into_iter());
        });
    }
}

//! Which rows a search may find.

use roaring::RoaringBitmap;

/// Which rows take part.
#[derive(Clone, Copy, Debug)]
pub enum Selection<'a> {
    /// All of them
    All,
    /// Only these
    Only(&'a RoaringBitmap),
    /// All but these
    Except(&'a RoaringBitmap),
    /// Only those whose bits are set, the lowest bit of a byte first, and how many these are: asked for
    /// each row, it answers sooner than a compressed bitmap
    Bits(&'a [u8], u64),
}

impl Selection<'_> {
    /// The same, `All` where nothing is left out.
    pub(super) fn simplified(self) -> Self {
        match self {
            Self::Except(rows) if rows.is_empty() => Self::All,
            other => other,
        }
    }

    /// How many rows it takes at most.
    pub(super) fn count_max(self, rows: usize) -> usize {
        let count = match self {
            Self::All | Self::Except(_) => return rows,
            Self::Only(only) => only.len(),
            Self::Bits(_, count) => count,
        };
        usize::try_from(count).unwrap_or(usize::MAX).min(rows)
    }

    /// Whether it takes a row.
    #[inline]
    pub fn takes(self, row: u32) -> bool {
        match self {
            Self::All => true,
            Self::Only(rows) => rows.contains(row),
            Self::Except(rows) => !rows.contains(row),
            Self::Bits(bits, _) => {
                bits.get(row as usize / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1)
            }
        }
    }
}

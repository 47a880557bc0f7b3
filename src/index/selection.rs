//! Which rows a search may find, asked row by row.

use roaring::RoaringBitmap;

use super::flat::Selection;

/// A selection as a search asks it: one row at a time, in the order in which it meets them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Chosen<'a> {
    /// Every row
    All,
    /// These rows
    Only(&'a RoaringBitmap),
    /// All other rows
    Except(&'a RoaringBitmap),
}

impl<'a> Chosen<'a> {
    pub(super) fn of(selection: Selection<'a>) -> Self {
        match selection {
            Selection::All => Self::All,
            Selection::Except(rows) if rows.is_empty() => Self::All,
            Selection::Except(rows) => Self::Except(rows),
            Selection::Only(rows) => Self::Only(rows),
        }
    }

    /// How many rows it takes at most.
    pub(super) fn count_max(self, rows: usize) -> usize {
        match self {
            Self::All | Self::Except(_) => rows,
            Self::Only(only) => usize::try_from(only.len()).unwrap_or(usize::MAX).min(rows),
        }
    }

    /// Whether it takes a row.
    #[inline]
    pub(super) fn takes(self, row: u32) -> bool {
        match self {
            Self::All => true,
            Self::Only(rows) => rows.contains(row),
            Self::Except(rows) => !rows.contains(row),
        }
    }
}

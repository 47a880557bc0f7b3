//! Which columns an option of COPY means.

use super::options::ForceColumns;

/// A set of columns by their position.
#[derive(Clone, Debug, Default)]
pub(super) struct ColumnSet {
    columns: Vec<bool>,
}

impl ColumnSet {
    /// The columns of this list that the option names. (That each exists was checked when the
    /// statement was planned.)
    pub(super) fn new<'a>(option: &ForceColumns, names: impl Iterator<Item = &'a str>) -> Self {
        let columns = match option {
            ForceColumns::None => Vec::new(),
            ForceColumns::All => names.map(|_| true).collect(),
            ForceColumns::Some(chosen) => {
                names.map(|name| chosen.iter().any(|chosen| chosen == name)).collect()
            }
        };
        Self { columns }
    }

    /// Whether the column at this position is in the set.
    #[inline]
    pub(super) fn contains(&self, column: usize) -> bool {
        self.columns.get(column).copied().unwrap_or(false)
    }
}

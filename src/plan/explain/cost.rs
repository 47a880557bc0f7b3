//! What EXPLAIN says that a plan costs, in PostgreSQL's unit: a page read in order is 1. There
//! are no statistics of columns, so these are PostgreSQL's guesses for unknown ones.

/// The work on a row.
const ROW: f64 = 0.01;
/// What a key look-up costs before its first row.
const LOOKUP: f64 = 0.29;
/// Rows that a join or aggregate without better knowledge gives.
const GROUPS: f64 = 200.0;
/// The part of the rows that a condition leaves.
const SELECTIVITY: f64 = 1.0 / 3.0;
/// The rows of a function in FROM.
const FUNCTION_ROWS: f64 = 1000.0;

/// What a node is expected to do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Estimate {
    /// Before the first row.
    pub(super) startup: f64,
    /// In all.
    pub(super) total: f64,
    pub(super) rows: f64,
    pub(super) width: usize,
}

impl Estimate {
    /// One row of nothing.
    pub(super) fn row() -> Self {
        Self { startup: 0.0, total: ROW, rows: 1.0, width: 0 }
    }

    pub(super) fn scan(rows: f64, filtered: bool) -> Self {
        let kept = if filtered { some(rows * SELECTIVITY) } else { rows };
        Self { startup: 0.0, total: rows * ROW, rows: kept, width: 0 }
    }

    pub(super) fn lookup(rows: f64) -> Self {
        let total = LOOKUP + rows.max(1.0) * 8.0;
        Self { startup: LOOKUP, total, rows, width: 0 }
    }

    /// All rows are compared before the first comes.
    pub(super) fn search(table: f64, k: f64, dimensions: usize) -> Self {
        let dimensions = u32::try_from(dimensions).map_or(0.0, f64::from);
        let startup = table * (ROW + dimensions * ROW / 100.0);
        Self { startup, total: startup + k * ROW, rows: k.min(table), width: 0 }
    }

    pub(super) fn function() -> Self {
        Self { startup: 0.0, total: FUNCTION_ROWS * ROW, rows: FUNCTION_ROWS, width: 0 }
    }

    pub(super) fn filter(self) -> Self {
        let total = self.total + self.rows * ROW / 4.0;
        Self { total, rows: some(self.rows * SELECTIVITY), ..self }
    }

    pub(super) fn limit(self, skip: f64, fetch: Option<f64>) -> Self {
        let left = (self.rows - skip).max(0.0);
        let rows = fetch.map_or(left, |fetch| left.min(fetch));
        let part = if self.rows > 0.0 { ((skip + rows) / self.rows).min(1.0) } else { 1.0 };
        Self { total: self.startup + (self.total - self.startup) * part, rows, ..self }
    }

    pub(super) fn sort(self) -> Self {
        let startup = self.total + 2.0 * ROW * self.rows * self.rows.max(2.0).log2();
        Self { startup, total: startup + self.rows * ROW / 4.0, ..self }
    }

    pub(super) fn aggregate(self, grouped: bool) -> Self {
        let rows = if grouped { some(self.rows.min(GROUPS)) } else { 1.0 };
        let startup = self.total + self.rows * ROW;
        Self { startup, total: startup + rows * ROW, rows, ..self }
    }

    /// The inner side is read whole before the first row comes.
    pub(super) fn join(outer: Self, inner: Self, rows: f64) -> Self {
        let startup = inner.total + outer.startup;
        let total = inner.total + outer.total + (outer.rows + inner.rows + rows) * ROW;
        Self { startup, total, rows, width: 0 }
    }

    /// Each outer row meets each inner row.
    pub(super) fn nested(outer: Self, inner: Self, conditional: bool) -> Self {
        let pairs = outer.rows * inner.rows;
        let rows = if conditional { some(pairs * SELECTIVITY) } else { pairs };
        let total = outer.total + inner.total + pairs * ROW / 4.0 + rows * ROW;
        Self { startup: outer.startup + inner.startup, total, rows, width: 0 }
    }

    /// All of several inputs.
    pub(super) fn sum(inputs: impl Iterator<Item = Self>) -> Self {
        inputs.fold(Self::default(), |all, one| Self {
            startup: all.startup.max(one.startup),
            total: all.total + one.total,
            rows: all.rows + one.rows,
            width: all.width.max(one.width),
        })
    }
}

/// Like PostgreSQL, no condition is expected to leave nothing.
fn some(rows: f64) -> f64 {
    rows.ceil().max(1.0)
}

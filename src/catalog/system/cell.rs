//! A value of a system relation, in PostgreSQL's text form.

use crate::base::{ColumnId, Oid};

/// NULL or the text form of a value.
pub(super) type Cell = Option<String>;

/// What can be a value.
pub(super) trait IntoCell {
    /// The value's text form.
    fn cell(self) -> Cell;
}

macro_rules! by_display {
    ($($ty:ty),*) => {
        $(impl IntoCell for $ty {
            fn cell(self) -> Cell {
                Some(self.to_string())
            }
        })*
    };
}

by_display!(i16, i32, i64, u32, usize, char, &str, Oid);

impl IntoCell for String {
    fn cell(self) -> Cell {
        Some(self)
    }
}

impl IntoCell for &String {
    fn cell(self) -> Cell {
        Some(self.clone())
    }
}

impl IntoCell for bool {
    fn cell(self) -> Cell {
        Some(if self { "t" } else { "f" }.to_owned())
    }
}

impl IntoCell for ColumnId {
    fn cell(self) -> Cell {
        Some(self.0.to_string())
    }
}

impl<T: IntoCell> IntoCell for Option<T> {
    fn cell(self) -> Cell {
        self.and_then(IntoCell::cell)
    }
}

/// NULL.
pub(super) const NULL: Cell = None;

/// An array of numbers: `{1,2}`.
pub(super) fn array<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    format!("{{{}}}", joined(values, ","))
}

/// An `int2vector` or `oidvector`: `1 2`.
pub(super) fn vector<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    joined(values, " ")
}

fn joined<T: ToString>(values: impl IntoIterator<Item = T>, separator: &str) -> String {
    values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(separator)
}

/// A row of values of different kinds.
macro_rules! row {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::catalog::system::cell::IntoCell::cell($value)),*]
    };
}
pub(super) use row;

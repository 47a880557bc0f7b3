//! Rows that never change: PostgreSQL's own operators, functions, casts and operator classes, those
//! of them that Redkite has, and pgvector's. They are read from the files of `data/`, a row a line
//! with a tab between values and `\N` for NULL; `scripts/catalog` has written them.

use super::cell::Cell;
use super::definition::Row;

/// The rows of a file.
pub(super) fn rows(file: &str) -> Vec<Row> {
    file.lines().map(|line| line.split('\t').map(cell).collect()).collect()
}

fn cell(text: &str) -> Cell {
    (text != "\\N").then(|| text.to_owned())
}

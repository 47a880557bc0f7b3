//! Rank 1: PostgreSQL's types. What each is called, how it lies in Arrow, and its values' text
//! and binary forms, both ways, with PostgreSQL's own errors.
//!
//! Text goes in by [`parse_text`] or, many values at once, by a [`ColumnBuilder`]; values go
//! out by a [`ColumnEncoder`]. Pure: no I/O, and the time comes in a [`TextContext`].

mod arrow_mapping;
mod boolean;
mod context;
mod errors;
mod float;
mod integer;
mod modifier;
mod numeric;
mod pg_type;
mod time_zone;

pub use arrow_mapping::{TYPE_KEY, vector_item};
pub use context::{ByteaOutput, DateOrder, DateOutput, DateStyle, IntervalStyle, TextContext};
pub use pg_type::PgType;
pub use time_zone::TimeZone;

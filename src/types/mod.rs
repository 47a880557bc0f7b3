//! Rank 1: PostgreSQL's types. What each is called, how it lies in Arrow, and its values' text
//! and binary forms, both ways, with PostgreSQL's own errors.
//!
//! Text goes in by [`parse_text`] or, many values at once, by a [`ColumnBuilder`]; values go
//! out by a [`ColumnEncoder`]. Pure: no I/O, and the time comes in a [`TextContext`].

mod array_text;
mod arrow_mapping;
mod bit_string;
mod boolean;
mod builder;
mod bytea;
mod calendar;
mod casts;
mod context;
mod datetime_fields;
mod datetime_input;
mod datetime_output;
mod domain;
mod encoder;
mod enumeration;
mod errors;
mod float;
mod integer;
mod interval_input;
mod interval_output;
pub(crate) mod json;
mod list_builder;
mod modifier;
mod numeric;
mod object;
mod parse;
mod pg_type;
mod sparse_vector;
mod string;
mod tid;
mod time_zone;
mod unicode_escape;
mod vector;

pub(crate) use arrow_mapping::NUMERIC_QUOTIENT;
pub use arrow_mapping::{TYPE_KEY, vector_item};
pub(crate) use bit_string::{BitString, stored_blocks, stored_length};
pub use builder::ColumnBuilder;
pub use casts::{CastContext, cast_context};
pub use context::{ByteaOutput, DateOrder, DateOutput, DateStyle, IntervalStyle, TextContext};
pub use domain::{DomainCheck, DomainType, NamedType};
pub use encoder::{ColumnEncoder, put_length};
pub(crate) use enumeration::is_enum;
pub use enumeration::{EnumFacts, EnumType, array_name, first_places, place_between, sort_order};
pub use errors::utf8;
pub(crate) use list_builder::null_element;
pub use object::{object_numbers, object_pairs};
pub use parse::{parse_binary, parse_text, to_text};
pub use pg_type::PgType;
pub(crate) use sparse_vector::{SparseVector, sparse_elements};
pub use time_zone::TimeZone;
pub use unicode_escape::{HighSurrogate, UnicodeEscapes};
pub(crate) use vector::{dimensions_differ, no_dimensions, to_halves, too_many_dimensions};

#[cfg(test)]
mod tests;

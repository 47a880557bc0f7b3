//! SQL functions that DataFusion lacks or does otherwise than PostgreSQL and pgvector.
//!
//! One family per file, each with an `all()`. Errors are [`SqlError`](crate::base::SqlError)s
//! inside `DataFusionError::External`. Operators are not made here: the planner maps them to
//! these functions (`<->` to `l2_distance`, `+` of integers to `checked_add`).

mod advisory;
mod array_aggregate;
mod array_forms;
mod average;
mod bit_aggregate;
mod bit_string;
mod bits_too;
mod buckets;
mod byte_string;
mod cast_text;
mod checked;
mod coalesce;
mod datetime;
mod degrees;
mod domain;
mod encodings;
mod enumeration;
mod excluding;
mod float_arithmetic;
mod from_char;
mod function;
mod hash;
mod interval;
mod interval_aggregate;
mod introspect;
mod json_build;
mod json_change;
mod json_navigate;
mod json_order;
mod json_path;
mod json_text;
mod like_pattern;
mod named;
mod named_object;
mod number_format;
mod number_text;
mod numbers;
mod numeric;
mod only;
mod ordered_set;
mod powers;
mod quantified;
mod quoting;
mod random;
mod regular_expression;
mod rounding;
mod row_arrays;
mod series;
mod session;
mod session_value;
mod sleep;
mod sparse;
mod text;
mod text_forms;
mod to_char;
mod truncation;
mod typed;
mod unfolded;
mod uuid_parts;
mod vector_aggregate;
mod vector_distance;
mod vector_make;
mod vector_operand;
mod widened;

use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

pub use cast_text::{cast_text_to, cast_to_text};
pub use domain::domain_function;
pub use excluding::{Exclusion, excluding};
pub use like_pattern::with_backslash;
pub use named_object::named_object;
pub use random::random_functions;
pub use rounding::rounded_to;
pub use row_arrays::row_array_in;
pub use session::{as_parameter, bind};
pub use typed::typed_as;
pub use unfolded::{is_array_of_enums, unfolded, unfolded_constant};

/// Every scalar function of this layer but those that need the node's randomness
/// ([`random_functions`]) or are made for a type ([`cast_text_to`], [`cast_to_text`]).
pub fn scalar_functions() -> Vec<Arc<ScalarUDF>> {
    [
        vector_distance::all(),
        vector_make::all(),
        sparse::all(),
        bit_string::all(),
        bits_too::all(),
        buckets::all(),
        checked::all(),
        coalesce::all(),
        datetime::all(),
        encodings::all(),
        enumeration::all(),
        from_char::all(),
        introspect::all(),
        json_navigate::all(),
        json_build::all(),
        json_change::all(),
        json_path::all(),
        json_order::all(),
        hash::all(),
        interval::all(),
        like_pattern::all(),
        named::all(),
        quantified::all(),
        series::all(),
        numeric::all(),
        quoting::all(),
        regular_expression::all(),
        to_char::all(),
        session::all(),
        advisory::all(),
        sleep::all(),
        text::all(),
        degrees::all(),
        byte_string::all(),
        float_arithmetic::all(),
        number_text::all(),
        numbers::all(),
        powers::all(),
        rounding::all(),
        text_forms::all(),
        array_forms::all(),
        uuid_parts::all(),
        truncation::all(),
    ]
    .concat()
}

/// Every aggregate of this layer.
pub fn aggregate_functions() -> Vec<Arc<AggregateUDF>> {
    [
        array_aggregate::all(),
        vector_aggregate::all(),
        bit_aggregate::all(),
        only::all(),
        ordered_set::all(),
    ]
    .concat()
}

/// Registers all of them, over DataFusion's where the names are the same.
pub fn register(registry: &mut dyn FunctionRegistry) -> Result<(), DataFusionError> {
    for function in scalar_functions() {
        registry.register_udf(function)?;
    }
    for aggregate in aggregate_functions() {
        registry.register_udaf(aggregate)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;

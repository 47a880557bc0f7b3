//! A query's way from its syntax tree to something that runs, and runs again.
//!
//! [`Planner::query`] rewrites the tree ([`rewrite`]), lets DataFusion plan it with our
//! operators, types and tables ([`provider`], [`operators`]), gives literals and parameters
//! their types ([`resolve`]) and returns a [`QueryPlan`]. That one optimises once, and makes a
//! physical plan for each execution that runs at the same time, which is kept for the next.

mod aggregate_order;
mod array_elements;
mod array_query;
mod bind;
mod call_checks;
mod calls;
mod cast_call;
mod catalog_query;
mod correlated;
mod demands;
mod distance_range;
mod dml;
mod domain_check;
mod enums;
mod errors;
mod exclusions;
mod executable;
mod expanded_arrays;
mod from_columns;
mod function_calls;
mod function_choice;
mod functions;
mod generated;
mod guarded;
mod insert_source;
mod json_functions;
mod json_records;
mod lateral;
mod leakproof;
mod literal;
mod literal_columns;
mod literal_rows;
mod locking;
mod merge;
mod merged_columns;
mod missing_from;
mod missing_function;
mod named_windows;
mod names;
mod narrowed_search;
mod one_row;
mod one_type;
mod operator_functions;
mod operator_names;
mod operator_types;
mod operators;
mod order_inputs;
mod own_expressions;
mod pattern_forms;
mod planner;
mod provider;
mod quantified_queries;
mod reads;
mod recursive;
mod refused_values;
mod relations;
mod resolve;
mod returning;
mod rewrite;
mod row_values;
mod row_versions;
mod rows_query;
mod set_operations;
mod set_returning;
mod source;
mod subquery_values;
mod subscripts;
mod system_columns;
mod type_names;
mod upsert;
mod user_body;
mod user_calls;
mod user_function;
mod user_notation;
mod user_relation;
mod values_rows;
mod vector_function;
mod vector_rule;
mod view_source;
mod whole_rows;
mod window_frames;

#[cfg(test)]
mod tests;

pub use dml::DmlPlan;
pub use errors::sql_error;
pub use executable::{OutputColumn, QueryPlan};
pub use guarded::unguarded;
pub use insert_source::arguments_query;
pub use literal_columns::Executions;
pub use literal_rows::RowSource;
pub use locking::LockedTable;
pub use merge::MergeKind;
pub(crate) use names::visible;
pub use planner::{PlanContext, Planner};
pub use relations::{Relation, Relations};
pub(crate) use rewrite::is_session_word;
pub use row_versions::{Change, without_versions};
pub use rows_query::RowsQuery;
pub use upsert::{ConflictUpdate, with_named_rows, with_named_table};

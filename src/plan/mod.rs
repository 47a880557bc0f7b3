//! Rank 6: SQL text to statement to plan; no I/O.

pub mod ddl;
pub mod explain;
mod name;
mod parse;
mod query;
pub mod statement;
mod type_name;

pub use name::{Name, cut_identifier, fold_identifier, quote_identifier};
pub use parse::{
    Bound, Constant, Lifted, bind_variables, condition_state, data_type_of, lift, normalize, parse,
    parse_block, parse_data_type, parse_expression, parse_in, parse_query, parse_type_name,
    types_named,
};
pub(crate) use parse::{IS_JSON, IS_NOT_JSON};
pub use query::{
    Change, ConflictUpdate, DmlPlan, Executions, LockedTable, MergeKind, OutputColumn, PlanContext,
    Planner, QueryPlan, Relation, Relations, RowSource, RowsQuery, arguments_query, sql_error,
    unguarded, with_named_rows, with_named_table, without_versions,
};
pub use statement::{Parsed, Statement};
pub use type_name::{TypeName, UserTypeName};

//! `has_*_privilege`: there are no privileges yet, so every role may do everything.

use crate::catalog::system::facts::Facts;
use crate::types::PgType;

use super::Entry;

pub(super) const FUNCTIONS: &[Entry] = &[
    ("has_table_privilege", PgType::Bool, granted),
    ("has_schema_privilege", PgType::Bool, granted),
    ("has_database_privilege", PgType::Bool, granted),
    ("has_column_privilege", PgType::Bool, granted),
    ("has_any_column_privilege", PgType::Bool, granted),
    ("has_function_privilege", PgType::Bool, granted),
    ("has_sequence_privilege", PgType::Bool, granted),
    ("has_type_privilege", PgType::Bool, granted),
    ("has_tablespace_privilege", PgType::Bool, granted),
    ("pg_has_role", PgType::Bool, granted),
];

fn granted(_: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let any_null = arguments.iter().any(Option::is_none);
    (!any_null).then(|| "t".to_owned())
}

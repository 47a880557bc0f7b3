//! Definitions and comments as text.

use crate::base::{ColumnId, Oid};
use crate::catalog::system::describe;
use crate::catalog::system::facts::Facts;
use crate::types::PgType;

use super::Entry;
use super::lookup::oid;

pub(super) const FUNCTIONS: &[Entry] = &[
    ("pg_get_expr", PgType::Text, expression),
    ("pg_get_indexdef", PgType::Text, index),
    ("pg_get_constraintdef", PgType::Text, constraint),
    ("pg_get_viewdef", PgType::Text, view),
    ("pg_get_partkeydef", PgType::Text, nothing),
    ("pg_get_triggerdef", PgType::Text, nothing),
    ("pg_get_ruledef", PgType::Text, nothing),
    ("pg_get_functiondef", PgType::Text, nothing),
    ("pg_get_function_arguments", PgType::Text, empty),
    ("pg_get_function_identity_arguments", PgType::Text, empty),
    ("pg_get_function_result", PgType::Text, nothing),
    ("pg_get_statisticsobjdef_columns", PgType::Text, nothing),
    ("pg_get_serial_sequence", PgType::Text, serial_sequence),
    ("obj_description", PgType::Text, object_comment),
    ("shobj_description", PgType::Text, nothing),
    ("col_description", PgType::Text, column_comment),
    ("pg_relation_size", PgType::Int8, size),
    ("pg_table_size", PgType::Int8, size),
    ("pg_total_relation_size", PgType::Int8, size),
    ("pg_indexes_size", PgType::Int8, no_bytes),
    ("pg_tablespace_location", PgType::Text, empty),
];

fn nothing(_: &Facts, _: &[Option<&str>]) -> Option<String> {
    None
}

fn empty(_: &Facts, _: &[Option<&str>]) -> Option<String> {
    Some(String::new())
}

fn no_bytes(_: &Facts, _: &[Option<&str>]) -> Option<String> {
    Some("0".to_owned())
}

/// Expressions are kept as text.
fn expression(_: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    arguments.first().copied().flatten().map(str::to_owned)
}

fn index(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let oid = oid(arguments, 0)?;
    let position: usize =
        arguments.get(1).copied().flatten().and_then(|text| text.parse().ok()).unwrap_or(0);
    facts.tables().into_iter().find_map(|table| {
        let table = &table.definition;
        let key = table.keys.iter().find(|key| key.oid == oid)?;
        match position {
            0 => Some(describe::index(facts, table, key)),
            position => {
                let column = key.columns.get(position - 1)?;
                Some(describe::column_list(table, &[*column]))
            }
        }
    })
}

fn constraint(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let oid = oid(arguments, 0)?;
    facts.tables().into_iter().find_map(|table| {
        let table = &table.definition;
        let key = table.keys.iter().find(|key| key.oid == oid);
        let foreign = table.foreign_keys.iter().find(|key| key.oid == oid);
        let check = table.checks.iter().find(|check| check.oid == oid);
        key.map(|key| describe::key(table, key))
            .or_else(|| foreign.map(|key| describe::foreign_key(facts, table, key)))
            .or_else(|| check.map(|check| describe::check(&check.expression)))
    })
}

fn view(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    facts.catalog().view(oid(arguments, 0)?).map(|view| format!(" {};", view.query))
}

fn serial_sequence(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let (table, column) = (arguments.first().copied()??, arguments.get(1).copied()??);
    let bare = table.rsplit('.').next()?.trim_matches('"');
    let table = facts.tables().into_iter().find(|found| found.definition.name == bare)?;
    let column = table.definition.column(column)?;
    let owned = Some((table.oid(), column.id));
    let sequence = facts.sequences().into_iter().find(|sequence| sequence.owned_by == owned)?;
    let schema = facts.catalog().schema_name(sequence.schema);
    Some(format!("{}.{}", describe::quoted(schema), describe::quoted(&sequence.name)))
}

fn comment(facts: &Facts, table: Oid, column: Option<ColumnId>) -> Option<String> {
    let table = &facts.catalog().tables.get(&table)?.definition;
    match column {
        None | Some(ColumnId(0)) => table.comment.clone(),
        Some(column) => table.column_by_id(column)?.comment.clone(),
    }
}

fn object_comment(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    comment(facts, oid(arguments, 0)?, None)
}

fn column_comment(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let column = arguments.get(1).copied().flatten()?.parse().ok().map(ColumnId);
    comment(facts, oid(arguments, 0)?, column)
}

/// Rows that are still in metadata; objects' sizes are an operator's business.
fn size(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let table = facts.catalog().tables.get(&oid(arguments, 0)?)?;
    Some(table.inline_bytes().to_string())
}

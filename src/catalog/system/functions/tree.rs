//! Definitions and comments as text.

use crate::base::{ColumnId, Oid};
use crate::catalog::system::describe;
use crate::catalog::system::facts::Facts;
use crate::catalog::system::pg_description::comment_of;
use crate::catalog::{Table, TableDef};
use crate::segment::Rows;
use crate::types::PgType;

use super::Entry;
use super::lookup::{oid, regclass_name, to_regclass};

pub(super) const FUNCTIONS: &[Entry] = &[
    ("pg_get_expr", PgType::Text, expression),
    ("pg_get_indexdef", PgType::Text, index),
    ("pg_get_constraintdef", PgType::Text, constraint),
    ("pg_get_viewdef", PgType::Text, view),
    ("pg_get_partkeydef", PgType::Text, nothing),
    ("pg_get_triggerdef", PgType::Text, nothing),
    ("pg_get_ruledef", PgType::Text, nothing),
    ("pg_get_statisticsobjdef_columns", PgType::Text, nothing),
    ("pg_get_serial_sequence", PgType::Text, serial_sequence),
    ("obj_description", PgType::Text, object_comment),
    ("shobj_description", PgType::Text, nothing),
    ("col_description", PgType::Text, column_comment),
    ("pg_relation_size", PgType::Int8, size),
    ("pg_table_size", PgType::Int8, size),
    ("pg_total_relation_size", PgType::Int8, size),
    ("pg_indexes_size", PgType::Int8, no_bytes),
    ("pg_database_size", PgType::Int8, database_size),
    ("pg_size_pretty", PgType::Text, pretty_size),
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

/// Expressions are kept as text; the sequence of a default is named as the search path needs it.
fn expression(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let text = arguments.first().copied().flatten()?;
    let sequence =
        text.strip_prefix("nextval('").and_then(|rest| rest.strip_suffix("'::regclass)"));
    let named = sequence.and_then(|name| {
        let oid = to_regclass(facts, &[Some(name)])?;
        regclass_name(facts, &[Some(&oid)])
    });
    Some(named.map_or_else(|| text.to_owned(), |name| format!("nextval('{name}'::regclass)")))
}

fn index(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let oid = oid(arguments, 0)?;
    let position: usize =
        arguments.get(1).copied().flatten().and_then(|text| text.parse().ok()).unwrap_or(0);
    facts.tables().into_iter().find_map(|table| {
        let table = &table.definition;
        match table.keys.iter().find(|key| key.oid == oid) {
            Some(key) if position == 0 => Some(describe::index(facts, table, key)),
            Some(key) => {
                let mut columns = key.columns.iter().chain(&key.include);
                Some(describe::column_list(table, &[*columns.nth(position - 1)?]))
            }
            None => named_index(facts, table, oid, position),
        }
    })
}

/// An index that is no key, or one of its columns.
fn named_index(facts: &Facts, table: &TableDef, oid: Oid, position: usize) -> Option<String> {
    let index = table.indexes.iter().find(|index| index.oid == oid)?;
    if position == 0 {
        return Some(describe::named_index(facts, table, index));
    }
    let include = || index.include.get((position - 1).checked_sub(index.columns.len())?);
    match index.columns.get(position - 1) {
        Some(part) => Some(describe::index_part(table, index, part)),
        None => Some(describe::column_list(table, &[*include()?])),
    }
}

fn constraint(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let oid = oid(arguments, 0)?;
    let pretty = matches!(arguments.get(1), Some(Some("t" | "true")));
    let domains = facts.user_types().into_iter().filter_map(|ty| ty.domain());
    if let Some(check) = domains.flat_map(|domain| &domain.checks).find(|check| check.oid == oid) {
        return Some(describe::check(&check.expression, pretty));
    }
    facts.tables().into_iter().find_map(|table| {
        let table = &table.definition;
        let key = table.keys.iter().find(|key| key.oid == oid);
        let foreign = table.foreign_keys.iter().find(|key| key.oid == oid);
        let check = table.checks.iter().find(|check| check.oid == oid);
        key.map(|key| describe::key(table, key))
            .or_else(|| foreign.map(|key| describe::foreign_key(facts, table, key)))
            .or_else(|| check.map(|check| describe::check(&check.expression, pretty)))
    })
}

fn view(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let (catalog, oid) = (facts.catalog(), oid(arguments, 0)?);
    let materialized = || catalog.tables.get(&oid)?.definition.materialized.as_ref();
    let view = catalog.view(oid).map(|view| (&view.query, &view.search_path));
    let (query, path) = view.or_else(|| {
        let materialized = materialized()?;
        Some((&materialized.query, &materialized.search_path))
    })?;
    let session = facts.session();
    // What the view finds, the session finds too, or else the names must say where it is.
    let found = path
        .iter()
        .all(|schema| session.search_path().contains(schema) || catalog.schema(schema).is_none());
    let qualified = if found { None } else { session.qualified(query, catalog, path) };
    Some(format!(" {};", qualified.as_ref().unwrap_or(query)))
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

fn object_comment(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let class = arguments.get(1).copied().flatten();
    comment_of(facts, oid(arguments, 0)?, ColumnId(0), class)
}

fn column_comment(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let column = arguments.get(1).copied().flatten()?.parse().ok().map(ColumnId)?;
    comment_of(facts, oid(arguments, 0)?, column, Some("pg_class"))
}

/// Rows that are still in metadata; objects' sizes are an operator's business.
fn size(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let oid = oid(arguments, 0)?;
    let catalog = facts.catalog();
    match catalog.tables.get(&oid) {
        Some(table) => Some(table_bytes(table).to_string()),
        // What else there is has no bytes of its own.
        None => catalog.relation_name(oid).map(|_| "0".to_owned()),
    }
}

/// The bytes of a table's segments, in objects and in metadata.
fn table_bytes(table: &Table) -> u64 {
    let objects = table.version.segments().map(|(_, segment)| match &segment.rows {
        Rows::Object(meta) => meta.bytes,
        Rows::Memory(_) => 0,
    });
    objects.sum::<u64>() + table.inline_bytes() as u64
}

/// There is one database.
fn database_size(facts: &Facts, _: &[Option<&str>]) -> Option<String> {
    let bytes: u64 = facts.catalog().tables.values().map(|table| table_bytes(table)).sum();
    Some(bytes.to_string())
}

/// PostgreSQL's `pg_size_pretty`: the unit in which there are at most 10,239, rounded.
fn pretty_size(_: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    const UNITS: [&str; 6] = ["bytes", "kB", "MB", "GB", "TB", "PB"];
    let size: f64 = arguments.first().copied().flatten()?.parse().ok()?;
    let (mut size, mut unit) = (size, 0);
    while size.abs() >= 10_239.5 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    Some(format!("{:.0} {}", size.round(), UNITS[unit]))
}

//! Definitions as SQL text, the way `pg_get_*` and psql show them.

use crate::base::ColumnId;
use crate::catalog::{
    ColumnDef, ForeignKeyDef, IndexColumnDef, IndexDef, KeyDef, ReferentialActionDef, TableDef,
};
use crate::types::PgType;

use super::facts::Facts;
use super::parentheses::{bare, enclosed, is_call};

/// A name, in quotes where SQL needs them.
pub(super) fn quoted(name: &str) -> String {
    let first = name.bytes().next();
    let plain = first.is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Columns by name, in parentheses' inside: `a, b`.
pub(super) fn column_list(table: &TableDef, columns: &[ColumnId]) -> String {
    let name = |id: &ColumnId| table.column_by_id(*id).map(|column| quoted(&column.name));
    columns.iter().filter_map(name).collect::<Vec<_>>().join(", ")
}

/// `CREATE UNIQUE INDEX t_pkey ON public.t USING btree (id)`.
pub(super) fn index(facts: &Facts, table: &TableDef, key: &KeyDef) -> String {
    let distinct = if key.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
    let include = included(table, &key.include);
    format!(
        "CREATE UNIQUE INDEX {} ON {}.{} USING btree ({}){include}{distinct}",
        quoted(&key.name),
        quoted(facts.catalog().schema_name(table.schema)),
        quoted(&table.name),
        column_list(table, &key.columns),
    )
}

/// ` INCLUDE (a, b)`; nothing where an index has no such columns.
fn included(table: &TableDef, columns: &[ColumnId]) -> String {
    match columns.is_empty() {
        true => String::new(),
        false => format!(" INCLUDE ({})", column_list(table, columns)),
    }
}

/// What an index that is no key indexes: `a`, `lower(b)`, each with its order.
pub(super) fn index_columns(facts: &Facts, table: &TableDef, index: &IndexDef) -> Vec<String> {
    let columns = index.columns.iter().map(|part| {
        let text = index_part(table, index, part);
        let class = part.operator_class.as_ref();
        let class =
            class.map(|class| format!(" {}{}", facts.prefix_of_class(class), quoted(class)));
        text + &class.unwrap_or_default() + &part.options
    });
    columns.collect()
}

/// A column or an expression of an index.
pub(super) fn index_part(table: &TableDef, index: &IndexDef, part: &IndexColumnDef) -> String {
    let named = part.column.and_then(|id| table.column_by_id(id));
    match (named, indexed_cast(table, index)) {
        (_, Some(cast)) => format!("({cast})"),
        (Some(column), None) => quoted(&column.name),
        (None, None) => expression_part(part.expression.as_deref().unwrap_or_default()),
    }
}

/// An expression of an index: a call as it is, any other in parentheses.
fn expression_part(text: &str) -> String {
    let text = bare(text);
    if is_call(text) { text.to_owned() } else { format!("({text})") }
}

/// The cast of a column that a vector index is over: `(embedding)::halfvec(3)`, or of its signs:
/// `(binary_quantize(embedding))::bit(3)`.
pub(super) fn indexed_cast(table: &TableDef, index: &IndexDef) -> Option<String> {
    let vector = index.vector.as_ref()?;
    let ty = vector.cast.as_ref()?.pg_type();
    let column = table.column_by_id(vector.column)?;
    let name = quoted(&column.name);
    Some(match ty {
        PgType::Bit(_) => format!("(binary_quantize({name}))::{ty}"),
        ty => format!("({name})::{ty}"),
    })
}

/// `CREATE INDEX t_a_idx ON public.t USING btree (a)`.
pub(super) fn named_index(facts: &Facts, table: &TableDef, index: &IndexDef) -> String {
    let filter = index.filter.as_ref().map(|filter| format!(" WHERE {}", enclosed(filter)));
    let options = index.options.iter();
    let options: Vec<String> =
        options.map(|(name, value)| format!("{name}='{}'", value.replace('\'', "''"))).collect();
    let with = match options.is_empty() {
        true => String::new(),
        false => format!(" WITH ({})", options.join(", ")),
    };
    let include = included(table, &index.include);
    format!(
        "CREATE INDEX {} ON {}.{} USING {} ({}){include}{with}{}",
        quoted(&index.name),
        quoted(facts.catalog().schema_name(table.schema)),
        quoted(&table.name),
        index.method,
        index_columns(facts, table, index).join(", "),
        filter.unwrap_or_default(),
    )
}

/// `PRIMARY KEY (id)`, `UNIQUE (a, b)`.
pub(super) fn key(table: &TableDef, key: &KeyDef) -> String {
    let kind = match (key.primary, key.nulls_not_distinct) {
        (true, _) => "PRIMARY KEY",
        (false, false) => "UNIQUE",
        (false, true) => "UNIQUE NULLS NOT DISTINCT",
    };
    format!("{kind} ({})", column_list(table, &key.columns))
}

/// `FOREIGN KEY (a) REFERENCES t(id)`.
pub(super) fn foreign_key(facts: &Facts, table: &TableDef, key: &ForeignKeyDef) -> String {
    let columns = column_list(table, &key.columns);
    let Some(referenced) = facts.catalog().tables.get(&key.table) else {
        return format!("FOREIGN KEY ({columns})");
    };
    let referenced = &referenced.definition;
    let schema = facts.catalog().schema_name(referenced.schema);
    let visible = facts.session().search_path().iter().any(|name| name == schema);
    let prefix = if visible { String::new() } else { format!("{}.", quoted(schema)) };
    let target = column_list(referenced, &key.referenced);
    let mut text = format!(
        "FOREIGN KEY ({columns}) REFERENCES {prefix}{}({target})",
        quoted(&referenced.name)
    );
    for (event, action) in [("UPDATE", &key.on_update), ("DELETE", &key.on_delete)] {
        if *action == ReferentialActionDef::NoAction {
            continue;
        }
        text.push_str(&format!(" ON {event} {}", action.words()));
        if !action.columns().is_empty() && action.columns() != key.columns {
            text.push_str(&format!(" ({})", column_list(table, action.columns())));
        }
    }
    if key.deferrable {
        text.push_str(" DEFERRABLE");
    }
    if key.initially_deferred {
        text.push_str(" INITIALLY DEFERRED");
    }
    text
}

/// `CHECK ((a > 0))`; for eyes, without the parentheses that SQL can do without.
pub(super) fn check(expression: &str, pretty: bool) -> String {
    let expression = bare(expression);
    if pretty { format!("CHECK ({expression})") } else { format!("CHECK (({expression}))") }
}

/// A column's default: a lone string shows its type, as in PostgreSQL.
pub(super) fn default(column: &ColumnDef) -> Option<String> {
    let text = column.default.as_deref()?.trim();
    if column.generated {
        return Some(enclosed(text));
    }
    let inner = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    let lone = inner.is_some_and(|inner| !inner.replace("''", "").contains('\''));
    let number =
        matches!(column.ty.pg_type(), PgType::Int2 | PgType::Int4 | PgType::Int8 | PgType::Bool);
    Some(match lone && !number {
        true => format!("{text}::{}", column.ty.pg_type().bare().sql_name()),
        false => text.to_owned(),
    })
}

//! `pg_description`: comments, and what extensions are.

use std::sync::Arc;

use crate::base::{ColumnId, Oid};
use crate::catalog::{Commented, Comments, Table};

use super::cell::row;
use super::definition::{Definition, Row};
use super::facts::Facts;
use super::pg_extension;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 2609,
    schema: super::PG_CATALOG,
    name: "pg_description",
    columns: "objoid oid, classoid oid, objsubid int4, description text",
    rows,
}];

const PG_EXTENSION: u32 = 3079;
const PG_CLASS: u32 = 1259;
const PG_CONSTRAINT: u32 = 2606;
const PG_NAMESPACE: u32 = 2615;
const PG_PROC: u32 = 1255;
const PG_TYPE: u32 = 1247;

fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    let database = facts.catalog().database.as_ref();
    for extension in database.iter().flat_map(|database| &database.extensions) {
        let comment = comment_on_extension(facts, &extension.name);
        rows.push(row![extension.oid, PG_EXTENSION, 0, comment]);
    }
    for table in facts.tables() {
        let definition = &table.definition;
        if let Some(comment) = &definition.comment {
            rows.push(row![definition.oid, PG_CLASS, 0, comment]);
        }
        for column in &definition.columns {
            if let Some(comment) = &column.comment {
                rows.push(row![definition.oid, PG_CLASS, column.id, comment]);
            }
        }
        rows.extend(of_parts((definition.oid, PG_CLASS), &definition.comments));
    }
    for view in facts.views() {
        rows.extend(of_parts((view.oid, PG_CLASS), &view.comments));
    }
    for sequence in facts.sequences() {
        rows.extend(of_parts((sequence.oid, PG_CLASS), &sequence.comments));
    }
    for schema in facts.catalog().schemas.values() {
        rows.extend(of_parts((schema.oid, PG_NAMESPACE), &schema.comments));
    }
    for function in facts.functions() {
        rows.extend(of_parts((function.oid, PG_PROC), &function.comments));
    }
    for ty in facts.user_types() {
        if let Some(comment) = &ty.comment {
            rows.push(row![ty.oid, PG_TYPE, 0, comment]);
        }
    }
    rows
}

/// The comments kept with a definition.
fn of_parts((oid, class): (Oid, u32), comments: &Comments) -> Vec<Row> {
    let row = |(on, text)| match on {
        Commented::Itself => row![oid, class, 0, text],
        Commented::Column(column) => row![oid, class, column, text],
        Commented::Index(index) => row![index, PG_CLASS, 0, text],
        Commented::Constraint(constraint) => row![constraint, PG_CONSTRAINT, 0, text],
    };
    comments.iter().map(row).collect()
}

/// The comment on an object, or on a relation's column, of one of the catalogs or of any.
pub(super) fn comment_of(
    facts: &Facts,
    object: Oid,
    column: ColumnId,
    class: Option<&str>,
) -> Option<String> {
    let catalog = facts.catalog();
    let asks = |name: &str| class.is_none_or(|class| class.ends_with(name));
    if column != ColumnId(0) {
        let in_table = |table: &Arc<Table>| {
            table.definition.column_by_id(column).and_then(|column| column.comment.clone())
        };
        let view = || catalog.view(object)?.comments.get(Commented::Column(column));
        let found = catalog.tables.get(&object).and_then(in_table);
        return found.or_else(|| view().map(str::to_owned));
    }
    let of_itself = |comments: &Comments| comments.get(Commented::Itself).map(str::to_owned);
    let of_part = |part: Commented| {
        let mut tables = catalog.tables.values().map(|table| &table.definition.comments);
        tables.find_map(|comments| comments.get(part)).map(str::to_owned)
    };
    let relation = || {
        if let Some(table) = catalog.tables.get(&object) {
            return table.definition.comment.clone();
        }
        let of_view = catalog.view(object).map(|view| of_itself(&view.comments));
        let of_sequence = || catalog.sequences.get(&object).map(|found| of_itself(&found.comments));
        of_view.or_else(of_sequence).unwrap_or_else(|| of_part(Commented::Index(object)))
    };
    let extension = || {
        let extensions = &catalog.database.as_ref()?.extensions;
        let found = extensions.iter().find(|extension| extension.oid == object)?;
        comment_on_extension(facts, &found.name)
    };
    let schema = || of_itself(&catalog.schemas.get(&object)?.comments);
    let constraint = || of_part(Commented::Constraint(object));
    let user_type = || catalog.user_type(object)?.comment.clone();
    let function = || of_itself(&catalog.functions.get(&object)?.comments);
    let when = |name: &str, find: &dyn Fn() -> Option<String>| asks(name).then(find).flatten();
    when("pg_class", &relation)
        .or_else(|| when("pg_constraint", &constraint))
        .or_else(|| when("pg_namespace", &schema))
        .or_else(|| when("pg_type", &user_type))
        .or_else(|| when("pg_proc", &function))
        .or_else(|| when("pg_extension", &extension))
}

fn comment_on_extension(facts: &Facts, name: &str) -> Option<String> {
    let available = pg_extension::available(facts);
    available.iter().find(|row| row[0].as_deref() == Some(name)).and_then(|row| row[3].clone())
}

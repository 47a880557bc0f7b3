//! What uses a user's type: columns by its oid, expressions and views by its name in their text.
//!
//! Texts name types with their schemas once they are kept ([`make_definite`]), so that a type is
//! found whoever reads them; they follow when a type gets a new name, and when an enum's label
//! does.

use crate::base::{ColumnId, Oid, Result, SqlError, SqlState};
use crate::catalog::{Snapshot, TableDef, UserTypeDef, UserTypeKind, ViewDef};
use crate::plan::{Name, quote_identifier, types_named};

use super::alter_column;
use super::draft::Draft;
use super::drop;
use super::function_uses;
use super::text::replace_strings;
use super::user_type;

/// Whether a column of a table has a type, or an array of it.
pub(super) fn uses(table: &TableDef, ty: &UserTypeDef) -> bool {
    table.columns.iter().any(|column| is_of(column.ty.oid, ty))
}

fn is_of(oid: Oid, ty: &UserTypeDef) -> bool {
    oid == ty.oid || oid == ty.array
}

/// All expressions of a table, with what they are to it.
pub(super) fn texts(table: &mut TableDef) -> impl Iterator<Item = (Part, &mut String)> {
    let columns = table.columns.iter_mut();
    let columns = columns.filter_map(|column| {
        let part = match column.generated {
            true => Part::Other(format!("column {}", column.name)),
            false => Part::Default(column.id),
        };
        Some((part, column.default.as_mut()?))
    });
    let checks = table.checks.iter_mut();
    let checks =
        checks.map(|check| (Part::Check(check.oid, check.name.clone()), &mut check.expression));
    let indexes = table.indexes.iter_mut().flat_map(|index| {
        let name = format!("index {}", index.name);
        let expressions = index.columns.iter_mut().filter_map(|part| part.expression.as_mut());
        let all = expressions.chain(&mut index.filter);
        all.map(|text| (Part::Other(name.clone()), text)).collect::<Vec<_>>()
    });
    let policies = table.policies.iter_mut().flat_map(|policy| {
        let name = format!("policy {}", policy.name);
        let all = policy.using.iter_mut().chain(&mut policy.check);
        all.map(|text| (Part::Other(name.clone()), text)).collect::<Vec<_>>()
    });
    columns.chain(checks).chain(indexes).chain(policies)
}

/// What an expression is to its table.
pub(super) enum Part {
    /// A column's default.
    Default(ColumnId),
    /// A CHECK constraint and its name.
    Check(Oid, String),
    /// Named so in messages.
    Other(String),
}

/// Names types with their schemas in all expressions of a table.
pub(super) fn make_definite(table: &mut TableDef, snapshot: &Snapshot, path: &[String]) {
    if snapshot.types.is_empty() {
        return;
    }
    for (_, text) in texts(table) {
        if let Some(definite) = definite(text, snapshot, path) {
            *text = definite;
        }
    }
}

/// The text with its types' schemas; none where there is nothing to add.
pub(super) fn definite(text: &str, snapshot: &Snapshot, path: &[String]) -> Option<String> {
    replaced(text, |name| {
        let bare = name.schema.is_none().then_some(&name.name)?;
        let base = match snapshot.user_type_named(None, bare, path) {
            Some(found) => found,
            None => snapshot.user_type_named(None, bare.strip_prefix('_')?, path)?,
        };
        Some(Name::qualified(snapshot.schema_name(base.schema), bare))
    })
}

/// The text with names of types replaced; none where none is.
fn replaced(text: &str, by: impl Fn(&Name) -> Option<Name>) -> Option<String> {
    let mut out = String::new();
    let mut from = 0;
    for (place, name) in types_named(text) {
        if let Some(Name { schema, name }) = by(&name) {
            out.push_str(&text[from..place.start]);
            if let Some(schema) = schema {
                out.push_str(&quote_identifier(&schema));
                out.push('.');
            }
            out.push_str(&quote_identifier(&name));
            from = place.end;
        }
    }
    (from > 0).then(|| out + &text[from..])
}

/// Whether a text names a type.
fn names(text: &str, ty: &UserTypeDef, snapshot: &Snapshot, path: &[String]) -> bool {
    types_named(text).iter().any(|(_, Name { schema, name })| {
        let find = |name: &str| snapshot.user_type_named(schema.as_deref(), name, path);
        let found = find(name).or_else(|| find(name.strip_prefix('_')?));
        found.is_some_and(|found| found.oid == ty.oid)
    })
}

/// Expressions and views go on naming a type that has a new name.
pub(super) fn rename(draft: &mut Draft<'_>, ty: &UserTypeDef, to: &Name) -> Result<()> {
    let schema = draft.snapshot.schema_name(ty.schema).to_owned();
    let by = |path: Vec<String>| {
        let (snapshot, schema) = (draft.snapshot, schema.clone());
        move |name: &Name| {
            let own = name.schema.clone().unwrap_or_else(|| schema.clone());
            let visible = name.schema.is_some()
                || snapshot
                    .user_type_named(None, &name.name, &path)
                    .is_some_and(|found| found.oid == ty.oid);
            (visible && own == schema && name.name == ty.name).then(|| to.clone())
        }
    };
    let replace = by(draft.context.search_path.to_vec());
    let mut changed = Vec::new();
    for oid in draft.table_oids() {
        let Some(mut table) = draft.table(oid).cloned() else { continue };
        let mut follows = false;
        for (_, text) in texts(&mut table) {
            if let Some(now) = replaced(text, &replace) {
                *text = now;
                follows = true;
            }
        }
        if follows {
            changed.push(table);
        }
    }
    let mut views = Vec::new();
    for mut view in draft.all_views() {
        if let Some(query) = replaced(&view.query, by(view.search_path.clone())) {
            view.query = query;
            views.push(view);
        }
    }
    for table in changed {
        let oid = table.oid;
        *draft.table_mut(oid)? = table;
        draft.touch(oid)?;
    }
    views.into_iter().for_each(|view| draft.put_view(view));
    for other in draft.snapshot.types.values().filter(|other| other.oid != ty.oid) {
        let mut other = (**other).clone();
        let UserTypeKind::Domain(domain) = &mut other.kind else { continue };
        let checks = domain.checks.iter_mut().map(|check| &mut check.expression);
        let mut follows = false;
        for text in checks.chain(&mut domain.default) {
            if let Some(now) = replaced(text, &replace) {
                *text = now;
                follows = true;
            }
        }
        if follows {
            draft.edit.put(draft.context.keys.user_type(other.oid), &other)?;
        }
    }
    Ok(())
}

/// Defaults go on naming a label that has a new name. Other expressions may mean a text by the same
/// words, so they stand in the way.
pub(super) fn rename_label(
    draft: &mut Draft<'_>,
    ty: &UserTypeDef,
    (from, to): (&str, &str),
) -> Result<()> {
    let mut stands = None;
    for oid in draft.table_oids() {
        let Some(mut table) = draft.table(oid).cloned() else { continue };
        if !uses(&table, ty) {
            continue;
        }
        let of = |id: ColumnId| table.column_by_id(id).is_some_and(|c| is_of(c.ty.oid, ty));
        let own: Vec<ColumnId> =
            table.columns.iter().map(|column| column.id).filter(|id| of(*id)).collect();
        let name = table.name.clone();
        let mut follows = false;
        for (part, text) in texts(&mut table) {
            let Some(now) = replace_strings(text, from, to) else { continue };
            match part {
                Part::Default(column) if own.contains(&column) => {
                    *text = now;
                    follows = true;
                }
                Part::Default(_) => {}
                Part::Check(_, check) => {
                    stands = Some(format!("constraint {check} on table {name}"))
                }
                Part::Other(what) => stands = Some(format!("{what} on table {name}")),
            }
        }
        for column in table.columns.iter_mut().filter(|column| column.ty.oid == ty.oid) {
            if column.missing.as_deref() == Some(from) {
                column.missing = Some(to.to_owned());
                follows = true;
            }
        }
        if follows {
            *draft.table_mut(oid)? = table;
        }
    }
    for domain in domains_over(draft, ty) {
        let texts =
            domain.domain().into_iter().flat_map(|d| d.checks.iter().map(|c| &c.expression));
        let default = domain.domain().and_then(|domain| domain.default.as_ref());
        if texts.chain(default).any(|text| replace_strings(text, from, to).is_some()) {
            stands = Some(format!("domain {}", domain.name));
        }
    }
    let tables: Vec<Oid> = draft.table_oids();
    let using = |view: &ViewDef| {
        let over = |table: &Oid| {
            view.depends_on.contains(table) && draft.table(*table).is_some_and(|t| uses(t, ty))
        };
        view.columns.iter().any(|(_, column)| is_of(column.oid, ty)) || tables.iter().any(over)
    };
    let mut views = draft.all_views();
    views.retain(|view| using(view) && replace_strings(&view.query, from, to).is_some());
    if let Some(view) = views.first() {
        stands = Some(format!("view {}", view.name));
    }
    match stands {
        None => Ok(()),
        Some(what) => Err(SqlError::unsupported(format!(
            "label \"{from}\" can't be renamed while an expression mentions it"
        ))
        .with_detail(format!("It stands in {what}."))
        .with_hint("Drop that, rename the label, and create it again.")),
    }
}

/// The domains over a type.
fn domains_over(draft: &Draft<'_>, ty: &UserTypeDef) -> Vec<UserTypeDef> {
    let over = |other: &UserTypeDef| other.domain().is_some_and(|d| is_of(d.base.oid, ty));
    let types = draft.snapshot.types.values();
    let types = types.filter(|other| over(other) && !draft.is_dropped(other.oid));
    types.map(|other| (**other).clone()).collect()
}

/// Drops what can't be without a type, or refuses.
pub(super) fn drop_users(draft: &mut Draft<'_>, ty: &UserTypeDef, cascade: bool) -> Result<()> {
    let (snapshot, path) = (draft.snapshot, draft.context.search_path);
    let mut columns = Vec::new();
    let mut parts = Vec::new();
    let mut lines = Vec::new();
    for function in function_uses::of_type(draft, ty) {
        lines.push(format!("function {}", function.signature()));
        if cascade {
            function_uses::drop_with_users(draft, &function, true)?;
        }
    }
    for domain in domains_over(draft, ty) {
        lines.push(format!("type {}", domain.name));
        if cascade {
            drop_users(draft, &domain, true)?;
            user_type::remove(draft, &domain);
        }
    }
    for oid in draft.table_oids() {
        let Some(mut table) = draft.table(oid).cloned() else { continue };
        let name = table.name.clone();
        for column in table.columns.iter().filter(|column| is_of(column.ty.oid, ty)) {
            lines.push(format!("column {} of table {name}", column.name));
            columns.push((oid, column.name.clone()));
        }
        for (part, text) in texts(&mut table) {
            if !names(text, ty, snapshot, path) {
                continue;
            }
            match part {
                Part::Default(column) if is_of_column(draft, oid, column, ty) => {}
                Part::Default(column) => {
                    let known = draft.table(oid).and_then(|table| table.column_by_id(column));
                    let known = known.map_or("", |column| column.name.as_str());
                    lines.push(format!("default value for column {known} of table {name}"));
                    parts.push((oid, Part::Default(column)));
                }
                Part::Check(check, known) => {
                    lines.push(format!("constraint {known} on table {name}"));
                    parts.push((oid, Part::Check(check, known)));
                }
                Part::Other(what) => {
                    let message = format!("cannot drop type {} because {what} uses it", ty.name);
                    return Err(SqlError::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
                        .with_detail(format!("{what} on table {name} depends on type {}", ty.name))
                        .with_hint("Drop that first."));
                }
            }
        }
    }
    let mut views = draft.all_views();
    views.retain(|view| {
        view.columns.iter().any(|(_, column)| is_of(column.oid, ty))
            || names(&view.query, ty, snapshot, &view.search_path)
    });
    if !cascade {
        lines.extend(views.iter().map(|view| format!("view {}", view.name)));
        if lines.is_empty() {
            return Ok(());
        }
        let details: Vec<String> =
            lines.iter().map(|line| format!("{line} depends on type {}", ty.name)).collect();
        let message = format!("cannot drop type {} because other objects depend on it", ty.name);
        return Err(SqlError::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
            .with_detail(details.join("\n"))
            .with_hint("Use DROP ... CASCADE to drop the dependent objects too."));
    }
    drop::views(draft, &views, &format!("type {}", ty.name), true)?;
    match lines.as_slice() {
        [] => {}
        [one] => {
            draft.notice(SqlState::SUCCESSFUL_COMPLETION, format!("drop cascades to {one}"));
        }
        many => {
            let message = format!("drop cascades to {} other objects", many.len());
            let details: Vec<String> =
                many.iter().map(|line| format!("drop cascades to {line}")).collect();
            draft.notice(SqlState::SUCCESSFUL_COMPLETION, message);
            if let Some(notice) = draft.notices.pop() {
                draft.notices.push(notice.with_detail(details.join("\n")));
            }
        }
    }
    for (table, part) in parts {
        remove(draft, table, &part)?;
    }
    for (table, column) in columns {
        alter_column::drop(draft, table, &column, true, true)?;
    }
    Ok(())
}

/// Takes a default or a check from a table; what else has a text stays.
pub(super) fn remove(draft: &mut Draft<'_>, table: Oid, part: &Part) -> Result<()> {
    let changed = draft.table_mut(table)?;
    match part {
        Part::Default(id) => {
            for column in changed.columns.iter_mut().filter(|column| column.id == *id) {
                column.default = None;
            }
        }
        Part::Check(check, _) => changed.checks.retain(|known| known.oid != *check),
        Part::Other(_) => {}
    }
    draft.touch(table)
}

fn is_of_column(draft: &Draft<'_>, table: Oid, column: ColumnId, ty: &UserTypeDef) -> bool {
    let table = draft.table(table);
    let column = table.and_then(|table| table.column_by_id(column));
    column.is_some_and(|column| is_of(column.ty.oid, ty))
}

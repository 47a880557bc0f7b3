//! DROP of tables, views, sequences, indexes and schemas, with what depends on them.

use std::sync::Arc;

use crate::base::{Oid, Result, SqlError, SqlState};
use crate::catalog::{FunctionDef, Relation, ViewDef};
use crate::plan::Name;
use crate::plan::statement::{Drop, ObjectKind};

use super::draft::{Draft, NameKind, is_system_schema};
use super::extension;
use super::function_uses;
use super::refuse;
use super::schema::NO_SCHEMA;
use super::user_type;

/// Something that goes because something else goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Dependent {
    Relation(Relation),
    /// A foreign key: its table and its oid.
    ForeignKey(Oid, Oid),
    /// A column's default that reads a sequence.
    Default(Oid, crate::base::ColumnId),
    /// A function that returns rows of a relation.
    Function(Arc<FunctionDef>),
}

/// DROP.
pub(super) fn run(draft: &mut Draft<'_>, statement: &Drop) -> Result<()> {
    let (if_exists, cascade) = (statement.if_exists, statement.cascade);
    match statement.kind {
        ObjectKind::Extension => {
            return extension::drop(draft, &statement.names, if_exists, cascade);
        }
        ObjectKind::Schema => return drop_schemas(draft, statement),
        ObjectKind::Type | ObjectKind::Domain => return user_type::drop(draft, statement),
        ObjectKind::Table
        | ObjectKind::View
        | ObjectKind::MaterializedView
        | ObjectKind::Sequence
        | ObjectKind::Index => {}
    }
    let mut targets = Vec::new();
    for name in &statement.names {
        if let Some(relation) = find(draft, statement.kind, name, if_exists)?
            && !targets.contains(&relation)
        {
            targets.push(relation);
        }
    }
    drop_relations(draft, &targets, &Target::Relations, cascade)
}

/// Drops relations that no statement names.
pub(super) fn owned(draft: &mut Draft<'_>, targets: &[Relation], cascade: bool) -> Result<()> {
    drop_relations(draft, targets, &Target::Relations, cascade)
}

fn find(
    draft: &mut Draft<'_>,
    kind: ObjectKind,
    name: &Name,
    if_exists: bool,
) -> Result<Option<Relation>> {
    let name = &draft.resolved(name);
    let word = kind.as_str();
    if let Some(schema) = &name.schema
        && draft.snapshot.schema(schema).is_none()
    {
        let message = format!("schema \"{schema}\" does not exist");
        if !if_exists {
            return Err(SqlError::new(SqlState::INVALID_SCHEMA_NAME, message));
        }
        draft.notice(SqlState::INVALID_SCHEMA_NAME, format!("{message}, skipping"));
        return Ok(None);
    }
    let Some(relation) = draft.find(name) else {
        if crate::catalog::system::is_system_relation(name.schema.as_deref(), &name.name) {
            let message = format!("permission denied: \"{}\" is a system catalog", name.name);
            return Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        let code = match kind {
            ObjectKind::Index => SqlState::UNDEFINED_OBJECT,
            _ => SqlState::UNDEFINED_TABLE,
        };
        let message = format!("{word} \"{}\" does not exist", name.name);
        if !if_exists {
            return Err(SqlError::new(code, message));
        }
        draft.notice(code, format!("{message}, skipping"));
        return Ok(None);
    };
    if draft.kind_of(relation) != word {
        let hint = match relation {
            Relation::Table(_) if draft.kind_of(relation) != "table" => {
                "Use DROP MATERIALIZED VIEW to remove a materialized view."
            }
            Relation::Table(_) => "Use DROP TABLE to remove a table.",
            Relation::View(_) => "Use DROP VIEW to remove a view.",
            Relation::Sequence(_) => "Use DROP SEQUENCE to remove a sequence.",
            Relation::Index { .. } => "Use DROP INDEX to remove an index.",
        };
        return Err(refuse::wrong_kind(&name.name, word).with_hint(hint));
    }
    let (owner, own_name) = owner_and_name(draft, relation);
    // A schema's owner may drop what is in it.
    let schema = draft.snapshot.schemas.get(&schema_of(draft, relation));
    if !schema.is_some_and(|schema| draft.access().has_role(schema.owner)) {
        draft.must_own(owner, word, &own_name)?;
    }
    Ok(Some(relation))
}

fn owner_and_name(draft: &Draft<'_>, relation: Relation) -> (Oid, String) {
    let found = match relation {
        Relation::Table(oid) => draft.table(oid).map(|table| (table.owner, table.name.clone())),
        Relation::View(oid) => draft.view(oid).map(|view| (view.owner, view.name.clone())),
        Relation::Sequence(oid) => {
            draft.sequence(oid).map(|sequence| (sequence.owner, sequence.name.clone()))
        }
        Relation::Index { table, key } => draft
            .table(table)
            .and_then(|table| Some((table.owner, table.index_name(key)?.to_owned()))),
    };
    found.unwrap_or_default()
}

/// What a statement names, for the error about what depends on it.
enum Target {
    Relations,
    Schemas(Vec<(Oid, String)>),
}

fn drop_relations(
    draft: &mut Draft<'_>,
    targets: &[Relation],
    target: &Target,
    cascade: bool,
) -> Result<()> {
    // Indexes go with their constraint, and sequences of identity columns with their column.
    for relation in targets {
        match *relation {
            Relation::Index { table, key } => drop_index(draft, table, key)?,
            Relation::Sequence(oid) => refuse_identity(draft, oid, targets)?,
            Relation::Table(_) | Relation::View(_) => {}
        }
    }
    let mut going: Vec<Relation> = targets.to_vec();
    going.retain(|relation| !matches!(relation, Relation::Index { .. }));
    let mut dependents: Vec<(Dependent, String)> = Vec::new();
    if let Target::Schemas(schemas) = target {
        for relation in &going {
            let schema = schema_of(draft, *relation);
            let (_, holder) =
                schemas.iter().find(|(oid, _)| *oid == schema).cloned().unwrap_or_default();
            if !is_owned_by_going(draft, *relation, &going) {
                dependents.push((Dependent::Relation(*relation), format!("schema {holder}")));
            }
        }
    }
    let mut at = 0;
    while let Some(relation) = going.get(at).copied() {
        find_dependents(draft, relation, &going, &mut dependents);
        find_views(draft, relation, &mut going, &mut dependents);
        at += 1;
    }
    if !dependents.is_empty() && !cascade {
        return Err(still_needed(draft, targets, target, &dependents));
    }
    announce(draft, &dependents);
    for (dependent, _) in dependents {
        match dependent {
            Dependent::ForeignKey(table, oid) => {
                draft.table_mut(table)?.foreign_keys.retain(|foreign| foreign.oid != oid);
                draft.touch(table)?;
            }
            Dependent::Default(table, id) => {
                let table = draft.table_mut(table)?;
                for column in table.columns.iter_mut().filter(|column| column.id == id) {
                    column.default = None;
                }
            }
            Dependent::Function(function) => {
                function_uses::drop_with_users(draft, &function, true)?;
            }
            // Part of `going`.
            Dependent::Relation(_) => {}
        }
    }
    for relation in going {
        remove(draft, relation);
    }
    Ok(())
}

fn schema_of(draft: &Draft<'_>, relation: Relation) -> Oid {
    match relation {
        Relation::Table(oid) | Relation::Index { table: oid, .. } => {
            draft.table(oid).map(|table| table.schema)
        }
        Relation::View(oid) => draft.view(oid).map(|view| view.schema),
        Relation::Sequence(oid) => draft.sequence(oid).map(|sequence| sequence.schema),
    }
    .unwrap_or_default()
}

fn is_owned_by_going(draft: &Draft<'_>, relation: Relation, going: &[Relation]) -> bool {
    let Relation::Sequence(oid) = relation else { return false };
    draft
        .sequence(oid)
        .and_then(|sequence| sequence.owned_by)
        .is_some_and(|(table, _)| going.contains(&Relation::Table(table)))
}

fn drop_index(draft: &mut Draft<'_>, table: Oid, key: Oid) -> Result<()> {
    let Some(definition) = draft.table(table) else { return Ok(()) };
    if let Some(index) = definition.indexes.iter().find(|known| known.oid == key) {
        let (schema, name) = (definition.schema, index.name.clone());
        draft.release(NameKind::Relation, schema, &name);
        draft.table_mut(table)?.indexes.retain(|known| known.oid != key);
        return Ok(());
    }
    let Some(found) = definition.keys.iter().find(|known| known.oid == key).cloned() else {
        return Ok(());
    };
    if !found.index_only {
        let (index, table) = (&found.name, &definition.name);
        return Err(SqlError::new(
            SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
            format!(
                "cannot drop index {index} because constraint {index} on table {table} requires it"
            ),
        )
        .with_hint(format!("You can drop constraint {index} on table {table} instead.")));
    }
    let schema = definition.schema;
    draft.release(NameKind::Relation, schema, &found.name);
    draft.table_mut(table)?.keys.retain(|known| known.oid != key);
    draft.touch(table)
}

fn refuse_identity(draft: &Draft<'_>, oid: Oid, targets: &[Relation]) -> Result<()> {
    let Some(sequence) = draft.sequence(oid) else { return Ok(()) };
    if !super::sequence::is_identity(draft, sequence)
        || is_owned_by_going(draft, Relation::Sequence(oid), targets)
    {
        return Ok(());
    }
    let Some((table, column)) = sequence.owned_by else { return Ok(()) };
    let Some(table) = draft.table(table) else { return Ok(()) };
    let column = table.column_by_id(column).map_or("", |column| &column.name);
    Err(SqlError::new(
        SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
        format!(
            "cannot drop sequence {} because column {column} of table {} requires it",
            sequence.name, table.name
        ),
    )
    .with_hint(format!("You can drop column {column} of table {} instead.", table.name)))
}

fn find_dependents(
    draft: &Draft<'_>,
    relation: Relation,
    going: &[Relation],
    dependents: &mut Vec<(Dependent, String)>,
) {
    for function in function_uses::of_relation(draft, relation.oid()) {
        let on = format!("type {}", name_of(draft, relation));
        dependents.push((Dependent::Function(function), on));
    }
    let stays = |table: Oid| !going.contains(&Relation::Table(table));
    for oid in draft.table_oids().into_iter().filter(|oid| stays(*oid)) {
        let Some(table) = draft.table(oid) else { continue };
        match relation {
            Relation::Table(parent) => {
                for foreign in table.foreign_keys.iter().filter(|f| f.table == parent) {
                    let on = format!("table {}", name_of(draft, relation));
                    dependents.push((Dependent::ForeignKey(oid, foreign.oid), on));
                }
            }
            Relation::Sequence(sequence) => {
                let Some(sequence) = draft.sequence(sequence) else { continue };
                let text = super::sequence::nextval(draft, sequence);
                for column in &table.columns {
                    if column.default.as_ref() == Some(&text) {
                        let on = format!("sequence {}", name_of(draft, relation));
                        dependents.push((Dependent::Default(oid, column.id), on));
                    }
                }
            }
            Relation::View(_) | Relation::Index { .. } => {}
        }
    }
}

/// The views that read a relation go with it, and so do those that read them.
fn find_views(
    draft: &Draft<'_>,
    relation: Relation,
    going: &mut Vec<Relation>,
    dependents: &mut Vec<(Dependent, String)>,
) {
    for view in draft.views_over(relation.oid()) {
        let view = draft.relation_of(&view);
        if !going.contains(&view) {
            going.push(view);
            let on = format!("{} {}", draft.kind_of(relation), name_of(draft, relation));
            dependents.push((Dependent::Relation(view), on));
        }
    }
}

/// Drops the views that can't do without something that goes, or refuses.
pub(super) fn views(
    draft: &mut Draft<'_>,
    views: &[ViewDef],
    target: &str,
    cascade: bool,
) -> Result<()> {
    let mut going: Vec<Relation> = views.iter().map(|view| draft.relation_of(view)).collect();
    let direct = going.iter().map(|view| (Dependent::Relation(*view), target.to_owned()));
    let mut dependents: Vec<(Dependent, String)> = direct.collect();
    let mut at = 0;
    while let Some(relation) = going.get(at).copied() {
        find_views(draft, relation, &mut going, &mut dependents);
        at += 1;
    }
    if dependents.is_empty() {
        return Ok(());
    }
    if !cascade {
        let message = format!("cannot drop {target} because other objects depend on it");
        return Err(needed(draft, message, &dependents));
    }
    announce(draft, &dependents);
    for view in going {
        remove(draft, view);
    }
    Ok(())
}

fn name_of(draft: &Draft<'_>, relation: Relation) -> String {
    let (_, name) = owner_and_name(draft, relation);
    qualified(draft, schema_of(draft, relation), &name)
}

/// A name as messages show it: with its schema where the search path doesn't find it.
fn qualified(draft: &Draft<'_>, schema: Oid, name: &str) -> String {
    let schema = draft.snapshot.schema_name(schema);
    if draft.context.search_path.iter().any(|path| path == schema) {
        name.to_owned()
    } else {
        format!("{schema}.{name}")
    }
}

fn describe(draft: &Draft<'_>, dependent: &Dependent) -> String {
    match dependent {
        Dependent::Relation(relation) => {
            format!("{} {}", draft.kind_of(*relation), name_of(draft, *relation))
        }
        Dependent::ForeignKey(table, oid) => {
            let constraint = draft
                .table(*table)
                .and_then(|table| table.foreign_keys.iter().find(|foreign| foreign.oid == *oid));
            let constraint = constraint.map_or("", |foreign| &foreign.name);
            format!("constraint {constraint} on table {}", name_of(draft, Relation::Table(*table)))
        }
        Dependent::Function(function) => format!("function {}", function.signature()),
        Dependent::Default(table, column) => {
            let found = draft.table(*table).and_then(|table| table.column_by_id(*column));
            let column = found.map_or("", |column| &column.name);
            let table = name_of(draft, Relation::Table(*table));
            format!("default value for column {column} of table {table}")
        }
    }
}

fn still_needed(
    draft: &Draft<'_>,
    going: &[Relation],
    target: &Target,
    dependents: &[(Dependent, String)],
) -> SqlError {
    let message = match (target, going) {
        (Target::Schemas(schemas), _) if schemas.len() == 1 => {
            format!("cannot drop schema {} because other objects depend on it", schemas[0].1)
        }
        (Target::Relations, [one]) => {
            let (kind, name) = (draft.kind_of(*one), name_of(draft, *one));
            format!("cannot drop {kind} {name} because other objects depend on it")
        }
        _ => "cannot drop desired object(s) because other objects depend on them".to_owned(),
    };
    needed(draft, message, dependents)
}

/// 2BP01 with what depends on what.
fn needed(draft: &Draft<'_>, message: String, dependents: &[(Dependent, String)]) -> SqlError {
    let details: Vec<String> = dependents
        .iter()
        .map(|(dependent, on)| format!("{} depends on {on}", describe(draft, dependent)))
        .collect();
    SqlError::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
        .with_detail(details.join("\n"))
        .with_hint("Use DROP ... CASCADE to drop the dependent objects too.")
}

fn announce(draft: &mut Draft<'_>, dependents: &[(Dependent, String)]) {
    let lines: Vec<String> = dependents
        .iter()
        .map(|(dependent, _)| format!("drop cascades to {}", describe(draft, dependent)))
        .collect();
    match lines.as_slice() {
        [] => {}
        [one] => draft.notice(SqlState::SUCCESSFUL_COMPLETION, one.clone()),
        many => {
            let message = format!("drop cascades to {} other objects", many.len());
            draft.notice(SqlState::SUCCESSFUL_COMPLETION, message);
            if let Some(notice) = draft.notices.pop() {
                draft.notices.push(notice.with_detail(many.join("\n")));
            }
        }
    }
}

/// Removes a relation with its names and the sequences of its columns.
fn remove(draft: &mut Draft<'_>, relation: Relation) {
    match relation {
        Relation::Table(oid) => {
            let Some(table) = draft.table(oid).cloned() else { return };
            for sequence in draft.all_sequences() {
                if sequence.owned_by.is_some_and(|(owner, _)| owner == oid) {
                    remove(draft, Relation::Sequence(sequence.oid));
                }
            }
            draft.release(NameKind::Relation, table.schema, &table.name);
            for (_, name) in table.index_names() {
                draft.release(NameKind::Relation, table.schema, name);
            }
            draft.mark_dropped(oid);
        }
        Relation::View(oid) => {
            let Some(view) = draft.view(oid).cloned() else { return };
            draft.release(NameKind::Relation, view.schema, &view.name);
            draft.mark_dropped(oid);
        }
        Relation::Sequence(oid) => {
            let Some(sequence) = draft.sequence(oid).cloned() else { return };
            draft.release(NameKind::Relation, sequence.schema, &sequence.name);
            draft.mark_dropped(oid);
        }
        Relation::Index { .. } => {}
    }
}

/// Removes a column's sequences.
pub(super) fn remove_sequence(draft: &mut Draft<'_>, oid: Oid) {
    remove(draft, Relation::Sequence(oid));
}

fn drop_schemas(draft: &mut Draft<'_>, statement: &Drop) -> Result<()> {
    let mut schemas: Vec<(Oid, String)> = Vec::new();
    for name in &statement.names {
        let name = &name.name;
        let Some(schema) = draft.snapshot.schema(name).cloned() else {
            let message = format!("schema \"{name}\" does not exist");
            if !statement.if_exists {
                return Err(SqlError::new(SqlState::INVALID_SCHEMA_NAME, message));
            }
            draft.notice(SqlState::INVALID_SCHEMA_NAME, format!("{message}, skipping"));
            continue;
        };
        draft.must_own(schema.owner, "schema", name)?;
        if is_system_schema(name) {
            return Err(SqlError::new(
                SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                format!("cannot drop schema {name} because it is required by the database system"),
            ));
        }
        if !schemas.iter().any(|(oid, _)| *oid == schema.oid) {
            schemas.push((schema.oid, name.clone()));
        }
    }
    self::schemas(draft, schemas, statement.cascade)
}

/// Drops schemas, with what is in them where `cascade` says so.
pub(super) fn schemas(
    draft: &mut Draft<'_>,
    schemas: Vec<(Oid, String)>,
    cascade: bool,
) -> Result<()> {
    let inside = |schema: Oid| schemas.iter().any(|(oid, _)| *oid == schema);
    let snapshot = draft.snapshot;
    let tables = snapshot.tables.values().filter(|table| inside(table.definition.schema));
    let mut targets: Vec<Relation> = tables.map(|table| Relation::Table(table.oid())).collect();
    let views = snapshot.views.values().filter(|view| inside(view.schema));
    targets.extend(views.map(|view| Relation::View(view.oid)));
    let sequences = snapshot.sequences.values().filter(|sequence| inside(sequence.schema));
    targets.extend(sequences.map(|sequence| Relation::Sequence(sequence.oid)));
    targets.sort_by_key(|relation| relation.oid());
    let extensions = snapshot.database.iter().flat_map(|database| &database.extensions);
    if let Some(extension) = extensions.into_iter().find(|extension| inside(extension.schema)) {
        return Err(SqlError::new(
            SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
            format!("cannot drop schema because extension {} is in it", extension.name),
        )
        .with_hint("Drop the extension first."));
    }
    let types: Vec<_> = snapshot.types.values().filter(|ty| inside(ty.schema)).cloned().collect();
    if let Some(ty) = types.first()
        && !cascade
    {
        let (schema, name) =
            (snapshot.schema_name(ty.schema), qualified(draft, ty.schema, &ty.name));
        let message = format!("cannot drop schema {schema} because other objects depend on it");
        return Err(SqlError::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
            .with_detail(format!("type {name} depends on schema {schema}"))
            .with_hint("Use DROP ... CASCADE to drop the dependent objects too."));
    }
    let functions: Vec<Arc<FunctionDef>> =
        schemas.iter().flat_map(|(oid, _)| function_uses::in_schema(draft, *oid)).collect();
    if let Some(function) = functions.first()
        && !cascade
    {
        let (schema, shown) = (snapshot.schema_name(function.schema), function.signature());
        let message = format!("cannot drop schema {schema} because other objects depend on it");
        return Err(SqlError::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
            .with_detail(format!("function {shown} depends on schema {schema}"))
            .with_hint("Use DROP ... CASCADE to drop the dependent objects too."));
    }
    for function in functions {
        let shown = function.signature();
        draft.notice(SqlState::SUCCESSFUL_COMPLETION, format!("drop cascades to function {shown}"));
        function_uses::drop_with_users(draft, &function, true)?;
    }
    let target = Target::Schemas(schemas.clone());
    drop_relations(draft, &targets, &target, cascade)?;
    for ty in types {
        super::type_text::drop_users(draft, &ty, true)?;
        let name = qualified(draft, ty.schema, &ty.name);
        draft.notice(SqlState::SUCCESSFUL_COMPLETION, format!("drop cascades to type {name}"));
        user_type::remove(draft, &ty);
    }
    for (oid, name) in schemas {
        draft.release(NameKind::Schema, NO_SCHEMA, &name);
        draft.mark_dropped(oid);
    }
    Ok(())
}

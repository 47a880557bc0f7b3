//! ALTER TABLE: every action works on the table as the actions before it left it.

use crate::base::{Oid, Result, SqlError, SqlState};
use crate::catalog::{ColumnDef, Relation, TableDef, TypeDef};
use crate::plan::quote_identifier;
use crate::plan::statement::{
    AlterAction, AlterTable, ColumnDefinition, Expression, Generated, Identity, Triggers,
};
use crate::types::{CastContext, PgType, TextContext, cast_context, parse_text};

use super::alter_column;
use super::column;
use super::constraint;
use super::domain::looks_at_rows;
use super::draft::Draft;
use super::policy;
use super::refuse;
use super::rename;
use super::sequence;

/// ALTER TABLE.
pub(super) fn run(draft: &mut Draft<'_>, statement: &AlterTable) -> Result<()> {
    let oid = match draft.find(&statement.table) {
        Some(Relation::Table(oid)) => oid,
        Some(relation) => return other_kind(draft, statement, relation),
        None if statement.if_exists => {
            let message = format!("relation \"{}\" does not exist, skipping", statement.table);
            draft.notice(SqlState::UNDEFINED_TABLE, message);
            return Ok(());
        }
        None => return Err(refuse::no_relation(&statement.table)),
    };
    let table = draft.table_mut(oid)?;
    let (owner, name, kind) = (table.owner, table.name.clone(), table.kind());
    if table.materialized.is_some() {
        refuse_changes(&name, &statement.actions)?;
    }
    draft.must_own(owner, kind, &name)?;
    for action in &statement.actions {
        act(draft, oid, action)?;
    }
    Ok(())
}

/// 42809 for what can't be done with the table behind a materialized view.
fn refuse_changes(name: &str, actions: &[AlterAction]) -> Result<()> {
    let other = actions.iter().find(|action| {
        !matches!(
            action,
            AlterAction::RenameColumn { .. }
                | AlterAction::RenameTable(_)
                | AlterAction::SetSchema(_)
                | AlterAction::OwnerTo(_)
                | AlterAction::Nothing
        )
    });
    match other {
        None => Ok(()),
        Some(_) => {
            let message = format!("ALTER action cannot be performed on relation \"{name}\"");
            Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message)
                .with_detail("This operation is not supported for materialized views."))
        }
    }
}

/// `ALTER TABLE` also renames and moves views, sequences and indexes.
fn other_kind(draft: &mut Draft<'_>, statement: &AlterTable, relation: Relation) -> Result<()> {
    for action in &statement.actions {
        match action {
            AlterAction::RenameTable(to) => rename::relation(draft, relation, to)?,
            AlterAction::OwnerTo(role) => rename::set_owner(draft, relation, role)?,
            AlterAction::SetSchema(schema) => rename::set_schema(draft, relation, schema)?,
            AlterAction::Nothing => {}
            _ => return Err(refuse::wrong_kind(&statement.table.name, "table")),
        }
    }
    Ok(())
}

fn act(draft: &mut Draft<'_>, oid: Oid, action: &AlterAction) -> Result<()> {
    match action {
        AlterAction::AddColumn { column, if_not_exists } => {
            add_column(draft, oid, column, *if_not_exists)
        }
        AlterAction::DropColumn { column, if_exists, cascade } => {
            alter_column::drop(draft, oid, column, *if_exists, *cascade)
        }
        AlterAction::RowSecurity(change) => policy::row_security(draft, oid, *change),
        AlterAction::Triggers { enabled, which } => triggers(draft, oid, *enabled, which),
        AlterAction::RenameColumn { from, to } => alter_column::rename(draft, oid, from, to),
        AlterAction::RenameTable(to) => rename::relation(draft, Relation::Table(oid), to),
        AlterAction::RenameConstraint { from, to } => constraint_rename(draft, oid, from, to),
        AlterAction::SetSchema(schema) => rename::set_schema(draft, Relation::Table(oid), schema),
        AlterAction::OwnerTo(role) => rename::set_owner(draft, Relation::Table(oid), role),
        AlterAction::SetDefault { column, default } => {
            refuse_identity(draft, oid, column)?;
            column::check_default(default)?;
            alter_column::find(draft.table_mut(oid)?, column)?.default = Some(default.text.clone());
            Ok(())
        }
        AlterAction::DropDefault { column } => {
            refuse_identity(draft, oid, column)?;
            alter_column::find(draft.table_mut(oid)?, column)?.default = None;
            Ok(())
        }
        AlterAction::SetNotNull { column, not_null } => set_not_null(draft, oid, column, *not_null),
        AlterAction::SetType { column, ty, using } => {
            let ty = draft.type_def(ty)?;
            set_type(draft, oid, column, ty, using.as_ref())
        }
        AlterAction::AddIdentity { column, identity } => add_identity(draft, oid, column, identity),
        AlterAction::SetIdentity { column, generated, options } => {
            let table = draft.table_mut(oid)?;
            let name = table.name.clone();
            let Some(identity) = &mut alter_column::find(table, column)?.identity else {
                return Err(not_identity(column, &name));
            };
            if let Some(generated) = generated {
                identity.always = *generated == Generated::Always;
            }
            let mut definition = {
                let oid = identity.sequence;
                sequence::existing(draft, oid)?
            };
            sequence::change(draft, &mut definition, options)?;
            draft.put_sequence(definition);
            Ok(())
        }
        AlterAction::DropIdentity { column, if_exists } => {
            let table = draft.table_mut(oid)?;
            let name = table.name.clone();
            let found = alter_column::find(table, column)?;
            let Some(identity) = found.identity.take() else {
                if !if_exists {
                    return Err(not_identity(column, &name));
                }
                let message = format!(
                    "column \"{column}\" of relation \"{name}\" is not an identity column, skipping"
                );
                draft.notice(SqlState::SUCCESSFUL_COMPLETION, message);
                return Ok(());
            };
            found.default = None;
            super::drop::remove_sequence(draft, identity.sequence);
            draft.touch(oid)
        }
        AlterAction::DropExpression { column, if_exists } => {
            let table = draft.table_mut(oid)?;
            let name = table.name.clone();
            let found = alter_column::find(table, column)?;
            if found.generated {
                (found.generated, found.default) = (false, None);
                return draft.touch(oid);
            }
            let message =
                format!("column \"{column}\" of relation \"{name}\" is not a generated column");
            if *if_exists {
                draft.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{message}, skipping"));
                return Ok(());
            }
            Err(SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message))
        }
        AlterAction::AddConstraint(added) => constraint::add(draft, oid, added),
        AlterAction::DropConstraint { name, if_exists, cascade } => {
            alter_column::drop_constraint(draft, oid, name, *if_exists, *cascade)
        }
        AlterAction::ValidateConstraint(name) => {
            let table = draft.table_mut(oid)?;
            if table.constraint_named(name).is_some() {
                return Ok(());
            }
            Err(refuse::no_constraint(name, &table.name))
        }
        AlterAction::SetOptions(options) => super::table::check_options(options),
        AlterAction::ResetOptions(_) | AlterAction::Nothing => Ok(()),
    }
}

/// ALTER COLUMN .. ADD GENERATED.
fn add_identity(draft: &mut Draft<'_>, oid: Oid, column: &str, identity: &Identity) -> Result<()> {
    let table = draft.table_mut(oid)?;
    let mut copy = alter_column::find(table, column)?.clone();
    let owner = (oid, table.name.clone(), table.schema);
    let not_ready = |what: &str| {
        let message = format!("column \"{column}\" of relation \"{}\" {what}", owner.1);
        SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
    };
    if copy.identity.is_some() {
        return Err(not_ready("is already an identity column"));
    }
    if !copy.not_null {
        return Err(not_ready("must be declared NOT NULL before identity can be added"));
    }
    if copy.default.is_some() {
        return Err(not_ready("already has a default value"));
    }
    column::add_identity(draft, (owner.0, &owner.1, owner.2), &mut copy, identity)?;
    *alter_column::find(draft.table_mut(oid)?, column)? = copy;
    draft.touch(oid)
}

fn not_identity(column: &str, table: &str) -> SqlError {
    let message = format!("column \"{column}\" of relation \"{table}\" is not an identity column");
    SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
}

fn refuse_identity(draft: &mut Draft<'_>, oid: Oid, column: &str) -> Result<()> {
    let table = draft.table_mut(oid)?;
    let name = table.name.clone();
    if alter_column::find(table, column)?.identity.is_some() {
        let message = format!("column \"{column}\" of relation \"{name}\" is an identity column");
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
    }
    if alter_column::find(draft.table_mut(oid)?, column)?.generated {
        let message = format!("column \"{column}\" of relation \"{name}\" is a generated column");
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
    }
    Ok(())
}

fn add_column(
    draft: &mut Draft<'_>,
    oid: Oid,
    definition: &ColumnDefinition,
    if_not_exists: bool,
) -> Result<()> {
    let mut table = draft.table_mut(oid)?.clone();
    if table.column(&definition.name).is_some() {
        let error = refuse::duplicate_column(&definition.name, &table.name);
        if if_not_exists {
            draft.notice(SqlState::DUPLICATE_COLUMN, format!("{error}, skipping"));
            return Ok(());
        }
        return Err(error);
    }
    let mut made = column::make(draft, &mut table, definition)?;
    let empty = draft.is_empty(oid);
    if !empty && looks_at_rows(&made.ty) {
        draft.rewrite(oid, made.id, None);
    } else if !empty && let Some(default) = &made.default {
        let sequence = definition.serial.is_some() || definition.identity.is_some();
        let ty = made.ty.pg_type();
        match missing_value(&ty, default, definition) {
            // Labels within an array would not follow new names.
            Ok(missing) if !made.generated && !is_array_of_enums(&ty) => made.missing = missing,
            // The sequence is not there yet.
            Err(error) if sequence => return Err(error),
            // Each row that exists gets a value of its own.
            _ => draft.rewrite(oid, made.id, None),
        }
    }
    let (id, not_null) = (made.id, made.not_null);
    table.columns.push(made);
    column::check_generated(draft, &table)?;
    *draft.table_mut(oid)? = table;
    draft.touch(oid)?;
    let null_default = definition.default.as_ref().is_none_or(|default| is_null(&default.text));
    if not_null && null_default {
        constraint::require_no_nulls(draft, oid, id)?;
    }
    for added in &definition.constraints {
        constraint::add(draft, oid, added)?;
    }
    Ok(())
}

fn is_array_of_enums(ty: &PgType) -> bool {
    matches!(ty.element(), Some(PgType::Enum(_)))
}

fn is_null(text: &str) -> bool {
    text.trim().split("::").next().is_some_and(|text| text.eq_ignore_ascii_case("null"))
}

/// What rows have that are older than the column: a constant, in the type's text form.
fn missing_value(
    ty: &PgType,
    default: &str,
    definition: &ColumnDefinition,
) -> Result<Option<String>> {
    if is_null(default) {
        return Ok(None);
    }
    let refused = || {
        let name = &definition.name;
        SqlError::unsupported("a column whose default is not a constant in a table that has rows")
            .with_hint(format!(
                "Add column \"{name}\" without a default, set the default with ALTER COLUMN .. \
                 SET DEFAULT, and UPDATE the rows that exist."
            ))
    };
    let text = constant_text(default).ok_or_else(refused)?;
    parse_text(ty, &text, &TextContext::default())?;
    // What depends on the day it is read (`now`, `today`) must be written as it is today.
    let relative =
        matches!(ty, PgType::Date | PgType::Time | PgType::Timestamp | PgType::Timestamptz)
            && !text.trim_start().starts_with(|c: char| c.is_ascii_digit());
    if relative { Err(refused()) } else { Ok(Some(text)) }
}

/// The value of a literal: `'x'`, `'x'::type`, `1.5`, `-1`, `true`.
fn constant_text(text: &str) -> Option<String> {
    let mut text = text.trim();
    while let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        text = inner.trim();
    }
    if let Some(rest) = text.strip_prefix('\'') {
        let mut value = String::new();
        let mut characters = rest.char_indices();
        while let Some((at, character)) = characters.next() {
            if character != '\'' {
                value.push(character);
                continue;
            }
            let after = &rest[at + 1..];
            if after.starts_with('\'') {
                value.push('\'');
                characters.next();
                continue;
            }
            return is_cast(after).then_some(value);
        }
        return None;
    }
    let (value, cast) = match text.find("::") {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let value = value.trim();
    if !is_cast(cast) {
        return None;
    }
    let folded = value.to_ascii_lowercase();
    if folded == "true" || folded == "false" {
        return Some(folded);
    }
    let digits = folded.trim_start_matches(['-', '+', ' ']);
    let number = !digits.is_empty()
        && digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'-' | b'+'))
        && digits.parse::<f64>().is_ok();
    number.then(|| folded.replace(' ', ""))
}

/// Nothing, or `::type` and nothing after it.
fn is_cast(text: &str) -> bool {
    let text = text.trim();
    text.is_empty()
        || text.strip_prefix("::").is_some_and(|ty| crate::plan::parse_data_type(ty).is_ok())
}

fn set_not_null(draft: &mut Draft<'_>, oid: Oid, column: &str, not_null: bool) -> Result<()> {
    let table = draft.table_mut(oid)?;
    let (name, key) = (table.name.clone(), table.primary_key().cloned());
    let found = alter_column::find(table, column)?;
    if found.not_null == not_null {
        return Ok(());
    }
    let id = found.id;
    if !not_null {
        if key.is_some_and(|key| key.columns.contains(&id)) {
            let message = format!("column \"{column}\" is in a primary key");
            return Err(SqlError::new(SqlState::INVALID_TABLE_DEFINITION, message));
        }
        if found.identity.is_some() {
            let message =
                format!("column \"{column}\" of relation \"{name}\" is an identity column");
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
        }
    }
    found.not_null = not_null;
    draft.touch(oid)?;
    if not_null {
        constraint::require_no_nulls(draft, oid, id)?;
    }
    Ok(())
}

/// Types change where what is stored can be read as the new type, or where there are no rows.
fn set_type(
    draft: &mut Draft<'_>,
    oid: Oid,
    column: &str,
    definition: TypeDef,
    using: Option<&Expression>,
) -> Result<()> {
    let ty = &definition.pg_type();
    column::check_type(column, ty)?;
    let table = draft.table_mut(oid)?;
    let found = alter_column::find(table, column)?;
    let (id, before) = (found.id, found.ty.pg_type());
    let same_domain = found.ty.oid == definition.oid;
    if before == *ty && using.is_none() && same_domain {
        return Ok(());
    }
    let same = keys_stay(draft, oid, column, using.is_none() && widens(&before, ty))?;
    let of = |text: &ColumnDef| {
        let text = text.default.as_deref().unwrap_or_default();
        super::text::mentions_column(text, column)
    };
    if let Some(generated) = draft.table(oid).and_then(|table| table.generated().find(|c| of(c))) {
        let message = "cannot alter type of a column used by a generated column";
        let detail =
            format!("Column \"{column}\" is used by generated column \"{}\".", generated.name);
        return Err(SqlError::unsupported(message).with_detail(detail));
    }
    if let Some(view) = alter_column::views_needing(draft, oid, id).first() {
        let message = "cannot alter type of a column used by a view or rule";
        let detail = format!("rule _RETURN on view {} depends on column \"{column}\"", view.name);
        return Err(SqlError::unsupported(message).with_detail(detail));
    }
    if using.is_none()
        && cast_context(&before, ty).is_none_or(|context| context > CastContext::Assignment)
    {
        let ty = ty.sql_name();
        let message = format!("column \"{column}\" cannot be cast automatically to type {ty}");
        let hint =
            format!("You might need to specify \"USING {}::{ty}\".", quote_identifier(column));
        return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message).with_hint(hint));
    }
    let looked_at = definition.domain().is_some() && !same_domain;
    let stays = same && (before == *ty || widens(&before, ty)) && !looked_at;
    if !draft.is_empty(oid) && (using.is_some() || !stays) {
        let old = draft.snapshot.tables.get(&oid);
        let old = old.and_then(|table| table.definition.column_by_id(id));
        let old = old.map_or(column, |old| old.name.as_str());
        let value = using.map_or_else(|| quote_identifier(old).to_string(), |u| u.text.clone());
        draft.rewrite(oid, id, Some(value));
    }
    let table = draft.table_mut(oid)?;
    for column in table.columns.iter_mut().filter(|column| column.id == id) {
        column.ty = definition.clone();
    }
    draft.touch(oid)
}

/// Whether no key is over the column: keys are found by their types. One whose values stay the
/// same stays unique, others would have to be looked at again.
fn keys_stay(draft: &mut Draft<'_>, oid: Oid, column: &str, widens: bool) -> Result<bool> {
    let id = alter_column::find(draft.table_mut(oid)?, column)?.id;
    let in_table = |table: &TableDef| {
        table.keys.iter().any(|key| key.columns.contains(&id))
            || table.foreign_keys.iter().any(|foreign| foreign.columns.contains(&id))
    };
    let used = draft.table(oid).is_some_and(in_table);
    if used && !widens && !draft.is_empty(oid) {
        return Err(SqlError::unsupported(format!(
            "the type of column \"{column}\" can't change while a key or foreign key uses it"
        ))
        .with_hint("Drop the constraint, change the type, and add the constraint again."));
    }
    Ok(!used)
}

/// Whether every stored value reads as the same value of the other type.
fn widens(from: &PgType, to: &PgType) -> bool {
    match (from, to) {
        (PgType::Int2, PgType::Int4 | PgType::Int8)
        | (PgType::Int4, PgType::Int8)
        | (PgType::Float4, PgType::Float8)
        | (PgType::Varchar(_), PgType::Text | PgType::Varchar(None))
        | (PgType::Text, PgType::Varchar(None)) => true,
        (PgType::Varchar(Some(before)), PgType::Varchar(Some(after))) => before <= after,
        _ => false,
    }
}

fn constraint_rename(draft: &mut Draft<'_>, oid: Oid, from: &str, to: &str) -> Result<()> {
    let table = draft.table_mut(oid)?;
    let (name, schema) = (table.name.clone(), table.schema);
    if table.constraint_named(from).is_none() {
        let message = format!("constraint \"{from}\" for table \"{name}\" does not exist");
        return Err(SqlError::new(SqlState::UNDEFINED_OBJECT, message));
    }
    if table.constraint_named(to).is_some() {
        return Err(refuse::duplicate_constraint(to, &name));
    }
    let key = table.keys.iter().find(|key| key.name == from).map(|key| key.oid);
    if let Some(key) = key {
        draft.claim_relation(schema, to, key)?;
        draft.release(super::draft::NameKind::Relation, schema, from);
    }
    let table = draft.table_mut(oid)?;
    let names = table.keys.iter_mut().filter(|key| !key.index_only).map(|key| &mut key.name);
    let names = names.chain(table.checks.iter_mut().map(|check| &mut check.name));
    let names = names.chain(table.foreign_keys.iter_mut().map(|foreign| &mut foreign.name));
    for name in names.filter(|name| *name == from) {
        to.clone_into(name);
    }
    Ok(())
}

/// ENABLE and DISABLE TRIGGER: what is there to be disabled are foreign keys, which only superusers
/// may.
fn triggers(draft: &mut Draft<'_>, oid: Oid, enabled: bool, which: &Triggers) -> Result<()> {
    let superuser = draft.is_superuser();
    let refers = |table: Oid| {
        let table = draft.table(table);
        table.is_some_and(|table| table.foreign_keys.iter().any(|foreign| foreign.table == oid))
    };
    let referenced = draft.table_oids().into_iter().any(refers);
    let table = draft.table_mut(oid)?;
    match which {
        Triggers::User => return Ok(()),
        Triggers::Named(name) => {
            let message = format!("trigger \"{name}\" for table \"{}\" does not exist", table.name);
            return Err(SqlError::new(SqlState::UNDEFINED_OBJECT, message));
        }
        Triggers::All if table.unchecked != enabled => return Ok(()),
        Triggers::All => table.unchecked = !enabled,
    }
    if (referenced || !table.foreign_keys.is_empty()) && !superuser {
        let message = "permission denied: foreign keys are system triggers";
        return Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
    }
    draft.touch(oid)
}

//! Constraints of a table, new or existing: keys, CHECK, foreign keys.

use crate::base::{ColumnId, Oid, Result, SqlError, SqlState};
use crate::catalog::{CheckDef, ForeignKeyDef, KeyDef, ReferentialActionDef, Relation, TableDef};
use crate::plan::quote_identifier;
use crate::plan::statement::{
    Constraint, ConstraintKind, Expression, ForeignKey, MatchKind, ReferentialAction,
};
use crate::types::PgType;

use super::Effect;
use super::draft::Draft;
use super::index;
use super::naming::columns_part;
use super::refuse;
use super::text::{mentions, replace_column};

/// A key before it has an oid.
pub(super) struct NewKey<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) columns: &'a [String],
    pub(super) primary: bool,
    pub(super) nulls_not_distinct: bool,
    pub(super) index_only: bool,
    pub(super) include: &'a [String],
}

/// Adds a constraint.
pub(super) fn add(draft: &mut Draft<'_>, table: Oid, constraint: &Constraint) -> Result<()> {
    let name = constraint.name.as_deref();
    match &constraint.kind {
        ConstraintKind::PrimaryKey { columns } => {
            refuse_deferrable(constraint)?;
            let primary = true;
            let (nulls_not_distinct, index_only) = (false, false);
            let key =
                NewKey { name, columns, primary, nulls_not_distinct, index_only, include: &[] };
            add_key(draft, table, key)
        }
        ConstraintKind::Unique { columns, nulls_distinct } => {
            refuse_deferrable(constraint)?;
            let (primary, index_only) = (false, false);
            let nulls_not_distinct = !nulls_distinct;
            let key =
                NewKey { name, columns, primary, nulls_not_distinct, index_only, include: &[] };
            add_key(draft, table, key)
        }
        ConstraintKind::Check(expression) => {
            refuse_not_valid(constraint)?;
            add_check(draft, table, name, expression)
        }
        ConstraintKind::ForeignKey(foreign) => {
            refuse_not_valid(constraint)?;
            let deferred = (constraint.deferrable, constraint.initially_deferred);
            add_foreign_key(draft, table, name, (foreign, deferred))
        }
    }
}

fn refuse_deferrable(constraint: &Constraint) -> Result<()> {
    if constraint.deferrable {
        return Err(SqlError::unsupported("deferrable unique constraints are not supported"));
    }
    Ok(())
}

fn refuse_not_valid(constraint: &Constraint) -> Result<()> {
    if constraint.not_valid {
        return Err(SqlError::unsupported("constraints that are NOT VALID are not supported")
            .with_hint("Leave NOT VALID out: the rows are checked at once."));
    }
    Ok(())
}

/// A table as it is within the statement.
fn definition<'d>(draft: &'d Draft<'_>, table: Oid) -> Result<&'d TableDef> {
    draft.table(table).ok_or_else(|| SqlError::internal("a table is not in the catalog"))
}

/// Whether rows that exist lack the column in their segments.
fn is_new_column(draft: &Draft<'_>, table: Oid, column: ColumnId) -> bool {
    draft.snapshot.tables.get(&table).is_some_and(|t| t.definition.column_by_id(column).is_none())
}

/// Adds a primary key, a unique constraint or a unique index.
pub(super) fn add_key(draft: &mut Draft<'_>, oid: Oid, key: NewKey<'_>) -> Result<()> {
    let table = definition(draft, oid)?;
    if key.primary && table.primary_key().is_some() {
        return Err(SqlError::new(
            SqlState::INVALID_TABLE_DEFINITION,
            format!("multiple primary keys for table \"{}\" are not allowed", table.name),
        ));
    }
    let columns = key_columns(table, &key)?;
    let include = index::included(table, key.include)?;
    let schema = table.schema;
    let name = match key.name {
        Some(name) => {
            if !key.index_only && table.constraint_named(name).is_some() {
                return Err(refuse::duplicate_constraint(name, &table.name));
            }
            name.to_owned()
        }
        None if key.primary => draft.choose_relation_name(schema, &table.name, None, "pkey"),
        None => {
            let label = if key.index_only { "idx" } else { "key" };
            let part = columns_part(key.columns);
            draft.choose_relation_name(schema, &table.name, Some(&part), label)
        }
    };
    let constraint = draft.edit.oid();
    draft.claim_relation(schema, &name, constraint)?;
    let mut was_nullable = Vec::new();
    let (mut known, mut constant) = (true, true);
    for id in &columns {
        known &= !is_new_column(draft, oid, *id);
    }
    let table = draft.table_mut(oid)?;
    for column in table.columns.iter_mut().filter(|column| columns.contains(&column.id)) {
        constant &= column.missing.is_some();
        if key.primary && !column.not_null {
            column.not_null = true;
            was_nullable.push(column.id);
        }
    }
    table.keys.push(KeyDef {
        oid: constraint,
        name: name.clone(),
        columns,
        primary: key.primary,
        nulls_not_distinct: key.nulls_not_distinct,
        index_only: key.index_only,
        include,
    });
    draft.touch(oid)?;
    if draft.is_new(oid) || draft.is_empty(oid) {
        return Ok(());
    }
    for column in was_nullable {
        require_no_nulls(draft, oid, column)?;
    }
    if known {
        draft.demand_unique(oid, &name);
    } else if constant || key.nulls_not_distinct {
        return Err(SqlError::unsupported("a key on a new column of a table that has rows")
            .with_hint("Add the column first, and then the key."));
    }
    Ok(())
}

/// Rows that exist must have no NULL in a column.
pub(super) fn require_no_nulls(draft: &mut Draft<'_>, oid: Oid, column: ColumnId) -> Result<()> {
    if draft.is_new(oid) || draft.is_empty(oid) {
        return Ok(());
    }
    if !is_new_column(draft, oid, column) {
        draft.effects.push(Effect::NotNull(oid, column));
        return Ok(());
    }
    let table = definition(draft, oid)?;
    match table.column_by_id(column) {
        Some(column) if column.missing.is_none() => Err(SqlError::new(
            SqlState::NOT_NULL_VIOLATION,
            format!(
                "column \"{}\" of relation \"{}\" contains null values",
                column.name, table.name
            ),
        )
        .with_column(&column.name)),
        Some(_) | None => Ok(()),
    }
}

fn key_columns(table: &TableDef, key: &NewKey<'_>) -> Result<Vec<ColumnId>> {
    let mut columns = Vec::with_capacity(key.columns.len());
    for name in key.columns {
        let column = table.column(name).ok_or_else(|| {
            let message = if key.index_only {
                format!("column \"{name}\" does not exist")
            } else {
                format!("column \"{name}\" named in key does not exist")
            };
            SqlError::new(SqlState::UNDEFINED_COLUMN, message)
        })?;
        if columns.contains(&column.id) && !key.index_only {
            let kind = if key.primary { "primary key" } else { "unique" };
            return Err(SqlError::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{name}\" appears twice in {kind} constraint"),
            ));
        }
        if column.ty.pg_type() == PgType::Json {
            return Err(SqlError::new(
                SqlState::UNDEFINED_OBJECT,
                "data type json has no default operator class for access method \"btree\"",
            )
            .with_hint(
                "You must specify an operator class for the index or define a default operator \
                 class for the data type.",
            ));
        }
        columns.push(column.id);
    }
    Ok(columns)
}

fn add_check(
    draft: &mut Draft<'_>,
    oid: Oid,
    name: Option<&str>,
    expression: &Expression,
) -> Result<()> {
    let table = definition(draft, oid)?;
    let mut used: Vec<(ColumnId, String)> = Vec::new();
    for mention in mentions(&expression.text) {
        if let Some(column) = table.column(&mention.name)
            && !used.iter().any(|(id, _)| *id == column.id)
        {
            used.push((column.id, column.name.clone()));
        }
    }
    let name = match name {
        Some(name) if table.constraint_named(name).is_some() => {
            return Err(refuse::duplicate_constraint(name, &table.name));
        }
        Some(name) => name.to_owned(),
        None => {
            let only = (used.len() == 1).then(|| used[0].1.as_str());
            draft.choose_constraint_name(table.schema, &table.name, only, "check")
        }
    };
    let check = draft.edit.oid();
    let expression = expression.text.clone();
    draft.table_mut(oid)?.checks.push(CheckDef { oid: check, name: name.clone(), expression });
    draft.touch(oid)?;
    if !draft.is_new(oid) && !draft.is_empty(oid) {
        demand_check(draft, oid, &name, &used)?;
    }
    Ok(())
}

/// Rows that exist have one and the same value in a column that is new: the check is made with
/// that value in its place.
fn demand_check(
    draft: &mut Draft<'_>,
    oid: Oid,
    name: &str,
    used: &[(ColumnId, String)],
) -> Result<()> {
    if !used.iter().any(|(id, _)| is_new_column(draft, oid, *id)) {
        draft.demand_check(oid, name);
        return Ok(());
    }
    let mut table = definition(draft, oid)?.clone();
    for (id, column) in used {
        if !is_new_column(draft, oid, *id) {
            continue;
        }
        let Some(definition) = table.column_by_id(*id) else { continue };
        let value = definition
            .missing
            .as_ref()
            .map_or("NULL".to_owned(), |text| format!("'{}'", text.replace('\'', "''")));
        let value = format!("CAST({value} AS {})", definition.ty.pg_type().to_sql());
        for check in table.checks.iter_mut().filter(|check| check.name == name) {
            check.expression = replace_column(&check.expression, column, &value);
        }
    }
    draft.effects.push(Effect::Check(std::sync::Arc::new(table), name.to_owned()));
    Ok(())
}

fn invalid_foreign_key(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::INVALID_FOREIGN_KEY, message)
}

/// The action with its columns, which are of the key.
fn referential_action(
    action: &ReferentialAction,
    table: &TableDef,
    key: &[ColumnId],
) -> Result<ReferentialActionDef> {
    let chosen = |names: &[String]| {
        if names.is_empty() {
            return Ok(key.to_vec());
        }
        let mut columns = Vec::with_capacity(names.len());
        for name in names {
            let column = referenced_column(table, name)?;
            if !key.contains(&column) {
                return Err(SqlError::new(
                    SqlState::INVALID_COLUMN_REFERENCE,
                    format!(
                        "column \"{name}\" referenced in ON DELETE SET action must be part of \
                         foreign key"
                    ),
                ));
            }
            columns.push(column);
        }
        Ok(columns)
    };
    Ok(match action {
        ReferentialAction::NoAction => ReferentialActionDef::NoAction,
        ReferentialAction::Restrict => ReferentialActionDef::Restrict,
        ReferentialAction::Cascade => ReferentialActionDef::Cascade,
        ReferentialAction::SetNull(names) => ReferentialActionDef::SetNull(chosen(names)?),
        ReferentialAction::SetDefault(names) => ReferentialActionDef::SetDefault(chosen(names)?),
    })
}

fn refuse_forms(foreign: &ForeignKey) -> Result<()> {
    if foreign.matching == MatchKind::Full && foreign.columns.len() > 1 {
        return Err(SqlError::unsupported("MATCH FULL is not supported"));
    }
    if let ReferentialAction::SetNull(names) | ReferentialAction::SetDefault(names) =
        &foreign.on_update
        && !names.is_empty()
    {
        let message = "a column list with SET NULL is only supported for ON DELETE actions";
        return Err(SqlError::unsupported(message));
    }
    Ok(())
}

fn add_foreign_key(
    draft: &mut Draft<'_>,
    oid: Oid,
    name: Option<&str>,
    (foreign, (deferrable, initially_deferred)): (&ForeignKey, (bool, bool)),
) -> Result<()> {
    refuse_forms(foreign)?;
    let table = definition(draft, oid)?;
    let parent_oid = find_parent(draft, table, foreign)?;
    let parent = definition(draft, parent_oid)?;
    let mut columns = Vec::with_capacity(foreign.columns.len());
    for name in &foreign.columns {
        columns.push(referenced_column(table, name)?);
    }
    let referenced = if foreign.referenced.is_empty() {
        let key = parent.primary_key().ok_or_else(|| {
            SqlError::new(
                SqlState::UNDEFINED_OBJECT,
                format!("there is no primary key for referenced table \"{}\"", parent.name),
            )
        })?;
        key.columns.clone()
    } else {
        let mut referenced = Vec::with_capacity(foreign.referenced.len());
        for name in &foreign.referenced {
            referenced.push(referenced_column(parent, name)?);
        }
        referenced
    };
    let of_parent = draft.table(parent_oid).map_or(table.schema, |parent| parent.schema);
    match (draft.is_temporary(table.schema), draft.is_temporary(of_parent)) {
        (true, false) => Err("constraints on temporary tables may reference only temporary tables"),
        (false, true) => Err("constraints on permanent tables may reference only permanent tables"),
        _ => Ok(()),
    }
    .map_err(|message| SqlError::new(SqlState::INVALID_TABLE_DEFINITION, message))?;
    draft.must_reference(parent_oid, &referenced)?;
    if columns.len() != referenced.len() {
        return Err(invalid_foreign_key(
            "number of referencing and referenced columns for foreign key disagree",
        ));
    }
    let matches_key = parent.keys.iter().any(|key| {
        key.columns.len() == referenced.len()
            && key.columns.iter().all(|column| referenced.contains(column))
    });
    if !matches_key {
        return Err(invalid_foreign_key(format!(
            "there is no unique constraint matching given keys for referenced table \"{}\"",
            parent.name
        )));
    }
    let name = match name {
        Some(name) if table.constraint_named(name).is_some() => {
            return Err(refuse::duplicate_constraint(name, &table.name));
        }
        Some(name) => name.to_owned(),
        None => {
            let part = columns_part(&foreign.columns);
            draft.choose_constraint_name(table.schema, &table.name, Some(&part), "fkey")
        }
    };
    for (child, referenced) in columns.iter().zip(&referenced) {
        require_comparable(&name, (table, *child), (parent, *referenced))?;
    }
    let on_delete = referential_action(&foreign.on_delete, table, &columns)?;
    let on_update = referential_action(&foreign.on_update, table, &columns)?;
    let constraint = draft.edit.oid();
    let definition = ForeignKeyDef {
        oid: constraint,
        name: name.clone(),
        columns: columns.clone(),
        table: parent_oid,
        referenced,
        on_delete,
        on_update,
        deferrable,
        initially_deferred,
    };
    draft.table_mut(oid)?.foreign_keys.push(definition);
    draft.touch(oid)?;
    // Whoever deletes from the parent must learn that there are children now.
    draft.touch(parent_oid)?;
    if draft.is_new(oid) || draft.is_empty(oid) {
        return Ok(());
    }
    if !columns.iter().any(|column| is_new_column(draft, oid, *column)) {
        draft.demand_foreign_key(oid, &name);
        return Ok(());
    }
    let nullable = |id: &ColumnId| {
        let column = draft.table(oid).and_then(|table| table.column_by_id(*id));
        column.is_some_and(|c| c.missing.is_none()) && is_new_column(draft, oid, *id)
    };
    if columns.iter().any(nullable) {
        return Ok(());
    }
    Err(SqlError::unsupported("a foreign key on a new column with a default of a table with rows")
        .with_hint("Add the column first, and then the foreign key."))
}

fn find_parent(draft: &Draft<'_>, table: &TableDef, foreign: &ForeignKey) -> Result<Oid> {
    let own_schema = draft.snapshot.schema_name(table.schema);
    let name = &foreign.table;
    if name.name == table.name && name.schema.as_deref().is_none_or(|schema| schema == own_schema) {
        return Ok(table.oid);
    }
    match draft.find(name) {
        Some(Relation::Table(oid)) if draft.kind_of(Relation::Table(oid)) == "table" => Ok(oid),
        Some(_) => Err(SqlError::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("referenced relation \"{}\" is not a table", name.name),
        )),
        None => Err(refuse::no_relation(name)),
    }
}

fn referenced_column(table: &TableDef, name: &str) -> Result<ColumnId> {
    table.column(name).map(|column| column.id).ok_or_else(|| {
        SqlError::new(
            SqlState::UNDEFINED_COLUMN,
            format!("column \"{name}\" referenced in foreign key constraint does not exist"),
        )
    })
}

fn require_comparable(
    name: &str,
    (child, child_column): (&TableDef, ColumnId),
    (parent, parent_column): (&TableDef, ColumnId),
) -> Result<()> {
    let (Some(child), Some(parent)) =
        (child.column_by_id(child_column), parent.column_by_id(parent_column))
    else {
        return Ok(());
    };
    let (from, to) = (child.ty.pg_type(), parent.ty.pg_type());
    let exact =
        |ty: &PgType| matches!(ty, PgType::Int2 | PgType::Int4 | PgType::Int8 | PgType::Numeric(_));
    let comparable = from.bare() == to.bare()
        || (exact(&from) && exact(&to))
        || (from.is_string() && to.is_string());
    if comparable {
        return Ok(());
    }
    Err(SqlError::new(
        SqlState::DATATYPE_MISMATCH,
        format!("foreign key constraint {} cannot be implemented", quoted(name)),
    )
    .with_detail(format!(
        "Key columns \"{}\" and \"{}\" are of incompatible types: {} and {}.",
        child.name,
        parent.name,
        from.sql_name(),
        to.sql_name()
    )))
}

fn quoted(name: &str) -> String {
    let quoted = quote_identifier(name);
    if quoted.starts_with('"') { quoted } else { format!("\"{name}\"") }
}

//! CREATE TABLE, with LIKE.

use crate::base::{ColumnId, Oid, Result, SqlError, SqlState};
use crate::catalog::{ColumnDef, Comments, Relation, TableDef};
use crate::plan::Name;
use crate::plan::statement::{
    Constraint, ConstraintKind, CreateTable, LikeTable, OnCommit, Persistence, SequenceOptions,
    StorageOption, TableElement,
};

use super::column;
use super::constraint::{self, NewKey};
use super::draft::{Draft, NameKind};
use super::sequence;
use super::{Effect, refuse};

/// CREATE TABLE.
pub(super) fn create(draft: &mut Draft<'_>, statement: &CreateTable) -> Result<()> {
    let start = begin(
        draft,
        &statement.name,
        statement.if_not_exists,
        statement.persistence,
        statement.on_commit,
    )?;
    let Some(mut table) = start else { return Ok(()) };
    check_options(&statement.options)?;
    let mut likes = Vec::new();
    let mut constraints: Vec<&Constraint> = Vec::new();
    for element in &statement.elements {
        match element {
            TableElement::Column(definition) => {
                check_free(&table, &definition.name)?;
                let made = column::make(draft, &mut table, definition)?;
                table.columns.push(made);
                constraints.extend(&definition.constraints);
            }
            TableElement::Constraint(constraint) => constraints.push(constraint),
            TableElement::Like(like) => {
                let source = copy_columns(draft, &mut table, like)?;
                likes.push((like, source));
            }
        }
    }
    let oid = table.oid;
    column::check_generated(draft, &table)?;
    draft.add_table(table);
    for (like, source) in &likes {
        copy_constraints(draft, oid, like, source)?;
    }
    // In PostgreSQL's order, which decides about names: CHECK, keys, foreign keys.
    constraints.sort_by_key(|constraint| match constraint.kind {
        ConstraintKind::Check(_) => 0,
        ConstraintKind::PrimaryKey { .. } => 1,
        ConstraintKind::Unique { .. } => 2,
        ConstraintKind::ForeignKey(_) => 3,
    });
    for constraint in constraints {
        constraint::add(draft, oid, constraint)?;
    }
    Ok(())
}

/// An empty definition with its name claimed; none where `IF NOT EXISTS` found one.
pub(super) fn begin(
    draft: &mut Draft<'_>,
    name: &Name,
    if_not_exists: bool,
    persistence: Persistence,
    on_commit: OnCommit,
) -> Result<Option<TableDef>> {
    let schema = draft.schema_for(name, persistence)?;
    if on_commit != OnCommit::PreserveRows && !draft.is_temporary(schema) {
        return Err(SqlError::new(
            SqlState::INVALID_TABLE_DEFINITION,
            "ON COMMIT can only be used on temporary tables",
        ));
    }
    let name = &name.name;
    if if_not_exists && draft.holder(NameKind::Relation, schema, name).is_some() {
        draft.notice(
            SqlState::DUPLICATE_TABLE,
            format!("relation \"{name}\" already exists, skipping"),
        );
        return Ok(None);
    }
    let oid = draft.edit.oid();
    draft.claim_relation(schema, name, oid)?;
    if on_commit == OnCommit::Drop {
        draft.effects.push(Effect::DropAtEnd(oid));
    }
    Ok(Some(TableDef {
        oid,
        schema,
        name: name.clone(),
        owner: draft.context.role,
        columns: Vec::new(),
        next_column: ColumnId(1),
        keys: Vec::new(),
        indexes: Vec::new(),
        checks: Vec::new(),
        foreign_keys: Vec::new(),
        comment: None,
        comments: Comments::default(),
        row_security: false,
        force_row_security: false,
        unchecked: false,
        policies: Vec::new(),
        materialized: None,
        deletes_on_commit: on_commit != OnCommit::PreserveRows,
    }))
}

/// 42701 where a column of that name was written before.
pub(super) fn check_free(table: &TableDef, column: &str) -> Result<()> {
    if table.column(column).is_some() {
        return Err(SqlError::new(
            SqlState::DUPLICATE_COLUMN,
            format!("column \"{column}\" specified more than once"),
        ));
    }
    Ok(())
}

/// `WITH (..)`: PostgreSQL's storage parameters have nothing to tell here, others are errors.
pub(super) fn check_options(options: &[StorageOption]) -> Result<()> {
    for option in options {
        let name = option.name.as_str();
        let known = name == "fillfactor"
            || name == "parallel_workers"
            || name == "user_catalog_table"
            || name == "vacuum_truncate"
            || name == "vacuum_index_cleanup"
            || name == "toast_tuple_target"
            || name.starts_with("autovacuum_")
            || name.starts_with("toast.")
            || (name == "oids" && option.value.as_deref() == Some("false"));
        if !known {
            return Err(refuse::invalid(format!("unrecognized parameter \"{name}\"")));
        }
    }
    Ok(())
}

fn copy_columns(draft: &mut Draft<'_>, table: &mut TableDef, like: &LikeTable) -> Result<TableDef> {
    let source = match draft.find(&like.table) {
        Some(Relation::Table(oid)) => draft.table(oid).cloned(),
        Some(_) => {
            let message = format!("relation \"{}\" is invalid in LIKE clause", like.table.name);
            return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        None => None,
    };
    let source = source.ok_or_else(|| refuse::no_relation(&like.table))?;
    for original in &source.columns {
        check_free(table, &original.name)?;
        let id = table.next_column;
        table.next_column = ColumnId(id.0 + 1);
        let mut copy = ColumnDef {
            id,
            missing: None,
            identity: None,
            comment: original.comment.clone().filter(|_| like.comments),
            default: original
                .default
                .clone()
                .filter(|_| original.generated && like.generated)
                .or_else(|| {
                    let plain = like.defaults && original.identity.is_none();
                    original.default.clone().filter(|_| plain && !original.generated)
                }),
            generated: original.generated && like.generated,
            ..original.clone()
        };
        if let Some(identity) = original.identity.as_ref().filter(|_| like.identity) {
            let old = sequence::existing(draft, identity.sequence)?;
            let options = SequenceOptions {
                increment: Some(old.increment),
                min: Some(Some(old.min)),
                max: Some(Some(old.max)),
                start: Some(old.start),
                cache: old.cache,
                cycle: Some(old.cycle),
                ..SequenceOptions::default()
            };
            let owner = (table.oid, table.name.as_str(), table.schema);
            let ty = copy.ty.pg_type();
            let made = sequence::for_column(draft, owner, (&copy.name, copy.id), &ty, &options)?;
            copy.default = Some(sequence::nextval(draft, &made));
            let always = identity.always;
            copy.identity = Some(crate::catalog::IdentityDef { always, sequence: made.oid });
        }
        table.columns.push(copy);
    }
    Ok(source)
}

fn copy_constraints(
    draft: &mut Draft<'_>,
    oid: Oid,
    like: &LikeTable,
    source: &TableDef,
) -> Result<()> {
    if like.constraints {
        for check in &source.checks {
            let number = draft.edit.oid();
            let copy = crate::catalog::CheckDef { oid: number, ..check.clone() };
            let table = draft.table_mut(oid)?;
            if table.checks.iter().any(|other| other.name == copy.name) {
                return Err(refuse::duplicate_constraint(&copy.name, &table.name));
            }
            table.checks.push(copy);
        }
    }
    if like.indexes {
        for key in &source.keys {
            let names = |ids: &[ColumnId]| -> Vec<String> {
                let columns = ids.iter().filter_map(|id| source.column_by_id(*id));
                columns.map(|column| column.name.clone()).collect()
            };
            let (columns, include) = (names(&key.columns), names(&key.include));
            let copy = NewKey {
                name: None,
                columns: &columns,
                include: &include,
                primary: key.primary,
                nulls_not_distinct: key.nulls_not_distinct,
                index_only: key.index_only,
            };
            constraint::add_key(draft, oid, copy)?;
        }
        for index in &source.indexes {
            super::index::copy(draft, oid, source, index)?;
        }
    }
    Ok(())
}

//! COMMENT ON: kept for relations, their columns and constraints, schemas, types and functions; checked and
//! accepted for the rest.

use crate::base::{ColumnId, Result, SqlError, SqlState};
use crate::catalog::{Commented, Relation};
use crate::plan::Name;
use crate::plan::statement::{Comment, CommentTarget, ObjectKind};

use super::alter_column;
use super::draft::Draft;
use super::function;
use super::refuse;
use super::user_type;

/// COMMENT ON.
pub(super) fn run(draft: &mut Draft<'_>, statement: &Comment) -> Result<()> {
    let text = statement.text.clone().filter(|text| !text.is_empty());
    match &statement.target {
        CommentTarget::Object(kind, name) => on_object(draft, *kind, name, text),
        CommentTarget::Function(name) => function::comment(draft, name, text),
        CommentTarget::Column(table, column) => on_column(draft, table, column, text),
        CommentTarget::Constraint(constraint, table) => {
            let Relation::Table(oid) = require(draft, table)? else {
                return Err(refuse::wrong_kind(&table.name, "table"));
            };
            let found = draft.table(oid).and_then(|table| table.constraint_named(constraint));
            let Some(found) = found else {
                let message =
                    format!("constraint \"{constraint}\" for table \"{table}\" does not exist");
                return Err(SqlError::new(SqlState::UNDEFINED_OBJECT, message));
            };
            let table = draft.table_mut(oid)?;
            let (owner, name) = (table.owner, table.name.clone());
            table.comments.set(Commented::Constraint(found), text);
            draft.must_own(owner, "table", &name)
        }
        CommentTarget::Database(_) => not_kept(draft, "databases"),
        CommentTarget::Role(role) => {
            draft.snapshot.require_role(role)?;
            not_kept(draft, "roles")
        }
    }
}

fn require(draft: &Draft<'_>, name: &Name) -> Result<Relation> {
    draft.find(name).ok_or_else(|| refuse::no_relation(name))
}

fn on_column(
    draft: &mut Draft<'_>,
    relation: &Name,
    column: &str,
    text: Option<String>,
) -> Result<()> {
    match require(draft, relation)? {
        Relation::Table(oid) => {
            let table = draft.table_mut(oid)?;
            let (owner, name) = (table.owner, table.name.clone());
            alter_column::find(table, column)?.comment = text;
            draft.must_own(owner, "table", &name)
        }
        Relation::View(oid) => {
            let view = draft.view(oid).cloned();
            let mut view = view.ok_or_else(|| refuse::no_relation(relation))?;
            draft.must_own(view.owner, "view", &view.name)?;
            let number = (1..).zip(&view.columns).find(|(_, (name, _))| name == column);
            let Some((number, _)) = number else {
                return Err(refuse::no_column(column, &view.name));
            };
            view.comments.set(Commented::Column(ColumnId(number)), text);
            draft.put_view(view);
            Ok(())
        }
        _ => Err(refuse::wrong_kind(&relation.name, "table")),
    }
}

fn on_object(
    draft: &mut Draft<'_>,
    kind: ObjectKind,
    name: &Name,
    text: Option<String>,
) -> Result<()> {
    match kind {
        ObjectKind::Table
        | ObjectKind::View
        | ObjectKind::MaterializedView
        | ObjectKind::Sequence
        | ObjectKind::Index => {}
        ObjectKind::Schema => {
            let mut schema = (**draft.snapshot.require_schema(&name.name)?).clone();
            draft.must_own(schema.owner, "schema", &schema.name)?;
            schema.comments.set(Commented::Itself, text);
            return draft.edit.put(draft.context.keys.schema(schema.oid), &schema);
        }
        ObjectKind::Extension => return not_kept(draft, "extensions"),
        ObjectKind::Type | ObjectKind::Domain => return user_type::comment(draft, name, text),
    }
    let relation = require(draft, name)?;
    if draft.kind_of(relation) != kind.as_str() {
        return Err(refuse::wrong_kind(&name.name, kind.as_str()));
    }
    let gone = || refuse::no_relation(name);
    match relation {
        Relation::Table(oid) => {
            let table = draft.table_mut(oid)?;
            let (owner, own_name) = (table.owner, table.name.clone());
            table.comment = text;
            draft.must_own(owner, kind.as_str(), &own_name)
        }
        Relation::Index { table, key } => {
            let table = draft.table_mut(table)?;
            let owner = table.owner;
            table.comments.set(Commented::Index(key), text);
            draft.must_own(owner, "index", &name.name)
        }
        Relation::View(oid) => {
            let mut view = draft.view(oid).cloned().ok_or_else(gone)?;
            draft.must_own(view.owner, "view", &view.name)?;
            view.comments.set(Commented::Itself, text);
            draft.put_view(view);
            Ok(())
        }
        Relation::Sequence(oid) => {
            let mut sequence = draft.sequence(oid).cloned().ok_or_else(gone)?;
            draft.must_own(sequence.owner, "sequence", &sequence.name)?;
            sequence.comments.set(Commented::Itself, text);
            draft.put_sequence(sequence);
            Ok(())
        }
    }
}

fn not_kept(draft: &mut Draft<'_>, what: &str) -> Result<()> {
    let message = format!("comments on {what} are not kept");
    draft.warning(SqlState::WARNING, message);
    Ok(())
}

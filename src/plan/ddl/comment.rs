//! COMMENT ON: kept for tables and columns, checked and accepted for the rest.

use crate::base::{Result, SqlError, SqlState};
use crate::catalog::Relation;
use crate::plan::Name;
use crate::plan::statement::{Comment, CommentTarget, ObjectKind};

use super::alter_column;
use super::constraint::constraint_named;
use super::draft::Draft;
use super::refuse;
use super::user_type;

/// COMMENT ON.
pub(super) fn run(draft: &mut Draft<'_>, statement: &Comment) -> Result<()> {
    let text = statement.text.clone().filter(|text| !text.is_empty());
    match &statement.target {
        CommentTarget::Object(kind, name) => on_object(draft, *kind, name, text),
        CommentTarget::Column(table, column) => {
            let oid = match require(draft, table)? {
                Relation::Table(oid) => oid,
                Relation::View(_) => return not_kept(draft, "columns of views"),
                _ => return Err(refuse::wrong_kind(&table.name, "table")),
            };
            let table = draft.table_mut(oid)?;
            let (owner, name) = (table.owner, table.name.clone());
            alter_column::find(table, column)?.comment = text;
            draft.must_own(owner, "table", &name)
        }
        CommentTarget::Constraint(constraint, table) => {
            let Relation::Table(oid) = require(draft, table)? else {
                return Err(refuse::wrong_kind(&table.name, "table"));
            };
            let known = draft.table(oid).is_some_and(|table| constraint_named(table, constraint));
            if !known {
                let message =
                    format!("constraint \"{constraint}\" for table \"{table}\" does not exist");
                return Err(SqlError::new(SqlState::UNDEFINED_OBJECT, message));
            }
            not_kept(draft, "constraints")
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
            draft.snapshot.require_schema(&name.name)?;
            return not_kept(draft, "schemas");
        }
        ObjectKind::Extension => return not_kept(draft, "extensions"),
        ObjectKind::Type | ObjectKind::Domain => return user_type::comment(draft, name, text),
        ObjectKind::Function => {
            let message = format!("{} \"{name}\" does not exist", kind.as_str());
            return Err(SqlError::new(SqlState::UNDEFINED_OBJECT, message));
        }
    }
    let relation = require(draft, name)?;
    if draft.kind_of(relation) != kind.as_str() {
        return Err(refuse::wrong_kind(&name.name, kind.as_str()));
    }
    let Relation::Table(oid) = relation else {
        return not_kept(draft, &format!("{}s", relation.kind()));
    };
    let table = draft.table_mut(oid)?;
    let (owner, own_name) = (table.owner, table.name.clone());
    table.comment = text;
    draft.must_own(owner, "table", &own_name)
}

fn not_kept(draft: &mut Draft<'_>, what: &str) -> Result<()> {
    let message = format!("comments on {what} are not kept");
    draft.warning(SqlState::WARNING, message);
    Ok(())
}

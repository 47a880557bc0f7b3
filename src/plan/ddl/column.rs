//! Columns, of CREATE TABLE and of ADD COLUMN.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Ident, visit_expressions};

use crate::base::limits::TABLE_COLUMNS_MAX;
use crate::base::{ColumnId, Oid, Result, SqlError, SqlState};
use crate::catalog::{ColumnDef, IdentityDef, TableDef};
use crate::plan::query::is_session_word;
use crate::plan::statement::{ColumnDefinition, Expression, Generated, Identity, SequenceOptions};
use crate::types::PgType;

use super::draft::Draft;
use super::sequence;
use super::text::mentions;

/// Columns that PostgreSQL's tables have by themselves.
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "cmax", "xmax", "cmin", "xmin", "ctid"];

/// The next column of a table, with its sequence where it has one. The caller has looked
/// whether the name is free.
pub(super) fn make(
    draft: &mut Draft<'_>,
    table: &mut TableDef,
    column: &ColumnDefinition,
) -> Result<ColumnDef> {
    let name = &column.name;
    check_name(name)?;
    let definition = draft.type_def(&column.ty)?;
    let ty = definition.pg_type();
    check_type(name, &ty)?;
    if table.columns.len() >= TABLE_COLUMNS_MAX {
        let message = format!("tables can have at most {TABLE_COLUMNS_MAX} columns");
        return Err(SqlError::new(SqlState::TOO_MANY_COLUMNS, message));
    }
    let id = table.next_column;
    table.next_column = ColumnId(id.0 + 1);
    let mut made = ColumnDef {
        id,
        name: name.clone(),
        ty: definition,
        not_null: column.not_null,
        default: None,
        generated: false,
        identity: None,
        missing: None,
        comment: None,
    };
    if let Some(expression) = &column.generated {
        let other = match (&column.default, &column.identity) {
            (Some(_), _) => Some("default"),
            (None, Some(_)) => Some("identity"),
            (None, None) => column.serial.map(|_| "default"),
        };
        if let Some(other) = other {
            let message = format!(
                "both {other} and generation expression specified for column \"{name}\" of table \
                 \"{}\"",
                table.name
            );
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
        }
        made.default = Some(expression.text.clone());
        made.generated = true;
    }
    if let Some(default) = &column.default {
        if column.serial.is_some() || column.identity.is_some() {
            return Err(two_defaults(name, &table.name, column.serial.is_some()));
        }
        check_default(default)?;
        made.default = Some(default.text.clone());
    }
    if column.serial.is_some() {
        if column.identity.is_some() {
            let message = format!(
                "both default and identity specified for column \"{name}\" of table \"{}\"",
                table.name
            );
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
        }
        let options = SequenceOptions::default();
        let owner = (table.oid, table.name.as_str(), table.schema);
        let made_for = sequence::for_column(draft, owner, (name, id), &ty, &options)?;
        made.default = Some(sequence::nextval(draft, &made_for));
        made.not_null = true;
    }
    if let Some(identity) = &column.identity {
        add_identity(draft, (table.oid, &table.name, table.schema), &mut made, identity)?;
    }
    Ok(made)
}

/// Makes a column an identity column.
pub(super) fn add_identity(
    draft: &mut Draft<'_>,
    table: (Oid, &str, Oid),
    column: &mut ColumnDef,
    identity: &Identity,
) -> Result<()> {
    let ty = column.ty.pg_type();
    if !matches!(ty, PgType::Int2 | PgType::Int4 | PgType::Int8) {
        let message = "identity column type must be smallint, integer, or bigint";
        return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    let made_for =
        sequence::for_column(draft, table, (&column.name, column.id), &ty, &identity.options)?;
    column.default = Some(sequence::nextval(draft, &made_for));
    column.not_null = true;
    column.identity = Some(IdentityDef {
        always: identity.generated == Generated::Always,
        sequence: made_for.oid,
    });
    Ok(())
}

/// A default may not read columns.
pub(super) fn check_default(default: &Expression) -> Result<()> {
    let refuse = |what: &str, ident: Option<&Ident>| {
        let error = SqlError::unsupported(format!("cannot use {what} in DEFAULT expression"));
        let place = ident.map_or(0, |ident| usize::try_from(ident.span.start.column).unwrap_or(0));
        ControlFlow::Break(if place > 0 { error.with_position(place) } else { error })
    };
    let refused = visit_expressions(default.ast.as_ref(), |expr| match expr {
        Expr::Identifier(word) if is_session_word(word) => ControlFlow::Continue(()),
        Expr::Identifier(word) => refuse("column reference", Some(word)),
        Expr::CompoundIdentifier(words) => refuse("column reference", words.first()),
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => {
            refuse("subquery", None)
        }
        _ => ControlFlow::Continue(()),
    });
    refused.break_value().map_or(Ok(()), Err)
}

/// What a generated column is computed from: the other columns of its row, and nothing that
/// changes.
pub(super) fn check_generated(draft: &Draft<'_>, table: &TableDef) -> Result<()> {
    const CHANGING: [&str; 10] = [
        "now(",
        "random(",
        "nextval(",
        "clock_timestamp(",
        "gen_random_uuid(",
        "current_timestamp",
        "current_date",
        "current_user",
        "localtimestamp",
        "statement_timestamp(",
    ];
    let invalid = |message: String| SqlError::new(SqlState::INVALID_OBJECT_DEFINITION, message);
    for column in table.generated() {
        let text = column.default.as_deref().unwrap_or_default();
        let lower = text.to_lowercase();
        if CHANGING.iter().any(|changing| lower.contains(changing)) {
            return Err(invalid("generation expression is not immutable".to_owned()));
        }
        for mention in mentions(text) {
            if table.column(&mention.name).is_some_and(|mentioned| mentioned.generated) {
                let message = format!(
                    "cannot use generated column \"{}\" in column generation expression",
                    mention.name
                );
                let detail = "A generated column cannot reference another generated column.";
                return Err(invalid(message).with_detail(detail));
            }
        }
        // A query over a row of such columns tells what else is wrong.
        let Some(query_facts) = draft.context.query_facts else { continue };
        let written = table.columns.iter().filter(|column| !column.generated);
        let columns: Vec<String> = written
            .map(|column| {
                let ty = column.ty.pg_type().to_sql();
                format!("CAST(NULL AS {ty}) AS {}", crate::plan::quote_identifier(&column.name))
            })
            .collect();
        let name = crate::plan::quote_identifier(&table.name);
        let from = format!("SELECT {}", columns.join(", "));
        query_facts(&crate::plan::parse_query(&format!(
            "SELECT ({text}) FROM ({from}) AS {name}"
        ))?)?;
    }
    Ok(())
}

fn two_defaults(column: &str, table: &str, serial: bool) -> SqlError {
    let message = if serial {
        format!("multiple default values specified for column \"{column}\" of table \"{table}\"")
    } else {
        format!("both default and identity specified for column \"{column}\" of table \"{table}\"")
    };
    SqlError::new(SqlState::SYNTAX_ERROR, message)
}

/// 42701 for the names of PostgreSQL's system columns.
pub(super) fn check_name(name: &str) -> Result<()> {
    if SYSTEM_COLUMNS.contains(&name) {
        return Err(SqlError::new(
            SqlState::DUPLICATE_COLUMN,
            format!("column name \"{name}\" conflicts with a system column name"),
        ));
    }
    Ok(())
}

/// 42P16 for types that no column can have.
pub(super) fn check_type(column: &str, ty: &PgType) -> Result<()> {
    if matches!(ty, PgType::Unknown | PgType::Void | PgType::Record) {
        return Err(SqlError::new(
            SqlState::INVALID_TABLE_DEFINITION,
            format!("column \"{column}\" has pseudo-type {}", ty.name()),
        ));
    }
    Ok(())
}

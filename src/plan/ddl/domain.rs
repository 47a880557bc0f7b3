//! Domains: CREATE DOMAIN, ALTER DOMAIN.

use crate::base::{Oid, Result, SqlError, SqlState};
use crate::catalog::{CheckDef, DomainDef, TypeDef, UserTypeDef, UserTypeKind};
use crate::plan::statement::{AlterDomain, CreateDomain, DomainAction, Expression};
use crate::plan::{parse_query, quote_identifier};
use crate::types::PgType;

use super::Effect;
use super::draft::Draft;
use super::naming::object_name;
use super::text::replace_column;
use super::type_text;

/// How a domain's conditions call the value.
pub(in crate::plan) const VALUE: &str = "value";

/// CREATE DOMAIN.
pub(super) fn create(draft: &mut Draft<'_>, statement: &CreateDomain) -> Result<()> {
    let schema = draft.creation_schema(&statement.name)?;
    let base = draft.type_def(&statement.base)?;
    let ty = base.pg_type();
    if matches!(ty, PgType::Unknown | PgType::Void | PgType::Record) {
        let message = format!("\"{}\" is not a valid base type for a domain", ty.name());
        return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message));
    }
    let name = &statement.name.name;
    let (oid, array) = (draft.edit.oid(), draft.edit.oid());
    let mut checks = Vec::with_capacity(statement.checks.len());
    for (constraint, condition) in &statement.checks {
        let constraint = check_name(name, constraint.as_deref(), &checks)?;
        let check = check(draft, constraint, &ty, condition)?;
        checks.push(check);
    }
    let default = match &statement.default {
        Some(default) => Some(self::default(draft, default)?),
        None => None,
    };
    let domain = DomainDef { base, not_null: statement.not_null, default, checks };
    let ty = UserTypeDef {
        oid,
        array,
        schema,
        name: name.clone(),
        owner: draft.context.role,
        comment: None,
        kind: UserTypeKind::Domain(domain),
    };
    draft.claim_type(schema, name, &ty)?;
    draft.edit.put(draft.context.keys.user_type(oid), &ty)
}

/// An expression as the catalog keeps it.
fn kept(draft: &Draft<'_>, expression: &Expression) -> String {
    let path = draft.context.search_path;
    let text = &expression.text;
    type_text::definite(text, draft.snapshot, path).unwrap_or_else(|| text.clone())
}

fn default(draft: &Draft<'_>, default: &Expression) -> Result<String> {
    if let Some(query_facts) = draft.context.query_facts {
        query_facts(&parse_query(&format!("SELECT ({})", default.text))?)?;
    }
    Ok(kept(draft, default))
}

fn check_name(domain: &str, written: Option<&str>, known: &[CheckDef]) -> Result<String> {
    let taken = |name: &str| known.iter().any(|check| check.name == name);
    if let Some(name) = written {
        return match taken(name) {
            true => Err(SqlError::new(
                SqlState::DUPLICATE_OBJECT,
                format!("constraint \"{name}\" for domain \"{domain}\" already exists"),
            )),
            false => Ok(name.to_owned()),
        };
    }
    let mut name = object_name(domain, None, "check");
    let mut number = 0;
    while taken(&name) {
        number += 1;
        name = object_name(domain, None, &format!("check{number}"));
    }
    Ok(name)
}

/// A condition that can be told of a value of the type.
fn check(
    draft: &mut Draft<'_>,
    name: String,
    ty: &PgType,
    condition: &Expression,
) -> Result<CheckDef> {
    if let Some(query_facts) = draft.context.query_facts {
        let value = quote_identifier(VALUE);
        let sql = format!(
            "SELECT ({}) FROM (SELECT CAST(NULL AS {}) AS {value}) AS {value}",
            condition.text,
            ty.to_sql()
        );
        let facts = query_facts(&parse_query(&sql)?)?;
        if !facts.relations.is_empty() {
            return Err(SqlError::unsupported("cannot use subquery in check constraint"));
        }
        if let Some((_, found)) = facts.columns.first()
            && !matches!(found, PgType::Bool | PgType::Unknown)
        {
            let found = found.sql_name();
            let message = format!("argument of CHECK must be type boolean, not type {found}");
            return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message));
        }
    }
    let expression = kept(draft, condition);
    Ok(CheckDef { oid: draft.edit.oid(), name, expression })
}

/// ALTER DOMAIN.
pub(super) fn alter(draft: &mut Draft<'_>, statement: &AlterDomain) -> Result<()> {
    let mut ty = draft.own_user_type(&statement.name)?;
    let name = ty.name.clone();
    let UserTypeKind::Domain(domain) = &mut ty.kind else {
        let message = format!("\"{name}\" is not a domain");
        return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message));
    };
    match &statement.action {
        DomainAction::Default(None) => domain.default = None,
        DomainAction::Default(Some(default)) => {
            domain.default = Some(self::default(draft, default)?);
        }
        DomainAction::NotNull(not_null) => {
            if *not_null && !domain.not_null {
                demand(draft, ty.oid, |column, table| {
                    let message = format!("column \"{column}\" of table \"{table}\"");
                    let message = format!("{message} contains null values");
                    let error = SqlError::new(SqlState::NOT_NULL_VIOLATION, message);
                    (format!("{} IS NULL", quote_identifier(column)), error)
                });
            }
            domain.not_null = *not_null;
        }
        DomainAction::AddCheck { name: written, condition } => {
            let constraint = check_name(&name, written.as_deref(), &domain.checks)?;
            let base = draft.snapshot.type_of(domain.base.oid);
            let base = base.map_or(PgType::Text, |base| base.with_typmod(domain.base.modifier));
            let check = check(draft, constraint, &base, condition)?;
            let expression = check.expression.clone();
            domain.checks.push(check);
            demand(draft, ty.oid, |column, table| {
                let message = format!("column \"{column}\" of table \"{table}\"");
                let message = format!("{message} contains values that violate the new constraint");
                let error = SqlError::new(SqlState::CHECK_VIOLATION, message);
                let of_column = replace_column(&expression, VALUE, &quote_identifier(column));
                (format!("NOT ({of_column})"), error)
            });
        }
        DomainAction::DropConstraint { name: constraint, if_exists } => {
            let before = domain.checks.len();
            domain.checks.retain(|check| check.name != *constraint);
            if domain.checks.len() == before {
                let error = no_constraint(constraint, &name);
                if !if_exists {
                    return Err(error);
                }
                draft.notice(SqlState::UNDEFINED_OBJECT, format!("{error}, skipping"));
                return Ok(());
            }
        }
        DomainAction::RenameConstraint { from, to } => {
            check_name(&name, Some(to), &domain.checks)?;
            let mut checks = domain.checks.iter_mut();
            let check = checks.find(|check| check.name == *from);
            let check = check.ok_or_else(|| no_constraint(from, &name))?;
            to.clone_into(&mut check.name);
        }
        DomainAction::ValidateConstraint(constraint) => {
            if !domain.checks.iter().any(|check| check.name == *constraint) {
                return Err(no_constraint(constraint, &name));
            }
            return Ok(());
        }
    }
    draft.change_user_type(&ty)
}

fn no_constraint(constraint: &str, domain: &str) -> SqlError {
    let message = format!("constraint \"{constraint}\" of domain \"{domain}\" does not exist");
    SqlError::new(SqlState::UNDEFINED_OBJECT, message)
}

/// Rows that exist must not fulfil a condition on a column of the domain, or of one over it.
fn demand(draft: &mut Draft<'_>, domain: Oid, about: impl Fn(&str, &str) -> (String, SqlError)) {
    let over = domains_over(draft, domain);
    for oid in draft.table_oids() {
        let Some(table) = draft.table(oid).cloned() else { continue };
        for column in table.columns.iter().filter(|column| over.contains(&column.ty.oid)) {
            let (condition, error) = about(&column.name, &table.name);
            let effect = Effect::NoRow { table: oid, condition, error };
            draft.effects.push(effect);
        }
    }
}

/// A domain and those over it.
pub(super) fn domains_over(draft: &Draft<'_>, domain: Oid) -> Vec<Oid> {
    let mut over = vec![domain];
    let mut at = 0;
    while let Some(below) = over.get(at).copied() {
        let types = draft.snapshot.types.values();
        let next = types.filter(|ty| ty.domain().is_some_and(|domain| domain.base.oid == below));
        over.extend(next.map(|ty| ty.oid));
        at += 1;
    }
    over
}

/// Whether rows that are older than a column of the type must be made anew to be looked at.
pub(super) fn looks_at_rows(ty: &TypeDef) -> bool {
    ty.domain().is_some_and(|domain| domain.not_null || domain.default.is_some())
}

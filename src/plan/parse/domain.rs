//! `CREATE DOMAIN`, `ALTER DOMAIN`.

use super::cursor::Cursor;
use super::dispatch::Tagged;
use crate::base::{Result, SqlState};
use crate::plan::statement::{
    AlterDomain, AlterObject, CreateDomain, DomainAction, ObjectKind, Statement,
};

impl Cursor<'_> {
    /// What follows `CREATE`.
    pub(super) fn create_domain(&mut self) -> Result<Tagged> {
        self.expect("domain")?;
        let name = self.qualified_name()?;
        self.accept("as");
        let base = self.type_name()?;
        let (default, not_null, checks) = (None, false, Vec::new());
        let mut create = CreateDomain { name, base, default, not_null, checks };
        let mut nullable = false;
        loop {
            let start = self.at;
            let constraint =
                if self.accept("constraint") { Some(self.identifier()?) } else { None };
            if self.accept_then("not", "null")? {
                create.not_null = true;
            } else if self.accept("null") {
                nullable = true;
            } else if self.accept("check") {
                create.checks.push((constraint, self.expression_in_parentheses()?));
            } else if constraint.is_some() {
                return Err(self.unexpected());
            } else if self.accept("default") {
                if create.default.is_some() {
                    let message = "multiple default expressions";
                    return Err(self.error_at(start, SqlState::SYNTAX_ERROR, message));
                }
                create.default = Some(self.default_expression()?);
            } else if self.accept("collate") {
                self.qualified_collation()?;
            } else {
                break;
            }
            if create.not_null && nullable {
                let message = "conflicting NULL/NOT NULL constraints";
                return Err(self.error_at(start, SqlState::SYNTAX_ERROR, message));
            }
        }
        Ok((Statement::CreateDomain(Box::new(create)), "CREATE DOMAIN"))
    }

    /// What follows `ALTER`.
    pub(super) fn alter_domain(&mut self) -> Result<Tagged> {
        const TAG: &str = "ALTER DOMAIN";
        self.expect("domain")?;
        let name = self.qualified_name()?;
        if let Some(action) = self.naming_action()? {
            let kind = ObjectKind::Domain;
            let alter = AlterObject { kind, name, if_exists: false, action };
            return Ok((Statement::AlterObject(alter), TAG));
        }
        let action = self.domain_action()?;
        Ok((Statement::AlterDomain(Box::new(AlterDomain { name, action })), TAG))
    }

    fn domain_action(&mut self) -> Result<DomainAction> {
        if self.accept_all("set default") {
            return Ok(DomainAction::Default(Some(self.expression()?)));
        }
        if self.accept_all("drop default") {
            return Ok(DomainAction::Default(None));
        }
        if self.accept_all("set not null") {
            return Ok(DomainAction::NotNull(true));
        }
        if self.accept_all("drop not null") {
            return Ok(DomainAction::NotNull(false));
        }
        if self.accept("add") {
            let name = if self.accept("constraint") { Some(self.identifier()?) } else { None };
            if name.is_none() && self.accept_all("not null") {
                return Ok(DomainAction::NotNull(true));
            }
            self.expect("check")?;
            let condition = self.expression_in_parentheses()?;
            if self.is_all("not valid") {
                let message = "constraints that are NOT VALID are not supported";
                return Err(self.error_at(self.at, SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            return Ok(DomainAction::AddCheck { name, condition });
        }
        if self.accept_all("drop constraint") {
            let if_exists = self.if_exists();
            let name = self.identifier()?;
            self.cascade();
            return Ok(DomainAction::DropConstraint { name, if_exists });
        }
        if self.accept_all("rename constraint") {
            let from = self.identifier()?;
            self.expect("to")?;
            return Ok(DomainAction::RenameConstraint { from, to: self.identifier()? });
        }
        if self.accept_all("validate constraint") {
            return Ok(DomainAction::ValidateConstraint(self.identifier()?));
        }
        Err(self.unexpected())
    }
}

//! Roles and databases.

use super::cursor::Cursor;
use super::dispatch::Tagged;
use super::token::Kind;
use crate::base::{Result, SqlState};
use crate::plan::statement::{
    AlterDatabase, AlterRole, AlterSetting, CreateDatabase, CreateRole, DatabaseAction,
    RoleOptions, Set, SetScope, Statement, StorageOption,
};

impl Cursor<'_> {
    /// A role's name (`RoleSpec`): `CURRENT_USER` and the like stay as they are, in lower case.
    pub(super) fn role_name(&mut self) -> Result<String> {
        let at = self.at;
        for word in ["current_user", "session_user", "current_role"] {
            if self.accept(word) {
                return Ok(word.to_owned());
            }
        }
        let quoted = self.peek().kind != Kind::Word;
        let name = self.non_reserved()?;
        if !quoted && name == "none" {
            let message = "role name \"none\" is reserved";
            return Err(self.error_at(at, SqlState::RESERVED_NAME, message));
        }
        Ok(name)
    }

    /// What follows `CREATE`.
    pub(super) fn create_role(&mut self) -> Result<Tagged> {
        let user = self.accept_any(&["role", "group", "user"]) == Some("user");
        let name = self.role_name()?;
        self.accept("with");
        let mut options = RoleOptions::default();
        while self.role_option(&mut options, true)? {}
        Ok((Statement::CreateRole(CreateRole { name, user, options }), "CREATE ROLE"))
    }

    /// One option of a role, if one comes next.
    fn role_option(&mut self, options: &mut RoleOptions, create: bool) -> Result<bool> {
        let start = self.at;
        if let Some((flag, on)) = self.role_flag(options) {
            if flag.replace(on).is_some() {
                let message = "conflicting or redundant options";
                return Err(self.error_at(start, SqlState::SYNTAX_ERROR, message));
            }
            return Ok(true);
        }
        if self.accept_all("connection limit") {
            let limit = self.integer()?;
            options.connection_limit =
                Some(i32::try_from(limit).map_err(|_| self.unexpected_at(self.at - 1))?);
        } else if self.accept("password") || self.accept_all("encrypted password") {
            let password = if self.accept("null") { None } else { Some(self.string()?) };
            if options.password.replace(password).is_some() {
                let message = "conflicting or redundant options";
                return Err(self.error_at(start, SqlState::SYNTAX_ERROR, message));
            }
        } else if self.is_all("unencrypted password") {
            let message = "UNENCRYPTED PASSWORD is no longer supported";
            return Err(self
                .error_at(start, SqlState::FEATURE_NOT_SUPPORTED, message)
                .with_hint("Remove UNENCRYPTED to store the password in encrypted form instead."));
        } else if self.accept_all("valid until") {
            options.valid_until = Some(self.string()?);
        } else if create && (self.accept_all("in role") || self.accept_all("in group")) {
            options.in_roles.extend(self.comma_separated(Self::role_name)?);
        } else if create && self.accept_any(&["role", "user"]).is_some() {
            options.members.extend(self.comma_separated(Self::role_name)?);
        } else if create && self.accept("admin") {
            options.admins.extend(self.comma_separated(Self::role_name)?);
        } else if create && self.accept("sysid") {
            self.integer()?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// `SUPERUSER`, `NOSUPERUSER` and the like.
    fn role_flag<'o>(
        &mut self,
        options: &'o mut RoleOptions,
    ) -> Option<(&'o mut Option<bool>, bool)> {
        if self.peek().kind != Kind::Word {
            return None;
        }
        let word = self.text(self.peek()).to_ascii_lowercase();
        let (name, on) = match word.strip_prefix("no") {
            Some(name) => (name, false),
            None => (word.as_str(), true),
        };
        let flag = match name {
            "superuser" => &mut options.superuser,
            "createdb" => &mut options.create_database,
            "createrole" => &mut options.create_role,
            "inherit" => &mut options.inherit,
            "login" => &mut options.login,
            "replication" => &mut options.replication,
            "bypassrls" => &mut options.bypass_row_security,
            _ => return None,
        };
        self.advance();
        Some((flag, on))
    }

    /// What follows `ALTER`.
    pub(super) fn alter_role(&mut self) -> Result<Tagged> {
        if self.accept("group") {
            return Err(self.unsupported_statement());
        }
        self.advance();
        let role = if self.accept("all") { None } else { Some(self.role_name()?) };
        let database = if self.accept_all("in database") { Some(self.identifier()?) } else { None };
        if let Some(setting) = self.alter_setting()? {
            let alter = AlterRole::Setting { role, database, setting };
            return Ok((Statement::AlterRole(alter), "ALTER ROLE"));
        }
        let (Some(role), None) = (role, database) else { return Err(self.unexpected()) };
        if self.accept_all("rename to") {
            let alter = AlterRole::Rename { role, to: self.role_name()? };
            return Ok((Statement::AlterRole(alter), "ALTER ROLE"));
        }
        self.accept("with");
        let mut options = RoleOptions::default();
        while self.role_option(&mut options, false)? {}
        Ok((Statement::AlterRole(AlterRole::Options { role, options }), "ALTER ROLE"))
    }

    /// `SET ..`, `RESET ..` of a role or database, if it comes next.
    fn alter_setting(&mut self) -> Result<Option<AlterSetting>> {
        if self.accept("set") {
            let at = self.at;
            return match self.setting(SetScope::Session)? {
                Statement::Set(set) => Ok(Some(AlterSetting::Set(set))),
                _ => Err(self.unexpected_at(at)),
            };
        }
        if self.accept("reset") {
            return Ok(Some(AlterSetting::Reset(self.reset_name()?)));
        }
        Ok(None)
    }

    /// What follows `CREATE`.
    pub(super) fn create_database(&mut self) -> Result<Tagged> {
        self.expect("database")?;
        let name = self.identifier()?;
        self.accept("with");
        let options = self.database_options()?;
        Ok((Statement::CreateDatabase(CreateDatabase { name, options }), "CREATE DATABASE"))
    }

    /// `name [=] value` without commas.
    fn database_options(&mut self) -> Result<Vec<StorageOption>> {
        let mut options = Vec::new();
        while !self.at_end() {
            let name = if self.accept_all("connection limit") {
                "connection_limit".to_owned()
            } else {
                self.label()?
            };
            self.accept_operator("=");
            let value = self.option_value()?;
            options.push(StorageOption { name, value: Some(value) });
        }
        Ok(options)
    }

    /// What follows `ALTER`.
    pub(super) fn alter_database(&mut self) -> Result<Tagged> {
        self.expect("database")?;
        let name = self.identifier()?;
        let action = if self.is_all("set tablespace") {
            return Err(self.unsupported_statement());
        } else if let Some(setting) = self.alter_setting()? {
            DatabaseAction::Setting(setting)
        } else if self.accept_all("rename to") {
            DatabaseAction::RenameTo(self.identifier()?)
        } else if self.accept_all("owner to") {
            DatabaseAction::OwnerTo(self.role_name()?)
        } else {
            self.accept("with");
            DatabaseAction::Options(self.database_options()?)
        };
        Ok((Statement::AlterDatabase(AlterDatabase { name, action }), "ALTER DATABASE"))
    }

    /// A setting's name for RESET; none: `ALL`.
    pub(super) fn reset_name(&mut self) -> Result<Option<String>> {
        if self.accept("all") {
            return Ok(None);
        }
        self.special_setting_name(true).map(Some)
    }
}

/// `SET` with a value, for callers that build one.
pub(super) fn set(
    scope: SetScope,
    name: &str,
    value: crate::plan::statement::SetValue,
) -> Statement {
    Statement::Set(Set { scope, name: name.to_owned(), value })
}

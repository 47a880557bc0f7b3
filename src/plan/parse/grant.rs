//! `GRANT`, `REVOKE`, `ALTER DEFAULT PRIVILEGES`, `REASSIGN OWNED`, `DROP OWNED`.

use super::cursor::Cursor;
use super::dispatch::Tagged;
use super::token::Symbol;
use crate::base::Result;
use crate::catalog::access::Grantable;
use crate::plan::statement::{
    DefaultPrivileges, Grant, GrantObjects, GrantPrivileges, GrantRoles, MembershipOptions,
    NamedPrivilege, Owned, Statement,
};

/// Kinds of objects whose privileges are not kept.
const NOT_KEPT: [(&str, &str); 8] = [
    ("procedure", "PROCEDURE"),
    ("language", "LANGUAGE"),
    ("type", "TYPE"),
    ("domain", "DOMAIN"),
    ("foreign", "FOREIGN DATA WRAPPER"),
    ("large", "LARGE OBJECT"),
    ("tablespace", "TABLESPACE"),
    ("parameter", "PARAMETER"),
];

impl Cursor<'_> {
    /// `GRANT ..`.
    pub(super) fn grant(&mut self) -> Result<Tagged> {
        self.expect("grant")?;
        let privileges = self.privileges()?;
        if self.accept("on") {
            let mut grant = self.on_objects(privileges, "to")?;
            grant.grant_option = self.accept_all("with grant option");
            grant.granted_by = self.granted_by()?;
            return Ok((Statement::Grant(Grant::Privileges(Box::new(grant))), "GRANT"));
        }
        let mut grant = self.of_roles(privileges, "to")?;
        grant.options = self.membership_options()?;
        grant.granted_by = self.granted_by()?;
        Ok((Statement::Grant(Grant::Roles(grant)), "GRANT ROLE"))
    }

    /// `REVOKE ..`.
    pub(super) fn revoke(&mut self) -> Result<Tagged> {
        self.expect("revoke")?;
        let grant_option = self.accept_all("grant option for");
        let mut options = MembershipOptions::default();
        if self.accept_all("admin option for") {
            options.admin = Some(false);
        } else if self.accept_all("inherit option for") {
            options.inherit = Some(false);
        } else if self.accept_all("set option for") {
            options.set = Some(false);
        }
        let privileges = self.privileges()?;
        if self.accept("on") {
            let mut grant = self.on_objects(privileges, "from")?;
            grant.grant_option = grant_option;
            grant.granted_by = self.granted_by()?;
            grant.cascade = self.cascade();
            return Ok((Statement::Revoke(Grant::Privileges(Box::new(grant))), "REVOKE"));
        }
        let mut grant = self.of_roles(privileges, "from")?;
        grant.options = options;
        grant.granted_by = self.granted_by()?;
        grant.cascade = self.cascade();
        Ok((Statement::Revoke(Grant::Roles(grant)), "REVOKE ROLE"))
    }

    /// `ALL [PRIVILEGES] [(columns)]`, or names, each with its columns: of privileges or roles.
    fn privileges(&mut self) -> Result<Vec<NamedPrivilege>> {
        if self.accept("all") {
            self.accept("privileges");
            let columns = self.optional_columns()?.unwrap_or_default();
            return Ok(vec![NamedPrivilege { name: None, columns }]);
        }
        self.comma_separated(|cursor| {
            let name = match cursor.accept_all("alter system") {
                true => "alter system".to_owned(),
                false => cursor.label()?,
            };
            let columns = cursor.optional_columns()?.unwrap_or_default();
            Ok(NamedPrivilege { name: Some(name), columns })
        })
    }

    /// What follows ON, up to the roles.
    fn on_objects(
        &mut self,
        privileges: Vec<NamedPrivilege>,
        preposition: &str,
    ) -> Result<GrantPrivileges> {
        let objects = self.grant_objects(preposition)?;
        self.expect(preposition)?;
        Ok(GrantPrivileges {
            privileges: in_capitals(privileges),
            objects,
            roles: self.grantees()?,
            grant_option: false,
            granted_by: None,
            cascade: false,
        })
    }

    fn grantees(&mut self) -> Result<Vec<String>> {
        self.comma_separated(|cursor| {
            cursor.accept("group");
            cursor.role_name()
        })
    }

    fn grant_objects(&mut self, preposition: &str) -> Result<GrantObjects> {
        if self.accept("all") {
            let kind =
                self.accept_any(&["tables", "sequences", "functions", "procedures", "routines"]);
            let Some(kind) = kind else { return Err(self.unexpected()) };
            self.expect("in schema")?;
            let schemas = self.comma_separated(Self::identifier)?;
            return Ok(match kind {
                "tables" => GrantObjects::AllIn(Grantable::Table, schemas),
                "sequences" => GrantObjects::AllIn(Grantable::Sequence, schemas),
                "procedures" => GrantObjects::NotKept("PROCEDURE"),
                _ => GrantObjects::AllIn(Grantable::Function, schemas),
            });
        }
        if self.accept("sequence") {
            return Ok(GrantObjects::Sequences(self.comma_separated(Self::qualified_name)?));
        }
        let routine = self.is("function") || self.is("routine");
        if routine && !self.is_ahead(1, preposition) {
            self.advance();
            return Ok(GrantObjects::Functions(self.comma_separated(Self::function_name)?));
        }
        if self.accept("schema") {
            return Ok(GrantObjects::Schemas(self.comma_separated(Self::identifier)?));
        }
        if self.accept("database") {
            return Ok(GrantObjects::Databases(self.comma_separated(Self::identifier)?));
        }
        let other =
            NOT_KEPT.iter().find(|(word, _)| self.is(word) && !self.is_ahead(1, preposition));
        if let Some((_, kind)) = other {
            let start = self.at;
            let mut depth = 0usize;
            while !self.at_end() && (depth > 0 || !self.is(preposition)) {
                if self.is_symbol(Symbol::LeftParen) {
                    depth += 1;
                } else if self.is_symbol(Symbol::RightParen) {
                    depth = depth.saturating_sub(1);
                }
                self.advance();
            }
            if self.at == start + 1 {
                return Err(self.unexpected());
            }
            return Ok(GrantObjects::NotKept(kind));
        }
        self.accept("table");
        Ok(GrantObjects::Tables(self.comma_separated(Self::qualified_name)?))
    }

    fn of_roles(&mut self, roles: Vec<NamedPrivilege>, preposition: &str) -> Result<GrantRoles> {
        let mut names = Vec::with_capacity(roles.len());
        for role in roles {
            match role.name {
                Some(name) if role.columns.is_empty() => names.push(name),
                _ => return Err(self.unexpected()),
            }
        }
        self.expect(preposition)?;
        Ok(GrantRoles {
            roles: names,
            members: self.comma_separated(Self::role_name)?,
            options: MembershipOptions::default(),
            granted_by: None,
            cascade: false,
        })
    }

    /// `WITH ADMIN OPTION | TRUE | FALSE, INHERIT .., SET ..`.
    fn membership_options(&mut self) -> Result<MembershipOptions> {
        let mut options = MembershipOptions::default();
        if !self.accept("with") {
            return Ok(options);
        }
        self.comma_separated(|cursor| {
            let name = cursor.accept_any(&["admin", "inherit", "set"]);
            let Some(name) = name else { return Err(cursor.unexpected()) };
            let value = cursor.accept_any(&["option", "true", "false"]);
            let Some(value) = value else { return Err(cursor.unexpected()) };
            let value = Some(value != "false");
            match name {
                "admin" => options.admin = value,
                "inherit" => options.inherit = value,
                _ => options.set = value,
            }
            Ok(())
        })?;
        Ok(options)
    }

    fn granted_by(&mut self) -> Result<Option<String>> {
        if self.accept_all("granted by") { self.role_name().map(Some) } else { Ok(None) }
    }

    /// What follows `ALTER`.
    pub(super) fn alter_default_privileges(&mut self) -> Result<Tagged> {
        self.expect("default privileges")?;
        let (mut creators, mut schemas) = (Vec::new(), Vec::new());
        loop {
            if self.accept_all("for role") || self.accept_all("for user") {
                creators.extend(self.comma_separated(Self::role_name)?);
            } else if self.accept_all("in schema") {
                schemas.extend(self.comma_separated(Self::identifier)?);
            } else {
                break;
            }
        }
        let revoke = !self.accept("grant");
        if revoke {
            self.expect("revoke")?;
        }
        let mut grant_option = revoke && self.accept_all("grant option for");
        let privileges = in_capitals(self.privileges()?);
        self.expect("on")?;
        let kinds = ["tables", "sequences", "functions", "routines", "types", "schemas"].as_slice();
        let kind = match self.accept_any(kinds) {
            Some("tables") => Grantable::Table,
            Some("sequences") => Grantable::Sequence,
            Some("functions" | "routines") => Grantable::Function,
            Some("types") => Grantable::Type,
            Some("schemas") => Grantable::Schema,
            _ => return Err(self.unexpected()),
        };
        self.expect(if revoke { "from" } else { "to" })?;
        let roles = self.grantees()?;
        let mut cascade = false;
        if revoke {
            cascade = self.cascade();
        } else {
            grant_option = self.accept_all("with grant option");
        }
        let defaults = DefaultPrivileges {
            creators,
            schemas,
            revoke,
            privileges,
            kind,
            roles,
            grant_option,
            cascade,
        };
        let grant = Statement::Grant(Grant::Defaults(Box::new(defaults)));
        Ok((grant, "ALTER DEFAULT PRIVILEGES"))
    }

    /// `REASSIGN OWNED BY roles TO role`.
    pub(super) fn reassign_owned(&mut self) -> Result<Tagged> {
        self.expect("reassign owned by")?;
        let roles = self.comma_separated(Self::role_name)?;
        self.expect("to")?;
        let to = Some(self.role_name()?);
        Ok((Statement::Owned(Owned { roles, to, cascade: false }), "REASSIGN OWNED"))
    }

    /// What follows `DROP`.
    pub(super) fn drop_owned(&mut self) -> Result<Tagged> {
        self.expect("owned by")?;
        let roles = self.comma_separated(Self::role_name)?;
        let cascade = self.cascade();
        Ok((Statement::Owned(Owned { roles, to: None, cascade }), "DROP OWNED"))
    }
}

fn in_capitals(privileges: Vec<NamedPrivilege>) -> Vec<NamedPrivilege> {
    let capitals = |privilege: NamedPrivilege| NamedPrivilege {
        name: privilege.name.map(|name| name.to_ascii_uppercase()),
        ..privilege
    };
    privileges.into_iter().map(capitals).collect()
}

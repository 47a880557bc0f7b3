//! `CREATE`, `ALTER` and `DROP POLICY`, and `ALTER TABLE .. ROW LEVEL SECURITY`.

use super::cursor::Cursor;
use super::dispatch::Tagged;
use crate::base::{Result, SqlState};
use crate::catalog::access::PolicyCommand;
use crate::plan::statement::{
    AlterPolicy, CreatePolicy, Expression, Policy, RowSecurity, Statement,
};

impl Cursor<'_> {
    /// What follows `CREATE`.
    pub(super) fn create_policy(&mut self) -> Result<Tagged> {
        self.expect("policy")?;
        let name = self.identifier()?;
        self.expect("on")?;
        let table = self.qualified_name()?;
        let mut permissive = true;
        if self.accept("as") {
            permissive = match self.accept_any(&["permissive", "restrictive"]) {
                Some(word) => word == "permissive",
                None => {
                    let message = "unrecognized row security option";
                    return Err(self.error_at(self.at, SqlState::SYNTAX_ERROR, message).with_hint(
                        "Only PERMISSIVE or RESTRICTIVE policies are supported currently.",
                    ));
                }
            };
        }
        let mut command = PolicyCommand::All;
        if self.accept("for") {
            command = match self.accept_any(&["all", "select", "insert", "update", "delete"]) {
                Some("all") => PolicyCommand::All,
                Some("select") => PolicyCommand::Select,
                Some("insert") => PolicyCommand::Insert,
                Some("update") => PolicyCommand::Update,
                Some("delete") => PolicyCommand::Delete,
                _ => return Err(self.unexpected()),
            };
        }
        let (roles, using, check) = self.policy_parts()?;
        let create = CreatePolicy { name, table, permissive, command, roles, using, check };
        Ok((Statement::Policy(Box::new(Policy::Create(create))), "CREATE POLICY"))
    }

    /// What follows `ALTER`.
    pub(super) fn alter_policy(&mut self) -> Result<Tagged> {
        self.expect("policy")?;
        let name = self.identifier()?;
        self.expect("on")?;
        let table = self.qualified_name()?;
        let rename = if self.accept_all("rename to") { Some(self.identifier()?) } else { None };
        let (roles, using, check) = match rename {
            Some(_) => (Vec::new(), None, None),
            None => self.policy_parts()?,
        };
        let alter = AlterPolicy { name, table, rename, roles, using, check };
        Ok((Statement::Policy(Box::new(Policy::Alter(alter))), "ALTER POLICY"))
    }

    /// What follows `DROP`.
    pub(super) fn drop_policy(&mut self) -> Result<Tagged> {
        self.expect("policy")?;
        let if_exists = self.if_exists();
        let name = self.identifier()?;
        self.expect("on")?;
        let table = self.qualified_name()?;
        self.cascade();
        let drop = Policy::Drop { name, table, if_exists };
        Ok((Statement::Policy(Box::new(drop)), "DROP POLICY"))
    }

    /// `TO roles USING (..) WITH CHECK (..)`.
    fn policy_parts(&mut self) -> Result<(Vec<String>, Option<Expression>, Option<Expression>)> {
        let roles =
            if self.accept("to") { self.comma_separated(Self::role_name)? } else { Vec::new() };
        let using =
            if self.accept("using") { Some(self.expression_in_parentheses()?) } else { None };
        let check = if self.accept_all("with check") {
            Some(self.expression_in_parentheses()?)
        } else {
            None
        };
        Ok((roles, using, check))
    }

    /// `ENABLE ROW LEVEL SECURITY` and its kin, if they come next.
    pub(super) fn row_security(&mut self) -> Option<RowSecurity> {
        const FORMS: [(&str, RowSecurity); 4] = [
            ("enable", RowSecurity::Enabled(true)),
            ("disable", RowSecurity::Enabled(false)),
            ("force", RowSecurity::Forced(true)),
            ("no force", RowSecurity::Forced(false)),
        ];
        let form =
            FORMS.iter().find(|(words, _)| self.accept_all(&format!("{words} row level security")));
        form.map(|(_, form)| *form)
    }
}

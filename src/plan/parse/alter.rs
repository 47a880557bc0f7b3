//! `ALTER TABLE` with all its actions, and what `ALTER` does to any object.

use super::cursor::Cursor;
use super::dispatch::Tagged;
use super::token::{Kind, Symbol};
use crate::base::{Result, SqlState};
use crate::plan::Name;
use crate::plan::statement::{
    AlterAction, AlterObject, AlterTable, Generated, ObjectAction, ObjectKind, SequenceOptions,
    Statement, Triggers,
};

impl Cursor<'_> {
    /// `ALTER ..`.
    pub(super) fn alter(&mut self) -> Result<Tagged> {
        self.expect("alter")?;
        if self.accept("table") {
            return self.alter_table();
        }
        if self.is("role") || self.is("group") || (self.is("user") && !self.is_ahead(1, "mapping"))
        {
            return self.alter_role();
        }
        if self.is("database") {
            return self.alter_database();
        }
        if self.is("policy") {
            return self.alter_policy();
        }
        if self.is("type") {
            return self.alter_type();
        }
        if self.is("domain") {
            return self.alter_domain();
        }
        if self.is("function") {
            return self.alter_function();
        }
        if self.is_all("default privileges") {
            return self.alter_default_privileges();
        }
        let (kind, tag) = if self.accept("view") {
            (ObjectKind::View, "ALTER VIEW")
        } else if self.accept_all("materialized view") {
            (ObjectKind::MaterializedView, "ALTER MATERIALIZED VIEW")
        } else if self.accept("sequence") {
            (ObjectKind::Sequence, "ALTER SEQUENCE")
        } else if self.accept("index") {
            (ObjectKind::Index, "ALTER INDEX")
        } else if self.accept("schema") {
            (ObjectKind::Schema, "ALTER SCHEMA")
        } else if self.accept("extension") {
            (ObjectKind::Extension, "ALTER EXTENSION")
        } else {
            const OTHERS: &[&str] = &[
                "aggregate",
                "collation",
                "conversion",
                "event",
                "foreign",
                "language",
                "large",
                "operator",
                "procedure",
                "publication",
                "routine",
                "rule",
                "server",
                "statistics",
                "subscription",
                "system",
                "tablespace",
                "text",
                "trigger",
                "user",
            ];
            if OTHERS.iter().any(|word| self.is(word)) {
                return Err(self.unsupported_statement());
            }
            return Err(self.unexpected());
        };
        let if_exists = self.if_exists();
        let name = if matches!(kind, ObjectKind::Schema | ObjectKind::Extension) {
            Name::bare(self.identifier()?)
        } else {
            self.qualified_name()?
        };
        if let Some(action) = self.object_action(kind)? {
            let alter = AlterObject { kind, name, if_exists, action };
            return Ok((Statement::AlterObject(alter), tag));
        }
        match kind {
            ObjectKind::Sequence => self.alter_sequence(name, if_exists),
            // `ALTER VIEW .. ALTER COLUMN .. SET DEFAULT`, `RENAME COLUMN`.
            ObjectKind::View | ObjectKind::MaterializedView => {
                let actions = self.table_actions(&name)?;
                let alter = AlterTable { table: name, if_exists, actions };
                Ok((Statement::AlterTable(alter), tag))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Where an object is and whose, if that comes next.
    pub(super) fn naming_action(&mut self) -> Result<Option<ObjectAction>> {
        Ok(if self.accept_all("rename to") {
            Some(ObjectAction::RenameTo(self.identifier()?))
        } else if self.accept_all("owner to") {
            Some(ObjectAction::OwnerTo(self.role_name()?))
        } else if self.accept_all("set schema") {
            Some(ObjectAction::SetSchema(self.identifier()?))
        } else {
            None
        })
    }

    /// What any object has, if it comes next.
    fn object_action(&mut self, kind: ObjectKind) -> Result<Option<ObjectAction>> {
        let action = if let Some(action) = self.naming_action()? {
            action
        } else if kind == ObjectKind::Extension && self.accept("update") {
            let version = if self.accept("to") { Some(self.option_value()?) } else { None };
            ObjectAction::Update(version)
        } else if self.accept_all("set tablespace") {
            self.identifier()?;
            ObjectAction::Nothing
        } else if self.accept_all("set logged") || self.accept_all("set unlogged") {
            ObjectAction::Nothing
        } else if self.is("set") && self.peek_ahead(1).kind == Kind::Symbol(Symbol::LeftParen) {
            self.advance();
            ObjectAction::SetOptions(self.storage_options()?)
        } else if self.is("reset") && self.peek_ahead(1).kind == Kind::Symbol(Symbol::LeftParen) {
            self.advance();
            ObjectAction::ResetOptions(self.parenthesized(Self::option_name)?)
        } else {
            return Ok(None);
        };
        Ok(Some(action))
    }

    /// What follows `ALTER TABLE`.
    fn alter_table(&mut self) -> Result<Tagged> {
        if self.is_all("all in") {
            return Err(self.unsupported_statement());
        }
        let if_exists = self.if_exists();
        self.accept("only");
        let table = self.qualified_name()?;
        self.accept_operator("*");
        let actions = self.table_actions(&table)?;
        let alter = AlterTable { table, if_exists, actions };
        Ok((Statement::AlterTable(alter), "ALTER TABLE"))
    }

    fn table_actions(&mut self, table: &Name) -> Result<Vec<AlterAction>> {
        // These stand alone.
        if self.accept("rename") {
            return Ok(vec![self.rename_action()?]);
        }
        if self.accept_all("set schema") {
            return Ok(vec![AlterAction::SetSchema(self.identifier()?)]);
        }
        if self.is_all("attach partition") || self.is_all("detach partition") {
            return Err(self.unsupported_statement());
        }
        self.comma_separated(|cursor| cursor.table_action(table))
    }

    /// What follows `RENAME`.
    fn rename_action(&mut self) -> Result<AlterAction> {
        if self.accept("to") {
            return Ok(AlterAction::RenameTable(self.identifier()?));
        }
        if self.accept("constraint") {
            let from = self.identifier()?;
            self.expect("to")?;
            return Ok(AlterAction::RenameConstraint { from, to: self.identifier()? });
        }
        self.accept("column");
        let from = self.identifier()?;
        self.expect("to")?;
        Ok(AlterAction::RenameColumn { from, to: self.identifier()? })
    }

    fn table_action(&mut self, table: &Name) -> Result<AlterAction> {
        if self.accept("add") {
            if let Some(constraint) = self.table_constraint()? {
                return Ok(AlterAction::AddConstraint(constraint));
            }
            self.accept("column");
            let if_not_exists = self.if_not_exists();
            let column = Box::new(self.column_definition(table)?);
            return Ok(AlterAction::AddColumn { column, if_not_exists });
        }
        if self.accept("drop") {
            let constraint = self.accept("constraint");
            if !constraint {
                self.accept("column");
            }
            let if_exists = self.if_exists();
            let name = self.identifier()?;
            let cascade = self.cascade();
            return Ok(if constraint {
                AlterAction::DropConstraint { name, if_exists, cascade }
            } else {
                AlterAction::DropColumn { column: name, if_exists, cascade }
            });
        }
        if self.accept("alter") {
            if self.accept("constraint") {
                return Err(self.unsupported_statement());
            }
            self.accept("column");
            let column = self.identifier()?;
            return self.column_action(column);
        }
        if self.accept_all("validate constraint") {
            return Ok(AlterAction::ValidateConstraint(self.identifier()?));
        }
        if self.accept_all("owner to") {
            return Ok(AlterAction::OwnerTo(self.role_name()?));
        }
        self.table_storage_action()
    }

    /// What changes how a table is kept: mostly nothing to do.
    fn table_storage_action(&mut self) -> Result<AlterAction> {
        if self.is("set") && self.peek_ahead(1).kind == Kind::Symbol(Symbol::LeftParen) {
            self.advance();
            return Ok(AlterAction::SetOptions(self.storage_options()?));
        }
        if self.is("reset") && self.peek_ahead(1).kind == Kind::Symbol(Symbol::LeftParen) {
            self.advance();
            return Ok(AlterAction::ResetOptions(self.parenthesized(Self::option_name)?));
        }
        if self.accept_all("cluster on") {
            self.identifier()?;
            return Ok(AlterAction::Nothing);
        }
        if self.accept_all("replica identity") {
            if self.accept_all("using index") {
                self.identifier()?;
            } else if self.accept_any(&["full", "default", "nothing"]).is_none() {
                return Err(self.unexpected());
            }
            return Ok(AlterAction::Nothing);
        }
        if self.accept_all("set tablespace") || self.accept_all("set access method") {
            self.label()?;
            return Ok(AlterAction::Nothing);
        }
        for words in ["set logged", "set unlogged", "set without cluster", "set without oids"] {
            if self.accept_all(words) {
                return Ok(AlterAction::Nothing);
            }
        }
        if let Some(change) = self.row_security() {
            return Ok(AlterAction::RowSecurity(change));
        }
        if let Some(action) = self.triggers()? {
            return Ok(action);
        }
        let others = ["enable", "disable", "inherit", "no", "of", "not", "force"];
        if others.iter().any(|word| self.is(word)) {
            return Err(self.unsupported_statement());
        }
        Err(self.unexpected())
    }

    /// `ENABLE [REPLICA | ALWAYS] TRIGGER ..`, `DISABLE TRIGGER ..`, if one comes next.
    fn triggers(&mut self) -> Result<Option<AlterAction>> {
        const FORMS: [(&str, bool); 4] = [
            ("enable trigger", true),
            ("enable replica trigger", true),
            ("enable always trigger", true),
            ("disable trigger", false),
        ];
        let form = FORMS.iter().find(|(words, _)| self.accept_all(words));
        let Some((_, enabled)) = form else { return Ok(None) };
        let which = match self.accept_any(&["all", "user"]) {
            Some("all") => Triggers::All,
            Some(_) => Triggers::User,
            None => Triggers::Named(self.identifier()?),
        };
        Ok(Some(AlterAction::Triggers { enabled: *enabled, which }))
    }

    /// What follows `ALTER COLUMN name`.
    fn column_action(&mut self, column: String) -> Result<AlterAction> {
        if self.accept_all("set default") {
            return Ok(AlterAction::SetDefault { column, default: self.expression()? });
        }
        if self.accept_all("drop default") {
            return Ok(AlterAction::DropDefault { column });
        }
        if self.accept_all("set not null") {
            return Ok(AlterAction::SetNotNull { column, not_null: true });
        }
        if self.accept_all("drop not null") {
            return Ok(AlterAction::SetNotNull { column, not_null: false });
        }
        if self.accept_all("set data type") || self.accept("type") {
            let ty = self.type_name()?;
            if self.accept("collate") {
                self.qualified_collation()?;
            }
            let using = if self.accept("using") { Some(self.expression()?) } else { None };
            return Ok(AlterAction::SetType { column, ty, using });
        }
        if self.accept_all("add generated") {
            let generated = self.generated_when()?;
            self.expect("as")?;
            let identity = self.identity(generated)?;
            return Ok(AlterAction::AddIdentity { column, identity });
        }
        if self.accept_all("drop identity") {
            return Ok(AlterAction::DropIdentity { column, if_exists: self.if_exists() });
        }
        if self.accept_all("drop expression") {
            return Ok(AlterAction::DropExpression { column, if_exists: self.if_exists() });
        }
        if self.is_all("set expression") {
            return Err(self.unsupported_statement());
        }
        if self.accept_all("set statistics") {
            if !self.accept("default") {
                self.integer()?;
            }
            return Ok(AlterAction::Nothing);
        }
        if self.accept_all("set storage") || self.accept_all("set compression") {
            self.label()?;
            return Ok(AlterAction::Nothing);
        }
        for word in ["set", "reset"] {
            if self.is(word) && self.peek_ahead(1).kind == Kind::Symbol(Symbol::LeftParen) {
                self.advance();
                self.storage_options()?;
                return Ok(AlterAction::Nothing);
            }
        }
        self.identity_action(column)
    }

    /// `SET GENERATED ..`, `SET sequence option`, `RESTART`.
    fn identity_action(&mut self, column: String) -> Result<AlterAction> {
        let start = self.at;
        let mut generated: Option<Generated> = None;
        let mut options = SequenceOptions::default();
        loop {
            let at = self.at;
            if self.is("restart") {
                self.sequence_option(&mut options)?;
            } else if self.accept("set") {
                if self.accept("generated") {
                    if generated.replace(self.generated_when()?).is_some() {
                        let message = "conflicting or redundant options";
                        return Err(self.error_at(at, SqlState::SYNTAX_ERROR, message));
                    }
                } else if !self.sequence_option(&mut options)? {
                    return Err(self.unexpected());
                }
            } else if self.at == start {
                return Err(self.unexpected());
            } else {
                return Ok(AlterAction::SetIdentity { column, generated, options });
            }
        }
    }
}

//! `SET`, `RESET`, `SHOW`, `DISCARD`.

use super::cursor::Cursor;
use super::dispatch::Tagged;
use super::role::set;
use super::token::{Kind, Symbol};
use crate::base::Result;
use crate::plan::statement::{Discard, SetScope, SetValue, Statement};

fn value(text: impl Into<String>) -> SetValue {
    SetValue::Values(vec![text.into()])
}

impl Cursor<'_> {
    /// `SET ..`.
    pub(super) fn set(&mut self) -> Result<Tagged> {
        self.expect("set")?;
        if self.is("transaction") {
            return self.set_transaction(false);
        }
        if self.is_all("session characteristics") {
            self.expect("session characteristics as")?;
            return self.set_transaction(true);
        }
        if self.is("constraints") {
            return self.set_constraints();
        }
        // `SET SESSION AUTHORIZATION` is a setting, not a scope.
        let mut scope = SetScope::Session;
        if self.is("local") {
            self.advance();
            scope = SetScope::Local;
        } else if self.is("session") && !self.is_ahead(1, "authorization") {
            self.advance();
        }
        Ok((self.setting(scope)?, "SET"))
    }

    /// What follows `SET [LOCAL]`.
    pub(super) fn setting(&mut self, scope: SetScope) -> Result<Statement> {
        if self.accept_all("time zone") {
            let zone = self.time_zone()?;
            return Ok(set(scope, "TimeZone", zone));
        }
        if self.accept_all("session authorization") {
            let role = self.role_or("default")?;
            return Ok(set(scope, "session_authorization", role));
        }
        let assigned = matches!(self.peek_ahead(1).kind, Kind::Operator) || self.is_ahead(1, "to");
        if self.is("role") && !assigned {
            self.advance();
            let role = self.role_or("none")?;
            return Ok(set(scope, "role", role));
        }
        if self.is("names") && !assigned {
            self.advance();
            let encoding = if self.at_end() || self.accept("default") {
                SetValue::Default
            } else {
                value(self.string()?)
            };
            return Ok(set(scope, "client_encoding", encoding));
        }
        if self.is("schema") && !assigned {
            self.advance();
            let schema = value(self.string()?);
            return Ok(set(scope, "search_path", schema));
        }
        if self.accept_all("xml option") {
            let option = value(self.label()?);
            return Ok(set(scope, "xmloption", option));
        }
        let name = self.setting_name()?;
        if self.accept_all("from current") {
            return Ok(set(scope, &name, SetValue::Current));
        }
        if !self.accept("to") && !self.accept_operator("=") {
            return Err(self.unexpected());
        }
        let value = if self.accept("default") {
            SetValue::Default
        } else {
            SetValue::Values(self.comma_separated(Self::setting_value)?)
        };
        Ok(set(scope, &name, value))
    }

    /// `name`, `extension.name`, in lower case.
    fn setting_name(&mut self) -> Result<String> {
        let mut name = self.identifier()?;
        while self.accept_symbol(Symbol::Dot) {
            name = format!("{name}.{}", self.identifier()?);
        }
        name.make_ascii_lowercase();
        Ok(name)
    }

    /// A setting's name for SHOW and RESET, where some have names of several words.
    pub(super) fn special_setting_name(&mut self, reset: bool) -> Result<String> {
        if self.accept_all("time zone") {
            return Ok("TimeZone".to_owned());
        }
        if self.accept_all("session authorization") {
            return Ok("session_authorization".to_owned());
        }
        if self.accept_all("transaction isolation level") {
            return Ok("transaction_isolation".to_owned());
        }
        if reset && self.is("role") {
            self.advance();
            return Ok("role".to_owned());
        }
        self.setting_name()
    }

    /// One value: a word, string or number.
    fn setting_value(&mut self) -> Result<String> {
        if self.is_string() {
            return self.string();
        }
        match self.peek().kind {
            Kind::Number | Kind::Operator => self.signed_number(),
            Kind::Word if ["true", "false", "on"].iter().any(|word| self.is(word)) => self.label(),
            _ => self.non_reserved(),
        }
    }

    /// A role's name, a string, or the word that takes it back.
    fn role_or(&mut self, default: &str) -> Result<SetValue> {
        if self.accept(default) {
            return Ok(if default == "default" { SetValue::Default } else { value(default) });
        }
        Ok(value(if self.is_string() { self.string()? } else { self.non_reserved()? }))
    }

    /// What follows `SET TIME ZONE`.
    fn time_zone(&mut self) -> Result<SetValue> {
        if self.accept("default") || self.accept("local") {
            return Ok(SetValue::Default);
        }
        if self.accept("interval") {
            let offset = self.string()?;
            if self.accept("hour") && self.accept("to") {
                self.expect("minute")?;
            }
            return Ok(value(offset));
        }
        Ok(value(self.setting_value()?))
    }

    /// `RESET ..`.
    pub(super) fn reset(&mut self) -> Result<Tagged> {
        self.expect("reset")?;
        Ok((Statement::Reset(self.reset_name()?), "RESET"))
    }

    /// `SHOW ..`.
    pub(super) fn show(&mut self) -> Result<Tagged> {
        self.expect("show")?;
        let name = if self.accept("all") { None } else { Some(self.special_setting_name(false)?) };
        Ok((Statement::Show(name), "SHOW"))
    }

    /// `DISCARD ..`.
    pub(super) fn discard(&mut self) -> Result<Tagged> {
        self.expect("discard")?;
        let (discard, tag) =
            match self.accept_any(&["all", "plans", "sequences", "temp", "temporary"]) {
                Some("all") => (Discard::All, "DISCARD ALL"),
                Some("plans") => (Discard::Plans, "DISCARD PLANS"),
                Some("sequences") => (Discard::Sequences, "DISCARD SEQUENCES"),
                Some(_) => (Discard::Temporary, "DISCARD TEMP"),
                None => return Err(self.unexpected()),
            };
        Ok((Statement::Discard(discard), tag))
    }
}

//! Types that users define: `CREATE TYPE`, `ALTER TYPE`, and where an expression names types.

use super::cursor::Cursor;
use super::dispatch::Tagged;
use super::token::{Kind, Symbol};
use super::value;
use crate::base::{Result, SqlState};
use crate::plan::statement::{
    AlterEnum, AlterObject, CreateEnum, EnumAction, EnumPlace, ObjectKind, Statement,
};
use crate::plan::type_name::UserTypeName;
use crate::plan::{Name, TypeName};

impl Cursor<'_> {
    /// The name of a type, with its modifiers: what no type is called like may be a user's.
    pub(super) fn type_name(&mut self) -> Result<TypeName> {
        let start = *self;
        match self.data_type() {
            Err(error) if error.code() == SqlState::UNDEFINED_OBJECT => {
                *self = start;
                self.user_type_name().map(TypeName::User)
            }
            known => known.map(TypeName::Known),
        }
    }

    fn user_type_name(&mut self) -> Result<UserTypeName> {
        let start = self.at;
        let mut parts = vec![self.type_or_function_or_schema()?];
        while self.accept_symbol(Symbol::Dot) {
            parts.push(self.label()?);
        }
        let name = self.name_of(parts, start)?;
        if self.is_symbol(Symbol::LeftParen) {
            let message = format!("type modifier is not allowed for type \"{name}\"");
            return Err(self.error_at(start, SqlState::SYNTAX_ERROR, message));
        }
        let array = self.brackets()?;
        Ok(UserTypeName { name, array, position: self.position(start) })
    }

    /// What follows `CREATE`.
    pub(super) fn create_type(&mut self) -> Result<Tagged> {
        self.expect("type")?;
        let name = self.qualified_name()?;
        if !self.is_all("as enum") {
            return Err(self
                .error_at(
                    self.at,
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "CREATE TYPE is supported for enums only",
                )
                .with_hint("CREATE TYPE name AS ENUM ('label', ...)"));
        }
        self.expect("as enum")?;
        self.expect_symbol(Symbol::LeftParen)?;
        let labels = match self.is_symbol(Symbol::RightParen) {
            true => Vec::new(),
            false => self.comma_separated(Self::string)?,
        };
        self.expect_symbol(Symbol::RightParen)?;
        Ok((Statement::CreateEnum(CreateEnum { name, labels }), "CREATE TYPE"))
    }

    /// What follows `ALTER`.
    pub(super) fn alter_type(&mut self) -> Result<Tagged> {
        const TAG: &str = "ALTER TYPE";
        self.expect("type")?;
        let name = self.qualified_name()?;
        let action = if self.accept_all("add value") {
            let if_not_exists = self.if_not_exists();
            let label = self.string()?;
            let place = match self.accept_any(&["before", "after"]) {
                Some("before") => Some(EnumPlace::Before(self.string()?)),
                Some(_) => Some(EnumPlace::After(self.string()?)),
                None => None,
            };
            EnumAction::Add { label, if_not_exists, place }
        } else if self.accept_all("rename value") {
            let from = self.string()?;
            self.expect("to")?;
            EnumAction::Rename { from, to: self.string()? }
        } else {
            let Some(action) = self.naming_action()? else {
                return Err(self.unsupported_statement());
            };
            let kind = ObjectKind::Type;
            let alter = AlterObject { kind, name, if_exists: false, action };
            return Ok((Statement::AlterObject(alter), TAG));
        };
        Ok((Statement::AlterEnum(AlterEnum { name, action }), TAG))
    }

    /// The types that the tokens up to the end name, by where they stand in the text: after `::`,
    /// and after the `AS` of a `CAST`.
    pub(super) fn types_named(&mut self) -> Vec<(std::ops::Range<usize>, Name)> {
        let mut found = Vec::new();
        // For each open bracket, whether it is that of a CAST.
        let mut casts = Vec::new();
        while self.peek().kind != Kind::End {
            let before = *self;
            self.advance();
            match before.peek().kind {
                Kind::Symbol(Symbol::LeftParen) => {
                    let at = before.at.checked_sub(1);
                    let word = at.map(|at| before.source.tokens.tokens[at]);
                    casts.push(word.is_some_and(|word| {
                        word.kind == Kind::Word && self.text(word).eq_ignore_ascii_case("cast")
                    }));
                }
                Kind::Symbol(Symbol::RightParen) => {
                    casts.pop();
                }
                Kind::Symbol(Symbol::Cast) => self.note_type(&mut found),
                Kind::Word if before.is("as") && casts.last() == Some(&true) => {
                    self.note_type(&mut found);
                }
                _ => {}
            }
        }
        found
    }

    fn note_type(&mut self, found: &mut Vec<(std::ops::Range<usize>, Name)>) {
        let first = self.peek();
        let mut parts = Vec::new();
        let end = loop {
            let token = self.peek();
            if !matches!(token.kind, Kind::Word | Kind::QuotedWord | Kind::UnicodeWord) {
                return;
            }
            let Ok(part) = value::identifier(token.kind, self.text(token)) else { return };
            parts.push(part);
            self.advance();
            if !self.accept_symbol(Symbol::Dot) {
                break token.end;
            }
        };
        let name = match (parts.pop(), parts.pop()) {
            (Some(name), Some(schema)) => Name::qualified(schema, name),
            (Some(name), None) => Name::bare(name),
            (None, _) => return,
        };
        found.push((first.start as usize..end as usize, name));
    }
}

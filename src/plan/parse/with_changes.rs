//! `WITH name AS (INSERT ..)`: lists whose members change rows. Those are read as the statements
//! that they are; sqlparser reads the others, one by one.

use sqlparser::ast::{self, helpers::attached_token::AttachedToken};
use sqlparser::parser::Parser;

use super::cursor::Cursor;
use super::dispatch::Tagged;
use super::token::{Kind, Symbol};
use crate::base::{Result, SqlState};
use crate::plan::statement::{NamedChange, Statement, WithChanges};

const CHANGES: [&str; 4] = ["insert", "update", "delete", "merge"];

impl Cursor<'_> {
    /// Whether a member of the list up to `end` changes rows.
    pub(super) fn changes_rows(&self, end: usize) -> bool {
        let mut ahead = *self;
        let mut depth = 0_usize;
        while ahead.at < end {
            match ahead.peek().kind {
                Kind::Symbol(Symbol::LeftParen) => {
                    let body = depth == 0 && CHANGES.iter().any(|word| ahead.is_ahead(1, word));
                    // `(insert, update)` names columns.
                    let named = matches!(
                        ahead.peek_ahead(2).kind,
                        Kind::Symbol(Symbol::Comma | Symbol::RightParen)
                    );
                    if body && !named {
                        return true;
                    }
                    depth += 1;
                }
                Kind::Symbol(Symbol::RightParen) => depth = depth.saturating_sub(1),
                _ => {}
            }
            ahead.at += 1;
        }
        false
    }

    /// The list up to `end`, and the statement behind it.
    pub(super) fn with_changes(&mut self, end: usize) -> Result<Tagged> {
        self.expect("with")?;
        let recursive = self.accept("recursive");
        let mut changes = Vec::new();
        let mut plain = Vec::new();
        let with = |plain: &[ast::Cte]| {
            let (with_token, cte_tables) = (AttachedToken::empty(), plain.to_vec());
            let with = ast::With { with_token, recursive, cte_tables };
            (!plain.is_empty()).then(|| Box::new(with))
        };
        loop {
            match self.named_change(with(&plain))? {
                Some(change) => changes.push(change),
                None => {
                    let end = self.end_of_member(end);
                    plain.push(self.delegate(end, Parser::parse_cte)?);
                }
            }
            if !self.accept_symbol(Symbol::Comma) {
                break;
            }
        }
        let with = with(&plain);
        let (main, tag) = if CHANGES.iter().any(|word| self.is(word)) {
            self.changing(with)?
        } else {
            let mut query = self.query()?;
            if query.ast.with.is_some() {
                return Err(self.unexpected());
            }
            query.ast.with = with.map(|with| *with);
            (Statement::Query(query), "SELECT")
        };
        Ok((Statement::WithChanges(Box::new(WithChanges { changes, main })), tag))
    }

    /// A member of the list that changes rows, if one comes next; `with` is what stands before it.
    fn named_change(&mut self, with: Option<Box<ast::With>>) -> Result<Option<NamedChange>> {
        let start = *self;
        let name = self.identifier()?;
        let columns = self.optional_columns()?.unwrap_or_default();
        self.expect("as")?;
        let materialized = self.accept_all("not materialized") || self.accept("materialized");
        if !self.accept_symbol(Symbol::LeftParen) {
            return Err(self.unexpected());
        }
        if !CHANGES.iter().any(|word| self.is(word)) {
            *self = start;
            return Ok(None);
        }
        if materialized {
            let message = "MATERIALIZED of a change of rows is not supported";
            return Err(self.error_at(self.at, SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let (statement, _) = self.changing(with)?;
        self.expect_symbol(Symbol::RightParen)?;
        Ok(Some(NamedChange { name, columns, statement }))
    }

    fn changing(&mut self, with: Option<Box<ast::With>>) -> Result<Tagged> {
        if self.is("insert") {
            self.insert(with)
        } else if self.is("update") {
            self.update(with)
        } else if self.is("delete") {
            self.delete(with)
        } else {
            self.merge(with)
        }
    }

    /// Where the member that comes next ends: behind the parenthesis that closes its query.
    fn end_of_member(&self, end: usize) -> usize {
        let mut ahead = *self;
        let mut depth = 0_usize;
        while ahead.at < end {
            match ahead.peek().kind {
                Kind::Symbol(Symbol::LeftParen) => depth += 1,
                Kind::Symbol(Symbol::RightParen) => depth = depth.saturating_sub(1),
                Kind::Symbol(Symbol::Comma) if depth == 0 => return ahead.at,
                _ => {}
            }
            ahead.at += 1;
        }
        end
    }
}
